package progress

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/mailing"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// act does an auto action and closes its step, in one transaction.
func (p *Progress) act(ctx context.Context, tx *rows.Tx, row *rows.Row, planned sequence.Step) error {
	if planned.Subtype == sequence.AdvanceToOther {
		return heldBy(sequence.AdvanceFailed, p.advance(ctx, tx, row, planned))
	}
	if err := heldBy(sequence.UpdateFailed, p.update(ctx, tx, row, planned.Set)); err != nil {
		return err
	}
	return p.Finish(ctx, tx, row, sequence.Closing{As: sequence.StepCompleted, Note: fmt.Sprintf("%s: %s", planned.Set.Column, planned.Set.Value)})
}

// update writes a column of the record: as anybody would, so whatever its table forbids is
// refused.
func (p *Progress) update(ctx context.Context, tx *rows.Tx, row *rows.Row, set sequence.Assignment) error {
	record := sequence.TargetStep{Row: row}.Position().Record
	column := tx.Schema().Table(record.Table).Column(set.Column)
	switch {
	case column == nil:
		return sales.Refuse(sales.Invalid, "%s has no column %s", record.Table, set.Column)
	case column.Write != schema.Always || column.Type != schema.Boolean && column.Type != schema.Choice:
		return sales.Refuse(sales.Invalid, "%s of %s is no two-option or choice column that can be written", set.Column, record.Table)
	}
	decoder := json.NewDecoder(bytes.NewReader(set.Value))
	decoder.UseNumber()
	var given any
	if err := decoder.Decode(&given); err != nil {
		return sales.Refuse(sales.Invalid, "%s: %v", set.Column, err)
	}
	value, err := column.FromJSON(given)
	if err != nil {
		return sales.InvalidInput(err)
	}
	_, _, err = p.Entities.UpdateIn(ctx, tx, sales.Engine(), rows.Ref{Table: record.Table, ID: record.ID}, map[string]schema.Value{set.Column: value}, entity.If{Exists: true})
	return err
}

// advance ends the connection and puts the record on another sequence.
func (p *Progress) advance(ctx context.Context, tx *rows.Tx, row *rows.Row, planned sequence.Step) error {
	position := sequence.TargetStep{Row: row}.Position()
	ref := rows.Ref{Table: position.Record.Table, ID: position.Record.ID}
	found, parent, err := p.Sequences.LoadWith(ctx, tx, planned.Advance, ref)
	if err != nil {
		return err
	}
	if found[0] == nil {
		return sales.NoRow(ref)
	}
	if err := p.Finish(ctx, tx, row, sequence.Closing{As: sequence.StepCompleted, Advanced: true, Note: parent.Name}); err != nil {
		return err
	}
	made, err := p.Connections.ConnectLoaded(ctx, tx, found[0], parent, connection.Request{
		Record: ref, Sequence: planned.Advance, From: name.SequenceTargetStepID(row.ID),
	})
	if err == nil && made.Already {
		err = sales.Refuse(sales.Precondition, "%v is connected to sequence %q (%s) already", ref, parent.Name, parent.ID)
	}
	return err
}

// sendEmail sends the email of a step and closes the step. A crash in between leaves the email
// claimed: it is not sent again, see [mailing.UnknownError].
func (p *Progress) sendEmail(ctx context.Context, row *rows.Row) error {
	position := sequence.TargetStep{Row: row}.Position()
	receipt, err := p.deliver(ctx, mailing.Request{
		Step: name.SequenceTargetStepID(row.ID), Target: position.Target, Record: rows.Ref{Table: position.Record.Table, ID: position.Record.ID},
		Template: name.EmailTemplateID(row.Text(name.MsdynOperationparameter)), Owner: row.Lookup(name.Ownerid),
	})
	if unknown, is := errors.AsType[*mailing.UnknownError](err); is {
		return p.await(ctx, row.Ref(), unknown)
	}
	if held, is := errors.AsType[*mailing.HeldError](err); is {
		return &heldError{sequence.EmailNotSent, held.Reason}
	}
	if err != nil {
		return err
	}
	return p.DB.Do(ctx, "", func(tx *rows.Tx) error {
		if err := receipt.SentIn(ctx, tx); err != nil {
			return err
		}
		row, err := again(ctx, tx, row)
		if row == nil { // the connection has ended meanwhile; that it was sent is noted
			return err
		}
		return p.Finish(ctx, tx, row, sequence.Closing{As: sequence.StepCompleted})
	})
}

// deliver claims and sends an email.
func (p *Progress) deliver(ctx context.Context, r mailing.Request) (*mailing.Receipt, error) {
	claim, err := p.Mailing.Claim(ctx, r)
	if err != nil {
		return nil, err
	}
	return p.Mailing.Deliver(ctx, claim)
}

// await leaves an email that may have been sent to whatever may tell, until a person has to.
func (p *Progress) await(ctx context.Context, ref rows.Ref, unknown *mailing.UnknownError) error {
	if !p.DB.Now().Before(unknown.Until()) {
		return &heldError{sequence.UnknownWhetherSent, unknown.Error()}
	}
	return p.DB.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, ref)
		if err != nil || !toDo(found[0]) {
			return err
		}
		found[0].Set(name.MsdynDuetime, schema.Time(unknown.Until()))
		return nil
	})
}
