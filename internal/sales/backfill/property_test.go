package backfill_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/sales/segmentation"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// TestApplyIsEvaluation: whatever segments, records and edits came before, applying the
// segments comes to what following each record once more as it is comes to, also where
// calls fail, processes die, and each task runs twice at the same time.
func TestApplyIsEvaluation(t *testing.T) { applyIsEvaluation(t, 1, 8, 60) }

func applyIsEvaluation(t *testing.T, firstSeed, seeds uint64, leads int) {
	kills, written := 0, 0
	for seed := firstSeed; seed < firstSeed+seeds; seed++ {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			one := play(t, seed, leads)
			for n := range leads {
				if err := one.Redrive(t.Context(), name.Lead, salestest.ID("lead", n)); err != nil {
					t.Fatal(err)
				}
			}
			one.Settle()
			want := one.state()

			applied := play(t, seed, leads)
			id := applied.begin("")
			kills += applied.insist(seed)
			applied.Sound(true)
			if d := cmp.Diff(want, applied.state()); d != "" {
				t.Errorf("records (-evaluated +applied):\n%s", d)
			}
			if got := outcomeOf(applied.job(id)); got.State != "completed" || got.Failed != 0 || got.Examined != int64(leads) {
				t.Errorf("the job: %+v", got)
			}
			written += int(applied.job(id).Row.Int(name.SegueRowschanged))

			before := salestest.Scan(t, applied.Store)
			again := applied.apply("")
			if got := outcomeOf(again); got.Changed != 0 || got.Examined != int64(leads) {
				t.Errorf("once more it comes to %+v", got)
			}
			if d := cmp.Diff(onlyRecords(before), onlyRecords(salestest.Scan(t, applied.Store))); d != "" {
				t.Errorf("once more (-before +after):\n%s", d)
			}
		})
	}
	t.Logf("%d kills, %d records written", kills, written)
	if kills < 2 || written == 0 {
		t.Errorf("%d kills and %d records written: too little for this test to mean anything", kills, written)
	}
}

// onlyRecords are the rows that an evaluation writes.
func onlyRecords(items map[store.Key]store.Item) map[store.Key]store.Item {
	for key := range items {
		switch rows.RefOf(key).Table {
		case name.Lead, name.SequenceTarget, name.SequenceTargetStep:
		default:
			delete(items, key)
		}
	}
	return items
}

// insist works on what is left to do although one call of the store in twenty fails, until
// nothing is left, and returns how often the process died.
func (w *world) insist(seed uint64) (kills int) {
	w.T.Helper()
	faults := probe.Sometimes(seed, 20, probe.CrashBefore, probe.CrashAfter, probe.Before, probe.After)
	w.Probe.Inject(faults)
	defer w.Probe.Inject(nil)
	for tries := range 400 {
		if tries == 200 {
			w.Probe.Inject(nil)
		}
		err := w.twice()
		switch {
		case err == nil:
			return kills
		case errors.Is(err, probe.ErrCrash):
			kills++
			w.Restart()
		case !errors.Is(err, store.ErrUnavailable):
			w.T.Fatal(err)
		}
	}
	w.T.Fatal("it fails without end")
	return kills
}

// twice hands each message of jobs to two workers at the same time until nothing is left.
func (w *world) twice() error {
	if err := w.Jobs.QueueOpen(w.T.Context()); err != nil {
		return err
	}
	err := w.Local.Drain(w.T.Context(), func(ctx context.Context, messages []queue.Message) []queue.Failure {
		both := make([][]queue.Failure, 2)
		salestest.Crowd(2, func(worker int) { both[worker] = w.Jobs.Handle(ctx, messages) })
		return slices.Concat(both...)
	})
	if err != nil {
		return err
	}
	return w.TrySettle()
}

// play makes segments, sequences, leads and edits in an order that a seed decides, so that
// some records are not where an evaluation would put them.
func play(t *testing.T, seed uint64, leads int) *world {
	t.Helper()
	w := newWorld(t)
	random := rand.New(rand.NewPCG(seed, 11))
	conditions := []string{
		web, hot, `{"attribute":"address1_city","operator":"eq","values":["Bern"]}`,
		`{"type":"or","items":[` + web + `,` + hot + `]}`, `{"attribute":"leadsourcecode","operator":"null"}`,
	}
	lead := func() values {
		v := values{}
		if random.IntN(4) > 0 {
			v[sources] = int64(7 + random.IntN(3))
		}
		if random.IntN(2) > 0 {
			v[quality] = int64(1 + random.IntN(3))
		}
		if random.IntN(3) == 0 {
			v["address1_city"] = "Bern"
		}
		return v
	}
	for n := range 3 {
		w.Sequence(n+1, name.Lead)
	}
	for n := range conditions {
		more := values{"msdyn_isresegmentationenabled": random.IntN(2) > 0, "segue_priority": int64(1 + random.IntN(3))}
		sequence := ""
		if n < 3 {
			sequence = salestest.ID("sequence", n+1)
		}
		w.Segment(n+1, conditions[n], sequence, more)
		for k := n * leads / len(conditions); k < (n+1)*leads/len(conditions); k++ {
			w.Lead(k, lead())
		}
		w.Settle()
	}
	for range 6 {
		w.edit(random, conditions)
		if k := random.IntN(leads); random.IntN(3) == 0 {
			w.Update(name.Lead, salestest.ID("lead", k), lead())
		}
		w.Settle()
	}
	w.Update(name.Lead, salestest.ID("lead", random.IntN(leads)), values{"statecode": int64(2), "statuscode": int64(4)})
	w.Settle()
	return w
}

// edit changes a definition.
func (w *world) edit(random *rand.Rand, conditions []string) {
	w.T.Helper()
	n := 1 + random.IntN(len(conditions))
	id := salestest.ID("segment", n)
	switch random.IntN(5) {
	case 0:
		w.Update(name.Segment, id, values{"segue_priority": int64(1 + random.IntN(len(conditions)))})
	case 1:
		w.Update(name.Segment, id, values{"msdyn_entityfilter": salestest.Where(conditions[random.IntN(len(conditions))])})
	case 2:
		w.Update(name.Segment, id, values{"statecode": int64(random.IntN(2))})
	case 3:
		w.Update(name.Segment, id, values{"msdyn_sequence": nil})
		w.Update(name.Segment, id, values{"msdyn_sequence": salestest.Link(name.Sequence, salestest.ID("sequence", 1+random.IntN(3)))})
	case 4:
		w.Update(name.Segment, id, values{"msdyn_isresegmentationenabled": random.IntN(2) > 0})
	}
}

// cameTo is what the last evaluation of a lead came to, without the versions.
func cameTo(lead *rows.Row) string {
	receipt, _ := segmentation.ReceiptOf(lead)
	receipt.Version, receipt.Definition = 0, 0
	return fmt.Sprintf("%+v", receipt)
}

// state is where each lead is, and on which sequences it is and was.
func (w *world) state() map[string][]string {
	w.T.Helper()
	state := map[string][]string{}
	for _, lead := range w.List(name.Lead, nil) {
		state[lead.ID] = []string{fmt.Sprintf("segment %s, connected %t, entered %s, closed %d, %s",
			lead.Lookup(name.MsdynSegmentid).ID, lead.Is(name.SegueConnected), lead.Lookup(name.SegueSequence).ID,
			lead.Int(name.Statecode), cameTo(lead))}
	}
	for _, target := range w.List(name.SequenceTarget, nil) {
		lead := target.Lookup(name.MsdynTarget).ID
		state[lead] = append(state[lead], fmt.Sprintf("sequence %s, segment %s, state %d, status %d",
			target.Lookup(name.MsdynParentsequence).ID, target.Lookup(name.MsdynSegment).ID, target.Int(name.Statecode), target.Int(name.Statuscode)))
	}
	for _, lines := range state {
		slices.Sort(lines)
	}
	return state
}
