package rows_test

import (
	"sync"
	"testing"
	"time"

	"segue/internal/rows"
	"segue/internal/schema"
)

// Many processes count in one row: none is lost, and the row is made by the first.
func TestAddOne(t *testing.T) {
	f := newFixture(t)
	table := f.Table("segue_usage")
	expires := schema.Time(time.Date(2026, 1, 3, 0, 0, 0, 0, time.UTC))
	count := func(columns ...string) {
		t.Helper()
		if err := f.AddOne(t.Context(), table, "ann#1", values{"segue_userid": schema.Text("ann"), "segue_expireson": expires}, columns...); err != nil {
			t.Error(err)
		}
	}
	f.Probe.Reset()
	count("segue_requests")
	if n := f.Probe.Counts(); n.Ops != 1 || n.Gets+n.Queries > 0 || n.WriteUnits != 2 {
		t.Errorf("a count costs %+v, want one item in a transaction", n)
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() { count("segue_requests", "segue_executions") })
	}
	all.Wait()
	row := f.Row(t, rows.Ref{Table: "segue_usage", ID: "ann#1"})
	if r, e := row.Int("segue_requests"), row.Int("segue_executions"); r != 9 || e != 8 || row.Text("segue_userid") != "ann" {
		t.Errorf("counted %d and %d, %v", r, e, row.Values())
	}
	if v, _ := row.Value("segue_expireson"); v != expires {
		t.Errorf("kept until %v", v)
	}
}

func TestAddOneRefuses(t *testing.T) {
	f := newFixture(t)
	for name, err := range map[string]error{
		"a table with indexes": f.AddOne(t.Context(), f.Table("lead"), "1", nil, "numberofemployees"),
		"a text":               f.AddOne(t.Context(), f.Table("segue_usage"), "1", nil, "segue_userid"),
		"no column":            f.AddOne(t.Context(), f.Table("segue_usage"), "1", nil, "segue_nothing"),
		"no column to set":     f.AddOne(t.Context(), f.Table("segue_usage"), "1", values{"segue_nothing": schema.Null()}, "segue_requests"),
	} {
		if err == nil {
			t.Errorf("%s was counted in", name)
		}
	}
}
