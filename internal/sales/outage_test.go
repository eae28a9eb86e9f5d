package sales_test

import (
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// TestOutage has the store fail, before and after calls, for some time while new
// leads are evaluated: all of them are done afterwards, and nothing is parked.
func TestOutage(t *testing.T) {
	for _, outage := range []time.Duration{time.Second, 30 * time.Second, 10 * time.Minute} {
		t.Run(outage.String(), func(t *testing.T) {
			const leads = 60
			now := clock.NewManual(salestest.Now())
			w := newWorldOn(t, salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(now)), now.Now, boot.Options{})
			segment := w.Segment(1, web, w.Sequence(1, "lead"), nil)
			w.Settle()
			for n := range leads {
				w.Lead(n, values{sources: int64(8)})
			}
			began, calls, failed := now.Now(), 0, 0
			w.Probe.Inject(func(call probe.Call) probe.Fault {
				calls++
				if calls < leads/2 || now.Now().Sub(began) >= outage { // it begins in the middle
					return probe.None
				}
				failed++
				if failed%3 == 0 && call.Method == probe.Write {
					return probe.After
				}
				return probe.Before
			})
			w.Settle()
			if failed == 0 || now.Now().Sub(began) < outage {
				t.Fatalf("%d calls failed in %v: there was no outage", failed, now.Now().Sub(began))
			}
			for n := range leads {
				if row := w.Row("lead", id("lead", n)); row.Lookup("msdyn_segmentid").ID != segment || !row.Is("segue_connected") {
					t.Errorf("lead %d is in segment %q, connected %t", n, row.Lookup("msdyn_segmentid").ID, row.Is("segue_connected"))
				}
			}
			w.Sound(true)
		})
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
