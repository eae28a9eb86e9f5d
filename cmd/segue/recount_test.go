package main

import (
	"log/slog"
	"strings"
	"testing"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// A folder that declares roll-ups over rows that are there has them counted by recount.
func TestRecount(t *testing.T) {
	p := program{Data: t.TempDir()}
	app, err := p.place().Open(t.Context(), startLog(slog.LevelError))
	if err != nil {
		t.Fatal(err)
	}
	account := rows.Ref{Table: "account", ID: salestest.ID("account", 1)}
	put := func(ref rows.Ref, v salestest.Values) {
		t.Helper()
		if _, _, err := app.Entities.Update(t.Context(), sales.Engine(), ref, schematest.Row(v), entity.If{}); err != nil {
			t.Fatal(err)
		}
	}
	put(account, salestest.Values{"name": "A"})
	for n := range 3 {
		put(rows.Ref{Table: "opportunity", ID: salestest.ID("opportunity", n)}, salestest.Values{"name": "O", "parentaccountid": salestest.Lookup(account)})
	}
	if err := evaluateAll(t.Context(), app); err != nil {
		t.Fatal(err)
	}
	if err := (&recountCommand{Table: "account"}).run(t.Context(), &p, app); err == nil || !strings.Contains(err.Error(), "no roll-up columns") {
		t.Errorf("a table without roll-ups: %v", err)
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEGUE_SCHEMA", "../../internal/sales/rollup/testdata/own")
	if app, err = p.place().Open(t.Context(), startLog(slog.LevelError)); err != nil {
		t.Fatal(err)
	}
	if err := (&recountCommand{Table: "account"}).run(t.Context(), &p, app); err != nil {
		t.Error(err)
	}
	found, err := app.DB.Get(t.Context(), account)
	if err != nil {
		t.Fatal(err)
	}
	if got := found[0].Columns()["new_opendeals"]; got != schema.Int(3) {
		t.Errorf("%v deals are counted, want 3", got)
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
}

// The reports of sequences are counted by the same command.
func TestRecountSequences(t *testing.T) {
	p := program{Data: t.TempDir()}
	app, err := p.place().Open(t.Context(), startLog(slog.LevelError))
	if err != nil {
		t.Fatal(err)
	}
	if err := (&recountCommand{Table: "msdyn_sequence"}).run(t.Context(), &p, app); err != nil {
		t.Error(err)
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
}
