package salestest

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/reaction"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Settle follows all changes and works on all jobs until nothing is left to do.
func (w *World) Settle() {
	w.T.Helper()
	if err := w.TrySettle(); err != nil {
		w.T.Fatal(err)
	}
}

// TrySettle is Settle where the store may fail.
func (w *World) TrySettle() error {
	for {
		if err := w.follow(); err != nil {
			return err
		}
		worked, err := w.Work()
		if err != nil || !worked {
			return err
		}
	}
}

// patience is how long changes may fail without end before a test gives up: a feed
// never does.
const patience = 20 * time.Second

// follow follows all changes. It gives up when the process is dead, or when nothing
// has succeeded for a long time.
func (w *World) follow() error {
	ctx, giveUp := context.WithCancelCause(w.T.Context())
	defer giveUp(nil)
	var failing time.Time // since when
	err := w.Store.Drain(ctx, "evaluate", func(ctx context.Context, batch []store.Change) []store.Failure {
		failures := w.Changes(ctx, batch)
		switch {
		case len(failures) == 0 || failures[0].Index > 0:
			failing = time.Time{}
		case failing.IsZero():
			failing = time.Now()
		}
		for _, f := range failures {
			if errors.Is(f.Err, probe.ErrCrash) || !failing.IsZero() && time.Since(failing) > patience {
				giveUp(f.Err)
			}
		}
		return failures
	})
	if err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

// Work works on the tasks of jobs until none is left, and reports whether there was
// any.
func (w *World) Work() (bool, error) {
	if w.restarted { // what was queued is gone with the process before
		if err := w.Jobs.QueueOpen(w.T.Context()); err != nil {
			return true, err
		}
		w.restarted = false
	}
	if w.Local.Len() == 0 {
		return false, nil
	}
	return true, w.Local.Drain(w.T.Context(), w.Queued())
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

// Parked returns the changes that are parked. A test that does not ask fails at its
// end if there are any.
func (w *World) Parked() []reaction.Parked {
	w.T.Helper()
	w.parks = true
	db := rows.New(w.Store, w.DB.Schema(), clock.Of(Now)) // without the probe
	ctx := context.WithoutCancel(w.T.Context())
	var parked []reaction.Parked
	for row, err := range query.New(db).Each(ctx, query.Query{Table: db.Schema().Table(name.ParkedChange)}) {
		if err != nil {
			w.T.Fatal(err)
		}
		parked = append(parked, reaction.Parked{Row: row})
	}
	return parked
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

// CaptureLog makes the default logger write to memory until the test ends, and
// returns a function that returns what was logged so far.
func CaptureLog(t testing.TB) func() string {
	t.Helper()
	var mu sync.Mutex
	var text strings.Builder
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(writer(func(b []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return text.Write(b)
	}), nil)))
	t.Cleanup(func() { slog.SetDefault(before) })
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return text.String()
	}
}

type writer func(b []byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// Park parks a change of a row as another version of the program does, whose handler
// cannot follow it, and makes its next try due.
func Park(t testing.TB, db *rows.DB, subject rows.Ref, handler string) rows.Ref {
	t.Helper()
	other := reaction.New(db, "another")
	broken := sales.Follow(func(context.Context, rows.Change) error { return errors.New("broken") })
	other.Register(handler, broken, sales.Interest{Subject: sales.OfTable(subject.Table), Kinds: []store.ChangeKind{store.Insert, store.Remove}})
	if err := other.Redrive(t.Context(), subject); err == nil {
		t.Fatal("nothing is parked")
	}
	var parked rows.Ref
	for row, err := range query.New(db).Each(t.Context(), query.Query{Table: db.Schema().Table(name.ParkedChange)}) {
		if err != nil {
			t.Fatal(err)
		}
		if view := (reaction.Parked{Row: row}); view.Subject() != subject || view.Handler() != handler {
			continue
		}
		tx := db.Begin("")
		tx.Hold(row)
		row.Set(name.SegueDueon, schema.Time(db.Now().Add(-time.Minute)))
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
		parked = row.Ref()
	}
	return parked
}

// Gone checks that there is no such row.
func Gone(t testing.TB, db *rows.DB, ref rows.Ref) {
	t.Helper()
	if found, err := db.Get(t.Context(), ref); err != nil || found[0] != nil {
		t.Errorf("%v is there: %v, %v", ref, found, err)
	}
}
