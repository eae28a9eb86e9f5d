package ingest

import (
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"sync"

	"segue/internal/schema"
)

// Defaults of a pool: how many rows are written at once, and how many more wait
// for each worker.
const (
	defaultWorkers = 32
	queued         = 4
)

// Job is a row to be written. Done is called once, by any goroutine, with the outcome.
type Job struct {
	Table  *schema.Table
	ID     string
	Values map[string]schema.Value
	Done   func(error)
}

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
// are written one after the other in the order they came in. After it has
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
		queue := make(chan Job, queued)
		p.queues[i] = queue
		p.workers.Go(func() {
			for j := range queue {
				j.Done(p.write(ctx, w, j))
			}
		})
	}
	return p
}

func (p *pool) write(ctx context.Context, w Writer, j Job) error {
	err := p.stopped(ctx)
	if err == nil {
		err = w.Write(ctx, j.Table, j.ID, j.Values)
	}
	if Ends(ctx, err) {
		p.stop(err)
	}
	return err
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
