package ingest

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"maps"
	"strings"
	"sync"

	"segue/internal/entity"
	"segue/internal/schema"
)

// defaultWorkers is how many batches of rows are written at once. As many rows as a
// batch has wait for each worker.
const defaultWorkers = 8

// Job is a row to be written. Done is called once, by any goroutine, with the outcome.
type Job struct {
	Table  *schema.Table
	ID     string
	Values map[string]schema.Value
	Done   func(error)

	refused bool // it is not written: Done gets what else it would be refused for
}

// Refusals is all that a row is refused for.
type Refusals []error

// Error has all texts.
func (r Refusals) Error() string {
	texts := make([]string, len(r))
	for i, err := range r {
		texts[i] = err.Error()
	}
	return strings.Join(texts, "; ")
}

// Unwrap gives errors.Is and errors.As each of them.
func (r Refusals) Unwrap() []error { return r }

// WriteAll writes rows concurrently, those of one id in their order. It calls
// Done for every row that it takes from jobs. The error means that writing ended early: [ErrUnavailable] or the end of ctx.
func WriteAll(ctx context.Context, w Writer, jobs iter.Seq[Job]) error {
	p := newPool(ctx, w, defaultWorkers)
	for j := range jobs {
		p.send(j)
	}
	return p.wait()
}

// Ends reports whether err means that no other row can be written either.
func Ends(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, ErrUnavailable))
}

// pool writes rows concurrently. Rows of one id go to one worker, so that they
// are written one after the other in the order they came in. A worker makes the rows
// that wait for it together, and one by one those that cannot be made so. After it has
// stopped, rows that are still queued are refused without a try; none is dropped.
type pool struct {
	seed    maphash.Seed
	queues  []chan Job
	workers sync.WaitGroup

	mu  sync.Mutex
	err error // why it has stopped
}

// newPool starts a pool, which the caller ends by wait.
func newPool(ctx context.Context, w Writer, workers int) *pool {
	if workers <= 0 {
		workers = defaultWorkers
	}
	p := &pool{seed: maphash.MakeSeed(), queues: make([]chan Job, workers)}
	for i := range p.queues {
		queue := make(chan Job, MaxCreate)
		p.queues[i] = queue
		p.workers.Go(func() {
			worker := worker{pool: p, writer: w}
			for first := range queue {
				worker.writeAll(ctx, waiting(first, queue))
			}
		})
	}
	return p
}

// waiting returns a row and those that wait behind it, at most [MaxCreate].
func waiting(first Job, queue <-chan Job) []Job {
	list := []Job{first}
	for len(list) < MaxCreate {
		select {
		case j, ok := <-queue:
			if !ok {
				return list
			}
			list = append(list, j)
		default:
			return list
		}
	}
	return list
}

// worker writes the rows of one queue.
type worker struct {
	pool   *pool
	writer Writer
	skip   int // batches that are not tried as new rows
	wait   int // skip after the next batch of which a row exists
}

// maxSkip bounds the number of batches between two that are tried as new rows.
const maxSkip = 64

// writeAll writes rows, those of each table together.
func (w *worker) writeAll(ctx context.Context, list []Job) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].Table == list[0].Table && list[n].refused == list[0].refused {
			n++
		}
		if list[0].refused {
			w.checkRefused(ctx, list[:n])
		} else {
			w.write(ctx, list[:n])
		}
		list = list[n:]
	}
}

// write makes rows together. When one of them is refused, the halves are tried, so that
// it is found and the others are made. When one exists, all are written one by one, and
// so are the next batches: it is most likely a file that is loaded again.
func (w *worker) write(ctx context.Context, list []Job) {
	if len(list) == 1 || w.skip > 0 {
		w.skip = max(0, w.skip-1)
		for _, j := range list {
			err := w.pool.try(ctx, func() error { return w.writer.Write(ctx, j.Table, j.ID, j.Values) })
			j.Done(w.refusals(ctx, j, err))
		}
		return
	}
	rows := make([]Row, len(list))
	for i, j := range list {
		rows[i] = Row{j.ID, j.Values}
	}
	err := w.pool.try(ctx, func() error { return w.writer.Create(ctx, list[0].Table, rows) })
	switch {
	case err == nil:
		w.wait = 0
	case errors.Is(err, ErrExists):
		w.wait = min(maxSkip, 2*w.wait+1)
		w.skip = w.wait
		w.write(ctx, list)
		return
	case !w.pool.ended():
		w.write(ctx, list[:len(list)/2])
		w.write(ctx, list[len(list)/2:])
		return
	}
	for _, j := range list {
		j.Done(err)
	}
}

// checkRefused looks for what else rows are refused for.
func (w *worker) checkRefused(ctx context.Context, list []Job) {
	for _, j := range list {
		err := w.pool.try(ctx, func() error { return w.writer.Check(ctx, j.Table, j.ID, j.Values) })
		if w.pool.ended() {
			err = nil // what is known of the row is enough to refuse it
		}
		j.Done(w.refusals(ctx, j, err))
	}
}

// refusals returns all that a row is refused for, of which first is known, nil for none.
// One refusal hides the next, so the row is checked again without the column that was to
// blame.
func (w *worker) refusals(ctx context.Context, j Job, first error) error {
	if first == nil || Ends(ctx, first) {
		return first
	}
	all, values := Refusals{first}, j.Values
	for {
		column := columnOf(all[len(all)-1])
		if _, given := values[column]; !given {
			return all
		}
		values = maps.Clone(values)
		delete(values, column)
		next := w.pool.try(ctx, func() error { return w.writer.Check(ctx, j.Table, j.ID, values) })
		if next == nil || w.pool.ended() || columnOf(next) == column { // the last: for that it is gone
			return all
		}
		all = append(all, next)
	}
}

// columnOf returns the column that a row is refused for, "" when none is named.
func columnOf(err error) string {
	if wrong, ok := errors.AsType[*schema.Error](err); ok {
		return wrong.Column
	}
	if wrong, ok := errors.AsType[*entity.TargetError](err); ok {
		return wrong.Column
	}
	return ""
}

// try writes, unless the pool has stopped, and stops it where nothing else can be
// written either.
func (p *pool) try(ctx context.Context, write func() error) error {
	err := p.stopped(ctx)
	if err == nil {
		err = write()
	}
	if Ends(ctx, err) {
		p.stop(err)
	}
	return err
}

// ended reports whether the pool has stopped.
func (p *pool) ended() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err != nil
}

// send queues a row; it blocks while the queue of the row's worker is full.
func (p *pool) send(j Job) {
	p.queues[maphash.String(p.seed, j.ID)%uint64(len(p.queues))] <- j
}

func (p *pool) stop(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err == nil {
		p.err = err
	}
}

// stopped returns why the pool no longer writes, nil while it does.
func (p *pool) stopped(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	return ctx.Err()
}

// wait ends the pool once the outcome of every row that was sent is known. It returns
// why the pool stopped early, if it did.
func (p *pool) wait() error {
	for _, queue := range p.queues {
		close(queue)
	}
	p.workers.Wait()
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.err
}
