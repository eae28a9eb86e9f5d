package report_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

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
	id, err := w.BeginCount(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if early, err := w.Census(t.Context(), id); err == nil {
		t.Errorf("a job that has just begun has the census %+v", early)
	}
	w.Settle()
	got, err := w.Census(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := report.Census{
		Rows: map[string]int64{
			"lead": 3, "msdyn_salesroutingrun": 2, "msdyn_sequence": 1, "msdyn_segment": 2, "msdyn_segmentattribute": 1,
			"msdyn_sequencetarget": 1, "msdyn_sequencetargetstep": 1, "segue_ledger": 2, "segue_trackedchange": 3, "segue_generation": 1,
			"segue_job":    1,                                     // that of the count
			"organization": 1, "businessunit": 1, "systemuser": 1, // of the manager who made them
		},
		Segments: []report.Place{
			{Table: "lead", ID: w.DefaultSegment().ID, Name: "Default segment"},
			{Table: "lead", ID: seg, Name: "Segment 1", Records: 2},
		},
		Sequences: []report.Place{{Table: "lead", ID: seq, Name: "Sequence 1", Records: 1}},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}
