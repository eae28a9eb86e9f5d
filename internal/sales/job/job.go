// Package job is long work: what goes through so many rows that no request and no
// change record can carry it. It knows no kind of work; kinds are registered.
//
// A job begins as a row, made by [sales.BeginJob] in the unit of work that wants
// it. The reaction to the row ([Jobs.Begin]) queues all tasks at once: the shards
// of each table, cut again by the first digit of the id. A message names a job
// and a task. Its handler ([Jobs.Handle]) works on a bounded number of rows for a
// bounded time; if the task is not done by then, it saves how far it came in a
// row of the task and queues it again.
//
// What makes repeats harmless: the bitmap of open tasks in the job's row, and the
// version of the task's row. A pass that was overtaken, by another worker on the
// same task or by the end of the job, finds one of the two changed when it saves,
// and what it counted does not count; what it did to rows, the kind does once.
// So a kill costs the rows of one pass, and a lost message nothing that queueing
// the open tasks again ([Jobs.QueueOpen], a resume) does not mend.
//
// Invariant: each task of a round is counted once, and the job ends in the unit
// of work that counts the last.
//
// Size: queueing tasks, working on them and saving what came of it write one row, the
// job's, under one bitmap; apart, they would export it to each other.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"segue/internal/clock"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Options bound what one call of Handle does. The zero Options are the defaults.
type Options struct {
	Rows   int           // worked on at most; 1,000
	Time   time.Duration // after which no more rows are begun; 10 s
	AtOnce int           // rows worked on at the same time; [sales.AtOnce]
	Chunk  int           // rows read at once; 100
}

// Jobs is the jobs of the rows of a DB. It is safe for concurrent use once all
// kinds are registered.
type Jobs struct {
	db      *rows.DB
	lists   *query.Reader
	queue   queue.Sender
	clock   clock.Clock
	options Options
	kinds   map[string]kind
}

type kind struct {
	sales.JobKind
	Settings
}

// Settings are what the machinery has to know of a kind.
type Settings struct {
	Delay  time.Duration // from the commit of the job's row to its first task, and between rounds
	AtOnce int           // rows worked on at the same time, at most; 0: no bound of its own
	// Essential says why jobs of the kind cannot be cancelled, "" for those that can.
	Essential string
}

// New returns jobs without kinds, whose tasks wait in q.
func New(db *rows.DB, q queue.Sender, c clock.Clock, options Options) *Jobs {
	if options.Rows == 0 {
		options.Rows = 1000
	}
	if options.Time == 0 {
		options.Time = 10 * time.Second
	}
	if options.AtOnce == 0 {
		options.AtOnce = sales.AtOnce
	}
	if options.Chunk == 0 {
		options.Chunk = 100
	}
	return &Jobs{db: db, lists: query.New(db), queue: q, clock: c, options: options, kinds: map[string]kind{}}
}

// Register makes k what the jobs of a kind do.
func (s *Jobs) Register(name string, k sales.JobKind, settings Settings) {
	s.kinds[name] = kind{k, settings}
}

// message is the body of a queue's message. One of an earlier round counts for
// nothing: it could end a task of this round before its delay is over.
type message struct {
	Job   name.JobID `json:"job"`
	Task  int        `json:"task"`
	Round int64      `json:"round,omitempty"`
}

func (m message) taskRef() rows.Ref {
	return rows.Ref{Table: name.JobTask, ID: guid.Derive("job task", string(m.Job), strconv.Itoa(m.Task))}
}

// send queues tasks of a job.
func (s *Jobs) send(ctx context.Context, job sales.Job, delay time.Duration, tasks []int) error {
	messages := make([]queue.Message, len(tasks))
	for i, task := range tasks {
		body, err := json.Marshal(message{job.ID(), task, job.Round()})
		if err != nil {
			return fmt.Errorf("queue tasks of %v: %w", job.Row.Ref(), err)
		}
		messages[i].Body = string(body)
	}
	if err := s.queue.Send(ctx, delay, messages...); err != nil {
		if ctx.Err() != nil {
			return err
		}
		return &sales.Error{Kind: sales.Unavailable, Text: "the queue of jobs is busy; try again", Cause: err}
	}
	return nil
}

// Begin is the reaction to a job that has begun or is resumed: it queues the open
// tasks.
func (s *Jobs) Begin() sales.Reaction { return sales.Follow(s.begin) }

func (s *Jobs) begin(ctx context.Context, change rows.Change) error {
	state, err := change.New.Value(name.SegueState)
	if err != nil || state != schema.Int(int64(sales.JobQueued)) {
		return err
	}
	if same, err := sameRound(change); err != nil || same { // it is progress
		return err
	}
	found, err := s.db.Get(ctx, change.Ref)
	if err != nil || found[0] == nil {
		return err
	}
	job := sales.Job{Row: found[0]}
	if job.State() != sales.JobQueued { // the change comes again, or late
		return nil
	}
	if err := s.queueOpenTasks(ctx, job); !errors.Is(err, queue.ErrUnavailable) {
		return err
	}
	return s.waitForQueue(ctx, job)
}

// waitForQueue has a job that nobody could queue the tasks of taken up when it is due:
// its change must not hold up those behind it.
func (s *Jobs) waitForQueue(ctx context.Context, job sales.Job) error {
	slog.WarnContext(ctx, "the queue of jobs is full or away; a job waits", "job", job.Row.ID, "name", job.Name())
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, job.Row.Ref())
		if err != nil || found[0] == nil {
			return err
		}
		if (sales.Job{Row: found[0]}).State() == sales.JobQueued {
			found[0].Set(name.SegueDueon, schema.Time(s.db.Now().Add(soon)))
		}
		return nil
	})
}

// sameRound reports whether a job that is queued was so before the change, in the
// same round. A round may end before anybody has noted that its tasks are queued.
func sameRound(change rows.Change) (bool, error) {
	if change.Old == nil {
		return false, nil
	}
	for _, column := range []string{name.SegueState, name.SegueRound} {
		before, err := change.Old.Value(column)
		if err != nil {
			return false, err
		}
		now, err := change.New.Value(column)
		if err != nil || before != now {
			return false, err
		}
	}
	return true, nil
}

// queueOpenTasks queues the open tasks of a job, then says so in its row. If it dies
// between the two, the tasks are queued twice.
func (s *Jobs) queueOpenTasks(ctx context.Context, job sales.Job) error {
	k, ok := s.kinds[job.Kind()]
	if !ok {
		return unknownKind(job)
	}
	open, err := openTasks(job)
	if err != nil {
		return s.failJob(ctx, job, err)
	}
	if err := s.send(ctx, job, k.Delay, open.list()); err != nil {
		return err
	}
	if job.State() != sales.JobQueued {
		return nil
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, job.Row.Ref())
		if err != nil || found[0] == nil {
			return err
		}
		row := found[0]
		now := sales.Job{Row: row}
		if now.State() != sales.JobQueued || now.Round() != job.Round() { // its tasks are done already
			return nil
		}
		row.Set(name.SegueState, schema.Int(int64(sales.JobRunning)))
		s.lookAfterLater(row)
		if row.Time(name.SegueStartedon).IsZero() {
			row.Set(name.SegueStartedon, schema.Time(s.db.Now()))
		}
		return nil
	})
}

// soon is when a job is looked after whose tasks could not be queued.
const soon = time.Minute

// lookAfterLater moves the time at which an open job must have come further. A task
// that is long alone saves its position without touching the job's row, so it may come
// twice, which does no harm.
func (s *Jobs) lookAfterLater(row *rows.Row) {
	row.Set(name.SegueDueon, schema.Time(s.db.Now().Add(sales.JobPatience)))
}

// LookAfter is the [sales.DueHandler] of a job that has stood still: messages of its
// tasks may be lost, or were never sent, so they are sent again.
func (s *Jobs) LookAfter(ctx context.Context, due *rows.Row) error {
	job := sales.Job{Row: due}
	tx := s.db.Begin("")
	tx.Hold(due)
	switch {
	case job.State() == sales.JobQueued:
		return s.queueOpenTasks(ctx, job)
	case job.State() != sales.JobRunning:
		due.Set(name.SegueDueon, schema.Null())
		return tx.Commit(ctx)
	}
	if _, known := s.kinds[job.Kind()]; !known {
		return unknownKind(job)
	}
	open, err := openTasks(job)
	if err != nil {
		return s.failJob(ctx, job, err)
	}
	if err := s.send(ctx, job, 0, open.list()); err != nil {
		return err
	}
	s.lookAfterLater(due)
	return tx.Commit(ctx)
}

// unknownKind is what is said of a job that another version of the program began.
func unknownKind(job sales.Job) error {
	return fmt.Errorf("%v: this version knows no jobs of kind %q", job.Row.Ref(), job.Kind())
}

// QueueOpen queues the open tasks of all open jobs: for the start of a process
// whose queue is empty. A job of a kind that this version does not know is passed
// over. When the queue is full, the jobs that are left wait until they are due.
func (s *Jobs) QueueOpen(ctx context.Context) error {
	for row, err := range s.lists.Each(ctx, query.Query{Table: s.db.Schema().Table(name.Job)}) {
		if err != nil {
			return fmt.Errorf("queue the open jobs: %w", err)
		}
		job := sales.Job{Row: row}
		if _, known := s.kinds[job.Kind()]; !known || !job.State().Open() {
			continue
		}
		err := s.queueOpenTasks(ctx, job)
		if errors.Is(err, queue.ErrUnavailable) {
			slog.WarnContext(ctx, "the queue of jobs is full; the jobs that are left wait until they are due", "first", job.Row.ID)
			return nil
		}
		if err != nil {
			return fmt.Errorf("queue the open jobs: %w", err)
		}
	}
	return nil
}
