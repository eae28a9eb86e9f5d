package mailing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"segue/internal/excerpt"
	"segue/internal/mail"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/letter"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Request is an email that a step sends.
type Request struct {
	Step     name.SequenceTargetStepID
	Target   name.SequenceTargetID
	Record   rows.Ref
	Template name.EmailTemplateID
	Owner    schema.Lookup // of the step; replies go to that user
}

// Claim is an email that its holder alone may send.
type Claim struct {
	message mail.Message
	receipt *Receipt // of one that was sent before
}

// Claim makes the email of a step this caller's to send, once. The row of the ledger is
// written under the condition that the record, whose data is in the email, is as it was
// read, and that the recipient takes emails.
//
// Errors: [*HeldError], [*UnknownError] for one that was claimed before, or those of the
// store.
func (m *Mailing) Claim(ctx context.Context, r Request) (claim *Claim, err error) {
	if m.Missing != "" {
		return nil, held("no emails are sent: %s", m.Missing)
	}
	set, err := m.settings.Get(ctx)
	if err != nil {
		return nil, err
	}
	var refusal error
	err = m.db.Do(ctx, "", func(tx *rows.Tx) error {
		d := draft{Request: r, m: m, tx: tx, zone: set.Calendar.Zone}
		claim, refusal = d.claim(ctx)
		if _, isHeld := errors.AsType[*HeldError](refusal); isHeld { // what it has written is kept
			return nil
		}
		return refusal
	})
	if err == nil {
		err = refusal
	}
	if err != nil {
		return nil, err
	}
	return claim, nil
}

// draft is an email on its way to be claimed.
type draft struct {
	Request

	m       *Mailing
	tx      *rows.Tx
	zone    *time.Location
	row     *rows.Row // of the ledger, nil for none
	record  *rows.Row
	related map[string]*rows.Row // by the lookup of the record that leads there
}

func (d *draft) id() name.SentEmailID { return SendID(d.Step) }

// claim claims the email in the unit of work.
func (d *draft) claim(ctx context.Context) (*Claim, error) {
	refs := []rows.Ref{rows.RefTo(name.SentEmail, d.id()), d.Record, rows.RefTo(name.EmailTemplate, d.Template)}
	if d.Owner.Table == name.User {
		refs = append(refs, rows.Ref{Table: d.Owner.Table, ID: d.Owner.ID})
	}
	found, err := d.tx.Load(ctx, refs...)
	if err != nil {
		return nil, err
	}
	d.row, d.record = found[0], found[1]
	switch {
	case d.row != nil && d.row.Int(name.SegueSendstate) == sent:
		return &Claim{receipt: &Receipt{ID: d.id(), MessageID: d.row.Text(name.SegueMessageid), On: d.row.Time(name.SegueSenton)}}, nil
	case d.row != nil && (d.row.Int(name.SegueSendstate) == claimed || d.row.Int(name.SegueSendstate) == unknown):
		return nil, &UnknownError{Claimed: d.row.Time(name.SegueClaimedon), Reason: d.row.Text(name.SegueReason)}
	case d.record == nil:
		return nil, held("%v is not there", d.Record)
	case !(sales.Record{Row: d.record}).Erased().IsZero():
		return nil, held("%v was erased", d.Record)
	case found[2] == nil:
		return nil, held("the template %s is not there", d.Template)
	}
	template, err := read(found[2])
	if err == nil {
		err = template.Check(d.tx.Schema(), d.record.Table)
	}
	if err != nil {
		return nil, held("template %s: %v", d.Template, err)
	}
	if err := d.loadRelated(ctx, template); err != nil {
		return nil, err
	}
	to, of := d.recipient()
	if err := d.mayReceive(ctx, to, of); err != nil {
		return nil, err
	}
	message := mail.Message{ID: string(d.id()), From: d.m.From, To: to}
	if len(found) > 3 && found[3] != nil {
		message.ReplyTo = mail.Address{Name: found[3].Text(name.Fullname), Email: found[3].Text(name.Internalemailaddress)}
	}
	return d.write(message, template)
}

// write renders the email and writes its row.
func (d *draft) write(message mail.Message, template *letter.Template) (*Claim, error) {
	address := func(act Act, link int) string { return d.m.Address(Token{act, d.id(), link}) }
	message.Unsubscribe = address(Unsubscribe, 0)
	written := template.Render(letter.Filling{
		Value: d.value, Unsubscribe: message.Unsubscribe, Pixel: address(Open, 0),
		Through: func(number int) string { return address(Follow, number) },
	})
	message.Subject, message.HTML, message.Plain = written.Subject, written.HTML, written.Plain
	if err := message.Check(); err != nil {
		return nil, held("%v", err)
	}
	links, err := json.Marshal(written.Links)
	if err != nil {
		return nil, err
	}
	if len(links) > maxLinks {
		return nil, held("template %s: its links are %d bytes, which is more than %d", d.Template, len(links), maxLinks)
	}
	values := d.columns(claimed, message.To.Email)
	values[name.SegueSubject] = schema.Text(excerpt.Bytes(written.Subject, maxSubject))
	if len(written.Links) > 0 {
		values[name.SegueLinks] = schema.Text(string(links))
	}
	d.put(values)
	return &Claim{message: message}, nil
}

const (
	maxLinks   = 100_000 // bytes of segue_links
	maxSubject = 800     // bytes of segue_subject
)

// columns returns the columns of the row of the ledger in a state.
func (d *draft) columns(state int64, recipient string) map[string]schema.Value {
	values := map[string]schema.Value{
		name.SegueStep: schema.RefTo(name.SequenceTargetStep, d.Step), name.SegueTarget: schema.RefTo(name.SequenceTarget, d.Target),
		name.SegueRegarding: schema.Ref(schema.Lookup{Table: d.Record.Table, ID: d.Record.ID}), name.SegueTemplate: schema.RefTo(name.EmailTemplate, d.Template),
		name.SegueRecipient: schema.Text(recipient), name.SegueSendstate: schema.Int(state), name.SegueClaimedon: schema.Time(d.tx.Now()), name.SegueReason: schema.Null(),
	}
	if d.m.retention > 0 {
		values[name.SegueExpireson] = schema.Time(d.tx.Now().Add(d.m.retention + factsLast))
	}
	return values
}

// put writes the row of the ledger: a new one, or that of an attempt before.
func (d *draft) put(values map[string]schema.Value) {
	if d.row != nil {
		d.row.SetAll(values)
		return
	}
	for column, v := range values {
		if v.IsNull() {
			delete(values, column)
		}
	}
	d.tx.Create(d.tx.Schema().Table(name.SentEmail), string(d.id()), values)
}

// holders are the lookups of a record to whom an email goes that has no address itself, the
// first that leads to one.
func holders() []string {
	return []string{name.Parentcontactid, name.Customerid, name.Parentaccountid}
}

// loadRelated loads the rows that the template shows, and those that may have the address.
func (d *draft) loadRelated(ctx context.Context, template *letter.Template) error {
	wanted := map[string]bool{}
	for _, p := range template.Placeholders() {
		switch c := d.record.Table.Column(p.Column); {
		case p.Lookup != "":
			wanted[p.Lookup] = true
		case c.Type == schema.LookupTo: // it shows the row's name
			wanted[p.Column] = true
		}
	}
	if addressOf(d.record) == "" {
		for _, lookup := range holders() {
			wanted[lookup] = d.record.Table.Column(lookup) != nil
		}
	}
	var lookups []string
	var refs []rows.Ref
	for lookup, is := range wanted {
		if !is {
			continue
		}
		if to := d.record.Lookup(lookup); to.ID != "" {
			lookups, refs = append(lookups, lookup), append(refs, rows.Ref{Table: to.Table, ID: to.ID})
		}
	}
	d.related = map[string]*rows.Row{}
	if len(refs) == 0 {
		return nil
	}
	found, err := d.tx.Load(ctx, refs...)
	if err != nil {
		return err
	}
	for i, row := range found {
		if row != nil {
			d.related[lookups[i]] = row
		}
	}
	return nil
}

// value is what a placeholder shows.
func (d *draft) value(p letter.Placeholder) string {
	row, column := d.record, p.Column
	if p.Lookup != "" {
		row = d.related[p.Lookup]
	} else if row.Table.Column(column).Type == schema.LookupTo {
		if row = d.related[column]; row != nil {
			column = row.Table.PrimaryName
		}
	}
	if row == nil {
		return ""
	}
	c := row.Table.Column(column)
	if c == nil { // a column of the other table that the lookup may lead to
		return ""
	}
	v, err := row.Value(column)
	if err != nil {
		return ""
	}
	return c.Format(v, d.zone)
}

// addressOf returns the email address of a row, "" for none.
func addressOf(row *rows.Row) string {
	for _, column := range []string{name.Emailaddress1, name.Emailaddress} {
		if row.Table.Column(column) != nil && row.Text(column) != "" {
			return row.Text(column)
		}
	}
	return ""
}

// recipient returns who gets the email, and the row whose address it is; nil for none.
func (d *draft) recipient() (mail.Address, *rows.Row) {
	if address := addressOf(d.record); address != "" {
		return mail.Address{Name: d.record.Text(d.record.Table.PrimaryName), Email: address}, d.record
	}
	for _, lookup := range holders() {
		if row := d.related[lookup]; row != nil && addressOf(row) != "" {
			return mail.Address{Name: row.Text(row.Table.PrimaryName), Email: addressOf(row)}, row
		}
	}
	return mail.Address{}, nil
}

// mayReceive refuses an email to whom does not want it, and has the commit demand that
// this is so.
func (d *draft) mayReceive(ctx context.Context, to mail.Address, of *rows.Row) error {
	if of == nil {
		return held("%v has no email address", d.Record)
	}
	if parsed, err := mail.ParseAddress(to.Email); err != nil || parsed.Email != to.Email {
		return held("%v: %q is not an email address", of.Ref(), to.Email)
	}
	suppression := rows.RefTo(name.SuppressedAddress, sales.SuppressionOf(to.Email))
	found, err := d.tx.Load(ctx, suppression)
	if err != nil {
		return err
	}
	reason := ""
	switch refuses := refusesEmails(d.record, of); {
	case refuses != "":
		reason = refuses
	case found[0] != nil:
		c := found[0].Table.Column(name.SegueSuppressed)
		v, _ := found[0].Value(name.SegueSuppressed)
		reason = fmt.Sprintf("the address takes no emails since %s: %s", found[0].Time(name.Createdon).Format(time.DateOnly), c.Format(v, nil))
	}
	d.tx.Rely(d.record.Ref(), of.Ref(), suppression)
	if reason == "" {
		return nil
	}
	values := d.columns(suppressed, to.Email)
	values[name.SegueReason] = schema.Text(reason)
	d.put(values)
	return held("not sent: %s", reason)
}

// refusesEmails returns the column by which one of the rows says that it wants no emails.
func refusesEmails(list ...*rows.Row) string {
	for _, row := range list {
		for _, column := range []string{name.Donotemail, name.Donotbulkemail} {
			if row.Table.Column(column) != nil && row.Is(column) {
				return fmt.Sprintf("%s of %v is true", column, row.Ref())
			}
		}
	}
	return ""
}
