// Package payload writes the bodies of responses as the Web API has them: rows with what
// came with them, lists, changes, references, groups. What reads requests is package odata.
//
// Invariant: a value that is written is of its column's kind, and the annotations of a
// property come before it.
package payload

import (
	"encoding/json"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"segue/internal/odata"
	"segue/internal/odata/uri"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The annotations of a response. That of a property is written before it.
const (
	formattedValue     = "OData.Community.Display.V1.FormattedValue"
	lookupTable        = odata.Namespace + "lookuplogicalname"
	navigationProperty = odata.Namespace + "associatednavigationproperty"
	totalCount         = odata.Namespace + "totalrecordcount"
	totalExceeded      = odata.Namespace + "totalrecordcountlimitexceeded"
)

// Row is a row to be encoded. Values has neither the key nor the version; a column
// that it lacks is null.
type Row struct {
	ID      string
	Version int64
	Values  map[string]schema.Value
	With    [][]Expanded // what came with it for each of Encoder.Expand
}

// Encoder writes the responses to one request.
type Encoder struct {
	Base        string            // ServiceRoot
	Annotations odata.Annotations // what the client asked for
	Expand      []odata.Expand    // what comes with each row
	Count       *Count            // of the rows of a list; nil: not asked for
	// Names is the primary names of the rows that lookups point at, for their
	// formatted values; a lookup that is not in the map has none.
	Names map[schema.Lookup]string
	Zone  *time.Location // of formatted date-times; nil: UTC
	// DeltaLink is the link to what changes after a list; "" for none. It is on the last
	// page of the list.
	DeltaLink string
}

// EntityURL returns the URL of a row. It ends in "<id>)", by which clients find the
// id of a row they created.
func (e Encoder) EntityURL(t *schema.Table, id string) string {
	return e.Base + odata.RowPath(t, id)
}

// Entity returns the JSON of one row with its tag, the columns of sel (a
// Query.Select; nil: all) and its key. An error means that a value is not of its
// column's kind.
func (e Encoder) Entity(t *schema.Table, row Row, sel []string) ([]byte, error) {
	var o object
	o.text("@odata.context", e.context(t, sel)+"/$entity")
	o.text("@odata.etag", odata.ETag(row.Version))
	if err := e.row(&o, t, row, responseColumns(t, sel)); err != nil {
		return nil, err
	}
	if err := e.expanded(&o, t, row, e.Expand, single); err != nil {
		return nil, err
	}
	return o.close(), nil
}

// MaxPageBytes is how many bytes the rows of a list have on one page. A page has one
// row at least, which the store bounds.
const MaxPageBytes = 4 << 20

// Collection returns the JSON of a list, with rows as in Entity, up to the first that
// would make the page larger than [MaxPageBytes]. next returns the link to what
// follows the first n of rows, "" when there is nothing.
func (e Encoder) Collection(t *schema.Table, rows iter.Seq[Row], sel []string, next func(n int) string) ([]byte, error) {
	value, n, _, err := e.rows(t, rows, sel)
	if err != nil {
		return nil, err
	}
	var o object
	o.text("@odata.context", e.context(t, sel))
	if e.Count != nil {
		o.raw("@odata.count", strconv.AppendInt(nil, int64(e.Count.Rows), 10))
	}
	e.counted(&o, e.Count, false)
	o.raw("value", append(value, ']'))
	if link := next(n); link != "" {
		o.text("@odata.nextLink", link)
	} else if e.DeltaLink != "" {
		o.text("@odata.deltaLink", e.DeltaLink)
	}
	return o.close(), nil
}

// rows writes rows of a list, which is left open, up to the first that would make the page
// too large. It returns how many they are, and whether that is all.
func (e Encoder) rows(t *schema.Table, rows iter.Seq[Row], sel []string) (value []byte, n int, whole bool, err error) {
	columns := responseColumns(t, sel)
	value = []byte{'['}
	for row := range rows {
		end := len(value)
		if n > 0 {
			value = append(value, ',')
		}
		o := object{written: value, start: len(value)}
		o.text("@odata.etag", odata.ETag(row.Version))
		if err := e.row(&o, t, row, columns); err != nil {
			return nil, 0, false, err
		}
		if err := e.expanded(&o, t, row, e.Expand, listed); err != nil {
			return nil, 0, false, err
		}
		if value = o.close(); n > 0 && len(value) > MaxPageBytes {
			return value[:end], n, false, nil
		}
		n++
	}
	return value, n, true, nil
}

// Frame returns how many bytes a row of a list takes besides its values, without
// annotations.
func Frame(t *schema.Table, sel []string) int {
	size := len(`{"@odata.etag":"W/\"1234567890123456\""},`)
	for _, c := range responseColumns(t, sel) {
		size += len(uri.NameOf(c)) + len(`"":null,`)
	}
	return size
}

// IDs returns the JSON of the response of [odata.CreateMultiple].
func (e Encoder) IDs(ids []string) []byte {
	var o object
	o.text("@odata.context", e.Base+"$metadata#"+odata.Namespace+odata.CreateMultiple+"Response")
	list, _ := json.Marshal(ids) // texts always can
	o.raw("Ids", list)
	return o.close()
}

// Job returns the JSON of the response of [odata.BulkDelete].
func (e Encoder) Job(id string) []byte {
	var o object
	o.text("@odata.context", e.Base+"$metadata#"+odata.Namespace+odata.BulkDelete+"Response")
	o.text("JobId", id)
	return o.close()
}

// context returns the context URL of a response.
func (e Encoder) context(t *schema.Table, sel []string) string {
	names := make([]string, len(sel))
	for i, name := range sel {
		names[i] = uri.NameOf(t.Column(name))
	}
	for _, x := range e.Expand {
		names = append(names, contextOf(x))
	}
	context := e.Base + "$metadata#" + t.Set
	if len(names) == 0 {
		return context
	}
	return context + "(" + strings.Join(names, ",") + ")"
}

// currencyColumn is returned with every money column.
const currencyColumn = "transactioncurrencyid"

// responseColumns returns the columns of a response: all, or the selected ones in
// their order, followed by the currency of money and the key unless they were
// selected.
func responseColumns(t *schema.Table, sel []string) []*schema.Column {
	if sel == nil {
		return slices.DeleteFunc(slices.Clone(t.Columns), func(c *schema.Column) bool { return c.Write == schema.Hidden })
	}
	columns := make([]*schema.Column, 0, len(sel)+2)
	for _, name := range sel {
		columns = append(columns, t.Column(name))
	}
	money := slices.ContainsFunc(columns, func(c *schema.Column) bool { return c.Type == schema.Money })
	currency := t.Column(currencyColumn)
	if money && currency != nil && !slices.Contains(columns, currency) {
		columns = append(columns, currency)
	}
	if !slices.Contains(sel, t.ID) {
		columns = append(columns, t.Column(t.ID))
	}
	return columns
}

// row writes the columns of a row, null where it has no value.
func (e Encoder) row(o *object, t *schema.Table, row Row, columns []*schema.Column) error {
	for _, c := range columns {
		v := row.Values[c.Name]
		switch c.Name {
		case t.ID:
			v = schema.Text(row.ID)
		case name.Versionnumber:
			v = schema.Int(row.Version)
		}
		text, err := encodeValue(c, v)
		if err != nil {
			return fmt.Errorf("encode %s %s: %w", t.Name, row.ID, err)
		}
		e.annotate(o, uri.NameOf(c), c, v)
		o.raw(uri.NameOf(c), text)
	}
	return nil
}

// annotate writes the annotations, that the client asked for, of a value under a name.
func (e Encoder) annotate(o *object, name string, c *schema.Column, v schema.Value) {
	if len(e.Annotations) == 0 || v.IsNull() {
		return
	}
	name += "@"
	if formatted := e.format(c, v); formatted != "" && e.Annotations.Want(formattedValue) {
		o.text(name+formattedValue, formatted)
	}
	lookup, ok := v.Ref()
	if !ok {
		return
	}
	for _, target := range c.Targets {
		if target.Table == lookup.Table && e.Annotations.Want(navigationProperty) {
			o.text(name+navigationProperty, target.Nav)
		}
	}
	if e.Annotations.Want(lookupTable) {
		o.text(name+lookupTable, lookup.Table)
	}
}

// format returns the formatted value, "" for text, which has none, and for a lookup
// whose name is not known.
func (e Encoder) format(c *schema.Column, v schema.Value) string {
	if lookup, ok := v.Ref(); ok {
		return e.Names[lookup]
	}
	if v.Kind() == schema.KindText {
		return ""
	}
	return c.Format(v, e.Zone)
}

// encodeValue returns the JSON of a value.
func encodeValue(c *schema.Column, v schema.Value) ([]byte, error) {
	if want := c.Type.Kind(); !v.IsNull() && v.Kind() != want {
		return nil, fmt.Errorf("column %s holds a value of kind %s, not %s", c.Name, v.Kind(), want)
	}
	switch v.Kind() {
	case schema.KindRef:
		lookup, _ := v.Ref()
		return quote(lookup.ID), nil
	case schema.KindFloat:
		f, _ := v.Float()
		text, err := json.Marshal(f)
		if err != nil {
			return nil, fmt.Errorf("column %s: %w", c.Name, err)
		}
		return text, nil
	case schema.KindText, schema.KindTime: // times have no fractions: clients do not read them
		return quote(c.Text(v)), nil
	case schema.KindNull, schema.KindInt, schema.KindDec, schema.KindBool:
		return []byte(v.String()), nil
	}
	return nil, fmt.Errorf("column %s holds a value of kind %s", c.Name, v.Kind())
}
