package query

import (
	"container/heap"
	"context"
	"slices"

	"segue/internal/rows"
)

// top collects the first rows of an order out of those that are read, no more than a page
// takes: a heap with the last of them on top.
type top struct {
	*run
	sort  *sorting
	names *related // what the order leads to
	start place    // the page begins after this place
	first bool     // there is no page before

	list []placed
	cut  place // nothing from here on belongs to the page

	held       int // bytes of list
	seen, size int // rows that were read, and their bytes
	total      int // rows that match
}

// placed is a row with its place.
type placed struct {
	at     place
	row    *rows.Row // nil while it is not decoded
	stored rows.Held // then
	size   int
}

// selectSorted reads a page of rows that are ordered after they were read: all that match.
func (r *run) selectSorted(ctx context.Context, at position) (Page, error) {
	t := &top{run: r, sort: r.plan.sort, names: newRelated(r.db, r.query.Budget, r.query.Reads), first: r.query.Token == ""}
	if !t.first {
		var err error
		if t.start, err = t.sort.decodePlace(at); err != nil {
			return Page{}, err
		}
	}
	from := r.source(position{})
	t.sketch(from)
	for !from.done() {
		piece, err := from.read(ctx, t.chunk())
		if err != nil {
			return Page{}, err
		}
		if err := t.take(ctx, piece); err != nil {
			return Page{}, err
		}
	}
	return t.page()
}

// sketch makes a source leave out all rows and takes those that belong to the page out of
// what it goes past, if the columns that are stored with a row tell where it stands. Most
// of them another row drives out again, so only what stays in the end is decoded.
func (t *top) sketch(from *source) {
	if t.plan.asksRows || t.query.Unseen != nil || !t.sort.own() {
		return
	}
	columns := slices.Clone(t.plan.match.Columns())
	for _, k := range t.sort.keys {
		columns = append(columns, k.column.Name)
	}
	only := rows.NewWhere(t.plan.table, columns, func(row *rows.Sketch) (bool, error) {
		ok, err := t.plan.local.Match(row)
		if !ok || err != nil {
			return false, err
		}
		t.total++
		outside, err := t.outside(row)
		if outside || err != nil {
			return false, err
		}
		at, err := t.sort.placeOf(row)
		if err == nil {
			t.push(placed{at: at, stored: row.Hold(), size: row.Size()})
		}
		return false, err
	})
	if only != nil {
		from.only = only
	}
}

// outside is elsewhere for a row of which no place is made.
func (t *top) outside(row *rows.Sketch) (bool, error) {
	if t.cut != nil {
		n, err := t.sort.compareTo(row, t.cut)
		if n >= 0 || err != nil {
			return true, err
		}
	}
	if t.first {
		return false, nil
	}
	n, err := t.sort.compareTo(row, t.start)
	return n <= 0, err
}

// elsewhere reports whether a place belongs to another page, as far as is known.
func (t *top) elsewhere(at place) bool {
	return !t.first && t.sort.compare(at, t.start) <= 0 || t.cut != nil && t.sort.compare(at, t.cut) >= 0
}

// chunk returns how many rows to read next, which are held beside those of the page.
func (t *top) chunk() int {
	if t.seen == 0 {
		return firstChunk
	}
	return max(1, min(maxChunk, maxHeld/max(1, t.size/t.seen)))
}

// take adds the rows of a piece that match and belong to the page as far as is known.
func (t *top) take(ctx context.Context, p piece) error {
	t.seen, t.size = t.seen+p.skipped, t.size+p.skippedBytes
	shown, err := t.shown(ctx, p.rows)
	if err != nil {
		return err
	}
	var matching []*rows.Row
	for i, row := range p.rows {
		t.seen, t.size = t.seen+1, t.size+row.Size(nil)
		if shown[i] {
			matching = append(matching, row)
		}
	}
	return t.addAll(ctx, matching)
}

// addAll adds those of some rows that match which belong to the page as far as is known.
func (t *top) addAll(ctx context.Context, matching []*rows.Row) error {
	t.total += len(matching)
	for _, k := range t.sort.keys {
		if err := t.names.fetch(ctx, matching, k.hops); err != nil {
			return err
		}
	}
	if len(t.names.rows) > MaxNames {
		return t.sort.tooManyNames()
	}
	for _, row := range matching {
		at := make(place, len(t.sort.keys))
		if err := t.sort.place(at, row, t.names); err != nil {
			return err
		}
		t.add(row, at)
	}
	return nil
}

// add adds a row unless it belongs to another page.
func (t *top) add(row *rows.Row, at place) {
	if !t.elsewhere(at) {
		t.push(placed{at: at, row: row, size: row.Size(nil)})
	}
}

func (t *top) push(p placed) {
	heap.Push(t, p)
	for t.overfull() {
		last, _ := heap.Pop(t).(placed)
		t.cut = last.at
	}
}

// overfull reports whether the page is full without the last of its rows.
func (t *top) overfull() bool {
	return len(t.list) > 1 && (len(t.list) > t.query.Limit || t.held-t.list[0].size >= maxHeld)
}

// rows returns what was collected, in order, up to the row by which it weighs what a page
// may.
func (t *top) rows() ([]*rows.Row, error) {
	slices.SortFunc(t.list, func(a, b placed) int { return t.sort.compare(a.at, b.at) })
	var list []*rows.Row
	weight := 0
	for _, p := range t.list {
		if t.query.Bytes > 0 && weight >= t.query.Bytes {
			t.cut = p.at
			break
		}
		row := p.row
		if row == nil {
			var err error
			if row, err = t.db.Decode(p.stored); err != nil { // a list must not lack a row
				return nil, err
			}
		}
		if t.query.Bytes > 0 {
			weight += t.query.Weigh(row)
		}
		list = append(list, row)
	}
	return list, nil
}

func (t *top) page() (Page, error) {
	list, err := t.rows()
	if err != nil {
		return Page{}, err
	}
	ends := make([]position, len(list))
	for i := range list {
		ends[i] = t.sort.position(t.list[i].at)
	}
	var total *int
	if t.query.Count {
		total = &t.total
	}
	return newPage(list, ends, t.cut != nil, total, t.plan.identity), nil
}

// Len implements [heap.Interface].
func (t *top) Len() int { return len(t.list) }

// Less implements [heap.Interface]: the last row comes first.
func (t *top) Less(i, j int) bool { return t.sort.compare(t.list[i].at, t.list[j].at) > 0 }

// Swap implements [heap.Interface].
func (t *top) Swap(i, j int) { t.list[i], t.list[j] = t.list[j], t.list[i] }

// Push implements [heap.Interface].
func (t *top) Push(x any) {
	p, _ := x.(placed)
	t.list, t.held = append(t.list, p), t.held+p.size
}

// Pop implements [heap.Interface].
func (t *top) Pop() any {
	p := t.list[len(t.list)-1]
	t.list, t.held = t.list[:len(t.list)-1], t.held-p.size
	return p
}
