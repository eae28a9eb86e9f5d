// Package migration takes connections over from older versions of a sequence to the one in
// use, each at the step that it is at. Nothing else does: a connection stays on the version
// that it began with (docs/domain.md §5.1).
//
// What is asked for is checked as a whole before anything is written: a map that names
// unknown steps or steps of other types is refused, and so are steps at which connections
// stand and that have no place in the new version.
//
// Invariant: a connection goes over in one transaction with its open step, under the version
// of both that were read, and keeps its step, its owner and the time when it is due. A repeat
// finds it gone over and changes nothing.
package migration

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/principal"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Kind is the kind of the jobs that migrate, or count what would.
const Kind = "migration"

// liveIndex is the index of the live targets of a sequence.
const liveIndex = "live"

// MaxCounted is how many connections a preview counts in the request; more are counted by a
// job.
const MaxCounted = 1000

// Migration is the use cases of migrating. It is safe for concurrent use.
type Migration struct {
	db         *rows.DB
	lists      *query.Reader
	principals *principal.Directory
	sequences  *authoring.Sequences
	newID      func() string
}

// New returns the use cases on the connections in db; newID makes the ids of jobs.
func New(db *rows.DB, principals *principal.Directory, sequences *authoring.Sequences, newID func() string) *Migration {
	return &Migration{db, query.New(db), principals, sequences, newID}
}

// Request is what is asked for.
type Request struct {
	Sequence name.SequenceID
	Versions []int64                             // that connections go over from; none: all older ones
	Moved    map[sequence.StepID]sequence.StepID // steps of theirs that have another id in the version in use
	Preview  bool                                // only count
}

// Step is where the connections at a step of a version go on.
type Step struct {
	Version int64           `json:"version"`
	ID      sequence.StepID `json:"id"`
	Name    string          `json:"name"`
	To      sequence.StepID `json:"to,omitempty"` // "" when it has no place
	Why     string          `json:"why,omitempty"`
	Targets int64           `json:"targets"`
}

// Answer is what a request came to.
type Answer struct {
	Version int64      // that connections go over to
	Steps   []Step     // at which connections stand; when they were counted
	Job     name.JobID // "" of a preview that the answer tells
}

// BeginIn checks a request and begins, in a unit of work, the job that it asks for. A preview
// of few connections is the answer, and begins none.
func (m *Migration) BeginIn(ctx context.Context, tx *rows.Tx, c sales.Caller, request Request) (Answer, error) {
	known, err := m.admit(ctx, tx, c, request.Sequence)
	if err != nil {
		return Answer{}, err
	}
	p, err := m.plan(ctx, known, request)
	if err != nil {
		return Answer{}, err
	}
	if err := p.refuseMap(); err != nil {
		return Answer{}, err
	}
	answer := Answer{Version: p.to.Version}
	steps, all, err := m.count(ctx, p)
	if err != nil {
		return answer, err
	}
	if all {
		answer.Steps = steps
		if request.Preview {
			return answer, nil
		}
		for _, step := range steps {
			if step.To == "" {
				return answer, sales.Refuse(sales.Precondition, "%d connections are at step %q (%s) of version %d, which has no place in version %d (%s); map it to another step, or leave that version out",
					step.Targets, step.Name, step.ID, step.Version, p.to.Version, step.Why)
			}
		}
	}
	answer.Job = name.JobID(m.newID())
	argument, err := json.Marshal(argument{p.to.Version, p.versions(), request.Moved, request.Preview})
	if err != nil {
		return answer, fmt.Errorf("begin a migration: %w", err)
	}
	return answer, sales.BeginJob(ctx, tx, sales.NewJob{
		ID: answer.Job, Kind: Kind, Name: excerpt.Runes(fmt.Sprintf("Take connections to sequence %q over to version %d", known.Name, p.to.Version), 200),
		Subject: rows.RefTo(name.Sequence, known.ID), Argument: string(argument),
		Scans: []sales.Scan{{Table: name.SequenceTarget, Index: liveIndex, Small: true}},
	})
}

// admit refuses a caller who may not change the sequence and its connections.
func (m *Migration) admit(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.SequenceID) (authoring.Sequence, error) {
	for _, table := range []string{name.Sequence, name.SequenceTarget, name.SequenceTargetStep} {
		if err := m.principals.Authorize(c, sales.Right{Privilege: sales.Write, Table: table}); err != nil {
			return authoring.Sequence{}, err
		}
	}
	if _, err := m.principals.Admit(ctx, c); err != nil {
		return authoring.Sequence{}, err
	}
	known, err := m.sequences.ReadIn(ctx, tx, id)
	switch {
	case err != nil:
		return known, err
	case known.ID == "":
		return known, sales.NoRow(rows.RefTo(name.Sequence, id))
	case !known.Active:
		return known, sales.Refuse(sales.Precondition, "sequence %q is not active, so it has no connections that could go over", known.Name)
	}
	return known, m.principals.AuthorizeRow(ctx, c, sales.Write, known.Owned)
}

// argument is a job's.
type argument struct {
	To       int64                               `json:"to"`
	Versions []int64                             `json:"versions"`
	Moved    map[sequence.StepID]sequence.StepID `json:"moved,omitempty"`
	Preview  bool                                `json:"preview,omitempty"`
}

// plan is where the connections of some versions go.
type plan struct {
	sequence name.SequenceID
	to       sequence.Definition
	from     map[int64]sequence.Definition
	moved    map[sequence.StepID]sequence.StepID
}

// plan reads the versions that a request is about.
func (m *Migration) plan(ctx context.Context, known authoring.Sequence, request Request) (plan, error) {
	p := plan{sequence: known.ID, to: known.Definition, from: map[int64]sequence.Definition{}, moved: request.Moved}
	versions := request.Versions
	for v := int64(1); len(request.Versions) == 0 && v < p.to.Version; v++ {
		versions = append(versions, v)
	}
	for _, v := range versions {
		if v < 1 || v >= p.to.Version {
			return p, sales.Refuse(sales.Invalid, "version %d is not older than the one in use, %d", v, p.to.Version)
		}
		definition, err := m.sequences.Version(ctx, known.ID, v)
		if errors.Is(err, sales.Precondition) && len(request.Versions) == 0 {
			continue // replaced before versions were kept
		}
		if err != nil {
			return p, err
		}
		p.from[v] = definition
	}
	if len(p.from) == 0 {
		return p, sales.Refuse(sales.Precondition, "sequence %q has no version before the one in use", known.Name)
	}
	return p, nil
}

// versions are those that connections go over from.
func (p plan) versions() (all []int64) {
	for v := range p.from {
		all = append(all, v)
	}
	slices.Sort(all)
	return all
}

// refuseMap refuses a map of steps that are not there or are of other types.
func (p plan) refuseMap() error {
	for old := range p.moved {
		known := false
		for _, v := range p.versions() {
			from := p.from[v]
			at, ok := from.Find(old)
			if !ok {
				continue
			}
			known = true
			if _, err := p.landing(from.Steps[at]); err != nil {
				return sales.Refuse(sales.Invalid, "step %q (%s) of version %d cannot become %s: %v", from.Steps[at].Name, old, v, p.moved[old], err)
			}
		}
		if !known {
			return sales.Refuse(sales.Invalid, "the map names step %s, which none of the versions %v has", old, p.versions())
		}
	}
	return nil
}

// landing returns where a target that is at a step of another version goes on in the new one:
// at the step with the same id, or with the one that moved gives in its place. The step must
// be of the same type, for it stays open as what it is.
func (p plan) landing(step sequence.Step) (at sequence.Place, err error) {
	id, ok := p.moved[step.ID]
	if !ok {
		id = step.ID
	}
	at, ok = p.to.Find(id)
	switch {
	case !ok:
		return sequence.PathEnd, fmt.Errorf("version %d has no step %s", p.to.Version, id)
	case p.to.Steps[at].Type != step.Type || p.to.Steps[at].Subtype != step.Subtype:
		return sequence.PathEnd, fmt.Errorf("step %s of version %d is of another type", id, p.to.Version)
	}
	return at, nil
}

// step tells where a target goes on; ok is false for one of another version, or that has
// ended.
func (p plan) step(row *rows.Row) (step Step, at sequence.Place, ok bool) {
	target := sequence.Target{Row: row}
	from, ok := p.from[target.Version()]
	if !ok || !target.Live() || target.Sequence() != p.sequence {
		return Step{}, sequence.PathEnd, false
	}
	id := sequence.StepID(row.Text(name.MsdynCurrentstepdefinitionid))
	step = Step{Version: target.Version(), ID: id, Name: row.Text(name.MsdynCurrentstepname), Targets: 1}
	place, there := from.Find(id)
	if !there {
		step.Why = "its own version does not have it"
		return step, sequence.PathEnd, true
	}
	at, err := p.landing(from.Steps[place])
	if err != nil {
		step.Why = err.Error()
		return step, sequence.PathEnd, true
	}
	step.To = p.to.Steps[at].ID
	return step, at, true
}

// count counts the connections that a plan is about by their step; all is false when they
// are too many for a request.
func (m *Migration) count(ctx context.Context, p plan) (steps []Step, all bool, err error) {
	equal := func(column string, v schema.Value) filter.Node {
		return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}
	}
	page, err := m.lists.Select(ctx, query.Query{
		Table: m.db.Schema().Table(name.SequenceTarget), Limit: MaxCounted + 1,
		Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
			equal(name.MsdynParentsequence, schema.RefTo(name.Sequence, p.sequence)), equal(name.Statecode, schema.Int(int64(sequence.TargetActive))),
		}},
	})
	if err != nil || len(page.Rows) > MaxCounted {
		return nil, false, err
	}
	for _, row := range page.Rows {
		step, _, ok := p.step(row)
		if !ok {
			continue
		}
		i := slices.IndexFunc(steps, func(other Step) bool { return other.Version == step.Version && other.ID == step.ID })
		if i < 0 {
			steps = append(steps, step)
			continue
		}
		steps[i].Targets++
	}
	sortSteps(steps)
	return steps, true, nil
}
