// Package schedule_test lets users, processes and the store do to each other what
// they can do at worst, in an order that one number decides, and then asks whether
// anything was lost or is wrong.
//
// A schedule is eight workers who do some fifty kinds of things to the same few
// records, sequences and segments; three processes with caches of their own, on
// machines whose clocks differ; a store that fails before and after a write and
// whose indexes lag; change records that come late, again, and shuffled across
// rows; callers who go away; processes that die. Every call of the store is a point
// at which any other task may go on (scheduler_test.go). Each commit is held against
// the rules of rule_test.go and oracle_test.go, the end against those of
// verdict_test.go and of package salestest.
//
// A seed that fails is run again, and only that, by
//
//	go test ./internal/sales/schedule -run TestSchedule -seed N
package schedule_test

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/schematest"
)

var (
	seed    = flag.Uint64("seed", 0, "run only the schedule of this seed")
	verbose = flag.Bool("steps", false, "print the last steps of a schedule that fails")
)

// TestSchedule runs a few schedules; `make soak` runs many.
func TestSchedule(t *testing.T) {
	run(t, 1, uint64(salestest.Rounds(10)))
}

// run runs schedules. Many of them together must have done everything that there is
// to do, and seen everything go wrong that can.
func run(t *testing.T, first, count uint64) {
	t.Helper()
	if *seed != 0 {
		first, count = *seed, 1
	}
	all := newResult()
	for n := first; n < first+count; n++ {
		t.Run(fmt.Sprintf("seed %d", n), func(t *testing.T) { play(t, schedule{seed: n, things: 12, rounds: 3}, all) })
	}
	t.Logf("events: %v", all.events)
	if count < 10 {
		return
	}
	for kind := range kinds() {
		if all.done[kind] == 0 {
			t.Errorf("no schedule tried to %s", kind)
		}
	}
	for _, event := range []event{enters, moves, unlinks, connects, entersSequence, endsByUser, endsBySequence, crashes, failures, losses, cancels} {
		if all.events[event] == 0 {
			t.Errorf("in no schedule %s", event)
		}
	}
}

// TestReplay runs one schedule again: the same steps are taken.
func TestReplay(t *testing.T) {
	// On a busy machine the runtime may take the processor from a goroutine that has had
	// it for 10 ms, and what one step has woken together then runs in another order. So two
	// runs in a row must agree, of several.
	const runs = 6
	before := newResult()
	for n := range runs {
		out := newResult()
		t.Run("run", func(t *testing.T) { play(t, schedule{seed: 3, things: 3, rounds: 2}, out) })
		if salestest.Racing && n > 0 {
			return // the race detector shuffles what one step wakes together
		}
		if n > 0 && out.hash == before.hash {
			return
		}
		before = out
	}
	t.Errorf("no two of %d runs of one seed took the same steps", runs)
}

// result is what schedules came to.
type result struct {
	done   map[string]int // things done, by kind
	events map[event]int
	hash   uint64 // of the steps of the last one
}

func newResult() *result { return &result{done: map[string]int{}, events: map[event]int{}} }

// schedule is what a schedule depends on.
type schedule struct {
	seed           uint64
	things, rounds int      // that each worker does in a round
	away           *outside // the store, when it is not an embedded one of the schedule's own
}

// play runs a schedule.
func play(t *testing.T, of schedule, out *result) {
	t.Helper()
	before := slog.Default()
	slog.SetDefault(slog.New(slog.DiscardHandler)) // what goes wrong is what the test is about
	defer slog.SetDefault(before)
	// With one processor, goroutines that a step starts or wakes together run in one
	// order, but for the race detector, which shuffles them.
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) { of.play(t, out) })
}

func (of schedule) play(t *testing.T, out *result) {
	policy := sales.Policy{Several: of.seed%2 == 0, AnyActive: of.seed%3 == 0}
	if of.seed%4 > 0 {
		policy.Retention = 24 * time.Hour
	}
	o := newOracle(policy)
	f := of.fleet(t, policy, newHistory(append(commitRules(policy), o.enteredByRule)...))
	h, feed := f.history, newFeed(f, rand.New(rand.NewPCG(of.seed, 2)))
	f.quiet = feed.empty
	for n := range of.rounds {
		f.upset(calm())
		f.spawn("repair", func(ctx context.Context, t *task) {
			everything := crowd{leads, sequences - 1, segments - 1}
			(&worker{fleet: f, task: t, random: rand.New(rand.NewPCG(of.seed, 3)), ctx: ctx, crowd: everything}).repair()
		})
		f.run()
		f.upset(drawTrouble(f.random))
		(&round{fleet: f, feed: feed, seed: of.seed + uint64(n)<<32, things: of.things, done: out.done}).start()
		f.run()
		if f.stopped != nil {
			break
		}
		o.verdict(h)
		of.inspect(f)
		if len(h.problems) > 0 || t.Failed() {
			break
		}
	}
	h.tellAll(t, of.seed)
	t.Logf("%d steps, %d commits, %d deliveries, %d processes, %d memberships judged, hash %x", f.steps, len(h.commits), feed.deliveries, f.born, h.judged, h.hash)
	h.census()
	for event, n := range h.events {
		out.events[event] += n
	}
	out.hash = h.hash
}

// fleet makes the processes and all that is between them and their store.
func (of schedule) fleet(t *testing.T, policy sales.Policy, h *history) *fleet {
	tables := schematest.Tables(t)
	s := &scheduler{t: t, random: rand.New(rand.NewPCG(of.seed, 1)), history: h}
	recorded := &recorder{scheduler: s, history: h}
	if of.away != nil {
		recorded.ChangeStore = of.away
	} else {
		recorded.ChangeStore = salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(clock.System()))
	}
	h.source, h.tables = recorded, tables
	s.probe = probe.New(recorded, rows.Indexes()...)
	s.probe.Inject(func(probe.Call) probe.Fault { return s.fault })
	f := &fleet{scheduler: s, tables: tables, policy: policy, store: s.probe, versions: rowstest.FirstVersions()}
	f.mail = &mailbox{fleet: f, random: rand.New(rand.NewPCG(of.seed, 5))}
	s.died = f.mail.drop
	machines := 3
	if f.laptop = of.seed%5 == 0; f.laptop {
		machines, s.sure = 1, true
	} else {
		f.fresh = time.Second
	}
	h.fresh = f.fresh
	for n := range machines {
		f.skews = append(f.skews, time.Duration(s.random.IntN(6001)-3000)*time.Millisecond)
		f.processes = append(f.processes, f.assemble(n))
	}
	return f
}

// inspect holds the rows of the store against the invariants of package salestest.
func (of schedule) inspect(f *fleet) {
	look := func(t testing.TB, on salestest.ChangeStore) {
		db := rows.New(on, f.tables, clock.System())
		w := salestest.Watch(t, on, boot.Assemble(db, boot.Options{Policy: f.policy}), f.policy)
		w.Sound(true)
		for _, parked := range w.Parked() {
			f.history.report(parked.Subject(), "%s is parked: %s", parked.Handler(), parked.Reason())
		}
	}
	if of.away == nil {
		look(f.t, f.history.source)
		return
	}
	of.away.do(func() { look(of.away.t, of.away.ChangeStore) })
}

// tellAll fails the test with what is wrong and the stories of the rows that it is
// wrong with.
func (h *history) tellAll(t *testing.T, seed uint64) {
	if len(h.problems) == 0 && !t.Failed() {
		return
	}
	told := map[rows.Ref]bool{}
	for i, p := range h.problems[:min(len(h.problems), 5)] {
		text := translate(fmt.Sprintf("%s: %s", nameOf(p.ref), p.text))
		if told[p.ref] || i > 1 {
			t.Error(text)
			continue
		}
		told[p.ref] = true
		t.Errorf("%s\n%s", text, h.tell(p.ref, 12))
	}
	if len(h.problems) > 5 {
		t.Errorf("and %d more problems", len(h.problems)-5)
	}
	if *verbose {
		t.Log(strings.Join(h.last[max(0, len(h.last)-4000):], "\n"))
	}
	t.Errorf("run it again: go test ./internal/sales/schedule -run TestSchedule -seed %d", seed)
}

// translate puts names for the ids in a text.
func translate(text string) string {
	for id, name := range known() {
		text = strings.ReplaceAll(text, id, name)
	}
	return text
}
