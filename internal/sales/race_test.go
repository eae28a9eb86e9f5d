package sales_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// crowd runs do n times at once and waits for all.
func crowd(n int, do func(worker int)) {
	var wg sync.WaitGroup
	for worker := range n {
		wg.Go(func() { do(worker) })
	}
	wg.Wait()
}

// plain is the service of another process on the world's store, without the
// probe, which would read before every write.
func (w *world) plain(options sales.Options) *sales.Service {
	return sales.New(rows.New(w.store, w.DB().Schema(), clock), options)
}

// TestRace lets 64 goroutines connect and disconnect the same 10 records.
func TestRace(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		limit := 2 * time.Second
		if t.Name() != "TestRace/embedded" {
			limit = 5 * time.Second
		}
		race(t, open(t), limit, 100)
	})
}

// race goes on until each goroutine has made that many calls, or for that long.
func race(t *testing.T, store changeStore, limit time.Duration, calls int) {
	const goroutines, records = 64, 10
	j := &journal{changeStore: store}
	w := newWorldOn(t, j, clock, sales.Options{})
	sequences := []string{w.sequence(1, "lead"), w.sequence(2, "lead")}
	for n := range records {
		w.lead(n, nil)
	}
	service := w.plain(sales.Options{})
	var connects, disconnects, refused, busy atomic.Int64
	until, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	crowd(goroutines, func(worker int) {
		random := rand.New(rand.NewPCG(3, uint64(worker)))
		for n := 0; n < calls && until.Err() == nil; n++ {
			ref := rows.Ref{Table: "lead", ID: id("lead", random.IntN(records))}
			var err error
			if random.IntN(2) == 0 {
				in := sales.ConnectInput{Record: ref, Sequence: sequences[random.IntN(2)]}
				var made sales.Connection
				if made, err = service.Connect(t.Context(), manager(), in); err == nil && !made.Already {
					connects.Add(1)
				}
			} else {
				var ended int
				ended, err = service.Disconnect(t.Context(), manager(), ref, "")
				disconnects.Add(int64(ended))
			}
			switch {
			case errors.Is(err, sales.Precondition): // it is on the other sequence
				refused.Add(1)
			case errors.Is(err, sales.Unavailable): // too much at once
				busy.Add(1)
			case err != nil:
				t.Error(err)
			}
		}
	})
	t.Logf("%d connections made, %d ended, %d connects refused, %d calls given up", connects.Load(), disconnects.Load(), refused.Load(), busy.Load())
	if connects.Load() == 0 || disconnects.Load() == 0 {
		t.Error("nothing happened")
	}
	w.settle()
	w.sound(true)
	for _, problem := range j.broken() {
		t.Error(problem)
	}
	live := 0
	for _, target := range w.audit().targets {
		if target.Int("statecode") == 0 {
			live++
		}
	}
	if want := int(connects.Load() - disconnects.Load()); live != want && busy.Load() == 0 {
		t.Errorf("%d live targets, want %d", live, want)
	}
}

// A sequence that is deactivated, or deleted, in the middle of many connects
// ends with no live target when its changes have been followed.
func TestEndInTheMiddle(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		connects := 1000
		if t.Name() != "TestEndInTheMiddle/embedded" {
			connects = 200
		}
		for _, end := range []string{"deactivate", "delete"} {
			t.Run(end, func(t *testing.T) { endInTheMiddle(t, open(t), connects, end == "delete", false) })
		}
	})
}

// The same when another process connects, which learns of the end later: it uses
// a definition for Options.Fresh.
func TestEndInTheMiddleElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) { endInTheMiddle(t, open(t), 200, false, true) })
}

func endInTheMiddle(t *testing.T, store changeStore, connects int, deletes, elsewhere bool) {
	options := sales.Options{}
	if elsewhere {
		options.Fresh = 20 * time.Millisecond
	}
	j := &journal{changeStore: store}
	w := newWorldOn(t, j, clock, options)
	seq := w.sequence(1, "lead")
	service := w.plain(options)
	w.Service = service // this process
	if elsewhere {
		service = w.plain(options)
	}
	crowd(16, func(worker int) {
		for n := worker; n < connects; n += 16 {
			if _, err := w.Create(t.Context(), manager(), "lead", id("lead", n), values{"subject": "Topic", "lastname": fmt.Sprint(n)}); err != nil {
				t.Error(err)
			}
		}
	})
	var next, made atomic.Int64
	var ended atomic.Bool
	follow := make(chan struct{})
	go func() { // follows the changes all the while
		defer close(follow)
		for !ended.Load() && t.Context().Err() == nil {
			if err := w.store.Drain(t.Context(), "evaluate", w.Evaluate); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	crowd(16, func(int) {
		for n := next.Add(1); n <= int64(connects); n = next.Add(1) {
			if n == int64(connects/2) {
				w.endSequence(seq, deletes)
				continue
			}
			_, err := service.Connect(t.Context(), manager(), sales.ConnectInput{Record: rows.Ref{Table: "lead", ID: id("lead", int(n))}, Sequence: seq})
			switch {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, sales.Precondition) && !errors.Is(err, sales.NotFound):
				t.Error(err)
			}
		}
	})
	// The end has been answered, so nobody connects from here on.
	last := sales.ConnectInput{Record: rows.Ref{Table: "lead", ID: id("lead", connects/2)}, Sequence: seq}
	if _, err := service.Connect(t.Context(), manager(), last); !errors.Is(err, sales.Precondition) && !errors.Is(err, sales.NotFound) {
		t.Errorf("connect when the end had been answered: %v", err)
	}
	ended.Store(true)
	<-follow
	w.settle()
	w.sound(true)
	for _, problem := range j.broken() {
		t.Error(problem)
	}
	a := w.audit()
	t.Logf("%d of %d records were connected before or while the sequence ended", made.Load(), connects)
	if len(a.targets) != int(made.Load()) || int(made.Load()) < connects/4 {
		t.Errorf("%d connects were answered and there are %d targets", made.Load(), len(a.targets))
	}
	for id, target := range a.targets {
		if target.Int("statecode") == 0 {
			t.Errorf("target %s lives", id)
		}
	}
	if there := a.sequences[seq] != nil; there == deletes {
		t.Errorf("the sequence is there: %v", there)
	}
}

func (w *world) endSequence(id string, deletes bool) {
	ref := rows.Ref{Table: "msdyn_sequence", ID: id}
	var err error
	if deletes {
		err = w.Delete(w.t.Context(), manager(), ref, sales.If{})
	} else {
		_, _, err = w.Update(w.t.Context(), manager(), ref, map[string]schema.Value{"statecode": int64(0)}, sales.If{})
	}
	if err != nil {
		w.t.Error(err)
	}
}
