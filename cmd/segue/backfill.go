package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/backfill"
	"segue/internal/schema/name"
)

// backfillCommand applies segments to the records that are there already.
type backfillCommand struct {
	Segment string `help:"Id of a segment to apply." xor:"what"`
	Table   string `help:"Record type whose segments are all applied, such as lead." xor:"what"`
	Cancel  string `help:"Id of a job to stop; what it has done stays done." xor:"what"`
	Resume  string `help:"Id of a job to go on with." xor:"what"`
	Server  string `help:"Work through the server at this URL; when left out, the one that has the store open, if there is one."`
}

// Run implements the command.
func (c *backfillCommand) Run(ctx context.Context, p *program) error {
	if cmp.Or(c.Segment, c.Table, c.Cancel, c.Resume) == "" {
		return errors.New("give one of --segment, --table, --cancel and --resume")
	}
	work, err := p.failures(ctx, c.Server)
	if err != nil {
		return err
	}
	return errors.Join(c.run(ctx, work), work.close())
}

func (c *backfillCommand) run(ctx context.Context, work failures) (err error) {
	id := c.Resume
	switch {
	case c.Cancel != "":
		return work.setJob(ctx, c.Cancel, sales.JobCancelled)
	case c.Resume != "":
		err = work.setJob(ctx, c.Resume, sales.JobQueued)
	default:
		id, err = work.backfill(ctx, c.Segment, c.Table)
	}
	if err != nil {
		return err
	}
	return followJob(ctx, work, id)
}

// looked is how often a job is looked at.
const looked = 500 * time.Millisecond

// followJob shows how far a job is until it has ended, and what has come of it.
func followJob(ctx context.Context, work failures, id string) error {
	bar := progress("Applying", 1)
	var job jobRow
	err := work.work(ctx, func() (ended bool, err error) {
		if job, err = work.job(ctx, id); err != nil {
			return false, err
		}
		bar.ChangeMax64(max(job.Tasks, 1))
		bar.Describe(job.told())
		return !job.State.Open(), bar.Set64(job.Done)
	})
	if ctx.Err() != nil {
		return fmt.Errorf("job %s has not ended; the server goes on with it, as does `%s backfill --resume %s`: %w", id, self(), id, ctx.Err())
	}
	if err := errors.Join(err, bar.Finish()); err != nil {
		return fmt.Errorf("job %s: %w", id, err)
	}
	fmt.Printf("%s %v: %s\n", job.ID, job.State, job.told())
	if job.Reason != "" {
		fmt.Println(job.Reason)
	}
	if job.State != sales.JobCompleted {
		return fmt.Errorf("the job is %v", job.State)
	}
	return nil
}

// told is what a backfill has done so far.
func (j jobRow) told() string {
	var counts backfill.Counts
	_ = json.Unmarshal([]byte(cmp.Or(j.Result, j.Counts, "{}")), &counts) // zeros, then
	text := fmt.Sprintf("%d records, %d got a segment (%d from another), %d connected, %d failed; %d/s",
		j.Examined, counts.Entered, counts.Moved, counts.Connected, j.Failed, j.Rate)
	if j.State == sales.JobRunning && j.Left > 0 {
		text += fmt.Sprintf(", about %v left", time.Duration(j.Left)*time.Second)
	}
	return text
}

func (d direct) backfill(ctx context.Context, segment, table string) (id string, err error) {
	err = d.laptop.DB.Do(ctx, "", func(tx *rows.Tx) error {
		job, err := d.beginBackfill(ctx, tx, segment, table)
		id = string(job)
		return err
	})
	return id, err
}

func (d direct) beginBackfill(ctx context.Context, tx *rows.Tx, segment, table string) (name.JobID, error) {
	if table != "" {
		return d.laptop.Backfill.BeginTable(ctx, tx, table)
	}
	ref := rows.Ref{Table: name.Segment, ID: segment}
	found, err := tx.Load(ctx, ref)
	switch {
	case err != nil:
		return "", err
	case found[0] == nil:
		return "", sales.NoRow(ref)
	}
	return d.laptop.Backfill.BeginSegment(ctx, tx, found[0])
}

// work follows changes and works on jobs as a server does, so that neither piles up, until
// done.
func (d direct) work(ctx context.Context, done func() (bool, error)) error {
	if d.deployed {
		return lookUntil(ctx, done)
	}
	if err := d.laptop.Jobs.QueueOpen(ctx); err != nil {
		return err
	}
	running, stop := context.WithCancelCause(ctx)
	var parts sync.WaitGroup
	parts.Go(func() { stop(d.laptop.Feed.Consume(running, consumer, d.laptop.Changes)) })
	parts.Go(func() { d.laptop.Local.Run(running, jobWorkers, d.laptop.Tasks()) })
	err := lookUntil(running, done)
	stop(err)
	parts.Wait()
	if err != nil {
		return err
	}
	return d.settle(ctx)
}

func (served) work(ctx context.Context, done func() (bool, error)) error {
	return lookUntil(ctx, done)
}

// lookUntil looks again and again whether something is done.
func lookUntil(ctx context.Context, done func() (bool, error)) error {
	for {
		if is, err := done(); err != nil || is {
			return err
		}
		if boot.Clock().Sleep(ctx, looked) != nil {
			return context.Cause(ctx)
		}
	}
}

const applyAction = "/Microsoft.Dynamics.CRM.ApplyToExisting"

func (s served) backfill(ctx context.Context, segment, table string) (string, error) {
	var path string
	var err error
	given := map[string]string{}
	if table == "" {
		path, err = rowPath(name.Segment, segment)
	} else {
		given["Table"] = table
		path, err = setOf(name.Segment)
	}
	if err != nil {
		return "", err
	}
	body, err := json.Marshal(given)
	if err != nil {
		return "", err
	}
	text, err := s.send(ctx, http.MethodPost, path+applyAction, body)
	if err != nil {
		return "", err
	}
	var begun struct {
		JobID string `json:"JobId"`
	}
	err = json.Unmarshal(text, &begun)
	return begun.JobID, err
}
