package api

import (
	"net/http"
	"slices"
	"strconv"

	"segue/internal/api/operation"
	"segue/internal/odata"
	"segue/internal/odata/payload"
	listing "segue/internal/query"
	"segue/internal/schema"
)

// lookup serves the row that a lookup of a row points at, and the lookup itself as $ref.
func (a *API) lookup(w http.ResponseWriter, r *request, resource odata.Resource) error {
	name := resource.Navs[0].Column.Name
	switch {
	case r.Method == http.MethodGet:
		return a.readLookup(w, r, resource)
	case r.Method == http.MethodPut && resource.Ref:
		to, err := a.readReference(w, r)
		if err != nil {
			return err
		}
		for _, nav := range resource.Navs {
			if nav.Target.Table == to.Table.Name {
				return a.pointTo(w, r, targetOf(resource.Table, resource.Key), nav.Column, targetOf(to.Table, to.Key))
			}
		}
		return odata.Errorf(odata.BadPayload, "%s cannot refer to a row of %s", name, to.Table.Name)
	case r.Method == http.MethodDelete && resource.Ref:
		return a.setColumn(w, r, targetOf(resource.Table, resource.Key), resource.Navs[0].Column, schema.Null(), nil)
	case resource.Ref:
		return wrongMethod(w, r, name+" of a row", http.MethodGet, http.MethodPut, http.MethodDelete)
	}
	return wrongMethod(w, r, "the row that "+name+" points at", http.MethodGet)
}

func (a *API) readLookup(w http.ResponseWriter, r *request, resource odata.Resource) error {
	row, err := a.retrieveRow(r, resource)
	if err != nil {
		return err
	}
	to := row.Lookup(resource.Navs[0].Column.Name)
	ofNav := func(n schema.Nav) bool { return n.Target.Table == to.Table }
	if !slices.ContainsFunc(resource.Navs, ofNav) {
		odata.WriteNoContent(w, "")
		return nil
	}
	t := a.schema().Table(to.Table)
	if resource.Ref {
		odata.WriteJSON(w, http.StatusOK, payload.Encoder{Base: r.base}.Reference(t, to.ID))
		return nil
	}
	return a.entity(w, r, odata.Resource{Kind: odata.Entity, Table: t, Key: odata.Key{ID: to.ID}})
}

// readReference reads the row that the body of a request on a relationship refers to.
func (a *API) readReference(w http.ResponseWriter, r *request) (odata.Reference, error) {
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return odata.Reference{}, err
	}
	return a.bodies(r).Reference(body)
}

// related serves the rows that point at a row by a lookup.
func (a *API) related(w http.ResponseWriter, r *request, resource odata.Resource) error {
	name := resource.Relation.Name
	switch {
	case resource.Ref:
		return a.relatedReferences(w, r, resource)
	case r.Method == http.MethodGet:
		query, err := a.relatedQuery(r, resource)
		if err != nil {
			return err
		}
		if resource.Count {
			return a.count(w, r, resource.Relation.Table, query)
		}
		return a.list(w, r, resource.Relation.Table, query)
	case r.Method == http.MethodPost && !resource.Count:
		return a.createRelated(w, r, resource)
	case resource.Count:
		return wrongMethod(w, r, "the number of rows of "+name, http.MethodGet)
	}
	return wrongMethod(w, r, name, http.MethodGet, http.MethodPost)
}

// relatedQuery reads the options of a list of rows that are related to a row, which the
// caller may read.
func (a *API) relatedQuery(r *request, resource odata.Resource) (odata.Query, error) {
	query, err := odata.ParseQuery(a.schema(), resource.Relation.Table, r.URL.RawQuery)
	if err != nil {
		return query, err
	}
	row, err := a.retrieveRow(r, resource)
	if err != nil {
		return query, err
	}
	query.Filter = odata.PointingAt(resource.Relation.Column, row.Ref().Table, row.ID, query.Filter)
	return query, nil
}

// createRelated creates a row that points at the row of the path.
func (a *API) createRelated(w http.ResponseWriter, r *request, resource odata.Resource) error {
	t, column := resource.Relation.Table, resource.Relation.Column
	query, err := odata.ParseQuery(a.schema(), t, r.URL.RawQuery)
	if err == nil {
		err = odata.SelectOnly(query)
	}
	if err != nil {
		return err
	}
	input, err := a.readInput(w, r, t)
	if err != nil {
		return err
	}
	_, bound := input.Binds[column.Name]
	if _, given := input.Values[column.Name]; given || bound {
		return odata.Errorf(odata.BadPayload, "'%s' must not be in the body: it is the row that the URL names", column.Name)
	}
	if to := targetOf(resource.Table, resource.Key); to.Key == nil {
		input.Values[column.Name] = schema.RefTo(resource.Table.Name, resource.ID)
	} else {
		if input.Binds == nil {
			input.Binds = map[string]odata.Reference{}
		}
		input.Binds[column.Name] = odata.Reference{Table: resource.Table, Key: resource.Key}
	}
	return a.createInput(w, r, t, input, query)
}

// relatedReferences serves which rows point at a row.
func (a *API) relatedReferences(w http.ResponseWriter, r *request, resource odata.Resource) error {
	t, column := resource.Relation.Table, resource.Relation.Column
	to := targetOf(resource.Table, resource.Key)
	switch {
	case r.Method == http.MethodGet && resource.Member == nil:
		return a.listReferences(w, r, resource)
	case r.Method == http.MethodPost && resource.Member == nil:
		child, err := a.readReference(w, r)
		if err != nil {
			return err
		}
		if child.Table != t {
			return odata.Errorf(odata.BadPayload, "%s relates rows of %s, not of %s", resource.Relation.Name, t.Name, child.Table.Name)
		}
		return a.pointTo(w, r, targetOf(t, child.Key), column, to)
	case r.Method == http.MethodDelete:
		child, err := a.member(r, resource)
		if err != nil {
			return err
		}
		condition, err := present(r)
		if err != nil {
			return err
		}
		return a.commitOne(r, operation.Unlink{Of: targetOf(t, child), Column: column.Name, From: to, If: condition}, noContent(w))
	case resource.Member != nil:
		return wrongMethod(w, r, "a reference of "+resource.Relation.Name, http.MethodDelete)
	}
	return wrongMethod(w, r, "the references of "+resource.Relation.Name, http.MethodGet, http.MethodPost, http.MethodDelete)
}

// member returns the related row that a request takes out: that of the path, or of $id.
func (a *API) member(r *request, resource odata.Resource) (odata.Key, error) {
	if resource.Member != nil {
		return *resource.Member, nil
	}
	child, err := a.bodies(r).Target(r.URL.RawQuery)
	if err == nil && child.Table != resource.Relation.Table {
		err = odata.Errorf(odata.BadRequest, "%s relates rows of %s, not of %s", resource.Relation.Name, resource.Relation.Table.Name, child.Table.Name)
	}
	return child.Key, err
}

// listReferences serves a page of references to the rows that point at a row.
func (a *API) listReferences(w http.ResponseWriter, r *request, resource odata.Resource) error {
	query, err := a.relatedQuery(r, resource)
	if err != nil {
		return err
	}
	if query.Select != nil {
		return odata.Errorf(odata.BadRequest, "$select cannot be used with $ref")
	}
	limit := odata.MaxPageSize
	if r.prefer.MaxPageSize > 0 {
		limit = r.prefer.MaxPageSize
	} else if query.Top != nil {
		limit = min(limit, *query.Top)
	}
	var page listing.Page
	if limit > 0 {
		page, err = a.entities.List(r.Context(), r.caller, resource.Relation.Table.Name, listing.Query{Where: query.Filter, Limit: limit, Token: query.SkipToken})
		if err != nil {
			return err
		}
	}
	ids := make([]string, len(page.Rows))
	for i, row := range page.Rows {
		ids[i] = row.ID
	}
	next := ""
	if page.Token != "" && (query.Top == nil || r.prefer.MaxPageSize > 0) {
		next = odata.NextLink(r.base+r.path+"?"+r.URL.RawQuery, page.Token, -1)
	}
	setPreferenceApplied(w, r)
	odata.WriteJSON(w, http.StatusOK, payload.Encoder{Base: r.base}.References(resource.Relation.Table, ids, next))
	return nil
}

// count serves how many rows of a list there are, [query.MaxCount] at most.
func (a *API) count(w http.ResponseWriter, r *request, t *schema.Table, query odata.Query) error {
	if query.Select != nil || query.Top != nil || query.SkipToken != "" || query.Order != nil || query.Expand != nil || query.Apply != nil {
		return odata.Errorf(odata.BadRequest, "only $filter may be used with $count")
	}
	n, _, err := a.entities.Request(r.caller).Count(r.Context(), t.Name, query.Filter)
	if err != nil {
		return err
	}
	odata.WriteText(w, strconv.Itoa(n))
	return nil
}
