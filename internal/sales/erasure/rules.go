package erasure

import (
	"context"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Rules keep what was erased erased: an import that brings the same row again, or a client
// that still has it on the screen, does not bring the person back.
func Rules() entity.Rules { return rules{} }

type rules struct{ entity.Plain }

// Update implements [entity.Rules].
func (rules) Update(_ context.Context, _ *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	erased := (sales.Record{Row: row}).Erased()
	if erased.IsZero() {
		return nil
	}
	for _, c := range row.Table.Columns {
		if !c.Personal && !c.Person {
			continue
		}
		if v, err := row.Value(c.Name); err == nil && !v.IsNull() && v != before[c.Name] {
			return sales.Refuse(sales.Precondition, "%v was erased on %s: %s stays empty; make a new row for a person who comes again",
				row.Ref(), row.Table.Column(name.SegueErasedon).Text(schema.Time(erased)), c.Name)
		}
	}
	return nil
}
