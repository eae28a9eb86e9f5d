package advance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
)

// line is a queue that keeps what it is sent.
type line struct {
	mu       sync.Mutex
	messages []queue.Message
	full     bool
}

func (l *line) Send(_ context.Context, _ time.Duration, messages ...queue.Message) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.full {
		return fmt.Errorf("%w: full", queue.ErrUnavailable)
	}
	l.messages = append(l.messages, messages...)
	return nil
}

func always(*rows.Row) bool { return true }

// backlog makes rows of which the first was due so many seconds ago, the others one each second
// since, and a process that has a queue.
func backlog(t *testing.T, n int) (w *world, refs []rows.Ref, q *line, handled *noted) {
	t.Helper()
	w = newWorld(t)
	var seconds []int
	for i := range n {
		seconds = append(seconds, i-n)
	}
	refs, q = w.put("alarm", seconds...), &line{}
	handled = &noted{then: func(ctx context.Context, row *rows.Row) error { return w.moveOnBy(ctx, row, 48*time.Hour) }}
	w.SendTo(q)
	w.Register("alarm", handled.handle, Away(always))
	return w, refs, q, handled
}

// sorted are rows in the order of their ids, to compare what is handled in any order.
func sorted(refs []rows.Ref) []rows.Ref {
	return slices.SortedFunc(slices.Values(refs), func(a, b rows.Ref) int { return strings.Compare(a.ID, b.ID) })
}

// After an outage of a day 3,000 rows are due: the pass does the 500 oldest and does not wait for
// the rest, which leaves in 100 messages, the oldest first. Each row is done once.
func TestCatchUpAfterAnOutage(t *testing.T) {
	const all = 3000
	w, refs, q, handled := backlog(t, all)
	w.clock.Advance(24 * time.Hour)
	var age time.Duration
	w.OnOldest(func(_ context.Context, oldest time.Duration) { age = oldest })
	if done := w.pass(); done != (Summary{Handled: Here, Left: all - Here, Messages: (all - Here) / perMessage}) {
		t.Errorf("did %+v", done)
	}
	if want := 24*time.Hour + all*time.Second; age != want {
		t.Errorf("the oldest has been due for %v, want %v", age, want)
	}
	if d := cmp.Diff(sorted(refs[:Here]), sorted(handled.refs)); d != "" {
		t.Errorf("not the oldest are done at once (-want +got):\n%s", d)
	}
	if slept := w.clock.Slept(); slept > 2*time.Second {
		t.Errorf("the pass waited for %v", slept)
	}
	c := w.probe.Counts()
	if c.Queries > 2*16 || c.Gets != all/100 || c.Writes != Here {
		t.Errorf("the pass cost %+v", c)
	}
	var left []rows.Ref
	for _, m := range q.messages {
		if !IsDue(m) {
			t.Fatalf("%s does not name due rows", m.Body)
		}
		var parsed message
		if err := json.Unmarshal([]byte(m.Body), &parsed); err != nil {
			t.Fatal(err)
		}
		for _, due := range parsed.Due {
			left = append(left, rows.Ref{Table: due[0], ID: due[1]})
		}
	}
	if d := cmp.Diff(refs[Here:], left); d != "" {
		t.Errorf("the order of what has left (-want +got):\n%s", d)
	}

	// The next minute comes before the queue is worked on: nothing leaves twice.
	w.clock.Advance(time.Minute)
	if done := w.pass(); done != (Summary{}) {
		t.Errorf("the pass after it did %+v", done)
	}

	other := process(t, w.model, w.clock, w.Schema()) // the function that works on the queue
	other.Register("alarm", handled.handle, Away(always))
	slept := w.clock.Slept()
	for batch := range slices.Chunk(append(slices.Clone(q.messages), q.messages[:7]...), queue.MaxBatch) { // some come twice
		if failures := other.Handle(t.Context(), batch); len(failures) > 0 {
			t.Fatal(failures)
		}
	}
	if took, want := w.clock.Slept()-slept, (all-Here-1)*time.Second/PerSecond; took < want {
		t.Errorf("%d rows were done in %v, which is more than %d a second", all-Here, took, PerSecond)
	}
	if d := cmp.Diff(sorted(refs), sorted(handled.refs)); d != "" {
		t.Errorf("done (-want +got):\n%s", d)
	}
	for _, ref := range refs {
		if n := w.row(ref).Int("times"); n != 1 {
			t.Errorf("%v was done %d times", ref, n)
		}
	}
	if done := w.pass(); done != (Summary{}) {
		t.Errorf("at the end a pass did %+v", done)
	}
}

// A message that is lost is made again, a row that is due again by another time leaves again at
// once, and a queue that takes nothing has no row wait.
func TestAwayIsNeverLost(t *testing.T) {
	const all = Here + 2*perMessage
	t.Run("lost", func(t *testing.T) {
		w, _, q, _ := backlog(t, all)
		if done := w.pass(); done.Left != 2*perMessage {
			t.Fatalf("did %+v", done)
		}
		q.messages = nil
		w.clock.Advance(patience - time.Second)
		if done := w.pass(); done != (Summary{}) {
			t.Errorf("too early: %+v", done)
		}
		w.clock.Advance(time.Second)
		if done := w.pass(); done.Handled != 2*perMessage {
			t.Errorf("did %+v, want what was lost", done)
		}
	})
	t.Run("the queue takes nothing", func(t *testing.T) {
		w, _, q, _ := backlog(t, all)
		q.full = true
		if done := w.pass(); done != (Summary{Handled: all}) {
			t.Errorf("did %+v", done)
		}
	})
	t.Run("fails in the other process", func(t *testing.T) {
		w, refs, q, handled := backlog(t, all)
		w.pass()
		handled.then = func(context.Context, *rows.Row) error { return errors.New("it is not possible") }
		other := process(t, w.model, w.clock, w.Schema())
		other.Register("alarm", handled.handle, Away(always))
		if failures := other.Handle(t.Context(), q.messages[:1]); len(failures) > 0 {
			t.Fatal(failures)
		}
		if due := w.due(refs[Here]); due < 59 {
			t.Errorf("the row is due in %d seconds, and not put off", due)
		}
		handled.then = w.moveOn
		w.clock.Advance(5 * time.Minute) // less than patience
		if done := w.pass(); done.Handled != perMessage {
			t.Errorf("did %+v, want what was put off and is due again", done)
		}
	})
	t.Run("may not leave", func(t *testing.T) {
		w, _, q, handled := backlog(t, all)
		w.Register("alarm", handled.handle, Away(func(*rows.Row) bool { return false }))
		if done := w.pass(); done != (Summary{Handled: all}) || len(q.messages) > 0 {
			t.Errorf("did %+v", done)
		}
		other := process(t, w.model, w.clock, w.Schema())
		other.Register("alarm", func(context.Context, *rows.Row) error { t.Error("taken up"); return nil }, Away(func(*rows.Row) bool { return false }))
		if failures := other.Handle(t.Context(), []queue.Message{{Body: `{"due":[["alarm","` + rowstest.ID("alarm", 1) + `"],["nothing","x"]]}`}}); len(failures) > 0 {
			t.Error(failures)
		}
	})
	t.Run("no message of ours", func(t *testing.T) {
		w, _, _, _ := backlog(t, 1)
		if IsDue(queue.Message{Body: `{"job":"x","task":1}`}) || IsDue(queue.Message{Body: `[`}) {
			t.Error("taken for one")
		}
		if failures := w.Handle(t.Context(), []queue.Message{{Body: `[`}}); len(failures) != 1 {
			t.Errorf("failures are %v", failures)
		}
	})
}
