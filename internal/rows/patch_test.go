package rows_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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
			ref := f.Put(t, "msdyn_sequencetarget", values{"msdyn_name": schema.Text("A"), "statecode": schema.Int(0), "segue_currentstep": schema.Ref(step)})[0]
			before := f.Row(t, ref)
			f.Probe.Reset()
			later := rows.New(f.Probe, f.Schema(), func() time.Time { return rowstest.Clock().Add(time.Second) })
			tx := later.Begin(name.UserID(rowstest.ID("user", 1)))
			tx.Create(f.Table("lead"), rowstest.ID("lead", 0), values{"subject": schema.Text("with it")})
			tx.Patch(f.Table(ref.Table), ref.ID, values{"msdyn_name": schema.Text("B"), "msdyn_currentstepcount": schema.Int(3)}, test.when)
			err := tx.Commit(t.Context())
			want := before.Values()
			if test.ok {
				want["msdyn_name"], want["msdyn_currentstepcount"] = schema.Text("B"), schema.Int(3)
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
