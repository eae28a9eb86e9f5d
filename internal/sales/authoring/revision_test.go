package authoring_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/salestest"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

func TestRevision_5_1_NothingRunsByTheDraft(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(3)})
	w.Update("msdyn_sequence", seq, values{"msdyn_definition": one("B"), "msdyn_versiondescription": "shorter", "msdyn_description": "D", "msdyn_assignsequencetype": int64(2)})
	for n := range 2 { // by the cache, and by a process that has just begun
		target := w.Connect(w.Lead(n, nil), seq)
		if step := w.Step(target); step.Text("msdyn_name") != "Call" || target.Int("msdyn_parentsequenceversion") != 1 {
			t.Errorf("connected to step %q of version %d", step.Text("msdyn_name"), target.Int("msdyn_parentsequenceversion"))
		}
		w.Restart()
	}
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(2)})
	if step := w.Step(w.Connect(w.Lead(3, nil), seq)); step.Text("msdyn_name") != "B" {
		t.Errorf("connected to step %q", step.Text("msdyn_name"))
	}
	row, kept := w.Row("msdyn_sequence", seq), versionRow(t, w, seq, 2)
	if row.Int("msdyn_version") != 2 || row.Text("msdyn_versiondescription") != "shorter" || kept.Text("msdyn_versiondescription") != "shorter" || kept.Int("msdyn_assignsequencetype") != 2 {
		t.Errorf("the sequence: %v\nits version: %v", row.Values(), kept.Values())
	}
	w.Settle()
	w.Sound(true)
}

func TestRevision_5_1_EqualDraftIsNoVersion(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, one("A"))
	w.Update("msdyn_sequence", seq, values{"msdyn_versiondescription": "first"})
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	for _, edit := range []values{{}, {"msdyn_description": "other words"}, {"msdyn_versiondescription": "of no version"}} {
		reactivate(w, seq, edit)
		row := w.Row("msdyn_sequence", seq)
		if row.Int("msdyn_version") != 1 || row.Text("msdyn_versiondescription") != "first" || versionRow(t, w, seq, 2) != nil {
			t.Errorf("after %v: version %d, %q", edit, row.Int("msdyn_version"), row.Text("msdyn_versiondescription"))
		}
	}
	reactivate(w, seq, values{"msdyn_iswaittimecomputationenabledatsequencelevel": true})
	if row := w.Row("msdyn_sequence", seq); row.Int("msdyn_version") != 2 || row.Text("msdyn_versiondescription") != "" {
		t.Errorf("version %d, %q", row.Int("msdyn_version"), row.Text("msdyn_versiondescription"))
	}
}

func TestRevision_5_1_WhatMayBeEdited(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	revise := values{"statuscode": int64(3)}
	w.Update("msdyn_sequence", seq, revise)
	for column, v := range map[string]any{"msdyn_name": "B", "msdyn_template": "T"} {
		w.Refuses(t, sales.Precondition, func() error { return w.TryUpdate("msdyn_sequence", seq, values{column: v}) }, column, "deactivate the sequence first")
	}
	w.Refuses(t, sales.Invalid, func() error {
		return w.TryUpdate("msdyn_sequence", seq, values{"msdyn_definition": `[{"type":"fax","name":"A"}]`})
	}, "msdyn_definition")
	w.Update("msdyn_sequence", seq, values{"msdyn_definition": `[]`}) // a draft may be unfinished
	w.Refuses(t, sales.Invalid, func() error {
		return w.TryUpdate("msdyn_sequence", seq, values{"statuscode": int64(2)})
	}, "no step")
	other := w.Draft(2, one("A"))
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_sequence", other, values{"statecode": int64(1), "statuscode": int64(3)})
	}, "not active")
}

func TestRevision_5_1_Discard(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, one("A"))
	w.Update("msdyn_sequence", seq, values{"msdyn_versiondescription": "first", "msdyn_description": "D"})
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	discardOf := func(id string) error {
		return w.DB.DoBy(t.Context(), manager().By(), func(tx *rows.Tx) error {
			return w.Sequences.DiscardIn(t.Context(), tx, manager(), name.SequenceID(id))
		})
	}
	discard := func() error { return discardOf(seq) }
	w.Refuses(t, sales.Precondition, discard, "not in revision")
	before := w.Row("msdyn_sequence", seq).Values()
	w.Update("msdyn_sequence", seq, values{
		"statuscode": int64(3), "msdyn_definition": `[]`, "msdyn_description": "E", "msdyn_versiondescription": "next", "msdyn_assignsequencetype": int64(1),
		"msdyn_sequenceexitcriterion": `{"segue":1,"replied":true}`,
	})
	if err := discard(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, w.Row("msdyn_sequence", seq).Values()); d != "" {
		t.Errorf("the row is not as it was (-was +is):\n%s", d)
	}
	salestest.Refused(t, discardOf(salestest.ID("sequence", 9)), sales.NotFound)
}

func TestRevision_5_1_Deactivating(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	w.Connect(lead, seq)
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(3), "msdyn_definition": one("B"), "msdyn_versiondescription": "next"})
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Settle()
	w.Member(lead, "", false)
	w.Sound(true)
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	if row := w.Row("msdyn_sequence", seq); row.Int("msdyn_version") != 2 || row.Text("msdyn_definition") != one("B") || row.Text("msdyn_versiondescription") != "next" {
		t.Errorf("activated: %v", row.Values())
	}
}

// docs/domain.md §5.1: a definition of another product is kept byte for byte.
func TestDraft_5_1_ForeignDefinition(t *testing.T) {
	const foreign = ` {"activities":[{"kind":"email"}]} `
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, foreign)
	if got := w.Row("msdyn_sequence", seq).Text("msdyn_definition"); got != foreign {
		t.Errorf("stored as %q", got)
	}
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(seq) }, "not in the format of Segue")
	w.Update("msdyn_sequence", seq, values{"msdyn_definition": one("A")})
	if err := w.Activate(seq); err != nil {
		t.Error(err)
	}
}

func TestActivation_5_1_WhatTheColumnsSay(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, `[{"type":"email","name":"A"}]`)
	w.Update("msdyn_sequence", seq, values{
		"msdyn_assignsequencetype": int64(1), "msdyn_assignsequencefieldname": "createdby", "msdyn_iswaittimecomputationenabledatsequencelevel": true,
		"msdyn_sequenceexitcriterion": `{"replied":true}`,
	})
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(seq) }, "msdyn_sequenceexitcriterion", "not in the format of Segue")
	w.Update("msdyn_sequence", seq, values{"msdyn_sequenceexitcriterion": `{"segue":1,"replied":true}`})
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	known, err := w.Sequences.Sequence(t.Context(), name.SequenceID(seq))
	if err != nil {
		t.Fatal(err)
	}
	if d := known.Definition; d.Ownership != sequence.RecordField || d.OwnerField != "createdby" || !d.WorkingTime || !d.Exit.Replied {
		t.Errorf("%+v", d)
	}
}

// docs/domain.md §5.1, and what a clone of a version is: that version, as a sequence of its own.
func TestClone_5_1_TextsAsTheyAre(t *testing.T) {
	mail := func(name string) string { return fmt.Sprintf(`[{"type":"email","name":%q}]`, name) }
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, mail("A"))
	w.Update("msdyn_sequence", seq, values{"msdyn_description": "D", "msdyn_sequenceexitcriterion": `{"segue":1,"replied":true}`, "msdyn_assignsequencetype": int64(2)})
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	reactivate(w, seq, values{"msdyn_definition": mail("B")})
	for _, test := range []struct {
		source       *rows.Row
		called, want string
		task         string
	}{{w.Row("msdyn_sequence", seq), "", "Sequence 1 (copy)", "B"}, {versionRow(t, w, seq, 1), "First", "First", "A"}} {
		made, err := w.Entities.Create(t.Context(), manager(), "msdyn_sequence", "", authoring.CloneOf(test.source, test.called))
		if err != nil {
			t.Fatal(err)
		}
		for column, want := range schematest.Row(values{
			"msdyn_name": test.want, "msdyn_definition": mail(test.task), "msdyn_description": "D", "msdyn_sequenceexitcriterion": `{"segue":1,"replied":true}`,
			"msdyn_assignsequencetype": int64(2), "statecode": int64(0), "msdyn_version": int64(1), "msdyn_type": int64(0),
		}) {
			if got := made.Columns()[column]; got != want {
				t.Errorf("%s: %v, want %v", column, got, want)
			}
		}
		if err := w.Activate(made.ID); err != nil {
			t.Error(err)
		}
	}
}
