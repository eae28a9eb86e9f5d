// Package probe wraps a store for tests: a [Probe] counts and records the calls
// and what they would cost on DynamoDB, and it is as hostile as DynamoDB may be:
// calls fail before or after they are applied, a process dies between any two of
// them, and indexes lag.
//
// Invariant: a Probe returns what the store did. A fault may hide a result but never
// makes one up, and a lagging index shows what it showed before.
package probe

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"

	"segue/internal/store"
)

// ErrCrash is returned by every call of a Probe whose process counts as dead.
var ErrCrash = errors.New("the process is dead")

// Method names a method of store.Store.
type Method string

// The methods.
const (
	Get   Method = "get"
	Query Method = "query"
	Write Method = "write"
)

// Call is one request to the store, as a Probe saw it.
type Call struct {
	Method Method
	Keys   []store.Key    // get and write, in the order of the call
	Ops    []store.OpKind // write, one for each key
	Query  store.Query    // query
	Err    error          // what the caller was told; nil while the fault is decided
}

// Fault is what happens to a call.
type Fault uint8

// The faults. Before and After return [store.ErrUnavailable] (After is a response that
// got lost); the crashes return [ErrCrash], for this call and every later one until
// Reset.
const (
	None        Fault = iota
	Before            // not applied, then an error
	After             // applied, then an error
	CrashBefore       // the process dies before the call
	CrashAfter        // the process dies when the call has been applied
	Hang              // not applied, and no response: the caller waits as long as its context lasts
)

// Counts is what the calls since the last Reset would cost on DynamoDB.
type Counts struct {
	Gets, GetKeys        int
	Queries              int
	Writes, Transactions int     // of one operation; of several
	Ops                  int     // operations of both, checks included
	ReadUnits            float64 // 4 KB strongly consistent; an index half; a check in a transaction is a write
	WriteUnits           float64 // 1 KB, doubled in a transaction
	IndexUnits           float64 // entries that were added to or removed from an index
}

// Probe is a store.Store around another one that counts and records the calls
// and makes them fail. Units are computed from item sizes; the item that
// an operation replaces is read for that, which is not counted. It is safe for concurrent use.
type Probe struct {
	store   store.Store
	indexes []store.Index

	mu      sync.Mutex
	fault   func(Call) Fault
	crashed bool
	counts  Counts
	calls   []Call

	lag     int // calls until an index shows a write
	made    int // number of calls since New
	pending []pending
	writing sync.Mutex // one write at a time while indexes lag
}

var _ store.Store = (*Probe)(nil)

// New wraps store; indexes are those that it was opened with.
func New(store store.Store, indexes ...store.Index) *Probe {
	return &Probe{store: store, indexes: indexes}
}

// Inject makes fault decide what happens to each call from now on; nil ends that.
// fault is never called concurrently.
func (p *Probe) Inject(fault func(Call) Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fault = fault
}

// Reset sets the counts to zero and brings a crashed process back to life. The fault of
// Inject and the lag stay.
func (p *Probe) Reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts, p.calls, p.crashed = Counts{}, nil, false
}

// Counts returns the cost since the last Reset.
func (p *Probe) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// Calls returns the calls since the last Reset, in the order in which they ended.
func (p *Probe) Calls() []Call {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]Call(nil), p.calls...)
}

// CrashAt returns a fault that kills the process before call number n, counted from 0.
// A test that counts n up until nothing fails has died between any two calls.
func CrashAt(n int) func(Call) Fault {
	return func(Call) Fault {
		if n--; n == -1 {
			return CrashBefore
		}
		return None
	}
}

// Sometimes returns a fault that makes about one call in oneIn fail with one of faults,
// the same ones for the same seed.
func Sometimes(seed uint64, oneIn int, faults ...Fault) func(Call) Fault {
	random := rand.New(rand.NewPCG(seed, seed)) //nolint:gosec // a test must be repeatable
	return func(Call) Fault {
		if random.IntN(oneIn) > 0 {
			return None
		}
		return faults[random.IntN(len(faults))]
	}
}

// do makes one call: it decides the fault, applies the call, and records it and its
// cost.
func (p *Probe) do(ctx context.Context, call Call, apply func() (Counts, error)) error {
	fault := p.decide(call)
	var cost Counts
	if fault == None || fault == After || fault == CrashAfter {
		cost, call.Err = apply()
	}
	switch fault {
	case Before, After:
		call.Err = fmt.Errorf("%w: injected", store.ErrUnavailable)
	case CrashBefore, CrashAfter:
		call.Err = ErrCrash
	case Hang:
		<-ctx.Done()
		call.Err = ctx.Err()
	case None:
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls = append(p.calls, call)
	p.counts.add(cost)
	return call.Err
}

// decide returns the fault of a call.
func (p *Probe) decide(call Call) Fault {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	if p.crashed {
		return CrashBefore
	}
	if p.fault == nil {
		return None
	}
	f := p.fault(call)
	p.crashed = f == CrashBefore || f == CrashAfter
	return f
}

// Get implements store.Store.
func (p *Probe) Get(ctx context.Context, keys ...store.Key) (items []store.Item, err error) {
	err = p.do(ctx, Call{Method: Get, Keys: keys}, func() (Counts, error) {
		c := Counts{Gets: 1, GetKeys: len(keys)}
		items, err = p.store.Get(ctx, keys...)
		for _, i := range items {
			c.ReadUnits += units(i.Size(), 4096)
		}
		return c, err
	})
	if err != nil {
		return nil, err
	}
	return items, nil
}

// Query implements store.Store.
func (p *Probe) Query(ctx context.Context, q store.Query) (page store.Page, err error) {
	err = p.do(ctx, Call{Method: Query, Query: q}, func() (Counts, error) {
		asked, left := q, 0
		asked.Keep = weighLeft(q.Keep, &left)
		page, err = p.query(ctx, asked)
		c := Counts{Queries: 1, ReadUnits: units(left+size(page.Items), 4096)}
		if q.Index != "" {
			c.ReadUnits /= 2
		}
		return c, err
	})
	if err != nil {
		return store.Page{}, err
	}
	return page, nil
}

// Write implements store.Store.
func (p *Probe) Write(ctx context.Context, ops ...store.Op) error {
	call := Call{Method: Write}
	for _, op := range ops {
		call.Keys = append(call.Keys, op.Key)
		call.Ops = append(call.Ops, op.Kind)
	}
	return p.do(ctx, call, func() (Counts, error) {
		defer p.serializeWrites()()
		old, err := p.store.Get(ctx, call.Keys...)
		if err != nil { // for example too many keys: the error of the write is the better one
			old = make([]store.Item, len(ops))
		}
		err = p.store.Write(ctx, ops...)
		if err == nil {
			p.delay(call.Keys, old)
		}
		return p.cost(ops, old, err == nil), err
	})
}

// cost returns what a write costs. One that was refused costs units as well, but none
// in an index.
func (p *Probe) cost(ops []store.Op, old []store.Item, applied bool) Counts {
	c, each := Counts{Writes: 1, Ops: len(ops)}, 1.0
	if len(ops) > 1 || len(ops) == 1 && len(ops[0].AddOne) > 0 {
		c.Writes, c.Transactions, each = 0, 1, 2
	}
	for n, op := range ops {
		left, err := op.Result(old[n])
		if err != nil { // the store refuses it
			left = old[n]
		}
		c.WriteUnits += each * units(max(old[n].Size(), left.Size()), 1024)
		for _, x := range p.indexes {
			if applied {
				c.IndexUnits += moved(x, old[n], left)
			}
		}
	}
	return c
}

// moved returns how many entries of x are written when old becomes left.
func moved(x store.Index, old, left store.Item) float64 {
	in := func(i store.Item) bool { return i[x.PK].Kind() == store.String && i[x.SK].Kind() == store.String }
	switch {
	case in(old) && in(left) && old[x.PK].Equal(left[x.PK]) && old[x.SK].Equal(left[x.SK]):
		return 0
	case in(old) && in(left):
		return 2
	case in(old) || in(left):
		return 1
	}
	return 0
}

func (c *Counts) add(d Counts) {
	c.Gets += d.Gets
	c.GetKeys += d.GetKeys
	c.Queries += d.Queries
	c.Writes += d.Writes
	c.Transactions += d.Transactions
	c.Ops += d.Ops
	c.ReadUnits += d.ReadUnits
	c.WriteUnits += d.WriteUnits
	c.IndexUnits += d.IndexUnits
}

// weighLeft adds up the sizes of the items that a query leaves out, which were read and
// are paid for too. A store says how many bytes they have in its own form.
func weighLeft(keep func(store.Passing) bool, left *int) func(store.Passing) bool {
	if keep == nil {
		return nil
	}
	return func(i store.Passing) bool {
		kept := keep(i)
		if item, err := i.Item(); !kept && err == nil {
			*left += item.Size()
		}
		return kept
	}
}

func size(items []store.Item) (n int) {
	for _, i := range items {
		n += i.Size()
	}
	return n
}

// units returns a size in whole units, rounded up, at least one.
func units(size, unit int) float64 { return math.Max(1, math.Ceil(float64(size)/float64(unit))) }
