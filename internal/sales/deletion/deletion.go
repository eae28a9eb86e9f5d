// Package deletion deletes many rows of a table, by their ids or by a condition, in a job
// on behalf of whoever asked for it (docs/webapi.md §11, BulkDelete).
//
// Invariant: each row is deleted in a unit of work of its own as a single delete would
// delete it, under the rights that the caller had when the job began, and only if the
// condition still holds for it there.
package deletion

import (
	"context"
	"encoding/json"
	"fmt"

	"segue/internal/entity"
	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Kind is the kind of the jobs that do it.
const Kind = "delete"

// MaxIDs is how many rows may be named by their ids.
const MaxIDs = 4000

// Request is which rows are to be deleted.
type Request struct {
	Name  string // of the job, for people; "": one is made
	Table string
	IDs   []string      // the rows with these ids, as far as Where holds for them; nil: all
	Where *filter.Group // nil: whatever they are
}

// argument is what a job keeps of a request, as JSON.
type argument struct {
	User  name.UserID  `json:"user"`
	Name  string       `json:"name,omitempty"`
	Login string       `json:"login,omitempty"`
	Roles []string     `json:"roles"`
	Actor *sales.Actor `json:"actor,omitempty"`
	Where string       `json:"where,omitempty"`
}

// Deletion deletes rows of any table.
type Deletion struct {
	db       *rows.DB
	entities *entity.Entities
	newID    func() string
}

// New returns a Deletion by the use cases of entities; newID makes the ids of jobs.
func New(db *rows.DB, entities *entity.Entities, newID func() string) *Deletion {
	return &Deletion{db, entities, newID}
}

// NewID makes the id of a job, for all tries to begin it.
func (d *Deletion) NewID() name.JobID { return name.JobID(d.newID()) }

// BeginIn begins a job in a unit of work, on behalf of a caller who may delete rows of the
// table at all.
func (d *Deletion) BeginIn(ctx context.Context, tx *rows.Tx, c sales.Caller, id name.JobID, r Request) error {
	t := d.db.Schema().Table(r.Table)
	if t == nil || t.Set == "" {
		return sales.Refuse(sales.NotFound, "table %q does not exist", r.Table)
	}
	err := d.entities.Admit(ctx, c, sales.Right{Privilege: sales.Read, Table: t.Name}, sales.Right{Privilege: sales.Delete, Table: t.Name})
	if err != nil {
		return err
	}
	if r.IDs != nil && len(r.IDs) == 0 { // which a scan would take for all
		return sales.Refuse(sales.Invalid, "no row is named")
	}
	if len(r.IDs) > MaxIDs {
		return sales.Use{Name: sales.NamedRows, Used: len(r.IDs), Most: MaxIDs}.Exceeded(sales.Invalid, "%d rows are named by their ids; the limit is %d", len(r.IDs), MaxIDs)
	}
	kept := argument{User: c.ID, Name: c.Name, Login: c.Login, Roles: c.Roles, Actor: c.Actor}
	if r.Where != nil {
		if err := filter.Check(d.db.Schema(), t.Name, r.Where); err != nil {
			return sales.InvalidInput(err)
		}
		kept.Where = r.Where.String()
	}
	text, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("begin a deletion: %w", err)
	}
	if most := d.db.Schema().Table(name.Job).Column(name.SegueArgument).MaxLength; len(text) > most {
		return sales.Refuse(sales.Invalid, "the condition has %d bytes; the limit is %d", len(text), most)
	}
	job := sales.NewJob{ID: id, Kind: Kind, Name: excerpt.Runes(r.Name, 200), Argument: string(text), Scans: []sales.Scan{{Table: t.Name, IDs: r.IDs}}}
	if job.Name == "" {
		job.Name = fmt.Sprintf("Delete rows of %s", t.Name)
	}
	return sales.BeginJob(ctx, tx, job)
}

// Job is the work of [Kind].
func (d *Deletion) Job() sales.JobKind { return work{d} }

type work struct{ *Deletion }

// Prepare implements [sales.JobKind].
func (w work) Prepare(_ context.Context, job sales.Job) (sales.JobWork, error) {
	var kept argument
	if err := json.Unmarshal([]byte(job.Argument()), &kept); err != nil {
		return nil, fmt.Errorf("%v: stored %s: %w", job.Row.Ref(), name.SegueArgument, err)
	}
	scans, err := job.Scans()
	if err != nil {
		return nil, err
	}
	one := deleting{
		Deletion: w.Deletion, table: w.db.Schema().Table(scans[0].Table),
		caller: sales.Caller{ID: kept.User, Name: kept.Name, Login: kept.Login, Roles: kept.Roles, Actor: kept.Actor},
	}
	if kept.Where == "" {
		return one.delete, nil
	}
	where, err := filter.Parse(w.db.Schema(), one.table.Name, kept.Where)
	if err == nil {
		one.where, err = filter.Compile(w.db.Schema(), one.table.Name, where)
	}
	if err != nil {
		return nil, fmt.Errorf("%v: stored condition: %w", job.Row.Ref(), err)
	}
	return one.delete, nil
}

// Finish implements [sales.JobKind]. A row that could not be deleted, for want of a right or
// because a rule keeps it, is counted with its reason and does not hinder the end.
func (work) Finish(context.Context, *rows.Tx, sales.Job, map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{}, nil
}

// deleting deletes rows of one job.
type deleting struct {
	*Deletion
	table  *schema.Table
	caller sales.Caller
	where  *filter.Program // nil: every row
}

// delete deletes a row, if the condition holds for it.
func (d deleting) delete(ctx context.Context, row *rows.Row, _ *sales.JobTally) (changed bool, err error) {
	if ok, err := d.holds(row); err != nil || !ok {
		return false, err
	}
	err = d.db.Do(ctx, d.caller.ID, func(tx *rows.Tx) error {
		changed = false
		found, err := tx.Load(ctx, row.Ref())
		if err != nil || found[0] == nil {
			return err
		}
		if ok, err := d.holds(found[0]); err != nil || !ok {
			return err
		}
		changed = true
		return d.entities.DeleteIn(ctx, tx, d.caller, row.Ref(), entity.If{})
	})
	return changed && err == nil, sales.Public(err)
}

func (d deleting) holds(row *rows.Row) (bool, error) {
	if d.where == nil {
		return true, nil
	}
	return d.where.Match(row)
}
