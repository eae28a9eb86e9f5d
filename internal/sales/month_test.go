package sales_test

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
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
	"segue/internal/mail"
	"segue/internal/mail/mailtest"
	"segue/internal/mail/smtp"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

const monthTemplate = "33333333-3333-4333-8333-333333333333"

// monthPath has a step of every kind that the system does.
var monthPath = `[{"type":"task","name":"Hello"},
	{"type":"wait","name":"Pause","wait":{"days":2}},
	{"type":"automatedemail","name":"Mail","template":"` + monthTemplate + `"},
	{"type":"condition","name":"Hot?","if":{"filter":` + salestest.Where(hot) + `},"within":{"days":3},"early":true,
		"yes":[{"type":"phonecall","name":"Call"}],"no":[{"type":"wait","name":"Cool down","wait":{"hours":30}}]},
	{"type":"updatefield","name":"Update","set":{"donotemail":true}},
	{"type":"task","name":"Bye"}]`

// month is a simulated month of a whole Segue: sellers work once a day, the due list is swept
// once an hour, and what follows from changes is done in between.
type month struct {
	*world
	clock   *clock.Manual
	server  *mailtest.Server
	hostile *hostile // nil: nothing goes wrong
	seed    uint64
	targets []string
	effects map[string][]string // what has happened to each step and target, in order

	attempt int // number of the last time that calls began to fail

	mu    sync.Mutex
	calls map[string]int // of each kind, in this attempt
}

// TestMonth demands of a month in which changes come several times and late, calls fail, processes
// die between two of them and the transport of emails fails: each step has one effect at most,
// nobody is lost, nothing happens to a target that has ended, and everybody ends as in a month in
// which nothing goes wrong. What goes wrong depends on the seed alone.
func TestMonth(t *testing.T) { months(t, 60, 1, 1) }

func months(t *testing.T, leads int, firstSeed uint64, seeds int) {
	want := simulate(t, leads, nil, 0)
	for seed := firstSeed; seed < firstSeed+uint64(seeds); seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			h := &hostile{random: rand.New(rand.NewPCG(seed, 31)), next: map[store.Key]int{}, log: map[store.Key][]*delivery{}}
			if d := cmp.Diff(want, simulate(t, leads, h, seed)); d != "" {
				t.Errorf("seed %d: how everybody ended (-clean +hostile):\n%s", seed, shorten(d))
			}
			t.Logf("%d changes delivered %d times, %d attempts failed, of these %d by a crash", h.changes, h.deliveries, h.failures, h.crashes)
			if h.crashes == 0 || h.failures == h.crashes {
				t.Error("too little went wrong for this test to mean anything")
			}
		})
	}
}

// simulate returns how each lead has ended.
func simulate(t *testing.T, leads int, h *hostile, seed uint64) map[int]string {
	t.Helper()
	c, server := clock.NewManual(salestest.Now()), mailtest.Start(t)
	transport, err := smtp.Open(server.URL, c)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorldOn(t, salestest.OpenEmbedded(t, embed.NoSync()), c.Now, boot.Options{
		Freshness: sales.Freshness{Clock: c}, AtOnce: 1, // so that a seed always means the same
		Mail: mailing.Config{
			Sender: transport, From: mail.Address{Email: "sales@contoso.test"}, Base: "https://segue.test", Key: []byte("0123456789abcdef0123456789abcdef"),
		},
	})
	w.Foretell()
	w.Create("template", monthTemplate, values{"title": "A", "subject": "Hello", "body": "<p>Hello</p>", "templatetypecode": "lead"})
	if err := w.Activate(w.Draft(1, monthPath)); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Fresh()
	m := &month{world: w, clock: c, server: server, hostile: h, seed: seed, targets: make([]string, leads), effects: map[string][]string{}, calls: map[string]int{}}
	for day := range 30 {
		for n := range leads {
			m.work(n, day)
		}
		for hour := range 24 {
			m.follow(day == 29 && hour == 23)
			m.clock.Advance(time.Hour)
			m.sweep()
		}
		m.note()
	}
	m.follow(true)
	m.note()
	w.Sound(true)
	m.oneEffect()
	return m.ends()
}

// work is what the seller of a lead does on a day, by what there is to do.
func (m *month) work(n, day int) {
	ref := rows.Ref{Table: "lead", ID: id("lead", n)}
	if m.targets[n] == "" {
		if day == n%10 {
			m.Lead(n, values{"emailaddress1": fmt.Sprintf("lead%d@example.test", n), quality: int64(2)})
			m.targets[n] = m.Connect(ref, id("sequence", 1)).ID
		}
		return
	}
	target := m.Row("msdyn_sequencetarget", m.targets[n])
	if target.Int("statecode") != 0 {
		return
	}
	step, status := m.Step(target), int64(salestest.StepCompleted)
	if n%6 == 2 {
		status = salestest.StepSkipped
	}
	at := step.Text("msdyn_name")
	switch fate := n % 6; {
	case fate == 3 && at == "Hot?", fate == 5 && at == "Bye":
		m.insist(func() error {
			_, err := m.Connections.Disconnect(m.T.Context(), manager(), ref, "")
			return err
		})
	case fate == 4 && at == "Pause":
		m.insist(func() error { return m.TryUpdate("lead", ref.ID, values{"statecode": int64(2)}) })
	case at == "Hot?" && fate != 1:
		m.insist(func() error { return m.TryUpdate("lead", ref.ID, values{quality: int64(1)}) })
	case at == "Mail" && step.Int("msdyn_errorstate") == 8: // who has looked into the mailbox
		m.insist(func() error {
			return m.TryUpdate("msdyn_sequencetargetstep", step.ID, values{"statuscode": int64(salestest.StepCompleted)})
		})
	case slices.Contains([]string{"Hello", "Call", "Bye"}, at):
		m.insist(func() error { return m.TryUpdate("msdyn_sequencetargetstep", step.ID, values{"statuscode": status}) })
	}
}

// insist does something until it is done: a call that was lost, or whose process died, is made
// again.
func (m *month) insist(do func() error) {
	m.T.Helper()
	for range 100 {
		m.disturb(true)
		err := do()
		m.disturb(false)
		switch {
		case err == nil, errors.Is(err, sales.Precondition): // it was done by the call that was lost
			return
		case errors.Is(err, probe.ErrCrash):
			m.hostile.crashes++
			m.Restart()
		case !sales.Transient(err):
			m.T.Fatal(err)
		}
		m.hostile.failures++
	}
	m.T.Fatal("it failed a hundred times")
}

// disturb has calls of the store fail from now on, or no more.
func (m *month) disturb(on bool) {
	if m.hostile == nil || !on {
		m.Probe.Inject(nil)
		return
	}
	m.attempt, m.calls = m.attempt+1, map[string]int{}
	m.Probe.Inject(m.fault)
}

// fault decides what happens to a call by the seed, the attempt and what the call is: a pass
// reads the shards of the due list at the same time, so in any order.
func (m *month) fault(call probe.Call) probe.Fault {
	kind := fmt.Sprintf("%s %v %s %s", call.Method, call.Ops, call.Query.Index, call.Query.Partition)
	for _, key := range call.Keys { // not its id, which may be random
		kind += tableOf(key)
	}
	m.mu.Lock()
	m.calls[kind]++
	sum := fnv.New64a()
	_, _ = fmt.Fprint(sum, m.seed, " ", m.attempt, " ", kind, m.calls[kind])
	m.mu.Unlock()
	faults := []probe.Fault{probe.CrashBefore, probe.CrashAfter, probe.Before, probe.After}
	if drawn := sum.Sum64() >> 20; drawn%40 == 0 {
		return faults[drawn/40%4]
	}
	return probe.None
}

// follow does what follows from what has changed; all says that what comes again comes now.
func (m *month) follow(all bool) {
	m.T.Helper()
	h := m.hostile
	if h == nil {
		m.Settle()
		return
	}
	for {
		h.take(m.world)
		batch := h.batch(chapter{end: all})
		m.disturb(true)
		if len(batch) == 0 {
			worked := h.work(m.world)
			m.disturb(false)
			if !worked {
				return
			}
			continue
		}
		h.batches, h.deliveries = h.batches+1, h.deliveries+len(batch)
		h.insist(m.world, batch)
		m.disturb(false)
	}
}

// sweep passes over the due list. The transport of emails may be busy, or hang up when it has
// taken one.
func (m *month) sweep() {
	m.T.Helper()
	if h := m.hostile; h != nil {
		busy, hangs := error(nil), error(nil)
		switch h.random.IntN(6) {
		case 0:
			busy = mailtest.Reply(451, "busy")
		case 1:
			hangs = mailtest.ErrHangUp
		}
		m.server.Fail(mailtest.AtRecipient, busy)
		m.server.Fail(mailtest.AtEnd, hangs)
	}
	m.disturb(true)
	_, err := m.Advance.Pass(m.T.Context())
	m.disturb(false)
	if m.hostile == nil && err != nil {
		m.T.Fatal(err)
	}
	if m.hostile != nil && m.dead() {
		m.hostile.crashes, m.hostile.failures = m.hostile.crashes+1, m.hostile.failures+1
		m.Restart()
	}
}

// dead reports whether the process has died.
func (m *month) dead() bool {
	_, err := m.DB.Get(m.T.Context(), rows.RefTo(name.Sequence, id("sequence", 1)))
	return errors.Is(err, probe.ErrCrash)
}

// note notes what the store has committed since it was last called.
func (m *month) note() {
	m.T.Helper()
	err := m.Store.Drain(m.T.Context(), "note", func(_ context.Context, batch []store.Change) []store.Failure {
		for _, change := range batch {
			if table := tableOf(change.Key); table != "msdyn_sequencetargetstep" && table != "msdyn_sequencetarget" {
				continue
			}
			state := [2]string{"-", "-"}
			for i, image := range []store.Image{change.Old, change.New} {
				if image == nil {
					continue
				}
				item, err := image.Item()
				if err != nil {
					m.T.Fatal(err)
				}
				state[i] = item["statecode"].Text() + item["statuscode"].Text() + " " + item["segue_currentstep"].Text()
			}
			if state[0] != state[1] {
				m.effects[change.Key.PK+change.Key.SK] = append(m.effects[change.Key.PK+change.Key.SK], state[1])
			}
		}
		return nil
	})
	if err != nil {
		m.T.Fatal(err)
	}
}

// oneEffect demands that each step was opened once and closed once at most, that nothing happened
// to a target after its end, and that nobody got an email twice.
func (m *month) oneEffect() {
	m.T.Helper()
	for key, states := range m.effects {
		for i, state := range states {
			if last := i == len(states)-1; !last && !strings.HasPrefix(state, "0") {
				m.T.Errorf("%s went on after its end: %q", key, states)
			}
		}
		if strings.HasPrefix(key, "msdyn_sequencetargetstep") && len(states) > 2 {
			m.T.Errorf("%s was opened, and closed, more than once: %q", key, states)
		}
	}
	got := map[string]int{}
	for _, mail := range m.server.Received() {
		if got[mail.To]++; got[mail.To] > 1 {
			m.T.Errorf("%s got the email twice", mail.To)
		}
	}
	if len(got) == 0 || len(m.effects) < 3*len(m.targets) {
		m.T.Errorf("%d emails, %d rows: too little happened", len(got), len(m.effects))
	}
}

// ends tells how each lead has ended: its steps in order, and its target.
func (m *month) ends() map[int]string {
	m.T.Helper()
	a, steps, ends := m.Audit(), map[string]map[int64]string{}, map[int]string{}
	for _, step := range a.Steps {
		of := step.Lookup("msdyn_sequencetarget").ID
		if steps[of] == nil {
			steps[of] = map[int64]string{}
		}
		steps[of][step.Int("segue_position")] = fmt.Sprintf("%s %d", step.Text("msdyn_name"), step.Int("statuscode"))
	}
	for n, of := range m.targets {
		target, lead := a.Targets[of], a.Records[id("lead", n)]
		var way []string
		for _, position := range slices.Sorted(maps.Keys(steps[of])) {
			way = append(way, steps[of][position])
		}
		if target.Int("statecode") == 0 {
			m.T.Errorf("lead %d is lost at %v", n, way)
		}
		ends[n] = fmt.Sprintf("%v; target %d, reason %d, done %d; lead %d, donotemail %t, connected %t", way,
			target.Int("statuscode"), target.Int("msdyn_deactivatereason"), target.Int("msdyn_currentstepcount"), lead.Int("statecode"), lead.Is("donotemail"), lead.Is("segue_connected"))
	}
	return ends
}
