package authoring_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/schema/schematest"
)

func TestSequence_5_1_IsCreatedInactive(t *testing.T) {
	w := newWorld(t, boot.Options{})
	row := w.Row("msdyn_sequence", w.Draft(1, steps))
	got := []int64{row.Int("statecode"), row.Int("statuscode"), row.Int("msdyn_version"), row.Int("msdyn_totaltasks")}
	if d := cmp.Diff([]int64{0, 1, 1, 2}, got); d != "" {
		t.Errorf("state, status, version, steps (-want +got):\n%s", d)
	}
	w.Refuses(t, sales.Precondition, func() error {
		_, err := w.Entities.Create(t.Context(), manager(), "msdyn_sequence", "", schematest.Row(values{
			"msdyn_name": "A", "msdyn_regardingentityname": "lead", "msdyn_definition": steps, "statecode": int64(1),
		}))
		return err
	}, "created inactive")
}

func TestSequence_6_1_DraftIsParsed(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, "")
	for name, definition := range map[string]string{
		"broken JSON":  `[{`,
		"unknown type": `[{"type":"fax","name":"A"}]`,
	} {
		t.Run(name, func(t *testing.T) {
			w.Refuses(t, sales.Invalid, func() error {
				return w.TryUpdate("msdyn_sequence", seq, values{"msdyn_definition": definition})
			}, "msdyn_definition: ")
		})
	}
	w.Refuses(t, sales.Invalid, func() error {
		_, err := w.Entities.Create(t.Context(), manager(), "msdyn_sequence", "", schematest.Row(values{"msdyn_name": "A", "msdyn_regardingentityname": "task"}))
		return err
	}, "task", "cannot be connected")
	w.Update("msdyn_sequence", seq, values{"msdyn_definition": `[{"type":"wait","name":"W","wait":{"days":1}}]`}) // a draft may be unfinished
}

// docs/domain.md §6.1, §18: each rule of activation.
func TestSequence_6_1_Activation(t *testing.T) {
	long := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"type":"task","name":"A"},`, n), ",") + "]"
	}
	w := newWorld(t, boot.Options{})
	for i, test := range []struct{ name, definition, text string }{
		{"no definition", "", "msdyn_definition: "},
		{"no steps", `[]`, "no step that is not a wait"},
		{"trailing wait", `[{"type":"task","name":"A"},{"type":"wait","name":"W","wait":{"days":1}}]`, "step 2 is a wait, and a wait may not be the last step"},
		{"41 steps", long(41), "41 steps"},
		{"step without a name", `[{"type":"task"}]`, "step 1 has no name"},
	} {
		t.Run(test.name, func(t *testing.T) {
			seq := w.Draft(10+i, test.definition)
			w.Refuses(t, sales.Invalid, func() error { return w.Activate(seq) }, test.text)
		})
	}
	for i, definition := range []string{
		long(40),
		`[{"type":"wait","name":"W","wait":{"days":30}},{"type":"task","name":"A"}]`,
	} {
		if err := w.Activate(w.Draft(20+i, definition)); err != nil {
			t.Error(err)
		}
	}
	row := w.Row("msdyn_sequence", id("sequence", 21))
	if d := cmp.Diff([]int64{1, 2, 2, 1}, []int64{row.Int("statecode"), row.Int("statuscode"), row.Int("msdyn_maxstepcount"), row.Int("msdyn_totaltasks")}); d != "" {
		t.Errorf("state, status, longest path, steps (-want +got):\n%s", d)
	}
}

func TestSequence_5_1_ActiveIsReadOnly(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	for column, v := range map[string]any{
		"msdyn_name": "B", "msdyn_description": "B", "msdyn_definition": `[{"type":"task","name":"B"}]`,
	} {
		w.Refuses(t, sales.Precondition, func() error { return w.TryUpdate("msdyn_sequence", seq, values{column: v}) }, "is active", column, "statuscode 3", "deactivate the sequence first")
	}
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_sequence", seq, values{"statecode": int64(0), "msdyn_name": "B"})
	}, "msdyn_name")
	w.Update("msdyn_sequence", seq, values{"ownerid": w.User(2)}) // assigning is not an edit
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Settle()
	w.Update("msdyn_sequence", seq, values{"msdyn_name": "B"})
}

func TestSequence_5_1_RecordTypeNeverChanges(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, steps)
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_sequence", seq, values{"msdyn_regardingentityname": "account"})
	}, "never changes")
}

func TestSequence_5_1_NextVersionAfterAnEdit(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	for i, test := range []struct {
		definition string
		version    int64
	}{
		{steps, 1}, // activated again as it was
		{`[{"type":"task","name":"B"}]`, 2},
		{`[{"type":"task","name":"B"}]`, 2},
		{steps, 3},
	} {
		w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
		w.Settle()
		w.Update("msdyn_sequence", seq, values{"msdyn_definition": test.definition})
		w.Update("msdyn_sequence", seq, values{"statecode": int64(1)})
		if got := w.Row("msdyn_sequence", seq).Int("msdyn_version"); got != test.version {
			t.Fatalf("activation %d: version %d, want %d", i, got, test.version)
		}
	}
	if got := w.Connect(w.Lead(1, nil), seq).Int("msdyn_parentsequenceversion"); got != 3 {
		t.Errorf("a new connection is to version %d", got)
	}
}

func TestSequence_2_VersionsEndAt500(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Settle()
	store(t, w, seq, values{"msdyn_version": int64(500)})
	w.Update("msdyn_sequence", seq, values{"msdyn_definition": `[{"type":"task","name":"B"}]`})
	w.Refuses(t, sales.Limit, func() error { return w.Activate(seq) }, "version", "500")
}

// docs/domain.md §2: 250 active sequences; deactivating or deleting one frees a slot.
func TestSequence_2_250Active(t *testing.T) {
	w := newWorld(t, boot.Options{})
	for n := range authoring.MaxActiveSequences {
		w.Sequence(n, "lead")
	}
	more := w.Draft(1000, steps)
	w.Refuses(t, sales.Limit, func() error { return w.Activate(more) }, "limit", "250", "deactivate one first")
	w.Update("msdyn_sequence", id("sequence", 7), values{"statecode": int64(0)})
	if err := w.Activate(more); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Refuses(t, sales.Limit, func() error { return w.Activate(id("sequence", 7)) }, "limit")
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: more}, entity.If{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Activate(id("sequence", 7)); err != nil {
		t.Error(err)
	}
}

func TestSequence_5_1_DeletingAnInactiveOne(t *testing.T) {
	w := newWorld(t, boot.Options{})
	ref := rows.Ref{Table: "msdyn_sequence", ID: w.Draft(1, steps)}
	if err := w.Entities.Delete(t.Context(), manager(), ref, entity.If{}); err != nil {
		t.Fatal(err)
	}
	if found, err := w.DB.Get(t.Context(), ref); err != nil || found[0] != nil {
		t.Errorf("it is still there: %v, %v", found[0], err)
	}
}
