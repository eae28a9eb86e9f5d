package reaction_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/advance"
	"segue/internal/sales/reaction"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// timed is a world whose time a test moves, and leads with changes that nobody has
// followed.
func timed(t *testing.T, leads int) (*salestest.World, *clock.Manual, []store.Change) {
	t.Helper()
	c := clock.NewManual(salestest.Now())
	w := salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(c)), c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}})
	for n := range leads {
		w.Lead(n+1, nil)
	}
	return w, c, w.Fresh()
}

// passes is the sweep of a process with this handler of changes.
func passes(w *salestest.World, c clock.Clock, h *reaction.Handler) *advance.Advance {
	a := advance.New(w.DB, c)
	a.Before(h.Wake)
	a.Register(name.ParkedChange, h.TakeUp)
	return a
}

// parkAll has a process of a version park all changes of a batch.
func parkAll(t *testing.T, w *salestest.World, program, handler string, batch []store.Change) {
	t.Helper()
	h := reaction.New(w.DB, program)
	h.Register(handler, failOn("", errors.New("broken")), allRecords())
	if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
		t.Fatal(failures)
	}
}

// pass must not fail.
func pass(t *testing.T, a *advance.Advance) advance.Summary {
	t.Helper()
	done, err := a.Pass(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// What is parked is tried again after a minute, then after twice as long each time,
// up to six hours, until it is mended.
func TestTakeUp(t *testing.T) {
	w, c, batch := timed(t, 1)
	h := reaction.New(w.DB, "v1")
	bad := newPatient(errors.New("broken"))
	h.Register("bad", bad, allRecords())
	if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
		t.Fatal(failures)
	}
	a := passes(w, c, h)
	var waits []time.Duration
	for range 11 {
		due := w.Parked()[0].Row.Time(name.SegueDueon)
		waits = append(waits, due.Sub(c.Now()))
		c.Advance(due.Sub(c.Now()) - time.Second)
		if done := pass(t, a); done != (advance.Summary{}) {
			t.Errorf("a second too early: did %+v", done)
		}
		c.Advance(time.Second)
		if done := pass(t, a); done != (advance.Summary{Handled: 1}) {
			t.Errorf("did %+v, want one try", done)
		}
	}
	var want []time.Duration
	for _, minutes := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 360, 360} {
		want = append(want, minutes*time.Minute)
	}
	if !slices.Equal(waits, want) {
		t.Errorf("waits %v, want %v", waits, want)
	}
	wantParked(w, fmt.Sprintf("%v, bad, 12 tries, v1, cause  , broken", w.Parked()[0].Subject()))
	bad.failure = nil
	c.Advance(reaction.MaxAge)
	if done := pass(t, a); done != (advance.Summary{Handled: 1}) {
		t.Errorf("did %+v, want one try", done)
	}
	wantParked(w)
}

// While the store is busy a try does not count, and the row is due a minute later.
func TestTakeUp_Busy(t *testing.T) {
	w, c, batch := timed(t, 1)
	h := reaction.New(w.DB, "v1")
	bad := newPatient(errors.New("broken"))
	h.Register("bad", bad, allRecords())
	if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
		t.Fatal(failures)
	}
	a := passes(w, c, h)
	c.Advance(time.Minute)
	bad.failure = busy()
	if done := pass(t, a); done != (advance.Summary{PutOff: 1}) {
		t.Errorf("did %+v", done)
	}
	wantParked(w, fmt.Sprintf("%v, bad, 1 tries, v1, cause  , broken", w.Parked()[0].Subject()))
	bad.failure = nil
	c.Advance(time.Minute)
	pass(t, a)
	wantParked(w)
}

// A row that stays busy, whose change was parked because of its age, holds up none
// that can be taken up.
func TestTakeUp_BusyForEver(t *testing.T) {
	w, c, batch := timed(t, 41)
	h := reaction.New(w.DB, "v1")
	forEver := batch[0].Key.SK
	failure := errors.New("broken")
	h.Register("bad", sales.Follow(func(_ context.Context, change rows.Change) error {
		if change.Ref.ID == forEver {
			return busy()
		}
		return failure
	}), allRecords())
	for i := range batch {
		batch[i].At = c.Now().Add(-reaction.MaxAge)
	}
	for _, part := range [][]store.Change{batch[:1], batch[1:]} { // the busy one is the oldest
		if failures := h.Handle(t.Context(), part); len(failures) > 0 {
			t.Fatal(failures)
		}
		c.Advance(time.Second)
	}
	failure = nil
	c.Advance(time.Minute)
	a := passes(w, c, h)
	if done := pass(t, a); done != (advance.Summary{Handled: 40, PutOff: 1}) {
		t.Errorf("did %+v", done)
	}
	wantParked(w, fmt.Sprintf("%v, bad, 1 tries, v1, cause  , %v", rows.Ref{Table: "lead", ID: forEver}, busy()))
}

// What another version parked is taken up at once by a new process, before what the
// version parked itself, and a mend that came with the version takes it away.
func TestWake(t *testing.T) {
	w, c, batch := timed(t, 120)
	parkAll(t, w, "v1", "bad", batch[:119])
	c.Advance(10 * time.Second)
	h := reaction.New(w.DB, "v2")
	own := newPatient(errors.New("broken, too"))
	h.Register("bad", own, allRecords())
	if failures := h.Handle(t.Context(), batch[119:]); len(failures) > 0 {
		t.Fatal(failures)
	}
	own.failure, own.followed = nil, nil
	a := passes(w, c, h)
	first, second := pass(t, a), pass(t, a)
	if first.Handled < 99 || first.Handled > 100 || first.Handled+second.Handled != 119 {
		t.Errorf("handled %d and %d, want 119 in all, 100 at once", first.Handled, second.Handled)
	}
	ours := batch[119].Key.SK
	if slices.Contains(own.followed, ours) {
		t.Error("what this version parked is taken up early")
	}
	wantParked(w, fmt.Sprintf("%v, bad, 1 tries, v2, cause  , broken, too", rows.Ref{Table: "lead", ID: ours}))
	c.Advance(time.Minute)
	w.Probe.Reset()
	pass(t, a)
	wantParked(w)
	if n := w.Probe.Counts().Queries; n != 16 {
		t.Errorf("%d queries once everything was gone through, want those of the due list, 16", n)
	}
}

// What is due already is left as it is: it is taken up anyway.
func TestWake_Due(t *testing.T) {
	w, c, batch := timed(t, 1)
	parkAll(t, w, "v1", "bad", batch)
	c.Advance(time.Hour)
	h := reaction.New(w.DB, "v2")
	w.Probe.Reset()
	if err := h.Wake(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := w.Probe.Counts().Writes; n != 0 {
		t.Errorf("%d writes", n)
	}
	wantParked(w, fmt.Sprintf("%v, bad, 1 tries, v1, cause  , broken", w.Parked()[0].Subject()))
}

// What a version cannot take up waits for its time.
func TestWake_Unknown(t *testing.T) {
	w, c, batch := timed(t, 1)
	parkAll(t, w, "v2", "new", batch)
	a := passes(w, c, reaction.New(w.DB, "v1"))
	for _, want := range []advance.Summary{{Handled: 1}, {}, {}} {
		if done := pass(t, a); done != want {
			t.Errorf("did %+v, want %+v", done, want)
		}
	}
	if due := w.Parked()[0].Row.Time(name.SegueDueon); due.Sub(c.Now()) != 2*time.Minute {
		t.Errorf("the next try is due in %v", due.Sub(c.Now()))
	}
}

// The product takes up at most a hundred parked changes in a pass.
func TestParkedAPass(t *testing.T) {
	w, c, batch := timed(t, 130)
	parkAll(t, w, "devel", "segmentation.evaluate", batch)
	c.Advance(time.Minute)
	for _, want := range []advance.Summary{{Handled: 100}, {Handled: 30}, {}} {
		if done := pass(t, w.Advance); done != want {
			t.Errorf("did %+v, want %+v", done, want)
		}
	}
	wantParked(w)
}

// The alarm on parked changes counts the line that parking logs.
func TestParkedAlarm(t *testing.T) {
	w, _, batch := timed(t, 1)
	var log bytes.Buffer
	before := slog.Default()
	t.Cleanup(func() { slog.SetDefault(before) })
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	parkAll(t, w, "v1", "bad", batch)
	w.Parked()
	var line struct{ Msg string }
	if err := json.Unmarshal(log.Bytes(), &line); err != nil {
		t.Fatalf("%v in %s", err, &log)
	}
	template, err := os.ReadFile("../../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if filter := `'{ $.message = "` + line.Msg + `" }'`; !strings.Contains(string(template), "FilterPattern: "+filter) {
		t.Errorf("template.yaml has no metric filter %s", filter)
	}
}
