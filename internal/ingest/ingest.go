// Package ingest loads rows from outside: the lines of a CSV file ([CSV]), and rows that
// a program makes ([WriteAll]). Both write to a [Writer], which is a service in this
// process or one at a URL.
//
// Invariant: everything that was read is accounted for: it was written, or it was
// refused with a reason. A row with an id of its own (an id column, key columns,
// a Job's) may be loaded again at any time and is never there twice.
package ingest

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// ErrUnavailable means that no row can be written at present, regardless of its values. It ends an import; every other error of a [Writer] is about the rows that it was given.
var ErrUnavailable = errors.New("the service cannot be reached")

// ErrExists means that a row that was to be made is there already.
var ErrExists = errors.New("a row with that id exists")

// Row is a row to be made.
type Row struct {
	ID     string
	Values map[string]schema.Value
}

// Writer is where rows go. It is safe for concurrent use.
type Writer interface {
	// Write sets columns of a row (null clears one), which is made if it does not
	// exist.
	Write(ctx context.Context, t *schema.Table, id string, values map[string]schema.Value) error
	// Create makes rows that are not there, at most [MaxCreate], all of them or none;
	// [ErrExists] if one is there.
	Create(ctx context.Context, t *schema.Table, list []Row) error
	// Check says why Write would refuse a row, as far as that can be told without
	// writing it.
	Check(ctx context.Context, t *schema.Table, id string, values map[string]schema.Value) error
}

// MaxCreate is how many rows are made together at most.
const MaxCreate = 50

var (
	_ Writer = Direct{}
	_ Writer = (*Remote)(nil)
	_ Writer = dry{}
)

// Direct writes through the use cases in this process.
type Direct struct {
	Entities *entity.Entities
	Caller   sales.Caller // whose privileges apply
}

// Write makes or changes a row by [entity.Entities.Update].
func (d Direct) Write(ctx context.Context, t *schema.Table, id string, values map[string]schema.Value) error {
	ref := rows.Ref{Table: t.Name, ID: id}
	_, _, err := d.Entities.Update(ctx, d.Caller, ref, values, entity.If{})
	return err
}

// Create makes rows by [entity.Entities.CreateAll].
func (d Direct) Create(ctx context.Context, t *schema.Table, list []Row) error {
	all := make([]entity.NewRow, len(list))
	for i, row := range list {
		all[i] = entity.NewRow{ID: row.ID, Values: row.Values}
	}
	err := d.Entities.CreateAll(ctx, d.Caller, t.Name, all)
	if errors.Is(err, sales.Duplicate) {
		return fmt.Errorf("%w: %w", ErrExists, err)
	}
	return err
}

// Check tries the write in a unit of work that is not committed.
func (d Direct) Check(ctx context.Context, t *schema.Table, id string, values map[string]schema.Value) error {
	return d.Entities.CheckUpdate(ctx, d.Caller, rows.Ref{Table: t.Name, ID: id}, values)
}

// dry checks rows in place of writing them.
type dry struct{ Writer }

// Write checks a row.
func (d dry) Write(ctx context.Context, t *schema.Table, id string, values map[string]schema.Value) error {
	return d.Check(ctx, t, id, values)
}

// Create makes nothing: rows are checked one by one.
func (dry) Create(context.Context, *schema.Table, []Row) error { return ErrExists }
