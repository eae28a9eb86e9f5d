package api

import (
	"net/http"

	"segue/internal/odata"
	"segue/internal/odata/payload"
	"segue/internal/odata/uri"
	listing "segue/internal/query"
	"segue/internal/schema"
)

// apply answers a list with $apply: groups of rows of t and values of each group, in the
// order of what they are grouped by.
func (a *API) apply(w http.ResponseWriter, r *request, t *schema.Table, query odata.Query) error {
	if query.Select != nil || query.Filter != nil || query.Order != nil || query.Top != nil || query.Count || query.Expand != nil || query.SkipToken != "" {
		return odata.Errorf(odata.BadRequest, "no other query option can be used with $apply; write a condition as filter(…)/ before groupby or aggregate")
	}
	var wanted listing.Aggregation
	var cells []payload.Cell
	for _, c := range query.Apply.By {
		wanted.By = append(wanted.By, listing.Key{Field: listing.Field{Table: t, Column: c}})
		cells = append(cells, payload.Cell{Name: uri.NameOf(c), Column: c})
	}
	for _, v := range query.Apply.Values {
		aggregate := listing.Aggregate{Method: listing.Method(v.Method)}
		cell := payload.Cell{Name: v.Alias}
		if v.Column != nil {
			aggregate.Field = listing.Field{Table: t, Column: v.Column}
			if aggregate.Kind() == v.Column.Type.Kind() && aggregate.Method != listing.CountDistinct {
				cell.Column = v.Column
			}
		}
		wanted.Values = append(wanted.Values, aggregate)
		cells = append(cells, cell)
	}
	if err := wanted.Check(); err != nil {
		return odata.Errorf(odata.BadRequest, "$apply: %v", err)
	}
	groups, err := a.entities.Aggregate(r.Context(), r.caller, t.Name, listing.Query{Where: query.Apply.Filter}, nil, wanted)
	if err != nil {
		return err
	}
	return a.respondRecords(w, r, t, groupRecords(groups, cells), payload.More{})
}

// respondRecords responds with a list of records.
func (a *API) respondRecords(w http.ResponseWriter, r *request, t *schema.Table, records []payload.Record, more payload.More) error {
	encoder := payload.Encoder{Base: r.base, Annotations: r.prefer.Annotations}
	var err error
	if r.prefer.Annotations.Want(formattedValue) {
		if encoder.Zone, err = a.zone(r); err != nil {
			return err
		}
	}
	if encoder.Names, err = a.namesIn(r, records); err != nil {
		return err
	}
	body, err := encoder.Records(t, records, more)
	if err != nil {
		return err
	}
	setPreferenceApplied(w, r)
	odata.WriteJSON(w, http.StatusOK, body)
	return nil
}
