package operation

import (
	"context"

	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Mailing notes what a provider tells of emails (docs/domain.md §13.14).
type Mailing interface {
	// ApplyIn notes an event in a unit of work. One that came before, and one about no
	// email of this installation, change nothing.
	ApplyIn(ctx context.Context, tx *rows.Tx, e mailing.Event) error
}

// maxMailEvents is how many events a call may have: each may write two rows of the 100 that
// a commit takes.
const maxMailEvents = 25

// mailEvents notes what became of emails. It needs the right to make rows of what was sent,
// which only administrators have, and whoever hands on the notifications of the provider.
func mailEvents() Declaration {
	const parameter = "Events"
	return Declaration{
		Signature: call.Signature{
			Kind: call.Action, Name: "segue_MailEvents", About: "Notes what the provider tells of emails that were sent.",
			Parameters: []call.Parameter{{Name: parameter, Type: schema.String, Many: true, Required: true}},
		},
		run: func(ctx context.Context, tx *rows.Tx, e Executor, c sales.Caller, _ rows.Ref, given call.Arguments) (Answer, error) {
			if err := e.Entities.Admit(ctx, c, sales.Right{Privilege: sales.Create, Table: name.SentEmail}); err != nil {
				return Answer{}, err
			}
			texts, _ := given[parameter].([]any)
			if len(texts) > maxMailEvents {
				return Answer{}, sales.Refuse(sales.Invalid, "%s has %d events; a call has up to %d", parameter, len(texts), maxMailEvents)
			}
			for i, one := range texts {
				text, _ := one.(string)
				event, err := mailing.ParseEvent(text)
				if err != nil {
					return Answer{}, sales.Refuse(sales.Invalid, "%s[%d]: %v", parameter, i, err)
				}
				if err := e.Mailing.ApplyIn(ctx, tx, event); err != nil {
					return Answer{}, err
				}
			}
			return Answer{}, nil
		},
	}
}
