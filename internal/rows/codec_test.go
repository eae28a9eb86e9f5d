package rows_test

import (
	"math"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// drawValue is any value that the schema accepts for a column, at times at the
// edge of what it may be.
func drawValue(t *rapid.T, c *schema.Column) schema.Value {
	guid := rapid.StringMatching(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	seconds := rapid.Int64Range(time.Date(1753, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).Unix())
	switch c.Type {
	case schema.String, schema.Memo:
		return schema.Text(rapid.StringN(1, 50, -1).Draw(t, c.Name))
	case schema.Integer:
		return schema.Int(int64(rapid.Int32().Draw(t, c.Name)))
	case schema.BigInt:
		return schema.Int(rapid.Int64().Draw(t, c.Name))
	case schema.Decimal:
		return schema.Dec(decimal.New(rapid.Int64Range(-1e18, 1e18).Draw(t, c.Name), int32(rapid.IntRange(-10, -7).Draw(t, "exponent"))))
	case schema.Money:
		return schema.Dec(decimal.New(rapid.Int64Range(-9e17, 9e17).Draw(t, c.Name), int32(rapid.IntRange(-4, -3).Draw(t, "exponent"))))
	case schema.Double:
		return schema.Float(rapid.OneOf(rapid.Float64Range(-1e11, 1e11), rapid.SampledFrom([]float64{1e-100, -1e-100, math.Copysign(0, -1), 0.1})).Draw(t, c.Name))
	case schema.Boolean:
		return schema.Bool(rapid.Bool().Draw(t, c.Name))
	case schema.Choice, schema.State, schema.Status:
		return schema.Int(rapid.SampledFrom(c.Options).Draw(t, c.Name).Value)
	case schema.DateTime:
		return schema.Time(time.Unix(seconds.Draw(t, c.Name), 0).UTC())
	case schema.Date:
		return schema.Time(time.Unix(seconds.Draw(t, c.Name), 0).UTC().Truncate(24 * time.Hour))
	case schema.GUID:
		return schema.Text(guid.Draw(t, c.Name))
	case schema.LookupTo:
		return schema.Ref(schema.Lookup{Table: rapid.SampledFrom(c.Targets).Draw(t, "table").Table, ID: guid.Draw(t, c.Name)})
	}
	t.Fatalf("no values of type %s", c.Type)
	return schema.Null()
}

// TestStoredRowsComeBack: what the schema accepts for a column of any type is
// read as it was written.
func TestStoredRowsComeBack(t *testing.T) {
	tables := everyType(t)
	thing := tables.Table("thing")
	db := rows.New(rowstest.Open(t, filepath.Join(t.TempDir(), "rows.db")), tables, clock.Of(rowstest.Clock))
	seen := map[schema.Type]bool{}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		want := values{}
		for _, c := range thing.Columns {
			if c.Name == rows.Version || c.Name == thing.ID || rapid.IntRange(0, 3).Draw(rt, "null") == 0 {
				continue
			}
			v := drawValue(rt, c)
			if c.Check(v) != nil {
				continue // out of range by the way it was drawn
			}
			want[c.Name], seen[c.Type] = v, true
		}
		n++
		tx := db.Begin("")
		written := tx.Create(thing, rowstest.ID("thing", n), want)
		if err := tx.Commit(t.Context()); err != nil {
			rt.Fatal(err)
		}
		found, err := db.Get(t.Context(), written.Ref())
		if err != nil {
			rt.Fatal(err)
		}
		delete(want, rows.ModifiedOn)
		if v, given := want[rows.CreatedBy]; given && want[rows.ModifiedBy].IsNull() { // it follows
			want[rows.ModifiedBy] = v
		}
		got := found[0].Values()
		if want[rows.CreatedOn].IsNull() {
			delete(got, rows.CreatedOn)
		}
		delete(got, rows.ModifiedOn)
		if d := cmp.Diff(want, got, sameValues()); d != "" {
			rt.Fatal(d)
		}
	})
	for _, kind := range []schema.Type{
		schema.String, schema.Memo, schema.Integer, schema.BigInt, schema.Decimal, schema.Money, schema.Double, schema.Boolean,
		schema.Choice, schema.State, schema.Status, schema.DateTime, schema.Date, schema.GUID, schema.LookupTo,
	} {
		if !seen[kind] {
			t.Errorf("no row had a value of type %s", kind)
		}
	}
}

func TestWhatNoColumnHoldsIsNotWritten(t *testing.T) {
	f := newFixture(t)
	for name, v := range map[string]values{
		"unknown column": {"colour": schema.Text("red")},
		"foreign kind":   {"subject": schema.Int(1)},
	} {
		t.Run(name, func(t *testing.T) {
			tx := f.Begin("")
			ref := tx.Create(f.Table("lead"), rowstest.ID("lead", 0), v).Ref()
			if err := tx.Commit(t.Context()); err == nil {
				t.Error("it was accepted")
			}
			if found, err := f.Get(t.Context(), ref); err != nil || found[0] != nil {
				t.Errorf("stored %v, %v", found[0], err)
			}
		})
	}
}
