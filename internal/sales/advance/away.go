package advance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"segue/internal/queue"
	"segue/internal/rows"
)

// Bounds of what leaves a pass as messages.
const (
	// Here is how many rows that may leave a pass gives to handlers itself, the oldest ones:
	// what a process does in a second. The rest is for whoever works on the queue.
	Here = PerSecond

	perMessage = 25               // rows
	patience   = 10 * time.Minute // until a row that left and is still due leaves again: its message may be lost
)

// Away lets rows of the table leave as messages when more of them are due than [Here], where
// may says so of the row: the process that takes messages must have what their handler needs.
func Away(may func(*rows.Row) bool) Option { return func(r *registration) { r.away = may } }

// SendTo has what leaves wait in a queue, whose messages are for [Advance.Handle]. Without it
// nothing leaves.
func (a *Advance) SendTo(q queue.Sender) { a.queue = q }

// message is the body of a message: rows that were due, each as table and id.
type message struct {
	Due [][2]string `json:"due"`
}

// IsDue reports whether a message of a queue is one for [Advance.Handle].
func IsDue(m queue.Message) bool {
	var parsed message
	return json.Unmarshal([]byte(m.Body), &parsed) == nil && parsed.Due != nil
}

// leaves reports whether a row is for the queue.
func (p *pass) leaves(row *rows.Row) bool {
	may := p.tables[row.Table.Name].away
	if p.queue == nil || may == nil || !may(row) {
		return false
	}
	p.here++
	return p.here > Here
}

// sendOff sends off the rows that leave, and returns those that stay.
func (p *pass) sendOff(ctx context.Context, due []*rows.Row) []*rows.Row {
	var leaving []*rows.Row
	stay := due[:0]
	for _, row := range due {
		if p.leaves(row) {
			leaving = append(leaving, row)
		} else {
			stay = append(stay, row)
		}
	}
	return append(stay, p.send(ctx, leaving)...)
}

// waits reports whether an entry has left, not long ago, and is as it was then.
func (p *pass) waits(entry rows.DueEntry) bool {
	p.Advance.mu.Lock()
	defer p.Advance.mu.Unlock()
	left, ok := p.gone[entry.Ref]
	return ok && left.key == entry.Key && p.now.Sub(left.on) < patience
}

// departure is when an entry of the list has left, and as what.
type departure struct {
	key string
	on  time.Time
}

// send makes messages of rows. Those that the queue does not take are returned: they stay here.
func (p *pass) send(ctx context.Context, leaving []*rows.Row) (stay []*rows.Row) {
	for len(leaving) > 0 {
		part := leaving[:min(perMessage, len(leaving))]
		var m message
		for _, row := range part {
			m.Due = append(m.Due, [2]string{row.Table.Name, row.ID})
		}
		body, err := json.Marshal(m)
		if err == nil {
			err = p.queue.Send(ctx, 0, queue.Message{Body: string(body)})
		}
		if err != nil {
			slog.WarnContext(ctx, "what is due cannot leave as messages; it is done here", "rows", len(leaving), "reason", err)
			return leaving
		}
		p.Advance.mu.Lock()
		for _, row := range part {
			ref := row.Ref()
			p.gone[ref] = departure{p.keys[ref], p.now}
		}
		p.Advance.mu.Unlock()
		p.Left, p.Messages = p.Left+len(part), p.Messages+1
		leaving = leaving[len(part):]
	}
	return nil
}

// forgetGone forgets what has left so long ago that it may leave again.
func (p *pass) forgetGone() {
	p.Advance.mu.Lock()
	defer p.Advance.mu.Unlock()
	for ref, left := range p.gone {
		if p.now.Sub(left.on) >= patience {
			delete(p.gone, ref)
		}
	}
}

// errNoTime is the failure of the messages that a call had no time for.
var errNoTime = errors.New("there was no time for it")

// Handle takes up the rows of messages, as a pass does, if they are still due: as many a second,
// and put off when they fail. It is a [queue.Handler].
func (a *Advance) Handle(ctx context.Context, messages []queue.Message) []queue.Failure {
	p := a.begin(ctx)
	var failures []queue.Failure
	for i, m := range messages {
		if err := p.takeUp(ctx, m); err != nil {
			failures = append(failures, queue.Failure{Index: i, Err: err})
		}
	}
	return failures
}

// takeUp takes up the rows of one message.
func (p *pass) takeUp(ctx context.Context, m queue.Message) error {
	var parsed message
	if err := json.Unmarshal([]byte(m.Body), &parsed); err != nil {
		return fmt.Errorf("a message %q that tells no due rows: %w", m.Body, err)
	}
	var refs []rows.Ref
	for _, due := range parsed.Due {
		if p.tables[due[0]].away != nil {
			refs = append(refs, rows.Ref{Table: due[0], ID: due[1]})
		}
	}
	if len(refs) == 0 {
		return nil
	}
	due, err := p.read(ctx, refs)
	if err != nil {
		return err
	}
	for _, row := range due {
		if !p.tables[row.Table.Name].away(row) { // it stays in the list
			continue
		}
		if err := p.start(ctx, row); err != nil {
			break // the context has ended; that is told below
		}
	}
	_ = p.group.Wait() // no function of the group fails
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.interrupted != nil:
		return p.interrupted
	case p.Early || ctx.Err() != nil:
		return errNoTime
	}
	return nil
}
