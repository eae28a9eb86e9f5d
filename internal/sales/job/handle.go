package job

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"segue/internal/clock"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/name"
	"segue/internal/strictjson"
)

// budget is what is left of what one call of the handler may do.
type budget struct {
	rows  int
	until time.Time
	clock clock.Clock
}

func (b *budget) spent() bool { return b.rows <= 0 || !b.clock.Now().Before(b.until) }

// Handle is a [queue.Handler]: it works on the tasks of messages, one after the
// other, as long as the bounds of one call allow; what is left by then is queued
// again.
func (s *Jobs) Handle(ctx context.Context, messages []queue.Message) []queue.Failure {
	var failures []queue.Failure
	fail := func(positions []int, err error) {
		for _, i := range positions {
			failures = append(failures, queue.Failure{Index: i, Err: err})
		}
	}
	var order []name.JobID
	positions := map[name.JobID]map[message][]int{} // of the same message, and all of a job
	for i, m := range messages {
		var parsed message
		if err := strictjson.Decode([]byte(m.Body), &parsed); err != nil {
			fail([]int{i}, fmt.Errorf("a message %q that is no task of a job: %w", m.Body, err))
			continue
		}
		if positions[parsed.Job] == nil {
			order, positions[parsed.Job] = append(order, parsed.Job), map[message][]int{}
		}
		positions[parsed.Job][parsed] = append(positions[parsed.Job][parsed], i)
	}
	b := &budget{s.options.Rows, s.clock.Now().Add(s.options.Time), s.clock}
	for _, id := range order {
		tasks := slices.SortedFunc(maps.Keys(positions[id]), func(a, b message) int { return cmp.Compare(a.Task, b.Task) })
		for task, err := range s.visit(ctx, b, id, tasks) {
			fail(positions[id][task], err)
		}
	}
	slices.SortFunc(failures, func(a, b queue.Failure) int { return cmp.Compare(a.Index, b.Index) })
	return failures
}

// visit works on tasks of one job and returns those whose messages must come
// again, with the reason.
func (s *Jobs) visit(ctx context.Context, b *budget, id name.JobID, tasks []message) map[message]error {
	passes, err := s.work(ctx, b, id, tasks)
	failed := map[message]error{}
	if err != nil {
		for _, task := range tasks {
			failed[task] = err
		}
		return failed
	}
	for _, p := range passes {
		if p.stopped != nil {
			failed[p.message] = fmt.Errorf("task %d of job %s: %w", p.task, id, p.stopped)
		}
	}
	return failed
}

// work makes a pass over each of the tasks, saves what came of it and queues again
// what is not done. Its error is of all tasks, that of one alone is in its pass.
func (s *Jobs) work(ctx context.Context, b *budget, id name.JobID, tasks []message) ([]*pass, error) {
	v, passes, err := s.begun(ctx, b, id, tasks)
	if err != nil || v == nil {
		return nil, err
	}
	for _, p := range passes {
		if err := v.run(ctx, p); err != nil {
			return nil, s.failJob(ctx, v.job, fmt.Errorf("task %d: %w", p.task, err))
		}
	}
	unfinished, err := v.save(ctx, passes)
	if err != nil {
		if sales.Transient(err) {
			return nil, err
		}
		return nil, s.failAnew(ctx, v.job, err)
	}
	if len(unfinished) == 0 {
		return passes, nil
	}
	return passes, s.send(ctx, v.job, 0, unfinished)
}

// begun reads a job and its tasks; the visit is nil when there is nothing to do.
func (s *Jobs) begun(ctx context.Context, b *budget, id name.JobID, tasks []message) (*visit, []*pass, error) {
	refs := []rows.Ref{rows.RefTo(name.Job, id)}
	for _, task := range tasks {
		if ref := task.taskRef(); !slices.Contains(refs, ref) { // it may come for two rounds
			refs = append(refs, ref)
		}
	}
	found, err := s.db.Get(ctx, refs...)
	if err != nil {
		return nil, nil, fmt.Errorf("read job %s: %w", id, err)
	}
	if found[0] == nil {
		return nil, nil, nil
	}
	job := sales.Job{Row: found[0]}
	if !job.State().Open() { // cancelled, or done by another message
		return nil, nil, nil
	}
	k, scans, err := s.known(job)
	if err != nil {
		return nil, nil, s.failJob(ctx, job, err)
	}
	open, err := openTasks(job)
	if err != nil {
		return nil, nil, s.failAnew(ctx, job, err)
	}
	var passes []*pass
	for _, task := range tasks {
		if task.Round != job.Round() || !open.has(task.Task) {
			continue
		}
		p := &pass{message: task, task: task.Task, ref: task.taskRef()}
		if row := found[slices.Index(refs, p.ref)]; row != nil {
			p.version, p.cursor = row.Version, cursorOf(row, job.Round())
		}
		passes = append(passes, p)
	}
	if len(passes) == 0 {
		return nil, nil, nil
	}
	v := &visit{jobs: s, job: job, kind: k, scans: scans, budget: b}
	if k.Rows > 0 {
		v.budget = &budget{k.Rows, b.until, b.clock}
	}
	err = sales.Contain(func() (err error) {
		v.work, err = k.prepare(ctx, job)
		return err
	})
	if err != nil {
		if sales.Transient(err) {
			return nil, nil, err
		}
		return nil, nil, s.failJob(ctx, job, err)
	}
	return v, passes, nil
}
