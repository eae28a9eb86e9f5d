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

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// ErrUnavailable means that no row can be written at present, regardless of its values. It ends an import; every other error of a [Writer] is about one row.
var ErrUnavailable = errors.New("the service cannot be reached")

// Writer is where rows go.
type Writer interface {
	// Write sets columns of a row (null clears one), which is made if it does not
	// exist. It is safe for concurrent use.
	Write(ctx context.Context, t *schema.Table, id string, values map[string]schema.Value) error
}

var (
	_ Writer = Direct{}
	_ Writer = (*Remote)(nil)
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
