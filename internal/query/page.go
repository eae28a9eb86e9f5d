package query

import (
	"context"

	"segue/internal/rows"
)

// Page is part of a list; an empty Token means that it was the last part.
type Page struct {
	Rows  []*rows.Row
	Token string
	// Where they are asked for: all rows that match, MaxCount at most, and whether there
	// are more than that.
	Count    int
	Exceeded bool

	ends     []position // of each row
	identity string
	total    *int
}

// Cut leaves the first n rows, at least one; the others begin the next page.
func (p *Page) Cut(n int) {
	if n < len(p.Rows) {
		p.Rows, p.ends = p.Rows[:n], p.ends[:n]
		p.Token = p.token()
	}
}

// token returns the token of the page after this one.
func (p *Page) token() string {
	at := p.ends[len(p.ends)-1]
	at.Count = p.total
	return at.encode(p.identity)
}

// newPage returns the page of some rows, after which there are more.
func newPage(list []*rows.Row, ends []position, more bool, total *int, identity string) Page {
	p := Page{Rows: list, ends: ends, identity: identity, total: total}
	if total != nil {
		p.Count, p.Exceeded = min(*total, MaxCount), *total > MaxCount
	}
	if more {
		p.Token = p.token()
	}
	return p
}

// selection collects the rows of a page that are read in order.
type selection struct {
	*run
	rows  []*rows.Row
	ends  []position
	more  bool // another row matches after them
	after int  // rows that were read and match after them
	total *int // rows that match in all, where they are counted

	weight, held int // of rows
	seen, size   int // rows that were read, and their bytes
}

// read reads a piece and adds its rows that match, until the page is full.
func (s *selection) read(ctx context.Context, from *source) error {
	piece, err := from.read(ctx, s.chunk())
	if err != nil {
		return err
	}
	shown, err := s.shown(ctx, piece.rows)
	if err != nil {
		return err
	}
	s.seen, s.size = s.seen+piece.skipped, s.size+piece.skippedBytes
	for i, row := range piece.rows {
		size := row.Size(nil)
		s.seen, s.size = s.seen+1, s.size+size
		switch {
		case !shown[i]:
			continue
		case s.more || s.full():
			s.more = true // there is a next page, which begins with the first of these rows
			s.after++
			continue
		}
		s.rows = append(s.rows, row)
		s.ends = append(s.ends, piece.ends[i])
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
	if !s.plan.everything && !s.plan.exact {
		want = max(want, minChunk)
	}
	if s.seen == 0 {
		return min(want, firstChunk)
	}
	fit := (maxHeld - s.held) / max(1, s.size/s.seen)
	if s.plan.everything && s.weight > 0 {
		fit = min(fit, (s.query.Bytes-s.weight)*len(s.rows)/s.weight)
	}
	return max(1, min(want, fit+1, maxChunk))
}

func (s *selection) page() Page {
	return newPage(s.rows, s.ends, s.more, s.total, s.plan.identity)
}

// counter counts rows that match.
type counter struct {
	*run
	n int
}

// rest counts what is left of a source, until there are more than [MaxCount]. It decodes
// no row that can be told without.
func (c *counter) rest(ctx context.Context, from *source) error {
	if c.query.Unseen == nil && !c.plan.asksRows {
		from.count(c)
	}
	for !from.done() && c.n <= MaxCount {
		piece, err := from.read(ctx, maxChunk)
		if err != nil {
			return err
		}
		shown, err := c.shown(ctx, piece.rows)
		if err != nil {
			return err
		}
		for _, ok := range shown {
			if ok {
				c.n++
			}
		}
	}
	return nil
}

// count makes a source count rows that match and leave all out, in no order. What was
// read before stays.
func (s *source) count(c *counter) {
	s.merged = false
	s.only = rows.NewWhere(s.plan.table, s.plan.match.Columns(), func(row *rows.Sketch) (bool, error) {
		ok, err := s.plan.local.Match(row)
		if ok {
			c.n++
		}
		return false, err
	})
}
