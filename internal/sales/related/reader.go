package related

import (
	"context"
	"fmt"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// MaxRead is how many entries of indexes and rows that lookups point at one decision reads.
const MaxRead = 1000

// atOnce is how many entries of an index are read at once: a few are mostly enough.
const atOnce = 100

// Hand is rows as they are, by their names, nil for one that is not there: an index may not
// show yet that they point at a row, or that they are gone.
type Hand map[rows.Ref]*rows.Row

// NewHand reads rows.
func NewHand(ctx context.Context, db *rows.DB, refs []rows.Ref) (Hand, error) {
	found, err := db.Get(ctx, refs...)
	if err != nil {
		return nil, err
	}
	hand := Hand{}
	for i, ref := range refs {
		hand[ref] = found[i]
	}
	return hand, nil
}

// Reader answers the questions of conditions about the rows related to one record. It reads
// only when it is asked, and nothing twice; it belongs to one goroutine and one decision.
type Reader struct {
	db    *rows.DB
	pages func(l listing, p rows.Partition, after string, only *rows.Where) (rows.Part, error)
	get   func(rows.Ref) (*rows.Row, error)
	scope *filter.Scope

	hand    Hand
	read    map[rows.Ref]*rows.Row
	answers map[question]*rows.Row // the row by which it is answered with yes, nil for no
	left    int
	spent   int
	lags    bool
	asked   bool
	shown   func(*rows.Row) bool // who is told what was found may be told of a row; nil: of all
}

var (
	_ filter.RelatedRows = (*Reader)(nil)
	_ filter.Finder      = (*Reader)(nil)
)

// question is whether a condition holds for any of the rows that point at one.
type question struct {
	at    rows.Ref
	inner *filter.Program
}

// NewReader returns a reader of the rows of db, for the time of a call.
func NewReader(ctx context.Context, db *rows.DB, hand Hand) *Reader {
	r := &Reader{
		db: db, hand: hand,
		pages: func(l listing, p rows.Partition, after string, only *rows.Where) (rows.Part, error) {
			return l.rows(ctx, db, p, after, only)
		},
		get: func(ref rows.Ref) (*rows.Row, error) {
			found, err := db.Get(ctx, ref)
			if err != nil {
				return nil, err
			}
			return found[0], nil
		},
	}
	r.Next()
	return r
}

// In returns a scope with the reader, which evaluates conditions on related rows in it.
func (r *Reader) In(scope filter.Scope) *filter.Scope {
	scope.Related = r
	r.scope = &scope
	return r.scope
}

// Next begins the decision on another record.
func (r *Reader) Next() {
	r.read, r.answers = map[rows.Ref]*rows.Row{}, map[question]*rows.Row{}
	r.left, r.lags, r.asked = MaxRead, false, false
}

// Asked reports whether the decision has asked for any related row.
func (r *Reader) Asked() bool { return r.asked }

// Lags reports whether the decision rests on an index, which may not show yet what was
// written a moment ago.
func (r *Reader) Lags() bool { return r.lags }

// Spent returns how many rows and entries were read in all.
func (r *Reader) Spent() int { return r.spent }

// One implements [filter.RelatedRows].
func (r *Reader) One(row filter.Row, nav schema.Nav) (filter.Row, error) {
	found, err := r.pointedAt(row, nav.Column.Name, nav.Target.Table)
	if err != nil || found == nil {
		return nil, err
	}
	return found, nil
}

// pointedAt returns the row of a table that a lookup points at, nil for none.
func (r *Reader) pointedAt(row filter.Row, lookup, table string) (*rows.Row, error) {
	v, err := row.Value(lookup)
	to, ok := v.Ref()
	if err != nil || !ok || to.Table != table {
		return nil, err
	}
	r.asked = true
	ref := rows.Ref{Table: to.Table, ID: to.ID}
	if known, ok := r.hand[ref]; ok {
		return known, nil
	}
	if known, ok := r.read[ref]; ok {
		return known, nil
	}
	if err := r.spend(1, ref); err != nil {
		return nil, err
	}
	found, err := r.get(ref)
	if err == nil {
		r.read[ref] = found
	}
	return found, err
}

// Any implements [filter.RelatedRows]. Rows in hand are asked first, and the index only
// where none of them answers.
func (r *Reader) Any(row filter.Row, relation schema.Relation, inner *filter.Program) (bool, error) {
	r.asked = true
	named, ok := row.(interface{ Ref() rows.Ref })
	if !ok { // a row without a name has nothing that points at it
		return false, nil
	}
	q := question{named.Ref(), inner}
	if found, known := r.answers[q]; known {
		return found != nil, nil
	}
	found, err := r.inHand(q, relation)
	if err == nil && found == nil {
		found, err = r.listed(q, relation)
	}
	if err != nil {
		return false, err
	}
	r.answers[q] = found
	return found != nil, nil
}

// inHand returns a row in hand that answers a question with yes.
func (r *Reader) inHand(q question, relation schema.Relation) (*rows.Row, error) {
	for ref, row := range r.hand {
		if row == nil || ref.Table != relation.Table.Name {
			continue
		}
		if holds, err := r.answered(q, relation, row); holds || err != nil {
			return row, err
		}
	}
	return nil, nil //nolint:nilnil // none is not an error
}

// answered reports whether a row points at the one that is asked about and meets the
// condition.
func (r *Reader) answered(q question, relation schema.Relation, row *rows.Row) (bool, error) {
	if to := row.Lookup(relation.Column.Name); to.Table != q.at.Table || to.ID != q.at.ID {
		return false, nil
	}
	return q.inner.MatchIn(row, r.scope)
}

// listed is inHand for the rows that the index lists.
func (r *Reader) listed(q question, relation schema.Relation) (*rows.Row, error) {
	t, local := relation.Table, q.inner.Local()
	by := listingOf(t, relation.Column)
	if !by.lists(r.db.Schema().Table(q.at.Table)) {
		return nil, fmt.Errorf("no index lists the rows of %s that point at one by %s", t.Name, relation.Column.Name)
	}
	r.lags = true
	only := rows.NewWhere(t, q.inner.Columns(), func(row *rows.Sketch) (bool, error) { return local.MatchIn(row, r.scope) })
	for _, p := range by.partitions(r.db.Schema(), q.at) {
		for after, more := "", true; more; {
			part, err := r.pages(by, p, after, only)
			switch {
			case err != nil:
				return nil, err
			case len(part.Broken) > 0:
				return nil, part.Broken[0].Err
			}
			if err := r.spend(part.Seen, q.at); err != nil {
				return nil, err
			}
			for _, row := range part.Rows {
				if holds, err := r.answered(q, relation, row); holds || err != nil {
					return row, err
				}
			}
			after, more = part.Next, part.Next != ""
		}
	}
	return nil, nil //nolint:nilnil // none is not an error
}

// spend counts what was read.
func (r *Reader) spend(n int, at rows.Ref) error {
	r.spent += n
	if r.left -= n; r.left < 0 {
		return fmt.Errorf("the conditions ask for more than %d rows related to a record, at %v", MaxRead, at)
	}
	return nil
}

// Above implements [filter.RelatedRows]: [Check] lets no condition ask for it.
func (r *Reader) Above(t *schema.Table, id string) ([]string, error) {
	return nil, fmt.Errorf("the rows above %s %s are not read for segments", t.Name, id)
}

// Show has [Reader.Found] and [Reader.Shows] tell only of some rows.
func (r *Reader) Show(only func(*rows.Row) bool) { r.shown = only }

// Shows implements [filter.Finder].
func (r *Reader) Shows(row filter.Row) bool {
	of, ok := row.(*rows.Row)
	return !ok || r.shown == nil || r.shown(of)
}

// Found implements [filter.Finder].
func (r *Reader) Found(row filter.Row, relation schema.Relation, inner *filter.Program) string {
	var found *rows.Row
	if relation.Many {
		if named, ok := row.(interface{ Ref() rows.Ref }); ok {
			found = r.answers[question{named.Ref(), inner}]
		}
	} else {
		found, _ = r.pointedAt(row, relation.Column.Name, relation.Table.Name) // it was read, or there is none
	}
	if found == nil || !r.Shows(found) {
		return ""
	}
	text := found.Ref().String()
	if called := found.Text(found.Table.PrimaryName); called != "" {
		text += fmt.Sprintf(" (%s)", called)
	}
	return text
}
