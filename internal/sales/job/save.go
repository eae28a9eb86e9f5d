package job

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// save writes what the passes of a visit did, in one unit of work: how far those
// that are not done came, in the rows of their tasks, and the end of the others,
// in the row of the job. A pass that was overtaken counts for nothing. It returns
// the tasks that have to be queued again.
func (v *visit) save(ctx context.Context, passes []*pass) (unfinished []int, err error) {
	var again bool
	var open taskSet
	err = v.jobs.db.Do(ctx, "", func(tx *rows.Tx) error {
		again, unfinished = false, nil
		refs := []rows.Ref{v.job.Row.Ref()}
		for _, p := range passes {
			refs = append(refs, p.ref)
		}
		found, err := tx.Load(ctx, refs...)
		if err != nil {
			return err
		}
		if found[0] == nil {
			return nil
		}
		job := sales.Job{Row: found[0]}
		if !job.State().Open() || job.Round() != v.job.Round() { // cancelled, or done by others
			return nil
		}
		if open, err = openTasks(job); err != nil {
			return err
		}
		var ended []progress
		ended, unfinished, err = v.saveTasks(tx, passes, found[1:], open)
		if err != nil {
			return err
		}
		if len(ended) == 0 {
			return nil
		}
		again, err = v.endTasks(ctx, tx, job, open, ended)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("save what was done: %w", err)
	}
	if again { // the reaction to its new state queues the tasks of the next round
		return nil, nil
	}
	return unfinished, nil
}

// saveTasks writes the rows of the tasks, and returns the progress of those that
// have ended and the numbers of those that go on.
func (v *visit) saveTasks(tx *rows.Tx, passes []*pass, stored []*rows.Row, open taskSet) (ended []progress, unfinished []int, err error) {
	for i, p := range passes {
		row := stored[i]
		if p.overtaken(row) || !open.has(p.task) { // by another worker, whose message goes on
			continue
		}
		total, err := v.progressIn(row)
		if err != nil {
			return nil, nil, err
		}
		total.add(p.did)
		switch {
		case p.done:
			open.remove(p.task)
			ended = append(ended, total)
			if row != nil {
				tx.Delete(row)
			} else {
				tx.Rely(p.ref) // nobody has begun to save it
			}
			continue
		case p.stopped == nil:
			unfinished = append(unfinished, p.task)
		}
		if err := v.saveTask(tx, row, p, total); err != nil {
			return nil, nil, err
		}
	}
	return ended, unfinished, nil
}

// progressIn reads the progress of a task in the visit's round.
func (v *visit) progressIn(task *rows.Row) (progress, error) {
	if task == nil || task.Int(name.SegueRound) != v.job.Round() {
		return progress{}, nil
	}
	return progressOf(task)
}

// saveTask writes how far a task has come; row is nil when there is none yet.
func (v *visit) saveTask(tx *rows.Tx, row *rows.Row, p *pass, total progress) error {
	if p.cursor == "" { // it did not come to its first rows
		return nil
	}
	if row == nil {
		row = tx.Create(tx.Schema().Table(name.JobTask), p.ref.ID, map[string]schema.Value{
			name.SegueName: schema.Text(fmt.Sprintf("%s %d", v.job.Row.ID, p.task)),
		})
	}
	row.Set(name.SegueRound, schema.Int(v.job.Round()))
	row.Set(name.SegueCursor, schema.Text(p.cursor))
	return total.write(row)
}

// endTasks counts tasks that have ended, and ends the job with the last of them,
// or its round.
func (v *visit) endTasks(ctx context.Context, tx *rows.Tx, job sales.Job, open taskSet, ended []progress) (again bool, err error) {
	total, err := progressOf(job.Row)
	if err != nil {
		return false, err
	}
	for _, p := range ended {
		total.add(p)
	}
	if err := total.write(job.Row); err != nil {
		return false, err
	}
	job.Row.Set(name.SegueOpen, open.value())
	done, all := job.Tasks()
	done += int64(len(ended))
	job.Row.Set(name.SegueTasksdone, schema.Int(done))
	if done < all {
		if job.State() == sales.JobRunning { // else somebody has yet to queue all of them
			v.jobs.lookAfterLater(job.Row)
		}
		return false, nil
	}
	var end sales.JobEnd
	err = sales.Contain(func() (err error) {
		end, err = v.kind.finish(ctx, tx, job, total.counts)
		return err
	})
	if err != nil {
		return false, err
	}
	if end.Again {
		nextRound(job)
		job.Row.Set(name.SegueState, schema.Int(int64(sales.JobQueued)))
		v.jobs.lookAfterLater(job.Row)
		return true, nil
	}
	v.jobs.forgetLater(job.Row)
	job.Row.Set(name.SegueState, schema.Int(int64(sales.JobCompleted)))
	job.Row.Set(name.SegueEndedon, schema.Time(v.jobs.db.Now()))
	job.Row.Set(name.SegueTally, schema.Null())
	setText(job.Row, name.SegueResult, end.Result)
	return false, nil
}

// nextRound opens all tasks again, with nothing tallied.
func nextRound(job sales.Job) {
	job.Row.Set(name.SegueRound, schema.Int(job.Round()+1))
	job.Row.Set(name.SegueTasksdone, schema.Int(0))
	job.Row.Set(name.SegueOpen, schema.Null())
	job.Row.Set(name.SegueTally, schema.Null())
}

// failAnew is failJob for a job of which it cannot be told what is left, or whose end
// failed, for which what it tallied does not do: a resume goes through all rows once
// more.
func (s *Jobs) failAnew(ctx context.Context, job sales.Job, because error) error {
	return s.fail(ctx, job, because, nextRound)
}

// failJob ends an open job for a reason that another try cannot mend. Its open
// tasks stay open, for a resume. Its error is that another try can mend it, that the job
// is another version's, or that this failed in turn.
func (s *Jobs) failJob(ctx context.Context, job sales.Job, because error) error {
	return s.fail(ctx, job, because, func(sales.Job) {})
}

func (s *Jobs) fail(ctx context.Context, job sales.Job, because error, then func(job sales.Job)) error {
	if sales.Transient(because) || errors.Is(because, errOtherVersion) {
		return because
	}
	slog.ErrorContext(ctx, "a job has failed", "job", job.Row.ID, "name", job.Name(), "reason", because, "stack", stackOf(because))
	err := s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, job.Row.Ref())
		if err != nil || found[0] == nil {
			return err
		}
		row := found[0]
		if !(sales.Job{Row: row}).State().Open() {
			return nil
		}
		p, err := progressOf(row)
		if err != nil { // it may be the reason; a resume has to count again
			then = nextRound
		}
		failure := progress{reasons: []string{reason(row.Ref(), because)}}
		failure.add(progress{reasons: p.reasons})
		p.reasons = failure.reasons
		row.Set(name.SegueState, schema.Int(int64(sales.JobFailed)))
		row.Set(name.SegueDueon, schema.Null())
		row.Set(name.SegueEndedon, schema.Time(s.db.Now()))
		if err := p.write(row); err != nil {
			return err
		}
		then(sales.Job{Row: row})
		return nil
	})
	if err != nil {
		return errors.Join(because, fmt.Errorf("end %v: %w", job.Row.Ref(), err))
	}
	return nil
}
