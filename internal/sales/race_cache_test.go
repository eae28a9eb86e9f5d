package sales_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"testing"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// slowStore lets things happen just before or just after a write of its choice
// is applied, while the writer waits for it.
type slowStore struct {
	salestest.ChangeStore
	name          string // table of the write
	before, after func()
}

func (s *slowStore) Inner() salestest.ChangeStore { return s.ChangeStore }

func (s *slowStore) Write(ctx context.Context, ops ...store.Op) error {
	var before, after func()
	if slices.ContainsFunc(ops, func(op store.Op) bool { return tableOf(op.Key) == s.name }) {
		before, after, s.before, s.after = s.before, s.after, nil, nil // once
	}
	if before != nil {
		before()
	}
	err := s.ChangeStore.Write(ctx, ops...)
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
			store := &slowStore{ChangeStore: salestest.OpenEmbedded(t, embed.NoSync()), name: "msdyn_sequencetarget"}
			w := newWorldOn(t, store, salestest.Now, boot.Options{})
			seq := w.Sequence(1, "lead")
			lead := w.Lead(1, nil)
			w.Settle()
			store.before = func() {
				w.EndSequence(seq, deletes)
				w.Settle()
			}
			w.ConnectOnly(lead, seq)
			w.Settle()
			w.Sound(true)
			if w.Row("lead", lead.ID).Is("segue_connected") {
				t.Error("the lead is connected to a sequence that has ended")
			}
		})
	}
}

// Between the commit that deactivates a sequence and the moment when its process
// forgets the old definition, all change records are followed and a record is
// connected: it may not stay connected.
func TestConnectByADefinitionJustReplaced(t *testing.T) {
	store := &slowStore{ChangeStore: salestest.OpenEmbedded(t, embed.NoSync()), name: "msdyn_sequence"}
	w := newWorldOn(t, store, salestest.Now, boot.Options{})
	seq := w.Sequence(1, "lead")
	w.Connect(w.Lead(1, nil), seq)
	lead := w.Lead(2, nil)
	w.Settle()
	store.after = func() {
		w.Settle()
		_, err := w.Connections.Connect(t.Context(), manager(), connection.Request{Record: lead, Sequence: name.SequenceID(seq)})
		t.Logf("connect: %v", err) // either answer will do
		w.Settle()
	}
	w.Update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.Settle()
	w.Sound(true)
}

// The same of a segment that is deleted: no record may keep a link to it.
func TestEnterASegmentJustDeleted(t *testing.T) {
	store := &slowStore{ChangeStore: salestest.OpenEmbedded(t, embed.NoSync()), name: "msdyn_segment"}
	w := newWorldOn(t, store, salestest.Now, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	w.Lead(1, values{sources: int64(8)})
	w.Settle()
	store.after = func() {
		w.Settle()
		w.Lead(2, values{sources: int64(8)})
		w.Settle()
	}
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: seg}, entity.If{}); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	for n := 1; n <= 2; n++ {
		if in := w.Row("lead", id("lead", n)).Lookup("msdyn_segmentid"); in.ID != "" {
			t.Errorf("lead %d is in segment %s, which is deleted", n, in.ID)
		}
	}
}

// Requests for ids that are not there leave nothing in memory.
func TestUnknownIDsLeaveNothing(t *testing.T) {
	for _, options := range []boot.Options{{}, aging(clock.NewManual(salestest.Now()))} {
		t.Run(fmt.Sprintf("fresh for %v", options.Freshness.For), func(t *testing.T) {
			w := newWorld(t, options)
			w.Parts = w.Plain(options) // the probe remembers calls
			lead := w.Lead(1, nil)
			ask := func(requests int) uint64 {
				for range requests {
					if err := w.TryConnect(lead, guid.New()); !errors.Is(err, sales.NotFound) {
						t.Fatal(err)
					}
				}
				runtime.GC()
				runtime.GC()
				var memory runtime.MemStats
				runtime.ReadMemStats(&memory)
				return memory.HeapAlloc
			}
			const requests = 20_000
			before := ask(1000)
			if after := ask(requests); after > before+requests*16 {
				t.Errorf("%d bytes a request stay", (after-before)/requests)
			}
		})
	}
}
