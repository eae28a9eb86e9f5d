package rows_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

func TestCommitStampsRows(t *testing.T) {
	f := newFixture(t)
	tx := f.Begin(name.UserID(rowstest.ID("user", 1)))
	tx.Create(f.Table("lead"), rowstest.ID("lead", 0), values{"subject": schema.Text("A")})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	by := schema.Lookup{Table: "systemuser", ID: rowstest.ID("user", 1)}
	made := f.Row(t, rows.Ref{Table: "lead", ID: rowstest.ID("lead", 0)})
	want := values{
		"subject": schema.Text("A"), rows.CreatedOn: schema.Time(f.Now()), rows.ModifiedOn: schema.Time(f.Now()), rows.CreatedBy: schema.Ref(by), rows.ModifiedBy: schema.Ref(by),
	}
	if d := cmp.Diff(want, made.Values()); d != "" {
		t.Errorf("new row (-want +got):\n%s", d)
	}
	tx = f.Begin("") // the engine leaves the last user where it is
	tx.Hold(made)
	made.Set("subject", schema.Text("B"))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	want["subject"] = schema.Text("B")
	changed := f.Row(t, made.Ref())
	if d := cmp.Diff(want, changed.Values()); d != "" {
		t.Errorf("changed row (-want +got):\n%s", d)
	}
	if changed.Version != made.Version || changed.Version == 0 {
		t.Errorf("version %d in the store, %d in the committed row", changed.Version, made.Version)
	}
}

func TestNothingChangedIsNotWritten(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	f.Probe.Reset()
	err := f.Do(t.Context(), name.UserID(rowstest.ID("user", 1)), func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), ref)
		if err == nil {
			found[0].Set("subject", schema.Text("A"))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(probe.Counts{Gets: 1, GetKeys: 1, ReadUnits: 1}, f.Probe.Counts()); d != "" {
		t.Error(d)
	}
}

func TestLoadReadsARowOnce(t *testing.T) {
	f := newFixture(t)
	refs := f.Put(t, "lead", values{"subject": schema.Text("A")}, values{"subject": schema.Text("B")})
	f.Probe.Reset()
	tx := f.Begin("")
	first, err := tx.Load(t.Context(), refs[0])
	if err != nil {
		t.Fatal(err)
	}
	both, err := tx.Load(t.Context(), refs[1], refs[0])
	if err != nil {
		t.Fatal(err)
	}
	if both[1] != first[0] || both[0].Text("subject") != "B" {
		t.Errorf("got %v", both)
	}
	if c := f.Probe.Counts(); c.Gets != 2 || c.GetKeys != 2 {
		t.Errorf("%d requests for %d keys, want 2 for 2", c.Gets, c.GetKeys)
	}
}

// TestCommitMeetsWhatSomebodyElseDid: each way in which a row is no longer as
// it was loaded ends the commit, and nothing of it is written.
func TestCommitMeetsWhatSomebodyElseDid(t *testing.T) {
	type conflict struct {
		Seen string // subject of the row as it is, "-" for none
		New  bool
	}
	rename := func(t *testing.T, f *fixture, ref rows.Ref) {
		err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
			found, err := tx.Load(t.Context(), ref)
			if err == nil {
				found[0].Set("subject", schema.Text("theirs"))
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	remove := func(t *testing.T, f *fixture, ref rows.Ref) {
		tx := f.Begin("")
		found, err := tx.Load(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		tx.Delete(found[0])
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	change := func(_ *rows.Tx, row *rows.Row) { row.Set("subject", schema.Text("mine")) }
	erase := func(tx *rows.Tx, row *rows.Row) { tx.Delete(row) }
	for _, test := range []struct {
		name   string
		theirs func(*testing.T, *fixture, rows.Ref)
		mine   func(*rows.Tx, *rows.Row)
		want   conflict
	}{
		{"changed and changed", rename, change, conflict{Seen: "theirs"}},
		{"changed and deleted", rename, erase, conflict{Seen: "theirs"}},
		{"deleted and changed", remove, change, conflict{Seen: "-"}},
		{"deleted and deleted", remove, erase, conflict{Seen: "-"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
			tx := f.Begin("")
			found, err := tx.Load(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			test.theirs(t, f, ref)
			test.mine(tx, found[0])
			bystander := tx.Create(f.Table("lead"), rowstest.ID("lead", 9), values{"subject": schema.Text("B")}).Ref()

			failed, ok := errors.AsType[*rows.ConflictError](tx.Commit(t.Context()))
			if !ok || failed.Ref != ref {
				t.Fatalf("got %v, want a conflict about %v", failed, ref)
			}
			got := conflict{Seen: "-", New: failed.New}
			if failed.Seen != nil {
				got.Seen = failed.Seen.Text("subject")
			}
			if got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
			if other, err := f.Get(t.Context(), bystander); err != nil || other[0] != nil {
				t.Errorf("half of it was written: %v, %v", other[0], err)
			}
		})
	}
}

func TestNewRowThatIsThereAlready(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("theirs")})[0]
	tx := f.Begin("")
	tx.Create(f.Table("lead"), ref.ID, values{"subject": schema.Text("mine")})
	failed, ok := errors.AsType[*rows.ConflictError](tx.Commit(t.Context()))
	if !ok || !failed.New || failed.Seen.Text("subject") != "theirs" {
		t.Fatalf("got %+v", failed)
	}
	if got, want := failed.Error(), ref.String()+" is already there"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := f.Row(t, ref).Text("subject"); got != "theirs" {
		t.Errorf("the row is %q now", got)
	}
}

func TestNewRowDeletedAtOnceIsNotWritten(t *testing.T) {
	f := newFixture(t)
	tx := f.Begin("")
	tx.Delete(tx.Create(f.Table("lead"), rowstest.ID("lead", 0), values{"subject": schema.Text("A")}))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := f.Probe.Counts().Ops; n != 0 {
		t.Errorf("%d operations, want none", n)
	}
}

// TestDoStartsAnew: a unit of work that somebody overtakes runs again on fresh
// rows.
func TestDoStartsAnew(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"numberofemployees": schema.Int(0)})[0]
	add := func(tx *rows.Tx, n int64) error {
		found, err := tx.Load(t.Context(), ref)
		if err == nil {
			found[0].Set("numberofemployees", schema.Int(found[0].Int("numberofemployees")+n))
		}
		return err
	}
	tries := 0
	err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
		if err := add(tx, 1); err != nil {
			return err
		}
		if tries++; tries <= 3 {
			return f.Do(t.Context(), "", func(other *rows.Tx) error { return add(other, 10) })
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := f.Row(t, ref).Int("numberofemployees"); got != 31 || tries != 4 {
		t.Errorf("%d after %d tries, want 31 after 4", got, tries)
	}
}

func TestDoGivesUp(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("theirs")})[0]
	manual := clock.NewManual(rowstest.Clock())
	tries := 0
	err := rows.New(f.Store, f.Schema(), manual).Do(t.Context(), "", func(tx *rows.Tx) error {
		tries++
		tx.Create(f.Table("lead"), ref.ID, values{"subject": schema.Text("mine")})
		return nil
	})
	if _, ok := errors.AsType[*rows.ConflictError](err); !ok {
		t.Errorf("got %v, want the last conflict", err)
	}
	if tries != 20 || manual.Slept() > 4*time.Second {
		t.Errorf("%d tries in %v, want 20 in at most 4s", tries, manual.Slept())
	}
}

func TestDoEndsWhenItsContextDoes(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("theirs")})[0]
	ctx, cancel := context.WithCancel(t.Context())
	tries := 0
	err := f.Do(ctx, "", func(tx *rows.Tx) error {
		if tries++; tries == 2 {
			cancel()
		}
		tx.Create(f.Table("lead"), ref.ID, values{"subject": schema.Text("mine")})
		return nil
	})
	if !errors.Is(err, context.Canceled) || tries > 2 {
		t.Errorf("%d tries, then %v", tries, err)
	}
}

func TestDoPassesOnOtherErrors(t *testing.T) {
	f := newFixture(t)
	tries := 0
	create := func(tx *rows.Tx) error {
		tries++
		tx.Create(f.Table("lead"), rowstest.ID("lead", 0), values{"subject": schema.Text("A")})
		return nil
	}
	f.Probe.Inject(func(probe.Call) probe.Fault { return probe.Before })
	if err := f.Do(t.Context(), "", create); !errors.Is(err, store.ErrUnavailable) || tries != 1 {
		t.Errorf("%d tries, then %v; whether it was applied is not known, so it is not for Do to repeat", tries, err)
	}
	refusal := errors.New("no")
	if err := f.Do(t.Context(), "", func(*rows.Tx) error { return refusal }); !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
}
