package authoring_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// one is a definition of one task.
func one(task string) string { return fmt.Sprintf(`[{"type":"task","name":%q}]`, task) }

// versionRow returns the row of a version, nil if there is none.
func versionRow(t *testing.T, w *salestest.World, seq string, version int64) *rows.Row {
	t.Helper()
	found, err := w.DB.Get(t.Context(), rows.RefTo(name.Sequence, authoring.VersionID(name.SequenceID(seq), version)))
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

// reactivate makes the next version of an active sequence.
func reactivate(w *salestest.World, seq string, v values) {
	v["statuscode"] = int64(3)
	w.Update("msdyn_sequence", seq, v)
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(2)})
}

func TestVersion_4_1_ActivationKeepsIt(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, one("A"))
	if row := versionRow(t, w, seq, 1); row != nil {
		t.Errorf("a draft has the version %v", row)
	}
	w.Update("msdyn_sequence", seq, values{"msdyn_versiondescription": "first", "msdyn_assignsequencetype": int64(2)})
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	kept, row := versionRow(t, w, seq, 1).Values(), w.Row("msdyn_sequence", seq).Values()
	for column, want := range schematest.Row(values{"msdyn_type": int64(1), "msdyn_parentsequence": salestest.Link("msdyn_sequence", seq), "statecode": int64(0), "statuscode": int64(1)}) {
		if kept[column] != want {
			t.Errorf("%s is %v", column, kept[column])
		}
		delete(kept, column)
		delete(row, column)
	}
	delete(row, "segue_digest")
	if d := cmp.Diff(row, kept); d != "" {
		t.Errorf("the version is not the sequence as it is (-sequence +version):\n%s", d)
	}
	w.Sound(true)
}

func TestVersion_5_1_NobodyWritesIt(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	kept, other, segment := versionRow(t, w, seq, 1).Ref(), w.User(2), w.Inactive(1, nil)
	create := func(v values) func() error {
		return func() error {
			v["msdyn_name"], v["msdyn_regardingentityname"] = "A", "lead"
			_, err := w.Entities.Create(t.Context(), manager(), "msdyn_sequence", "", schematest.Row(v))
			return err
		}
	}
	for _, test := range []struct {
		name, says string
		try        func() error
	}{
		{"create", "msdyn_type 1", create(values{"msdyn_type": int64(1), "msdyn_parentsequence": salestest.Link("msdyn_sequence", seq)})},
		{"create as its child", "msdyn_parentsequence", create(values{"msdyn_parentsequence": salestest.Link("msdyn_sequence", seq)})},
		{"change", "msdyn_type 1", func() error { return w.TryUpdate("msdyn_sequence", kept.ID, values{"msdyn_definition": one("B")}) }},
		{"activate", "msdyn_type 1", func() error { return w.TryUpdate("msdyn_sequence", kept.ID, values{"statecode": int64(1)}) }},
		{"make it a sequence", "msdyn_type 1", func() error { return w.TryUpdate("msdyn_sequence", kept.ID, values{"msdyn_type": int64(0)}) }},
		{"assign", "msdyn_type 1", func() error { return w.TryUpdate("msdyn_sequence", kept.ID, values{"ownerid": other}) }},
		{"delete", "msdyn_type 1", func() error { return w.Entities.Delete(t.Context(), manager(), kept, entity.If{}) }},
		{"make the sequence one", "msdyn_type 1", func() error { return w.TryUpdate("msdyn_sequence", seq, values{"msdyn_type": int64(1)}) }},
		{"set the version", "msdyn_version", func() error { return w.TryUpdate("msdyn_sequence", seq, values{"msdyn_version": int64(7)}) }},
		{"attach it", "attach the sequence", func() error {
			return w.TryUpdate("msdyn_segment", segment, values{"msdyn_sequence": salestest.Link("msdyn_sequence", kept.ID)})
		}},
	} {
		t.Run(test.name, func(t *testing.T) { w.Refuses(t, sales.Precondition, test.try, test.says) })
	}
}

func TestVersion_5_1_GoesWithItsSequence(t *testing.T) {
	for _, test := range []struct {
		name     string
		versions int
		active   bool
	}{{"inactive", 3, false}, {"active", 3, true}, {"more than a delete takes along", entity.MaxCascade + 2, false}} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			seq := w.Sequence(1, "lead")
			for n := range test.versions - 1 {
				reactivate(w, seq, values{"msdyn_definition": one(fmt.Sprint(n))})
			}
			if kept := w.List("msdyn_sequence", values{"msdyn_parentsequence": salestest.Link("msdyn_sequence", seq)}); len(kept) != test.versions {
				t.Fatalf("%d versions, want %d", len(kept), test.versions)
			}
			if !test.active {
				w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
				w.Settle()
			}
			if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: seq}, entity.If{}); err != nil {
				t.Fatal(err)
			}
			w.Settle()
			if left := w.List("msdyn_sequence", nil); len(left) > 0 {
				t.Errorf("%d rows are left, the first is %v", len(left), left[0].Values())
			}
		})
	}
}

func TestVersion_5_1_IsAssignedWithItsSequence(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	reactivate(w, seq, values{"msdyn_definition": one("B")})
	w.Update("msdyn_sequence", seq, values{"ownerid": w.Team(2)})
	row := w.Row("msdyn_sequence", seq)
	for version := range int64(2) {
		kept := versionRow(t, w, seq, version+1)
		for _, column := range []string{"ownerid", "owningbusinessunit", "owningteam", "owninguser"} {
			if kept.Columns()[column] != row.Columns()[column] {
				t.Errorf("%s of version %d is %v, of the sequence %v", column, version+1, kept.Columns()[column], row.Columns()[column])
			}
		}
	}
}

// docs/domain.md §5.1: targets stay on the version that they began with.
func TestVersion_5_1_TargetsNameTheirs(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	first := w.Connect(w.Lead(1, nil), seq)
	reactivate(w, seq, values{"msdyn_definition": one("B")})
	second := w.Connect(w.Lead(2, nil), seq)
	for version, target := range map[int64]*rows.Row{1: first, 2: second} {
		row := w.Row("msdyn_sequencetarget", target.ID)
		applied := row.Lookup("msdyn_appliedsequenceinstance")
		if row.Int("msdyn_parentsequenceversion") != version || applied != salestest.Lookup(versionRow(t, w, seq, version).Ref()) {
			t.Errorf("version %d: %v, applied %v", version, row.Int("msdyn_parentsequenceversion"), applied)
		}
	}
	for version, want := range map[int64]string{1: "Call", 2: "B"} {
		definition, err := w.Sequences.Version(t.Context(), name.SequenceID(seq), version)
		if err != nil || definition.Version != version || definition.Steps[0].Name != want {
			t.Errorf("version %d: %+v, %v", version, definition, err)
		}
	}
	_, err := w.Sequences.Version(t.Context(), name.SequenceID(seq), 3)
	salestest.Refused(t, err, sales.Precondition, "version 3")
}

// docs/domain.md §7.3: connecting to a version means its sequence.
func TestVersion_7_3_ConnectingToIt(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	kept := versionRow(t, w, seq, 1).ID
	reactivate(w, seq, values{"msdyn_definition": one("B")})
	for n := range 2 {
		lead := w.Lead(n, nil)
		target := w.Connect(lead, kept)
		if target.Lookup("msdyn_parentsequence").ID != seq || target.Int("msdyn_parentsequenceversion") != 2 {
			t.Errorf("connected to %v, version %d", target.Lookup("msdyn_parentsequence"), target.Int("msdyn_parentsequenceversion"))
		}
		w.Restart()
	}
	w.Sound(true)
}

// A version that was activated before there were rows of versions is its sequence's row, and
// is kept by a revision.
func TestVersion_FromBeforeRowsOfVersions(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	target := w.Connect(w.Lead(1, nil), seq)
	forget := func() {
		t.Helper()
		err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error { tx.Delete(versionRow(t, w, seq, 1)); return nil })
		if err != nil {
			t.Fatal(err)
		}
		w.Restart()
	}
	has := func(version int64, want string) {
		t.Helper()
		definition, err := w.Sequences.Version(t.Context(), name.SequenceID(seq), version)
		if err != nil || definition.Steps[0].Name != want {
			t.Fatalf("version %d: %+v, %v", version, definition, err)
		}
	}
	forget()
	has(1, "Call")
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(3), "msdyn_definition": one("B")})
	has(1, "Call")
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(2)})
	has(1, "Call")
	has(2, "B")
	if got := w.Row("msdyn_sequencetarget", target.ID).Lookup("msdyn_appliedsequenceinstance"); got != salestest.Lookup(versionRow(t, w, seq, 1).Ref()) {
		t.Errorf("the target is by %v", got)
	}
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	has(2, "B")
	forget()
	_, err := w.Sequences.Version(t.Context(), name.SequenceID(seq), 1)
	salestest.Refused(t, err, sales.Precondition, "version 1")
}

// A sequence that is made again with the same id has nothing of the first one's versions.
func TestVersion_OfALaterLife(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	has := func(want string) {
		t.Helper()
		definition, err := w.Sequences.Version(t.Context(), name.SequenceID(seq), 1)
		if err != nil || definition.Steps[0].Name != want {
			t.Fatalf("%+v, %v", definition, err)
		}
	}
	reactivate(w, seq, values{"msdyn_definition": one("B")})
	has("Call")
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: seq}, entity.If{}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	again := w.Draft(1, one("C"))
	if again != seq {
		t.Fatalf("made %s, want %s", again, seq)
	}
	if err := w.Activate(again); err != nil {
		t.Fatal(err)
	}
	reactivate(w, seq, values{"msdyn_definition": one("D")})
	has("C")
}
