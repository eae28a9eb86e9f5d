package mailing

import (
	"context"
	"strings"
	"time"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// maxAnswered is how many messages a reply may name. A long conversation names all that it
// had; those that it answers are looked up first.
const maxAnswered = 8

// ReplyRules are the rules of emails that clients bring in: one that has come in and answers
// an email of a step is a reply to it (docs/domain.md §6.4).
func (m *Mailing) ReplyRules() entity.Rules { return replyRules{m: m} }

type replyRules struct {
	entity.Plain
	m *Mailing
}

// Create implements [entity.Rules].
func (r replyRules) Create(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	return r.note(ctx, tx, row)
}

// Update implements [entity.Rules].
func (r replyRules) Update(ctx context.Context, tx *rows.Tx, row *rows.Row, set map[string]schema.Value) error {
	_, answers := set[name.Inreplyto]
	_, direction := set[name.Directioncode]
	if !answers && !direction {
		return nil
	}
	return r.note(ctx, tx, row)
}

func (r replyRules) note(ctx context.Context, tx *rows.Tx, row *rows.Row) error {
	if row.Is(name.Directioncode) { // it goes out
		return nil
	}
	return r.m.repliedIn(ctx, tx, strings.Fields(row.Text(name.Inreplyto)), tx.Now())
}

// repliedIn notes a reply to the first email of this installation that has one of these
// Message-IDs, if there is one. A second reply to it changes nothing.
func (m *Mailing) repliedIn(ctx context.Context, tx *rows.Tx, answered []string, on time.Time) error {
	for _, id := range answered[:min(len(answered), maxAnswered)] {
		row, err := m.find(ctx, tx, "", id)
		if err != nil {
			return err
		}
		if row != nil {
			confirm(row, on) // who answers it has it
			first(row, name.SegueRepliedon, on)
			return nil
		}
	}
	return nil
}
