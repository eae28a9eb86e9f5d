package sales_test

import (
	"testing"

	"segue/internal/rows"
	"segue/internal/sales"
)

// domain.md §16: whatever closes a record ends its connection with reason 2, in
// the same write.
func TestLifecycle_16_ClosingARecordEndsItsConnection(t *testing.T) {
	for name, test := range map[string]struct {
		table string
		v     values
	}{
		"lead qualified":           {"lead", values{"statecode": int64(1)}},
		"lead lost":                {"lead", values{"statuscode": leadLost}},
		"lead cannot be contacted": {"lead", values{"statecode": int64(2), "statuscode": int64(5)}},
		"opportunity won":          {"opportunity", values{"statecode": int64(1)}},
		"opportunity lost":         {"opportunity", values{"statecode": int64(2)}},
		"opportunity out-sold":     {"opportunity", values{"statuscode": int64(5)}},
		"account deactivated":      {"account", values{"statecode": int64(1)}},
		"contact deactivated":      {"contact", values{"statecode": int64(1)}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, sales.Options{})
			all := map[string]values{
				"lead": {"subject": "A", "lastname": "B"}, "opportunity": {"name": "A"}, "account": {"name": "A"}, "contact": {"lastname": "A"},
			}
			record := w.create(test.table, id(test.table, 1), all[test.table]).Ref()
			target := w.connect(record, w.sequence(1, test.table))
			w.update(test.table, record.ID, test.v)
			w.ended(target, disconnected, recordClosed, stepCancelled)
			w.member(record, "", false)
			w.sound(false)
		})
	}
}

func TestLifecycle_16_DeletingARecordEndsItsConnection(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq, lead := w.sequence(1, "lead"), w.lead(1, nil)
	target := w.connect(lead, seq)
	if err := w.Delete(t.Context(), manager(), lead, sales.If{}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	w.ended(target, disconnected, recordClosed, stepCancelled)
	_, err := w.Retrieve(t.Context(), manager(), lead)
	refused(t, err, sales.NotFound, lead.ID)
	w.sound(true)
}

func TestLifecycle_16_ContactedLeadStaysConnected(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := w.lead(1, nil)
	target := w.connect(lead, w.sequence(1, "lead"))
	w.update("lead", lead.ID, values{"statuscode": leadContacted})
	w.member(lead, "", true)
	w.finish(target, stepCompleted)
	w.sound(false)
}

func TestLifecycle_16_ReopenedRecordIsNotReconnected(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	seg := w.segment(1, web, seq, nil)
	lead := w.lead(1, values{sources: int64(8)})
	w.settle()
	w.member(lead, seg, true)
	w.update("lead", lead.ID, values{"statecode": int64(1)})
	w.update("lead", lead.ID, values{"statecode": int64(0)})
	w.settle()
	w.member(lead, seg, false)
	w.update("lead", lead.ID, values{sources: int64(1)})
	w.update("lead", lead.ID, values{sources: int64(8)}) // evaluated, and was on its segment's sequence before
	w.settle()
	w.member(lead, seg, false)
}

func TestLifecycle_4_10_ClosedRecordsAreReadOnly(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := w.lead(1, values{"statuscode": leadQualified})
	deal := w.opportunity(1, values{"statecode": int64(1)})
	for name, change := range map[string]func() error{
		"a lead's column":          func() error { return w.change("lead", lead.ID, values{"subject": "B"}) },
		"a lead's owner":           func() error { return w.change("lead", lead.ID, values{"ownerid": link("systemuser", id("user", 2))}) },
		"another closed state":     func() error { return w.change("lead", lead.ID, values{"statecode": int64(2)}) },
		"an opportunity's column":  func() error { return w.change("opportunity", deal.ID, values{"name": "B"}) },
		"another reason for a won": func() error { return w.change("opportunity", deal.ID, values{"statuscode": int64(4)}) },
	} {
		t.Run(name, func(t *testing.T) {
			w.refuses(t, sales.Precondition, change, "is closed", "read-only", "statecode 0")
		})
	}
	w.update("lead", lead.ID, values{"statecode": int64(0), "subject": "B"})
	w.update("lead", lead.ID, values{"subject": "C"})
	if err := w.Delete(t.Context(), manager(), rows.Ref{Table: "opportunity", ID: deal.ID}, sales.If{}); err != nil {
		t.Errorf("a closed record cannot be deleted: %v", err)
	}
}
