package rehearse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"segue/internal/api/operation"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/mail"
	"segue/internal/odata"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/mailing"
	"segue/internal/sales/rehearsal"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// do carries out an operation as a request of the seller does, and what follows from it.
func (g *stage) do(ctx context.Context, op operation.Operation) (*rows.Row, error) {
	outcomes, err := g.operation.Do(ctx, g.caller, op)
	if err != nil {
		return nil, err
	}
	return outcomes[0].Row, g.settle(ctx)
}

// read reads columns as a client writes them.
func (g *stage) read(table string, row json.RawMessage) (odata.Input, error) {
	t := g.DB.Schema().Table(table)
	if t == nil || t.Set == "" {
		return odata.Input{}, fmt.Errorf("there is no table %q", table)
	}
	input, err := odata.Bodies{Schema: g.DB.Schema()}.Row(t, row)
	if err == nil && (len(input.Nested) > 0 || len(input.Binds) > 0) {
		err = errors.New(`a row refers to others by their ids, like "parentaccountid@odata.bind": "accounts(<id>)", and is made alone`)
	}
	return input, err
}

// Put implements [rehearsal.Stage].
func (g *stage) Put(ctx context.Context, table string, row json.RawMessage) error {
	_, err := g.put(ctx, table, row)
	return err
}

func (g *stage) put(ctx context.Context, table string, row json.RawMessage) (*rows.Row, error) {
	input, err := g.read(table, row)
	if err != nil {
		return nil, err
	}
	switch t := g.DB.Schema().Table(table); {
	case table == name.Organization: // there is one
		input.ID = string(g.Principals.Organization().ID)
	case t.EngineMade:
		return nil, fmt.Errorf("rows of %s are made by Segue alone", table)
	}
	if input.ID == "" {
		return g.do(ctx, operation.Create{Table: table, Values: input.Values})
	}
	return g.do(ctx, operation.Update{Ref: rows.Ref{Table: table, ID: input.ID}, Values: input.Values})
}

// Record implements [rehearsal.Stage].
func (g *stage) Record(ctx context.Context, table string, row json.RawMessage) error {
	if g.record.ID != "" {
		return errors.New("a test is about one record, which is there already; other rows are made by: row")
	}
	if table != g.sequence.Table {
		return fmt.Errorf("the sequence is for records of %s, not of %s", g.sequence.Table, table)
	}
	made, err := g.put(ctx, table, row)
	if err == nil {
		g.record = made.Ref()
	}
	return err
}

var errNoRecord = errors.New(`there is no record yet; it is made by: record lead {"subject":"Trial"}`)

// Update implements [rehearsal.Stage].
func (g *stage) Update(ctx context.Context, row json.RawMessage) error {
	if g.record.ID == "" {
		return errNoRecord
	}
	input, err := g.read(g.record.Table, row)
	if err != nil {
		return err
	}
	_, err = g.do(ctx, operation.Update{Ref: g.record, Values: input.Values, If: entity.If{Exists: true}})
	return err
}

// sequenceID is the id of the sequence in every test.
func sequenceID() name.SequenceID { return name.SequenceID(guid.FromName("sequence of a test")) }

// activate makes the sequence and activates it. That is when the record is first connected:
// the rows that the definition names are there then.
func (g *stage) activate(ctx context.Context) error {
	if g.activated {
		return nil
	}
	columns := map[string]any{}
	if len(g.sequence.Columns) > 0 {
		if err := json.Unmarshal(g.sequence.Columns, &columns); err != nil {
			return fmt.Errorf("the columns of the sequence: %w", err)
		}
	}
	columns[name.MsdynSequenceid] = string(sequenceID())
	columns[name.MsdynName] = g.sequence.Title
	columns[name.MsdynRegardingentityname] = g.sequence.Table
	columns[name.MsdynDefinition] = g.sequence.Text
	row, err := object(columns)
	if err != nil {
		return err
	}
	if err := g.Put(ctx, name.Sequence, row); err != nil {
		return err
	}
	active := map[string]schema.Value{name.Statecode: schema.Int(int64(sequence.Active))}
	if _, err := g.do(ctx, operation.Update{Ref: rows.RefTo(name.Sequence, sequenceID()), Values: active}); err != nil {
		return fmt.Errorf("the sequence cannot be activated: %w", err)
	}
	g.activated = true
	return nil
}

// Connect implements [rehearsal.Stage].
func (g *stage) Connect(ctx context.Context) error {
	if g.record.ID == "" {
		return errNoRecord
	}
	if err := g.activate(ctx); err != nil {
		return err
	}
	if _, err := g.Connections.Connect(ctx, g.caller, connection.Request{Record: g.record, Sequence: sequenceID()}); err != nil {
		return err
	}
	return g.now(ctx)
}

// Disconnect implements [rehearsal.Stage].
func (g *stage) Disconnect(ctx context.Context) error {
	if g.record.ID == "" {
		return errNoRecord
	}
	if _, err := g.Connections.Disconnect(ctx, g.caller, g.record, ""); err != nil {
		return err
	}
	return g.now(ctx)
}

// now follows what was done, and does what is due at once because of it: an automated email
// leaves with the next pass.
func (g *stage) now(ctx context.Context) error { return g.Jump(ctx, g.clock.Now()) }

// Finish implements [rehearsal.Stage].
func (g *stage) Finish(ctx context.Context, skip bool, outcome string) error {
	open, err := g.current(ctx)
	if err != nil {
		return err
	}
	if open == nil {
		return errors.New("no step is open")
	}
	status := sequence.StepCompleted
	if skip {
		status = sequence.StepSkipped
	}
	values := map[string]schema.Value{name.Statecode: schema.Int(int64(sequence.StepInactive)), name.Statuscode: schema.Int(int64(status))}
	if outcome != "" {
		values[name.MsdynTriggeroutcome] = schema.Text(outcome)
	}
	if _, err := g.do(ctx, operation.Update{Ref: open.Ref(), Values: values, If: entity.If{Exists: true}}); err != nil {
		return err
	}
	return g.now(ctx)
}

// Hear implements [rehearsal.Stage]. What a provider tells takes the way of its
// notifications. Sellers send their emails by themselves: the row of the ledger that one has
// where it is tracked is made here.
func (g *stage) Hear(ctx context.Context, what rehearsal.Event, step string) error {
	email, err := g.emailOf(ctx, step)
	if err != nil {
		return err
	}
	ref := rows.RefTo(name.SentEmail, mailing.SendID(name.SequenceTargetStepID(email.ID)))
	found, err := g.DB.Get(ctx, ref)
	if err != nil {
		return err
	}
	if found[0] == nil {
		if err := g.ledger(ctx, ref, email); err != nil {
			return err
		}
	}
	if err := g.hear(ctx, what, ref); err != nil {
		return err
	}
	return g.now(ctx)
}

// ledger notes that an email of a seller was sent.
func (g *stage) ledger(ctx context.Context, ref rows.Ref, step *rows.Row) error {
	const sent = 2 // of segue_sendstate
	recipient := "recipient@example.com"
	record, err := g.Entities.Retrieve(ctx, sales.Engine(), g.record)
	if err != nil {
		return err
	}
	if record.Table.Column(name.Emailaddress1) != nil && record.Text(name.Emailaddress1) != "" {
		recipient = record.Text(name.Emailaddress1)
	}
	err = g.DB.Do(ctx, "", func(tx *rows.Tx) error {
		tx.Create(tx.Schema().Table(ref.Table), ref.ID, map[string]schema.Value{
			name.SegueStep: schema.RefTo(name.SequenceTargetStep, step.ID), name.SegueTarget: schema.Ref(step.Lookup(name.MsdynSequencetarget)),
			name.SegueRegarding: schema.RefTo(g.record.Table, g.record.ID), name.SegueRecipient: schema.Text(recipient),
			name.SegueSendstate: schema.Int(sent), name.SegueSenton: schema.Time(step.Time(name.MsdynCompletedon)),
		})
		return nil
	})
	if err != nil {
		return err
	}
	return g.settle(ctx) // what follows from an email follows from changes of its row
}

func (g *stage) hear(ctx context.Context, what rehearsal.Event, ref rows.Ref) error {
	switch what {
	case rehearsal.Replied: // which no notification tells
		return g.note(ctx, ref, name.SegueRepliedon)
	case rehearsal.Downloaded: // a link that downloads an attachment was followed
		if err := g.notify(ctx, "Click", ref.ID); err != nil {
			return err
		}
		return g.note(ctx, ref, name.SegueDownloadedon)
	case rehearsal.Opened:
		return g.notify(ctx, "Open", ref.ID)
	case rehearsal.Clicked:
		return g.notify(ctx, "Click", ref.ID)
	case rehearsal.Bounced:
		return g.notify(ctx, "Bounce", ref.ID)
	case rehearsal.Complained:
		return g.notify(ctx, "Complaint", ref.ID)
	}
	return fmt.Errorf("nobody tells of an email that it was %s", what)
}

// note notes a moment of an email, the first of its kind.
func (g *stage) note(ctx context.Context, ref rows.Ref, column string) error {
	return g.DB.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err == nil && found[0] != nil && found[0].Time(column).IsZero() {
			found[0].Set(column, schema.Time(tx.Now()))
		}
		return err
	})
}

// notify tells what a provider tells, in its words.
func (g *stage) notify(ctx context.Context, kind, send string) error {
	at := map[string]any{"timestamp": g.clock.Now().UTC().Format(time.RFC3339)}
	said, err := object(map[string]any{
		"eventType": kind,
		"mail":      map[string]any{"messageId": send + "@segue.example", "timestamp": at["timestamp"], "tags": map[string]any{mail.Tag: []string{send}}},
		"open":      at, "click": at, "complaint": at,
		"bounce": map[string]any{"timestamp": at["timestamp"], "bounceType": "Permanent"},
	})
	if err != nil {
		return err
	}
	event, err := mailing.ParseEvent(string(said))
	if err != nil {
		return err
	}
	return g.DB.Do(ctx, "", func(tx *rows.Tx) error { return g.Mailing.ApplyIn(ctx, tx, event) })
}
