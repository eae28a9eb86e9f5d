// Package operation is where a decoded request meets a use case in a given unit
// of work: one operation of an HTTP request, all operations of a change set, a
// step of a flow.
//
// Size: each function or action is declared and done in one place, a subject a file, and
// the executor that all of them hang on knows each use case once.
//
// Invariant: operations that are done together are written in one commit or not
// at all.
package operation

import (
	"context"
	"errors"
	"maps"
	"slices"

	"segue/internal/entity"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/backfill"
	"segue/internal/sales/connection"
	"segue/internal/sales/deletion"
	"segue/internal/sales/health"
	"segue/internal/sales/migration"
	"segue/internal/sales/pipeline"
	"segue/internal/sales/preview"
	"segue/internal/sales/principal"
	"segue/internal/sales/progress"
	"segue/internal/sales/segmentation"
	"segue/internal/sales/setting"
	"segue/internal/sales/simulation"
	"segue/internal/sales/statistics"
	"segue/internal/sales/worklist"
	"segue/internal/sales/workqueue"
	"segue/internal/schema"
)

// Operation is a decoded request that writes: a [Create], [Update], [Delete], [Unlink],
// [BulkDelete] or [Action].
type Operation interface {
	run(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, out *Outcome) error
}

// Create makes a row.
type Create struct {
	Table, ID string // ID "": one is made
	Values    map[string]schema.Value
	Links     Links
}

// Update changes a row, or makes it if If allows that.
type Update struct {
	Ref    rows.Ref
	Key    *rows.KeyRef // names the row in place of Ref; nil for none
	Values map[string]schema.Value
	Links  Links
	If     entity.If
	NewID  string // of a row that is made because none has the key; "": one is made
}

// Delete removes a row.
type Delete struct {
	Ref rows.Ref
	Key *rows.KeyRef // names the row in place of Ref; nil for none
	If  entity.If
}

// Unlink clears a lookup of a row that points at another one.
type Unlink struct {
	Of     Target
	Column string
	From   Target // what the lookup points at
	If     entity.If
}

// Action calls a declared action by its name; see [Declared].
type Action struct {
	Name  string
	On    rows.Ref // the row that the action is bound to
	Given call.Arguments
}

// Outcome is what an operation came to; fields that it does not speak of are
// zero.
type Outcome struct {
	Row     *rows.Row // of a create or update, as it was written
	Created bool      // the row was not there before
	Answer  Answer    // of an action
}

// Executor runs operations by the use cases of the domain.
type Executor struct {
	DB          *rows.DB
	Settings    *setting.Settings
	Entities    *entity.Entities
	Sequences   *authoring.Sequences
	Migration   *migration.Migration
	Statistics  *statistics.Statistics
	Connections *connection.Connections
	Principals  *principal.Directory
	Pipeline    *pipeline.Pipeline
	Redriver    Redriver
	Eraser      Eraser
	Mailing     Mailing
	Deletion    *deletion.Deletion
	Backfill    *backfill.Backfill
	Simulation  *simulation.Simulation
	Previews    *preview.Previews
	Rehearse    Rehearse // nil where tests of sequences are not carried out
	Progress    *progress.Progress
	Queues      *workqueue.Queues
	Worklist    *worklist.Worklist
	Segments    *segmentation.Segmentation
	Health      *health.Monitor
	Quotas      func(context.Context) ([]sales.Quota, error) // the limits of which people are told how much is used
}

// MaxCreates is how many rows are created together at most. What the rules of a table
// write beside its rows counts for the store, which takes 100 items in a commit.
const MaxCreates = 50

// RefusedError says which of several operations was refused.
type RefusedError struct {
	Index int // of the operation
	Err   error
}

// Error is the text of the refusal.
func (e *RefusedError) Error() string { return e.Err.Error() }

// Unwrap returns the refusal.
func (e *RefusedError) Unwrap() error { return e.Err }

// Do runs operations in their order in one unit of work of their own. The first
// that is refused refuses all, by a [RefusedError]; then nothing is written.
func (e Executor) Do(ctx context.Context, c sales.Caller, ops ...Operation) ([]Outcome, error) {
	ops = e.Identified(ops) // the ids are the same in each try: a try whose response got lost may have been applied
	outcomes := make([]Outcome, len(ops))
	err := e.DB.DoBy(ctx, c.By(), func(tx *rows.Tx) error {
		for i, op := range ops {
			var err error
			if outcomes[i], err = e.In(ctx, tx, c, op); err != nil {
				return &RefusedError{i, err}
			}
		}
		return nil
	})
	if err != nil {
		return nil, sales.Public(blamed(outcomes, err))
	}
	return outcomes, nil
}

// blamed says which operation an error of the commit is about, where it tells the row.
func blamed(outcomes []Outcome, err error) error {
	taken, ok := errors.AsType[*rows.DuplicateKeyError](err)
	if !ok {
		return err
	}
	for i, out := range outcomes {
		if out.Row != nil && out.Row.Ref() == taken.Ref {
			return &RefusedError{i, sales.Public(err)}
		}
	}
	return err
}

// Identified returns operations in which each row that is to be made has an id.
func (e Executor) Identified(ops []Operation) []Operation {
	ops = slices.Clone(ops)
	for i, op := range ops {
		switch op := op.(type) {
		case Create:
			if op.ID == "" {
				op.ID = e.Entities.NewID(op.Table, op.Values)
				ops[i] = op
			}
		case Update:
			if op.Key != nil && op.NewID == "" {
				op.NewID = e.Entities.NewID(op.Key.Table, op.filled())
				ops[i] = op
			}
		}
	}
	return ops
}

// In runs an operation in a unit of work that somebody else commits, and that
// may be tried several times.
func (e Executor) In(ctx context.Context, tx *rows.Tx, c sales.Caller, op Operation) (Outcome, error) {
	var out Outcome
	err := op.run(ctx, tx, e, c, &out)
	return out, err
}

func (o Create) run(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, out *Outcome) error {
	values, err := o.Links.resolve(ctx, tx, e, c, o.Values)
	if err != nil {
		return err
	}
	out.Created = true
	out.Row, err = e.Entities.CreateIn(ctx, tx, c, o.Table, o.ID, values)
	return err
}

func (o Update) run(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, out *Outcome) error {
	values, err := o.Links.resolve(ctx, tx, e, c, o.Values)
	if err != nil {
		return err
	}
	o.Values = values
	if o.Key == nil {
		out.Row, out.Created, err = e.Entities.UpdateIn(ctx, tx, c, o.Ref, o.Values, o.If)
		return err
	}
	ref, ok, err := e.Entities.FindIn(ctx, tx, c, *o.Key)
	switch {
	case err != nil:
		return err
	case ok:
		out.Row, _, err = e.Entities.UpdateIn(ctx, tx, c, ref, o.withoutKey(), o.If)
		return err
	case o.If.Exists || o.If.Version != 0:
		return entity.NoKey(*o.Key)
	}
	return Create{Table: o.Key.Table, ID: o.NewID, Values: o.filled()}.run(ctx, tx, e, c, out)
}

// filled returns the values of a row that is made because none has the key: they are those
// of the key too.
func (o Update) filled() map[string]schema.Value {
	values := maps.Clone(o.Values)
	if values == nil {
		values = map[string]schema.Value{}
	}
	maps.Copy(values, o.Key.Values)
	return values
}

// withoutKey returns the values for a row that has the key: those of its columns are not
// changed by what names the row.
func (o Update) withoutKey() map[string]schema.Value {
	values := maps.Clone(o.Values)
	maps.DeleteFunc(values, func(column string, _ schema.Value) bool {
		_, inKey := o.Key.Values[column]
		return inKey
	})
	return values
}

func (o Delete) run(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, _ *Outcome) error {
	ref, err := Target{o.Ref, o.Key}.find(ctx, tx, e, c)
	if err != nil {
		return err
	}
	return e.Entities.DeleteIn(ctx, tx, c, ref, o.If)
}

func (o Unlink) run(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, out *Outcome) error {
	ref, err := o.Of.find(ctx, tx, e, c)
	if err != nil {
		return err
	}
	from, err := o.From.find(ctx, tx, e, c)
	if err != nil {
		return err
	}
	row, err := e.Entities.RetrieveIn(ctx, tx, c, ref)
	if err != nil {
		return err
	}
	if row.Lookup(o.Column) != (schema.Lookup{Table: from.Table, ID: from.ID}) {
		return sales.Refuse(sales.NotFound, "%s of %v does not point at %v", o.Column, ref, from)
	}
	out.Row, _, err = e.Entities.UpdateIn(ctx, tx, c, ref, map[string]schema.Value{o.Column: schema.Null()}, o.If)
	return err
}

func (o Action) run(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, out *Outcome) (err error) {
	declared, err := find(call.Action, o.Name, o.On)
	if err != nil {
		return err
	}
	if err := declared.Check(o.Given); err != nil {
		return sales.Refuse(sales.Invalid, "%v", err)
	}
	out.Answer, err = declared.run(ctx, tx, e, c, o.On, o.Given)
	return err
}
