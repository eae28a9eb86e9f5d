package tracking_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/sales/tracking"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// client is whoever keeps a copy of all leads by lists of changes.
type client struct {
	t    *testing.T
	w    *salestest.World
	log  *tracking.Log
	at   tracking.Cursor
	copy map[string]string // subjects
}

// newClient reads the whole list.
func newClient(t *testing.T, w *salestest.World) *client {
	t.Helper()
	c := &client{t: t, w: w, log: tracking.New(w.DB), copy: map[string]string{}}
	c.at = c.log.Start(c.table())
	c.copy = c.truth()
	return c
}

func (c *client) table() *schema.Table { return c.w.DB.Schema().Table(name.Lead) }

// truth is all leads as they are.
func (c *client) truth() map[string]string {
	c.t.Helper()
	all := map[string]string{}
	for _, p := range rows.ListPartitions(c.table()) {
		for after := ""; ; {
			part, err := c.w.DB.Read(c.t.Context(), c.table(), p, after, 0)
			if err != nil {
				c.t.Fatal(err)
			}
			for _, row := range part.Rows {
				all[row.ID] = row.Text(name.Subject)
			}
			if after = part.Next; after == "" {
				break
			}
		}
	}
	return all
}

// sync reads the changes in pages of a size. Each cursor goes through its token.
func (c *client) sync(limit int) {
	c.t.Helper()
	removing := false
	for more := true; more; {
		at, err := c.log.Resume(c.table(), c.at.Token())
		if err != nil {
			c.t.Fatal(err)
		}
		page, err := c.log.Read(c.t.Context(), c.w.Entities, sales.Engine(), c.table(), at, limit)
		if err != nil {
			c.t.Fatal(err)
		}
		if size := len(page.Rows) + len(page.Removed); size > limit {
			c.t.Errorf("a page of %d; the limit is %d", size, limit)
		} else if len(page.Rows) > 1 && rand.IntN(3) == 0 {
			page.Cut(1 + rand.IntN(len(page.Rows)))
		}
		if removing && len(page.Rows) > 0 {
			c.t.Error("changed rows come after removals")
		}
		for _, row := range page.Rows {
			c.copy[row.ID] = row.Text(name.Subject)
		}
		for _, removal := range page.Removed {
			removing = true
			delete(c.copy, removal.ID)
		}
		more, c.at = page.More, page.Next
	}
}

// agree compares the copy with what there is.
func (c *client) agree() {
	c.t.Helper()
	truth := c.truth()
	for id, subject := range truth {
		if got, ok := c.copy[id]; !ok || got != subject {
			c.t.Errorf("lead %s is %q (%t) in the copy, %q in the store", id, got, ok, subject)
		}
	}
	for id := range c.copy {
		if _, ok := truth[id]; !ok {
			c.t.Errorf("lead %s is in the copy and not in the store", id)
		}
	}
}

// newWorld is a world on an embedded store with a clock that the test moves.
func newWorld(t *testing.T) (*salestest.World, *clock.Manual) {
	t.Helper()
	c := clock.NewManual(salestest.Now())
	return salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(c)), c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}}), c
}

// write makes, changes or deletes one of 40 leads.
func write(w *salestest.World, random *rand.Rand) error {
	ref := rows.Ref{Table: name.Lead, ID: salestest.ID("lead", random.IntN(40))}
	if random.IntN(4) == 0 {
		err := w.Entities.Delete(context.Background(), sales.Engine(), ref, entity.If{})
		if errors.Is(err, sales.NotFound) {
			return nil
		}
		return err
	}
	values := map[string]schema.Value{name.Subject: schema.Text(fmt.Sprint("subject ", random.Int()))}
	_, _, err := w.Entities.Update(context.Background(), sales.Engine(), ref, values, entity.If{})
	return err
}

// Whatever is written, repeated, delivered late or in another order: a copy that is kept
// by lists of changes becomes what there is.
func TestCopy(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 1))
			w, now := newWorld(t)
			for range 50 {
				if err := write(w, random); err != nil {
					t.Fatal(err)
				}
			}
			early := w.Fresh() // committed before the first list, followed after it
			client := newClient(t, w)
			var undelivered []store.Change
			undelivered = append(undelivered, early...)
			for range 12 {
				for range random.IntN(30) {
					if err := write(w, random); err != nil {
						t.Fatal(err)
					}
				}
				undelivered = append(undelivered, w.Fresh()...)
				batch := slices.Clone(undelivered)
				if random.IntN(2) == 0 { // the others come later, or again
					batch = batch[:random.IntN(len(batch)+1)]
				}
				if random.IntN(2) == 0 {
					random.Shuffle(len(batch), func(i, j int) { batch[i], batch[j] = batch[j], batch[i] })
				}
				if failures := w.Changes(t.Context(), batch); len(failures) > 0 {
					t.Fatal(failures)
				}
				now.Advance(time.Duration(random.IntN(300)) * time.Second)
				client.sync(1 + random.IntN(20))
			}
			if failures := w.Changes(t.Context(), undelivered); len(failures) > 0 {
				t.Fatal(failures)
			}
			client.sync(1 + random.IntN(20))
			client.agree()
		})
	}
}

// The same while others write and changes are followed at the same time.
func TestCopy_UnderWriters(t *testing.T) {
	w, _ := newWorld(t)
	client := newClient(t, w)
	done := make(chan struct{})
	var writers sync.WaitGroup
	for n := range 3 {
		writers.Go(func() {
			random := rand.New(rand.NewPCG(uint64(n), 2))
			for range 100 {
				if err := write(w, random); err != nil && !sales.Transient(err) {
					t.Error(err)
				}
			}
		})
	}
	go func() { writers.Wait(); close(done) }()
	for writing := true; writing; {
		select {
		case <-done:
			writing = false
		default:
		}
		if failures := w.Changes(t.Context(), w.Fresh()); len(failures) > 0 {
			t.Fatal(failures)
		}
		client.sync(7)
	}
	if failures := w.Changes(t.Context(), w.Fresh()); len(failures) > 0 {
		t.Fatal(failures)
	}
	client.sync(7)
	client.agree()
}

// A put that fails, or whose response is lost, makes the change come again.
func TestCopy_Faults(t *testing.T) {
	for _, fault := range []probe.Fault{probe.Before, probe.After} {
		w, _ := newWorld(t)
		client := newClient(t, w)
		random := rand.New(rand.NewPCG(3, 3))
		for range 30 {
			if err := write(w, random); err != nil {
				t.Fatal(err)
			}
		}
		batch := w.Fresh()
		w.Probe.Inject(func(call probe.Call) probe.Fault {
			if call.Method == probe.Write && rows.RefOf(call.Keys[0]).Table == name.TrackedChange {
				if random.IntN(3) == 0 {
					return fault
				}
			}
			return probe.None
		})
		tries := 0
		for {
			failures := w.Changes(t.Context(), batch)
			if len(failures) == 0 {
				break
			}
			if !errors.Is(failures[0].Err, store.ErrUnavailable) || tries > 200 {
				t.Fatal(failures[0].Err)
			}
			batch = batch[failures[0].Index:] // as a feed does, more than is needed
			tries++
		}
		if tries == 0 {
			t.Error("nothing failed")
		}
		w.Probe.Inject(nil)
		client.sync(100)
		client.agree()
	}
}

// What is logged costs one put of one item for each row of a batch, and nothing for
// tables that do not track.
func TestCost(t *testing.T) {
	w, _ := newWorld(t)
	for n := range 5 {
		w.Lead(n, nil)
		if _, err := w.Entities.Create(t.Context(), sales.Engine(), name.Account, "", map[string]schema.Value{name.Name: schema.Text("A")}); err != nil {
			t.Fatal(err)
		}
	}
	batch := w.Fresh()
	batch = append(batch, batch...)
	w.Probe.Reset()
	if failures := w.Changes(t.Context(), batch); len(failures) > 0 {
		t.Fatal(failures)
	}
	if n := w.Probe.Counts(); n.Writes != 5 || n.Transactions != 0 || n.WriteUnits != 5 || n.IndexUnits != 0 {
		t.Errorf("%+v, want 5 puts of 5 units", n)
	}
}

// A token is good for the table that it came with, and for seven days.
func TestResume(t *testing.T) {
	w, now := newWorld(t)
	log := tracking.New(w.DB)
	lead, opportunity := w.DB.Schema().Table(name.Lead), w.DB.Schema().Table(name.Opportunity)
	token := log.Start(lead).Token()
	for _, bad := range []string{"", "x", "!", token[1:], "eyJ0IjoibGVhZCJ9x", "eyJ0IjoibGVhZCIsInMiOjk5fQ"} {
		if _, err := log.Resume(lead, bad); !errors.Is(err, tracking.ErrBadToken) && !errors.Is(err, tracking.ErrExpired) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	if _, err := log.Resume(opportunity, token); !errors.Is(err, tracking.ErrBadToken) {
		t.Errorf("of another table: %v", err)
	}
	now.Advance(tracking.Life)
	if _, err := log.Resume(lead, token); err != nil {
		t.Errorf("after seven days: %v", err)
	}
	now.Advance(time.Second)
	if _, err := log.Resume(lead, token); !errors.Is(err, tracking.ErrExpired) {
		t.Errorf("later: %v", err)
	}
}
