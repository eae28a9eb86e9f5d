package query

import "segue/internal/rows"

// Page is part of a list; an empty Token means that it was the last part.
type Page struct {
	Rows  []*rows.Row
	Token string

	ends  []position // of each row
	where string
}

// Cut leaves the first n rows, at least one; the others begin the next page.
func (p *Page) Cut(n int) {
	if n < len(p.Rows) {
		p.Rows, p.ends = p.Rows[:n], p.ends[:n]
		p.Token = p.ends[n-1].encode(p.where)
	}
}

// Drop leaves out rows that nobody is to see. No other page has them.
func (p *Page) Drop(unseen func(*rows.Row) bool) {
	kept := 0
	for i, row := range p.Rows {
		if !unseen(row) {
			p.Rows[kept], p.ends[kept] = row, p.ends[i]
			kept++
		}
	}
	clear(p.Rows[kept:])
	p.Rows, p.ends = p.Rows[:kept], p.ends[:kept]
}

// selection collects the rows of a page.
type selection struct {
	query Query
	plan  *plan
	rows  []*rows.Row
	ends  []position
	more  bool // another row matches after them

	weight, held int // of rows
	seen, read   int // rows that were read, and their bytes
}

// take adds the rows that match, until the page is full.
func (s *selection) take(piece piece, partition int) error {
	s.seen, s.read = s.seen+piece.Skipped, s.read+piece.SkippedBytes
	for i, row := range piece.Rows {
		size := row.Size(nil)
		s.seen, s.read = s.seen+1, s.read+size
		ok, err := s.plan.matches(row)
		switch {
		case err != nil:
			return err
		case !ok:
			continue
		case s.full():
			s.more = true // there is a next page, which begins with this row
			return nil
		}
		s.rows = append(s.rows, row)
		s.ends = append(s.ends, position{Partition: partition, After: piece.Keys[i]})
		s.held += size
		if s.query.Bytes > 0 {
			s.weight += s.query.Weigh(row)
		}
	}
	return nil
}

// full reports whether the page takes no further row.
func (s *selection) full() bool {
	heavy := s.query.Bytes > 0 && s.weight >= s.query.Bytes
	return len(s.rows) >= s.query.Limit || len(s.rows) > 0 && (heavy || s.held >= maxHeld)
}

// chunk returns how many rows to read next: no more than the page takes, as far as
// the rows read so far tell, and one to learn whether there is a next page.
func (s *selection) chunk() int {
	want := s.query.Limit - len(s.rows) + 1
	if !s.plan.everything {
		want = max(want, minChunk)
	}
	if s.seen == 0 {
		return min(want, firstChunk)
	}
	fit := (maxHeld - s.held) / max(1, s.read/s.seen)
	if s.plan.everything && s.weight > 0 {
		fit = min(fit, (s.query.Bytes-s.weight)*len(s.rows)/s.weight)
	}
	return max(1, min(want, fit+1, maxChunk))
}

func (s *selection) page() Page {
	p := Page{Rows: s.rows, ends: s.ends, where: s.plan.where}
	if s.more {
		p.Token = s.ends[len(s.ends)-1].encode(p.where)
	}
	return p
}
