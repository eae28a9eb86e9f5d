package generation_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/generation"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// shelf is a cache that counts what it reads.
type shelf struct {
	*generation.Cache[string]
	w     *salestest.World
	reads atomic.Int64
}

// newShelf makes a cache of at most size entries in a process with the clock.
func newShelf(w *salestest.World, size int, now clock.Clock) (*shelf, *generation.Generation) {
	known := generation.New(w.DB, sales.Freshness{For: time.Second, Clock: now}, generation.Definitions)
	return &shelf{Cache: generation.NewCache[string](known, size), w: w}, known
}

// get takes an entry, and reads value while something happens if it must.
func (s *shelf) get(key, value string, during func()) string {
	s.w.T.Helper()
	got, err := s.Get(s.w.T.Context(), key, func(context.Context) (string, error) {
		s.reads.Add(1)
		if during != nil {
			during()
		}
		return value, nil
	})
	if err != nil {
		s.w.T.Fatal(err)
	}
	return got
}

// editElsewhere changes a definition in another process.
func editElsewhere(w *salestest.World) {
	w.T.Helper()
	other := *w
	other.Parts = w.Plain(boot.Options{})
	other.Create("msdyn_sequence", "", salestest.Values{"msdyn_name": guid.New(), "msdyn_regardingentityname": "lead"})
}

// What was read stands until a definition changes. Whether one has is asked at most
// once in Freshness, however many need to know.
func TestAskOnce(t *testing.T) {
	w, now := salestest.New(t, boot.Options{}), clock.NewManual(salestest.Now())
	s, _ := newShelf(w, 3, now)
	for _, step := range []struct {
		name        string
		before      func()
		asks, reads int // for 16 at once
		advance     time.Duration
	}{
		{"nothing known", func() {}, 1, 1, 0},
		{"just read", func() {}, 0, 0, 0},
		{"still fresh", func() {}, 0, 0, time.Second - 1},
		{"not fresh", func() {}, 1, 0, 1},
		{"changed, still fresh", func() { editElsewhere(w) }, 0, 0, 0},
		{"changed", func() {}, 1, 1, time.Second},
		{"clock set back", func() {}, 1, 0, -time.Hour},
		{"since then", func() {}, 0, 0, 0},
	} {
		t.Run(step.name, func(t *testing.T) {
			step.before()
			now.Advance(step.advance)
			w.Probe.Reset()
			s.reads.Store(0)
			s.get("a", "first", nil)
			salestest.Crowd(16, func(int) { s.get("a", "other", nil) })
			if n := w.Probe.Counts(); n.Gets != step.asks || n.GetKeys != step.asks || int(s.reads.Load()) != step.reads {
				t.Errorf("asked %d times for %d rows, read %d times; want %d times for one each, %d times", n.Gets, n.GetKeys, s.reads.Load(), step.asks, step.reads)
			}
		})
	}
	now.Advance(time.Second)
	w.Probe.Reset()
	w.Probe.Inject(func(probe.Call) probe.Fault {
		time.Sleep(5 * time.Millisecond) // so that all of them are there before there is an answer
		return probe.None
	})
	salestest.Crowd(16, func(int) { s.get("a", "other", nil) })
	if n := w.Probe.Counts().Gets; n != 1 {
		t.Errorf("16 who needed to know at the same moment asked %d times, want once", n)
	}
}

// What was read while a definition changed may be older than the change: it is
// read again once the process has heard of that.
func TestChangedWhileReading(t *testing.T) {
	w, now := salestest.New(t, boot.Options{}), clock.NewManual(salestest.Now())
	s, known := newShelf(w, 3, now)
	s.get("a", "old", func() {
		editElsewhere(w)
		known.Forget()
	})
	if got := s.get("a", "new", nil); got != "new" {
		t.Errorf("got %q", got)
	}
}

// The same for a request that asks for the generation along with what it reads: an
// entry counts as read under the generation that was known before.
func TestChangedDuringOneRequest(t *testing.T) {
	w, now := salestest.New(t, boot.Options{}), clock.NewManual(salestest.Now())
	s, known := newShelf(w, 3, now)
	keep := func(during func()) {
		t.Helper()
		reading := known.Begin(w.DB.Begin(""))
		if len(reading.Also()) != 1 {
			t.Errorf("it asks for %v", reading.Also())
		}
		during()
		found, err := w.DB.Get(t.Context(), reading.Also()...)
		if err != nil {
			t.Fatal(err)
		}
		reading.Heard(found)
		s.Keep(reading, "a", "old")
	}
	keep(func() {})
	if _, ok := s.Peek("a"); ok {
		t.Error("an entry is kept though no generation was known when it was read")
	}
	now.Advance(time.Second)
	keep(func() {})
	if got, ok := s.Peek("a"); !ok || got != "old" {
		t.Errorf("an entry under the generation known before and after is %q, %v", got, ok)
	}
	now.Advance(time.Second)
	keep(func() { editElsewhere(w) })
	if _, ok := s.Peek("a"); ok {
		t.Error("an entry that may be older than a change is used after it was heard of")
	}
	if reading := known.Begin(w.DB.Begin("")); len(reading.Also()) > 0 {
		t.Error("it asks for what was just heard")
	}
}

// An answer that a later one, or Forget, overtook is not relied on.
func TestOvertakenAnswer(t *testing.T) {
	w, now := salestest.New(t, boot.Options{}), clock.NewManual(salestest.Now())
	_, known := newShelf(w, 3, now)
	answer := func(reading generation.Reading) []*rows.Row {
		found, err := w.DB.Get(t.Context(), reading.Also()...)
		if err != nil {
			t.Fatal(err)
		}
		return found
	}
	asks := func() bool { return len(known.Begin(w.DB.Begin("")).Also()) > 0 }
	slow := known.Begin(w.DB.Begin(""))
	late := answer(slow)
	known.Forget()
	slow.Heard(late)
	if !asks() {
		t.Error("an answer from before Forget is relied on")
	}
	slow = known.Begin(w.DB.Begin(""))
	late = answer(slow)
	editElsewhere(w)
	fast := known.Begin(w.DB.Begin(""))
	fast.Heard(answer(fast))
	s := &shelf{Cache: generation.NewCache[string](known, 3), w: w}
	s.get("a", "new", nil)
	slow.Heard(late)
	if got := s.get("a", "read again", nil); got != "new" {
		t.Error("the answer of an earlier reading replaced that of a later one")
	}
}

// A change that did not replace the generation (an older version of the program
// knows none) is announced when its change record is followed.
func TestUnannouncedChange(t *testing.T) {
	w := salestest.New(t, boot.Options{Freshness: sales.Freshness{For: time.Second, Clock: clock.NewManual(salestest.Now())}})
	seq := w.Sequence(1, "lead")
	w.Settle()
	now := clock.NewManual(salestest.Now())
	other := w.Plain(boot.Options{Freshness: sales.Freshness{For: time.Second, Clock: now}})
	use := func() string {
		found, err := other.Sequences.Sequence(t.Context(), name.SequenceID(seq))
		if err != nil {
			t.Fatal(err)
		}
		return found.Name
	}
	before := use()
	w.Corrupt("msdyn_sequence", seq, func(row *rows.Row) { row.Set("msdyn_name", schema.Text("By hand")) })
	now.Advance(time.Second)
	if got := use(); got != before {
		t.Fatalf("the name is %q before the change record is followed", got)
	}
	w.Settle()
	now.Advance(time.Second)
	if got := use(); got != "By hand" {
		t.Errorf("the name is %q", got)
	}
}

// A cache holds the entries used last, as many as it is made for.
func TestCacheIsBounded(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	s, _ := newShelf(w, 2, clock.NewManual(salestest.Now()))
	for _, key := range []string{"a", "b", "a", "c"} {
		s.get(key, key, nil)
	}
	for _, test := range []struct {
		key  string
		kept bool
	}{{"a", true}, {"c", true}, {"b", false}} {
		if _, ok := s.Peek(test.key); ok != test.kept {
			t.Errorf("%s is kept: %v, want %v", test.key, ok, test.kept)
		}
	}
	broken := errors.New("broken")
	if _, err := s.Get(t.Context(), "d", func(context.Context) (string, error) { return "d", broken }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if _, ok := s.Peek("d"); ok {
		t.Error("a read that failed is kept")
	}
}
