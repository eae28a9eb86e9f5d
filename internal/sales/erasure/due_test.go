package erasure_test

import (
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/sales/salestest"
)

// When a record would be decided on tells a date of the person; it goes, for an open record
// and for a closed one, which no pass would take up.
func TestErase_DecidedOn(t *testing.T) {
	for _, state := range []int64{0, 1} {
		w := salestest.New(t, boot.Options{})
		w.Segment(1, `{"attribute":"birthdate","operator":"olderthan-x-years","values":[18]}`, "", salestest.Values{"msdyn_objecttype": "contact"})
		w.Settle()
		born := time.Date(2010, 5, 6, 0, 0, 0, 0, time.UTC)
		contact := w.Create("contact", salestest.ID("contact", 1), salestest.Values{"lastname": secret, "birthdate": born}).Ref()
		w.Settle()
		due := func() time.Time { return w.Row("contact", contact.ID).Time("segue_decideon") }
		if due().Year() != 2028 {
			t.Fatalf("it is decided on at %v", due())
		}
		if state != 0 {
			w.Update("contact", contact.ID, salestest.Values{"statecode": state})
			w.Settle()
		}
		erase(w, contact)
		w.Settle()
		if !due().IsZero() {
			t.Errorf("in state %d it is still decided on at %v", state, due())
		}
	}
}
