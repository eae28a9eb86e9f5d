package segmentation_test

import (
	"fmt"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/tally"
)

// aging are the options of a process that asks every second whether its definitions are
// still true.
func aging(now *clock.Manual) boot.Options {
	return boot.Options{Freshness: sales.Freshness{For: time.Second, Clock: now}}
}

// TestEvaluate_8_3_Counts: what a change costs is bounded by the segments that read a
// column that it changes. Where there is none, nothing is evaluated, read or written;
// else all are asked at once, from the images of the change, and the record is written
// where another segment wins. What is told of that is one put, by the change that it made.
func TestEvaluate_8_3_Counts(t *testing.T) {
	w := newWorld(t, aging(clock.NewManual(salestest.Now())))
	for n := range 12 {
		w.Segment(1+n, fmt.Sprintf(`{"attribute":"leadsourcecode","operator":"eq","values":[%d]}`, 1+n%4), "", values{"msdyn_isresegmentationenabled": true})
	}
	w.Segment(20, hot, "", nil)
	w.Segment(21, `{"attribute":"address1_country","operator":"eq","values":["Malta"]}`, "", nil)
	w.Update("msdyn_segment", id("segment", 21), values{"statecode": int64(1)})
	lead := w.Lead(1, values{sources: int64(1)})
	w.Settle()
	w.Fresh()
	for _, test := range []struct {
		name      string
		change    values
		evaluated int64
		written   int
	}{
		{"a column that no segment reads", values{"jobtitle": "Buyer"}, 0, 0},
		{"a column of an inactive segment", values{"address1_country": "Malta"}, 0, 0},
		{"the value that it had", values{sources: int64(1)}, 0, 0},
		{"a column of one segment, which does not match", values{quality: int64(3)}, 1, 0},
		{"a column of a segment of lower priority than its own", values{quality: int64(1)}, 1, 0},
		{"a column of twelve segments, of which three match", values{sources: int64(2)}, 1, 1},
		{"the columns that the evaluation wrote, which become its run", nil, 0, 1},
		{"a column of twelve segments, of which none matches", values{sources: int64(8), quality: int64(2)}, 1, 0},
	} {
		if test.change != nil {
			w.Update("lead", lead.ID, test.change)
		}
		changes := w.Fresh()
		w.Probe.Reset()
		ctx, counted := tally.With(t.Context())
		if failures := w.Changes(ctx, changes); len(failures) > 0 {
			t.Fatal(failures)
		}
		n := salestest.WithoutLog(t, w.Probe)
		if counted.Of(tally.Evaluated) != test.evaluated || n.Gets+n.Queries != 0 || n.Ops != test.written {
			t.Errorf("%s: %d evaluated, %d reads, %d items written, want %d, 0 and %d",
				test.name, counted.Of(tally.Evaluated), n.Gets+n.Queries, n.Ops, test.evaluated, test.written)
		}
	}
	w.Settle()
}

// TestEvaluate_ReadsOfAMixedLoad: batches of 100 changes a second, most of which touch no
// segment, some of which are evaluated and a few of which enter a segment and a sequence,
// read 0.02 units a change at most: the generation, once a batch.
func TestEvaluate_ReadsOfAMixedLoad(t *testing.T) {
	const leads, batches, most = 100, 5, 0.02
	now := clock.NewManual(salestest.Now())
	w := newWorld(t, aging(now))
	w.Territory()
	var refs []rows.Ref
	for n := range leads {
		refs = append(refs, w.Lead(n, values{"jobtitle": "Buyer"}))
	}
	w.Settle()
	w.Fresh()
	units, written := 0.0, 0
	for batch := range batches {
		for n, ref := range refs {
			change := values{"jobtitle": fmt.Sprint("Buyer ", batch)}
			switch {
			case n%20 == batch: // 5 of 100
				change = values{sources: int64(8)}
			case n%4 == 3 && n%20 >= batches: // 20
				change = values{"address1_city": fmt.Sprint("Zug ", batch)}
			}
			w.Update("lead", ref.ID, change)
		}
		changes := w.Fresh()[:leads] // without those that earlier batches made
		now.Advance(time.Minute)
		w.Probe.Reset()
		w.Deliver(changes)
		n := salestest.WithoutLog(t, w.Probe)
		units, written = units+n.ReadUnits, written+n.Ops
		w.Settle()
		w.Fresh()
	}
	if a := units / (leads * batches); a > most || written != 3*5*batches {
		t.Errorf("%.3f read units a change, %d items written, want at most %v and %d", a, written, most, 3*5*batches)
	}
}
