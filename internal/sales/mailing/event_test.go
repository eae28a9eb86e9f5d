package mailing_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/api/operation"
	"segue/internal/odata/call"
	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
)

// tell has a caller hand on events of a provider.
func (w *world) tell(c sales.Caller, events ...string) error {
	list := make([]any, len(events))
	for i, e := range events {
		list[i] = e
	}
	_, err := w.Operations().Do(w.T.Context(), c, operation.Action{Name: "segue_MailEvents", Given: call.Arguments{"Events": list}})
	return err
}

func administrator() sales.Caller {
	return sales.Caller{ID: salestest.Manager().ID, Roles: []string{sales.SystemAdministrator}}
}

// event is an event of SES about an email, by its tag.
func event(r mailing.Request, kind, more string) string {
	return fmt.Sprintf(`{"eventType":%q,"mail":{"messageId":"m-1","timestamp":"2026-01-02T03:00:00.000Z","tags":{"segue-send":[%q]},"commonHeaders":{}}%s}`, kind, mailing.SendID(r.Step), more)
}

const (
	permanent = `,"bounce":{"bounceType":"Permanent","timestamp":"2026-01-02T03:01:00.500Z","bouncedRecipients":[{"emailAddress":"ada@example.test","diagnosticCode":"550 nobody"}]}`
	transient = `,"bounce":{"bounceType":"Transient","timestamp":"2026-01-02T03:01:00Z","bouncedRecipients":[]}`
	complaint = `,"complaint":{"complaintFeedbackType":"abuse","timestamp":"2026-01-02T03:02:00Z"}`
)

// A bounce and a complaint end the connection, each with its reason, and the address takes
// no more emails. Told again, they change nothing.
func TestBounceAndComplaint(t *testing.T) {
	for _, test := range []struct {
		name, event      string
		column           string
		reason, suppress int64
	}{
		{"Bounce", permanent, "segue_bouncedon", 7, 2},
		{"Complaint", complaint, "segue_complainedon", 8, 3},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			r := w.request(1, nil)
			if err := w.send(r); err != nil {
				t.Fatal(err)
			}
			for n := range 2 {
				writes := w.writes(func() {
					if err := w.tell(administrator(), event(r, test.name, test.event)); err != nil {
						t.Fatal(err)
					}
				})
				if n == 1 && writes != 0 {
					t.Errorf("told again, it wrote %d times", writes)
				}
				w.Settle()
			}
			target := w.Row("msdyn_sequencetarget", string(r.Target))
			if target.Int("statuscode") != 5 || target.Int("msdyn_deactivatereason") != test.reason || w.Row("lead", r.Record.ID).Is("segue_connected") {
				t.Errorf("the target is %v", target.Values())
			}
			if w.ledger(r).Time(test.column).IsZero() {
				t.Errorf("the ledger says %v", w.ledger(r).Values())
			}
			if got := w.Row("segue_suppression", string(sales.SuppressionOf("ada@example.test"))).Int("segue_suppressed"); got != test.suppress {
				t.Errorf("suppressed because of %d, want %d", got, test.suppress)
			}
			w.Sound(true)
		})
	}
}

// What ends nothing: a mailbox that is full, a complaint taken back, a delivery.
func TestEventsThatEndNothing(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	err := w.tell(administrator(), event(r, "Bounce", transient), event(r, "Complaint", strings.Replace(complaint, "abuse", "not-spam", 1)),
		event(r, "Delivery", `,"delivery":{"timestamp":"2026-01-02T03:02:00Z"}`), event(r, "Open", `,"open":{"timestamp":"2026-01-02T03:02:30Z"}`), event(r, "DeliveryDelay", ""))
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if got := w.Row("msdyn_sequencetarget", string(r.Target)).Int("statecode"); got != 0 {
		t.Errorf("the target is in state %d", got)
	}
	if row := w.ledger(r); row.Time("segue_deliveredon").IsZero() || row.Time("segue_openedon").IsZero() || !row.Time("segue_bouncedon").IsZero() {
		t.Errorf("the ledger says %v", row.Values())
	}
}

// An event names its email by the Message-ID too, and may come in envelopes.
func TestEventByMessageID(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	inner := fmt.Sprintf(`{"notificationType":"Delivery","mail":{"messageId":%q},"delivery":{"timestamp":"2026-01-02T03:02:00Z"}}`, w.ledger(r).Text("segue_messageid"))
	sns := fmt.Sprintf(`{"Type":"Notification","MessageId":"x","Message":%q}`, inner)
	if err := w.tell(administrator(), `{"version":"0","detail-type":"Email Delivered","detail":`+sns+`}`); err != nil {
		t.Fatal(err)
	}
	if w.ledger(r).Time("segue_deliveredon").IsZero() {
		t.Errorf("the ledger says %v", w.ledger(r).Values())
	}
}

// A notification tells that an email was sent of which nobody knew.
func TestEventConfirms(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	w.Probe.Inject(failWrite(2))
	_ = w.send(r)
	w.Probe.Inject(func(probe.Call) probe.Fault { return probe.None })
	w.Restart()
	w.state(r, claimed, 1)
	if err := w.tell(administrator(), event(r, "Send", `,"send":{}`)); err != nil {
		t.Fatal(err)
	}
	w.state(r, sent, 1)
	if err := w.send(r); err != nil {
		t.Errorf("what is confirmed goes on: %v", err)
	}
	w.state(r, sent, 1)
}

func TestEventsRefused(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	w.Refuses(t, sales.Forbidden, func() error { return w.tell(salestest.Manager(), event(r, "Send", "")) }, "prvCreatesegue_send")
	for _, text := range []string{"", "no JSON", "{}", `{"eventType":"Nothing","mail":{"messageId":"m"}}`, `{"eventType":"Send","mail":{}}`,
		`{"detail":{"detail":{"detail":{"eventType":"Send","mail":{"messageId":"m"}}}}}`} {
		w.Refuses(t, sales.Invalid, func() error { return w.tell(administrator(), text) }, "Events[0]")
	}
	many := make([]string, 26)
	w.Refuses(t, sales.Invalid, func() error { return w.tell(administrator(), many...) }, "26")
	if err := w.tell(administrator(), `{"eventType":"Bounce","mail":{"messageId":"of somebody else"}`+permanent+`}`); err != nil {
		t.Errorf("an event about another email: %v", err)
	}
}

// bridged is an event as EventBridge puts it into the queue.
func bridged(event string) queue.Message {
	return queue.Message{Body: `{"version":"0","detail-type":"Email","source":"aws.ses","detail":` + event + `}`}
}

// Events that come in any order, and several times, have the effect of each once, in order.
func TestEventsShuffled(t *testing.T) {
	opened := func(minute int) string { return fmt.Sprintf(`,"open":{"timestamp":"2026-01-02T03:%02d:00Z"}`, minute) }
	after := func(dice *rand.Rand) map[string]string {
		w := newWorld(t)
		r := w.request(1, nil)
		if err := w.send(r); err != nil {
			t.Fatal(err)
		}
		w.clock.Advance(time.Hour)
		list := []queue.Message{
			bridged(event(r, "Send", "")), bridged(event(r, "Delivery", `,"delivery":{"timestamp":"2026-01-02T03:00:30Z"}`)),
			bridged(event(r, "Open", opened(2))), bridged(event(r, "Open", opened(3))),
			bridged(event(r, "Click", `,"click":{"timestamp":"2026-01-02T03:02:30Z"}`)),
			bridged(event(r, "Bounce", transient)), bridged(event(r, "Bounce", permanent)),
		}
		if dice != nil {
			list = append(list, list...)
			dice.Shuffle(len(list), func(i, k int) { list[i], list[k] = list[k], list[i] })
		}
		if failures := w.Notifications()(t.Context(), list); len(failures) > 0 {
			t.Fatalf("not noted: %v", failures)
		}
		w.Settle()
		facts := map[string]string{"reason": fmt.Sprint(w.Row("msdyn_sequencetarget", string(r.Target)).Int("msdyn_deactivatereason"))}
		for _, column := range []string{"segue_senton", "segue_deliveredon", "segue_openedon", "segue_clickedon", "segue_bouncedon"} {
			facts[column] = w.ledger(r).Time(column).String()
		}
		return facts
	}
	want := after(nil)
	for seed := range uint64(20) {
		if diff := cmp.Diff(want, after(rand.New(rand.NewPCG(seed, seed)))); diff != "" {
			t.Fatalf("seed %d (-in order +shuffled):\n%s", seed, diff)
		}
	}
}

// What is not an event is reported alone, so that its queue keeps it; the others are noted.
func TestNotificationsReportWhatTheyCannotRead(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	failures := w.Notifications()(t.Context(), []queue.Message{
		{Body: "no JSON"}, {Body: `{"source":"aws.ses","detail":{"eventType":"Bounced"}}`}, bridged(event(r, "Bounce", permanent)),
	})
	if len(failures) != 2 || failures[0].Index != 0 || failures[1].Index != 1 {
		t.Errorf("reported %v, want the first two", failures)
	}
	if w.ledger(r).Time("segue_bouncedon").IsZero() {
		t.Error("the bounce after them is not noted")
	}
}
