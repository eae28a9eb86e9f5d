package payload

import (
	"segue/internal/odata"
	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Value returns the JSON of one property of a row.
func (e Encoder) Value(t *schema.Table, id string, c *schema.Column, v schema.Value) ([]byte, error) {
	text, err := encodeValue(c, v)
	if err != nil {
		return nil, err
	}
	var o object
	o.text("@odata.context", e.Base+"$metadata#"+odata.RowPath(t, id)+"/"+uri.NameOf(c))
	e.annotate(&o, uri.NameOf(c), c, v)
	o.raw("value", text)
	return o.close(), nil
}

// Reference returns the JSON of a reference to a row.
func (e Encoder) Reference(t *schema.Table, id string) []byte {
	var o object
	o.text("@odata.context", e.Base+"$metadata#$ref")
	o.text("@odata.id", e.EntityURL(t, id))
	return o.close()
}

// References returns the JSON of references to rows of a table, and the link to those that
// follow, "" for none.
func (e Encoder) References(t *schema.Table, ids []string, next string) []byte {
	list := []byte{'['}
	for i, id := range ids {
		if i > 0 {
			list = append(list, ',')
		}
		o := object{written: list, start: len(list)}
		o.text("@odata.id", e.EntityURL(t, id))
		list = o.close()
	}
	var o object
	o.text("@odata.context", e.Base+"$metadata#Collection($ref)")
	o.raw("value", append(list, ']'))
	if next != "" {
		o.text("@odata.nextLink", next)
	}
	return o.close()
}

// Raw returns the text of a value by itself.
func Raw(c *schema.Column, v schema.Value) string {
	if to, ok := v.Ref(); ok {
		return to.ID
	}
	return c.Text(v)
}
