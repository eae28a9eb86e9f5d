package api

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"segue/internal/api/operation"
	"segue/internal/entity"
	"segue/internal/odata"
	"segue/internal/odata/payload"
	listing "segue/internal/query"
	"segue/internal/rows"
	"segue/internal/schema"
)

// data serves everything under the service root that no other function serves:
// rows, lists, functions, bound actions, what describes the service.
func (a *API) data(w http.ResponseWriter, r *request) error {
	if served, err := a.describe(w, r); served {
		return err
	}
	if r.path == "" { // the version in the path is not one
		return odata.NoSegment(r.URL.Path)
	}
	if served, err := a.call(w, r); served {
		return err
	}
	resource, err := odata.ParsePath(a.schema(), r.path)
	if err != nil {
		return err
	}
	switch resource.Kind {
	case odata.Collection:
		return a.collection(w, r, resource)
	case odata.Entity:
		return a.entity(w, r, resource)
	case odata.OneColumn:
		return a.property(w, r, resource)
	case odata.Lookup:
		return a.lookup(w, r, resource)
	case odata.Related:
		return a.related(w, r, resource)
	case odata.Bound:
		return a.multiple(w, r, resource)
	case odata.Batched:
		return a.batch(w, r)
	case odata.Deleting:
		return a.bulkDelete(w, r)
	}
	return nil
}

// isRoot reports whether the path is that of a service root or below one.
func isRoot(r *request) bool { _, _, ok := odata.ParseVersion(r.URL.Path); return ok }

func (a *API) schema() *schema.Schema { return a.config.Operations.DB.Schema() }

// wrongMethod returns the refusal of a method that a resource does not serve. HEAD is
// served with GET.
func wrongMethod(w http.ResponseWriter, r *request, what string, allowed ...string) error {
	if i := slices.Index(allowed, http.MethodGet); i >= 0 {
		allowed = slices.Insert(allowed, i+1, http.MethodHead)
	}
	w.Header().Set("Allow", strings.Join(allowed, ", "))
	return odata.Errorf(odata.NotSupported, "%s does not serve %s; it serves %v", what, r.Method, allowed)
}

func (a *API) collection(w http.ResponseWriter, r *request, resource odata.Resource) error {
	t := resource.Table
	fetch, err := odata.ParseFetch(r.URL.RawQuery)
	if err != nil {
		return err
	}
	if fetch != (odata.Fetch{}) && r.Method == http.MethodGet && !resource.Count {
		return a.fetch(w, r, t, fetch)
	}
	query, err := odata.ParseQuery(a.schema(), t, r.URL.RawQuery)
	if err != nil {
		return err
	}
	if tracks(r, query) {
		return a.track(w, r, resource, query)
	}
	switch {
	case r.Method == http.MethodGet && resource.Count:
		return a.count(w, r, t, query)
	case r.Method == http.MethodGet:
		if query.Apply != nil {
			return a.apply(w, r, t, query)
		}
		return a.list(w, r, t, query)
	case resource.Count:
		return wrongMethod(w, r, "the number of rows of "+t.Set, http.MethodGet)
	case r.Method == http.MethodPost:
		return a.create(w, r, t, query)
	}
	return wrongMethod(w, r, t.Set, http.MethodGet, http.MethodPost)
}

func (a *API) list(w http.ResponseWriter, r *request, t *schema.Table, query odata.Query) error {
	limit, top := pageLimit(query.Expand), -1
	if query.Top != nil {
		top = *query.Top
		limit = min(top, limit)
	}
	if r.prefer.MaxPageSize > 0 { // $top is ignored then (docs/webapi.md §7)
		limit, top = min(r.prefer.MaxPageSize, pageLimit(query.Expand)), -1
	}
	reads := a.entities.Request(r.caller)
	page, err := listed(r, reads, t, query, limit)
	if err != nil {
		return err
	}
	if err := a.entities.Answer(r.Context(), t, page.Rows, query.Select); err != nil {
		return err
	}
	with, err := reads.Expand(r.Context(), page.Rows, expandsOf(query.Expand))
	if err != nil {
		return err
	}
	encoder, err := a.encoder(r, query, page.Rows, with)
	if err != nil {
		return err
	}
	if query.Count {
		encoder.Count = &payload.Count{Rows: page.Count, Exceeded: page.Exceeded}
	}
	next := func(n int) string {
		page.Cut(n)
		left := max(-1, top-n) // of $top, which a page may end before
		if page.Token == "" || left == 0 {
			return ""
		}
		return odata.NextLink(r.base+r.path+"?"+r.URL.RawQuery, page.Token, left)
	}
	body, err := encoder.Collection(t, wireRows(page.Rows, with), query.Select, next)
	if err != nil {
		return fmt.Errorf("encode %s: %w", t.Set, err)
	}
	setPreferenceApplied(w, r)
	odata.WriteJSON(w, http.StatusOK, body)
	return nil
}

// listed reads a page of a list, of no rows for a limit of none.
func listed(r *request, reads *entity.Request, t *schema.Table, query odata.Query, limit int) (page listing.Page, err error) {
	if limit > 0 {
		return reads.List(r.Context(), t.Name, listing.Query{
			Where: query.Filter, Order: ordersOf(query.Order), Count: query.Count, Limit: limit, Token: query.SkipToken,
			Bytes: payload.MaxPageBytes, Weigh: weight(t, query.Select),
		})
	}
	if query.Count {
		page.Count, page.Exceeded, err = reads.Count(r.Context(), t.Name, query.Filter)
	}
	return page, err
}

func (a *API) create(w http.ResponseWriter, r *request, t *schema.Table, query odata.Query) error {
	if err := odata.SelectOnly(query); err != nil {
		return err
	}
	input, err := a.readInput(w, r, t)
	if err != nil {
		return err
	}
	return a.createInput(w, r, t, input, query)
}

// bodies returns the reader of a request's body.
func (a *API) bodies(r *request) odata.Bodies {
	bodies := odata.Bodies{Schema: a.schema()}
	if r.set != nil {
		bodies.References = r.set.references
	}
	return bodies
}

// readInput reads the body of a create or update.
func (a *API) readInput(w http.ResponseWriter, r *request, t *schema.Table) (odata.Input, error) {
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return odata.Input{}, err
	}
	return a.bodies(r).Row(t, body)
}

func (a *API) entity(w http.ResponseWriter, r *request, resource odata.Resource) error {
	query, err := odata.ParseQuery(a.schema(), resource.Table, r.URL.RawQuery)
	if err == nil {
		err = odata.SelectOnly(query)
	}
	if err != nil {
		return err
	}
	precondition, err := odata.ParsePrecondition(r.Header)
	if err != nil {
		return err
	}
	condition := entity.If{Version: precondition.Version, Exists: precondition.Exists, Absent: precondition.Absent}
	switch r.Method {
	case http.MethodGet:
		ref, err := a.find(r, resource)
		if err != nil {
			return err
		}
		return a.retrieve(w, r, ref, query, precondition)
	case http.MethodPatch:
		return a.update(w, r, resource, query, condition)
	case http.MethodDelete:
		to := targetOf(resource.Table, resource.Key)
		return a.commitOne(r, operation.Delete{Ref: to.Ref, Key: to.Key, If: condition}, noContent(w))
	}
	return wrongMethod(w, r, "a row of "+resource.Table.Set, http.MethodGet, http.MethodPatch, http.MethodDelete)
}

func (a *API) retrieve(w http.ResponseWriter, r *request, ref rows.Ref, query odata.Query, cond odata.Precondition) error {
	row, err := a.entities.Retrieve(r.Context(), r.caller, ref)
	if err != nil {
		return err
	}
	// With annotations or expanded rows there is no 304: a formatted value, or one of
	// those, may have changed without the row (docs/webapi.md §10).
	if cond.NotVersion == row.Version && r.prefer.Annotations == nil && len(query.Expand) == 0 {
		w.Header().Set("ETag", odata.ETag(row.Version))
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return a.respondRow(w, r, row, query, http.StatusOK)
}

func (a *API) update(w http.ResponseWriter, r *request, resource odata.Resource, query odata.Query, cond entity.If) error {
	t := resource.Table
	input, err := a.readInput(w, r, t)
	if err == nil {
		err = input.Flat()
	}
	if err != nil {
		return err
	}
	to := targetOf(t, resource.Key)
	if input.ID != "" && to.Key == nil && input.ID != to.Ref.ID {
		return odata.Errorf(odata.BadPayload, "%s is %s in the body and %s in the URL; the primary key never changes", t.ID, input.ID, to.Ref.ID)
	}
	query.Expand = nil // it is ignored here, as in Dataverse
	update := operation.Update{Ref: to.Ref, Key: to.Key, Values: input.Values, Links: linksOf(input.Binds), If: cond, NewID: input.ID}
	return a.commitOne(r, update, func(outcome operation.Outcome) error {
		return a.respondWritten(w, r, outcome, query)
	})
}

// find returns the row of a resource, which is looked up where the URL has an alternate key.
func (a *API) find(r *request, resource odata.Resource) (rows.Ref, error) {
	to := targetOf(resource.Table, resource.Key)
	if to.Key == nil {
		return to.Ref, nil
	}
	return a.entities.Find(r.Context(), r.caller, *to.Key)
}

// respondWritten responds to a create or update.
func (a *API) respondWritten(w http.ResponseWriter, r *request, outcome operation.Outcome, query odata.Query) error {
	row := outcome.Row
	if !r.prefer.Representation {
		odata.WriteNoContent(w, payload.Encoder{Base: r.base}.EntityURL(row.Table, row.ID))
		return nil
	}
	status := http.StatusOK
	if outcome.Created {
		status = http.StatusCreated
	}
	return a.respondRow(w, r, row, query, status)
}

// respondRow responds with one row.
func (a *API) respondRow(w http.ResponseWriter, r *request, row *rows.Row, query odata.Query, status int) error {
	list := []*rows.Row{row}
	if err := a.entities.Answer(r.Context(), row.Table, list, query.Select); err != nil {
		return err
	}
	with, err := a.entities.Request(r.caller).Expand(r.Context(), list, expandsOf(query.Expand))
	if err != nil {
		return err
	}
	encoder, err := a.encoder(r, query, list, with)
	if err != nil {
		return err
	}
	body, err := encoder.Entity(row.Table, wireRow(row, with[0]), query.Select)
	if err != nil {
		return fmt.Errorf("encode %v: %w", row.Ref(), err)
	}
	setPreferenceApplied(w, r)
	w.Header().Set("ETag", odata.ETag(row.Version))
	odata.WriteJSON(w, status, body)
	return nil
}

// setPreferenceApplied tells the client which of its preferences were honored.
func setPreferenceApplied(w http.ResponseWriter, r *request) {
	if preference := r.prefer.Applied(); preference != "" {
		w.Header().Set("Preference-Applied", preference)
	}
}

const formattedValue = "OData.Community.Display.V1.FormattedValue"
