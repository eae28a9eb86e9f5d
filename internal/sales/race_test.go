package sales_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// TestRace lets 64 goroutines connect and disconnect the same 10 records.
func TestRace(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		limit := 2 * time.Second
		if on.Remote {
			limit = 5 * time.Second
		}
		race(t, on.Open(t), limit, 100)
	})
}

// race goes on until each goroutine has made that many calls, or for that long.
func race(t *testing.T, store changeStore, limit time.Duration, calls int) {
	const goroutines, records = 64, 10
	j := &journal{ChangeStore: store}
	w := newWorldOn(t, j, salestest.Now, boot.Options{})
	sequences := []string{w.Sequence(1, "lead"), w.Sequence(2, "lead")}
	for n := range records {
		w.Lead(n, nil)
	}
	service := w.Plain(boot.Options{})
	var connects, disconnects, refused, busy atomic.Int64
	until, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	crowd(goroutines, func(worker int) {
		random := rand.New(rand.NewPCG(3, uint64(worker)))
		for n := 0; n < calls && until.Err() == nil; n++ {
			ref := rows.Ref{Table: "lead", ID: id("lead", random.IntN(records))}
			var err error
			if random.IntN(2) == 0 {
				in := connection.Request{Record: ref, Sequence: name.SequenceID(sequences[random.IntN(2)])}
				var made connection.Connection
				if made, err = service.Connections.Connect(t.Context(), manager(), in); err == nil && !made.Already {
					connects.Add(1)
				}
			} else {
				var ended int
				ended, err = service.Connections.Disconnect(t.Context(), manager(), ref, "")
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
	w.Settle()
	w.Sound(true)
	for _, problem := range j.Broken() {
		t.Error(problem)
	}
	live := 0
	for _, target := range w.Audit().Targets {
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
	onBoth(t, func(t *testing.T, on place) {
		connects := 500
		if on.Remote {
			connects = 200
		}
		for _, end := range []string{"deactivate", "delete"} {
			t.Run(end, func(t *testing.T) { endInTheMiddle(t, on.Open(t), connects, end == "delete", false) })
		}
	})
}

// The same when another process connects, which learns of the end later: it uses
// a definition for sales.Freshness.
func TestEndInTheMiddleElsewhere(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) { endInTheMiddle(t, on.Open(t), 200, false, true) })
}

func endInTheMiddle(t *testing.T, store changeStore, connects int, deletes, elsewhere bool) {
	options := boot.Options{}
	if elsewhere {
		options.Freshness.For = 20 * time.Millisecond
	}
	j := &journal{ChangeStore: store}
	w := newWorldOn(t, j, salestest.Now, options)
	seq := w.Sequence(1, "lead")
	service := w.Plain(options)
	w.Parts = service // this process
	if elsewhere {
		service = w.Plain(options)
	}
	crowd(16, func(worker int) {
		for n := worker; n < connects; n += 16 {
			if _, err := w.Entities.Create(t.Context(), manager(), "lead", id("lead", n), schematest.Row(values{"subject": "Topic", "lastname": fmt.Sprint(n)})); err != nil {
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
			if err := w.TrySettle(); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	crowd(16, func(int) {
		for n := next.Add(1); n <= int64(connects); n = next.Add(1) {
			if n == int64(connects/2) {
				w.EndSequence(seq, deletes)
				continue
			}
			_, err := service.Connections.Connect(t.Context(), manager(), connection.Request{Record: rows.Ref{Table: "lead", ID: id("lead", int(n))}, Sequence: name.SequenceID(seq)})
			switch {
			case err == nil:
				made.Add(1)
			case !errors.Is(err, sales.Precondition) && !errors.Is(err, sales.NotFound):
				t.Error(err)
			}
		}
	})
	// The end has been answered, so nobody connects from here on.
	last := connection.Request{Record: rows.Ref{Table: "lead", ID: id("lead", connects/2)}, Sequence: name.SequenceID(seq)}
	if _, err := service.Connections.Connect(t.Context(), manager(), last); !errors.Is(err, sales.Precondition) && !errors.Is(err, sales.NotFound) {
		t.Errorf("connect when the end had been answered: %v", err)
	}
	ended.Store(true)
	<-follow
	w.Settle()
	w.Sound(true)
	for _, problem := range j.Broken() {
		t.Error(problem)
	}
	a := w.Audit()
	t.Logf("%d of %d records were connected before or while the sequence ended", made.Load(), connects)
	if len(a.Targets) != int(made.Load()) || int(made.Load()) < connects/4 {
		t.Errorf("%d connects were answered and there are %d targets", made.Load(), len(a.Targets))
	}
	for id, target := range a.Targets {
		if target.Int("statecode") == 0 {
			t.Errorf("target %s lives", id)
		}
	}
	if there := a.Sequences[seq] != nil; there == deletes {
		t.Errorf("the sequence is there: %v", there)
	}
}
