package rows_test

import (
	"testing"

	"segue/internal/rows"
	"segue/internal/schema"
)

// Rows say who acted for the user that wrote them last, however they are written.
func TestStampsOfWhoActs(t *testing.T) {
	f := newFixture(t)
	acted, self := rows.By{User: "ann", Actor: "admin"}, rows.By{User: "ann"}
	ref := rows.Ref{Table: "lead", ID: "1"}
	write := func(by rows.By, work func(tx *rows.Tx)) {
		t.Helper()
		if err := f.DoBy(t.Context(), by, func(tx *rows.Tx) error { work(tx); return nil }); err != nil {
			t.Fatal(err)
		}
	}
	set := func(subject string) func(tx *rows.Tx) {
		return func(tx *rows.Tx) { load(t, tx, ref).Set("subject", schema.Text(subject)) }
	}
	patch := func(subject string) func(tx *rows.Tx) {
		return func(tx *rows.Tx) {
			tx.Patch(f.Table("lead"), ref.ID, values{"subject": schema.Text(subject)}, nil)
		}
	}
	for _, step := range []struct {
		name              string
		by                rows.By
		work              func(tx *rows.Tx)
		created, modified string
	}{
		{"created by one who acts", acted, func(tx *rows.Tx) { tx.Create(f.Table("lead"), ref.ID, values{"subject": schema.Text("0")}) }, "admin", "admin"},
		{"changed", self, set("1"), "admin", ""},
		{"patched by one who acts", acted, patch("2"), "admin", "admin"},
		{"patched", self, patch("3"), "admin", ""},
		{"changed by one who acts", acted, set("4"), "admin", "admin"},
		{"changed by the engine", rows.By{}, set("5"), "admin", "admin"},
	} {
		write(step.by, step.work)
		row := f.Row(t, ref)
		if c, m := row.Lookup("createdonbehalfby").ID, row.Lookup("modifiedonbehalfby").ID; c != step.created || m != step.modified {
			t.Errorf("%s: created on behalf by %q, modified by %q", step.name, c, m)
		}
		if c, m := row.Lookup("createdby").ID, row.Lookup("modifiedby").ID; c != "ann" || m != "ann" {
			t.Errorf("%s: created by %q, modified by %q", step.name, c, m)
		}
	}
}
