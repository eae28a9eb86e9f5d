package boot_test

import (
	"context"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/queue"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
)

// delays is a queue that notes how long messages are to wait, and loses them.
type delays struct{ noted []time.Duration }

// Send implements [queue.Sender].
func (d *delays) Send(_ context.Context, delay time.Duration, _ ...queue.Message) error {
	d.noted = append(d.noted, delay)
	return nil
}

// A job that must meet nobody who still goes by the definitions of before begins when
// no process does: what such a process writes after the job has passed stays.
func TestJobsWaitForOldDefinitions(t *testing.T) {
	const fresh = 7 * time.Second
	q := &delays{}
	w := salestest.New(t, boot.Options{})
	parts := boot.Assemble(w.DB, boot.Options{Freshness: sales.Freshness{For: fresh}, Queue: q})
	sequence := w.Sequence(1, "lead")
	segment := w.Segment(1, salestest.Web, "", nil)
	lead := w.Lead(1, nil)
	follow := func() {
		t.Helper()
		if err := w.Store.Drain(t.Context(), "evaluate", parts.Changes); err != nil {
			t.Fatal(err)
		}
	}
	follow()
	for what, begin := range map[string]func(){
		"ends connections":          func() { w.Update(name.Sequence, sequence, salestest.Values{"statecode": int64(0)}) },
		"unlinks a deleted segment": func() { w.Remove(name.Segment, segment) },
		"takes up what is parked": func() {
			salestest.Park(t, w.DB, lead, "segmentation.evaluate")
			if begun, err := parts.BeginRedrive(t.Context(), ""); err != nil || !begun {
				t.Fatal(begun, err)
			}
			w.Parked() // and may stay so
		},
	} {
		q.noted = nil
		begin()
		follow()
		if len(q.noted) == 0 {
			t.Errorf("no job %s", what)
		}
		for _, delay := range q.noted {
			if delay != fresh {
				t.Errorf("the job that %s begins after %v, want %v", what, delay, fresh)
			}
		}
	}
}
