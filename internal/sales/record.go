package sales

import (
	"context"

	"segue/internal/rows"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
)

// recordRules are the life-cycle effects of domain.md §16 on the connections of
// a record, each in the transaction of the change that causes it.
type recordRules struct {
	plainRules
	s *Service
}

func (r recordRules) update(ctx context.Context, tx *rows.Tx, row *rows.Row, before map[string]schema.Value) error {
	was, is := before["statecode"], row.Int("statecode")
	if was != int64(0) && is != 0 {
		return refuse(Precondition, "%v is closed (statecode %d) and read-only until it is opened again (statecode 0)", row.Ref(), is)
	}
	if is != 0 {
		_, err := r.s.end(ctx, tx, row, sequence.RecordClosed, "")
		return err
	}
	if owner, _ := before["ownerid"].(schema.Lookup); owner != row.Lookup("ownerid") {
		return r.reassign(ctx, tx, row)
	}
	return nil
}

// reassign hands the targets to the record's new owner. The open step stays
// with the old one; the steps after it follow (domain.md §7.5, §16).
func (r recordRules) reassign(ctx context.Context, tx *rows.Tx, record *rows.Row) error {
	connections, err := liveOf(record)
	if err != nil || len(connections) == 0 {
		return err
	}
	var refs []rows.Ref
	for _, id := range connections {
		refs = append(refs, rows.Ref{Table: targetTable, ID: id})
	}
	targets, err := tx.Load(ctx, refs...)
	if err != nil {
		return err
	}
	owner := record.Lookup("ownerid")
	for _, target := range targets {
		if target != nil {
			target.Set("ownerid", owner)
			r.s.patchStep(tx, target, map[string]schema.Value{nextOwner: owner})
		}
	}
	return nil
}

func (r recordRules) remove(ctx context.Context, tx *rows.Tx, row *rows.Row) (bool, error) {
	_, err := r.s.end(ctx, tx, row, sequence.RecordClosed, "")
	return false, err
}
