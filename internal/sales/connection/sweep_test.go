package connection_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"segue/internal/boot"
	"segue/internal/embed"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// lagging is a store whose index shows some rows only from the second time on
// that their partition is read.
type lagging struct {
	salestest.ChangeStore

	mu   sync.Mutex
	late map[string]bool // ids that have not been asked for yet
}

// Query implements store.Store.
func (l *lagging) Query(ctx context.Context, q store.Query) (store.Page, error) {
	page, err := l.ChangeStore.Query(ctx, q)
	if q.Index == "" {
		return page, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	page.Items = slices.DeleteFunc(page.Items, func(entry store.Item) bool {
		id := entry.Key().SK
		late := l.late[id]
		delete(l.late, id)
		return late
	})
	return page, err
}

// One change record of a sequence ends its connections with their index lagging
// too: those that the first pass does not see are seen by the second.
func TestSweep_IndexLags(t *testing.T) {
	for _, test := range []struct {
		name string
		late int // of 4 connections
	}{{"one late", 1}, {"three late", 3}, {"all late", 4}, {"none late", 0}} {
		t.Run(test.name, func(t *testing.T) {
			l := &lagging{ChangeStore: salestest.OpenEmbedded(t, embed.NoSync()), late: map[string]bool{}}
			w := newWorldOn(t, l, salestest.Now, boot.Options{})
			seq := w.Sequence(1, "lead")
			var targets []string
			for n := range 4 {
				targets = append(targets, w.Connect(w.Lead(n, nil), seq).ID)
			}
			w.Settle()
			w.Fresh()
			w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
			for _, target := range targets[:test.late] {
				l.late[target] = true
			}
			w.Deliver(w.Fresh())
			for _, target := range targets {
				if w.Row("msdyn_sequencetarget", target).Int("statecode") == 0 {
					t.Errorf("target %s lives after the sweep's only change record", target)
				}
			}
			w.Settle()
			w.Sound(true)
		})
	}
}
