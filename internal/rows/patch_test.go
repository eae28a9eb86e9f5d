package rows_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

func TestPatch(t *testing.T) {
	step := schema.Lookup{Table: "msdyn_sequencetargetstep", ID: rowstest.ID("step", 1)}
	for _, test := range []struct {
		name string
		when values
		ok   bool
	}{
		{"no condition", nil, true},
		{"one holds", values{"statecode": schema.Int(0)}, true},
		{"all hold", values{"statecode": schema.Int(0), "segue_currentstep": schema.Ref(step)}, true},
		{"one does not", values{"statecode": schema.Int(0), "segue_currentstep": schema.Ref(schema.Lookup{Table: step.Table, ID: rowstest.ID("step", 2)})}, false},
		{"a column is null", values{"msdyn_msflowrunid": schema.Text("run")}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			ref := f.Put(t, "msdyn_sequencetarget", values{"msdyn_msflowrunid": schema.Text("A"), "statecode": schema.Int(0), "segue_currentstep": schema.Ref(step)})[0]
			before := f.Row(t, ref)
			f.Probe.Reset()
			later := rows.New(f.Probe, f.Schema(), clock.Of(func() time.Time { return rowstest.Clock().Add(time.Second) }))
			tx := later.Begin(name.UserID(rowstest.ID("user", 1)))
			tx.Create(f.Table("lead"), rowstest.ID("lead", 0), values{"subject": schema.Text("with it")})
			tx.Patch(f.Table(ref.Table), ref.ID, values{"msdyn_msflowrunid": schema.Text("B"), "msdyn_currentstepsubtype": schema.Int(3)}, test.when)
			err := tx.Commit(t.Context())
			want := before.Values()
			if test.ok {
				want["msdyn_msflowrunid"], want["msdyn_currentstepsubtype"] = schema.Text("B"), schema.Int(3)
				want[rows.ModifiedOn] = schema.Time(later.Now())
				want[rows.ModifiedBy] = schema.Ref(schema.Lookup{Table: "systemuser", ID: rowstest.ID("user", 1)})
			}
			if failed, conflict := errors.AsType[*rows.ConflictError](err); conflict == test.ok || conflict && (failed.Ref != ref || failed.New) {
				t.Errorf("got %v", err)
			}
			if n := f.Probe.Counts().Gets; n != 0 {
				t.Errorf("%d reads, want none", n)
			}
			after := f.Row(t, ref)
			if d := cmp.Diff(want, after.Values()); d != "" {
				t.Error(d)
			}
			if test.ok == (after.Version == before.Version) {
				t.Errorf("version %d, was %d", after.Version, before.Version)
			}
		})
	}
}

// A column from which others follow cannot change without the row; one that is demanded to
// have the value already does not change.
func TestPatchOfASource(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "msdyn_sequencetarget", values{"msdyn_msflowrunid": schema.Text("A"), "msdyn_parentsequenceversion": schema.Int(2)})[0]
	patch := func(when values) error {
		tx := f.Begin("")
		tx.Patch(f.Table(ref.Table), ref.ID, values{"msdyn_msflowrunid": schema.Text("B"), "msdyn_parentsequenceversion": schema.Int(2)}, when)
		return tx.Commit(t.Context())
	}
	for _, when := range []values{nil, {"msdyn_parentsequenceversion": schema.Int(1)}} {
		if err := patch(when); err == nil || !strings.Contains(err.Error(), "msdyn_appliedsequenceinstance follows from msdyn_parentsequenceversion") {
			t.Errorf("when %v: got %v", when, err)
		}
	}
	if err := patch(values{"msdyn_parentsequenceversion": schema.Int(2)}); err != nil {
		t.Error(err)
	}
	if row := f.Row(t, ref); row.Text("msdyn_msflowrunid") != "B" || row.Int("msdyn_parentsequenceversion") != 2 {
		t.Errorf("after: %v", row.Values())
	}
}

func TestPatchNeedsItsRow(t *testing.T) {
	f := newFixture(t)
	tx := f.Begin("")
	tx.Patch(f.Table("lead"), rowstest.ID("lead", 0), values{"subject": schema.Text("A")}, nil)
	failed, ok := errors.AsType[*rows.ConflictError](tx.Commit(t.Context()))
	if !ok || failed.Seen != nil || failed.New {
		t.Errorf("got %+v", failed)
	}
	if found, err := f.Get(t.Context(), rows.Ref{Table: "lead", ID: rowstest.ID("lead", 0)}); err != nil || found[0] != nil {
		t.Errorf("the patch made %v, %v", found[0], err)
	}
}

// TestPatchNeverRepeatsAVersion: whoever loaded the row before a patch must not
// be able to write over it, though the patch was made in the same millisecond.
func TestPatchNeverRepeatsAVersion(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	stale := f.Row(t, ref)
	err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
		tx.Patch(f.Table("lead"), ref.ID, values{"subject": schema.Text("patched")}, nil)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	tx := f.Begin("")
	tx.Hold(stale)
	stale.Set("subject", schema.Text("lost update"))
	if err := tx.Commit(t.Context()); err == nil {
		t.Error("a row was written over a patch that it had not seen")
	}
	if got := f.Row(t, ref).Text("subject"); got != "patched" {
		t.Errorf("the row is %q", got)
	}
}

// meeting is a unit of work that patches the row that it also holds, or patches
// it twice. Its row has statecode 0 and msdyn_currentstepcount 1.
type meeting struct {
	name string
	work func(t *testing.T, tx *rows.Tx, w *patched)
	want map[string]schema.Value // of the row afterwards, what differs
	is   string                  // "conflict" or "contradiction" with the column, "" for committed
	gets int
}

// patched is the row that a meeting is about.
type patched struct {
	*fixture
	ref rows.Ref
}

func (w *patched) patch(tx *rows.Tx, set, when values) {
	tx.Patch(w.Table(w.ref.Table), w.ref.ID, set, when)
}

func (w *patched) load(t *testing.T, tx *rows.Tx) *rows.Row {
	t.Helper()
	found, err := tx.Load(t.Context(), w.ref)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

func count(n int64) values { return values{"msdyn_currentstepsubtype": schema.Int(n)} }

func state(n int64) values { return values{"statecode": schema.Int(n)} }

func named(text string) values { return values{"msdyn_msflowrunid": schema.Text(text)} }

func TestPatchOfOneRowIsOneItem(t *testing.T) {
	for _, test := range []meeting{
		{"of a held row", func(t *testing.T, tx *rows.Tx, w *patched) {
			row := w.load(t, tx)
			row.Set("msdyn_msflowrunid", schema.Text("B"))
			w.patch(tx, count(2), state(0))
			if row.Int("msdyn_currentstepsubtype") != 2 {
				t.Error("the held row does not show the patch")
			}
		}, values{"msdyn_msflowrunid": schema.Text("B"), "msdyn_currentstepsubtype": schema.Int(2)}, "", 1},
		{"of a row that is loaded later", func(t *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, count(2), state(0))
			if row := w.load(t, tx); row.Int("msdyn_currentstepsubtype") != 2 || row.Version == 0 {
				t.Errorf("it was loaded as version %d, %v", row.Version, row.Values())
			}
		}, count(2), "", 1},
		{"of a row that is held later", func(t *testing.T, tx *rows.Tx, w *patched) {
			row := w.load(t, w.Begin(""))
			w.patch(tx, count(2), state(0))
			tx.Hold(row)
			row.Set("msdyn_msflowrunid", schema.Text("B"))
		}, values{"msdyn_msflowrunid": schema.Text("B"), "msdyn_currentstepsubtype": schema.Int(2)}, "", 1},
		{"of a held row, a column of an index", func(t *testing.T, tx *rows.Tx, w *patched) {
			w.load(t, tx)
			w.patch(tx, state(1), state(0))
		}, state(1), "", 1},
		{"of a held row, against its state", func(t *testing.T, tx *rows.Tx, w *patched) {
			w.load(t, tx)
			w.patch(tx, count(2), state(1))
		}, nil, "conflict", 1},
		{"of a held row, as this unit has made it", func(t *testing.T, tx *rows.Tx, w *patched) {
			w.load(t, tx).Set("statecode", schema.Int(1))
			w.patch(tx, count(2), state(1))
		}, values{"statecode": schema.Int(1), "msdyn_currentstepsubtype": schema.Int(2)}, "", 1},
		{"of a held row, against what this unit has made of it", func(t *testing.T, tx *rows.Tx, w *patched) {
			w.load(t, tx).Set("statecode", schema.Int(1))
			w.patch(tx, count(2), state(0))
		}, nil, "contradiction statecode", 1},
		{"of a row that is deleted", func(t *testing.T, tx *rows.Tx, w *patched) {
			tx.Delete(w.load(t, tx))
			w.patch(tx, count(2), nil)
		}, nil, "contradiction ", 1},
		{"of a row that is deleted later", func(t *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, count(2), nil)
			tx.Delete(w.load(t, tx))
		}, nil, "", 1},
		{"of a row that is made later", func(_ *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, count(2), nil)
			tx.Create(w.Table(w.ref.Table), w.ref.ID, named("B"))
		}, nil, "contradiction ", 0},
		{"twice, other columns", func(_ *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, count(2), nil)
			w.patch(tx, named("B"), state(0))
		}, values{"msdyn_msflowrunid": schema.Text("B"), "msdyn_currentstepsubtype": schema.Int(2)}, "", 0},
		{"twice, the same", func(_ *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, count(2), state(0))
			w.patch(tx, count(2), state(0))
		}, count(2), "", 0},
		{"twice, one after the other", func(_ *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, values{"msdyn_currentstepsubtype": schema.Int(2), "msdyn_msflowrunid": schema.Text("B")}, count(1))
			w.patch(tx, values{"msdyn_currentstepsubtype": schema.Int(3), "msdyn_msflowrunid": schema.Text("C")}, count(2))
		}, values{"msdyn_msflowrunid": schema.Text("C"), "msdyn_currentstepsubtype": schema.Int(3)}, "", 0},
		{"twice, another value", func(_ *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, count(2), state(0))
			w.patch(tx, count(3), state(0))
		}, nil, "contradiction msdyn_currentstepsubtype", 0},
		{"twice, against what the first makes", func(_ *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, state(1), nil)
			w.patch(tx, count(3), state(0))
		}, nil, "contradiction statecode", 0},
		{"twice, under conditions that cannot both hold", func(_ *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, count(2), state(0))
			w.patch(tx, named("B"), state(1))
		}, nil, "contradiction statecode", 0},
		{"twice, the second against the state", func(_ *testing.T, tx *rows.Tx, w *patched) {
			w.patch(tx, count(2), nil)
			w.patch(tx, named("B"), state(1))
		}, nil, "conflict", 0},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t) })
	}
}

func (m meeting) run(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "msdyn_sequencetarget", values{
		"msdyn_msflowrunid": schema.Text("A"), "statecode": schema.Int(0), "msdyn_currentstepsubtype": schema.Int(1),
	})[0]
	want := f.Row(t, ref).Values()
	later := rows.New(f.Probe, f.Schema(), clock.Of(func() time.Time { return rowstest.Clock().Add(time.Second) }))
	for column, v := range m.want {
		want[column], want[rows.ModifiedOn] = v, schema.Time(later.Now())
	}
	f.Probe.Reset()
	tx := later.Begin("")
	m.work(t, tx, &patched{f, ref})
	err := tx.Commit(t.Context())
	got := ""
	if conflict, ok := errors.AsType[*rows.ConflictError](err); ok {
		got = "conflict"
		if conflict.Ref != ref {
			t.Errorf("the conflict is about %v", conflict.Ref)
		}
	} else if contradiction, ok := errors.AsType[*rows.ContradictionError](err); ok {
		got = "contradiction " + contradiction.Column
		if contradiction.Ref != ref {
			t.Errorf("the contradiction is about %v", contradiction.Ref)
		}
	} else if err != nil {
		t.Fatal(err)
	}
	if got != m.is {
		t.Errorf("got %q (%v), want %q", got, err, m.is)
	}
	if c := f.Probe.Counts(); c.GetKeys != m.gets || m.is == "" && c.Ops != 1 {
		t.Errorf("%+v, want %d reads and one item written", c, m.gets)
	}
	found, err := f.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if found[0] == nil {
		if m.is != "" || m.want != nil {
			t.Error("the row is gone")
		}
		return
	}
	if d := cmp.Diff(want, found[0].Values()); d != "" {
		t.Error(d)
	}
}

// TestPatchedRowChangesBeforeItIsLoaded: a unit of work that loads a row which
// does not allow its patch any more begins again, whatever it makes of the error.
func TestPatchedRowChangesBeforeItIsLoaded(t *testing.T) {
	for _, test := range []struct {
		name string
		gone bool
	}{{"changed", false}, {"deleted", true}} {
		t.Run(test.name, func(t *testing.T) {
			f := newFixture(t)
			ref := f.Put(t, "msdyn_sequencetarget", named("A"))[0]
			tries := 0
			err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
				if tries++; tries > 1 {
					return nil
				}
				tx.Patch(f.Table(ref.Table), ref.ID, count(2), named("A"))
				change := f.Begin("")
				row := (&patched{f, ref}).load(t, change)
				row.Set("msdyn_msflowrunid", schema.Text("theirs"))
				if test.gone {
					change.Delete(row)
				}
				if err := change.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
				found, err := tx.Load(t.Context(), ref)
				if conflict, ok := errors.AsType[*rows.ConflictError](err); !ok || conflict.Ref != ref || (conflict.Seen == nil) != test.gone {
					t.Errorf("loaded %v, %v; want a conflict about %v", found, err, ref)
				}
				return errors.New("no such row")
			})
			if err != nil || tries != 2 {
				t.Errorf("%d tries, then %v", tries, err)
			}
		})
	}
}
