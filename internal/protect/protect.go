// Package protect bounds what one user may ask of the service in five minutes: how many
// requests, how much time of execution, how many requests at once (docs/webapi.md §15).
// It keeps a program that has run wild from taking the service from everybody else.
//
// A process counts what it serves itself, exactly. Where several processes serve one
// store, they share their counts by samples: of every [Limits.Requests] / 75 requests of
// a user one adds one to a row that they all read (docs/decisions/0030-service-limits.md
// has the arithmetic). That happens beside the request, never before it.
//
// Invariant: what a process has counted itself is never beyond a limit, and a request
// waits for the store neither to be admitted nor to be refused.
package protect

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sort"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/schema/name"
)

// Window is the time in which requests are counted; it slides.
const Window = 5 * time.Minute

// maxUsers is of how many users a process knows counts: those that came last.
const maxUsers = 1000

// Limits bound each user. A limit of 0 is none.
type Limits struct {
	Requests   int           // in a [Window]
	Execution  time.Duration // of all requests in a Window together
	Concurrent int           // requests that are being served
}

// Default returns the limits of Dataverse.
func Default() Limits { return Limits{Requests: 6000, Execution: 20 * time.Minute, Concurrent: 52} }

// Kind is which limit it is.
type Kind uint8

// The kinds.
const (
	Requests Kind = iota + 1
	Execution
	Concurrent
)

// ExceededError is the refusal of a request that would be beyond a limit. Its text is
// public.
type ExceededError struct {
	Kind   Kind
	Limits Limits
	After  time.Duration // when it is worth another try
}

// Error says which limit it is, as Dataverse does.
func (e *ExceededError) Error() string {
	switch e.Kind {
	case Execution:
		return fmt.Sprintf("Combined execution time of incoming requests exceeded limit of %d milliseconds over time window of %d seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
			e.Limits.Execution.Milliseconds(), int(Window.Seconds()))
	case Concurrent:
		return fmt.Sprintf("Number of concurrent requests exceeded the limit of %d.", e.Limits.Concurrent)
	case Requests:
	}
	return fmt.Sprintf("Number of requests exceeded the limit of %d over time window of %d seconds.", e.Limits.Requests, int(Window.Seconds()))
}

// Limit returns the name of the limit and its value, time in milliseconds; how much is used
// is not told, for processes share their counts by samples.
func (e *ExceededError) Limit() (name string, most, used int) {
	switch e.Kind {
	case Execution:
		return "ExecutionMilliseconds", int(e.Limits.Execution.Milliseconds()), 0
	case Concurrent:
		return "ConcurrentRequests", e.Limits.Concurrent, 0
	case Requests:
	}
	return "Requests", e.Limits.Requests, 0
}

// Guard admits requests. It is safe for concurrent use. A nil Guard admits all.
type Guard struct {
	limits Limits
	clock  clock.Clock
	shared *ledger // nil where one process serves the store alone
	phase  func() float64
	users  *lru.Cache[name.UserID, *use]
}

// New returns a guard; db is the store that several processes count in, nil where there
// is one process alone.
func New(limits Limits, db *rows.DB, c clock.Clock) *Guard {
	g := &Guard{limits: limits, clock: c, phase: rand.Float64}
	g.users, _ = lru.New[name.UserID, *use](maxUsers) // it fails for sizes below 1 alone
	if db != nil {
		g.shared = newLedger(db, limits)
	}
	return g
}

// Visit is a request that was admitted.
type Visit struct {
	guard *Guard
	user  name.UserID
	use   *use
	began time.Time
	told  sync.WaitGroup // the samples that this request has caused
}

// Enter admits a request of a user, which [Visit.Leave] ends, or refuses it with an
// [*ExceededError]. What is refused does not count.
func (g *Guard) Enter(ctx context.Context, user name.UserID) (*Visit, error) {
	if g == nil || user == "" {
		return nil, nil //nolint:nilnil // a nil Visit counts nothing
	}
	v := &Visit{guard: g, user: user, use: g.useOf(user), began: g.clock.Now()}
	v.use.mu.Lock()
	defer v.use.mu.Unlock()
	if g.limits.Concurrent > 0 && v.use.atOnce >= g.limits.Concurrent {
		return nil, &ExceededError{Concurrent, g.limits, time.Second}
	}
	if err := v.countOne(ctx); err != nil {
		return nil, err
	}
	v.use.atOnce++
	return v, nil
}

// Count counts one more request of a visit: one of a batch. It refuses as Enter does.
func (v *Visit) Count(ctx context.Context) error {
	if v == nil {
		return nil
	}
	v.use.mu.Lock()
	defer v.use.mu.Unlock()
	return v.countOne(ctx)
}

// countOne counts a request, under the lock.
func (v *Visit) countOne(ctx context.Context) error {
	now := v.guard.clock.Now()
	if err := v.guard.exceeded(v.use, now); err != nil {
		return err
	}
	v.use.add(now, amount{requests: 1})
	v.share(ctx)
	return nil
}

// Leave ends a request, once what it has caused to be shared is.
func (v *Visit) Leave(ctx context.Context) {
	if v == nil {
		return
	}
	now := v.guard.clock.Now()
	v.use.mu.Lock()
	v.use.atOnce--
	v.use.add(now, amount{execution: max(0, now.Sub(v.began))}) // less than nothing: a clock was set back
	v.share(ctx)
	v.use.mu.Unlock()
	v.told.Wait()
}

// share begins to share a sample where one is due and none is on its way, under the lock.
func (v *Visit) share(ctx context.Context) {
	l, u := v.guard.shared, v.use
	if l == nil || u.sharing || l.due(u.pending) == (samples{}) {
		return
	}
	u.sharing = true
	ctx = context.WithoutCancel(ctx) // a client that goes must not take the count along
	v.told.Go(func() { v.guard.exchange(ctx, v.user, u) })
}

// exchange shares the samples that are due and learns those of the others.
func (g *Guard) exchange(ctx context.Context, user name.UserID, u *use) {
	ctx, cancel := context.WithTimeout(ctx, exchangeEnds)
	defer cancel()
	for {
		u.mu.Lock()
		sample := g.shared.take(&u.pending)
		own := u.total
		if sample == (samples{}) {
			u.sharing = false
			u.mu.Unlock()
			return
		}
		u.mu.Unlock()
		now := g.clock.Now()
		told, err := g.shared.exchange(ctx, user, now, sample)
		if err != nil { // the count is too low by one sample
			slog.DebugContext(ctx, "a sample of requests is lost", "user", user, "reason", err)
			continue
		}
		u.mu.Lock()
		u.others = estimate{told: told, own: own, at: now}
		u.mu.Unlock()
	}
}

// exceeded refuses what would be beyond a limit at a moment, under the lock of u.
func (g *Guard) exceeded(u *use, now time.Time) error {
	u.prune(now)
	kind := g.over(u.at(now, g.shared))
	if kind == 0 {
		return nil
	}
	seconds := sort.Search(int(Window.Seconds()), func(s int) bool { // use only falls while nothing is added
		return g.over(u.at(now.Add(time.Duration(s)*time.Second), g.shared)) == 0
	})
	return &ExceededError{kind, g.limits, time.Duration(max(1, seconds)) * time.Second}
}

// over returns which limit leaves no room, 0 for none.
func (g *Guard) over(used amount) Kind {
	switch {
	case g.limits.Requests > 0 && used.requests >= g.limits.Requests:
		return Requests
	case g.limits.Execution > 0 && used.execution >= g.limits.Execution:
		return Execution
	}
	return 0
}

// useOf returns what is counted of a user, from nothing for one who is new.
func (g *Guard) useOf(user name.UserID) *use {
	if u, ok := g.users.Get(user); ok {
		return u
	}
	u := &use{}
	if g.shared != nil {
		u.pending = g.shared.start(g.phase)
	}
	if there, ok, _ := g.users.PeekOrAdd(user, u); ok {
		return there
	}
	return u
}
