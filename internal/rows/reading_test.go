package rows_test

import (
	"cmp"
	"path/filepath"
	"strings"
	"testing"

	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/filter"
	"segue/internal/filter/engine"
	"segue/internal/filter/filtertest"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// TestEngineReadsImages: conditions hold for an image that fills the slots of an engine,
// for one that gives values, and for the row, or for none of them; in either form of
// rows, with columns under other names, made of others and derived from others.
func TestEngineReadsImages(t *testing.T) {
	tables := schematest.Tables(t)
	file := rowstest.Open(t, filepath.Join(t.TempDir(), "rows.db"))
	compact := rows.New(file, tables, clock.Of(rowstest.Clock))
	long := rows.New(file, tables, clock.Of(rowstest.Clock))
	long.Write(rows.Long)
	made := 0
	rapid.Check(t, func(rt *rapid.T) {
		table := tables.Table(rapid.SampledFrom([]string{"lead", "contact", "msdyn_sequencetarget"}).Draw(rt, "table"))
		db := rapid.SampledFrom([]*rows.DB{compact, long}).Draw(rt, "form")
		tx := db.Begin("")
		made++
		ref := tx.Create(table, rowstest.ID("drawn", made), drawRow(rt, table)).Ref()
		if err := tx.Commit(t.Context()); err != nil {
			rt.Fatal(err)
		}
		var programs []*filter.Program
		for range rapid.IntRange(1, 5).Draw(rt, "programs") {
			programs = append(programs, drawProgram(rt, tables, table))
		}
		row := get(t, db, ref)
		checkEngine(rt, programs, row, rowstest.Stored(t, file, ref), db)
	})
}

func checkEngine(t *rapid.T, programs []*filter.Program, row *rows.Row, item store.Item, db *rows.DB) {
	change, err := db.Change(store.Change{Key: item.Key(), Kind: store.Insert, New: item})
	if err != nil {
		t.Fatal(err)
	}
	want := len(programs)
	for i := want - 1; i >= 0; i-- {
		holds, err := programs[i].Match(row)
		if err != nil {
			t.Fatal(err)
		}
		if asImage, err := programs[i].Match(change.New); err != nil || asImage != holds {
			t.Fatalf("program %d for the image: %v, %v, for the row %v", i, asImage, err, holds)
		}
		if holds {
			want = i
		}
	}
	e := engine.New(programs)
	check := func(how string, row filter.Row) {
		if got, err := e.First(e.Load(row, nil), 0); got != want || err != nil {
			_, tree := programs[min(want, len(programs)-1)].Tree()
			t.Fatalf("%s: first is %d, %v, want %d\n%s\n%v", how, got, err, want, tree, item)
		}
	}
	check("row", row)
	check("image, column by column", change.New)
	var columns []string
	for n := range e.Columns() {
		columns = append(columns, cmp.Or(e.Column(n).Derived, e.Column(n).Name))
	}
	if err := change.Read(rows.NewReading(row.Table, columns...)); err != nil {
		t.Fatal(err)
	}
	check("image, read ahead", change.New)
}

// drawRow draws values that rows store.
func drawRow(t *rapid.T, table *schema.Table) map[string]schema.Value {
	var columns []*schema.Column
	for _, c := range table.Columns {
		if c.Derived == "" && !c.Shown && c.Name != "createdby" && c.Name != "modifiedby" {
			columns = append(columns, c)
		}
	}
	row := filtertest.Row(t, columns)
	for column, v := range row {
		if text, ok := v.Text(); ok {
			row[column] = schema.Null()
			if text = strings.ToValidUTF8(text, "?"); text != "" {
				row[column] = schema.Text(text)
			}
		}
	}
	return row
}

// drawProgram draws conditions that ask for nothing but the row.
func drawProgram(t *rapid.T, s *schema.Schema, table *schema.Table) *filter.Program {
	for {
		g := filtertest.Group(t, s, table, nil, 3)
		p, err := filter.Compile(s, table.Name, g, filter.AsksAnything)
		if err != nil && !strings.Contains(err.Error(), "worked out when a row is read") {
			t.Fatal(err)
		}
		if err == nil && p.Needs().Asks == 0 {
			return p
		}
	}
}

// TestImageMakesColumns: a column that is made of others and not stored is read like any
// other.
func TestImageMakesColumns(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"firstname": schema.Text("Ann"), "lastname": schema.Text("Lee")})[0]
	change, err := f.Change(store.Change{Key: rowstest.Stored(t, f.Store, ref).Key(), Kind: store.Insert, New: rowstest.Stored(t, f.Store, ref)})
	if err != nil {
		t.Fatal(err)
	}
	if v, err := change.New.Value("fullname"); v != schema.Text("Ann Lee") || err != nil {
		t.Errorf("fullname is %v, %v", v, err)
	}
}

// TestDecimalsAreRead, of whatever digits, as the library reads them.
func TestDecimalsAreRead(t *testing.T) {
	f := newFixture(t)
	text := rapid.OneOf(
		rapid.StringMatching(`-?[0-9]{1,20}(\.[0-9]{0,20})?(e-?[0-9]{1,2})?`),
		rapid.StringMatching(`[-+.0-9]{0,6}`),
	)
	rapid.Check(t, func(rt *rapid.T) {
		number := text.Draw(rt, "number")
		item := store.Item{store.PK: store.S("lead#1"), store.SK: store.S(rowstest.ID("lead", 0)), "revenue": store.N(number)}
		change, err := f.Change(store.Change{Key: item.Key(), Kind: store.Insert, New: item})
		if err != nil {
			rt.Fatal(err)
		}
		want, refused := decimal.NewFromString(number)
		got, err := change.New.Value("revenue")
		if (err != nil) != (refused != nil) || err == nil && got != schema.Dec(want) {
			rt.Fatalf("%q is read as %v, %v, want %v, %v", number, got, err, want, refused)
		}
	})
}
