package schedule_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"segue/internal/queue"
)

// mailbox is the queue between the processes: every message is handed over at least
// once, in any order. On a laptop it is in the process and dies with it.
type mailbox struct {
	*fleet
	random   *rand.Rand
	messages []letter
	working  int
	lost     bool      // the process that held the messages has died
	owed     time.Time // until when what could not be sent may still be due
}

// letter is a message and when it is handed over at the earliest.
type letter struct {
	message queue.Message
	due     time.Time
}

// sender is the mailbox as a process sees it.
type sender struct {
	*mailbox
	process *process
}

var _ queue.Sender = sender{}

// Send implements [queue.Sender].
func (s sender) Send(ctx context.Context, delay time.Duration, messages ...queue.Message) error {
	_, err := s.park(ctx, &step{process: s.process, name: fmt.Sprintf("send %d %s", len(messages), messages[0].Body), call: func() (any, error) {
		for _, m := range messages {
			s.messages = append(s.messages, letter{m, time.Now().Add(delay)})
		}
		return nil, nil
	}})
	if err != nil { // whoever sends has the due list, which finds it a minute later
		s.owed = time.Now().Add(2 * time.Minute)
	}
	return err
}

// work is a task: it hands messages to the processes until nothing is left to do.
func (b *mailbox) work(ctx context.Context, t *task) {
	for t.turn() == nil && !b.over() {
		p := b.any(b.random.IntN(len(b.processes)))
		batch := b.take()
		switch {
		case b.lost:
			b.lost = false
			b.begin(ctx, t, "queue open jobs")
			err := p.Jobs.QueueOpen(ctx)
			b.end(t)
			b.lost = err != nil
		case len(batch) > 0:
			b.hand(ctx, t, p, batch)
		case b.idle(ctx) != nil:
			return
		}
	}
}

func (b *mailbox) idle(ctx context.Context) error {
	_, err := b.park(ctx, &step{name: "idle", at: time.Now().Add(time.Duration(1 + b.random.Int64N(int64(b.trouble.late))))})
	return err
}

// take takes messages that are due.
func (b *mailbox) take() []letter {
	var batch []letter
	if n := len(b.messages); n > 0 { // from anywhere; those of a job were sent together
		at := b.random.IntN(n)
		b.messages = slices.Concat(b.messages[at:], b.messages[:at])
	}
	b.messages = slices.DeleteFunc(b.messages, func(l letter) bool {
		is := !l.due.After(time.Now()) && len(batch) < queue.MaxBatch
		if is {
			batch = append(batch, l)
		}
		return is
	})
	return batch
}

func (b *mailbox) hand(ctx context.Context, t *task, p *process, batch []letter) {
	messages := make([]queue.Message, len(batch))
	for i, l := range batch {
		messages[i] = l.message
	}
	b.working++
	ctx = b.begin(ctx, t, fmt.Sprintf("%d messages by %s", len(batch), p.name))
	failures := p.Jobs.Handle(ctx, messages)
	b.end(t)
	b.working--
	again := func(l letter) {
		l.due = time.Now().Add(time.Duration(b.random.IntN(3000)) * time.Millisecond)
		b.messages = append(b.messages, l)
	}
	for i, l := range batch {
		failed := slices.ContainsFunc(failures, func(f queue.Failure) bool { return f.Index == i })
		if p.dead && !b.laptop || failed || b.random.IntN(8) == 0 && b.trouble.fault > 0 { // the last: for no reason
			again(l)
		}
	}
	for _, f := range failures {
		if !excused(f.Err) {
			b.history.problems = append(b.history.problems, problem{text: fmt.Sprintf("message %q: %v", batch[f.Index].message.Body, f.Err)})
		}
	}
}

// drop loses what is in the mailbox of a process that dies.
func (b *mailbox) drop() {
	if b.laptop {
		b.messages, b.lost = nil, true
	}
}

// quiet reports whether no message is left, nor any that could not be sent.
func (b *mailbox) quiet() bool {
	return len(b.messages) == 0 && b.working == 0 && !b.lost && time.Now().After(b.owed)
}

// begin makes what a task does now a deed of the engine.
func (f *fleet) begin(ctx context.Context, t *task, what string) context.Context {
	ctx, t.cancel = context.WithCancel(ctx)
	t.deed = &deed{name: what}
	f.history.start(t.deed)
	return ctx
}

// end ends that deed.
func (f *fleet) end(t *task) {
	t.cancel()
	_ = t.turn() // it fails when all ends
	f.history.finish(t.deed, false)
	t.cancel, t.deed = nil, nil
}

// tick is a task: once a minute a process takes up what is due.
func (f *fleet) tick(ctx context.Context, t *task) {
	for !f.over() {
		if _, err := f.park(ctx, &step{name: "minute", at: time.Now().Add(time.Minute / 10)}); err != nil {
			return
		}
		p := f.any(0)
		if _, err := p.Advance.Pass(f.begin(ctx, t, "what is due by "+p.name)); err != nil && !excused(err) {
			f.history.problems = append(f.history.problems, problem{text: fmt.Sprintf("a pass: %v", err)})
		}
		f.end(t)
	}
}
