package job_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

func TestJob(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err == nil { // once is once
		p.probe.Reset()
	} else if _, taken := errors.AsType[*rows.ConflictError](err); taken {
		t.Fatalf("beginning it again: %v", err)
	}
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(clean(accounts), p.outcome(s, accounts)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, call := range p.probe.Calls() {
		if len(call.Keys) > 2+2*queue.MaxBatch {
			t.Errorf("a call names %d items", len(call.Keys))
		}
		if call.Method == probe.Query && call.Query.Limit != p.options.Chunk && call.Query.Limit != 0 {
			t.Errorf("a query reads %d rows", call.Query.Limit)
		}
	}
}

// A job goes on after a process that was killed at any call of the store, and after
// every call that failed, and everything is done and counted once.
func TestJobSurvivesEachCall(t *testing.T) {
	const accounts = 20
	for name, fault := range map[string]probe.Fault{
		"before": probe.Before, "after": probe.After, "crash before": probe.CrashBefore, "crash after": probe.CrashAfter,
	} {
		t.Run(name, func(t *testing.T) {
			hit := true
			for n := 0; hit; n++ {
				hit = survive(t, accounts, n, fault)
			}
		})
	}
}

// survive runs a job with a fault at call n of its work, and reports whether it made
// as many.
func survive(t *testing.T, accounts, n int, fault probe.Fault) (hit bool) {
	t.Helper()
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.probe.Reset()
	seen := 0
	p.probe.Inject(func(probe.Call) probe.Fault {
		if seen++; seen-1 == n {
			hit = true
			return fault
		}
		return probe.None
	})
	var calls []probe.Call
	for tries := 0; ; tries++ {
		err := s.finish(t.Context())
		if err == nil {
			break
		}
		if !errors.Is(err, probe.ErrCrash) && !errors.Is(err, store.ErrUnavailable) || tries > 3 {
			t.Fatalf("fault at call %d: %v", n, err)
		}
		if errors.Is(err, probe.ErrCrash) {
			calls = p.probe.Calls()
			s.queue.Close()
			p.probe.Reset()
			s = p.begin()
		}
	}
	p.probe.Inject(nil)
	got := p.outcome(s, accounts)
	got.Written = 0 // the row that the fault hit was written, and the caller not told
	want := clean(accounts)
	want.Written = 0
	if d := cmp.Diff(want, got); d != "" {
		t.Fatalf("fault at call %d %v (-want +got):\n%s", n, calls, d)
	}
	return hit
}

// Two workers on the same messages, the second of which does all of its work while
// the first is in the middle of its own, count every row once.
func TestTwoWorkersOnATask(t *testing.T) {
	const accounts = 60
	for when := range accounts {
		p := newPlace(t, accounts)
		p.options.AtOnce = 1 // so that the rows are counted one after the other
		first, second := p.begin(), p.begin()
		if err := first.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		p.probe.Reset()
		handle := func(messages []queue.Message) {
			if failures := second.Handle(t.Context(), messages); len(failures) > 0 {
				t.Fatal(failures)
			}
		}
		var current []queue.Message
		n := 0
		p.mark.before = func(*rows.Row) error {
			if n++; n-1 == when {
				handle(current)
			}
			return nil
		}
		if err := first.QueueOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		err := first.queue.Drain(t.Context(), func(_ context.Context, messages []queue.Message) []queue.Failure {
			current = messages
			return first.Handle(t.Context(), messages)
		})
		if err != nil {
			t.Fatal(err)
		}
		// What the second has left goes on by its own messages.
		if err := second.queue.Drain(t.Context(), second.Handle); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(clean(accounts), p.outcome(first, accounts)); d != "" {
			t.Fatalf("the second works before row %d of the first (-want +got):\n%s", when, d)
		}
	}
}

// The same, with the second before any call of the store of the first. It makes
// smaller passes, so that it saves a position where the first ends a task.
func TestTwoWorkersAtEachCall(t *testing.T) {
	const accounts = 30
	for n, hit := 0, true; hit; n++ {
		hit = false
		p := newPlace(t, accounts)
		p.options.Rows, p.options.Chunk = 1, 1
		second := p.beginOn(p.store)
		p.options.Rows, p.options.Chunk = 3, 3
		first := p.begin()
		if err := first.start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := first.QueueOpen(t.Context()); err != nil {
			t.Fatal(err)
		}
		var current []queue.Message
		calls := 0
		p.probe.Inject(func(probe.Call) probe.Fault {
			if calls++; calls-1 == n {
				hit = true
				if failures := second.Handle(t.Context(), current); len(failures) > 0 {
					t.Fatal(failures)
				}
			}
			return probe.None
		})
		err := first.queue.Drain(t.Context(), func(_ context.Context, messages []queue.Message) []queue.Failure {
			current = messages
			return first.Handle(t.Context(), messages)
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := second.queue.Drain(t.Context(), second.Handle); err != nil {
			t.Fatal(err)
		}
		p.probe.Inject(nil)
		got, want := p.outcome(first, accounts), clean(accounts)
		got.Written, want.Written = 0, 0 // the second writes unseen
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("the second works before call %d of the first (-want +got):\n%s", n, d)
		}
	}
}

// Messages that come again when the job is over change nothing.
func TestLateMessages(t *testing.T) {
	const accounts = 20
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var all []queue.Message
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.queue.Drain(t.Context(), func(_ context.Context, messages []queue.Message) []queue.Failure {
		all = append(all, messages...)
		for _, m := range messages { // twice in a batch, and for another round
			messages = append(messages, m, queue.Message{Body: strings.Replace(m.Body, "}", `,"round":7}`, 1)})
		}
		return s.Handle(t.Context(), messages)
	})
	if err != nil {
		t.Fatal(err)
	}
	p.probe.Reset()
	if failures := s.Handle(t.Context(), all); len(failures) > 0 {
		t.Error(failures)
	}
	if c := p.probe.Counts(); c.Writes+c.Transactions+c.Queries > 0 {
		t.Errorf("messages of a job that is over cost %+v", c)
	}
}

// Rows that cannot be worked on are counted with their reasons and hold up nothing:
// a refusal, a panic, an item that no row can be read from.
func TestRowsThatFail(t *testing.T) {
	const accounts = 40
	p := newPlace(t, accounts)
	p.mark.before = func(row *rows.Row) error {
		switch row.ID {
		case accountID(1):
			return errBroken
		case accountID(2):
			panic("no such thing")
		}
		return nil
	}
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	damage(t, p, accountID(3))
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	j := s.job(t)
	failed, examined := j.Row.Int(name.SegueRowsfailed), j.Row.Int(name.SegueRowsexamined)
	if j.State() != sales.JobCompleted || failed != 3 || examined != accounts || j.Result() != `{"seen":37}` {
		t.Errorf("the job is %v with %d of %d rows failed and result %s", j.State(), failed, examined, j.Result())
	}
	reasons := j.Row.Text(name.SegueReason)
	for n, want := range map[int]string{1: errBroken.Error(), 2: "panic: no such thing", 3: name.Createdon} {
		line := lineWith(reasons, accountID(n))
		if !strings.Contains(line, want) {
			t.Errorf("of account %d it says %q, want %q in it", n, line, want)
		}
	}
}

// damage makes an account's item one that is no row.
func damage(t *testing.T, p *place, id string) {
	t.Helper()
	for shard := range schema.Shards {
		key := store.Key{PK: fmt.Sprintf("%s#%d", name.Account, shard), SK: id}
		found, err := p.probe.Get(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if found[0] != nil {
			err := p.probe.Write(t.Context(), store.Update(key, store.Item{name.Createdon: store.S("yesterday")}, nil, store.Condition{}))
			if err != nil {
				t.Fatal(err)
			}
		}
	}
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}

// Of many failures a job tells the first ten reasons and the number.
func TestReasonsAreBounded(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	p.mark.before = func(*rows.Row) error { return errBroken }
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	j := s.job(t)
	if lines := strings.Count(j.Row.Text(name.SegueReason), "\n") + 1; lines != 10 || j.Row.Int(name.SegueRowsfailed) != accounts {
		t.Errorf("it tells %d reasons of %d failures", lines, j.Row.Int(name.SegueRowsfailed))
	}
}

// What another try can mend stops a task, fails no row, and is tried again.
func TestOutage(t *testing.T) {
	const accounts = 40
	p := newPlace(t, accounts)
	var down atomic.Int64
	p.mark.before = func(row *rows.Row) error {
		if down.Add(1) <= 12 {
			return sales.Refuse(sales.Unavailable, "row %s is busy", row.ID)
		}
		return nil
	}
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	tries := 0
	for err := s.finish(t.Context()); err != nil; err = s.queue.Drain(t.Context(), s.Handle) {
		if tries++; tries > 20 || !errors.Is(err, sales.Unavailable) {
			t.Fatalf("after %d tries: %v", tries, err)
		}
	}
	if tries == 0 {
		t.Error("no message was reported as failed")
	}
	got := p.outcome(s, accounts)
	if d := cmp.Diff(clean(accounts), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A kind that has nothing left to do ends a job without reading a row.
func TestNothingLeftToDo(t *testing.T) {
	p := newPlace(t, 20)
	p.mark.skip = func() bool { return true }
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := outcome{State: "completed", Result: `{"seen":0}`, Done: 16, Tasks: 16}
	if d := cmp.Diff(want, p.outcome(s, 20), cmp.FilterPath(func(path cmp.Path) bool { return path.Last().String() == ".Written" }, cmp.Ignore())); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A kind of another version of the program is left to it: the message comes again.
func TestUnknownKind(t *testing.T) {
	p := newPlace(t, 1)
	s := p.begin()
	err := s.db.Do(t.Context(), "", func(tx *rows.Tx) error {
		return sales.BeginJob(t.Context(), tx, sales.NewJob{ID: jobID, Kind: "future", Scans: []sales.Scan{{Table: name.Account}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.QueueOpen(t.Context()); err != nil || s.queue.Len() > 0 {
		t.Errorf("queue what is open: %v, %d messages", err, s.queue.Len())
	}
	failures := s.Handle(t.Context(), []queue.Message{{Body: fmt.Sprintf(`{"job":%q,"task":0}`, jobID)}, {Body: "no JSON"}})
	if len(failures) != 2 || !strings.Contains(failures[0].Err.Error(), "future") {
		t.Errorf("failures %v, want the kind named", failures)
	}
	if got := s.job(t).State(); got != sales.JobQueued {
		t.Errorf("the job is %v", got)
	}
}

// A job whose end fails is failed, with the reason; a resume goes through all rows
// once more.
func TestFailedJob(t *testing.T) {
	const accounts = 20
	p := newPlace(t, accounts)
	p.mark.finish = func(*rows.Tx) error { return errBroken }
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	j := s.job(t)
	if j.State() != sales.JobFailed || !strings.Contains(j.Row.Text(name.SegueReason), errBroken.Error()) {
		t.Fatalf("the job is %v: %s", j.State(), j.Row.Text(name.SegueReason))
	}
	p.mark.finish = nil
	setState(t, s, sales.JobQueued)
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := clean(accounts)
	want.Examined = j.Row.Int(name.SegueRowsexamined) + accounts
	if d := cmp.Diff(want, p.outcome(s, accounts)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// A cancelled job stops at the next pass; resumed, it goes on where it was.
func TestCancelledJob(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.probe.Reset()
	var n atomic.Int64
	p.mark.before = func(*rows.Row) error {
		if n.Add(1) == 30 {
			setState(t, s, sales.JobCancelled)
		}
		return nil
	}
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := s.job(t).State(); got != sales.JobCancelled || int(n.Load()) > 30+p.options.Rows+p.options.Chunk {
		t.Fatalf("the job is %v; %d rows were worked on, 30 of them before it was cancelled", got, n.Load())
	}
	setState(t, s, sales.JobQueued)
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	got := p.outcome(s, accounts)
	if d := cmp.Diff(clean(accounts), got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func setState(t *testing.T, s *process, state sales.JobState) {
	t.Helper()
	err := s.db.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), rows.RefTo(name.Job, jobID))
		if err == nil {
			found[0].Set(name.SegueState, schema.Int(int64(state)))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A kind may go through all rows again. A worker that is late by a round ends no task
// of the next one.
func TestRounds(t *testing.T) {
	const accounts = 20
	p := newPlace(t, accounts)
	p.options.Rows, p.options.AtOnce = 1000, 1
	s, late := p.begin(), p.begin()
	rounds := 0
	p.mark.again = func(counts map[string]int64) bool {
		rounds++
		if counts["seen"] != accounts {
			t.Errorf("round %d saw %d rows", rounds, counts["seen"])
		}
		return rounds < 3
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var first []queue.Message
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.queue.Drain(t.Context(), func(_ context.Context, messages []queue.Message) []queue.Failure {
		first = messages
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	overtaken := false
	p.mark.before = func(*rows.Row) error {
		if overtaken {
			return nil
		}
		overtaken = true // in the middle of a task: let the round end meanwhile
		return s.finish(t.Context())
	}
	if failures := late.Handle(t.Context(), first); len(failures) > 0 {
		t.Fatal(failures)
	}
	if !overtaken {
		t.Fatal("the late worker has nothing to do")
	}
	if done, _ := s.job(t).Tasks(); rounds != 1 || done != 0 {
		t.Fatalf("round %d has %d tasks done by a worker of the round before", rounds+1, done)
	}
	for s.job(t).State().Open() {
		if err := s.finish(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := clean(accounts)
	want.Examined = 3 * accounts
	if d := cmp.Diff(want, p.outcome(s, accounts)); d != "" || rounds != 3 {
		t.Errorf("%d rounds (-want +got):\n%s", rounds, d)
	}
}

// A job whose messages are lost is found standing still and goes on.
func TestLostMessages(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	left := 2
	err := s.queue.Drain(t.Context(), func(ctx context.Context, messages []queue.Message) []queue.Failure {
		if left--; left < 0 {
			return nil // they are lost
		}
		return s.Handle(ctx, messages)
	})
	if err != nil {
		t.Fatal(err)
	}
	stands := s.job(t)
	if due := stands.Row.Time(name.SegueDueon); stands.State() != sales.JobRunning || !due.After(p.time.Now()) {
		t.Fatalf("the job is %v and due at %v", stands.State(), due)
	}
	if err := s.LookAfter(t.Context(), stands.Row); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.Drain(t.Context(), s.Handle); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(clean(accounts), p.outcome(s, accounts)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	done := s.job(t)
	if due := done.Row.Time(name.SegueDueon); !due.IsZero() {
		t.Errorf("a job that is over is due at %v", due)
	}
	if err := s.LookAfter(t.Context(), done.Row); err != nil || s.queue.Len() > 0 {
		t.Errorf("look after a job that is over: %v, %d messages", err, s.queue.Len())
	}
}

// A round that ends while its tasks are being queued is followed by the next one all
// the same.
func TestRoundEndsBeforeItIsNoted(t *testing.T) {
	const accounts = 10
	p := newPlace(t, accounts)
	p.options.Rows = 1000
	rounds := 0
	p.mark.again = func(map[string]int64) bool { rounds++; return rounds == 1 }
	s, other := p.begin(), p.beginOn(p.store)
	follow, err := s.Begin().Prepare(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	begun := item(t, s)
	gets := 0
	p.probe.Inject(func(call probe.Call) probe.Fault {
		if call.Method == probe.Get {
			if gets++; gets == 2 { // the tasks are queued, and it is about to say so
				if err := other.finish(t.Context()); err != nil {
					t.Error(err)
				}
			}
		}
		return probe.None
	})
	if err := follow(t.Context(), change(t, s, nil, begun)); err != nil {
		t.Fatal(err)
	}
	p.probe.Inject(nil)
	if j := s.job(t); j.State() != sales.JobQueued || j.Round() != 1 {
		t.Fatalf("the job is %v in round %d", j.State(), j.Round())
	}
	if err := s.queue.Drain(t.Context(), s.Handle); err != nil { // what is queued is of the round before
		t.Fatal(err)
	}
	// Whether anybody has noted in between that the tasks were queued or not.
	if err := follow(t.Context(), change(t, s, begun, item(t, s))); err != nil {
		t.Fatal(err)
	}
	if err := s.queue.Drain(t.Context(), s.Handle); err != nil {
		t.Fatal(err)
	}
	if got := s.job(t).State(); got != sales.JobCompleted || rounds != 2 {
		t.Errorf("the job is %v after %d rounds", got, rounds)
	}
}

// item is the job as it is stored.
func item(t *testing.T, s *process) store.Item {
	t.Helper()
	for shard := range schema.Shards {
		found, err := s.store.Get(t.Context(), store.Key{PK: fmt.Sprintf("%s#%d", name.Job, shard), SK: string(jobID)})
		if err != nil {
			t.Fatal(err)
		}
		if found[0] != nil {
			return found[0]
		}
	}
	t.Fatal("there is no job")
	return nil
}

// change is the change record of a job that becomes another; nil for none.
func change(t *testing.T, s *process, old, now store.Item) rows.Change {
	t.Helper()
	record := store.Change{Kind: store.Modify, Key: now.Key(), Old: old, New: now}
	if old == nil {
		record = store.Change{Kind: store.Insert, Key: now.Key(), New: now}
	}
	c, err := s.db.Change(record)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
