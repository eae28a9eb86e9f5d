package query

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/schema"
)

// Order orders rows by a column: null first, text as conditions compare it, a choice by
// its number, a lookup by the name of the row that it points at. What has the same place
// is ordered by the primary key, in the direction of the last column, or by what else the
// index has that serves the order.
type Order struct {
	Path       []string // navigation properties to follow to the row that has the column; nil: the row itself
	Column     string
	Descending bool
}

// OrderError reports an order that rows cannot be brought into. Its text may be shown to
// anybody.
type OrderError struct{ Detail string }

// Error returns the detail.
func (e *OrderError) Error() string { return e.Detail }

// MaxNames is the number of rows that lookups may point at for rows to be ordered by what
// those hold.
const MaxNames = 1000

// maxSortText is how many bytes of a folded text decide its place. A page token holds
// the place of a row.
const maxSortText = 1024

// sortKey is one column of an order.
type sortKey struct {
	name       string         // path and column
	hops       []hop          // to the row that has it
	column     *schema.Column // of its table; of a lookup, the rows that it points at decide by their names
	descending bool
	added      bool // it is the primary key, which nobody asked for: an index may have others before it
}

// own reports whether it is a column of the row itself whose value decides.
func (k sortKey) own() bool { return len(k.hops) == 0 }

// sorting is an order that rows are brought into after they were read. Its last key is
// the primary key.
type sorting struct{ keys []sortKey }

// sortKeys checks an order and ends it with the primary key. A column that must have one
// value orders nothing and is left out.
func sortKeys(s *schema.Schema, t *schema.Table, order []Order, equal map[string]schema.Value) ([]sortKey, error) {
	var keys []sortKey
	for _, o := range order {
		key, err := newSortKey(s, t, o)
		if err != nil {
			return nil, err
		}
		if _, fixed := equal[o.Column]; fixed && len(o.Path) == 0 {
			continue
		}
		keys = append(keys, key)
		if key.own() && o.Column == t.ID { // no two rows have the same
			return keys, nil
		}
	}
	if len(order) == 0 {
		return nil, nil
	}
	return append(keys, sortKey{name: t.ID, column: t.Column(t.ID), descending: order[len(order)-1].Descending, added: true}), nil
}

func newSortKey(s *schema.Schema, t *schema.Table, o Order) (sortKey, error) {
	k := sortKey{name: strings.Join(append(slices.Clone(o.Path), o.Column), "/"), descending: o.Descending}
	at := []*schema.Table{t}
	for _, nav := range o.Path {
		h, ok := newHop(s, at, nav)
		if !ok {
			return k, &OrderError{fmt.Sprintf("table %s has no navigation property %s to order by", at[0].Name, nav)}
		}
		k.hops, at = append(k.hops, h), h.tables
	}
	for _, t := range at {
		if c := t.Column(o.Column); c != nil && c.Write != schema.Hidden {
			k.column = c
			break
		}
	}
	switch {
	case k.column == nil:
		return k, &OrderError{fmt.Sprintf("table %s has no column %s to order by", at[0].Name, o.Column)}
	case k.column.Shown:
		return k, &OrderError{fmt.Sprintf("column %s of table %s is worked out when a row is read; rows cannot be ordered by it", o.Column, at[0].Name)}
	case k.column.Type == schema.LookupTo:
		k.hops = append(k.hops, toNames(s, at, k.column))
	}
	return k, nil
}

// inOrder reports whether the keys of an index (nil: of the table's own list), read in
// one direction, have rows in an order.
func inOrder(t *schema.Table, x *schema.Index, equal map[string]schema.Value, keys []sortKey) bool {
	columns := []string{}
	if x != nil {
		columns = slices.DeleteFunc(slices.Clone(x.Sort), func(name string) bool { _, fixed := equal[name]; return fixed })
	}
	columns = append(columns, t.ID)
	for i, k := range keys {
		switch {
		case k.descending != keys[0].descending:
			return false
		case k.added:
			return true
		case !k.own() || i == len(columns) || k.column.Name != columns[i]:
			return false
		}
	}
	return true
}

// place is where a row stands in an order: a value for each key, texts folded.
type place []schema.Value

// place finds the place of a row; related has the rows that its lookups lead to.
func (s *sorting) place(at place, row *rows.Row, related *related) error {
	for i, k := range s.keys {
		v, err := k.value(row, related)
		if err != nil {
			return err
		}
		at[i] = v
	}
	return nil
}

// placeOf finds the place of a row by columns of its own.
func (s *sorting) placeOf(row filter.Row) (place, error) {
	at := make(place, len(s.keys))
	for i, k := range s.keys {
		v, err := row.Value(k.column.Name)
		if err != nil {
			return nil, fmt.Errorf("order by %s: %w", k.column.Name, err)
		}
		at[i] = folded(k.column, v)
	}
	return at, nil
}

func (k sortKey) value(row *rows.Row, related *related) (schema.Value, error) {
	for _, h := range k.hops {
		if row = related.follow(row, h); row == nil {
			return schema.Null(), nil
		}
	}
	column := k.column
	if k.column.Type == schema.LookupTo {
		column = row.Table.Column(row.Table.PrimaryName)
	}
	if column == nil || row.Table.Column(column.Name) == nil {
		return schema.Null(), nil
	}
	v, err := row.Value(column.Name)
	if err != nil {
		return v, fmt.Errorf("order by %s: %w", k.column.Name, err)
	}
	return folded(column, v), nil
}

// folded returns a value as it is ordered.
func folded(c *schema.Column, v schema.Value) schema.Value {
	text, ok := v.Text()
	if !ok || c.Type == schema.GUID {
		return v
	}
	text = filter.Folded(text)
	if len(text) > maxSortText {
		end := maxSortText
		for !utf8.RuneStart(text[end]) {
			end--
		}
		text = text[:end]
	}
	return schema.Text(text)
}

// compare orders two places.
func (s *sorting) compare(a, b place) int {
	for i, k := range s.keys {
		n := CompareValues(a[i], b[i])
		if k.descending {
			n = -n
		}
		if n != 0 {
			return n
		}
	}
	return 0
}

// compareTo compares where a row stands with a place, and makes no place of it. The order
// is by columns of the row itself.
func (s *sorting) compareTo(row filter.Row, other place) (int, error) {
	for i, k := range s.keys {
		v, err := row.Value(k.column.Name)
		if err != nil {
			return 0, fmt.Errorf("order by %s: %w", k.column.Name, err)
		}
		n := compareUnfolded(k.column, v, other[i])
		if k.descending {
			n = -n
		}
		if n != 0 {
			return n, nil
		}
	}
	return 0, nil
}

// compareUnfolded is CompareValues of a value that is folded first.
func compareUnfolded(c *schema.Column, v, other schema.Value) int {
	text, isText := v.Text()
	bound, both := other.Text()
	if isText && both && c.Type != schema.GUID && len(text) <= maxSortText/utf8.UTFMax { // none of it is cut off
		return filter.CompareFolded(text, bound)
	}
	return CompareValues(folded(c, v), other)
}

// own reports whether all keys are columns of the row itself.
func (s *sorting) own() bool {
	return !slices.ContainsFunc(s.keys, func(k sortKey) bool { return !k.own() })
}

// CompareValues orders two values of one column; null comes first, texts by their bytes.
func CompareValues(a, b schema.Value) int {
	if a.Kind() != b.Kind() {
		return cmp.Compare(a.Kind(), b.Kind()) // null is the smallest of them
	}
	return a.Compare(b)
}

// tooManyNames refuses an order by what very many rows hold.
func (s *sorting) tooManyNames() error {
	var names []string
	for _, k := range s.keys {
		if !k.own() {
			names = append(names, k.name)
		}
	}
	return &OrderError{fmt.Sprintf("the rows of this list point at more than %d others by %s; rows are not ordered by what as many hold", MaxNames, strings.Join(names, " and "))}
}
