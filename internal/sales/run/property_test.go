package run_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/boot"
	"segue/internal/embed"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/sales/segmentation"
	"segue/internal/store"
)

// Whatever people do to records while requests of the store fail and changes come again in
// any order: each evaluation that wrote a record has one run, no other write has one, and the
// newest run of a record says what its receipt does.
func TestRunsAreThoseOfTheReceipts(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		now := salestest.Now()
		w := salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync()), func() time.Time { return now }, boot.Options{})
		w.Territory()
		const leads = 3
		var log []store.Change // of leads
		there := map[int]bool{}
		for range rapid.IntRange(1, 8).Draw(r, "steps") {
			now = now.Add(time.Minute)
			someoneWorks(r, w, rapid.IntRange(1, leads).Draw(r, "lead"), there)
			w.Probe.Inject(probe.Sometimes(rapid.Uint64().Draw(r, "faults"), 10, probe.Before, probe.After))
			err := w.TrySettle()
			w.Probe.Inject(nil)
			if err != nil {
				r.Fatal(err)
			}
			for _, change := range w.Fresh() {
				if salestest.TableOf(change.Key) == "lead" {
					log = append(log, change)
				}
			}
			if len(log) > 0 && rapid.Bool().Draw(r, "again") {
				w.Again(rapid.SliceOfN(rapid.SampledFrom(log), 1, 5).Draw(r, "repeats"))
			}
		}
		for n := 1; n <= leads; n++ {
			compareRuns(r, w, rows.Ref{Table: "lead", ID: salestest.ID("lead", n)}, log, there[n])
		}
	})
}

// someoneWorks does something with a lead.
func someoneWorks(r *rapid.T, w *salestest.World, n int, there map[int]bool) {
	ref := rows.Ref{Table: "lead", ID: salestest.ID("lead", n)}
	interests := values{
		salestest.Sources: rapid.Int64Range(7, 8).Draw(r, "source"), salestest.Quality: rapid.Int64Range(1, 2).Draw(r, "quality"),
		"address1_city": rapid.SampledFrom([]string{"Bern", "Zug"}).Draw(r, "city"),
	}
	if !there[n] {
		w.Lead(n, interests)
		there[n] = true
		return
	}
	switch rapid.IntRange(0, 5).Draw(r, "work") {
	case 0:
		w.Disconnect(ref)
	case 1:
		state := w.Row(ref.Table, ref.ID).Int("statecode")
		w.Update(ref.Table, ref.ID, values{"statecode": 2 - state})
	case 2:
		w.Remove(ref.Table, ref.ID)
		there[n] = false
	default:
		if w.Row(ref.Table, ref.ID).Int("statecode") == 0 {
			w.Update(ref.Table, ref.ID, interests)
		}
	}
}

// compareRuns compares the runs of a record with the receipts in its changes, which are the
// oracle.
func compareRuns(r *rapid.T, w *salestest.World, record rows.Ref, log []store.Change, there bool) {
	want, got := map[int64]string{}, map[int64]string{}
	for _, c := range log {
		if rows.RefOf(c.Key) != record {
			continue
		}
		change, err := w.DB.Change(c)
		if err != nil {
			r.Fatal(err)
		}
		if change.New == nil { // the end of a life
			clear(want)
			continue
		}
		row, err := change.New.Row()
		if err != nil {
			r.Fatal(err)
		}
		if receipt, ok := segmentation.ReceiptOf(row); ok && receipt.Version == row.Version {
			want[row.Version] = fmt.Sprint(row.Lookup("msdyn_segmentid").ID, receipt.Left, receipt.Segmentation, receipt.Connection, receipt.Definition)
		}
	}
	if !there {
		clear(want)
	}
	list := runsOf(w, record)
	for _, one := range list {
		v := one.Int("segue_recordversion")
		if got[v] != "" {
			r.Errorf("two runs of version %d", v)
		}
		got[v] = fmt.Sprint(one.Lookup("msdyn_segmentid").ID, one.Lookup("msdyn_previoussegmentid").ID, one.Int("msdyn_segmentationstatus"),
			one.Int("msdyn_connectsequencestatus"), one.Int("segue_definition"))
		if one.Text("segue_clauses") == "" {
			r.Errorf("a run does not say what was read: %v", one.Values())
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		r.Errorf("runs of %v by version of the record (-receipts +runs):\n%s", record, d)
	}
	if !there || len(list) == 0 {
		return
	}
	found, err := w.DB.Get(w.T.Context(), record)
	if err != nil {
		r.Fatal(err)
	}
	if receipt, _ := segmentation.ReceiptOf(found[0]); receipt.Version != list[0].Int("segue_recordversion") {
		r.Errorf("the newest run is of version %d, the receipt of %d", list[0].Int("segue_recordversion"), receipt.Version)
	}
}
