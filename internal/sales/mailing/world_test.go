package mailing_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/mail"
	"segue/internal/mail/mailtest"
	"segue/internal/mail/smtp"
	"segue/internal/rows"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
)

const (
	base = "https://segue.test"
	key  = "0123456789abcdef0123456789abcdef"
)

// world is a Segue that sends emails to a server of the test.
type world struct {
	*salestest.World

	server *mailtest.Server
	clock  *clock.Manual
}

func newWorld(t testing.TB) *world {
	t.Helper()
	c, server := clock.NewManual(salestest.Now()), mailtest.Start(t)
	transport, err := smtp.Open(server.URL, c)
	if err != nil {
		t.Fatal(err)
	}
	return &world{
		World: salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync()), c.Now, boot.Options{Mail: mailing.Config{
			Sender: transport, From: mail.Address{Name: "Contoso", Email: "sales@contoso.test"}, Base: base, Key: []byte(key),
		}}),
		server: server, clock: c,
	}
}

// template makes a template of HTML.
func (w *world) template(n int, body string) name.EmailTemplateID {
	w.T.Helper()
	id := salestest.ID("template", n)
	w.Create("template", id, salestest.Values{"title": "T", "subject": "Hello {{firstname|there}}", "body": body, "templatetypecode": "lead"})
	return name.EmailTemplateID(id)
}

// request connects a lead with an address to a sequence, and returns the email of its first
// step.
func (w *world) request(n int, v salestest.Values) mailing.Request {
	w.T.Helper()
	values := salestest.Values{"firstname": "Ada", "lastname": "L", "emailaddress1": "ada@example.test"}
	for column, value := range v {
		values[column] = value
	}
	lead := w.Lead(n, values)
	target := w.Connect(lead, w.Sequence(n, "lead"))
	w.Settle()
	return mailing.Request{
		Step: name.SequenceTargetStepID(w.Step(target).ID), Target: name.SequenceTargetID(target.ID), Record: lead,
		Template: w.template(100+n, `<p>Dear {{fullname}}, see <a href="https://contoso.test/x?n={{lastname}}">this</a> or <a href="https://contoso.test/f.pdf" download>that</a></p>`),
		Owner:    w.User(7),
	}
}

// send sends the email of a step as progress does, up to the transaction that closes the
// step, and returns the error of the half that failed.
func (w *world) send(r mailing.Request) error {
	ctx := w.T.Context()
	claim, err := w.Mailing.Claim(ctx, r)
	if err != nil {
		return err
	}
	receipt, err := w.Mailing.Deliver(ctx, claim)
	if err != nil {
		return err
	}
	return w.DB.Do(ctx, "", func(tx *rows.Tx) error { return receipt.SentIn(ctx, tx) })
}

// ledger is the row of the ledger of a step.
func (w *world) ledger(r mailing.Request) *rows.Row {
	w.T.Helper()
	return w.Row("segue_send", string(mailing.SendID(r.Step)))
}

// Values of segue_sendstate.
const (
	claimed int64 = iota + 1
	sent
	unknown
	failed
	suppressed
)

// state demands the state of the email of a step, and how many emails have arrived.
func (w *world) state(r mailing.Request, want int64, arrived int) {
	w.T.Helper()
	if got := w.ledger(r).Int("segue_sendstate"); got != want {
		w.T.Errorf("the email is in state %d, want %d: %s", got, want, w.ledger(r).Text("segue_reason"))
	}
	if got := len(w.server.Received()); got != arrived {
		w.T.Errorf("%d emails arrived, want %d", got, arrived)
	}
}
