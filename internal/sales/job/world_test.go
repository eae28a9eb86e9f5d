package job_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/job"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
	"segue/internal/storetest"

	"github.com/google/go-cmp/cmp"
)

// place is a store with accounts, and the probe that every process uses it through.
type place struct {
	t       testing.TB
	tables  *schema.Schema
	store   store.Store
	probe   *probe.Probe
	time    *clock.Manual
	options job.Options
	mark    hooks
}

// process is a process that works on jobs. It knows nothing but what is in the store.
type process struct {
	*job.Jobs
	db    *rows.DB
	store store.Store // past the probe
	queue *queue.Local
}

// newPlace makes a place with so many accounts. Passes are small, so that a task
// takes several.
func newPlace(t testing.TB, accounts int) *place {
	t.Helper()
	tables := schematest.Tables(t)
	model := storetest.NewModel(rows.Indexes())
	p := &place{
		t: t, tables: tables, store: model, probe: probe.New(model, rows.Indexes()...),
		time:    clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)),
		options: job.Options{Rows: 3, Chunk: 2, AtOnce: 2},
	}
	db := p.begin().db
	for n := range accounts {
		tx := db.Begin("")
		tx.Create(tables.Table(name.Account), accountID(n), map[string]schema.Value{name.Name: schema.Text(fmt.Sprint(n))})
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	p.probe.Reset()
	return p
}

func accountID(n int) string { return guid.Derive("account", fmt.Sprint(n)) }

const jobID name.JobID = "70b00000-0000-4000-8000-000000000001"

// begin starts a process.
func (p *place) begin() *process { return p.beginOn(p.probe) }

// beginOn starts a process that uses the store in its own way.
func (p *place) beginOn(on store.Store) *process {
	db := rows.New(on, p.tables, p.time)
	db.OnMisread(func(err error) { p.t.Error(err) })
	s := &process{db: db, store: p.store, queue: queue.NewLocal(p.time)}
	p.work(s, s.queue)
	p.t.Cleanup(s.queue.Close)
	return s
}

// work makes a process work on jobs whose messages wait in a queue.
func (p *place) work(s *process, q queue.Sender) {
	s.Jobs = job.New(s.db, q, p.time, p.options)
	s.Register("mark", mark{s.db, &p.mark}, job.Settings{})
}

// start begins the job in a unit of work of its own, if it is not there already.
func (p *process) start(ctx context.Context) error {
	return p.db.Do(ctx, "", func(tx *rows.Tx) error {
		return sales.BeginJob(ctx, tx, sales.NewJob{
			ID: jobID, Kind: "mark", Name: "Mark accounts", Argument: "marked",
			Scans: []sales.Scan{{Table: name.Account, Small: true}},
		})
	})
}

// finish works until nothing is left to do.
func (p *process) finish(ctx context.Context) error {
	if err := p.QueueOpen(ctx); err != nil {
		return err
	}
	return p.queue.Drain(ctx, p.Handle)
}

// run begins the job and finishes it.
func (p *process) run(t testing.TB) {
	t.Helper()
	if err := p.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := p.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// whenDue looks after the job, and works until nothing is left to do.
func (p *process) whenDue(t testing.TB) {
	t.Helper()
	if err := p.LookAfter(t.Context(), p.job(t).Row); err != nil {
		t.Fatal(err)
	}
	if err := p.queue.Drain(t.Context(), p.Handle); err != nil {
		t.Fatal(err)
	}
}

// job reads the row of the job.
func (p *process) job(t testing.TB) sales.Job {
	t.Helper()
	found, err := p.db.Get(t.Context(), rows.RefTo(name.Job, jobID))
	if err != nil {
		t.Fatal(err)
	}
	if found[0] == nil {
		t.Fatal("there is no job")
	}
	return sales.Job{Row: found[0]}
}

// mark is a kind of job that writes its argument into the description of accounts.
type mark struct {
	db *rows.DB
	*hooks
}

// hooks are what a test does in between; nil: nothing.
type hooks struct {
	before func(row *rows.Row) error // works on each row
	finish func(tx *rows.Tx) error
	again  func(counts map[string]int64) bool
	skip   func() bool
}

// Prepare implements [sales.JobKind].
func (m mark) Prepare(_ context.Context, j sales.Job) (sales.JobWork, error) {
	if m.skip != nil && m.skip() {
		return nil, nil
	}
	text := schema.Text(j.Argument())
	return func(ctx context.Context, listed *rows.Row, tally *sales.JobTally) (changed bool, err error) {
		if m.before != nil {
			if err := m.before(listed); err != nil {
				return false, err
			}
		}
		err = m.db.Do(ctx, "", func(tx *rows.Tx) error {
			found, err := tx.Load(ctx, listed.Ref())
			if err != nil {
				return err
			}
			found[0].Set(name.Description, text)
			changed = found[0].Changed()
			return nil
		})
		if err == nil {
			tally.Add("seen", 1)
		}
		return changed, err
	}, nil
}

// Finish implements [sales.JobKind].
func (m mark) Finish(_ context.Context, tx *rows.Tx, _ sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	if m.finish != nil {
		if err := m.finish(tx); err != nil {
			return sales.JobEnd{}, err
		}
	}
	return sales.JobEnd{Result: fmt.Sprintf(`{"seen":%d}`, counts["seen"]), Again: m.again != nil && m.again(counts)}, nil
}

// outcome is what a job of n accounts came to.
type outcome struct {
	State                     string
	Result                    string
	Done, Tasks               int64
	Examined, Failed          int64
	Marked, Written, Leftover int
}

// outcome reads it: how many accounts are marked, how many were written exactly once
// since they were made, and how many rows of tasks are left.
func (p *place) outcome(s *process, accounts int) outcome {
	p.t.Helper()
	j := s.job(p.t)
	o := outcome{
		State: j.State().String(), Result: j.Result(),
		Examined: j.Row.Int(name.SegueRowsexamined), Failed: j.Row.Int(name.SegueRowsfailed),
	}
	o.Done, o.Tasks = j.Tasks()
	for n := range accounts {
		found, err := s.db.Get(p.t.Context(), rows.Ref{Table: name.Account, ID: accountID(n)})
		if err != nil {
			p.t.Fatal(err)
		}
		if found[0].Text(name.Description) == "marked" {
			o.Marked++
		}
	}
	o.Leftover = p.saved(s)
	for _, call := range p.probe.Calls() {
		for i, k := range call.Keys {
			if call.Method == probe.Write && call.Err == nil && call.Ops[i] != 0 && len(k.PK) > len(name.Account) && k.PK[:len(name.Account)+1] == name.Account+"#" {
				o.Written++
			}
		}
	}
	return o
}

// saved is how many rows of tasks there are.
func (p *place) saved(s *process) int {
	p.t.Helper()
	found := 0
	for _, shard := range rows.ListPartitions(p.tables.Table(name.JobTask)) {
		part, err := s.db.Read(p.t.Context(), p.tables.Table(name.JobTask), shard, "", 0)
		if err != nil {
			p.t.Fatal(err)
		}
		found += len(part.Rows)
	}
	return found
}

// clean is the outcome of a job in which nothing went wrong.
func clean(accounts int) outcome {
	return outcome{
		State: "completed", Result: fmt.Sprintf(`{"seen":%d}`, accounts), Done: 16, Tasks: 16,
		Examined: int64(accounts), Marked: accounts, Written: accounts,
	}
}

// isClean compares the outcome of a job with a clean one.
func (p *place) isClean(t testing.TB, s *process, accounts int) {
	t.Helper()
	if d := cmp.Diff(clean(accounts), p.outcome(s, accounts)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

var errBroken = errors.New("the row is broken")
