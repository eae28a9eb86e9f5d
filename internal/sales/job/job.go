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
	queue   queue.Sender
	aside   queue.Sender // of the kinds that are set aside
	clock   clock.Clock
	options Options
	kinds   map[string]kind
}

// kind is a kind of jobs: one of rows and images is there. What they do is asked for by
// [Jobs.Handle] alone, so that a function that does not call it does not link it.
type kind struct {
	Settings

	rows   sales.JobKind
	images sales.JobImageKind
}

func (k kind) prepare(ctx context.Context, job sales.Job) (work, error) {
	if k.images != nil {
		do, err := k.images.PrepareImages(ctx, job)
		return onImages(do), err
	}
	do, err := k.rows.Prepare(ctx, job)
	return onRows(do), err
}

func (k kind) finish(ctx context.Context, tx *rows.Tx, job sales.Job, counts map[string]int64) (sales.JobEnd, error) {
	if k.images != nil {
		return k.images.Finish(ctx, tx, job, counts)
	}
	return k.rows.Finish(ctx, tx, job, counts)
}

// Settings are what the machinery has to know of a kind.
type Settings struct {
	Delay  time.Duration // from the commit of the job's row to its first task, and between rounds
	AtOnce int           // rows worked on at the same time, at most; 0: no bound of its own
	// Rows and Chunk are how many rows a call of Handle works on at most and how many are
	// read at once, in place of those of [Options]; 0: those.
	Rows, Chunk int
	// Aside has the tasks wait in the queue of [Jobs.SetAside], so that they never
	// hold up those of other kinds.
	Aside bool
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
	return &Jobs{db: db, queue: q, aside: q, clock: c, options: options, kinds: map[string]kind{}}
}

// SetAside has the tasks of kinds that are set aside wait in q, and no longer in the queue
// of the others.
func (s *Jobs) SetAside(q queue.Sender) { s.aside = q }

// Register makes k what the jobs of a kind do.
func (s *Jobs) Register(name string, k sales.JobKind, settings Settings) {
	s.kinds[name] = kind{Settings: settings, rows: k}
}

// RegisterImages is Register for a kind that is given rows as they are stored.
func (s *Jobs) RegisterImages(name string, k sales.JobImageKind, settings Settings) {
	s.kinds[name] = kind{Settings: settings, images: k}
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

// sendTime is how long sending may take. A queue that cannot be reached must not delay
// the change that begins a job, or the changes behind it, for longer.
const sendTime = 10 * time.Second

// send queues tasks of a job, or some of them. Its error is a [queue.ErrUnavailable]
// unless ctx has ended.
func (s *Jobs) send(ctx context.Context, job sales.Job, delay time.Duration, tasks []int) error {
	messages := make([]queue.Message, len(tasks))
	for i, task := range tasks {
		body, err := json.Marshal(message{job.ID(), task, job.Round()})
		if err != nil {
			return fmt.Errorf("queue tasks of %v: %w", job.Row.Ref(), err)
		}
		messages[i].Body = string(body)
	}
	inTime, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	to := s.queue
	if s.kinds[job.Kind()].Aside {
		to = s.aside
	}
	err := to.Send(inTime, delay, messages...)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return err
	case inTime.Err() != nil:
		err = fmt.Errorf("%w: it has not taken %d messages in %v: %w", queue.ErrUnavailable, len(messages), sendTime, err)
	}
	slog.WarnContext(ctx, "the queue of jobs is full or away", "job", job.Row.ID, "name", job.Name(), "reason", err)
	return &sales.Error{Kind: sales.Unavailable, Text: "the queue of jobs is busy; try again", Cause: err}
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

// waitForQueue makes a job due soon whose tasks could not be queued, so that its change
// does not delay the changes behind it.
func (s *Jobs) waitForQueue(ctx context.Context, job sales.Job) error {
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
	k, _, err := s.known(job)
	if err != nil {
		return s.failJob(ctx, job, err)
	}
	open, err := openTasks(job)
	if err != nil {
		return s.failAnew(ctx, job, err)
	}
	if err := s.send(ctx, job, k.Delay, open.list()); err != nil {
		return err
	}
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, job.Row.Ref())
		if err != nil || found[0] == nil {
			return err
		}
		row := found[0]
		now := sales.Job{Row: row}
		if !now.State().Open() || now.Round() != job.Round() { // its tasks are done already
			return nil
		}
		s.lookAfterLater(row)
		row.Set(name.SegueState, schema.Int(int64(sales.JobRunning)))
		if row.Time(name.SegueStartedon).IsZero() {
			row.Set(name.SegueStartedon, schema.Time(s.db.Now()))
		}
		return nil
	})
}
