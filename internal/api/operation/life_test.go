package operation_test

import (
	"testing"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// A record that the same unit of work deletes cannot be connected.
func TestDo_ConnectOfARecordThatItDeletes(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	w.Lead(1, nil)
	_, err := w.Operations().Do(t.Context(), salestest.Manager(), operation.Delete{Ref: lead(1)}, connect(1, sequence))
	salestest.Refused(t, err, sales.NotFound, lead(1).ID)
	w.Settle()
	if live := w.List("msdyn_sequencetarget", salestest.Values{"statecode": int64(0)}); len(live) > 0 {
		t.Errorf("%d live targets of no record", len(live))
	}
	w.Sound(true)
}

// A sequence that the same unit of work deletes cannot be attached.
func TestDo_AttachOfASequenceThatItDeletes(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Draft(1, salestest.Steps)
	_, err := w.Operations().Do(t.Context(), salestest.Manager(),
		operation.Delete{Ref: rows.Ref{Table: "msdyn_sequence", ID: sequence}},
		operation.Create{Table: "msdyn_segment", ID: salestest.ID("segment", 1), Values: schematest.Row(values{
			"msdyn_name": "S", "msdyn_objecttype": "lead", "msdyn_sequence": salestest.Link("msdyn_sequence", sequence),
		})})
	salestest.Refused(t, err, sales.NotFound, sequence)
}

// The ids of a connection are of one life of its record.
func TestDo_CreateAndConnectAgain(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	create := operation.Create{Table: "lead", ID: lead(2).ID, Values: schematest.Row(values{"subject": "A", "lastname": "B"})}
	for range 2 {
		if _, err := w.Operations().Do(t.Context(), salestest.Manager(), create, connect(2, sequence)); err != nil {
			t.Fatal(err)
		}
		w.Settle()
		w.Remove("lead", lead(2).ID)
		w.Settle()
	}
}

// Each connection of a record has ids of its own, also the one after a connection that
// began and ended in the unit of work that made the record.
func TestDo_CreateConnectAndDisconnect(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	create := operation.Create{Table: "lead", ID: lead(2).ID, Values: schematest.Row(values{"subject": "A", "lastname": "B"})}
	disconnect := operation.Action{Name: "msdyn_DisconnectSequence", Given: call.Arguments{
		"RegardingEntityId": lead(2).ID, "RegardingEntityName": "lead",
	}}
	if _, err := w.Operations().Do(t.Context(), salestest.Manager(), create, connect(2, sequence), disconnect); err != nil {
		t.Fatal(err)
	}
	w.ConnectOnly(lead(2), sequence)
	if n := len(w.List("msdyn_sequencetarget", values{"msdyn_target": salestest.Lookup(lead(2))})); n != 2 {
		t.Errorf("%d targets, want 2", n)
	}
	w.Settle()
	w.Sound(true)
}

// What a unit of work read of a sequence a while ago is not what the cache may hold
// as read now.
func TestConnectIn_DoesNotCacheAnOldSequence(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	w.Lead(1, nil)
	w.Lead(2, nil)
	w.Settle()
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		if _, err := tx.Load(t.Context(), rows.Ref{Table: "msdyn_sequence", ID: sequence}); err != nil {
			return err
		}
		if !tx.Again() {
			w.EndSequence(sequence, false) // somebody else
			w.Settle()
		}
		_, err := w.Connections.ConnectIn(t.Context(), tx, salestest.Manager(), connection.Request{Record: lead(1), Sequence: name.SequenceID(sequence)})
		return err
	})
	t.Logf("connect in the unit of work: %v", err)
	w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(lead(2), sequence) }, "not active")
	w.Settle()
	if live := w.List("msdyn_sequencetarget", salestest.Values{"statecode": int64(0)}); len(live) > 0 {
		t.Errorf("%d live targets of an inactive sequence", len(live))
	}
}

var _ = entity.If{}
