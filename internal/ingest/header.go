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
	table     *schema.Table
	header    []string         // as in the file, trimmed
	columns   []*schema.Column // by field; nil: left out
	leftOut   []string         // headers that name no column
	unnamed   []int            // fields without a header, as a comma at the end of each line makes one
	id        int              // field of the primary key, -1 for none
	key       []int            // fields that together make the id, by the name of their column
	constants map[string]schema.Value
	meanings  map[*schema.Column]map[string]schema.Value // by column and folded text; null leaves the cell out
}

// newLayout returns the layout of a header for a table. Its error names everything that
// does not fit.
func newLayout(t *schema.Table, header []string, o Options) (*layout, error) {
	l := &layout{
		table: t, columns: make([]*schema.Column, len(header)), id: -1,
		constants: map[string]schema.Value{}, meanings: map[*schema.Column]map[string]schema.Value{},
	}
	wrong := HeaderError{Table: t.Name, Fields: l.bind(header, o)}
	if len(wrong.Fields) == 0 {
		wrong.Options = l.identifyBy(o.Key)
	}
	wrong.Options = append(wrong.Options, l.setConstants(o.Set)...)
	wrong.Options = append(wrong.Options, l.translate(o.Translate)...)
	if len(wrong.Fields)+len(wrong.Options) > 0 {
		return nil, &wrong
	}
	return l, nil
}

// HeaderError is everything for which a file was refused before anything was written. It
// is an [ErrHeader].
type HeaderError struct {
	Table           string
	Fields, Options []string // what is wrong with the fields of the header, and with what else was asked for
}

// Error has a line for each thing that is wrong.
func (e *HeaderError) Error() string {
	head := ErrHeader.Error() + " " + e.Table
	if len(e.Fields) == 0 {
		head = "the options do not fit the file and the table " + e.Table
	}
	return head + ":\n  " + strings.Join(slices.Concat(e.Fields, e.Options), "\n  ")
}

// Unwrap is the kind of the error.
func (e *HeaderError) Unwrap() error { return ErrHeader }

// bind finds the column of each header.
func (l *layout) bind(header []string, o Options) (problems []string) {
	targets := map[string]string{} // by folded header
	for _, name := range slices.Sorted(maps.Keys(o.Map)) {
		targets[fold(name)] = strings.TrimSpace(o.Map[name])
	}
	used := map[string]bool{}
	for i, name := range header {
		name = strings.TrimSpace(name)
		l.header = append(l.header, name)
		used[fold(name)] = true
		target, mapped := targets[fold(name)]
		if !mapped {
			target = name
		}
		if target == "" && !mapped && !o.OnlyMapped {
			l.unnamed = append(l.unnamed, i)
			continue
		}
		column, err := l.bindField(target, mapped, o)
		if err != nil {
			problems = append(problems, fmt.Sprintf("field %d %q: %v", i+1, excerpt.Of(name), err))
			continue
		}
		l.columns[i] = column
		if column != nil && column.Name == l.table.ID {
			l.id = i
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Map)) {
		if !used[fold(name)] {
			problems = append(problems, fmt.Sprintf("%q is mapped but is not in the header", name))
		}
	}
	return problems
}

// bindField returns the column of a field, nil for one that is left out. target is the
// column that it is mapped to, or its header.
func (l *layout) bindField(target string, mapped bool, o Options) (*schema.Column, error) {
	if mapped && (target == "" || target == "-") {
		return nil, nil
	}
	column, err := find(l.table, target)
	if err == nil {
		if first := slices.Index(l.columns, column); first >= 0 {
			return nil, fmt.Errorf("%s is already field %d", column.Name, first+1)
		}
		return column, nil
	}
	isTarget := func(key string) bool { return fold(key) == fold(target) }
	switch {
	case mapped:
		return nil, fmt.Errorf("it is mapped to %q: %w", target, err)
	case o.OnlyMapped:
		l.leftOut = append(l.leftOut, cmp.Or(target, fmt.Sprintf("field %d, which has no name", len(l.header))))
		return nil, nil
	case slices.ContainsFunc(o.Key, isTarget): // it identifies rows and has no column
		return nil, nil
	}
	return nil, err
}

// identifyBy finds the fields of the key, given as names of columns or headers.
func (l *layout) identifyBy(key []string) (problems []string) {
	if len(key) > 0 && l.id >= 0 {
		return []string{fmt.Sprintf("the id column %s already identifies a row; there cannot be a key as well", l.table.ID)}
	}
	for _, name := range key {
		field := l.fieldOf(name)
		if field < 0 {
			if column, err := find(l.table, name); err == nil {
				field = slices.Index(l.columns, column)
			}
		}
		if field < 0 {
			problems = append(problems, fmt.Sprintf("key %q: the file has no such column", name))
			continue
		}
		l.key = append(l.key, field)
	}
	slices.SortFunc(l.key, func(a, b int) int { return cmp.Compare(l.nameOf(a), l.nameOf(b)) })
	return problems
}

// fieldOf returns the field with that header, -1 for none.
func (l *layout) fieldOf(header string) int {
	return slices.IndexFunc(l.header, func(h string) bool { return fold(h) == fold(header) })
}

// nameOf is the name of a field in a key: that of its column, or its header.
func (l *layout) nameOf(field int) string {
	if c := l.columns[field]; c != nil {
		return c.Name
	}
	return fold(l.header[field])
}

// setConstants reads the values for rows for which the file has none.
func (l *layout) setConstants(set map[string]string) (problems []string) {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		column, err := find(l.table, name)
		if err == nil && column.Name == l.table.ID {
			err = errors.New("an id is not the same for all rows")
		}
		var v schema.Value
		if err == nil {
			v, err = column.FromText(set[name])
		}
		if err != nil {
			problems = append(problems, fmt.Sprintf("set %q: %v", name, err))
			continue
		}
		l.constants[column.Name] = v
	}
	return problems
}

// translate reads what texts of the file mean.
func (l *layout) translate(meanings map[string]map[string]string) (problems []string) {
	for _, name := range slices.Sorted(maps.Keys(meanings)) {
		var column *schema.Column
		if field := l.fieldOf(name); field >= 0 {
			column = l.columns[field]
		} else if found, err := find(l.table, name); err == nil && slices.Contains(l.columns, found) {
			column = found
		}
		if column == nil {
			problems = append(problems, fmt.Sprintf("options of %q: the file has no such column", name))
			continue
		}
		l.meanings[column] = map[string]schema.Value{}
		for _, text := range slices.Sorted(maps.Keys(meanings[name])) {
			v, err := column.FromText(meanings[name][text])
			if err != nil {
				problems = append(problems, fmt.Sprintf("options of %q: %q: %v", name, text, err))
			}
			l.meanings[column][fold(text)] = v
		}
	}
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
		return nil, fmt.Errorf("%s is set by Segue alone", fit[0].Name)
	}
	if alike := similar(t, name); len(alike) > 0 {
		return nil, fmt.Errorf("no column has that name; close to it: %s", names(alike))
	}
	return nil, errors.New("no column has that name")
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

// converted is a record as a row.
type converted struct {
	id       string // "" when neither an id nor a key column gives one
	values   map[string]schema.Value
	problems []problem // all that is wrong with its cells
	unknown  bool      // which row it is cannot be told
}

// row converts a record. Empty fields are left out: an empty cell leaves its column as it
// is.
func (l *layout) row(fields []string) converted {
	if has := len(fields); has != len(l.columns) {
		unit := "fields"
		if has == 1 {
			unit = "field"
		}
		return converted{unknown: true, problems: []problem{{-1, fmt.Errorf("has %d %s, the header has %d", has, unit, len(l.columns))}}}
	}
	r := converted{values: maps.Clone(l.constants)}
	for i, c := range l.columns {
		if strings.TrimSpace(fields[i]) == "" {
			continue
		}
		if c == nil {
			if slices.Contains(l.unnamed, i) {
				r.problems = append(r.problems, problem{i, fmt.Errorf("field %d has a value, but no name in the header", i+1)})
			}
			continue
		}
		v, err := l.cell(c, fields[i])
		if err != nil {
			r.problems = append(r.problems, problem{i, err})
			continue
		}
		if !v.IsNull() {
			r.values[c.Name] = v
		}
	}
	l.identify(&r, fields)
	return r
}

// identify finds which row a record is.
func (l *layout) identify(r *converted, fields []string) {
	switch {
	case l.id >= 0:
		r.id, _ = r.values[l.table.ID].Text()
		delete(r.values, l.table.ID)
		r.unknown = r.id == ""
		if strings.TrimSpace(fields[l.id]) == "" {
			r.problems = append(r.problems, problem{l.id, errors.New("must have a value: it identifies the row")})
		}
	case len(l.key) > 0:
		r.id = l.keyID(fields, r.values)
		r.unknown = r.id == ""
		if r.unknown {
			r.problems = append(r.problems, problem{l.key[0], errors.New("must have a value: the key identifies the row")})
		}
	}
}

// problems returns what a row was refused for, nil for nothing, beyond what is wrong with
// its cells.
func (l *layout) problems(err error, cells []problem) (more []problem) {
	if err == nil {
		return nil
	}
	all := Refusals{err}
	if several, ok := errors.AsType[Refusals](err); ok {
		all = several
	}
	for _, err := range all {
		column := columnOf(err)
		field := slices.IndexFunc(l.columns, func(c *schema.Column) bool { return c != nil && c.Name == column })
		known := func(p problem) bool { return field >= 0 && p.field == field } // that it has no value then is no news
		if !slices.ContainsFunc(cells, known) {
			more = append(more, problem{field, err})
		}
	}
	return more
}

// cell converts the text of a cell.
func (l *layout) cell(c *schema.Column, text string) (schema.Value, error) {
	meanings := l.meanings[c]
	if v, ok := meanings[fold(text)]; ok {
		return v, nil
	}
	v, wrong := c.FromText(text)
	if other, ok := meanings["*"]; ok && wrong != nil {
		v, wrong = other, nil
	}
	return v, wrong
}

// keyID returns the same id for the same key values in any case, "" when all of
// them are empty. The format of its name is fixed: rows of earlier imports have
// these ids.
func (l *layout) keyID(fields []string, values map[string]schema.Value) string {
	parts, empty := []string{l.table.Name}, true
	for _, field := range l.key {
		v := fold(fields[field])
		if c := l.columns[field]; c != nil {
			v = fold(c.Text(values[c.Name]))
		}
		parts = append(parts, l.nameOf(field), v)
		empty = empty && v == ""
	}
	if empty {
		return ""
	}
	return guid.FromName(fmt.Sprintf("segue:import:%q", parts))
}

// blame returns the header of the field that is wrong, or the column where the file has
// none for it, "" when none is named.
func (l *layout) blame(p problem) string {
	if p.field >= 0 {
		return l.header[p.field]
	}
	return columnOf(p.err)
}
