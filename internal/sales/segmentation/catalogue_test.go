package segmentation_test

import (
	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/schema"
)

// A segment that no longer compiles (a column was taken out of the schema)
// parks the changes of the records of its type, naming itself, and holds up those
// of no other.
func TestBrokenSegmentParksItsTypeOnly(t *testing.T) {
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
	w.Settle()
	parked := w.Parked()
	if len(parked) != 1 || parked[0].Subject() != lead || parked[0].Cause().ID != broken {
		t.Fatalf("parked %v, want the lead because of the segment", parked)
	}
	for _, part := range []string{"Segment 1", "new_gone"} {
		if !strings.Contains(parked[0].Reason(), part) {
			t.Errorf("the lead is parked because %s, which does not say %q", parked[0].Reason(), part)
		}
	}
	if got := w.Row("opportunity", deal.ID).Lookup("msdyn_segmentid").ID; got != id("segment", 2) {
		t.Errorf("segment of the opportunity is %q, want %s", got, id("segment", 2))
	}
}
