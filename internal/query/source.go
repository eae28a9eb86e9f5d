package query

import (
	"context"

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
	done  bool   // there is no more after rows
	// Read and not taken yet, where partitions are merged.
	rows []*rows.Row
	keys []string
}

// piece is some rows of a source, and after each of them a position.
type piece struct {
	rows []*rows.Row
	ends []position
	seen int // rows that were examined, those that are left out included

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
		if !s.shards[i].done || len(s.shards[i].rows) > 0 {
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
	var p piece
	if !now.done {
		if err := s.fill(ctx, now, limit, &p); err != nil {
			return p, err
		}
	}
	for i, row := range now.rows {
		p.rows = append(p.rows, row)
		p.ends = append(p.ends, position{Partition: s.at, After: now.keys[i]})
	}
	now.rows, now.keys = nil, nil
	if now.done {
		s.at++
	}
	return p, nil
}

// readOne reads the one row that can match.
func (s *source) readOne(ctx context.Context) (piece, error) {
	if err := s.query.Budget.spend(s.plan.table, 1); err != nil {
		return piece{}, err
	}
	s.at = 1
	found, err := s.db.Get(ctx, rows.Ref{Table: s.plan.table.Name, ID: s.plan.id})
	if err != nil || found[0] == nil {
		return piece{seen: 1}, err
	}
	return piece{rows: found, ends: []position{{Partition: 1}}, seen: 1}, nil
}

// fill reads on in a shard and adds to p what it examined.
func (s *source) fill(ctx context.Context, from *shard, limit int, p *piece) error {
	part, err := s.query.Budget.read(ctx, s.db, s.plan.table, from.from, from.after, limit, s.only)
	if err != nil {
		return err
	}
	from.rows, from.keys = append(from.rows, part.Rows...), append(from.keys, part.Keys...)
	from.after, from.done = part.Next, part.Next == ""
	p.seen += part.Seen
	p.skipped += part.Skipped
	p.skippedBytes += part.SkippedBytes
	return nil
}

// merge reads on in the shards that have nothing left to compare with, and returns the
// rows of all of them in the order of their sort keys, up to where one has nothing left
// again.
func (s *source) merge(ctx context.Context, limit int) (piece, error) {
	var p piece
	each := limit/len(s.shards) + minMerged // in each, so that one of many rows is not read alone all the time
	for i := range s.shards {
		from := &s.shards[i]
		for len(from.rows) == 0 && !from.done {
			if err := s.fill(ctx, from, each, &p); err != nil {
				return p, err
			}
		}
	}
	for {
		first := s.first()
		if first < 0 {
			return p, nil
		}
		from := &s.shards[first]
		p.rows = append(p.rows, from.rows[0])
		p.ends = append(p.ends, position{After: from.keys[0]})
		from.rows, from.keys = from.rows[1:], from.keys[1:]
		if len(from.rows) == 0 && !from.done {
			return p, nil
		}
	}
}

// minMerged is how many rows of a partition are read at least where several are merged.
const minMerged = 4

// first returns the shard with the first row by its sort key, -1 when none has one.
func (s *source) first() int {
	first := -1
	for i := range s.shards {
		if len(s.shards[i].rows) == 0 {
			continue
		}
		if first < 0 || (s.shards[i].keys[0] < s.shards[first].keys[0]) != s.plan.descending {
			first = i
		}
	}
	return first
}
