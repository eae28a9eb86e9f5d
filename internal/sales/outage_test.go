package sales_test

import (
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// TestOutage has the store fail, before and after calls, for some time in the middle
// of long work: all of it is done afterwards, and nothing is parked.
func TestOutage(t *testing.T) {
	const leads = 60
	for _, work := range []struct {
		name    string
		begin   func(w *world, segment, sequence string)
		segment bool // that the leads are in one afterwards
		on      bool // that they are on a sequence
	}{
		{"evaluation", func(w *world, _, _ string) {
			for n := range leads {
				w.Lead(n, values{sources: int64(8)})
			}
		}, true, true},
		{"sweep", func(w *world, _, sequence string) {
			members(w, leads)
			w.EndSequence(sequence, false)
		}, true, false},
		{"job", func(w *world, segment, _ string) {
			members(w, leads)
			w.Remove("msdyn_segment", segment)
		}, false, true},
	} {
		for _, outage := range []time.Duration{time.Second, 30 * time.Second, 10 * time.Minute} {
			t.Run(work.name+" "+outage.String(), func(t *testing.T) {
				now := clock.NewManual(salestest.Now())
				w := newWorldOn(t, salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(now)), now.Now,
					boot.Options{Freshness: sales.Freshness{Clock: now}})
				sequence := w.Sequence(1, "lead")
				segment := w.Segment(1, web, sequence, nil)
				w.Settle()
				work.begin(w, segment, sequence)
				sitOut(t, w, now, outage)
				if !work.segment {
					segment = ""
				}
				for n := range leads {
					w.Member(rows.Ref{Table: "lead", ID: id("lead", n)}, segment, work.on)
				}
				w.Sound(true)
			})
		}
	}
}

// members makes leads that are members and connected.
func members(w *world, leads int) {
	for n := range leads {
		w.Lead(n, values{sources: int64(8)})
	}
	w.Settle()
}

// sitOut has the store fail for some time, soon after the work has begun, and follows
// and works until nothing is left to do.
func sitOut(t *testing.T, w *world, now *clock.Manual, outage time.Duration) {
	t.Helper()
	began, calls, failed := now.Now(), 0, 0
	w.Probe.Inject(func(call probe.Call) probe.Fault {
		if calls++; calls < 30 { // it begins in the middle
			return probe.None
		}
		if calls == 30 {
			began = now.Now()
		}
		if now.Now().Sub(began) >= outage {
			return probe.None
		}
		failed++
		if failed%3 == 0 && call.Method == probe.Write {
			return probe.After
		}
		return probe.Before
	})
	tries := 0
	for err := w.TrySettle(); err != nil; err = w.TrySettle() { // the queue reports what failed and has it again
		if tries++; tries > 10_000 {
			t.Fatal(err)
		}
	}
	if failed == 0 || now.Now().Sub(began) < outage {
		t.Fatalf("%d calls failed in %v: there was no outage", failed, now.Now().Sub(began))
	}
}

// TestPoison has a lead of which nobody can read a column, in one batch with a
// thousand others: it is parked in one try, and they are done.
func TestPoison(t *testing.T) {
	const leads = 1001
	w := newWorld(t, boot.Options{})
	segment := w.Segment(1, web, w.Sequence(1, "lead"), nil)
	w.Settle()
	w.Fresh()
	for n := range leads {
		w.Lead(n, values{sources: int64(8)})
	}
	changes := w.Fresh()
	bad := changes[500]
	image, err := bad.New.Item()
	if err != nil {
		t.Fatal(err)
	}
	image[sources] = store.S("eight")
	changes[500].New = image
	w.Deliver(changes)
	parked := w.Parked()
	if len(parked) != 1 || parked[0].Subject().ID != bad.Key.SK || parked[0].Tries() != 1 {
		t.Errorf("parked %v, want the bad lead after one try", parked)
	}
	members := 0
	for n := range leads {
		if in, connected := w.On(rows.Ref{Table: "lead", ID: id("lead", n)}); in == segment && connected {
			members++
		}
	}
	if members != leads-1 {
		t.Errorf("%d leads are members, want %d", members, leads-1)
	}
	if err := w.Reactions.Redrive(t.Context(), parked[0].Subject()); err != nil { // the row itself is not broken
		t.Error(err)
	}
	if left := w.Parked(); len(left) > 0 {
		t.Errorf("left parked: %v", left)
	}
	w.Settle()
	w.Sound(true)
}
