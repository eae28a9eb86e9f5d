package progress_test

import (
	"fmt"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/mail"
	"segue/internal/mail/mailtest"
	"segue/internal/mail/smtp"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

const letterID = "33333333-3333-4333-8333-333333333333"

// automated is an email that the system sends, and a task after it.
var automated = fmt.Sprintf(`[{"type":"automatedemail","name":"Mail","template":%q},`, letterID) + task("Last") + `]`

// posting is a ticking world that sends emails to a server of the test.
type posting struct {
	*ticking

	server *mailtest.Server
}

func newPosting(t testing.TB) *posting {
	t.Helper()
	c, server := clock.NewManual(salestest.Now()), mailtest.Start(t)
	transport, err := smtp.Open(server.URL, c)
	if err != nil {
		t.Fatal(err)
	}
	w := salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync()), c.Now, boot.Options{
		Freshness: sales.Freshness{Clock: c},
		Mail: mailing.Config{
			Sender: transport, From: mail.Address{Name: "Contoso", Email: "sales@contoso.test"},
			Base: "https://segue.test", Key: []byte("0123456789abcdef0123456789abcdef"),
		},
	})
	w.Create("template", letterID, values{"title": "A", "subject": "Hello", "body": "<p>Hello</p>", "templatetypecode": "lead"})
	return &posting{&ticking{w, c}, server}
}

// arrived demands how many emails there are in the mailbox.
func (w *posting) arrived(want int) {
	w.T.Helper()
	if got := len(w.server.Received()); got != want {
		w.T.Errorf("%d emails arrived, want %d", got, want)
	}
}

// sent is the row of the ledger of a step.
func (w *posting) sent(step *rows.Row) *rows.Row {
	w.T.Helper()
	return w.Row("segue_send", string(mailing.SendID(name.SequenceTargetStepID(step.ID))))
}

// docs/domain.md §6.2: an automated email leaves by the due list, and its step is closed with it.
func TestRun_6_2_AutomatedEmail(t *testing.T) {
	w := newPosting(t)
	target := w.on(values{"emailaddress1": "ada@example.test"}, automated)
	step := w.at(target, "Mail")
	w.arrived(0) // the process on the stream sends nothing
	w.pass()
	w.at(target, "Last")
	w.arrived(1)
	if row := w.sent(step); row.Int("segue_sendstate") != 2 || !row.Time("segue_senton").Equal(salestest.Now()) {
		t.Errorf("the ledger says %v", row.Values())
	}
	if done := w.Row("msdyn_sequencetargetstep", step.ID); done.Int("statuscode") != stepCompleted || done.Int("msdyn_errorstate") != 0 {
		t.Errorf("the step is %v", done.Values())
	}
	for range 2 { // whoever comes again changes nothing
		w.Untouched(t, func() {
			if err := w.Progress.Run(t.Context(), name.SequenceTargetStepID(step.ID)); err != nil {
				t.Error(err)
			}
		})
	}
	w.passes(time.Hour)
	w.arrived(1)
	w.Sound(true)
}

// An email of which nobody knows whether it was sent waits for an hour, is never sent again by
// itself, and then held with error state 8; a person has it sent again.
func TestRun_EmailUnknown(t *testing.T) {
	w := newPosting(t)
	w.server.Fail(mailtest.AtEnd, mailtest.ErrHangUp)
	target := w.on(values{"emailaddress1": "ada@example.test"}, automated)
	w.pass()
	step := w.at(target, "Mail")
	if step.Int("msdyn_errorstate") != 0 || !step.Is("segue_system") || !step.Time("msdyn_duetime").Equal(salestest.Now().Add(mailing.Reconciled)) {
		t.Errorf("the step does not wait for what may tell: %v", step.Values())
	}
	w.server.Fail(mailtest.AtEnd, nil)
	w.passes(mailing.Reconciled - time.Second)
	w.at(target, "Mail")
	w.passes(time.Second)
	step = w.at(target, "Mail")
	if step.Int("msdyn_errorstate") != 8 || step.Is("segue_system") {
		t.Errorf("the step is not held: %v", step.Values())
	}
	w.passes(24 * time.Hour)
	w.arrived(1)
	w.Sound(true)
	w.retry(w.at(target, "Mail"))
	w.arrived(2)
	w.at(target, "Last")
	w.Sound(true)
}

// What tells within the hour that it was sent closes the step, and nothing is sent again.
func TestRun_EmailUnknownIsConfirmed(t *testing.T) {
	w := newPosting(t)
	w.server.Fail(mailtest.AtEnd, mailtest.ErrHangUp)
	target := w.on(values{"emailaddress1": "ada@example.test"}, automated)
	w.pass()
	step := w.at(target, "Mail")
	w.server.Fail(mailtest.AtEnd, nil)
	w.clock.Advance(time.Minute)
	w.Corrupt("segue_send", w.sent(step).ID, func(row *rows.Row) { // as when its pixel is loaded
		row.SetAll(map[string]schema.Value{"segue_sendstate": schema.Int(2), "segue_senton": schema.Time(w.clock.Now()), "segue_openedon": schema.Time(w.clock.Now())})
	})
	w.passes(mailing.Reconciled)
	w.at(target, "Last")
	w.arrived(1)
	w.Sound(true)
}

// A transport that is busy is tried again for as long as it takes; one that refuses has the
// email held.
func TestRun_EmailLaterAndRefused(t *testing.T) {
	w := newPosting(t)
	w.server.Fail(mailtest.AtRecipient, mailtest.Reply(451, "busy"))
	target := w.on(values{"emailaddress1": "ada@example.test"}, automated)
	for range 8 {
		summary, err := w.Advance.Pass(t.Context())
		if err != nil || summary.PutOff != 1 {
			t.Fatalf("%+v, %v; want it put off", summary, err)
		}
		if step := w.at(target, "Mail"); step.Int("msdyn_errorstate") != 0 || step.Int("segue_tries") != 0 {
			t.Fatalf("a busy transport counts: %v", step.Values())
		}
		w.clock.Advance(time.Minute)
	}
	w.server.Fail(mailtest.AtRecipient, mailtest.Reply(550, "nobody here"))
	w.pass()
	step := w.at(target, "Mail")
	if step.Int("msdyn_errorstate") != 7 || step.Is("segue_system") {
		t.Errorf("the step is not held: %v", step.Values())
	}
	w.arrived(0)
	w.Sound(true)
	w.server.Fail(mailtest.AtRecipient, nil)
	w.retry(step)
	w.at(target, "Last")
	w.arrived(1)
}

// docs/domain.md §6.4: a reply to any email of the sequence ends the target, where the sequence
// says so; its open step is cancelled and does nothing any more.
func TestRun_6_4_Reply(t *testing.T) {
	for _, test := range []struct {
		name, exit string
		ended      bool
	}{{"ends", `{"segue":1,"replied":true}`, true}, {"does not", `{"segue":1,"replied":false}`, false}} {
		t.Run(test.name, func(t *testing.T) {
			w := newPosting(t)
			sequence := w.Draft(1, `[{"type":"automatedemail","name":"Mail","template":"`+letterID+`"},{"type":"wait","name":"Wait","wait":{"hours":2}},`+task("Last")+`]`)
			w.Update("msdyn_sequence", sequence, values{"msdyn_sequenceexitcriterion": test.exit})
			if err := w.Activate(sequence); err != nil {
				t.Fatal(err)
			}
			target := w.Connect(w.Lead(1, values{"emailaddress1": "ada@example.test"}), sequence)
			w.Settle()
			step := w.at(target, "Mail")
			w.pass()
			w.Settle()
			w.at(target, "Wait")
			w.Corrupt("segue_send", w.sent(step).ID, func(row *rows.Row) { row.Set("segue_repliedon", schema.Time(w.clock.Now())) })
			w.passes(3 * time.Hour)
			if !test.ended {
				w.at(target, "Last")
				return
			}
			w.Ended(target, salestest.Disconnected, 3, stepCancelled)
			w.Sound(true)
		})
	}
}
