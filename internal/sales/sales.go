// Package sales is the kernel of the domain, what its rooms share: who calls and
// what they may do, the kinds of refusal, policy and freshness, quotas, a cache,
// and the types by which rules and reactions are registered. It decides nothing
// about sequences or segments; the rooms do:
//
//   - sequence, segment: the deciding, pure
//   - connection: a record on sequences
//   - segmentation: a record and its segment
//   - reaction: the handler of change records
//   - report: counts
//
// A use case loads rows, lets the pure parts decide, and writes once. The tests
// of this folder are the stories that go through several rooms: crashes,
// repeated and shuffled changes, races, budgets.
//
// Size: it is many small types that rooms share and that do not know each other, a file
// each; who reads one need not read the others.
package sales

import "time"

// Policy settles what the sources leave open (docs/domain.md §20).
type Policy struct {
	// AnyActive lets every record with statecode 0 be connected. By default
	// (policy "seed", conflict 1) a lead must be New and an opportunity Open.
	AnyActive bool
	// Several lets a record be on several sequences at once, never twice on
	// one (conflict 2).
	Several bool
	// Retention is how long targets are kept after they have ended, and steps after
	// they are done; 0 is for ever.
	Retention time.Duration
}
