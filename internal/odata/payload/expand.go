package payload

import (
	"cmp"
	"net/url"
	"strconv"
	"strings"

	"segue/internal/odata"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Expanded is a row that came with another one.
type Expanded struct {
	Table *schema.Table
	Row   // With for each of Expand.Expand
}

// Count is the number of the rows of a list.
type Count struct {
	Rows     int
	Exceeded bool // there are more
}

// counted writes the annotations that say the number of rows of a list, those that the
// client asked for or all of them. Rows that were not counted are -1, as in Dataverse.
func (e Encoder) counted(o *object, count *Count, all bool) {
	if count == nil {
		count = &Count{Rows: -1}
	}
	if all || e.Annotations.Want(totalCount) {
		o.raw("@"+totalCount, strconv.AppendInt(nil, int64(count.Rows), 10))
	}
	if all || e.Annotations.Want(totalExceeded) {
		o.raw("@"+totalExceeded, strconv.AppendBool(nil, count.Exceeded))
	}
}

// place is where a row is that others come with.
type place uint8

const (
	single place = iota // the row that was asked for
	listed              // in a list
	nested              // it came with a row itself
)

// expanded writes what came with a row. A row to which a lookup leads has a tag beside a
// single row only, and only a list beside a row that was asked for has a link, as in
// Dataverse; the link has no token, it begins the list.
func (e Encoder) expanded(o *object, t *schema.Table, row Row, expand []odata.Expand, at place) error {
	for i, x := range expand {
		switch {
		case x.Many():
			list, err := e.expandedList(row.With[i], x)
			if err != nil {
				return err
			}
			o.raw(x.Name, list)
			if at != nested {
				o.text(x.Name+"@odata.nextLink", e.EntityURL(t, row.ID)+"/"+x.Name+linkOptions(x.Options))
			}
		case len(row.With[i]) == 0:
			o.raw(x.Name, []byte("null"))
		default:
			one, err := e.expandedRow(row.With[i][0], x, at == single)
			if err != nil {
				return err
			}
			o.raw(x.Name, one)
		}
	}
	return nil
}

func (e Encoder) expandedList(list []Expanded, x odata.Expand) ([]byte, error) {
	value := []byte{'['}
	for n, row := range list {
		if n > 0 {
			value = append(value, ',')
		}
		text, err := e.expandedRow(row, x, true)
		if err != nil {
			return nil, err
		}
		value = append(value, text...)
	}
	return append(value, ']'), nil
}

// expandedRow returns the JSON of a row that came with another one, of the columns that
// were selected of it: its table may lack some, where others have them.
func (e Encoder) expandedRow(row Expanded, x odata.Expand, tag bool) ([]byte, error) {
	var o object
	if x.Ref {
		o.text("@odata.id", e.EntityURL(row.Table, row.ID))
		return o.close(), nil
	}
	if tag {
		o.text("@odata.etag", odata.ETag(row.Version))
	}
	sel := x.Select
	if sel != nil {
		sel = []string{}
		for _, name := range x.Select {
			if row.Table.Column(name) != nil {
				sel = append(sel, name)
			}
		}
	}
	if err := e.row(&o, row.Table, row.Row, responseColumns(row.Table, sel)); err != nil {
		return nil, err
	}
	if err := e.expanded(&o, row.Table, row.Row, x.Expand, nested); err != nil {
		return nil, err
	}
	return o.close(), nil
}

// contextOf returns what a context URL says of rows that come with others.
func contextOf(x odata.Expand) string {
	if x.Ref {
		return x.Name + "/$ref"
	}
	var names []string
	for _, name := range x.Select {
		names = append(names, uri.NameOf(selected(x, name)))
	}
	for _, inner := range x.Expand {
		names = append(names, contextOf(inner))
	}
	return x.Name + "(" + strings.Join(names, ",") + ")"
}

// selected returns a selected column of one of the tables that rows may be of.
func selected(x odata.Expand, name string) *schema.Column {
	var c *schema.Column
	for _, t := range x.Tables {
		c = cmp.Or(c, t.Column(name))
	}
	return c
}

// linkOptions returns the query string of a list that is expanded, from the options that
// it has in brackets.
func linkOptions(options string) string {
	var query []string
	list, _ := uri.Split(options, ';') // closed: they have been read
	for _, option := range list {
		if name, value, ok := strings.Cut(strings.TrimSpace(option), "="); ok {
			query = append(query, name+"="+strings.ReplaceAll(url.QueryEscape(value), "+", "%20"))
		}
	}
	if len(query) == 0 {
		return ""
	}
	return "?" + strings.Join(query, "&")
}
