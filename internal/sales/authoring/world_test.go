package authoring_test

import (
	"testing"

	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema/schematest"
)

// The words of the tests; salestest says what they mean.
type (
	values = salestest.Values
)

var (
	newWorld = salestest.New
	id       = salestest.ID
	manager  = salestest.Manager
)

const steps = salestest.Steps

// store changes a stored sequence past its rules.
func store(t *testing.T, w *salestest.World, seq string, v values) {
	t.Helper()
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), rows.Ref{Table: "msdyn_sequence", ID: seq})
		if err == nil {
			found[0].SetAll(schematest.Row(v))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
