package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// strangers puts leads into a store whose segment was not active when they came.
func (s *parkedStore) strangers(leads int) (segment string) {
	s.t.Helper()
	segment = salestest.ID("segment", 1)
	s.conditions(salestest.Where(salestest.Web))
	s.write(name.Segment, segment, salestest.Values{"statecode": int64(1)})
	s.settle()
	table := s.laptop.DB.Schema().Table(name.Lead)
	for from := 0; from < leads; from += 50 {
		tx := s.laptop.DB.Begin("")
		for n := from; n < min(from+50, leads); n++ {
			tx.Create(table, salestest.ID("stranger", n), map[string]schema.Value{
				"subject": schema.Text("A"), "lastname": schema.Text("B"), name.Statecode: schema.Int(0), name.Statuscode: schema.Int(1),
				salestest.Sources: schema.Int(int64(7 + n%2)),
			})
		}
		if err := tx.Commit(s.t.Context()); err != nil {
			s.t.Fatal(err)
		}
	}
	s.settle()
	s.write(name.Segment, segment, salestest.Values{"statecode": int64(0)})
	s.settle()
	return segment
}

// members is how many leads are in a segment.
func (s *parkedStore) members(segment string) int {
	s.t.Helper()
	found := 0
	for lead, err := range query.New(s.laptop.DB).Each(s.t.Context(), query.Query{Table: s.laptop.DB.Schema().Table(name.Lead)}) {
		if err != nil {
			s.t.Fatal(err)
		}
		if lead.Lookup(name.MsdynSegmentid).ID == segment {
			found++
		}
	}
	return found
}

// The command does the same on the store itself and through a server.
func TestBackfill(t *testing.T) {
	for way, open := range eachWay() {
		for _, table := range []string{"", name.Lead} {
			t.Run(fmt.Sprintf("%s, table %q", way, table), func(t *testing.T) {
				const leads = 40
				s := newParkedStore(t, 0)
				segment := s.strangers(leads)
				if got := s.members(segment); got > 0 {
					t.Fatalf("%d leads are members before", got)
				}
				work := open(s)
				if _, served := work.(served); served {
					s.live()
				}
				command := &backfillCommand{Segment: segment}
				if table != "" {
					command = &backfillCommand{Table: table}
				}
				if err := command.run(t.Context(), work); err != nil {
					t.Fatal(err)
				}
				if got := s.members(segment); got != leads/2 {
					t.Errorf("%d leads are members, want %d", got, leads/2)
				}
				for _, wrong := range []*backfillCommand{{Segment: salestest.ID("segment", 7)}, {Segment: "x"}, {Table: "task"}} {
					if err := wrong.run(t.Context(), work); err == nil {
						t.Errorf("%+v is accepted", wrong)
					}
				}
			})
		}
	}
}

// live follows changes and works on jobs as a server does, until the test ends.
func (s *parkedStore) live() {
	running, stop := context.WithCancel(s.t.Context())
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := s.laptop.Feed.Consume(running, consumer, s.laptop.Changes); err != nil {
			s.t.Error(err)
		}
	})
	parts.Go(func() { s.laptop.Local.Run(running, jobWorkers, s.laptop.Tasks()) })
	s.t.Cleanup(func() {
		stop()
		parts.Wait()
	})
}

// A job that is cancelled says so, and goes on when it is resumed.
func TestBackfillCancel(t *testing.T) {
	s := newParkedStore(t, 0)
	segment := s.strangers(10)
	work := direct{s.laptop, false}
	id, err := work.backfill(t.Context(), segment, "")
	if err != nil {
		t.Fatal(err)
	}
	if err := (&backfillCommand{Cancel: id}).run(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	if err := followJob(t.Context(), work, id); err == nil || !strings.Contains(err.Error(), "cancelled") {
		t.Errorf("it ends with %v", err)
	}
	if got := s.members(segment); got > 0 {
		t.Errorf("%d leads are members", got)
	}
	if err := (&backfillCommand{Resume: id}).run(t.Context(), work); err != nil {
		t.Fatal(err)
	}
	if got := s.members(segment); got != 5 {
		t.Errorf("%d leads are members, want 5", got)
	}
}

// A backfill of a server that is killed twice goes on with the next one, and comes to what
// one comes to that nothing happens to: each record is in its segment, and connected once.
func TestKillServerDuringBackfill(t *testing.T) {
	const leads = 4000
	s := newParkedStore(t, 0)
	segment := s.strangers(leads)
	sequence := salestest.ID("sequence", 1)
	s.write(name.Sequence, sequence, salestest.Values{
		"msdyn_name": "Call", "msdyn_regardingentityname": "lead", "msdyn_definition": salestest.Steps,
	})
	s.write(name.Sequence, sequence, salestest.Values{"statecode": int64(1)})
	s.write(name.Segment, salestest.ID("segment", 1), salestest.Values{"msdyn_sequence": salestest.Link(name.Sequence, sequence)})
	if err := s.laptop.Close(); err != nil {
		t.Fatal(err)
	}
	data, addr := s.program.Data, freeAddr(t)
	id := ""
	for stop := range 3 {
		server := startServer(t, data, addr)
		work, err := s.program.failures(t.Context(), "http://"+addr)
		if err != nil {
			t.Fatal(err)
		}
		if id == "" {
			if id, err = work.backfill(t.Context(), "", name.Lead); err != nil {
				t.Fatal(err)
			}
		}
		job := waitForChanges(t, work, id, int64(stop+1)*leads/8)
		if stop < 2 && job.State.Open() {
			server.kill(t)
			continue
		}
		if stop < 2 {
			t.Fatalf("it was too fast to be killed: %+v", job)
		}
		if err := followJob(t.Context(), work, id); err != nil {
			t.Fatal(err)
		}
		server.kill(t)
	}
	var err error
	if s.laptop, err = s.program.place().Open(t.Context(), startLog(slog.LevelError)); err != nil {
		t.Fatal(err)
	}
	s.settle()
	checkConnected(t, s, segment, leads/2)
}

// waitForChanges waits until a job tells that it has changed so many rows, or has ended.
func waitForChanges(t *testing.T, work failures, id string, changed int64) jobRow {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		job, err := work.job(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		if job.Changed >= changed || !job.State.Open() {
			return job
		}
	}
	t.Fatalf("job %s does not come to %d changes", id, changed)
	return jobRow{}
}

// checkConnected checks that half of the leads are members, each with one target.
func checkConnected(t *testing.T, s *parkedStore, segment string, want int) {
	t.Helper()
	db := s.laptop.DB
	targets := map[string]int{}
	for target, err := range query.New(db).Each(t.Context(), query.Query{Table: db.Schema().Table(name.SequenceTarget)}) {
		if err != nil {
			t.Fatal(err)
		}
		targets[target.Lookup(name.MsdynTarget).ID]++
	}
	if got := s.members(segment); got != want || len(targets) != want {
		t.Errorf("%d members and %d connected leads, want %d", got, len(targets), want)
	}
	for n := range 2 * want {
		ref := rows.Ref{Table: name.Lead, ID: salestest.ID("stranger", n)}
		lead, err := s.laptop.Entities.Retrieve(t.Context(), sales.Engine(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if member := n%2 == 1; lead.Is(name.SegueConnected) != member || (targets[ref.ID] == 1) != member {
			t.Errorf("lead %d: connected %t, %d targets", n, lead.Is(name.SegueConnected), targets[ref.ID])
		}
	}
}
