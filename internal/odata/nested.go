package odata

import (
	"encoding/json"
	"slices"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/schema"
)

// maxNested is how deep rows may be nested in the body of a new row.
const maxNested = 8

// Nested is rows that a body relates to the row that it describes.
type Nested struct {
	Member string // of the body
	Table  *schema.Table
	// Column is the lookup that relates them: of the rows, which point at the row of the
	// body, or else of that row, which points at the one of them.
	Column *schema.Column
	Many   bool        // the first
	Rows   []Input     // to be made with it
	Refs   []Reference // that are there; only where Many
}

// nested reads a navigation property without @odata.bind: null clears a lookup, and an
// object or array is rows to be made.
func (r *rowReader) nested(m member, navs []schema.Nav) error {
	v, scalar := m.scalar()
	switch {
	case scalar && v == nil:
		return r.setLookup(navs[0].Column, schema.Null())
	case scalar || m.value[0] != '{':
		return r.refuse("property '%s' is a navigation property: it takes null or a new row; bind an existing row through '%s%s'", m.name, m.name, bindSuffix)
	}
	members, err := readObject(m.value)
	if err != nil {
		return err
	}
	t, err := r.nestedTable(m.name, members, navs)
	if err != nil {
		return err
	}
	input, err := r.inner(t, members)
	if err != nil {
		return err
	}
	column := navs[0].Column
	if _, bound := r.row.Binds[column.Name]; bound || !r.row.Values[column.Name].IsNull() || r.made(column) {
		return r.refuse("lookup '%s' is bound to two rows", column.Name)
	}
	r.row.Nested = append(r.row.Nested, Nested{Member: m.name, Table: t, Column: column, Rows: []Input{input}})
	return nil
}

// made reports whether the row that a lookup points at is nested in the body.
func (r *rowReader) made(column *schema.Column) bool {
	return slices.ContainsFunc(r.row.Nested, func(n Nested) bool { return !n.Many && n.Column == column })
}

// nestedTable returns the table of a row to be made: the one that the navigation property
// leads to, or of several the one that the row names.
func (r *rowReader) nestedTable(name string, members []member, navs []schema.Nav) (*schema.Table, error) {
	want := ""
	for _, m := range members {
		if m.name == "@odata.type" {
			_ = json.Unmarshal(m.value, &want) // what is no text names no table
			want = strings.TrimPrefix(strings.TrimPrefix(want, "#"), Namespace)
		}
	}
	if len(navs) > 1 && want == "" {
		return nil, r.refuse("property '%s' leads to rows of several tables: the row needs '@odata.type'", name)
	}
	for _, nav := range navs {
		if want == "" || nav.Target.Table == want {
			return r.bodies.Schema.Table(nav.Target.Table), nil
		}
	}
	return nil, r.refuse("property '%s' does not lead to rows of '%s'", name, excerpt.Of(want))
}

// inner reads a row within the row.
func (r *rowReader) inner(t *schema.Table, members []member) (Input, error) {
	if t.Set == "" {
		return Input{}, r.refuse("clients cannot create rows of %s", t.Name)
	}
	if r.depth >= maxNested {
		return Input{}, r.refuse("rows are nested deeper than %d", maxNested)
	}
	inner := rowReader{bodies: r.bodies, table: t, depth: r.depth + 1, row: Input{Values: map[string]schema.Value{}}}
	return inner.read(members)
}

// collection reads a navigation property to many rows: rows to be made, or with @odata.bind
// the URLs of rows that are there.
func (r *rowReader) collection(m member, relation schema.Relation, bind bool) error {
	var elements []json.RawMessage
	if m.value[0] != '[' || json.Unmarshal(m.value, &elements) != nil {
		return r.refuse("'%s' must be an array", m.name)
	}
	related := Nested{Member: m.name, Table: relation.Table, Column: relation.Column, Many: true}
	for _, element := range elements {
		var err error
		if bind {
			err = related.addRef(r, element)
		} else {
			err = related.addRow(r, element)
		}
		if err != nil {
			return err
		}
	}
	r.row.Nested = append(r.row.Nested, related)
	return nil
}

func (n *Nested) addRow(r *rowReader, element json.RawMessage) error {
	members, err := readObject(element)
	if err != nil {
		return err
	}
	input, err := r.inner(n.Table, members)
	if err != nil {
		return err
	}
	_, bound := input.Binds[n.Column.Name]
	if !input.Values[n.Column.Name].IsNull() || bound {
		return r.refuse("'%s': a row in it must not have '%s', which is the row around it", n.Member, n.Column.Name)
	}
	n.Rows = append(n.Rows, input)
	return nil
}

func (n *Nested) addRef(r *rowReader, element json.RawMessage) error {
	var url string
	if json.Unmarshal(element, &url) != nil {
		return r.refuse("'%s' must be an array of strings like \"/leads(<id>)\"", n.Member)
	}
	to, err := r.bodies.Resolve(url)
	if err != nil {
		return r.about(n.Member, err)
	}
	if to.Table != n.Table {
		return r.refuse("'%s' must refer to rows of %s, not of %s", n.Member, n.Table.Name, to.Table.Name)
	}
	n.Refs = append(n.Refs, to)
	return nil
}

// Count returns how many rows a body makes or changes, those nested in it included.
func (i Input) Count() int {
	n := 1
	for _, related := range i.Nested {
		n += len(related.Refs)
		for _, row := range related.Rows {
			n += row.Count()
		}
	}
	return n
}

// Flat refuses rows that are nested in a body, which only a new row may have.
func (i Input) Flat() error {
	at := slices.IndexFunc(i.Nested, func(n Nested) bool { return len(n.Rows)+len(n.Refs) > 0 })
	if at < 0 {
		return nil
	}
	return Errorf(BadPayload, "'%s': related rows can be created and bound only together with a new row; use $ref or separate requests", i.Nested[at].Member)
}
