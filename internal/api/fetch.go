package api

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"segue/internal/fetchxml"
	"segue/internal/odata"
	"segue/internal/odata/payload"
	"segue/internal/odata/uri"
	listing "segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// fetch answers a query in FetchXML on rows of t, given as such or as a view.
func (a *API) fetch(w http.ResponseWriter, r *request, t *schema.Table, asked odata.Fetch) error {
	if asked.Text == "" {
		return a.view(w, r, t, asked)
	}
	f, err := fetchxml.Parse(a.schema(), asked.Text)
	if err != nil {
		return err
	}
	return a.answer(w, r, t, &fetched{fetch: f})
}

// answer runs a query and writes the response.
func (a *API) answer(w http.ResponseWriter, r *request, t *schema.Table, p *fetched) error {
	f := p.fetch
	if f.Table != t {
		return odata.Errorf(odata.BadRequest, "the query is on table %s and cannot be run on %s", f.Table.Name, t.Set)
	}
	p.joins = p.joinAll(&f.Entity, "")
	var records []payload.Record
	var err error
	more := payload.More{Fetch: true}
	switch {
	case f.Aggregate:
		records, err = a.fetchGroups(r, p)
	case len(f.Links) > 0 || f.Distinct:
		records, err = a.fetchTuples(r, p, &more)
	default:
		records, err = a.fetchRows(r, p, &more)
	}
	if err != nil {
		return err
	}
	if p.next != nil {
		more.Fetch, more.Next = false, ""
		if more.Records {
			more.Next = p.next(more.Cookie)
		}
	}
	return a.respondRecords(w, r, t, records, more)
}

// refuseFetch gives what is wrong with a query its code.
func refuseFetch(err error) error {
	refused, ok := errors.AsType[*fetchxml.Error](err)
	if !ok {
		return err
	}
	code := map[fetchxml.Reason]odata.Code{
		fetchxml.Malformed: odata.BadRequest, fetchxml.NotServed: odata.NotImplemented,
		fetchxml.NoEntity: odata.QueryBuilderNoEntity, fetchxml.NoAttribute: odata.QueryBuilderNoAttribute,
	}[refused.Reason]
	return odata.Errorf(code, "%v", refused)
}

// fetched is a query with what its answer is made of: the joins that make its tuples,
// and the columns that are wanted of them.
type fetched struct {
	fetch  *fetchxml.Fetch
	fields []field // the columns of the answer, or in an aggregate query its groups and values
	order  []listing.FieldOrder
	joins  []listing.Join // to be asked for
	tables int            // number of places
	// next makes the link to the next page of a view of the cookie that says where it
	// begins; nil: clients page by the cookie.
	next func(cookie string) string
}

// field is a column of the answer.
type field struct {
	listing.Field
	name      string
	attribute fetchxml.Attribute
}

// joinAll takes an entity into the query and returns the joins of the links inside it.
func (p *fetched) joinAll(e *fetchxml.Entity, alias string) []listing.Join {
	at := p.tables
	p.tables++
	p.wanted(e, alias, at)
	for _, o := range e.Order {
		if o.Column != nil {
			p.order = append(p.order, listing.FieldOrder{Field: listing.Field{At: at, Table: e.Table, Column: o.Column}, Descending: o.Descending})
		}
	}
	var joins []listing.Join
	for i := range e.Links {
		l := &e.Links[i]
		join := listing.Join{Table: l.Table, Lookup: l.Lookup, Many: l.Many, Outer: l.Outer, Where: l.Where}
		join.Joins = p.joinAll(&l.Entity, l.Alias)
		joins = append(joins, join)
	}
	return joins
}

// wanted adds the columns that are wanted of an entity.
func (p *fetched) wanted(e *fetchxml.Entity, alias string, at int) {
	attributes := e.Attributes
	if e.All {
		attributes = nil
		for _, c := range e.Table.Columns {
			if c.Write != schema.Hidden {
				attributes = append(attributes, fetchxml.Attribute{Column: c})
			}
		}
	}
	named := false
	for _, attribute := range attributes {
		f := field{Field: listing.Field{At: at, Table: e.Table, Column: attribute.Column}, name: attribute.Alias, attribute: attribute}
		switch {
		case f.name != "":
		case alias != "":
			f.name = alias + "." + attribute.Column.Name
		default:
			f.name = uri.NameOf(attribute.Column)
		}
		named = named || attribute.Column.Name == e.Table.ID
		p.fields = append(p.fields, f)
	}
	// A row of the query's own table comes with its key.
	if alias == "" && !named && !p.fetch.Aggregate && !p.fetch.Distinct {
		key := e.Table.Column(e.Table.ID)
		p.fields = append(p.fields, field{Field: listing.Field{Table: e.Table, Column: key}, name: key.Name})
	}
}

// record returns the line of the answer for a tuple.
func (p *fetched) record(tuple listing.Tuple) (payload.Record, error) {
	record := payload.Record{}
	if !p.fetch.Distinct {
		record.Version = tuple[0].Version
	}
	for _, f := range p.fields {
		v := schema.Null()
		if row := tuple[f.At]; row != nil {
			var err error
			if v, err = wireValue(row, f.Column); err != nil {
				return record, err
			}
		}
		if v.IsNull() && f.At > 0 { // as in Dataverse, columns of links are there with a value alone
			continue
		}
		record.Cells = append(record.Cells, payload.Cell{Name: f.name, Column: f.Column, Value: v})
	}
	return record, nil
}

// wireValue returns the value of a column as clients see it: the row keeps its id and its
// version beside the columns.
func wireValue(row *rows.Row, c *schema.Column) (schema.Value, error) {
	switch c.Name {
	case row.Table.ID:
		return schema.Text(row.ID), nil
	case name.Versionnumber:
		return schema.Int(row.Version), nil
	}
	return row.Value(c.Name)
}

// fetchRows answers a query without links: a page of rows, as a list is read.
func (a *API) fetchRows(r *request, p *fetched, more *payload.More) ([]payload.Record, error) {
	q := listing.Query{Where: p.fetch.Where, Limit: p.limit(), Count: p.fetch.Total, Bytes: payload.MaxPageBytes}
	q.Weigh = func(row *rows.Row) int { return row.Size(nil) }
	for _, o := range p.order {
		q.Order = append(q.Order, listing.Order{Column: o.Column.Name, Descending: o.Descending})
	}
	number := max(1, p.fetch.Page)
	skip := 0
	if number > 1 {
		if q.Token = tokenOf(p.fetch.Cookie); q.Token == "" {
			skip = number - 1 // pages that were not asked for: the client gives their number alone
		}
	}
	var page listing.Page
	for {
		var err error
		if page, err = a.entities.List(r.Context(), r.caller, p.fetch.Table.Name, q); err != nil {
			return nil, err
		}
		if skip == 0 || page.Token == "" {
			break
		}
		skip, q.Token = skip-1, page.Token
	}
	if skip > 0 {
		page = listing.Page{}
	}
	if more.Records = page.Token != "" && p.fetch.Top == 0; more.Records {
		more.Cookie = p.cookie(number, page.Token)
	}
	if p.fetch.Total {
		more.Count = &payload.Count{Rows: page.Count, Exceeded: page.Exceeded}
	}
	tuples := make([]listing.Tuple, len(page.Rows))
	for i, row := range page.Rows {
		tuples[i] = listing.Tuple{row}
	}
	return p.records(tuples)
}

func (p *fetched) records(tuples []listing.Tuple) ([]payload.Record, error) {
	records := make([]payload.Record, len(tuples))
	for i, tuple := range tuples {
		var err error
		if records[i], err = p.record(tuple); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// limit is how many records a page has.
func (p *fetched) limit() int {
	switch {
	case p.fetch.Top > 0:
		return p.fetch.Top
	case p.fetch.Count > 0:
		return p.fetch.Count
	}
	return odata.MaxPageSize
}

// fetchTuples answers a query with links: all of its tuples are made for every page.
func (a *API) fetchTuples(r *request, p *fetched, more *payload.More) ([]payload.Record, error) {
	tuples, err := a.entities.Tuples(r.Context(), r.caller, p.fetch.Table.Name, listing.Query{Where: p.fetch.Where}, p.joins, p.order)
	if err != nil {
		return nil, err
	}
	if p.fetch.Distinct {
		if tuples, err = p.distinct(tuples); err != nil {
			return nil, err
		}
	}
	if p.fetch.Total {
		total := min(len(tuples), listing.MaxCount)
		more.Count = &payload.Count{Rows: total, Exceeded: len(tuples) > total}
	}
	number := max(1, p.fetch.Page)
	from := min((number-1)*p.limit(), len(tuples))
	to := min(from+p.limit(), len(tuples))
	if more.Records = to < len(tuples) && p.fetch.Top == 0; more.Records {
		more.Cookie = p.cookie(number, "")
	}
	tuples = tuples[from:to]
	if err := a.entities.ShowAll(r.Context(), tuples); err != nil {
		return nil, err
	}
	return p.records(tuples)
}

// distinct leaves out tuples that look like one before.
func (p *fetched) distinct(tuples []listing.Tuple) ([]listing.Tuple, error) {
	seen := map[string]bool{}
	var kept []listing.Tuple
	for _, tuple := range tuples {
		record, err := p.record(tuple)
		if err != nil {
			return nil, err
		}
		var id strings.Builder
		for _, cell := range record.Cells {
			fmt.Fprintf(&id, "%s=%d:%q ", cell.Name, cell.Value.Kind(), cell.Value.String())
		}
		if !seen[id.String()] {
			seen[id.String()] = true
			kept = append(kept, tuple)
		}
	}
	return kept, nil
}

// fetchGroups answers an aggregate query.
func (a *API) fetchGroups(r *request, p *fetched) ([]payload.Record, error) {
	var wanted listing.Aggregation
	var keys, computed []payload.Cell
	for _, f := range p.fields {
		cell := payload.Cell{Name: f.name, Column: f.Column}
		if f.attribute.GroupBy {
			if f.attribute.Part != "" {
				cell.Column = nil
			}
			wanted.By = append(wanted.By, listing.Key{Field: f.Field, Part: listing.Part(f.attribute.Part)})
			keys = append(keys, cell)
			continue
		}
		value := aggregateOf(f)
		if value.Kind() != f.Column.Type.Kind() || value.Method == listing.Count || value.Method == listing.CountDistinct {
			cell.Column = nil // a number that is no value of the column
		}
		wanted.Values = append(wanted.Values, value)
		computed = append(computed, cell)
	}
	names := slices.Concat(keys, computed)
	if err := wanted.Check(); err != nil {
		return nil, odata.Errorf(odata.BadRequest, "FetchXML: %v", err)
	}
	groups, err := a.entities.Aggregate(r.Context(), r.caller, p.fetch.Table.Name, listing.Query{Where: p.fetch.Where}, p.joins, wanted)
	if err != nil {
		return nil, err
	}
	p.sortGroups(groups, names)
	if limit := p.limit(); len(groups) > limit {
		groups = groups[:limit]
	}
	return groupRecords(groups, names), nil
}

// aggregateOf returns the aggregate that an attribute asks for.
func aggregateOf(f field) listing.Aggregate {
	switch a := f.attribute; {
	case a.Aggregate == "count":
		return listing.Aggregate{Method: listing.Count}
	case a.Aggregate == "countcolumn" && a.Distinct:
		return listing.Aggregate{Method: listing.CountDistinct, Field: f.Field}
	case a.Aggregate == "countcolumn":
		return listing.Aggregate{Method: listing.Count, Field: f.Field}
	case a.Aggregate == "avg":
		return listing.Aggregate{Method: listing.Average, Field: f.Field}
	default: // sum, min and max have the names of the methods
		return listing.Aggregate{Method: listing.Method(a.Aggregate), Field: f.Field}
	}
}

// sortGroups orders groups as the query says, by the names of their keys and values.
func (p *fetched) sortGroups(groups []listing.Group, cells []payload.Cell) {
	value := func(g listing.Group, alias string) schema.Value {
		for i, cell := range cells {
			if cell.Name == alias {
				return slices.Concat(g.Keys, g.Values)[i]
			}
		}
		return schema.Null()
	}
	var orders []fetchxml.Order
	collect(&p.fetch.Entity, &orders)
	slices.SortStableFunc(groups, func(g, h listing.Group) int {
		for _, o := range orders {
			if c := listing.CompareValues(value(g, o.Alias), value(h, o.Alias)); c != 0 {
				if o.Descending {
					return -c
				}
				return c
			}
		}
		return 0
	})
}

// collect collects the orders of an entity and of the links inside it.
func collect(e *fetchxml.Entity, orders *[]fetchxml.Order) {
	*orders = append(*orders, e.Order...)
	for i := range e.Links {
		collect(&e.Links[i].Entity, orders)
	}
}

// groupRecords returns the lines of the answer for groups; names are those of their keys
// and values.
func groupRecords(groups []listing.Group, names []payload.Cell) []payload.Record {
	records := make([]payload.Record, len(groups))
	for i, group := range groups {
		values := slices.Concat(group.Keys, group.Values)
		for n, cell := range names {
			cell.Value = values[n]
			records[i].Cells = append(records[i].Cells, cell)
		}
	}
	return records
}

// namesIn reads the names of the rows that lookups in records point at, if the client
// asked for formatted values.
func (a *API) namesIn(r *request, records []payload.Record) (map[schema.Lookup]string, error) {
	if !r.prefer.Annotations.Want(formattedValue) {
		return nil, nil //nolint:nilnil // no names are wanted
	}
	var lookups []schema.Lookup
	for _, record := range records {
		for _, cell := range record.Cells {
			if lookup, ok := cell.Value.Ref(); ok {
				lookups = append(lookups, lookup)
			}
		}
	}
	names, err := a.entities.Names(r.Context(), lookups)
	if err != nil {
		return nil, sales.Public(err)
	}
	return names, nil
}

// cookie returns the paging cookie after a page: encoded twice, for clients decode it
// so. A token of a list stands in it, "" where the number of the page is enough.
func (p *fetched) cookie(page int, token string) string {
	if p.next != nil {
		return resumption(page+1, token)
	}
	inner := innerCookie(page, token)
	return fmt.Sprintf(`<cookie pagenumber="%d" pagingcookie="%s" istracking="False" />`, page+1, url.QueryEscape(url.PathEscape(inner)))
}

func innerCookie(page int, token string) string {
	return fmt.Sprintf(`<cookie page="%d"><position last="%s" /></cookie>`, page, token)
}

// tokenOf returns the token in a paging cookie that a client sends back, "" for none.
func tokenOf(cookie string) string {
	var inner struct {
		Position struct {
			Last string `xml:"last,attr"`
		} `xml:"position"`
	}
	if err := xml.Unmarshal([]byte(cookie), &inner); err != nil {
		return ""
	}
	return inner.Position.Last
}
