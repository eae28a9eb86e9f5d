package filter_test

import (
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/schema"
)

// typicalRow is a row as a change of a record brings it.
func typicalRow() mapRow {
	return mapRow{values: map[string]schema.Value{
		"name": schema.Text("Contoso Österreich"), "notes": schema.Text("Met at the fair, wants an offer for 40 seats."),
		"employees": schema.Int(120), "serial": schema.Int(77), "share": schema.Dec(decimal.RequireFromString("0.25")),
		"revenue": schema.Dec(decimal.RequireFromString("1250000.5")), "latitude": schema.Float(47.05), "wanted": schema.Bool(true),
		"source": schema.Int(8), "statecode": schema.Int(0), "statuscode": schema.Int(1),
		"seenon": schema.Time(time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)),
		"about":  schema.Ref(schema.Lookup{Table: "part", ID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"}),
	}}
}

// typicalFilter has ten conditions, all of which hold on typicalRow, so that
// none is skipped.
func typicalFilter() *filter.Group {
	return and(
		condition("statecode", filter.Eq, schema.Int(0)),
		condition("source", filter.In, schema.Int(1), schema.Int(8)),
		condition("revenue", filter.Ge, schema.Dec(decimal.RequireFromString("1000000"))),
		condition("employees", filter.Between, schema.Int(50), schema.Int(500)),
		condition("name", filter.BeginsWith, schema.Text("contoso")),
		or(
			condition("notes", filter.Contains, schema.Text("discount")),
			condition("notes", filter.Like, schema.Text("%fair%offer%")),
		),
		condition("seenon", filter.Gt, schema.Time(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))),
		condition("birthday", filter.Null),
		condition("about", filter.Ne, schema.Ref(schema.Lookup{Table: "thing", ID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"})),
	)
}

func TestMatchAllocatesNothing(t *testing.T) {
	program := compile(t, loadSchema(t), typicalFilter())
	row := filter.Row(typicalRow())
	allocations := testing.AllocsPerRun(100, func() {
		if holds, err := program.Match(row); !holds || err != nil {
			t.Fatalf("Match = %v, %v; want true, nil", holds, err)
		}
	})
	if allocations != 0 {
		t.Errorf("Match allocates %v times, want 0", allocations)
	}
}

// BenchmarkMatch is one row against all segments of a full catalogue: 250
// programs of 10 conditions each.
func BenchmarkMatch(b *testing.B) {
	s := loadSchema(b)
	programs := make([]*filter.Program, 250)
	for i := range programs {
		programs[i] = compile(b, s, typicalFilter())
	}
	row := filter.Row(typicalRow())
	b.ReportAllocs()
	for b.Loop() {
		for _, p := range programs {
			if holds, err := p.Match(row); !holds || err != nil {
				b.Fatal(holds, err)
			}
		}
	}
}
