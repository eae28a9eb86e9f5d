package sales_test

import (
	"context"
	"testing"

	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/table"
)

// slowStore does something after a commit of its choice and before the writer
// learns that it has committed.
type slowStore struct {
	changeStore
	meanwhile func(ops []table.Op)
}

func (s *slowStore) Write(ctx context.Context, ops ...table.Op) error {
	err := s.changeStore.Write(ctx, ops...)
	if s.meanwhile != nil && err == nil {
		s.meanwhile(ops)
	}
	return err
}

// once makes a store do something after its next commit that writes a table.
func (s *slowStore) once(name string, do func()) {
	s.meanwhile = func(ops []table.Op) {
		for _, op := range ops {
			if tableOf(op.Key) == name {
				s.meanwhile = nil
				do()
				return
			}
		}
	}
}

// Between the commit that deactivates a sequence and the moment when its process
// forgets the old definition, all change records are followed and a record is
// connected: it may not stay connected.
func TestConnectByADefinitionJustReplaced(t *testing.T) {
	store := &slowStore{changeStore: openEmbedded(t, embed.NoSync())}
	w := newWorldOn(t, store, clock, sales.Options{})
	seq := w.sequence(1, "lead")
	w.connect(w.lead(1, nil), seq)
	lead := w.lead(2, nil)
	w.settle()
	store.once("msdyn_sequence", func() {
		w.settle()
		_, err := w.Connect(t.Context(), manager(), sales.ConnectInput{Record: lead, Sequence: seq})
		t.Logf("connect: %v", err)
		w.settle()
	})
	w.update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.settle()
	w.sound(true)
}

// The same of a segment that is deleted: no record may keep a link to it.
func TestEnterASegmentJustDeleted(t *testing.T) {
	store := &slowStore{changeStore: openEmbedded(t, embed.NoSync())}
	w := newWorldOn(t, store, clock, sales.Options{})
	seg := w.segment(1, web, "", nil)
	w.lead(1, values{sources: int64(8)})
	w.settle()
	store.once("msdyn_segment", func() {
		w.settle()
		w.lead(2, values{sources: int64(8)})
		w.settle()
	})
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
