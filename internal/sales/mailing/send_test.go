package mailing_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"segue/internal/mail/mailtest"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

func TestSend(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, salestest.Values{"lastname": "O'Neil & <Co>"})
	w.Corrupt("systemuser", r.Owner.ID, func(row *rows.Row) {
		row.SetAll(schematest.Row(salestest.Values{"internalemailaddress": "seller@contoso.test", "fullname": "Sam Seller"}))
	})
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	w.state(r, sent, 1)
	row, got := w.ledger(r), w.server.Received()[0]
	if got.To != "ada@example.test" || got.Header.Get("Subject") != "Hello Ada" || got.Header.Get("Reply-To") != `"Sam Seller" <seller@contoso.test>` {
		t.Errorf("sent to %q: %v", got.To, got.Header)
	}
	if !strings.Contains(got.HTML, "Dear Ada O&#39;Neil &amp; &lt;Co&gt;, see <a href=\""+base+"/track/l/") || strings.Contains(got.HTML, "contoso.test/x") {
		t.Errorf("HTML is %s", got.HTML)
	}
	if !strings.Contains(got.Plain, "Dear Ada O'Neil & <Co>, see this <"+base+"/track/l/") {
		t.Errorf("the plain text is %s", got.Plain)
	}
	if want := "<" + row.Text("segue_messageid") + ">"; got.Header.Get("Message-ID") != want || row.Text("segue_messageid") == "" {
		t.Errorf("Message-ID is %q, the ledger has %q", got.Header.Get("Message-ID"), want)
	}
	if !strings.HasPrefix(got.Header.Get("List-Unsubscribe"), "<"+base+"/track/u/") || got.Header.Get("List-Unsubscribe-Post") == "" {
		t.Errorf("the header has no way to unsubscribe: %v", got.Header)
	}
	if row.Text("segue_recipient") != "ada@example.test" || row.Lookup("segue_regarding") != salestest.Lookup(r.Record) || !strings.Contains(row.Text("segue_links"), "https://contoso.test/x?n=O%27Neil") {
		t.Errorf("the ledger says %v", row.Values())
	}
	facts, err := w.Mailing.Facts(t.Context(), r.Step)
	if err != nil || facts.Sent != salestest.Now() || !facts.Opened.IsZero() {
		t.Errorf("facts are %+v, %v", facts, err)
	}
}

// An email that was sent is not sent again, whoever asks.
func TestSendAgain(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	for range 3 {
		if err := w.send(r); err != nil {
			t.Fatal(err)
		}
	}
	w.state(r, sent, 1)
}

// An opportunity without an address writes to its contact.
func TestRecipientOfAnOpportunity(t *testing.T) {
	w := newWorld(t)
	contact := w.Create("contact", salestest.ID("contact", 1), salestest.Values{"firstname": "Grace", "lastname": "H", "emailaddress1": "grace@example.test", "donotemail": true})
	opportunity := w.Opportunity(1, salestest.Values{"parentcontactid": salestest.Lookup(contact.Ref())})
	target := w.Connect(opportunity, w.Sequence(1, "opportunity"))
	w.Settle()
	r := w.request(2, nil)
	r.Record, r.Template = opportunity, w.template(3, "x")
	r.Step = name.SequenceTargetStepID(w.Step(target).ID)
	held(t, w.send(r), "opportunity", `no column "firstname"`)
	w.Update("template", string(r.Template), salestest.Values{"templatetypecode": "opportunity", "subject": "{{parentcontactid.firstname}} {{parentcontactid}}"})
	held(t, w.send(r), "donotemail", contact.ID)
	w.state(r, suppressed, 0)
	w.Update("contact", contact.ID, salestest.Values{"donotemail": false})
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	w.state(r, sent, 1)
	if got := w.server.Received()[0]; got.To != "grace@example.test" || got.Header.Get("Subject") != "Grace Grace H" {
		t.Errorf("sent to %s: %s", got.To, got.Header.Get("Subject"))
	}
}

// held demands that an email waits for a person, with a reason that has the parts.
func held(t *testing.T, err error, parts ...string) {
	t.Helper()
	var h *mailing.HeldError
	if !errors.As(err, &h) {
		t.Fatalf("the error is %v, want a reason to hold", err)
	}
	for _, part := range parts {
		if !strings.Contains(h.Reason, part) {
			t.Errorf("the reason is %q, want %q in it", h.Reason, part)
		}
	}
}

func TestHeld(t *testing.T) {
	for _, test := range []struct {
		name   string
		before func(w *world, r *mailing.Request)
		parts  []string
	}{
		{"no address", func(w *world, r *mailing.Request) {
			w.Update("lead", r.Record.ID, salestest.Values{"emailaddress1": nil})
		}, []string{"no email address"}},
		{"no address at all", func(w *world, r *mailing.Request) {
			w.Update("lead", r.Record.ID, salestest.Values{"emailaddress1": "ada"})
		}, []string{`"ada"`}},
		{"donotemail", func(w *world, r *mailing.Request) {
			w.Update("lead", r.Record.ID, salestest.Values{"donotemail": true})
		}, []string{"donotemail"}},
		{"donotbulkemail", func(w *world, r *mailing.Request) {
			w.Update("lead", r.Record.ID, salestest.Values{"donotbulkemail": true})
		}, []string{"donotbulkemail"}},
		{"suppressed", func(w *world, _ *mailing.Request) {
			w.Create("segue_suppression", string(sales.SuppressionOf("ada@example.test")), salestest.Values{"segue_address": "Ada@Example.test"})
		}, []string{"Entered"}},
		{"no template", func(w *world, r *mailing.Request) { w.Remove("template", string(r.Template)) }, []string{"template", "not there"}},
		{"a template with a column that is gone", func(w *world, r *mailing.Request) {
			w.Corrupt("template", string(r.Template), func(row *rows.Row) { row.Set("body", schematest.Row(salestest.Values{"body": "{{gone}}"})["body"]) })
		}, []string{`"gone"`}},
		{"refused", func(w *world, _ *mailing.Request) {
			w.server.Fail(mailtest.AtRecipient, mailtest.Reply(550, "nobody here"))
		}, []string{"nobody here"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.T = t
			r := w.request(1, nil)
			test.before(w, &r)
			held(t, w.send(r), test.parts...)
			if got := len(w.server.Received()); got != 0 {
				t.Errorf("%d emails arrived", got)
			}
		})
	}
}

// Without a setting nothing is claimed, and the reason names the setting.
func TestNoTransport(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	w.Mailing.Missing = "SEGUE_SMTP_URL not set"
	held(t, w.send(r), "SEGUE_SMTP_URL")
	if got := w.List("segue_send", nil); len(got) != 0 {
		t.Errorf("%d rows of the ledger", len(got))
	}
}

// Suppressed between the reading and the claim: the condition of the claim sees it.
func TestSuppressedMeanwhile(t *testing.T) {
	for name, do := range map[string]func(w *salestest.World, lead rows.Ref){
		"the address": func(w *salestest.World, _ rows.Ref) {
			w.Create("segue_suppression", string(sales.SuppressionOf("ada@example.test")), salestest.Values{"segue_address": "ada@example.test"})
		},
		"the record": func(w *salestest.World, lead rows.Ref) {
			w.Update("lead", lead.ID, salestest.Values{"donotemail": true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			r := w.request(1, nil)
			w.Before(func(c probe.Call) bool { return c.Method == probe.Write }, func(other *salestest.World) { do(other, r.Record) })
			held(t, w.send(r))
			w.state(r, suppressed, 0)
		})
	}
}

// Later is later: an email that surely was not sent is sent by another try.
func TestLater(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	w.server.Fail(mailtest.AtRecipient, mailtest.Reply(451, "busy"))
	if err := w.send(r); !sales.Transient(err) {
		t.Fatalf("the error is %v, want one for another try", err)
	}
	w.state(r, failed, 0)
	w.server.Fail(mailtest.AtRecipient, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	w.state(r, sent, 1)
}

// What nobody knows is not sent again, until a person says so.
func TestUnknown(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	w.server.Fail(mailtest.AtEnd, mailtest.ErrHangUp)
	for range 3 {
		var u *mailing.UnknownError
		if err := w.send(r); !errors.As(err, &u) || u.Until() != salestest.Now().Add(time.Hour) {
			t.Fatalf("the error is %v, want one that it is unknown until an hour later", err)
		}
	}
	w.state(r, unknown, 1)
	w.server.Fail(mailtest.AtEnd, nil)
	if err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error { return w.Mailing.ForgetIn(t.Context(), tx, r.Step) }); err != nil {
		t.Fatal(err)
	}
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	w.state(r, sent, 2)
}

// A crash at each call to the store, before or after it has its effect: however often the
// email of the step is asked for afterwards, one message is delivered at most, and a claim
// that nothing confirms is visible.
func TestCrashBetweenAnyTwoCalls(t *testing.T) {
	calls := 0
	{
		w := newWorld(t)
		r := w.request(1, nil)
		w.Probe.Inject(func(probe.Call) probe.Fault { calls++; return probe.None })
		if err := w.send(r); err != nil {
			t.Fatal(err)
		}
	}
	if calls < 4 {
		t.Fatalf("a send made %d calls; it reads, claims, reads and writes", calls)
	}
	for name, fault := range map[string]probe.Fault{"before": probe.Before, "after": probe.After, "crash before": probe.CrashBefore, "crash after": probe.CrashAfter} {
		for n := range calls {
			t.Run(fmt.Sprintf("%s call %d", name, n), func(t *testing.T) {
				w := newWorld(t)
				r := w.request(1, nil)
				seen := 0
				w.Probe.Inject(func(probe.Call) probe.Fault {
					if seen++; seen-1 == n {
						return fault
					}
					return probe.None
				})
				_ = w.send(r)
				w.Probe.Inject(nil)
				w.Restart()
				var last error
				for range 3 {
					last = w.send(r)
				}
				arrived := len(w.server.Received())
				var u *mailing.UnknownError
				switch isUnknown := errors.As(last, &u); {
				case arrived > 1:
					t.Errorf("%d emails arrived", arrived)
				case isUnknown:
					w.state(r, claimed, arrived)
				case last != nil || arrived != 1:
					t.Errorf("%d emails arrived; the last try says %v", arrived, last)
				}
			})
		}
	}
}

func TestTemplateRules(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		v     salestest.Values
		parts []string
	}{
		{salestest.Values{"subject": "{{first}}", "templatetypecode": "lead"}, []string{"lead", `"first"`}},
		{salestest.Values{"body": "{{companyname}}", "templatetypecode": "contact"}, []string{"contact", `"companyname"`}},
		{salestest.Values{"body": "{{nobodyhasthis}}"}, []string{"nobodyhasthis"}},
		{salestest.Values{"body": "{{companyname"}, []string{"companyname"}},
		{salestest.Values{"templatetypecode": "task"}, []string{"task"}},
		{salestest.Values{"mimetype": "text/rtf"}, []string{"text/rtf"}},
	} {
		w.Refuses(t, sales.Invalid, func() error {
			_, err := w.Entities.Create(t.Context(), salestest.Manager(), "template", salestest.ID("template", 1), schematest.Row(test.v))
			return err
		}, test.parts...)
	}
	w.Create("template", salestest.ID("template", 1), salestest.Values{"subject": "{{companyname}}", "safehtml": "<p>{{lastname}}", "body": "<xsl>"})
	w.Refuses(t, sales.Invalid, func() error {
		return w.TryUpdate("template", salestest.ID("template", 1), salestest.Values{"subject": "{{nothing}}"})
	}, "nothing")
}

func TestSuppressionRules(t *testing.T) {
	w := newWorld(t)
	create := func(id, address string) error {
		_, err := w.Entities.Create(t.Context(), salestest.Manager(), "segue_suppression", id, schematest.Row(salestest.Values{"segue_address": address}))
		return err
	}
	w.Refuses(t, sales.Invalid, func() error { return create("", "nobody") }, `"nobody"`)
	w.Refuses(t, sales.Invalid, func() error { return create(salestest.ID("x", 1), "a@example.test") }, "leave it out")
	if err := create("", "a@example.test"); err != nil {
		t.Fatal(err)
	}
	w.Refuses(t, sales.Duplicate, func() error { return create("", "A@EXAMPLE.test") })
}
