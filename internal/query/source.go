package query

import (
	"context"

	"golang.org/x/sync/errgroup"

	"segue/internal/rows"
)

// source is the rows of a plan, read piece by piece.
type source struct {
	*run
	only   *rows.Where // leaves out rows before they are decoded; nil: none
	merged bool        // else the shards are read one after another
	shards []shard
	at     int // the shard that is being read
}

// shard is how far a partition has been read.
type shard struct {
	from  rows.Partition
	after string // the sort key after which it is read on
	done  bool   // there is no more after what was read
	// Read and not taken yet, where partitions are merged: of an index its entries, whose
	// rows are read once it is known which of them come next.
	entries []rows.Entry
	rows    map[string]*rows.Row // of a table's own list, by the keys of its entries
}

// piece is some rows of a source, and after each of them a position.
type piece struct {
	rows []*rows.Row
	ends []position

	skipped, skippedBytes int // rows that a condition left out
}

// source returns the rows of a plan after a position.
func (r *run) source(at position) *source {
	p := r.plan
	s := &source{run: r, only: p.only, merged: p.merged, at: at.Partition}
	if p.id != "" {
		s.shards = make([]shard, 1)
		return s
	}
	for i, partition := range p.partitions {
		next := shard{from: partition}
		if p.merged || i == at.Partition {
			next.after = at.After
		}
		s.shards = append(s.shards, next)
	}
	return s
}

// done reports whether there is no more to read.
func (s *source) done() bool {
	if !s.merged {
		return s.at >= len(s.shards)
	}
	for i := range s.shards {
		if !s.shards[i].done || len(s.shards[i].entries) > 0 {
			return false
		}
	}
	return true
}

// read reads the next piece, of about limit rows.
func (s *source) read(ctx context.Context, limit int) (piece, error) {
	switch {
	case s.plan.id != "":
		return s.readOne(ctx)
	case s.merged:
		return s.merge(ctx, limit)
	}
	now := &s.shards[s.at]
	p, err := s.rest(ctx, now)
	if err != nil {
		return p, err
	}
	if !now.done {
		part, err := s.query.Budget.read(ctx, s.db, s.plan.table, now.from, now.after, limit, s.only)
		if err != nil {
			return p, err
		}
		now.after, now.done = part.Next, part.Next == ""
		p.add(part, s.at)
	}
	if now.done {
		s.at++
	}
	return p, nil
}

// rest returns what a shard still has from before, when partitions were merged.
func (s *source) rest(ctx context.Context, from *shard) (p piece, err error) {
	if len(from.entries) == 0 {
		return p, nil
	}
	p, err = s.rowsOf(ctx, from.entries, func(key string) *rows.Row { return from.rows[key] })
	from.entries, from.rows = nil, nil
	return p, err
}

// add adds a part of a partition.
func (p *piece) add(part rows.Part, partition int) {
	p.rows = append(p.rows, part.Rows...)
	for _, key := range part.Keys {
		p.ends = append(p.ends, position{Partition: partition, After: key})
	}
	p.skipped += part.Skipped
	p.skippedBytes += part.SkippedBytes
}

// readOne reads the one row that can match.
func (s *source) readOne(ctx context.Context) (piece, error) {
	if err := s.query.Budget.spend(s.plan.table, 1); err != nil {
		return piece{}, err
	}
	s.at = 1
	found, err := s.db.Get(ctx, rows.Ref{Table: s.plan.table.Name, ID: s.plan.id})
	if err != nil || found[0] == nil {
		return piece{}, err
	}
	return piece{rows: found, ends: []position{{Partition: 1}}}, nil
}

// merge reads on in the shards that have nothing left to compare with, all at once, and
// returns rows of all of them in the order of their sort keys: at most limit, and up to
// where a shard has nothing left again.
func (s *source) merge(ctx context.Context, limit int) (piece, error) {
	each := limit/len(s.shards) + minMerged
	group, inGroup := errgroup.WithContext(ctx)
	if s.query.Budget.left() < each*len(s.shards) { // so that none takes what another one would give back
		group.SetLimit(1)
	}
	for i := range s.shards {
		group.Go(func() error { return s.fill(inGroup, &s.shards[i], each) })
	}
	if err := group.Wait(); err != nil {
		return piece{}, err //nolint:wrapcheck // it is that of fill
	}
	var next []rows.Entry
	found := map[string]*rows.Row{}
	for len(next) < limit {
		first := s.first()
		if first < 0 {
			break
		}
		from := &s.shards[first]
		entry := from.entries[0]
		next, from.entries = append(next, entry), from.entries[1:]
		if row, ok := from.rows[entry.Key]; ok {
			found[entry.Key] = row
			delete(from.rows, entry.Key)
		}
		if len(from.entries) == 0 && !from.done {
			break
		}
	}
	return s.rowsOf(ctx, next, func(key string) *rows.Row { return found[key] })
}

// minMerged is how many entries of a partition are read at least where several are
// merged, so that one of which many come next is not read one by one.
const minMerged = 4

// fill reads on in a shard that has nothing left.
func (s *source) fill(ctx context.Context, from *shard, limit int) error {
	for len(from.entries) == 0 && !from.done {
		if s.plan.index != nil {
			entries, err := s.query.Budget.entries(ctx, s.db, s.plan.table, from.from, from.after, limit)
			if err != nil {
				return err
			}
			from.entries, from.after, from.done = entries.List, entries.Next, entries.Next == ""
			continue
		}
		part, err := s.query.Budget.read(ctx, s.db, s.plan.table, from.from, from.after, limit, s.only)
		if err != nil {
			return err
		}
		from.after, from.done, from.rows = part.Next, part.Next == "", map[string]*rows.Row{}
		for i, row := range part.Rows {
			from.rows[part.Keys[i]] = row
			from.entries = append(from.entries, rows.Entry{ID: row.ID, Key: part.Keys[i]})
		}
	}
	return nil
}

// rowsOf returns the rows of entries: of an index by reading them, else by their keys.
func (s *source) rowsOf(ctx context.Context, entries []rows.Entry, read func(key string) *rows.Row) (p piece, err error) {
	if s.plan.index == nil {
		for _, entry := range entries {
			p.rows = append(p.rows, read(entry.Key))
			p.ends = append(p.ends, position{After: entry.Key})
		}
		return p, nil
	}
	part, err := s.db.RowsOf(ctx, s.plan.table, entries, s.only)
	if err == nil && len(part.Broken) > 0 { // a list must not lack a row
		err = part.Broken[0].Err
	}
	p.add(part, 0)
	return p, err
}

// first returns the shard with the first entry by its sort key, -1 when none has one.
func (s *source) first() int {
	first := -1
	for i := range s.shards {
		if len(s.shards[i].entries) == 0 {
			continue
		}
		if first < 0 || (s.shards[i].entries[0].Key < s.shards[first].entries[0].Key) != s.plan.descending {
			first = i
		}
	}
	return first
}
