package run

import (
	"context"
	"encoding/json"
	"fmt"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Rules are those of runs: what is left of the runs of deleted records is not seen, and the
// clauses are put into the form that people and programs read.
func Rules() entity.Rules { return rules{} }

type rules struct{ entity.Plain }

// Gone implements [entity.Parting].
func (rules) Gone(row *rows.Row) bool { return row.Lookup(name.MsdynTargetobject).ID == "" }

// Show implements [entity.Rules].
func (rules) Show(_ context.Context, list []*rows.Row) error {
	for _, row := range list {
		clauses, err := Clauses(row)
		if err != nil {
			return err
		}
		if clauses == nil {
			continue
		}
		text, err := json.Marshal(clauses)
		if err != nil {
			return fmt.Errorf("%v: %w", row.Ref(), err)
		}
		row.Set(name.SegueClauses, schema.Text(string(text)))
	}
	return nil
}

// Clauses returns what the conditions of the segment said in a run, nil where that is not
// known.
func Clauses(row *rows.Row) ([]segment.Clause, error) {
	clauses, err := segment.DecodeClauses(row.Text(name.SegueClauses))
	if err != nil {
		return nil, fmt.Errorf("%v: %w", row.Ref(), err)
	}
	return clauses, nil
}
