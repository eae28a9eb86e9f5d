package sales_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/store"
)

// slowStore lets things happen just before or just after a write of its choice
// is applied, while the writer waits for it.
type slowStore struct {
	changeStore
	name          string // table of the write
	before, after func()
}

func (s *slowStore) Write(ctx context.Context, ops ...store.Op) error {
	var before, after func()
	if slices.ContainsFunc(ops, func(op store.Op) bool { return tableOf(op.Key) == s.name }) {
		before, after, s.before, s.after = s.before, s.after, nil, nil // once
	}
	if before != nil {
		before()
	}
	err := s.changeStore.Write(ctx, ops...)
	if after != nil && err == nil {
		after()
	}
	return err
}

// While a connection is about to be written, its sequence is deactivated, or
// deleted, and all that follows from that is done: the connection may not stay.
func TestConnectWhileTheSequenceEnds(t *testing.T) {
	for _, deletes := range []bool{false, true} {
		t.Run(fmt.Sprintf("deleted %v", deletes), func(t *testing.T) {
			store := &slowStore{changeStore: openEmbedded(t, embed.NoSync()), name: "msdyn_sequencetarget"}
			w := newWorldOn(t, store, clock, sales.Options{})
			seq := w.sequence(1, "lead")
			lead := w.lead(1, nil)
			w.settle()
			store.before = func() {
				w.endSequence(seq, deletes)
				w.settle()
			}
			w.connectOnly(lead)
			w.settle()
			w.sound(true)
			if w.row("lead", lead.ID).Is("segue_connected") {
				t.Error("the lead is connected to a sequence that has ended")
			}
		})
	}
}

// Between the commit that deactivates a sequence and the moment when its process
// forgets the old definition, all change records are followed and a record is
// connected: it may not stay connected.
func TestConnectByADefinitionJustReplaced(t *testing.T) {
	store := &slowStore{changeStore: openEmbedded(t, embed.NoSync()), name: "msdyn_sequence"}
	w := newWorldOn(t, store, clock, sales.Options{})
	seq := w.sequence(1, "lead")
	w.connect(w.lead(1, nil), seq)
	lead := w.lead(2, nil)
	w.settle()
	store.after = func() {
		w.settle()
		_, err := w.Connect(t.Context(), manager(), sales.ConnectInput{Record: lead, Sequence: seq})
		t.Logf("connect: %v", err) // either answer will do
		w.settle()
	}
	w.update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.settle()
	w.sound(true)
}

// The same of a segment that is deleted: no record may keep a link to it.
func TestEnterASegmentJustDeleted(t *testing.T) {
	store := &slowStore{changeStore: openEmbedded(t, embed.NoSync()), name: "msdyn_segment"}
	w := newWorldOn(t, store, clock, sales.Options{})
	seg := w.segment(1, web, "", nil)
	w.lead(1, values{sources: int64(8)})
	w.settle()
	store.after = func() {
		w.settle()
		w.lead(2, values{sources: int64(8)})
		w.settle()
	}
	if err := w.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: seg}, sales.If{}); err != nil {
		t.Fatal(err)
	}
	w.settle()
	for n := 1; n <= 2; n++ {
		if in := w.row("lead", id("lead", n)).Lookup("msdyn_segmentid"); in.ID != "" {
			t.Errorf("lead %d is in segment %s, which is deleted", n, in.ID)
		}
	}
}
