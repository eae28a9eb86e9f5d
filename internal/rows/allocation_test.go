//go:build !race

package rows_test

import (
	"testing"

	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/filter/engine"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// Not beside the race detector, which drops at random what a pool holds.

// TestReadingAllocatesNothing, once there was a change of the table.
func TestReadingAllocatesNothing(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A"), "revenue": schema.Dec(decimal.RequireFromString("12.5")), "ownerid": link("systemuser", 1)})[0]
	item := rowstest.Stored(t, f.Store, ref)
	condition := func(column string, op filter.Operator, values ...schema.Value) filter.Node {
		return &filter.Condition{Column: column, Operator: op, Values: values}
	}
	program, err := filter.Compile(f.Schema(), "lead", &filter.Group{Logic: filter.And, Items: []filter.Node{
		condition("subject", filter.BeginsWith, schema.Text("a")), condition("revenue", filter.Gt, schema.Dec(decimal.NewFromInt(12))),
		condition("ownerid", filter.Eq, link("systemuser", 1)), condition("createdon", filter.NotNull),
	}})
	if err != nil {
		t.Fatal(err)
	}
	e, reading := engine.New([]*filter.Program{program}), rows.NewReading(f.Table("lead"), program.Columns()...)
	change, err := f.Change(store.Change{Key: item.Key(), Kind: store.Modify, Old: item, New: item})
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := change.Read(reading); err != nil {
			t.Fatal(err)
		}
		defer change.Forget()
		if touched, err := change.Touches(program.Columns()); touched || err != nil {
			t.Fatal(touched, err)
		}
		r := e.Load(change.New, nil)
		defer r.Free()
		if first, err := e.First(r, 0); first != 0 || err != nil {
			t.Fatal(first, err)
		}
	}); n != 0 {
		t.Errorf("a change allocates %v times, want 0", n)
	}
}
