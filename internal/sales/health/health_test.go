package health

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Histograms of parts are that of the whole, whatever a row makes of them, and a quantile
// is off by less than a fifth, upwards.
func TestHistogram(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var whole Histogram
	parts := make([]Histogram, 5)
	var all []time.Duration
	for range 10_000 {
		took := time.Duration(random.ExpFloat64() * random.Float64() * float64(time.Minute)).Truncate(time.Millisecond)
		all = append(all, max(took, time.Millisecond))
		whole.Add(took)
		parts[random.IntN(len(parts))].Add(took)
	}
	slices.Sort(all)
	var merged Histogram
	for _, part := range parts {
		text := part.String()
		read, err := parse(text)
		if err != nil || read != part {
			t.Fatalf("%q is read as %v, %v", text, read.String(), err)
		}
		if len(text) > 600 {
			t.Errorf("a histogram has %d bytes", len(text))
		}
		merged.Merge(read)
	}
	if merged != whole {
		t.Error("the parts are not the whole")
	}
	for _, q := range []float64{0.01, 0.5, 0.9, 0.99, 1} {
		exact := all[min(len(all)-1, int(q*float64(len(all)))-1)]
		if got := whole.Quantile(q); got < exact || float64(got) > 1.2*float64(exact)+float64(time.Millisecond) {
			t.Errorf("quantile %v is %v, want %v", q, got, exact)
		}
	}
	if (&Histogram{}).Quantile(0.5) != 0 {
		t.Error("nothing takes time")
	}
	var long Histogram
	long.Add(1000 * time.Hour)
	long.Add(-time.Second)
	if long.Count() != 2 || long.Most() != 1000*time.Hour || long.Quantile(0.5) > 2*time.Millisecond {
		t.Errorf("extremes: %s", long.String())
	}
	for _, broken := range []string{"x!", "1 zz:1", "1 1", "1 1:-1", "1 -1:1"} {
		if _, err := parse(broken); err == nil {
			t.Errorf("%q was read", broken)
		}
	}
}

// world is a store with two processes that are looked at.
type world struct {
	*rowstest.Fixture
	now *clock.Manual
}

func newWorld(t *testing.T) world {
	t.Helper()
	f := rowstest.New(t)
	return world{f, clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))}
}

// changes are those of some leads, made some time ago, and of a row that nothing follows.
func (w world) changes(n int, ago time.Duration) []store.Change {
	list := []store.Change{{Kind: store.Insert, Key: store.Key{PK: "segue_health#1", SK: "1"}, At: w.now.Now().Add(-ago)}}
	for range n {
		list = append(list, store.Change{Kind: store.Modify, Key: store.Key{PK: "lead#1", SK: "1"}, At: w.now.Now().Add(-ago)})
	}
	return list
}

func followsLeads(t *schema.Table, _ store.ChangeKind) bool { return t.Name == name.Lead }

// Each process puts at most one row a minute, and none in a minute in which it has not
// worked; all that was counted is in the report.
func TestOneRowAMinute(t *testing.T) {
	w := newWorld(t)
	monitors := []*Monitor{New(w.DB, w.now), New(w.DB, w.now)}
	var handlers []store.Handler
	for _, m := range monitors {
		handlers = append(handlers, m.Batches(func(context.Context, []store.Change) []store.Failure { return nil }, followsLeads))
	}
	w.Probe.Reset()
	const minutes, batches = 5, 60
	for range minutes {
		for range batches {
			handlers[0](t.Context(), w.changes(3, 800*time.Millisecond))
			w.now.Advance(time.Second)
		}
	}
	handlers[1](t.Context(), w.changes(1, 9*time.Second))
	handlers[1](t.Context(), w.changes(0, 0)) // nothing follows from these
	w.now.Advance(time.Minute)
	handlers[1](t.Context(), w.changes(0, 0))
	n := w.Probe.Counts()
	if want := minutes + 1 + 1; n.Writes != want || n.Ops != want || n.Transactions+n.Gets+n.Queries > 0 || n.WriteUnits != float64(want) {
		t.Errorf("%d minutes and one: %+v, want %d puts of a unit", minutes, n, want) // it begins in the middle of a minute
	}
	w.Probe.Reset()
	r, err := monitors[0].Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	done := r.Lanes[Changes].Done
	if want := int64(minutes*batches*3 + 1); done.Count() != want || done.Quantile(0.5) < 800*time.Millisecond || done.Quantile(0.5) > time.Second || done.Most() != 9*time.Second {
		t.Errorf("%d changes, p50 %v, longest %v; want %d", done.Count(), done.Quantile(0.5), done.Most(), want)
	}
	if n := w.Probe.Counts(); n.Queries != 4*schema.Shards || n.Gets+n.Writes > 0 {
		t.Errorf("a report reads %+v", n)
	}
	w.now.Advance(Span + time.Minute)
	r, err = monitors[1].Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Lanes[Changes].Done.Count(); got != 0 {
		t.Errorf("%d changes after the span", got)
	}
}

// What fails is not done, and figures that cannot be put fail nothing.
func TestFailures(t *testing.T) {
	w := newWorld(t)
	m := New(w.DB, w.now)
	handler := m.Batches(func(context.Context, []store.Change) []store.Failure {
		return []store.Failure{{Index: 1, Err: errors.New("later")}}
	}, followsLeads)
	w.Probe.Inject(func(probe.Call) probe.Fault { return probe.Before })
	if failures := handler(t.Context(), w.changes(3, time.Second)); len(failures) != 1 {
		t.Errorf("%d failures", len(failures))
	}
	w.Probe.Inject(nil)
	handler(t.Context(), w.changes(3, time.Second))
	r, err := m.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := r.Lanes[Changes].Done.Count(); got != 2 { // those of the first were lost
		t.Errorf("%d changes are done", got)
	}
}

// Due rows, tasks, and what waits.
func TestLanes(t *testing.T) {
	w := newWorld(t)
	m := New(w.DB, w.now)
	job := w.Put(t, "segue_job", rowstest.Values{
		"segue_name": schema.Text("J"), "segue_state": schema.Int(1), "segue_dueon": schema.Time(w.now.Now().Add(-time.Minute)),
		"createdon": schema.Time(w.now.Now().Add(-time.Hour)),
	})[0]
	w.Put(t, "segue_parkedchange", rowstest.Values{"segue_name": schema.Text("P"), "segue_dueon": schema.Time(w.now.Now().Add(time.Hour))})
	handle := m.Due(func(context.Context, *rows.Row) error { return nil })
	if err := handle(t.Context(), w.Row(t, job)); err != nil {
		t.Fatal(err)
	}
	failing := m.Due(func(context.Context, *rows.Row) error { return errors.New("not now") })
	if err := failing(t.Context(), w.Row(t, job)); err == nil {
		t.Error("the failure is lost")
	}
	tasks := m.Tasks(func(_ context.Context, _ []queue.Message) []queue.Failure {
		w.now.Advance(2 * time.Second)
		return []queue.Failure{{Index: 0, Err: errors.New("later")}}
	})
	tasks(t.Context(), make([]queue.Message, 3))
	r, err := m.Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	timers, jobs := r.Lanes[Timers], r.Lanes[Tasks]
	if timers.Done.Count() != 1 || timers.Done.Most() != time.Minute || timers.Oldest != time.Minute+2*time.Second {
		t.Errorf("timers: %d done, %v, oldest %v", timers.Done.Count(), timers.Done.Most(), timers.Oldest)
	}
	if jobs.Done.Count() != 2 || jobs.Done.Most() != 2*time.Second || jobs.Oldest != time.Hour+2*time.Second {
		t.Errorf("jobs: %d done, %v, oldest %v", jobs.Done.Count(), jobs.Done.Most(), jobs.Oldest)
	}
	if r.Parked != 1 || r.ParkedMore {
		t.Errorf("%d are parked, more: %v", r.Parked, r.ParkedMore)
	}
}

// A row that cannot be read hides nothing of what the others say.
func TestUnreadableRow(t *testing.T) {
	w := newWorld(t)
	m := New(w.DB, w.now)
	tx := w.Begin("")
	tx.Replace(m.table(), w.now.Now().Format(minute)+"#broken", map[string]schema.Value{Changes.column(): schema.Text("1 !:3")})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.add(Changes, time.Second)
	r, err := m.Report(t.Context())
	if err != nil || r.Lanes[Changes].Done.Count() != 1 {
		t.Errorf("%d changes, %v; want the one that can be read", r.Lanes[Changes].Done.Count(), err)
	}
}
