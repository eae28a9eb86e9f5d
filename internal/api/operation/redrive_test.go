package operation_test

import (
	"testing"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
)

func administrator() sales.Caller {
	return sales.Caller{ID: salestest.Manager().ID, Roles: []string{sales.SystemAdministrator}}
}

// redrive calls the action.
func redrive(w *salestest.World, parameters call.Arguments) error {
	_, err := w.Operations().Do(w.T.Context(), administrator(), operation.Action{Name: "segue_Redrive", Given: parameters})
	return err
}

// breakSegment makes a segment of leads that nobody can compile, and a lead whose
// change is parked because of it.
func breakSegment(w *salestest.World) (segment string, lead rows.Ref) {
	w.T.Helper()
	segment = w.Segment(1, salestest.Web, "", nil)
	w.Settle()
	w.Corrupt("msdyn_segment", segment, func(row *rows.Row) {
		row.Set("msdyn_entityfilter", schema.Text(`{"type":"and","items":[{"attribute":"new_gone","operator":"null"}]}`))
	})
	w.Restart()
	lead = w.Lead(1, salestest.Values{salestest.Sources: int64(8)})
	w.Settle()
	if parked := w.Parked(); len(parked) != 1 || parked[0].Cause() != (rows.Ref{Table: "msdyn_segment", ID: segment}) {
		w.T.Fatalf("parked %v, want the lead because of the segment", parked)
	}
	return segment, lead
}

// mend makes the segment what it was, past the rules that would take up by
// themselves what is parked.
func mend(w *salestest.World, segment string) {
	w.T.Helper()
	w.Corrupt("msdyn_segment", segment, func(row *rows.Row) {
		row.Set("msdyn_entityfilter", schema.Text(salestest.Where(salestest.Web)))
	})
	w.Restart()
}

func TestRedrive_OneRow(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	segment, lead := breakSegment(w)
	given := call.Arguments{"Table": lead.Table, "Id": lead.ID}
	salestest.Refused(t, redrive(w, given), sales.Precondition, lead.ID, "new_gone")
	if parked := w.Parked(); len(parked) != 1 || parked[0].Tries() != 2 {
		t.Errorf("parked %v, want the lead after two tries", parked)
	}
	mend(w, segment)
	if err := redrive(w, given); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Member(lead, segment, false)
	if parked := w.Parked(); len(parked) > 0 {
		t.Errorf("left parked: %v", parked)
	}
}

func TestRedrive_All(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	segment, lead := breakSegment(w)
	all := call.Arguments{"All": true}
	if err := redrive(w, all); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if parked := w.Parked(); len(parked) != 1 || parked[0].Tries() != 2 {
		t.Errorf("parked %v, want the lead after two tries", parked)
	}
	mend(w, segment)
	if err := redrive(w, all); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Member(lead, segment, false)
	if parked := w.Parked(); len(parked) > 0 {
		t.Errorf("left parked: %v", parked)
	}
}
