package pipeline

import (
	"context"
	"maps"
	"time"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Closing is how an opportunity is closed.
type Closing struct {
	Won      bool
	Status   int64
	ID       string                  // of the activity, "" for a new one
	Activity map[string]schema.Value // columns of the activity that is left; it names the opportunity
}

// completed is the state of an activity that is done.
const completed = 1

// CloseIn closes an opportunity as won or lost in a unit of work, and leaves a completed
// activity that says so.
func (p *Pipeline) CloseIn(ctx context.Context, tx *rows.Tx, c sales.Caller, closing Closing) error {
	to, ok := closing.Activity[name.Opportunityid].Ref()
	if !ok {
		return sales.Refuse(sales.Invalid, "the %s does not say which opportunity: %s is missing", name.OpportunityClose, name.Opportunityid)
	}
	ref := rows.Ref{Table: to.Table, ID: to.ID}
	row, err := p.openRow(ctx, tx, c, ref)
	if err != nil {
		return err
	}
	state, ended := int64(lost), closing.Activity[name.Actualend]
	if closing.Won {
		state = won
	}
	status, err := statusIn(row.Table, state, closing.Status)
	if err != nil {
		return err
	}
	if ended.IsNull() {
		ended = schema.Time(tx.Now())
	}
	revenue := closing.Activity[name.Actualrevenue]
	if revenue.IsNull() && closing.Won {
		revenue = value(row, name.Estimatedvalue)
	}
	if err := p.leave(ctx, tx, c, row, closing, ended, revenue); err != nil {
		return err
	}
	at, _ := ended.Time()
	_, _, err = p.entities.UpdateIn(ctx, tx, c, ref, map[string]schema.Value{
		name.Statecode: schema.Int(state), name.Statuscode: status,
		name.Actualvalue: revenue, name.Actualclosedate: schema.Time(at.Truncate(24 * time.Hour)),
	}, entity.If{Exists: true})
	return err
}

// leave makes the activity, which is about the opportunity and completed.
func (p *Pipeline) leave(ctx context.Context, tx *rows.Tx, c sales.Caller, row *rows.Row, closing Closing, ended, revenue schema.Value) error {
	values := maps.Clone(closing.Activity)
	values[name.Regardingobjectid] = schema.RefTo(name.Opportunity, row.ID)
	values[name.Statecode] = schema.Int(completed)
	values[name.Actualend], values[name.Actualrevenue] = ended, revenue
	delete(values, name.Statuscode) // that of the state
	if values[name.Subject].IsNull() {
		values[name.Subject] = value(row, name.Name)
	}
	id := closing.ID
	if id == "" {
		id = madeOf(row, name.OpportunityClose)
	}
	_, err := p.entities.CreateIn(ctx, tx, c, name.OpportunityClose, id, values)
	return err
}
