package related

import (
	"context"

	"segue/internal/rows"
	"segue/internal/schema"
)

// MaxRecords is how many records, and rows on the way to them, are found at once.
const MaxRecords = 500

// Found is what a way back comes to.
type Found struct {
	Records []rows.Ref // each once
	Hand    Hand       // rows on the way that were read
	Rest    []Rest     // what was too much at once
}

// Back finds the records whose conditions lead to a row that has changed: those that it
// leads back to now, and those that it did before. A row that comes as it is, and is gone,
// leads back only where other rows point at it.
func (w Watch) Back(ctx context.Context, db *rows.DB, change rows.Change) (Found, error) {
	b := back{db: db, found: Found{Hand: Hand{}}, seen: map[rows.Ref]bool{}}
	last := len(w.Way) - 1
	if !w.Way[last].Many {
		err := b.walk(ctx, w.Way, []rows.Ref{change.Ref})
		return b.found, err
	}
	var above []rows.Ref
	for _, image := range []*rows.Image{change.Old, change.New} {
		if image == nil {
			continue
		}
		v, err := image.Value(w.Way[last].Lookup.Name)
		if err != nil {
			return Found{}, err
		}
		above = b.add(above, w.Way[last], v)
	}
	err := b.walk(ctx, w.Way[:last], above)
	return b.found, err
}

type back struct {
	db    *rows.DB
	found Found
	seen  map[rows.Ref]bool // at the end of the present step
	count int
}

// walk goes a way back from the rows at its end.
func (b *back) walk(ctx context.Context, way []Step, from []rows.Ref) error {
	for ; len(way) > 0 && len(from) > 0; way = way[:len(way)-1] {
		step := way[len(way)-1]
		clear(b.seen)
		var err error
		if step.Many {
			from, err = b.up(ctx, step, from)
		} else {
			from, err = b.down(ctx, way, from)
		}
		if err != nil {
			return err
		}
	}
	b.found.Records = from
	return nil
}

// up returns the rows that rows point at by the lookup of a step.
func (b *back) up(ctx context.Context, step Step, from []rows.Ref) ([]rows.Ref, error) {
	read, err := NewHand(ctx, b.db, from)
	if err != nil {
		return nil, err
	}
	var above []rows.Ref
	for _, ref := range from {
		b.found.Hand[ref] = read[ref]
		if read[ref] == nil {
			continue
		}
		v, err := read[ref].Value(step.Lookup.Name)
		if err != nil {
			return nil, err
		}
		above = b.add(above, step, v)
	}
	return above, nil
}

// add adds the row that a lookup points at, if conditions lead there from it.
func (b *back) add(list []rows.Ref, step Step, lookup schema.Value) []rows.Ref {
	to, ok := lookup.Ref()
	ref := rows.Ref{Table: to.Table, ID: to.ID}
	if !ok || to.Table != step.From.Name || b.seen[ref] {
		return list
	}
	b.seen[ref] = true
	return append(list, ref)
}

// down returns the rows that point at some, by the index of the last step of a way. Those
// of a row that would be too many are left for later.
func (b *back) down(ctx context.Context, way []Step, from []rows.Ref) ([]rows.Ref, error) {
	step := way[len(way)-1]
	var below []rows.Ref
	for _, ref := range from {
		listed, ok, err := b.listed(ctx, step, ref)
		if err != nil {
			return nil, err
		}
		if !ok {
			b.found.Rest = append(b.found.Rest, Rest{ref, way})
			continue
		}
		below = append(below, listed...)
	}
	return below, nil
}

// listed returns the rows that an index lists for one; ok is false where there are too
// many.
func (b *back) listed(ctx context.Context, step Step, ref rows.Ref) (list []rows.Ref, ok bool, err error) {
	seen := 0
	for _, p := range step.listing.partitions(b.db.Schema(), ref) {
		for after, more := "", true; more; {
			entries, err := step.listing.entries(ctx, b.db, p, after, MaxRecords+1)
			if err != nil {
				return nil, false, err
			}
			if seen += entries.Seen; b.count+seen > MaxRecords {
				return nil, false, nil
			}
			for _, entry := range entries.List {
				list = append(list, rows.Ref{Table: step.From.Name, ID: entry.ID})
			}
			after, more = entries.Next, entries.Next != ""
		}
	}
	b.count += seen
	return list, true, nil
}
