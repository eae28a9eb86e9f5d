package related

import (
	"slices"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// Watch is what conditions on records ask of the rows of one table, and the way there.
type Watch struct {
	Way     []Step          // from the record to the row
	Columns []string        // of the row, whose change may change the verdict
	Lookups []string        // those of them that lead on to a row that it points at
	holds   *filter.Program // what is asked of the row, where its columns alone decide; else nil
}

// Table is the table of the rows.
func (w Watch) Table() *schema.Table { return w.last().To }

func (w Watch) last() Step { return w.Way[len(w.Way)-1] }

// Watches returns what a program for the records of a table asks of related rows.
func Watches(s *schema.Schema, t *schema.Table, p *filter.Program) []Watch {
	v := watcher{schema: s}
	v.program(t, nil, p)
	return v.watches
}

// Lookups returns the lookups of its records that a program follows.
func Lookups(p *filter.Program) []string { return lookupsOf(p.Needs().Lookups) }

func lookupsOf(list []filter.Follow) []string {
	var columns []string
	for _, f := range list {
		columns = append(columns, f.Nav.Column.Name)
	}
	return columns
}

type watcher struct {
	schema  *schema.Schema
	watches []Watch
}

// program adds what a program asks of the rows around one of t, to which way leads.
func (v *watcher) program(t *schema.Table, way []Step, p *filter.Program) {
	needs := p.Needs()
	v.lookups(t, way, needs.Lookups)
	for _, r := range needs.Related {
		w := Watch{Way: onward(way, stepBy(t, r.Relation)), Columns: r.Inner.Columns(), Lookups: Lookups(r.Inner)}
		if lookup := r.Relation.Column.Name; !slices.Contains(w.Columns, lookup) {
			w.Columns = append(slices.Clone(w.Columns), lookup)
		}
		if r.Inner.Needs().Asks == 0 {
			w.holds = r.Inner
		}
		v.watches = append(v.watches, w)
		v.program(r.Relation.Table, w.Way, r.Inner)
	}
}

func (v *watcher) lookups(t *schema.Table, way []Step, list []filter.Follow) {
	for _, f := range list {
		step := stepAlong(v.schema, t, f.Nav)
		w := Watch{Way: onward(way, step), Columns: f.Columns, Lookups: lookupsOf(f.Lookups)}
		for _, inner := range f.Inner {
			w.Lookups = append(w.Lookups, Lookups(inner)...)
		}
		v.watches = append(v.watches, w)
		v.lookups(step.To, w.Way, f.Lookups)
		for _, inner := range f.Inner {
			v.program(step.To, w.Way, inner)
		}
	}
}

func onward(way []Step, step Step) []Step { return append(slices.Clone(way), step) }

// Concerns reports whether a change may change a verdict, and whether it has moved a
// lookup by which conditions lead on: then an index that lags may not yet lead back to it
// from the row that it points at. A change that comes as the row is ([rows.Change.Present])
// stands for any that the row may have gone through.
func (w Watch) Concerns(change rows.Change) (concerns, moved bool, err error) {
	if change.Present {
		return true, true, nil
	}
	if moved, err = change.Moves(w.Lookups); err != nil {
		return false, false, err
	}
	concerns, err = change.Touches(w.Columns)
	if err != nil || !concerns || w.holds == nil {
		return concerns, moved, err
	}
	was, err := w.held(change.Old)
	if err != nil {
		return false, false, err
	}
	is, err := w.held(change.New)
	if err != nil {
		return false, false, err
	}
	stays := false // the row points where it did
	if change.Old != nil && change.New != nil {
		away, err := change.Touches([]string{w.last().Lookup.Name})
		if err != nil {
			return false, false, err
		}
		stays = !away
	}
	if stays {
		return was != is, moved, nil
	}
	return was || is, moved, nil
}

// held reports whether the row met the conditions on it at an image.
func (w Watch) held(image *rows.Image) (bool, error) {
	if image == nil {
		return false, nil
	}
	return w.holds.Match(image)
}
