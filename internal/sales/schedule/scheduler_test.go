package schedule_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"segue/internal/probe"
	"segue/internal/store"
)

// most is how many steps a schedule may take; one that needs more goes round in
// circles.
const most = 300_000

// lagging is how long an index may lag: less than sales.Freshness, which is what
// a sweep counts on (docs/decisions/0003).
const lagging = 400 * time.Millisecond

// scheduler runs tasks one step at a time. A step is what a task does between
// two calls of its store or clock: each call parks its goroutine until the
// scheduler, which draws from one source of random numbers, lets it go on. So a
// schedule depends on its seed and on nothing else. It runs in a synctest bubble:
// there it can wait until every goroutine is parked, and move the time.
type scheduler struct {
	t       *testing.T
	random  *rand.Rand
	probe   *probe.Probe
	history *history
	trouble trouble

	mu     sync.Mutex
	parked []*step

	tasks    sync.WaitGroup
	alive    int
	steps    int
	caughtUp time.Time // when the indexes last did
	last     *task
	running  *step // the call that is being made
	fault    probe.Fault
	sure     bool   // no answer gets lost, and no index lags: the store is in the process
	died     func() // is told when a process does
	stopped  error  // why no step is taken any more
}

// errCrash is what a dead process is told. It is one that nobody listens to any
// more, so it must not take the error for one to act on.
var errCrash = fmt.Errorf("%w: %w", store.ErrUnavailable, probe.ErrCrash)

// trouble is how much goes wrong, drawn for each schedule.
type trouble struct {
	fault  float64 // chance that a call fails
	crash  float64 // that the process dies with it
	cancel float64 // that the caller goes away
	freeze float64 // that a task stands still for a while, at most as long as hold
	hold   time.Duration
	pass   float64       // that time passes for everybody
	stay   float64       // that the task of the last step takes the next one
	lag    int           // calls until an index shows a write
	rest   time.Duration // longest pause between two things that a worker does
	late   time.Duration // and between two reads of the log
}

// calm is no trouble.
func calm() trouble { return trouble{rest: time.Second, late: time.Second} }

// drawTrouble returns how much goes wrong in a schedule.
func drawTrouble(random *rand.Rand) trouble {
	one := func(choices ...float64) float64 { return choices[random.IntN(len(choices))] }
	pause := func(choices ...time.Duration) time.Duration { return choices[random.IntN(len(choices))] }
	return trouble{
		fault: one(0, 0.01, 0.04), crash: one(0, 0.001, 0.004), cancel: one(0, 0.002, 0.01),
		freeze: one(0, 0.05, 0.2), hold: pause(20*time.Millisecond, 500*time.Millisecond, 4*time.Second), pass: one(0.002, 0.01, 0.03), stay: one(0, 0.5, 0.9),
		lag: []int{0, 5, 40, 400}[random.IntN(4)], rest: pause(5*time.Millisecond, 50*time.Millisecond, 300*time.Millisecond),
		late: pause(10*time.Millisecond, 100*time.Millisecond, time.Second),
	}
}

// task is one thread of work: a worker, a feed, a queue. What it starts in
// parallel belongs to it.
type task struct {
	name   string
	turn   func() error       // lets the task run alone until its next call
	deed   *deed              // what it is doing
	cancel context.CancelFunc // ends what it is doing
	frozen time.Time          // it does nothing before
}

type taskKey struct{}

// step is a parked goroutine and what it waits for.
type step struct {
	task      *task
	process   *process        // whose call it is; nil for the harness
	ctx       context.Context //nolint:containedctx // the call's own, for as long as it is parked
	name      string          // with the task it tells calls apart, in whatever order they name their rows
	exact     string          // and with their order
	at        time.Time       // not before
	goroutine int             // number of the one that is parked; of a task's, the later ones were made later
	reads     bool            // the same read by several goroutines of a task is one step
	call      func() (any, error)
	ops       []store.Op // of a write
	resume    chan outcome
	sent      bool // the process died and the call was on its way
}

type outcome struct {
	value any
	err   error
}

// park waits until the scheduler takes the step.
func (s *scheduler) park(ctx context.Context, st *step) (any, error) {
	st.ctx, st.resume, st.goroutine = ctx, make(chan outcome, 1), goroutine()
	var ok bool
	if st.task, ok = ctx.Value(taskKey{}).(*task); !ok {
		return nil, fmt.Errorf("%s by nobody's task", st.name)
	}
	s.mu.Lock()
	s.parked = append(s.parked, st)
	s.mu.Unlock()
	out := <-st.resume
	return out.value, out.err
}

// goroutine is the number of this goroutine, which the runtime tells in traces only.
func goroutine() int {
	trace := make([]byte, 64)
	trace = trace[:runtime.Stack(trace, false)]
	n := 0
	if _, err := fmt.Sscanf(string(trace), "goroutine %d ", &n); err != nil {
		return 0
	}
	return n
}

// spawn starts a task; do is given a context that names it.
func (s *scheduler) spawn(name string, do func(ctx context.Context, t *task)) {
	t := &task{name: name}
	ctx := context.WithValue(s.t.Context(), taskKey{}, t)
	t.turn = func() error { return s.turn(ctx) }
	s.mu.Lock()
	s.alive++
	s.mu.Unlock()
	s.tasks.Go(func() {
		if _, err := s.park(ctx, &step{name: "begin"}); err == nil {
			do(ctx, t)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.alive--
	})
}

// turn is a step that calls nothing: from here on no other task runs until the
// next call. Two may run after one call of a process, when both waited for it.
func (s *scheduler) turn(ctx context.Context) error {
	_, err := s.park(ctx, &step{name: "turn"})
	return err
}

// run takes steps until every task has ended.
func (s *scheduler) run() {
	synctest.Wait()
	for {
		ready, next := s.ready()
		switch {
		case len(ready) > 0:
			if st := s.pick(ready); s.random.Float64() < s.chance(st) {
				st.task.frozen = time.Now().Add(time.Duration(s.random.Int64N(int64(s.trouble.hold))))
			} else {
				s.take(st)
			}
		case !next.IsZero():
			s.pass(time.Until(next))
		case s.living() == 0:
			s.tasks.Wait()
			return
		default:
			s.stop(fmt.Errorf("%d tasks wait for each other", s.living()))
			return
		}
		if s.steps++; s.steps == most {
			s.stop(fmt.Errorf("%d steps and no end: %s", most, s.describe()))
		}
	}
}

func (s *scheduler) living() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alive
}

// stop makes every call fail from now on, so that all tasks end.
func (s *scheduler) stop(why error) {
	if s.stopped == nil {
		s.stopped = why
		s.t.Error(why)
	}
}

// describe lists what is parked.
func (s *scheduler) describe() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var b strings.Builder
	for _, st := range s.parked {
		fmt.Fprintf(&b, "\n  %s: %s", st.task.name, st.name)
	}
	return b.String()
}

// ready returns the steps that can be taken, in an order that does not depend
// on which goroutine came first, and when the next one can be if there is none.
func (s *scheduler) ready() (ready []*step, next time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	slices.SortStableFunc(s.parked, func(a, b *step) int {
		return cmp.Or(strings.Compare(a.task.name, b.task.name), strings.Compare(a.name, b.name), strings.Compare(a.exact, b.exact), cmp.Compare(a.goroutine, b.goroutine))
	})
	now := time.Now()
	for _, st := range s.parked {
		at := st.at
		if st.ctx.Err() != nil {
			at = now
		}
		if st.task.frozen.After(at) {
			at = st.task.frozen
		}
		switch {
		case !at.After(now) || s.stopped != nil:
			ready = append(ready, st)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	return ready, next
}

// pick draws the step to take.
func (s *scheduler) pick(ready []*step) *step {
	if s.random.Float64() < s.trouble.stay {
		if i := slices.IndexFunc(ready, func(st *step) bool { return st.task == s.last }); i >= 0 {
			return ready[i]
		}
	}
	return ready[s.random.IntN(len(ready))]
}

// chance is that of a task to stand still at a step: most of the time just before it
// writes what it has decided.
func (s *scheduler) chance(st *step) float64 {
	switch {
	case st.process == nil:
		return 0
	case strings.HasPrefix(st.name, "write"):
		return s.trouble.freeze
	}
	return s.trouble.freeze / 10
}

// take takes a step: it makes the call and lets the goroutine go on.
func (s *scheduler) take(st *step) {
	s.last = st.task
	if s.random.Float64() < s.trouble.cancel && st.task.cancel != nil && st.process != nil {
		st.task.cancel()
		synctest.Wait()
	}
	same := s.remove(st)
	out := s.outcome(st)
	s.history.trace(st, out)
	for _, other := range same {
		other.resume <- outcome{cloned(out.value), out.err}
		synctest.Wait()
	}
	if st.call != nil {
		s.pass(time.Duration(s.random.IntN(5)) * time.Millisecond)
	}
	if s.random.Float64() < s.trouble.pass {
		s.pass(time.Duration(s.random.IntN(3000)) * time.Millisecond)
	}
}

// remove takes a step off the parked ones, and those that read the same for the
// same task.
func (s *scheduler) remove(st *step) []*step {
	s.mu.Lock()
	defer s.mu.Unlock()
	var same []*step
	s.parked = slices.DeleteFunc(s.parked, func(other *step) bool {
		is := other == st || st.reads && other.task == st.task && other.exact == st.exact && (other.ctx.Err() == nil) == (st.ctx.Err() == nil)
		if is {
			same = append(same, other)
		}
		return is
	})
	return same
}

// outcome is what comes of a step, its call made or not.
func (s *scheduler) outcome(st *step) outcome {
	switch {
	case s.stopped != nil:
		return outcome{err: errors.Join(errCrash, s.stopped)}
	case st.process != nil && st.process.dead:
		if st.sent {
			s.make(st, probe.None)
		}
		return outcome{err: errCrash}
	case st.ctx.Err() != nil:
		s.history.events[cancels]++
		if st.call != nil && s.random.IntN(2) == 0 { // it was on its way
			s.make(st, probe.None)
		}
		return outcome{err: st.ctx.Err()}
	case st.call == nil:
		return outcome{}
	}
	fault := s.draw(st)
	if e := (map[probe.Fault]event{probe.Before: failures, probe.After: losses})[fault]; e != "" {
		s.history.events[e]++
	}
	out := s.make(st, fault)
	if fault == probe.CrashAfter || fault == probe.CrashBefore {
		out.err = errCrash
		s.probe.Reset() // it is the process that is dead, not the store
		s.kill(st.process)
	}
	return out
}

// draw says what goes wrong with a call of a process.
func (s *scheduler) draw(st *step) probe.Fault {
	switch chance := s.random.Float64(); {
	case st.process == nil:
		return probe.None
	case chance < s.trouble.crash:
		return []probe.Fault{probe.CrashBefore, probe.CrashAfter}[s.random.IntN(2)]
	case chance < s.trouble.crash+s.trouble.fault && s.sure:
		return probe.Before
	case chance < s.trouble.crash+s.trouble.fault:
		return []probe.Fault{probe.Before, probe.After}[s.random.IntN(2)]
	}
	return probe.None
}

// make makes the call of a step.
func (s *scheduler) make(st *step, fault probe.Fault) outcome {
	s.running, s.fault = st, fault
	value, err := st.call()
	s.running = nil
	return outcome{value, err}
}

// writes are the writes that others are about to make.
func (s *scheduler) writes(but *task) []*step {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(s.parked), func(st *step) bool { return st.ops == nil || st.task == but })
}

// kill ends a process: none of its calls is answered any more. Those that wait
// may have been on their way.
func (s *scheduler) kill(p *process) {
	p.dead = true
	s.history.events[crashes]++
	if s.died != nil {
		s.died()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.parked {
		if st.process == p && st.call != nil {
			st.sent = s.random.IntN(2) == 0
		}
	}
}

// pass lets time go by.
func (s *scheduler) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	if now := time.Now(); now.Sub(s.caughtUp) >= lagging {
		s.caughtUp = now
		s.probe.Lag(0)
		s.probe.Lag(s.trouble.lag)
	}
}

// upset begins the trouble, or ends it.
func (s *scheduler) upset(tr trouble) {
	if s.sure {
		tr.lag = 0
	}
	s.trouble = tr
	s.probe.Lag(0)
	s.probe.Lag(tr.lag)
}

// cloned is a copy of what a call returned, the caller's own.
func cloned(value any) any {
	items, ok := value.([]store.Item)
	page, isPage := value.(store.Page)
	switch {
	case ok:
		return clones(items)
	case isPage:
		return store.Page{Items: clones(page.Items), More: page.More}
	}
	return value
}

func clones(items []store.Item) []store.Item {
	out := make([]store.Item, len(items))
	for i, item := range items {
		out[i] = item.Clone()
	}
	return out
}
