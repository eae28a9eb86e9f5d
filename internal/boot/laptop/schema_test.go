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

// A table whose rows no request finds as before, or none makes any more, is refused with
// the number of its rows, although no column goes.
func TestSchemaFolderTakesATableOffTheWire(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "schema")
	file := filepath.Join(folder, "tables", "new_plant.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEGUE_SCHEMA", folder)
	place := Place{Data: t.TempDir()}
	const gone = "the table" // no wire, no table
	open := func(t *testing.T, wire string) (*App, error) {
		t.Helper()
		if wire == gone {
			t.Setenv("SEGUE_SCHEMA", "")
			return place.Open(t.Context(), slog.New(slog.DiscardHandler))
		}
		text := `{"name":"new_plant","label":"Plant","id":"new_plantid","primaryName":"new_name",` + wire + `
			"traits":["userOwned"],"columns":[{"name":"new_name","label":"Name","type":"string","maxLength":100}]}`
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return place.Open(t.Context(), slog.New(slog.DiscardHandler))
	}
	const public = `"set":"new_plants",`
	others := map[string]string{"no set": ``, "another set": `"set":"new_flowers",`, "for Segue alone": `"engineMade":true,"set":"new_plants",`}
	for _, wire := range []string{``, public, others["another set"], public} { // it has no rows
		app, err := open(t, wire)
		if err != nil {
			t.Fatalf("%s: %v", wire, err)
		}
		if err := app.Close(); err != nil {
			t.Fatal(err)
		}
	}
	app, err := open(t, public)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 2 {
		ref := rows.Ref{Table: "new_plant", ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", i)}
		if _, _, err := app.Entities.Update(t.Context(), sales.Engine(), ref, map[string]schema.Value{"new_name": schema.Text("Fern")}, entity.If{}); err != nil {
			t.Fatal(err)
		}
	}
	if err := app.Close(); err != nil {
		t.Fatal(err)
	}
	others[gone] = gone
	for name, wire := range others {
		t.Run(name, func(t *testing.T) {
			app, err := open(t, wire)
			if err == nil {
				_ = app.Close() // the test has failed
			}
			if err == nil || !strings.Contains(err.Error(), "new_plant is used by 2 rows") || strings.Count(err.Error(), "new_plant") != 1 {
				t.Errorf("error %v, want the table and 2 rows named, once", err)
			}
		})
	}
}

// A kill while the schema is remembered, at whatever moment, does not lose the one of
// before: what rows use cannot be taken away then either.
func TestSchemaIsRememberedThroughAKill(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "schema")
	lead := filepath.Join(folder, "tables", "lead.json")
	if err := os.MkdirAll(filepath.Dir(lead), 0o700); err != nil {
		t.Fatal(err)
	}
	const used = `{"name":"lead","columns":[{"name":"new_visits","label":"Visits","type":"integer"}]}`
	t.Setenv("SEGUE_SCHEMA", folder)
	for _, killed := range []struct {
		name       string
		aside      bool   // the folder is moved aside
		fresh, old string // what is beside it: a file of what is to come, and of what is deleted
	}{
		{"before it has begun", false, "", ""},
		{"while the new folder is written", false, `{"name":"le`, ""},
		{"when the old folder is aside", true, used, ""},
		{"while the old folder is deleted", false, "", `{"name":"le`},
	} {
		t.Run(killed.name, func(t *testing.T) {
			place := Place{Data: t.TempDir()}
			open := func(text string) error {
				if err := os.WriteFile(lead, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
				app, err := place.Open(t.Context(), slog.New(slog.DiscardHandler))
				if err != nil {
					return err
				}
				defer func() { _ = app.Close() }() // what was written is durable already
				if text != used {
					return nil
				}
				ref := rows.Ref{Table: "lead", ID: "00000000-0000-4000-8000-000000000001"}
				_, _, err = app.Entities.Update(t.Context(), sales.Engine(), ref, map[string]schema.Value{"new_visits": schema.Int(7)}, entity.If{})
				return err
			}
			if err := open(used); err != nil {
				t.Fatal(err)
			}
			kept := filepath.Join(place.Data, schemaFolder)
			if killed.aside {
				if err := os.Rename(kept, kept+beforeSuffix); err != nil {
					t.Fatal(err)
				}
			}
			for suffix, text := range map[string]string{freshSuffix: killed.fresh, beforeSuffix: killed.old} {
				if text == "" {
					continue
				}
				if err := writeFolder(kept+suffix, schema.Folder{"tables/lead.json": []byte(text)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := open(`{"name":"lead","columns":[]}`); err == nil || !strings.Contains(err.Error(), "lead.new_visits is used by 1 rows") {
				t.Errorf("the schema without a column that rows use: %v", err)
			}
			if err := open(used); err != nil {
				t.Errorf("the schema of before: %v", err)
			}
		})
	}
}
