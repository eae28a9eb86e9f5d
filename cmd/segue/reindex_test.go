package main

import (
	"log/slog"
	"strings"
	"testing"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// TestReindex: rows that were stored without the keys of an index have them afterwards,
// and nothing else in them has changed.
func TestReindex(t *testing.T) {
	p := program{Data: t.TempDir()}
	app, err := p.place().Open(t.Context(), startLog(slog.LevelError))
	if err != nil {
		t.Fatal(err)
	}
	stored := func(n int) store.Item {
		t.Helper()
		return rowstest.Stored(t, app.File, rows.Ref{Table: name.Lead, ID: salestest.ID("lead", n)})
	}
	const leads, free = 30, "g1pk"
	for n := range leads {
		ref := rows.Ref{Table: name.Lead, ID: salestest.ID("lead", n)}
		if _, _, err := app.Entities.Update(t.Context(), sales.Engine(), ref, schematest.Row(salestest.Values{"lastname": "A"}), entity.If{}); err != nil {
			t.Fatal(err)
		}
		if err := app.File.Write(t.Context(), store.Update(stored(n).Key(), nil, []string{free, "g1sk"}, store.Condition{})); err != nil {
			t.Fatal(err)
		}
	}
	if err := (&reindexCommand{Table: []string{"led"}}).run(t.Context(), &p, app); err == nil || !strings.Contains(err.Error(), `"led"`) {
		t.Errorf("a table that is not there: %v", err)
	}
	if err := (&reindexCommand{Table: []string{name.Lead}}).run(t.Context(), &p, app); err != nil {
		t.Fatal(err)
	}
	for n := range leads {
		if got := stored(n)[free].Text(); !strings.HasPrefix(got, "free#lead#") {
			t.Errorf("lead %d has the key %q", n, got)
		}
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
}
