package connection_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

func TestSequence_5_1_DeactivatingEndsItsConnections(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, other := w.Sequence(1, "lead"), w.Sequence(2, "lead")
	lead, elsewhere := w.Lead(1, nil), w.Lead(2, nil)
	target := w.Connect(lead, seq)
	w.Connect(elsewhere, other)
	w.Settle()
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	step := w.Step(target)
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_sequencetargetstep", step.ID, values{"statuscode": int64(stepCompleted)})
	}, "has been deactivated")
	w.Refuses(t, sales.Unavailable, func() error { return w.Activate(seq) }, "still ending its connections")
	w.Settle()
	w.Ended(target, disconnected, sequenceGone, stepCancelled)
	w.Member(lead, "", false)
	w.Member(elsewhere, "", true)
	w.Sound(true)
	if err := w.Activate(seq); err != nil {
		t.Error(err)
	}
	w.Connect(lead, seq)
}

func TestSequence_5_1_DeletingAnActiveOneEndsItsConnections(t *testing.T) {
	for name, deactivated := range map[string]bool{"active": false, "being deactivated": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
			ref := rows.Ref{Table: "msdyn_sequence", ID: seq}
			target := w.Connect(lead, seq)
			if deactivated {
				w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
			}
			if err := w.Entities.Delete(t.Context(), manager(), ref, entity.If{}); err != nil {
				t.Fatal(err)
			}
			// Out of sight at once.
			_, err := w.Entities.Retrieve(t.Context(), manager(), ref)
			refused(t, err, sales.NotFound, seq)
			refused(t, w.Entities.Delete(t.Context(), manager(), ref, entity.If{}), sales.NotFound, seq)
			refused(t, w.TryConnect(w.Lead(2, nil), seq), sales.NotFound, seq)
			if found := w.List("msdyn_sequence", values{"msdyn_type": int64(0)}); len(found) != 0 {
				t.Errorf("the list has %v", found[0].Ref())
			}
			w.Settle()
			w.Ended(target, disconnected, sequenceGone, stepCancelled)
			if found, err := w.DB.Get(t.Context(), ref); err != nil || found[0] != nil {
				t.Errorf("it is still there: %v, %v", found[0], err)
			}
			w.Member(lead, "", false)
			w.Sound(true)
		})
	}
}

// A sweep ends more connections than one change record does in one go.
func TestSequence_5_1_DeactivatingManyConnections(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	var records []rows.Ref
	for n := range 600 {
		records = append(records, w.Lead(n, nil))
	}
	if _, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), records, false); err != nil {
		t.Fatal(err)
	}
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Settle()
	if live := w.List("msdyn_sequencetarget", values{"msdyn_parentsequence": link("msdyn_sequence", seq), "statecode": int64(0)}); len(live) > 0 {
		t.Errorf("%d live targets are left", len(live))
	}
	w.Sound(true)
	if err := w.Activate(seq); err != nil {
		t.Error(err)
	}
}

// A sequence that is being deleted is not there for a PATCH either: not a row to
// change, and not one to make while its connections are being ended.
func TestSequence_PatchWhileItIsBeingDeleted(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	w.Connect(lead, seq)
	w.EndSequence(seq, true)
	for _, cond := range []entity.If{{}, {Exists: true}} {
		_, _, err := w.Entities.Update(t.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: seq},
			schematest.Row(values{"msdyn_name": "Again", "msdyn_regardingentityname": "lead"}), cond)
		refused(t, err, sales.NotFound, seq)
	}
}
