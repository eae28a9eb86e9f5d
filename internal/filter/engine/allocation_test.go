//go:build !race

package engine_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/filter/engine"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
)

// Not beside the race detector, which drops at random what a pool holds.

// TestAllocatesNothing, of whatever kind the columns are.
func TestAllocatesNothing(t *testing.T) {
	s := filtertest.Schema(t)
	row := filter.Row(filtertest.Entry{Values: map[string]schema.Value{
		"name": schema.Text("Contoso Österreich"), "notes": schema.Text("Met at the fair, wants an offer for 40 seats."),
		"employees": schema.Int(120), "share": schema.Dec(decimal.RequireFromString("0.25")), "latitude": schema.Float(47.05),
		"wanted": schema.Bool(true), "source": schema.Int(8), "statecode": schema.Int(0),
		"seenon": schema.Time(time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)),
		"about":  schema.Ref(schema.Lookup{Table: "part", ID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"}),
	}})
	var programs []*filter.Program
	for n := range 20 {
		programs = append(programs, compile(t, s,
			condition("name", filter.BeginsWith, schema.Text("contoso")),
			condition("notes", filter.Contains, schema.Text("fair")),
			condition("employees", filter.Between, schema.Int(100), schema.Int(200)),
			condition("share", filter.Ge, schema.Dec(decimal.RequireFromString("0.2"))),
			condition("latitude", filter.Lt, schema.Float(50)),
			condition("wanted", filter.Eq, schema.Bool(true)),
			condition("source", filter.In, schema.Int(1), schema.Int(8)),
			condition("seenon", filter.Gt, schema.Time(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))),
			condition("about", filter.Ne, schema.Ref(schema.Lookup{Table: "thing", ID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"})),
			condition("employees", filter.Eq, schema.Int(int64(101+n))),
		))
	}
	e := engine.New(programs)
	allocations := testing.AllocsPerRun(100, func() {
		r := e.Load(row, nil)
		defer r.Free()
		if got, err := e.First(r, 0); got != 19 || err != nil {
			t.Fatalf("first is %d, %v, want 19", got, err)
		}
	})
	if allocations != 0 {
		t.Errorf("an evaluation allocates %v times, want 0", allocations)
	}
}
