package reaction_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/reaction"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// parked lists what is parked, one line each: row, handler, tries, version of the
// program, cause and reason.
func parked(w *salestest.World) []string {
	w.T.Helper()
	var list []string
	for _, p := range w.Parked() {
		list = append(list, fmt.Sprintf("%v, %s, %d tries, %s, cause %v, %s", p.Subject(), p.Handler(), p.Tries(), p.Program(), p.Cause(), p.Reason()))
	}
	slices.Sort(list)
	return list
}

// wantParked checks what is parked.
func wantParked(w *salestest.World, want ...string) {
	w.T.Helper()
	slices.Sort(want)
	if d := cmp.Diff(want, parked(w)); d != "" {
		w.T.Errorf("parked (-want +got):\n%s", d)
	}
}

// failOn is a reaction that fails for one row, and for every row when id is "".
func failOn(id string, failure error) *noted {
	return &noted{follow: func(change rows.Change) error {
		if id == "" || change.Ref.ID == id {
			return failure
		}
		return nil
	}}
}

// allRecords is every change of a record that leaves a row.
func allRecords() sales.Interest {
	return on(sales.OfTrait(name.RecordTrait), store.Insert, store.Modify)
}

// What no try mends is parked in one try; the later changes of its row, the other
// rows and the other reactions go on.
func TestHandle_Parks(t *testing.T) {
	segment := rows.Ref{Table: name.Segment, ID: salestest.ID("segment", 1)}
	for _, test := range []struct {
		name    string
		failure error
		cause   rows.Ref
		reason  string
	}{
		{"an error", errors.New("broken"), rows.Ref{}, "broken"},
		{"a rule", sales.Refuse(sales.Precondition, "not now"), rows.Ref{}, "not now"},
		{"because of a row", sales.BecauseOf(segment, 1, errors.New("broken")), segment, "broken"},
		{"a reason with a key of the store", errors.New("write lead#3/x: full"), rows.Ref{}, "write lead x: full"},
		{"a long reason", errors.New(strings.Repeat("é", 3000)), rows.Ref{}, strings.Repeat("é", 1999) + "…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, batch, id := changes(t)
			h := reaction.New(w.DB, "v1")
			bad, good := failOn(id[0], test.failure), &noted{follow: done}
			h.Register("bad", bad, allRecords())
			h.Register("good", good, allRecords())
			if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
				t.Errorf("reported %v", failures)
			}
			if len(bad.followed) != 4 || len(good.followed) != 4 {
				t.Errorf("followed %d and %d changes, want all 4", len(bad.followed), len(good.followed))
			}
			lead := rows.Ref{Table: "lead", ID: id[0]}
			// It was parked for the first of its changes, and again for the second.
			wantParked(w, fmt.Sprintf("%v, bad, 2 tries, v1, cause %v, %s", lead, test.cause, test.reason))
		})
	}
}

func TestHandle_ParksWhatCannotBePrepared(t *testing.T) {
	w, batch, id := changes(t)
	for name, prepare := range map[string]func() error{
		"an error": func() error { return errors.New("broken") },
		"a panic":  func() error { panic("broken") },
	} {
		t.Run(name, func(t *testing.T) {
			h := reaction.New(w.DB, "v1")
			good := &noted{follow: done}
			h.Register(name, preparing(prepare), on(sales.OfTable("account"), store.Insert))
			h.Register("good", good, allRecords())
			if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
				t.Errorf("reported %v", failures)
			}
			if len(good.followed) != 4 {
				t.Errorf("followed %d changes, want 4", len(good.followed))
			}
			got := parked(w)
			if !slices.ContainsFunc(got, func(line string) bool {
				return strings.HasPrefix(line, "account "+id[2]+", "+name) && strings.HasSuffix(line, "broken")
			}) {
				t.Errorf("parked %q", got)
			}
		})
	}
}

// preparing is a reaction whose preparation is all there is.
type preparing func() error

func (p preparing) Prepare(context.Context, []rows.Change) (sales.Follow, error) { return nil, p() }

// A panic ends one change.
func TestHandle_PanicEndsOneChange(t *testing.T) {
	w, batch, id := changes(t)
	h := reaction.New(w.DB, "v1")
	h.Register("bad", &noted{follow: func(change rows.Change) error {
		if change.Ref.ID == id[1] {
			panic("out of range")
		}
		return nil
	}}, allRecords())
	log := salestest.CaptureLog(t)
	if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
		t.Errorf("reported %v", failures)
	}
	lead := rows.Ref{Table: "lead", ID: id[1]}
	wantParked(w, fmt.Sprintf("%v, bad, 1 tries, v1, cause  , panic: out of range", lead))
	if text := log(); strings.Count(text, "parking_test.go") != 1 || !strings.Contains(text, id[1]) {
		t.Errorf("the log must have the stack once, with the row:\n%s", text)
	}
}

// A change of a table that this version does not know waits for the version that
// does; the others go on.
func TestHandle_UnknownTable(t *testing.T) {
	w, batch, _ := changes(t)
	h := reaction.New(w.DB, "v1")
	all := &noted{follow: done}
	h.Register("all", all, allRecords())
	key := store.Key{PK: "leda#0", SK: "x"}
	batch = append([]store.Change{{Key: key, Kind: store.Insert, New: store.Item{}}, {Key: key, Kind: store.Modify, New: store.Item{}}}, batch...)
	if failures := h.Handle(t.Context(), batch); len(failures) > 0 || len(all.followed) != 4 {
		t.Errorf("reported %v, followed %d of 4", failures, len(all.followed))
	}
	wantParked(w, `leda x, reaction.decode, 2 tries, v1, cause  , change of leda x: no table "leda" in the schema`)
}

// A failure that another try may mend is reported until the change is too old.
func TestHandle_ParksByAge(t *testing.T) {
	for _, test := range []struct {
		name string
		age  time.Duration
		want []int
	}{
		{"young", reaction.MaxAge - time.Second, []int{0}},
		{"old", reaction.MaxAge, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, batch, id := changes(t)
			for i := range batch {
				batch[i].At = salestest.Now().Add(-test.age)
			}
			h := reaction.New(w.DB, "v1")
			h.Register("busy", failOn(id[2], busy()), allRecords())
			got := indexes(h.Handle(t.Context(), []store.Change{batch[2]}))
			if !slices.Equal(got, test.want) {
				t.Errorf("failed at %v, want %v", got, test.want)
			}
			if n := len(parked(w)); n != 1-len(test.want) {
				t.Errorf("%d parked", n)
			}
		})
	}
}

// What can be neither followed nor parked comes again.
func TestHandle_ParkingFails(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	w.Lead(1, nil)
	batch := w.Fresh()
	h := reaction.New(w.DB, "v1")
	broken := errors.New("broken")
	h.Register("bad", failOn("", broken), allRecords())
	w.Probe.Inject(func(probe.Call) probe.Fault { return probe.Before })
	failures := h.Handle(t.Context(), batch)
	if len(failures) != 1 || !errors.Is(failures[0].Err, broken) || !errors.Is(failures[0].Err, store.ErrUnavailable) {
		t.Errorf("reported %v, want one failure with both reasons", failures)
	}
	w.Probe.Inject(nil)
	wantParked(w)
}

// A process that dies between parking and acknowledging, or while it parks, leaves
// one parked row behind when the change has come again.
func TestHandle_CrashWhileParking(t *testing.T) {
	for n := range 4 {
		for when, fault := range map[string]probe.Fault{"before": probe.CrashBefore, "after": probe.CrashAfter} {
			t.Run(fmt.Sprint(when, n), func(t *testing.T) {
				w := salestest.New(t, boot.Options{})
				w.Lead(1, nil)
				batch := w.Fresh()
				calls := 0
				w.Probe.Inject(func(probe.Call) probe.Fault {
					if calls++; calls == n+1 {
						return fault
					}
					return probe.None
				})
				h := reaction.New(w.DB, "v1")
				h.Register("bad", failOn("", errors.New("broken")), allRecords())
				_ = h.Handle(t.Context(), batch) // it may have come to its end
				w.Probe.Inject(nil)
				w.Probe.Reset()
				if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
					t.Error(failures)
				}
				if got := parked(w); len(got) != 1 {
					t.Errorf("parked %q, want one row", got)
				}
			})
		}
	}
}

// The tries of a parked row are further and further apart.
func TestParkedIsDueLaterAndLater(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	now := clock.NewManual(salestest.Now())
	h := reaction.New(rows.New(w.Store, w.DB.Schema(), now), "v1")
	h.Register("bad", failOn("", errors.New("broken")), allRecords())
	var waits []time.Duration
	for range 12 {
		if err := h.Redrive(t.Context(), lead); err == nil {
			t.Fatal("no failure")
		}
		waits = append(waits, w.Parked()[0].Row.Time(name.SegueDueon).Sub(now.Now()))
	}
	for i, wait := range waits {
		if want := min(time.Minute<<i, 6*time.Hour); wait != want {
			t.Errorf("after try %d the next is in %v, want %v", i+1, wait, want)
		}
	}
}

// A change that is parked comes again as long as another change of its batch, or
// another reaction to it, waits for the store. It has had its try.
func TestPark_ComesAgain(t *testing.T) {
	for _, test := range []struct {
		name  string
		leads int
	}{{"behind another row", 2}, {"with another reaction", 1}} {
		t.Run(test.name, func(t *testing.T) {
			w, _, batch := timed(t, test.leads)
			h := reaction.New(w.DB, "v1")
			bad := batch[test.leads-1].Key.SK
			h.Register("bad", failOn(bad, errors.New("broken")), allRecords())
			log := salestest.CaptureLog(t)
			store := newPatient(busy())
			h.Register("waits", store, allRecords())
			for range 12 {
				if failures := h.Handle(t.Context(), batch); len(failures) == 0 {
					t.Fatal("nothing waits")
				}
			}
			store.failure = nil
			if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
				t.Fatal(failures)
			}
			wantParked(w, fmt.Sprintf("%v, bad, 1 tries, v1, cause  , broken", rows.Ref{Table: "lead", ID: bad}))
			w.Fresh()
			w.Update("lead", bad, salestest.Values{"subject": "B"})
			later := w.Fresh()
			if failures := h.Handle(t.Context(), later); len(failures) > 0 {
				t.Fatal(failures)
			}
			wantParked(w, fmt.Sprintf("%v, bad, 2 tries, v1, cause  , broken", rows.Ref{Table: "lead", ID: bad}))
			if n := strings.Count(log(), "a change is parked"); n != 2 { // the line that the alarm counts
				t.Errorf("it was logged %d times, want once for each try", n)
			}
		})
	}
}

// The same holds for each of several changes of one row, whichever of them was parked
// last, and for a change whose row has been taken up since it was parked.
func TestPark_ComesAgainAfterALaterTry(t *testing.T) {
	w, c, batch := timed(t, 1)
	lead := rows.Ref{Table: "lead", ID: batch[0].Key.SK}
	for range 2 { // the second and the third change of the row
		c.Advance(time.Second)
		w.Update(lead.Table, lead.ID, salestest.Values{"subject": c.Now().String()})
		batch = append(batch, w.Fresh()...)
	}
	h := reaction.New(w.DB, "v1")
	h.Register("bad", failOn("", errors.New("broken")), allRecords())
	deliver := func(changes []store.Change) {
		t.Helper()
		if failures := h.Handle(t.Context(), changes); len(failures) > 0 {
			t.Fatal(failures)
		}
	}
	want := func(tries int) {
		t.Helper()
		wantParked(w, fmt.Sprintf("%v, bad, %d tries, v1, cause  , broken", lead, tries))
	}
	for range 3 {
		deliver(batch)
		want(3)
	}
	for n := range 3 {
		c.Advance(time.Hour)
		if err := h.Redrive(t.Context(), lead); err == nil {
			t.Fatal("no failure")
		}
		deliver(batch)
		want(4 + n)
	}
	c.Advance(time.Second)
	w.Update(lead.Table, lead.ID, salestest.Values{"subject": "Later"})
	deliver(append(batch, w.Fresh()...))
	want(7)
}

// A change that is made while its row is taken up is later than what was tried, also
// when it comes once the row is parked.
func TestPark_ChangedWhileTakenUp(t *testing.T) {
	w, c, batch := timed(t, 1)
	lead := rows.Ref{Table: "lead", ID: batch[0].Key.SK}
	h := reaction.New(w.DB, "v1")
	bad := newPatient(errors.New("broken"))
	h.Register("bad", bad, allRecords())
	c.Advance(time.Hour)
	bad.follow = func(rows.Change) error {
		c.Advance(time.Minute)
		w.Update(lead.Table, lead.ID, salestest.Values{"subject": "Meanwhile"})
		c.Advance(time.Minute)
		return bad.failure
	}
	if err := h.Redrive(t.Context(), lead); err == nil {
		t.Fatal("no failure")
	}
	bad.follow = func(rows.Change) error { return bad.failure }
	batch = append(batch, w.Fresh()...)
	for range 2 {
		if failures := h.Handle(t.Context(), batch); len(failures) > 0 {
			t.Fatal(failures)
		}
		wantParked(w, fmt.Sprintf("%v, bad, 2 tries, v1, cause  , broken", lead))
	}
}
