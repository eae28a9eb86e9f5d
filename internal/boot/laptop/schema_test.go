package laptop

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// A folder of files adds columns to a store; they cannot be taken away while rows use
// them, and the refusal says how many do.
func TestSchemaFolder(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "schema")
	lead := filepath.Join(folder, "tables", "lead.json")
	if err := os.MkdirAll(filepath.Dir(lead), 0o700); err != nil {
		t.Fatal(err)
	}
	describe := func(columns string) {
		t.Helper()
		if err := os.WriteFile(lead, []byte(`{"name":"lead","columns":[`+columns+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const visits, other = `{"name":"new_visits","label":"Visits","type":"integer"}`, `{"name":"new_other","label":"Other","type":"integer"}`
	t.Setenv("SEGUE_SCHEMA", folder)
	place := Place{Data: t.TempDir()}
	open := func() (*App, error) { return place.Open(t.Context(), slog.New(slog.DiscardHandler)) }
	write := func(n int, v schema.Value) {
		t.Helper()
		app, err := open()
		if err != nil {
			t.Fatal(err)
		}
		for i := range n {
			ref := rows.Ref{Table: "lead", ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i)}
			if _, _, err := app.Entities.Update(t.Context(), sales.Engine(), ref, map[string]schema.Value{"new_visits": v}, entity.If{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := app.Close(); err != nil {
			t.Fatal(err)
		}
	}
	describe(visits + "," + other)
	write(3, schema.Int(7))
	describe(visits) // no row uses the other
	write(2, schema.Int(8))
	refuses := func(rows int) {
		t.Helper()
		app, err := open()
		if err == nil {
			_ = app.Close() // the test has failed
		}
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("lead.new_visits is used by %d rows", rows)) {
			t.Errorf("error %v, want the column and %d rows named", err, rows)
		}
	}
	describe(other)
	refuses(3)
	describe(`{"name":"new_visits","label":"Visits","type":"string","maxLength":9}`)
	refuses(3)
	describe(`{"name":"new_visits","label":"Visits","type":"integer","max":7}`)
	refuses(2)
	t.Setenv("SEGUE_SCHEMA", "")
	refuses(3)
	t.Setenv("SEGUE_SCHEMA", folder)
	describe(visits)
	write(3, schema.Null())
	describe(other)
	write(0, schema.Null())
}
