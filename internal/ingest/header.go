package ingest

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/schema"
)

// ErrHeader means that a file was refused before anything was written, because
// its header, Options.Map or Options.Key does not fit the table.
var ErrHeader = errors.New("the header does not fit the table")

// layout maps the fields of a file to columns.
type layout struct {
	table   *schema.Table
	header  []string         // as in the file, trimmed
	columns []*schema.Column // by field; nil: left out
	id      int              // field of the primary key, -1 for none
	key     []int            // fields that together make the id, by the name of their column
}

// newLayout returns the layout of a header for a table. Its error names everything that
// does not fit.
func newLayout(t *schema.Table, header []string, o Options) (*layout, error) {
	l := &layout{table: t, columns: make([]*schema.Column, len(header)), id: -1}
	problems := l.bind(header, o.Map)
	if len(problems) == 0 {
		problems = l.identifyBy(o.Key)
	}
	if len(problems) > 0 {
		return nil, fmt.Errorf("%w %s: %s", ErrHeader, t.Name, strings.Join(problems, "; "))
	}
	return l, nil
}

// bind finds the column of each header.
func (l *layout) bind(header []string, overrides map[string]string) (problems []string) {
	targets := map[string]string{} // by folded header
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		targets[fold(name)] = strings.TrimSpace(overrides[name])
	}
	used := map[string]bool{}
	for i, name := range header {
		name = strings.TrimSpace(name)
		l.header = append(l.header, name)
		target, mapped := targets[fold(name)]
		used[fold(name)] = true
		if mapped && (target == "" || target == "-") {
			continue
		}
		if !mapped {
			target = name
		}
		column, err := find(l.table, target)
		if err == nil {
			if first := slices.Index(l.columns, column); first >= 0 {
				err = fmt.Errorf("%s is already field %d", column.Name, first+1)
			}
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("field %d %q: %v", i+1, excerpt.Of(name), err))
			continue
		}
		l.columns[i] = column
		if column.Name == l.table.ID {
			l.id = i
		}
	}
	for _, name := range slices.Sorted(maps.Keys(targets)) {
		if !used[name] {
			problems = append(problems, fmt.Sprintf("%q is mapped but is not in the header", name))
		}
	}
	return problems
}

// identifyBy finds the fields of the key, given as names of columns or headers.
func (l *layout) identifyBy(key []string) (problems []string) {
	if len(key) > 0 && l.id >= 0 {
		return []string{fmt.Sprintf("the id column %s already identifies a row; there cannot be a key as well", l.table.ID)}
	}
	for _, name := range key {
		field := slices.IndexFunc(l.header, func(h string) bool { return fold(h) == fold(name) })
		if field < 0 {
			column, err := find(l.table, name)
			if err != nil {
				problems = append(problems, fmt.Sprintf("key %q: %v", name, err))
				continue
			}
			field = slices.Index(l.columns, column)
		}
		if field < 0 || l.columns[field] == nil {
			problems = append(problems, fmt.Sprintf("key %q: the file has no such column", name))
			continue
		}
		l.key = append(l.key, field)
	}
	slices.SortFunc(l.key, func(a, b int) int { return cmp.Compare(l.columns[a].Name, l.columns[b].Name) })
	return problems
}

// find returns the column that a caller may write, by logical name or label. A logical
// name takes precedence over labels.
func find(t *schema.Table, name string) (*schema.Column, error) {
	name = fold(name)
	var fit []*schema.Column
	for _, c := range t.Columns {
		if fold(c.Label) == name && c.Write != schema.Hidden {
			fit = append(fit, c)
		}
	}
	if c := t.Column(name); c != nil && c.Write != schema.Hidden {
		fit = []*schema.Column{c}
	}
	writable := slices.DeleteFunc(slices.Clone(fit), func(c *schema.Column) bool { return c.Write == schema.Engine })
	switch {
	case len(writable) == 1:
		return writable[0], nil
	case len(writable) > 1:
		return nil, fmt.Errorf("several columns have that label: %s", names(writable))
	case len(fit) > 0:
		return nil, fmt.Errorf("%s is set by Segue alone; map it to - to leave it out", fit[0].Name)
	}
	if alike := similar(t, name); len(alike) > 0 {
		return nil, fmt.Errorf("no column has that name; close to it: %s", names(alike))
	}
	return nil, errors.New("no column has that name; map it to a column, or to - to leave it out")
}

func names(columns []*schema.Column) string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = fmt.Sprintf("%s (%s)", c.Name, c.Label)
	}
	return strings.Join(list, ", ")
}

// similar returns up to three columns whose name or label is spelled alike, the
// best first.
func similar(t *schema.Table, name string) []*schema.Column {
	const enough, most = 0.4, 3
	score := func(c *schema.Column) float64 {
		return max(likeness(name, c.Name), likeness(name, fold(c.Label)))
	}
	alike := slices.DeleteFunc(slices.Clone(t.Columns), func(c *schema.Column) bool {
		return c.Write == schema.Hidden || c.Write == schema.Engine || score(c) < enough
	})
	slices.SortStableFunc(alike, func(a, b *schema.Column) int { return cmp.Compare(score(b), score(a)) })
	return alike[:min(most, len(alike))]
}

// likeness returns Dice's coefficient of the pairs of letters in two texts: 1 for
// the same, 0 for nothing in common.
func likeness(a, b string) float64 {
	pairs := func(text string) map[string]bool {
		letters := strings.Map(func(r rune) rune {
			if strings.ContainsRune(" _-.:/", r) {
				return -1
			}
			return r
		}, text)
		set := map[string]bool{}
		for i := 0; i+2 <= len(letters); i++ {
			set[letters[i:i+2]] = true
		}
		return set
	}
	x, y := pairs(a), pairs(b)
	common := 0
	for pair := range x {
		if y[pair] {
			common++
		}
	}
	return 2 * float64(common) / float64(max(1, len(x)+len(y)))
}

// fold returns the form in which names of columns and values of keys are compared.
func fold(text string) string { return strings.ToLower(strings.TrimSpace(text)) }

// cellError reports why a record cannot be a row, and at which field; -1 is the whole
// record.
type cellError struct {
	field  int
	reason string
}

// Error returns the reason.
func (e *cellError) Error() string { return e.reason }

// row converts a record. Empty fields are left out: an empty cell leaves its
// column as it is. The id is "" when neither an id nor a key column
// gives one. Errors are *cellError.
func (l *layout) row(fields []string) (id string, values map[string]schema.Value, err error) {
	if len(fields) != len(l.columns) {
		return "", nil, &cellError{-1, fmt.Sprintf("has %d fields, the header has %d", len(fields), len(l.columns))}
	}
	values = map[string]schema.Value{}
	for i, c := range l.columns {
		if c == nil || strings.TrimSpace(fields[i]) == "" {
			continue
		}
		v, err := c.FromText(fields[i])
		if err != nil {
			return "", nil, &cellError{i, err.Error()}
		}
		values[c.Name] = v
	}
	switch {
	case l.id >= 0:
		id, _ = values[l.table.ID].Text()
		delete(values, l.table.ID)
		if id == "" {
			return "", nil, &cellError{l.id, "must have a value: it identifies the row"}
		}
	case len(l.key) > 0:
		if id = l.keyID(values); id == "" {
			return "", nil, &cellError{l.key[0], "must have a value: the key identifies the row"}
		}
	}
	return id, values, nil
}

// keyID returns the same id for the same key values in any case, "" when all of
// them are empty. The format of its name is fixed: rows of earlier imports have
// these ids.
func (l *layout) keyID(values map[string]schema.Value) string {
	parts, empty := []string{l.table.Name}, true
	for _, field := range l.key {
		c := l.columns[field]
		v := fold(c.Text(values[c.Name]))
		parts = append(parts, c.Name, v)
		empty = empty && v == ""
	}
	if empty {
		return ""
	}
	return guid.FromName(fmt.Sprintf("segue:import:%q", parts))
}

// blame returns the header of the field that an error about a row names, "" when
// it names none.
func (l *layout) blame(err error) string {
	wrong, ok := errors.AsType[*schema.Error](err)
	if !ok {
		return ""
	}
	for i, c := range l.columns {
		if c != nil && c.Name == wrong.Column {
			return l.header[i]
		}
	}
	return wrong.Column
}
