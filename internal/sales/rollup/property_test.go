package rollup_test

import (
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
	"segue/internal/store"
)

// TestRandomSchedules makes, changes, moves, closes and removes deals at random, while their
// changes come late, several times and out of order between rows, processes die between any
// two calls, and indexes lag. When all has been followed, the roll-ups are what a reader of
// all rows makes of them, and nothing is left over.
func TestRandomSchedules(t *testing.T) {
	for seed := range uint64(salestest.Rounds(12)) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			w, c := newWorld(t)
			h := &hostile{world: w, clock: c, random: rand.New(rand.NewPCG(seed, 28)), next: map[store.Key]int{}, log: map[store.Key][]store.Change{}}
			h.accounts = []rows.Ref{account(w, 1), account(w, 2), account(w, 3)}
			w.Settle()
			w.Fresh()
			for range 120 {
				h.write()
				h.take()
				for h.random.IntN(3) > 0 {
					h.deliver(h.random.IntN(2) == 0)
				}
			}
			for h.deliver(true) {
			}
			for range 40 { // repeats of what has long been followed
				h.deliver(false)
			}
			w.Probe.Inject(nil)
			lose(w) // all has come
			later(t, w, c)
			right(w, h.accounts...)
			if left, counted := all(w, "segue_counted"), h.countable(); len(left) != counted {
				t.Errorf("%d rows say what is counted, %d are", len(left), counted)
			}
			if h.crashes == 0 || h.repeats == 0 || h.again == 0 {
				t.Errorf("%d crashes, %d repeats, %d looked at again: too little went wrong for this to mean anything", h.crashes, h.repeats, h.again)
			}
		})
	}
}

// hostile writes deals, and delivers the changes of each row in their order but for repeats.
type hostile struct {
	*world
	clock    *clock.Manual
	random   *rand.Rand
	accounts []rows.Ref
	keys     []store.Key
	log      map[store.Key][]store.Change
	next     map[store.Key]int // first change of the row that has not come yet

	crashes, repeats, again int
}

const deals = 8

// write does something to a deal, without faults.
func (h *hostile) write() {
	h.Probe.Inject(nil)
	n := h.random.IntN(deals)
	ref := rows.Ref{Table: "opportunity", ID: id("opportunity", n)}
	found, err := h.DB.Get(h.T.Context(), ref)
	if err != nil {
		h.T.Fatal(err)
	}
	if found[0] == nil {
		h.Opportunity(n, h.values())
		return
	}
	switch open := found[0].Int("statecode") == 0; h.random.IntN(6) {
	case 0:
		h.Remove(ref.Table, ref.ID)
	case 1:
		h.Update(ref.Table, ref.ID, values{"statecode": map[bool]int64{true: 2, false: 0}[open]})
	default:
		if !open {
			h.Update(ref.Table, ref.ID, values{"statecode": int64(0)})
		}
		h.Update(ref.Table, ref.ID, h.values())
	}
}

// values are some columns of a deal at random, or none of them.
func (h *hostile) values() values {
	v := values{}
	pick := func(column string, of func() any) {
		switch h.random.IntN(5) {
		case 0:
		case 1:
			v[column] = nil
		default:
			v[column] = of()
		}
	}
	account := func() any { return lookup(h.accounts[h.random.IntN(len(h.accounts))]) }
	pick("parentaccountid", account)
	pick("customerid", account)
	pick("estimatedvalue", func() any { return money(h.random.Int64N(5)) })
	pick("closeprobability", func() any { return h.random.Int64N(4) })
	pick("estimatedclosedate", func() any { return day(1 + h.random.IntN(4)) })
	return v
}

// countable is how many lookups of deals there are by which one is counted. Both
// lookups count each row that they lead from, for deals that are lost but for their values.
func (h *hostile) countable() (n int) {
	for _, o := range h.List("opportunity", nil) {
		v := o.Values()
		if o.Lookup("customerid").ID != "" {
			n++
		}
		if o.Lookup("parentaccountid").ID != "" &&
			(o.Int("statecode") == 0 || !v["estimatedvalue"].IsNull() || !v["closeprobability"].IsNull()) {
			n++
		}
	}
	return n
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
	h.Probe.Lag(h.random.IntN(30))
	h.take()
	var batch []store.Change
	for range 1 + h.random.IntN(6) {
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
	if h.random.IntN(4) == 0 {
		h.Probe.Inject(nil)
		h.clock.Advance(40 * time.Second)
		done, err := h.Advance.Pass(h.T.Context())
		if err != nil {
			h.T.Fatal(err)
		}
		h.again += done.Handled
	}
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
