package api

import (
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"strings"

	"segue/internal/api/operation"
	"segue/internal/entity"
	"segue/internal/odata"
	listing "segue/internal/query"
	"segue/internal/rows"
	"segue/internal/schema"
)

const whoAmI = "WhoAmI"

// data serves everything under the service root that no other function serves:
// rows, lists, WhoAmI, the service document, and actions on a laptop.
func (a *API) data(w http.ResponseWriter, r *request) error {
	if r.path == "" && !isRoot(r) { // the version in the path is not one
		return odata.NoSegment(r.URL.Path)
	}
	resource, err := odata.ParsePath(a.schema(), r.path, append(slices.Clip(a.actions), whoAmI)...)
	if err != nil {
		return err
	}
	switch resource.Kind {
	case odata.Operation:
		return a.operation(w, r, resource.Name)
	case odata.Collection:
		return a.collection(w, r, resource.Table)
	case odata.Entity:
		return a.entity(w, r, resource)
	case odata.Bound:
		return a.createMultiple(w, r, resource.Table)
	case odata.Root:
		if r.Method != http.MethodGet {
			return wrongMethod(w, r, "the service document", http.MethodGet)
		}
		odata.WriteJSON(w, http.StatusOK, odata.Encoder{Base: r.base}.ServiceDocument(a.schema()))
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

func (a *API) operation(w http.ResponseWriter, r *request, name string) error {
	if name != whoAmI {
		return a.runAction(w, r, name)
	}
	if r.Method != http.MethodGet {
		return wrongMethod(w, r, whoAmI, http.MethodGet)
	}
	user, err := a.config.Principals.Admit(r.Context(), r.caller)
	if err != nil {
		return err
	}
	odata.WriteJSON(w, http.StatusOK, odata.Encoder{Base: r.base}.Complex("WhoAmIResponse",
		odata.Property{Name: "BusinessUnitId", Value: string(user.Unit)},
		odata.Property{Name: "UserId", Value: string(r.caller.ID)},
		odata.Property{Name: "OrganizationId", Value: string(a.config.Principals.Organization().ID)}))
	return nil
}

func (a *API) collection(w http.ResponseWriter, r *request, t *schema.Table) error {
	query, err := odata.ParseQuery(a.schema(), t, r.URL.RawQuery)
	if err != nil {
		return err
	}
	switch r.Method {
	case http.MethodGet:
		return a.list(w, r, t, query)
	case http.MethodPost:
		return a.create(w, r, t, query)
	}
	return wrongMethod(w, r, t.Set, http.MethodGet, http.MethodPost)
}

func (a *API) list(w http.ResponseWriter, r *request, t *schema.Table, query odata.Query) error {
	limit, top := odata.MaxPageSize, -1
	if query.Top != nil {
		top = *query.Top
		limit = min(top, limit)
	}
	if r.prefer.MaxPageSize > 0 { // $top is ignored then (docs/webapi.md §7)
		limit, top = r.prefer.MaxPageSize, -1
	}
	var page listing.Page
	if limit > 0 {
		frame := odata.Frame(t, query.Select)
		var err error
		page, err = a.entities.List(r.Context(), r.caller, t.Name, listing.Query{
			Where: query.Filter, Limit: limit, Token: query.SkipToken, Bytes: odata.MaxPageBytes,
			Weigh: func(row *rows.Row) int { return frame + row.Size(query.Select) },
		})
		if err != nil {
			return err
		}
	}
	encoder, err := a.encoder(r, query.Select, page.Rows...)
	if err != nil {
		return err
	}
	next := func(n int) string {
		page.Cut(n)
		left := max(-1, top-n) // of $top, which a page may end before
		if page.Token == "" || left == 0 {
			return ""
		}
		return odata.NextLink(r.base+r.path+"?"+r.URL.RawQuery, page.Token, left)
	}
	body, err := encoder.Collection(t, wireRows(page.Rows), query.Select, next)
	if err != nil {
		return fmt.Errorf("encode %s: %w", t.Set, err)
	}
	setPreferenceApplied(w, r)
	odata.WriteJSON(w, http.StatusOK, body)
	return nil
}

func (a *API) create(w http.ResponseWriter, r *request, t *schema.Table, query odata.Query) error {
	if err := query.SelectOnly(); err != nil {
		return err
	}
	input, err := a.readInput(w, r, t)
	if err != nil {
		return err
	}
	outcome, err := a.commit(r, operation.Create{Table: t.Name, ID: input.ID, Values: input.Values})
	if err != nil {
		return err
	}
	return a.respondWritten(w, r, outcome, query)
}

// createMultiple serves POST {set}/Microsoft.Dynamics.CRM.CreateMultiple: all rows are
// created, or none.
func (a *API) createMultiple(w http.ResponseWriter, r *request, t *schema.Table) error {
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, odata.CreateMultiple, http.MethodPost)
	}
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return err
	}
	targets, err := odata.ReadTargets(a.schema(), t, body, operation.MaxCreates)
	if err != nil {
		return err
	}
	creates := make([]operation.Operation, len(targets))
	for i, target := range targets {
		creates[i] = operation.Create{Table: t.Name, ID: target.ID, Values: target.Values}
	}
	outcomes, err := a.config.Operations.Do(r.Context(), r.caller, creates...)
	if refused, ok := errors.AsType[*operation.RefusedError](err); ok {
		if public := a.translate(refused); public.Status < http.StatusInternalServerError {
			return odata.InTarget(refused.Index, public)
		}
	}
	if err != nil {
		return err
	}
	ids := make([]string, len(outcomes))
	for i, outcome := range outcomes {
		ids[i] = outcome.Row.ID
	}
	odata.WriteJSON(w, http.StatusOK, odata.Encoder{Base: r.base}.IDs(ids))
	return nil
}

// readInput reads the body of a create or update.
func (a *API) readInput(w http.ResponseWriter, r *request, t *schema.Table) (odata.Input, error) {
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return odata.Input{}, err
	}
	return odata.ReadRow(a.schema(), t, body)
}

func (a *API) entity(w http.ResponseWriter, r *request, resource odata.Resource) error {
	query, err := odata.ParseQuery(a.schema(), resource.Table, r.URL.RawQuery)
	if err == nil {
		err = query.SelectOnly()
	}
	if err != nil {
		return err
	}
	precondition, err := odata.ParsePrecondition(r.Header)
	if err != nil {
		return err
	}
	ref := rows.Ref{Table: resource.Table.Name, ID: resource.ID}
	condition := entity.If{Version: precondition.Version, Exists: precondition.Exists, Absent: precondition.Absent}
	switch r.Method {
	case http.MethodGet:
		return a.retrieve(w, r, ref, query, precondition)
	case http.MethodPatch:
		return a.update(w, r, ref, query, condition)
	case http.MethodDelete:
		if _, err := a.commit(r, operation.Delete{Ref: ref, If: condition}); err != nil {
			return err
		}
		odata.WriteNoContent(w, "")
		return nil
	}
	return wrongMethod(w, r, "a row of "+resource.Table.Set, http.MethodGet, http.MethodPatch, http.MethodDelete)
}

func (a *API) retrieve(w http.ResponseWriter, r *request, ref rows.Ref, query odata.Query, cond odata.Precondition) error {
	row, err := a.entities.Retrieve(r.Context(), r.caller, ref)
	if err != nil {
		return err
	}
	// With annotations there is no 304: a formatted value may have changed without
	// the row (docs/webapi.md §10).
	if cond.NotVersion == row.Version && r.prefer.Annotations == nil {
		w.Header().Set("ETag", odata.ETag(row.Version))
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	return a.respondRow(w, r, row, query, http.StatusOK)
}

func (a *API) update(w http.ResponseWriter, r *request, ref rows.Ref, query odata.Query, cond entity.If) error {
	t := a.schema().Table(ref.Table)
	input, err := a.readInput(w, r, t)
	if err != nil {
		return err
	}
	if input.ID != "" && input.ID != ref.ID {
		return odata.Errorf(odata.BadPayload, "%s is %s in the body and %s in the URL; the primary key never changes", t.ID, input.ID, ref.ID)
	}
	outcome, err := a.commit(r, operation.Update{Ref: ref, Values: input.Values, If: cond})
	if err != nil {
		return err
	}
	return a.respondWritten(w, r, outcome, query)
}

// respondWritten responds to a create or update.
func (a *API) respondWritten(w http.ResponseWriter, r *request, outcome operation.Outcome, query odata.Query) error {
	row := outcome.Row
	if !r.prefer.Representation {
		odata.WriteNoContent(w, odata.Encoder{Base: r.base}.EntityURL(row.Table, row.ID))
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
	encoder, err := a.encoder(r, query.Select, row)
	if err != nil {
		return err
	}
	body, err := encoder.Entity(row.Table, wireRow(row), query.Select)
	if err != nil {
		return fmt.Errorf("encode %v: %w", row.Ref(), err)
	}
	setPreferenceApplied(w, r)
	w.Header().Set("ETag", odata.ETag(row.Version))
	odata.WriteJSON(w, status, body)
	return nil
}

func wireRow(row *rows.Row) odata.Row {
	return odata.Row{ID: row.ID, Version: row.Version, Values: row.Columns()}
}

func wireRows(list []*rows.Row) iter.Seq[odata.Row] {
	return func(yield func(odata.Row) bool) {
		for _, row := range list {
			if !yield(wireRow(row)) {
				return
			}
		}
	}
}

// setPreferenceApplied tells the client which of its preferences were honored.
func setPreferenceApplied(w http.ResponseWriter, r *request) {
	if preference := r.prefer.Applied(); preference != "" {
		w.Header().Set("Preference-Applied", preference)
	}
}

const formattedValue = "OData.Community.Display.V1.FormattedValue"

// encoder returns the encoder of a response. It reads the names of the rows that
// lookups in list point at, if the client asked for formatted values.
func (a *API) encoder(r *request, columns []string, list ...*rows.Row) (odata.Encoder, error) {
	encoder := odata.Encoder{Base: r.base, Annotations: r.prefer.Annotations}
	if !r.prefer.Annotations.Want(formattedValue) {
		return encoder, nil
	}
	var lookups []schema.Lookup
	for _, row := range list {
		for name, v := range row.Columns() {
			lookup, ok := v.Ref()
			if ok && (columns == nil || slices.Contains(columns, name)) {
				lookups = append(lookups, lookup)
			}
		}
	}
	var err error
	encoder.Names, err = a.entities.Names(r.Context(), lookups)
	return encoder, err
}
