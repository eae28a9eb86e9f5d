package connection_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
)

// docs/domain.md §16: whatever closes a record ends its connection with reason 2, in
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
			w := newWorld(t, boot.Options{})
			all := map[string]values{
				"lead": {"subject": "A", "lastname": "B"}, "opportunity": {"name": "A"}, "account": {"name": "A"}, "contact": {"lastname": "A"},
			}
			record := w.Create(test.table, id(test.table, 1), all[test.table]).Ref()
			target := w.Connect(record, w.Sequence(1, test.table))
			w.Update(test.table, record.ID, test.v)
			w.Ended(target, disconnected, recordClosed, stepCancelled)
			w.Member(record, "", false)
			w.Sound(false)
		})
	}
}

func TestLifecycle_16_DeletingARecordEndsItsConnection(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	target := w.Connect(lead, seq)
	if err := w.Entities.Delete(t.Context(), manager(), lead, entity.If{}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Ended(target, disconnected, recordClosed, stepCancelled)
	_, err := w.Entities.Retrieve(t.Context(), manager(), lead)
	refused(t, err, sales.NotFound, lead.ID)
	w.Sound(true)
}

func TestLifecycle_16_ContactedLeadStaysConnected(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	target := w.Connect(lead, w.Sequence(1, "lead"))
	w.Update("lead", lead.ID, values{"statuscode": leadContacted})
	w.Member(lead, "", true)
	w.Finish(target, stepCompleted)
	w.Sound(false)
}

func TestLifecycle_16_ReopenedRecordIsNotReconnected(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	seg := w.Segment(1, web, seq, nil)
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	w.Member(lead, seg, true)
	w.Update("lead", lead.ID, values{"statecode": int64(1)})
	w.Update("lead", lead.ID, values{"statecode": int64(0)})
	w.Settle()
	w.Member(lead, seg, false)
	w.Update("lead", lead.ID, values{sources: int64(1)})
	w.Update("lead", lead.ID, values{sources: int64(8)}) // evaluated, and was on its segment's sequence before
	w.Settle()
	w.Member(lead, seg, false)
}

func TestLifecycle_4_10_ClosedRecordsAreReadOnly(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, values{"statuscode": leadQualified})
	deal := w.Opportunity(1, values{"statecode": int64(1)})
	other := w.User(2)
	for name, change := range map[string]func() error{
		"a lead's column": func() error { return w.TryUpdate("lead", lead.ID, values{"subject": "B"}) },
		"a lead's owner": func() error {
			return w.TryUpdate("lead", lead.ID, values{"ownerid": other})
		},
		"another closed state":     func() error { return w.TryUpdate("lead", lead.ID, values{"statecode": int64(2)}) },
		"an opportunity's column":  func() error { return w.TryUpdate("opportunity", deal.ID, values{"name": "B"}) },
		"another reason for a won": func() error { return w.TryUpdate("opportunity", deal.ID, values{"statuscode": int64(4)}) },
	} {
		t.Run(name, func(t *testing.T) {
			w.Refuses(t, sales.Precondition, change, "is closed", "read-only", "statecode 0")
		})
	}
	w.Update("lead", lead.ID, values{"statecode": int64(0), "subject": "B"})
	w.Update("lead", lead.ID, values{"subject": "C"})
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "opportunity", ID: deal.ID}, entity.If{}); err != nil {
		t.Errorf("a closed record cannot be deleted: %v", err)
	}
}
