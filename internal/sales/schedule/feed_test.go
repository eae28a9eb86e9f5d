package schedule_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// feed hands change records to the processes as the contract says and no better:
// those of a row come in their order for the first time, and any of them comes
// again, late, as often as it likes.
type feed struct {
	*fleet
	random *rand.Rand
	log    map[store.Key][]*delivery
	keys   []store.Key       // in the order in which they appeared
	next   map[store.Key]int // first change that has not been followed
	busy   map[store.Key]bool
	read   int                     // commits whose changes have been taken in
	held   map[store.Key]time.Time // until then the next change of the row does not come

	deliveries int
	failed     map[string]int // of each change that could not be followed: how often
}

// delivery is a change record and how often it is still to come again.
type delivery struct {
	change store.Change
	again  int
	fresh  bool // it is under way for the first time
}

func newFeed(f *fleet, random *rand.Rand) *feed {
	return &feed{fleet: f, random: random, log: map[store.Key][]*delivery{}, next: map[store.Key]int{}, busy: map[store.Key]bool{}, held: map[store.Key]time.Time{}, failed: map[string]int{}}
}

// poll takes in what the store has logged.
func (f *feed) poll(ctx context.Context) error {
	_, err := f.park(ctx, &step{name: "poll", call: func() (any, error) {
		f.read = len(f.history.commits)
		return nil, f.history.source.Drain(f.t.Context(), "schedule", func(_ context.Context, batch []store.Change) []store.Failure {
			for _, ch := range batch {
				if f.log[ch.Key] == nil {
					f.keys = append(f.keys, ch.Key)
				}
				f.log[ch.Key] = append(f.log[ch.Key], &delivery{change: ch, again: max(0, f.random.IntN(6)-3)})
			}
			return nil
		})
	}})
	return err
}

// deliver is a task: it delivers until the workers are done and nothing is left.
func (f *feed) deliver(ctx context.Context, t *task) {
	for {
		if err := f.poll(ctx); err != nil {
			return
		}
		batch := f.batch()
		switch {
		case len(batch) > 0:
			f.hand(ctx, t, batch)
		case f.over():
			return
		case f.wait(ctx) != nil:
			return
		}
	}
}

// wait lets some time pass until the log is read again.
func (f *feed) wait(ctx context.Context) error {
	_, err := f.park(ctx, &step{name: "wait", at: time.Now().Add(time.Duration(f.random.Int64N(int64(f.trouble.late))))})
	return err
}

// empty reports whether every change has been followed, those that no poll has taken
// in yet included: a job may begin with them.
func (f *feed) empty() bool {
	return f.read == len(f.history.commits) && !slices.ContainsFunc(f.keys, func(k store.Key) bool { return f.busy[k] || f.next[k] < len(f.log[k]) || f.repeats(k) != nil })
}

// repeats returns a change of a row that is to come again.
func (f *feed) repeats(k store.Key) *delivery {
	for _, d := range f.log[k][:f.next[k]] {
		if d.again > 0 {
			return d
		}
	}
	return nil
}

// batch draws what comes next: of a few rows their next changes, and some that
// were there before.
func (f *feed) batch() []*delivery {
	var batch []*delivery
	fresh := slices.DeleteFunc(slices.Clone(f.keys), func(k store.Key) bool {
		return f.busy[k] || f.next[k] == len(f.log[k]) || f.held[k].After(time.Now())
	})
	again := slices.DeleteFunc(slices.Clone(f.keys), func(k store.Key) bool { return f.repeats(k) == nil })
	for n := 1 + f.random.IntN(8); n > 0 && len(fresh) > 0; n-- {
		i := f.random.IntN(len(fresh))
		k := fresh[i]
		f.busy[k] = true
		several := 1 + f.random.IntN(len(f.log[k])-f.next[k])
		if f.random.IntN(6) == 0 { // one now, the others late
			several = 1
			f.held[k] = time.Now().Add(time.Duration(f.random.IntN(5000)) * time.Millisecond)
		}
		for _, d := range f.log[k][f.next[k]:][:several] {
			d.fresh = true
			batch = append(batch, d)
		}
		fresh = slices.Delete(fresh, i, i+1)
	}
	for n := f.random.IntN(4); n > 0 && len(again) > 0; n-- {
		d := f.repeats(again[f.random.IntN(len(again))])
		if d == nil {
			continue
		}
		d.again--
		batch = slices.Insert(batch, f.random.IntN(len(batch)+1), d)
	}
	return batch
}

// hand gives a batch to a process and takes in what it reports.
func (f *feed) hand(ctx context.Context, t *task, batch []*delivery) {
	p := f.any(f.random.IntN(len(f.processes)))
	changes := make([]store.Change, len(batch))
	for i, d := range batch {
		changes[i] = d.change
	}
	f.deliveries += len(batch)
	ctx = f.begin(ctx, t, fmt.Sprintf("%d changes by %s", len(batch), p.name))
	began := time.Now()
	failures := p.Changes(ctx, changes)
	f.end(t)
	stuck := map[store.Key]int{} // first change of each row that is not done
	for i := range slices.Backward(changes) {
		if p.dead {
			stuck[changes[i].Key] = i
		}
	}
	for _, failure := range failures {
		k := changes[failure.Index].Key
		if at, ok := stuck[k]; f.judge(failure, changes[failure.Index]) && (!ok || failure.Index < at) {
			stuck[k] = failure.Index
		}
	}
	f.settle(batch, stuck, began)
}

// settle moves the rows of a batch on over what is done.
func (f *feed) settle(batch []*delivery, stuck map[store.Key]int, began time.Time) {
	for i, d := range batch {
		k := d.change.Key
		if at, failed := stuck[k]; failed && i >= at {
			continue
		}
		if f.next[k] < len(f.log[k]) && f.log[k][f.next[k]] == d {
			f.next[k]++
		}
		f.history.follow(d.change, began)
	}
	for _, d := range batch {
		if d.fresh {
			f.busy[d.change.Key], d.fresh = false, false
		}
	}
}

// judge reports whether a change that could not be followed is to come again. It
// takes note of a reason that the trouble does not explain.
func (f *feed) judge(failure store.Failure, ch store.Change) bool {
	if excused(failure.Err) {
		return true
	}
	id := ch.Key.SK + ch.Sequence
	if f.failed[id]++; f.failed[id] == 1 {
		f.history.report(rows.Ref{Table: salestest.TableOf(ch.Key), ID: ch.Key.SK}, "change %s could not be followed: %v", ch.Sequence, failure.Err)
	}
	return f.failed[id] < 20
}

// excused reports whether trouble explains an error.
func excused(err error) bool {
	var conflict *rows.ConflictError
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, sales.Unavailable) || errors.Is(err, probe.ErrCrash) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &conflict)
}
