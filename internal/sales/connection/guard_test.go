package connection_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/schema"
)

// Ending an old target leaves the guard alone when it names another target for
// the same sequence: that connection lives on.
func TestGuard_NamesAnotherTargetSince(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	target := w.Connect(lead, seq)
	target = w.Finish(w.Finish(target, stepCompleted), stepSkipped)
	guard := `{"` + seq + `":"` + id("target", 2) + `"}`
	w.Corrupt("lead", lead.ID, func(row *rows.Row) { row.Set("segue_live", schema.Text(guard)) })
	w.Finish(target, stepCompleted)
	row := w.Row("lead", lead.ID)
	if got := row.Text("segue_live"); got != guard || !row.Is("segue_connected") {
		t.Errorf("segue_live is %s, connected %t; want %s", got, row.Is("segue_connected"), guard)
	}
}
