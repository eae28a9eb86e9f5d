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
// that still has it on the screen, does not bring the person back. Only a row that is there
// can refuse that.
func Rules() entity.Rules { return rules{} }

type rules struct{ entity.Plain }

// ActivityRules keep activities away from what was erased: one that the erasure has
// deleted would come again with an import.
func ActivityRules() entity.Rules { return activityRules{} }

type activityRules struct{ entity.Plain }

// Create implements [entity.Rules].
func (activityRules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	return refuseErased(ctx, tx, row)
}

// Update implements [entity.Rules].
func (activityRules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	if v, err := row.Value(name.Regardingobjectid); err != nil || v == before[name.Regardingobjectid] {
		return err
	}
	return refuseErased(ctx, tx, row)
}

// refuseErased refuses an activity about a record that was erased.
func refuseErased(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	about := refOf(row.Lookup(name.Regardingobjectid))
	if t := tx.Schema().Table(about.Table); t == nil || !t.Is(name.RecordTrait) {
		return nil
	}
	found, err := tx.Load(ctx, about)
	if err != nil || found[0] == nil || (sales.Record{Row: found[0]}).Erased().IsZero() {
		return err
	}
	return sales.Refuse(sales.Precondition, "%s: %v was erased; an activity about it would bring the person back", name.Regardingobjectid, about)
}

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

// Delete implements [entity.Rules].
func (rules) Delete(_ context.Context, _ *rows.Tx, row *rows.Row) (keep bool, err error) {
	if (sales.Record{Row: row}).Erased().IsZero() {
		return false, nil
	}
	return true, sales.Refuse(sales.Precondition, "%v was erased; its row stays, so that it is not made again with the person in it", row.Ref())
}
