package segmentation_test

import (
	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/schema"
)

// A segment that no longer compiles (a column was taken out of the schema)
// holds up the records of its type, loudly, and those of no other.
func TestBrokenSegmentHoldsUpItsTypeOnly(t *testing.T) {
	w := newWorld(t, boot.Options{})
	broken := w.Segment(1, `{"attribute":"leadsourcecode","operator":"eq","values":[8]}`, "", nil)
	w.Create("msdyn_segment", id("segment", 2), values{
		"msdyn_name": "Deals", "msdyn_objecttype": "opportunity",
		"msdyn_entityfilter": `{"type":"and","items":[{"attribute":"opportunityratingcode","operator":"eq","values":[1]}]}`,
	})
	w.Update("msdyn_segment", id("segment", 2), values{"statecode": int64(0)})
	w.Settle()
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), rows.Ref{Table: "msdyn_segment", ID: broken})
		if err == nil {
			found[0].Set("msdyn_entityfilter", schema.Text(`{"type":"and","items":[{"attribute":"new_gone","operator":"null"}]}`))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	lead := w.Lead(1, values{"leadsourcecode": int64(8)})
	deal := w.Create("opportunity", id("opportunity", 1), values{"name": "Deal", "opportunityratingcode": int64(1)})
	w.Restart()
	changes := w.Fresh()
	failures := w.Changes(t.Context(), changes)
	if len(failures) != 1 || changes[failures[0].Index].Key.SK != lead.ID {
		t.Fatalf("failures are %v, want that of the lead", failures)
	}
	for _, part := range []string{"Segment 1", "new_gone"} {
		if !strings.Contains(failures[0].Err.Error(), part) {
			t.Errorf("the lead failed with %v, which does not say %q", failures[0].Err, part)
		}
	}
	if got := w.Row("opportunity", deal.ID).Lookup("msdyn_segmentid").ID; got != id("segment", 2) {
		t.Errorf("segment of the opportunity is %q, want %s", got, id("segment", 2))
	}
}
