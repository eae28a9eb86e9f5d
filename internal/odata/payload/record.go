package payload

import (
	"fmt"

	"segue/internal/odata"
	"segue/internal/schema"
)

// Record is an answer's line that is not simply a row: columns of several rows, or the
// values of a group.
type Record struct {
	Version int64 // of the row that it is about; 0 for none
	Cells   []Cell
}

// Cell is a value of a [Record] under a name of its own.
type Cell struct {
	Name   string
	Column *schema.Column // whose value it is; nil for a number that was worked out
	Value  schema.Value
}

// More is what stands beside the records of a list.
type More struct {
	Count   *Count // of all that match; nil where they were not counted
	Cookie  string // with FetchXML: by which the next page is asked for, "" for the last
	Records bool   // with FetchXML: whether there is a next page
	Fetch   bool   // it answers FetchXML
	Next    string // link to the next page, "" for none
}

// The annotations of an answer to FetchXML.
const (
	pagingCookie = odata.Namespace + "fetchxmlpagingcookie"
	moreRecords  = odata.Namespace + "morerecords"
)

// Records returns the JSON of a list of records about rows of t.
func (e Encoder) Records(t *schema.Table, records []Record, more More) ([]byte, error) {
	value := []byte{'['}
	for i, record := range records {
		if i > 0 {
			value = append(value, ',')
		}
		o := object{written: value, start: len(value)}
		if err := e.record(&o, record); err != nil {
			return nil, fmt.Errorf("encode a record of %s: %w", t.Name, err)
		}
		value = o.close()
	}
	var o object
	o.text("@odata.context", e.context(t, nil))
	e.more(&o, more)
	o.raw("value", append(value, ']'))
	return o.close(), nil
}

func (e Encoder) more(o *object, more More) {
	e.counted(o, more.Count, more.Fetch && more.Count != nil)
	if more.Next != "" {
		o.text("@odata.nextLink", more.Next)
	}
	if !more.Fetch {
		return
	}
	// Clients go on by these whether they have asked for them or not.
	if more.Cookie != "" {
		o.text("@"+pagingCookie, more.Cookie)
	}
	if e.Annotations.Want(moreRecords) || more.Records {
		o.raw("@"+moreRecords, fmt.Append(nil, more.Records))
	}
}

func (e Encoder) record(o *object, record Record) error {
	if record.Version != 0 {
		o.text("@odata.etag", odata.ETag(record.Version))
	}
	for _, cell := range record.Cells {
		if cell.Column == nil {
			if _, ok := cell.Value.Int(); ok && e.Annotations.Want(formattedValue) {
				o.text(cell.Name+"@"+formattedValue, cell.Value.String())
			}
			o.raw(cell.Name, []byte(cell.Value.String()))
			continue
		}
		text, err := encodeValue(cell.Column, cell.Value)
		if err != nil {
			return err
		}
		e.annotate(o, cell.Name, cell.Column, cell.Value)
		o.raw(cell.Name, text)
	}
	if len(o.written) == o.start {
		o.written = append(o.written, '{')
	}
	return nil
}
