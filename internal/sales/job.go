package sales

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"sync"
	"time"

	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// JobState is what has become of a job.
type JobState int64

// The states of a job. A queued one has tasks that nobody has queued yet; a
// cancelled or failed one may be resumed, which makes it queued again.
const (
	JobQueued JobState = iota
	JobRunning
	JobCompleted
	JobCancelled
	JobFailed
)

// String is the state as people read it.
func (s JobState) String() string {
	names := [...]string{"queued", "running", "completed", "cancelled", "failed"}
	if s < 0 || int(s) >= len(names) {
		return fmt.Sprintf("state %d", int64(s))
	}
	return names[s]
}

// Open reports whether there is work left that is to be done.
func (s JobState) Open() bool { return s == JobQueued || s == JobRunning }

// Job is a typed view of a row of the table of jobs.
type Job struct{ Row *rows.Row }

// ID names the job.
func (j Job) ID() name.JobID { return name.JobID(j.Row.ID) }

// Name says to people what the job does.
func (j Job) Name() string { return j.Row.Text(name.SegueName) }

// Kind is what boot registered the job's work under.
func (j Job) Kind() string { return j.Row.Text(name.SegueKind) }

// Subject is the row that the job is about, the zero Ref when it is about none. The
// row need not be there.
func (j Job) Subject() rows.Ref {
	return rows.Ref{Table: j.Row.Text(name.SegueSubjecttable), ID: j.Row.Text(name.SegueSubjectid)}
}

// Argument is what else the kind was told.
func (j Job) Argument() string { return j.Row.Text(name.SegueArgument) }

// State is what has become of the job.
func (j Job) State() JobState { return JobState(j.Row.Int(name.SegueState)) }

// Round counts how often the job has gone through all its rows before.
func (j Job) Round() int64 { return j.Row.Int(name.SegueRound) }

// Tasks are how many tasks the job has, and how many of them are done in this round.
func (j Job) Tasks() (done, all int64) {
	return j.Row.Int(name.SegueTasksdone), j.Row.Int(name.SegueTasks)
}

// Started is when its tasks were queued for the first time.
func (j Job) Started() time.Time { return j.Row.Time(name.SegueStartedon) }

// Result is what the kind made of the job at its end, as JSON; "" for nothing.
func (j Job) Result() string { return j.Row.Text(name.SegueResult) }

// Scan is rows that a job goes through: those of a table, those of it that point
// at the job's subject, or those with some ids.
type Scan struct {
	Table string `json:"table"`
	// Index is an index of the table, with shards unless Single, whose one partition column
	// is a lookup: its rows that point at the subject. It may lag, so a kind that needs
	// all of them asks for another round.
	Index string `json:"index,omitempty"`
	// Small makes one task of each shard, for some thousands of rows, in place of
	// sixteen by the first digit of the id.
	Small bool `json:"small,omitempty"`
	// Single makes one task of an index without shards.
	Single bool `json:"single,omitempty"`
	// IDs makes one task of the rows of the table that have these ids.
	IDs []string `json:"ids,omitempty"`
}

// Tasks is how many tasks the scan is cut into.
func (s Scan) Tasks() int {
	if s.Single || s.IDs != nil {
		return 1
	}
	if s.Small {
		return schema.Shards
	}
	return schema.Shards * len(jobDigits)
}

const jobDigits = "0123456789abcdef" // that an id begins with

// Digit is with what digit the ids of a task's rows begin, "" for any, and shard
// where they are.
func (s Scan) Digit(task int) (shard int, digit string) {
	if s.Small || s.Single || s.IDs != nil {
		return task, ""
	}
	return task / len(jobDigits), jobDigits[task%len(jobDigits):][:1]
}

// Scans reads what the job goes through, in the order of its tasks.
func (j Job) Scans() ([]Scan, error) {
	var scans []Scan
	if err := json.Unmarshal([]byte(j.Row.Text(name.SeguePlan)), &scans); err != nil {
		return nil, fmt.Errorf("%v: stored %s: %w", j.Row.Ref(), name.SeguePlan, err)
	}
	return scans, nil
}

// JobPatience is how long an open job may stand still before its open tasks are queued
// again: their messages may be lost.
const JobPatience = 15 * time.Minute

// NewJob is a job that is to begin.
type NewJob struct {
	// ID is derived from what wants the job and its life, so that beginning it
	// again is the same job; a random one where each call means another.
	ID       name.JobID
	Kind     string // that boot registered
	Name     string // for people
	Subject  rows.Ref
	Argument string
	Scans    []Scan
}

// BeginJob makes the row of a job in a unit of work: with its commit the job has
// begun, for the reaction to the row queues the tasks. A job with that id that
// is there already stays as it is.
func BeginJob(ctx context.Context, tx *rows.Tx, job NewJob) error {
	ref := rows.RefTo(name.Job, job.ID)
	if tx.Held(ref) != nil {
		return nil
	}
	if tx.Again() { // something was not as expected: is it the job itself?
		if found, err := tx.Load(ctx, ref); err != nil || found[0] != nil {
			return err
		}
	}
	tasks := 0
	for _, scan := range job.Scans {
		tasks += scan.Tasks()
	}
	plan, err := json.Marshal(job.Scans)
	if err != nil {
		return fmt.Errorf("begin %v: %w", ref, err)
	}
	row := tx.Create(tx.Schema().Table(name.Job), ref.ID, map[string]schema.Value{
		name.SegueName: schema.Text(job.Name), name.SegueKind: schema.Text(job.Kind),
		name.SegueState: schema.Int(int64(JobQueued)), name.SeguePlan: schema.Text(string(plan)),
		name.SegueTasks: schema.Int(int64(tasks)), name.SegueTasksdone: schema.Int(0), name.SegueRound: schema.Int(0),
		name.SegueRowsexamined: schema.Int(0), name.SegueRowschanged: schema.Int(0), name.SegueRowsfailed: schema.Int(0),
		name.SegueDueon: schema.Time(tx.Now().Add(JobPatience)), // the change that is to queue its tasks may be lost
	})
	for column, text := range map[string]string{
		name.SegueSubjecttable: job.Subject.Table, name.SegueSubjectid: job.Subject.ID, name.SegueArgument: job.Argument,
	} {
		if text != "" {
			row.Set(column, schema.Text(text))
		}
	}
	return nil
}

// JobKind is what the jobs of a kind do. Its methods are called concurrently, and
// may be called again with the same job and row at any time: what was done is not
// done again.
type JobKind interface {
	// Prepare is called before some rows are worked on, and returns what works on
	// each of them; nil when there is nothing left to do.
	Prepare(ctx context.Context, job Job) (JobWork, error)
	// Finish is called in the unit of work that ends the job, after the last of its
	// rows, which may be tried several times; counts is what its works tallied.
	Finish(ctx context.Context, tx *rows.Tx, job Job, counts map[string]int64) (JobEnd, error)
}

// JobWork works on one row, as it was a moment ago, in units of work of its own,
// and reports whether it changed something. It may count by tally. An error that
// another try can mend ([Transient]) stops the task for now; with any other error
// the row counts as failed, and the job goes on.
type JobWork func(ctx context.Context, row *rows.Row, tally *JobTally) (changed bool, err error)

// JobImageKind is a [JobKind] whose jobs leave most rows as they are: it is given them as
// they are stored, and decodes what it needs to tell. Its jobs go through whole tables.
type JobImageKind interface {
	// PrepareImages is Prepare of a [JobKind].
	PrepareImages(ctx context.Context, job Job) (JobImageWork, error)
	// Finish is that of a [JobKind].
	Finish(ctx context.Context, tx *rows.Tx, job Job, counts map[string]int64) (JobEnd, error)
}

// JobImageWork is a [JobWork] on a row in the form in which [rows.DB.Present] returns it.
type JobImageWork func(ctx context.Context, present rows.Change, tally *JobTally) (changed bool, err error)

// JobEnd is what follows from the last row of a job.
type JobEnd struct {
	Result string // JSON for people and programs; "" for none
	Again  bool   // go through all rows once more, and then ask again
}

// JobUnreadable is the count of the rows that are stored in a way that this version of
// the program cannot read, and that the job's work is therefore not called for. The
// machinery tallies it.
const JobUnreadable = "unreadable"

// JobUndone is the count of the rows that the job's work has failed on for good. The
// machinery tallies it.
const JobUndone = "undone"

// AllDone is an error when a round has passed over rows, for jobs that mean nothing
// unless they have done all of them.
func AllDone(job Job, counts map[string]int64) error {
	if n := counts[JobUnreadable]; n > 0 {
		return fmt.Errorf("%d rows cannot be read; resume the job %s when they can", n, job.ID())
	}
	if n := counts[JobUndone]; n > 0 {
		return fmt.Errorf("%d rows could not be worked on; resume the job %s when that is mended", n, job.ID())
	}
	return nil
}

// JobTally is counts by name, which the machinery adds up over the rows of a
// round, each row once. It is safe for concurrent use.
type JobTally struct {
	mu     sync.Mutex
	counts map[string]int64
}

// Add adds to a count.
func (t *JobTally) Add(count string, n int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.counts == nil {
		t.counts = map[string]int64{}
	}
	t.counts[count] += n
}

// Counts is a copy of the counts.
func (t *JobTally) Counts() map[string]int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.counts)
}
