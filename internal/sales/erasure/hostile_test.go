package erasure_test

import (
	"errors"
	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
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
	salestest.CaptureLog(t)
	lead := w.Lead(1, salestest.Values{"lastname": secret})
	step := w.Step(w.Connect(lead, w.Sequence(1, "lead")))
	w.Settle()
	rowstest.Spoil(t, w.Store, step.Ref())
	erase(w, lead)
	w.Settle()
	left := mentions(t, w)
	if len(left) == 0 {
		t.Fatal("tests nothing")
	}
	checkWaits(t, w, step.ID)
}

// checkWaits demands that the only erasure has not ended, and that its job says why.
func checkWaits(t *testing.T, w *salestest.World, because string) {
	t.Helper()
	page, err := w.Entities.List(t.Context(), administrator(), "segue_erasure", query.Query{Limit: 2})
	if err != nil || len(page.Rows) != 1 {
		t.Fatalf("%d erasures, %v", len(page.Rows), err)
	}
	row := page.Rows[0]
	job := sales.Job{Row: w.Row("segue_job", row.ID)}
	if !row.Time("segue_endedon").IsZero() || job.State() != sales.JobFailed || !strings.Contains(job.Row.Text("segue_reason"), because) {
		t.Errorf("%s ended on %v, its job is %v because %q", row.Text("segue_name"), row.Time("segue_endedon"), job.State(), job.Row.Text("segue_reason"))
	}
}

// A record whose guard cannot be read is erased, and its connections end.
func TestUnreadableGuard(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, salestest.Values{"lastname": secret})
	target := w.Connect(lead, w.Sequence(1, "lead"))
	w.Settle()
	w.Corrupt("lead", lead.ID, func(row *rows.Row) { row.Set("segue_live", schema.Text("garbage")) })
	w.Settle()
	erase(w, lead)
	w.Settle()
	if left := mentions(t, w); len(left) > 0 {
		t.Errorf("the person is still in %v", left)
	}
	if target := w.Row("msdyn_sequencetarget", target.ID); target.Int("statecode") != 1 || w.Row("lead", lead.ID).Is("segue_connected") {
		t.Errorf("the target is %v", target.Values())
	}
	w.Sound(true)
}

// A target that cannot be read does not keep the person in the record; the erasure waits
// for it.
func TestUnreadableTarget(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	salestest.CaptureLog(t)
	lead := w.Lead(1, salestest.Values{"lastname": secret})
	target := w.Connect(lead, w.Sequence(1, "lead"))
	w.Settle()
	rowstest.Spoil(t, w.Store, target.Ref())
	erase(w, lead)
	if name := w.Row("lead", lead.ID).Text("fullname"); name != "Erased" {
		t.Errorf("the lead is called %q", name)
	}
	w.Settle()
	checkWaits(t, w, target.ID)
}

// An erased record that is deleted could be made again under its id, by an import that
// brings the person back.
func TestErasedRecordStays(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, salestest.Values{"lastname": secret})
	erase(w, lead)
	w.Settle()
	w.Refuses(t, sales.Precondition, func() error {
		return w.Entities.Delete(t.Context(), administrator(), lead, entity.If{})
	}, lead.ID, "erased")
	if err := w.TryUpdate("lead", lead.ID, salestest.Values{"lastname": secret}); !errors.Is(err, sales.Precondition) {
		t.Errorf("the same row is imported again: %v", err)
	}
}

// What is parked of a target that time to live has deleted may tell of the person, and
// nobody can tell whose it was.
func TestParkedOfATargetThatIsGone(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, salestest.Values{"lastname": secret})
	target := w.Connect(lead, w.Sequence(1, "lead"))
	w.Settle()
	parked := salestest.Park(t, w.DB, target.Ref(), "connection.verify")
	w.Parked() // it is expected
	if err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), target.Ref(), lead)
		if err == nil {
			tx.Delete(found[0])
			found[1].Set("segue_live", schema.Null())
			found[1].Set("segue_connected", schema.Bool(false))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	erase(w, lead)
	w.Settle()
	salestest.Gone(t, w.DB, parked)
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
