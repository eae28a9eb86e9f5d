// Package fetchxml reads queries in FetchXML, the query language of Dataverse in XML
// (docs/webapi.md §7), into the same trees of conditions that $filter and segments
// become, so that the same words mean the same in all of them.
//
// Served: attributes and all-attributes, filter with every operator of package filter,
// values as an attribute or as elements, valueof; order; link-entity that is inner or
// outer, to one row or to many, inside each other; link-entity of type any or not any
// inside a filter; top, count, page, paging-cookie, returntotalrecordcount, distinct;
// aggregates with groupby and dategrouping. Anything else in FetchXML is refused as
// not served, never ignored: an answer that left a part out would be wrong.
//
// Invariant: a [Fetch] names tables and columns that exist, and its filters pass
// [filter.Check]; reading one takes bounded time and memory, whatever the text.
package fetchxml

import (
	"fmt"

	"segue/internal/filter"
	"segue/internal/schema"
)

// Limits of a query (docs/webapi.md §15).
const (
	MaxText     = 64 << 10 // bytes
	MaxElements = 2000
	MaxDepth    = 30 // elements inside each other
	MaxLinks    = 15 // link-entity elements, those in filters included
	MaxTop      = 5000
)

// Fetch is a query.
type Fetch struct {
	Entity

	Top      int    // rows at most; 0 for all
	Count    int    // rows of a page; 0 for the largest page
	Page     int    // from 1 on; 0 where none was given
	Cookie   string // of the page before, "" for none
	Total    bool   // the number of all rows is wanted
	Distinct bool   // of rows that look the same, one is wanted
	// Aggregate means that Attributes are groups and values of groups, not columns.
	Aggregate bool
}

// Entity is the table of a query, or of a link, and what is wanted of its rows.
type Entity struct {
	Table      *schema.Table
	All        bool        // all columns
	Attributes []Attribute // in their order; none and not All: the primary key alone
	Where      *filter.Group
	Order      []Order
	Links      []Link
}

// Attribute is a column that is wanted, or in an aggregate query a group or a value.
type Attribute struct {
	Column *schema.Column
	Alias  string // name in the answer; "" for the column's own, never so in an aggregate

	GroupBy   bool
	Part      string // of a date that is grouped by: day, week, month, quarter or year
	Aggregate string // count, countcolumn, sum, avg, min or max
	Distinct  bool   // with countcolumn: different values
}

// Order sorts by a column, or in an aggregate query by an attribute.
type Order struct {
	Column     *schema.Column // nil: by Alias
	Alias      string
	Descending bool
}

// Link is a table that is joined to another one by a lookup.
type Link struct {
	Entity

	Alias  string         // before its columns in the answer; never ""
	Outer  bool           // rows without a partner stay
	Lookup *schema.Column // the column that joins: of the linked table when Many, else of the one above
	Many   bool           // one row above may have many here
}

// Reason is what kind of mistake an [Error] is about.
type Reason string

// The reasons.
const (
	Malformed   Reason = "malformed"
	NoEntity    Reason = "no such table"
	NoAttribute Reason = "no such column"
	NotServed   Reason = "not served"
)

// Error is what is wrong with a query and where. Its text may be shown to the author.
type Error struct {
	Reason Reason
	Offset int // of the element, in bytes of the text
	Detail string
}

// Error returns the place and the detail.
func (e *Error) Error() string { return fmt.Sprintf("FetchXML at offset %d: %s", e.Offset, e.Detail) }

// Parse reads a query. Errors are an *[Error].
func Parse(s *schema.Schema, text string) (*Fetch, error) {
	root, err := read(text)
	if err != nil {
		return nil, err
	}
	p := parser{schema: s, aliases: map[string]bool{}}
	return p.fetch(root)
}
