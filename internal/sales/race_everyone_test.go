package sales_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// TestEveryone lets users connect, disconnect, work on steps, assign, close and
// change the same few leads, and deactivate and activate one of two sequences,
// while all changes are followed.
func TestEveryone(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) { everyone(t, on.Open(t), 2*time.Second, 100) })
}

func everyone(t *testing.T, store changeStore, limit time.Duration, calls int) {
	const goroutines, records = 16, 4
	j := &journal{ChangeStore: store}
	w := newWorldOn(t, j, salestest.Now, boot.Options{})
	w.Territory()
	for n := range 3 {
		w.User(n)
	}
	for n := range records {
		w.Lead(n, nil)
	}
	w.Parts = w.Plain(boot.Options{})
	until, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	follow := make(chan struct{})
	var ended atomic.Bool
	go func() {
		defer close(follow)
		for !ended.Load() {
			if err := w.TrySettle(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	var done atomic.Int64
	crowd(goroutines, func(worker int) {
		u := user{w.Parts, t.Context(), rand.New(rand.NewPCG(5, uint64(worker)))}
		for n := 0; n < calls && until.Err() == nil; n++ {
			switch err := u.act(id("lead", u.random.IntN(records))); {
			case err == nil:
				done.Add(1)
			case !errors.Is(err, sales.Precondition) && !errors.Is(err, sales.Unavailable):
				t.Error(err)
			}
		}
	})
	ended.Store(true)
	<-follow
	t.Logf("%d things done", done.Load())
	if done.Load() == 0 {
		t.Error("nothing happened")
	}
	w.Settle()
	w.Sound(true)
	for _, problem := range j.Broken() {
		t.Error(problem)
	}
}

// user does something by chance.
type user struct {
	*boot.Parts
	ctx    context.Context //nolint:containedctx // one test long
	random *rand.Rand
}

func (u user) act(lead string) error {
	ref := rows.Ref{Table: "lead", ID: lead}
	set := func(ref rows.Ref, v values) error {
		_, _, err := u.Entities.Update(u.ctx, manager(), ref, schematest.Row(v), entity.If{Exists: true})
		return err
	}
	if u.random.IntN(40) == 0 {
		return set(rows.Ref{Table: "msdyn_sequence", ID: id("sequence", 1)}, values{"statecode": int64(u.random.IntN(2))})
	}
	switch u.random.IntN(8) {
	case 0:
		_, err := u.Connections.Connect(u.ctx, manager(), connection.Request{Record: ref, Sequence: name.SequenceID(id("sequence", 1+u.random.IntN(2)))})
		return err
	case 1:
		_, err := u.Connections.Disconnect(u.ctx, manager(), ref, "")
		return err
	case 2:
		return set(ref, values{"statecode": int64(2 * u.random.IntN(2))})
	case 3:
		return set(ref, values{"ownerid": schema.Lookup{Table: "systemuser", ID: id("user", u.random.IntN(3))}})
	case 4:
		return set(ref, values{sources: int64(7 + u.random.IntN(2)), quality: int64(1 + u.random.IntN(2))})
	}
	record, err := u.Entities.Retrieve(u.ctx, manager(), ref)
	if err != nil {
		return err
	}
	for _, target := range guardOf(record.Text("segue_live")) {
		row, err := u.Entities.Retrieve(u.ctx, manager(), rows.Ref{Table: "msdyn_sequencetarget", ID: target})
		if err != nil {
			return err
		}
		step := rows.Ref{Table: "msdyn_sequencetargetstep", ID: row.Lookup("segue_currentstep").ID}
		if u.random.IntN(3) == 0 {
			return set(step, values{"msdyn_description": "Ask for the budget"})
		}
		return set(step, values{"statuscode": int64(3)})
	}
	return nil
}
