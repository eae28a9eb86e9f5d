package payload

import (
	"iter"

	"segue/internal/schema"
)

// Removal is a row that is no more in the list whose changes a client asks for.
type Removal struct {
	ID     string
	Reason string // "deleted", or "changed" where it is there and not for the caller to read
}

// Delta returns the JSON of a list of changes: rows as in [Encoder.Collection], then those
// that were removed. If the rows make the page too large, the removals are left for the
// next one. next returns the link to what follows the first n of rows, "" when there is
// nothing but the link of the encoder.
func (e Encoder) Delta(t *schema.Table, rows iter.Seq[Row], sel []string, removed []Removal, next func(n int) string) ([]byte, error) {
	value, n, whole, err := e.rows(t, rows, sel)
	if err != nil {
		return nil, err
	}
	if !whole {
		removed = nil
	}
	for i, removal := range removed {
		if n+i > 0 {
			value = append(value, ',')
		}
		o := object{written: value, start: len(value)}
		o.text("@odata.context", e.Base+"$metadata#"+t.Set+"/$deletedEntity")
		o.text("id", removal.ID)
		o.text("reason", removal.Reason)
		value = o.close()
	}
	var o object
	o.text("@odata.context", e.context(t, sel)+"/$delta")
	o.raw("value", append(value, ']'))
	if link := next(n); link != "" {
		o.text("@odata.nextLink", link)
	} else {
		o.text("@odata.deltaLink", e.DeltaLink)
	}
	return o.close(), nil
}
