package api_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/ingest"
	"segue/internal/probe"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
)

// TestImport_Outage has the store fail, before and after calls, for some time in the
// middle of an import. The import tries again, and where the outage outlasts its
// patience it stops and is started again, as a user does: then every row is there
// once, and nothing is parked.
func TestImport_Outage(t *testing.T) {
	const leads = 300
	for _, lasts := range []time.Duration{time.Second, 30 * time.Second, 10 * time.Minute} {
		t.Run(lasts.String(), func(t *testing.T) {
			w := newWorld(t)
			now := clock.NewManual(time.Now())
			remote := ingest.NewRemote(w.tables, "http://"+w.addr, w.token("System Administrator"), new(http.Transport))
			remote.Clock = now
			t.Cleanup(remote.Client.CloseIdleConnections)
			failed := outage(w, now, 4, lasts)
			stops := 0
			for err := ingest.ErrUnavailable; err != nil; stops++ {
				err = ingest.WriteAll(t.Context(), remote, slices.Values(rowsToImport(t, w, leads)))
				if err != nil && !errors.Is(err, ingest.ErrUnavailable) || stops > 1000 {
					t.Fatal(err)
				}
			}
			if stops--; *failed == 0 || lasts > remote.Patience && stops == 0 {
				t.Errorf("%d calls failed, the import stopped %d times", *failed, stops)
			}
			if err := w.store.Drain(t.Context(), "evaluate", w.parts.Changes); err != nil {
				t.Fatal(err)
			}
			watched := salestest.Watch(t, w.store, w.parts, sales.Policy{})
			for n := range leads {
				row := watched.Row("lead", salestest.ID("import", n))
				if got := row.Text("subject"); got != fmt.Sprint("Topic ", n) || !row.Is("segue_connected") {
					t.Errorf("row %d has the subject %q and is connected %t", n, got, row.Is("segue_connected"))
				}
			}
			if parked := watched.Parked(); len(parked) > 0 {
				t.Errorf("%d changes are parked, the first because: %s", len(parked), parked[0].Reason())
			}
			watched.Sound(true)
		})
	}
}

// rowsToImport are leads that the fixture's segment takes.
func rowsToImport(t *testing.T, w *world, n int) []ingest.Job {
	jobs := make([]ingest.Job, n)
	for i := range jobs {
		jobs[i] = ingest.Job{
			Table: w.tables.Table("lead"), ID: salestest.ID("import", i),
			Values: map[string]schema.Value{
				"subject": schema.Text(fmt.Sprint("Topic ", i)), "lastname": schema.Text(fmt.Sprint("Lead ", i)), "leadqualitycode": schema.Int(1),
			},
			Done: func(err error) {
				if err != nil && !errors.Is(err, ingest.ErrUnavailable) {
					t.Error(err)
				}
			},
		}
	}
	return jobs
}

// outage makes calls of the store fail for some time after the first ones, and
// counts them.
func outage(w *world, now clock.Clock, after int, lasts time.Duration) (failed *int) {
	failed = new(int)
	calls, began := 0, time.Time{}
	w.probe.Inject(func(call probe.Call) probe.Fault {
		if calls++; calls == after {
			began = now.Now()
		}
		if calls < after || now.Now().Sub(began) >= lasts {
			return probe.None
		}
		if *failed++; *failed%3 == 0 && call.Method == probe.Write {
			return probe.After
		}
		return probe.Before
	})
	return failed
}
