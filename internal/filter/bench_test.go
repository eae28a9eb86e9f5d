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
		"name": "Contoso Österreich", "notes": "Met at the fair, wants an offer for 40 seats.",
		"employees": int64(120), "serial": int64(77), "share": decimal.RequireFromString("0.25"),
		"revenue": decimal.RequireFromString("1250000.5"), "latitude": 47.05, "wanted": true,
		"source": int64(8), "statecode": int64(0), "statuscode": int64(1),
		"seenon": time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC),
		"about":  schema.Lookup{Table: "part", ID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
	}}
}

// typicalFilter has ten conditions, all of which hold on typicalRow, so that
// none is skipped.
func typicalFilter() *filter.Group {
	return and(
		condition("statecode", filter.Eq, int64(0)),
		condition("source", filter.In, int64(1), int64(8)),
		condition("revenue", filter.Ge, decimal.RequireFromString("1000000")),
		condition("employees", filter.Between, int64(50), int64(500)),
		condition("name", filter.BeginsWith, "contoso"),
		or(
			condition("notes", filter.Contains, "discount"),
			condition("notes", filter.Like, "%fair%offer%"),
		),
		condition("seenon", filter.Gt, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)),
		condition("birthday", filter.Null),
		condition("about", filter.Ne, schema.Lookup{Table: "thing", ID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"}),
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
