package salestest

import (
	"context"
	"sync"

	"segue/internal/store"
)

// Settle follows all changes until there is none left.
func (w *World) Settle() {
	w.T.Helper()
	if err := w.Store.Drain(w.T.Context(), "evaluate", w.Changes); err != nil {
		w.T.Fatal(err)
	}
}

// Fresh returns the change records that no earlier call has returned.
func (w *World) Fresh() []store.Change {
	w.T.Helper()
	var changes []store.Change
	err := w.Store.Drain(w.T.Context(), "fresh", func(_ context.Context, batch []store.Change) []store.Failure {
		changes = append(changes, batch...)
		return nil
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return changes
}

// Deliver hands changes over, none of which may fail.
func (w *World) Deliver(changes []store.Change) {
	w.T.Helper()
	if failures := w.Changes(w.T.Context(), changes); len(failures) > 0 {
		w.T.Fatal(failures)
	}
}

// Again delivers changes once more, and all that follows.
func (w *World) Again(changes []store.Change) {
	w.T.Helper()
	w.Deliver(changes)
	w.Settle()
}

// Crowd runs do n times at once and waits for all.
func Crowd(n int, do func(worker int)) {
	var wg sync.WaitGroup
	for worker := range n {
		wg.Go(func() { do(worker) })
	}
	wg.Wait()
}

// TableOf is the table of a row's key.
func TableOf(k store.Key) string { return tableOf(k) }
