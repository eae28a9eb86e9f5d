package api

import (
	"iter"
	"slices"
	"time"

	"segue/internal/entity"
	"segue/internal/odata"
	"segue/internal/odata/payload"
	listing "segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// expandedPage is how many rows a page has at most that lists come with: each of those
// may be as long as a page.
const expandedPage = 500

// pageLimit returns how many rows a page may have for what comes with each.
func pageLimit(expand []odata.Expand) int {
	if slices.ContainsFunc(expand, odata.Expand.Many) {
		return expandedPage
	}
	return odata.MaxPageSize
}

// ordersOf returns an order as a list reads it.
func ordersOf(order []odata.Order) (list []listing.Order) {
	for _, o := range order {
		list = append(list, listing.Order{Path: o.Path, Column: o.Column, Descending: o.Descending})
	}
	return list
}

// expandsOf returns what is to come with a row.
func expandsOf(asked []odata.Expand) (list []entity.Expand) {
	for _, x := range asked {
		with := entity.Expand{Nav: x.Name, With: expandsOf(x.Expand)}
		if x.Many() {
			limit := odata.MaxPageSize
			if x.Top != nil {
				limit = min(limit, *x.Top)
			}
			with.Many, with.Table, with.By = true, x.Relation.Table.Name, x.Relation.Column.Name
			with.Query = listing.Query{
				Where: x.Filter, Order: ordersOf(x.Order), Limit: limit, Bytes: payload.MaxPageBytes, Weigh: weight(x.Relation.Table, x.Select),
			}
		}
		list = append(list, with)
	}
	return list
}

// weight returns about how many bytes a row of a list takes.
func weight(t *schema.Table, columns []string) func(*rows.Row) int {
	frame := payload.Frame(t, columns)
	return func(row *rows.Row) int { return frame + row.Size(columns) }
}

// wireRows returns rows, and what came with them, as they are encoded.
func wireRows(list []*rows.Row, with [][]entity.Expansion) iter.Seq[payload.Row] {
	return func(yield func(payload.Row) bool) {
		for i, row := range list {
			if !yield(wireRow(row, with[i])) {
				return
			}
		}
	}
}

// wireRow returns a row, and what came with it, as it is encoded.
func wireRow(row *rows.Row, with []entity.Expansion) payload.Row {
	wire := payload.Row{ID: row.ID, Version: row.Version, Values: row.Columns()}
	for _, x := range with {
		list := make([]payload.Expanded, len(x.Rows))
		for i, one := range x.Rows {
			list[i] = payload.Expanded{Table: one.Table, Row: wireRow(one, x.With[i])}
		}
		wire.With = append(wire.With, list)
	}
	return wire
}

// encoder returns the encoder of a response with rows and what came with them. It reads
// the names of the rows that their lookups point at, if the client asked for formatted
// values.
func (a *API) encoder(r *request, query odata.Query, list []*rows.Row, with [][]entity.Expansion) (payload.Encoder, error) {
	encoder := payload.Encoder{Base: r.base, Annotations: r.prefer.Annotations, Expand: query.Expand}
	if !r.prefer.Annotations.Want(formattedValue) {
		return encoder, nil
	}
	var lookups []schema.Lookup
	for i, row := range list {
		var came []entity.Expansion
		if with != nil {
			came = with[i]
		}
		lookups = addLookups(lookups, query, row, came)
	}
	var err error
	if encoder.Zone, err = a.zone(r); err != nil {
		return encoder, err
	}
	encoder.Names, err = a.entities.Names(r.Context(), lookups)
	return encoder, err
}

// zone returns that of formatted date-times. It is asked for where they are wanted.
func (a *API) zone(r *request) (*time.Location, error) {
	settings, err := a.config.Operations.Settings.Get(r.Context())
	return settings.Calendar.Zone, sales.Public(err)
}

// addLookups adds what the lookups of a row point at that are among its response, and
// those of the rows that came with it.
func addLookups(lookups []schema.Lookup, query odata.Query, row *rows.Row, with []entity.Expansion) []schema.Lookup {
	for name, v := range row.Columns() {
		lookup, ok := v.Ref()
		if ok && (query.Select == nil || slices.Contains(query.Select, name)) {
			lookups = append(lookups, lookup)
		}
	}
	for i, x := range with {
		for n, one := range x.Rows {
			lookups = addLookups(lookups, query.Expand[i].Query, one, x.With[n])
		}
	}
	return lookups
}
