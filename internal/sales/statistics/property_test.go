package statistics_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// TestRandomLives lets connections begin, go on and end at random, while their changes come late,
// several times and out of order between rows, processes die between any two calls, versions
// are replaced and recounts begin. When all has been followed, what is shown is what a reader of
// all rows makes of them, and a recount finds nothing.
func TestRandomLives(t *testing.T) {
	for seed := range uint64(salestest.Rounds(10)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w, c := newWorld(t)
			report(w)
			h := &hostile{world: w, clock: c, random: rand.New(rand.NewPCG(seed, 51)), next: map[store.Key]int{}, log: map[store.Key][]store.Change{}}
			h.sequences = []string{start(w, 1, untested), start(w, 2, tested)}
			for n := range records {
				w.Lead(n, nil)
			}
			w.Settle()
			w.Fresh()
			for range 100 {
				h.write()
				for h.random.IntN(3) > 0 {
					h.deliver(h.random.IntN(2) == 0)
				}
			}
			for h.deliver(true) {
			}
			for range 40 { // repeats of what has long been followed
				h.deliver(false)
			}
			for h.deliver(true) {
			}
			w.Probe.Inject(nil)
			lose(w) // all has come
			w.Settle()
			for _, of := range h.sequences {
				rightNow(w, of)
			}
			if found := recount(w); found.Counted != 0 || found.Wrong != 0 {
				t.Errorf("a recount found %+v", found)
			}
			for _, of := range h.sequences {
				rightNow(w, of)
			}
			if h.crashes == 0 || h.repeats == 0 {
				t.Errorf("%d crashes, %d repeats: too little went wrong for this to mean anything", h.crashes, h.repeats)
			}
		})
	}
}

const records = 8

// hostile lets connections live, and delivers the changes of each row in their order but for
// repeats.
type hostile struct {
	*world
	clock     *clock.Manual
	random    *rand.Rand
	sequences []string
	keys      []store.Key
	log       map[store.Key][]store.Change
	next      map[store.Key]int // first change of the row that has not come yet

	crashes, repeats, versions int
}

// write does something, without faults.
func (h *hostile) write() {
	h.Probe.Inject(nil)
	h.clock.Advance(time.Duration(h.random.IntN(200)) * time.Second) // in all less than changes are tried again
	record := rows.Ref{Table: name.Lead, ID: id("lead", h.random.IntN(records))}
	of := h.sequences[h.random.IntN(len(h.sequences))]
	switch h.random.IntN(12) {
	case 0:
		h.Disconnect(record)
	case 1:
		if h.random.IntN(3) == 0 {
			if _, err := h.BeginStatistics(h.T.Context()); err != nil {
				h.T.Fatal(err)
			}
		}
	case 2:
		if h.versions++; h.random.IntN(3) == 0 {
			h.Update("msdyn_sequence", of, values{"statuscode": int64(3), "msdyn_description": fmt.Sprint(h.versions)})
			text := fmt.Sprintf(`[{"type":"task","name":"Version %d"},`, h.versions) + map[bool]string{true: tested[1:], false: untested[1:]}[of == h.sequences[1]]
			h.Update("msdyn_sequence", of, values{"msdyn_definition": text})
			h.Update("msdyn_sequence", of, values{"statuscode": int64(2)})
		}
	case 3, 4, 5:
		_ = h.TryConnect(record, of) // refused where it is on another sequence
	case 6:
		if _, err := h.Work(); err != nil {
			h.T.Fatal(err)
		}
	default:
		open := h.List("msdyn_sequencetargetstep", values{"statecode": int64(0)})
		if len(open) == 0 {
			return
		}
		step := open[h.random.IntN(len(open))]
		status := int64(2 + h.random.IntN(2))
		if step.Is(name.SegueSystem) {
			status = 3
		}
		h.Update("msdyn_sequencetargetstep", step.ID, values{"statuscode": status})
	}
}

// take takes in what has changed.
func (h *hostile) take() {
	for _, change := range h.Fresh() {
		if !slices.Contains(h.keys, change.Key) {
			h.keys = append(h.keys, change.Key)
		}
		h.log[change.Key] = append(h.log[change.Key], change)
	}
}

// deliver delivers a few changes, those that have not come yet or repeats, and reports
// whether there were any.
func (h *hostile) deliver(fresh bool) bool {
	h.Probe.Inject(nil)
	h.take()
	var batch []store.Change
	for range 1 + h.random.IntN(8) {
		keys := slices.DeleteFunc(slices.Clone(h.keys), func(k store.Key) bool {
			return fresh && h.next[k] == len(h.log[k]) || !fresh && h.next[k] == 0
		})
		if len(keys) == 0 {
			break
		}
		key := keys[h.random.IntN(len(keys))]
		if fresh {
			batch = append(batch, h.log[key][h.next[key]])
			h.next[key]++
		} else {
			batch = append(batch, h.log[key][h.random.IntN(h.next[key])])
			h.repeats++
		}
	}
	if len(batch) == 0 {
		return false
	}
	h.insist(batch)
	return true
}

// insist hands a batch over until nothing of it fails. After a crash a new process does.
func (h *hostile) insist(batch []store.Change) {
	h.Probe.Inject(probe.Sometimes(h.random.Uint64(), 8, probe.CrashBefore, probe.CrashAfter, probe.Before, probe.After))
	for tries := range 40 {
		if tries == 20 {
			h.Probe.Inject(nil)
		}
		failures := h.Changes(h.T.Context(), batch)
		if len(failures) == 0 {
			return
		}
		var left []store.Change
		crashed := false
		for _, f := range failures {
			if !errors.Is(f.Err, probe.ErrCrash) && !errors.Is(f.Err, store.ErrUnavailable) {
				h.T.Fatalf("change %v: %v", batch[f.Index].Key, f.Err)
			}
			crashed = crashed || errors.Is(f.Err, probe.ErrCrash)
		}
		for i, change := range batch { // a row's later changes wait for the one that failed
			if slices.ContainsFunc(failures, func(f store.Failure) bool { return f.Index <= i && batch[f.Index].Key == change.Key }) {
				left = append(left, change)
			}
		}
		if crashed {
			h.crashes++
			h.Restart()
		}
		batch = left
	}
	h.T.Fatalf("%d changes failed 40 times", len(batch))
}

// lose has what has changed so far followed by nobody.
func lose(w *world) {
	w.T.Helper()
	if err := w.Store.Drain(w.T.Context(), "evaluate", func(context.Context, []store.Change) []store.Failure { return nil }); err != nil {
		w.T.Fatal(err)
	}
}
