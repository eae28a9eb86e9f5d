package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/boot"
	"segue/internal/sales/report"
)

func TestCount(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web, seq, nil)
	w.Lead(1, values{sources: int64(8)})
	w.Lead(2, values{sources: int64(8), "statuscode": leadContacted})
	w.Lead(3, nil)
	w.Settle()
	got, err := report.Count(t.Context(), w.DB)
	if err != nil {
		t.Fatal(err)
	}
	want := report.Census{
		Rows: map[string]int{
			"lead": 3, "msdyn_sequence": 1, "msdyn_segment": 2, "msdyn_segmentattribute": 1,
			"msdyn_sequencetarget": 1, "msdyn_sequencetargetstep": 1, "segue_ledger": 2, "segue_generation": 1,
			"organization": 1, "businessunit": 1, "systemuser": 1, // of the manager who made them
		},
		Segments: []report.Place{
			{Table: "lead", ID: seg, Name: "Segment 1", Records: 2},
			{Table: "lead", ID: w.DefaultSegment().ID, Name: "Default segment"},
		},
		Sequences: []report.Place{{Table: "lead", ID: seq, Name: "Sequence 1", Records: 1}},
	}
	if d := cmp.Diff(want, got, byName()); d != "" {
		t.Error(d)
	}
}

// byName compares places in any order.
func byName() cmp.Option {
	return cmpopts.SortSlices(func(a, b report.Place) bool { return a.Name < b.Name })
}
