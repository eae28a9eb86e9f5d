package sales_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// happening is something that happens to a target that is at a step, in a process of its own.
type happening struct {
	name string
	do   func(ctx context.Context, p *boot.Parts, on spot) error
}

// spot is where a target is when things happen to it: its record, its sequence and its open
// step, which is due.
type spot struct{ lead, sequence, step string }

// happenings are what can happen to a target at the same time: what sellers, timers, conditions
// and managers do (docs/domain.md §5.2, §16).
func happenings() []happening {
	update := func(table string, id func(spot) string, v values) func(context.Context, *boot.Parts, spot) error {
		return func(ctx context.Context, p *boot.Parts, on spot) error {
			_, _, err := p.Entities.Update(ctx, manager(), rows.Ref{Table: table, ID: id(on)}, schematest.Row(v), entity.If{Exists: true})
			return err
		}
	}
	step, lead, seq := func(on spot) string { return on.step }, func(on spot) string { return on.lead }, func(on spot) string { return on.sequence }
	return []happening{
		{"complete", update("msdyn_sequencetargetstep", step, values{"statuscode": int64(salestest.StepCompleted)})},
		{"skip", update("msdyn_sequencetargetstep", step, values{"statuscode": int64(salestest.StepSkipped)})},
		{"timer", func(ctx context.Context, p *boot.Parts, on spot) error {
			return p.Progress.Run(ctx, name.SequenceTargetStepID(on.step))
		}},
		{"condition is met", update("lead", lead, values{quality: int64(1)})},
		{"assign", update("lead", lead, values{"ownerid": link("systemuser", id("user", 2))})},
		{"close", update("lead", lead, values{"statecode": int64(2)})},
		{"disconnect", func(ctx context.Context, p *boot.Parts, on spot) error {
			_, err := p.Connections.Disconnect(ctx, manager(), rows.Ref{Table: "lead", ID: on.lead}, "")
			return err
		}},
		{"new version", update("msdyn_sequence", seq, values{"statuscode": int64(2)})},
		{"deactivate", update("msdyn_sequence", seq, values{"statecode": int64(0)})},
		{"connect", func(ctx context.Context, p *boot.Parts, on spot) error {
			_, err := p.Connections.Connect(ctx, manager(), connection.Request{Record: rows.Ref{Table: "lead", ID: on.lead}, Sequence: name.SequenceID(on.sequence)})
			return err
		}},
	}
}

// paths are definitions whose first step is of each kind that something can happen to.
func paths() []string {
	const rest = `{"type":"task","name":"Next"},{"type":"wait","name":"Pause","wait":{"days":9}},{"type":"task","name":"Last"}]`
	return []string{
		`[{"type":"phonecall","name":"Call"},` + rest,
		`[{"type":"wait","name":"Wait","wait":{"hours":1}},` + rest,
		`[{"type":"condition","name":"If","if":{"filter":` + salestest.Where(hot) + `},"within":{"hours":1},"early":true,"yes":[{"type":"task","name":"Yes"}],"no":[{"type":"task","name":"No"}]},` + rest,
		`[{"type":"task","name":"Only"}]`,
	}
}

// turns is the store of one process, whose nth call lets something else happen first.
type turns struct {
	changeStore

	mu    sync.Mutex
	left  int // calls until then
	first func()
}

func (s *turns) turn() {
	s.mu.Lock()
	s.left--
	now := s.left == -1 && s.first != nil
	s.mu.Unlock()
	if now {
		s.first()
	}
}

func (s *turns) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	s.turn()
	return s.changeStore.Get(ctx, keys...)
}

func (s *turns) Query(ctx context.Context, q store.Query) (store.Page, error) {
	s.turn()
	return s.changeStore.Query(ctx, q)
}

func (s *turns) Write(ctx context.Context, ops ...store.Op) error {
	s.turn()
	return s.changeStore.Write(ctx, ops...)
}

// scene is a target at a step, on a store of its own.
type scene struct {
	*world
	on    spot
	clock *clock.Manual
}

// sceneOn sets the scene; it is the same each time.
func sceneOn(t *testing.T, path string) *scene {
	t.Helper()
	c := clock.NewManual(salestest.Now())
	w := newWorldOn(t, salestest.OpenEmbedded(t, embed.NoSync()), c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}})
	w.Foretell()
	w.User(2)
	seq := w.Draft(1, path)
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	lead := w.Lead(1, values{quality: int64(2)})
	target := w.Connect(lead, seq)
	w.Settle()
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(3)}) // a revision, which "new version" puts into use
	w.Update("msdyn_sequence", seq, values{"msdyn_definition": `[{"type":"task","name":"Another"}]`})
	w.Settle()
	c.Advance(2 * time.Hour)
	return &scene{w, spot{lead.ID, seq, w.Step(target).ID}, c}
}

// process is a process that has read nothing yet, in which something else happens before its nth
// call of the store.
func (s *scene) process(n int, first func()) *boot.Parts {
	s.T.Helper()
	db := rows.New(&turns{changeStore: s.Store, left: n, first: first}, s.DB.Schema(), s.clock)
	return boot.Assemble(db, boot.Options{Freshness: sales.Freshness{Clock: s.clock}})
}

// end follows all that has happened and tells how it ended.
func (s *scene) end() string {
	s.T.Helper()
	s.Restart()
	s.Settle()
	s.Sound(true)
	var lines []string
	label := map[string]string{}
	a := s.Audit()
	for _, step := range a.Steps {
		label[step.ID] = step.Text("msdyn_name")
		lines = append(lines, fmt.Sprintf("step %s of version %d: state %d, status %d, error %d, owner %s, wait %d, told %q", step.Text("msdyn_name"), step.Int("segue_version"),
			step.Int("statecode"), step.Int("statuscode"), step.Int("msdyn_errorstate"), step.Lookup("ownerid").ID, step.Int("msdyn_waitstate"), step.Text("msdyn_triggeroutcome")))
	}
	for _, target := range a.Targets {
		lines = append(lines, fmt.Sprintf("target of version %d: state %d, status %d, reason %d, at %s, owner %s, done %d", target.Int("msdyn_parentsequenceversion"),
			target.Int("statecode"), target.Int("statuscode"), target.Int("msdyn_deactivatereason"), label[target.Lookup("segue_currentstep").ID], target.Lookup("ownerid").ID, target.Int("msdyn_currentstepcount")))
	}
	lead, seq := a.Records[s.on.lead], a.Sequences[s.on.sequence]
	lines = append(lines,
		fmt.Sprintf("lead: state %d, connected %t, quality %d, owner %s", lead.Int("statecode"), lead.Is("segue_connected"), lead.Int(quality), lead.Lookup("ownerid").ID),
		fmt.Sprintf("sequence: state %d, status %d, version %d", seq.Int("statecode"), seq.Int("statuscode"), seq.Int("msdyn_version")))
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// serial is how the happenings end one after the other, each before what follows from it and
// after that, in every order.
func serial(t *testing.T, path string, all []happening) (ends []string) {
	t.Helper()
	for _, order := range orders(len(all)) {
		for settles := range 1 << (len(all) - 1) { // after which of them what follows is done
			s := sceneOn(t, path)
			for i, n := range order {
				_ = all[n].do(t.Context(), s.process(-1, nil), s.on) // it may be refused
				if settles&(1<<i) != 0 {
					s.Restart()
					s.Settle()
				}
			}
			ends = append(ends, s.end())
		}
	}
	return ends
}

// orders are the permutations of 0 to n-1.
func orders(n int) [][]int {
	if n == 0 {
		return [][]int{nil}
	}
	var all [][]int
	for _, shorter := range orders(n - 1) {
		for i := range n {
			all = append(all, slices.Insert(slices.Clone(shorter), i, n-1))
		}
	}
	return all
}

// TestSerial lets two or three things happen to a target at the same time, one in the middle of
// another, between any two calls of the store. The end is that of some order in which they happen
// one after the other.
func TestSerial(t *testing.T) { serials(t, 1, salestest.Rounds(60)) }

func serials(t *testing.T, firstSeed uint64, seeds int) {
	known := map[string][]string{}
	nested := 0
	for seed := firstSeed; seed < firstSeed+uint64(seeds); seed++ {
		random := rand.New(rand.NewPCG(seed, 29))
		path := paths()[random.IntN(len(paths()))]
		all := happenings()
		first := random.IntN(4) // something that moves the target on
		all[0], all[first] = all[first], all[0]
		random.Shuffle(len(all)-1, func(i, j int) { all[1+i], all[1+j] = all[1+j], all[1+i] })
		all = all[:2+random.IntN(8)/7]
		at := make([]int, len(all))
		for i := range at {
			at[i] = random.IntN(7)
		}
		var names []string
		for _, h := range all {
			names = append(names, h.name)
		}
		s := sceneOn(t, path)
		var happen func(i int)
		happened := make([]bool, len(all))
		happen = func(i int) {
			if i == len(all) || happened[i] {
				return
			}
			happened[i] = true
			_ = all[i].do(t.Context(), s.process(at[i], func() { nested++; happen(i + 1) }), s.on)
			happen(i + 1) // it has made fewer calls than that
		}
		happen(0)
		got := s.end()
		key := path + strings.Join(slices.Sorted(slices.Values(names)), ",")
		if known[key] == nil {
			known[key] = serial(t, path, all)
		}
		if !slices.Contains(known[key], got) {
			t.Errorf("seed %d: %s at calls %v on %s: the end is that of no serial order (-one of them +got):\n%s", seed, strings.Join(names, " < "), at, path, cmp.Diff(known[key][0], got))
		}
	}
	t.Logf("%d of %d things happened in the middle of another", nested, seeds)
	if nested < seeds/3 {
		t.Error("too little happened at the same time for this test to mean anything")
	}
}
