package erasure_test

import (
	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// A name of more than 100 bytes is stored a second time, in msdyn_regarding, which is not
// "personal" and no longer follows msdyn_name.
func TestLongName(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	lead := w.Lead(1, salestest.Values{"firstname": secret + strings.Repeat("я", 40), "lastname": secret + strings.Repeat("я", 40)})
	w.ConnectOnly(lead, sequence)
	w.Settle()
	erase(w, lead)
	w.Settle()
	if left := mentions(t, w); len(left) > 0 {
		t.Errorf("the person is still in %v", left)
	}
}

// What a seller wrote on a step about the person.
func TestTextOnSteps(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	lead := w.Lead(1, nil)
	target := w.Connect(lead, sequence)
	step := w.Step(target)
	w.Update("msdyn_sequencetargetstep", step.ID, salestest.Values{"msdyn_description": secret + " wants a call at home", "msdyn_name": "Call " + secret})
	w.Settle()
	erase(w, lead)
	w.Settle()
	if left := mentions(t, w); len(left) > 0 {
		t.Errorf("the person is still in %v", left)
	}
}

// A chain of records that each name the next as the same person is one transaction.
func TestChainOfPersons(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	const n = 40
	for i := n; i > 0; i-- {
		v := salestest.Values{"lastname": secret}
		if i < n {
			v["parentcontactid"] = salestest.Link("contact", salestest.ID("contact", i+1))
		}
		w.Lead(i, v)
		w.Create("contact", salestest.ID("contact", i), salestest.Values{"lastname": secret, "originatingleadid": salestest.Link("lead", salestest.ID("lead", i))})
	}
	w.Settle()
	err := tryErase(w, administrator(), w.Row("lead", salestest.ID("lead", 1)).Ref())
	if err != nil {
		t.Errorf("erase: %v", err)
	}
	w.Settle()
	if left := mentions(t, w); len(left) > 0 {
		t.Errorf("the person is still in %d rows", len(left))
	}
}

// An import that is run again brings back the activities that the erasure has deleted.
func TestActivityComesBack(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	task := salestest.Values{"subject": secret, "regardingobjectid": salestest.Lookup(lead)}
	w.Create("task", salestest.ID("task", 1), task)
	w.Settle()
	erase(w, lead)
	w.Settle()
	if left := mentions(t, w); len(left) > 0 {
		t.Fatalf("the person is still in %v", left)
	}
	_, _, err := w.Entities.Update(t.Context(), administrator(), rows.Ref{Table: "task", ID: salestest.ID("task", 1)}, schematest.Row(task), entity.If{})
	if err == nil {
		t.Errorf("the same activity about the erased record is written again: %v", mentions(t, w))
	}
}

// A row that the job cannot work on (not: cannot read) counts for nothing: the erasure
// says that it is done.
func TestRowThatCannotBeErased(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	contact := w.Create("contact", salestest.ID("contact", 1), salestest.Values{"lastname": secret}).Ref()
	second := w.Lead(2, salestest.Values{"lastname": secret, "parentcontactid": salestest.Lookup(contact)})
	w.Settle()
	w.Corrupt("lead", second.ID, func(row *rows.Row) { row.Set("segue_live", schema.Text("garbage")) })
	w.Settle()
	erase(w, contact)
	w.Settle()
	left := mentions(t, w)
	if len(left) == 0 {
		t.Fatal("tests nothing")
	}
	for _, table := range []string{"segue_erasure"} {
		for _, p := range rows.ListPartitions(w.DB.Schema().Table(table)) {
			part, err := w.DB.Read(t.Context(), w.DB.Schema().Table(table), p, "", 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, row := range part.Rows {
				if !row.Time("segue_endedon").IsZero() {
					state, failed := int64(-1), int64(0)
					if table == "segue_job" {
						state, failed = row.Int("segue_state"), row.Int("segue_rowsfailed")
					}
					t.Errorf("%v (%s, state %d, %d failed) has ended, and the person is in %v", row.Ref(), row.Text("segue_name"), state, failed, left)
				}
			}
		}
	}
}

// A connection that is made in another process at each moment of an erasure.
func TestConnectMeanwhile(t *testing.T) {
	for at := range 40 {
		w := salestest.New(t, boot.Options{})
		sequence := w.Sequence(1, "lead")
		lead := w.Lead(1, salestest.Values{"firstname": secret, "lastname": secret})
		w.Settle()
		calls, came := 0, false
		other := *w
		other.Parts = w.Plain(boot.Options{})
		w.Probe.Inject(func(probe.Call) probe.Fault {
			if calls++; calls == at+1 {
				came = true
				_ = other.TryConnect(lead, sequence)
				_, _, _ = other.Entities.Update(t.Context(), administrator(), lead, schematest.Row(salestest.Values{"telephone1": secret}), entity.If{})
			}
			return probe.None
		})
		erase(w, lead)
		w.Settle()
		w.Probe.Inject(nil)
		w.Settle()
		if left := mentions(t, w); len(left) > 0 || w.Row("lead", lead.ID).Is("segue_connected") {
			t.Errorf("at %d: the person is still in %v, connected %v", at, left, w.Row("lead", lead.ID).Is("segue_connected"))
		}
		w.Sound(true)
		if !came {
			t.Logf("%d calls", calls)
			return
		}
	}
}
