package api

import (
	"fmt"
	"net/http"

	"segue/internal/api/operation"
	"segue/internal/entity"
	"segue/internal/odata"
	"segue/internal/odata/payload"
	"segue/internal/rows"
	"segue/internal/schema"
)

// property serves one column of a row.
func (a *API) property(w http.ResponseWriter, r *request, resource odata.Resource) error {
	if err := a.refuseOptions(r, resource.Table); err != nil {
		return err
	}
	if r.Method == http.MethodGet {
		return a.readProperty(w, r, resource)
	}
	allowed := []string{http.MethodGet, http.MethodPut, http.MethodDelete}
	if resource.Raw {
		allowed = allowed[:1]
	}
	value := schema.Null()
	switch {
	case r.Method == http.MethodDelete && !resource.Raw:
		if resource.Column.Name == resource.Table.ID {
			return odata.Errorf(odata.BadPayload, "the primary key '%s' never changes", resource.Table.ID)
		}
	case r.Method == http.MethodPut && !resource.Raw:
		body, err := odata.ReadBody(w, r.Request)
		if err == nil {
			value, err = a.bodies(r).Value(resource.Table, resource.Column, body)
		}
		if err != nil {
			return err
		}
	default:
		return wrongMethod(w, r, resource.Column.Name+" of a row", allowed...)
	}
	return a.setColumn(w, r, targetOf(resource.Table, resource.Key), resource.Column, value, nil)
}

func (a *API) readProperty(w http.ResponseWriter, r *request, resource odata.Resource) error {
	row, err := a.retrieveRow(r, resource)
	if err == nil {
		err = a.entities.Answer(r.Context(), resource.Table, []*rows.Row{row}, []string{resource.Column.Name})
	}
	if err != nil {
		return err
	}
	value, err := row.Value(resource.Column.Name)
	switch {
	case err != nil:
		return err
	case value.IsNull():
		odata.WriteNoContent(w, "")
		return nil
	case resource.Raw:
		odata.WriteText(w, payload.Raw(resource.Column, value))
		return nil
	}
	encoder, err := a.encoder(r, odata.Query{Select: []string{resource.Column.Name}}, []*rows.Row{row}, nil)
	if err != nil {
		return err
	}
	body, err := encoder.Value(resource.Table, row.ID, resource.Column, value)
	if err != nil {
		return fmt.Errorf("encode %v: %w", row.Ref(), err)
	}
	setPreferenceApplied(w, r)
	odata.WriteJSON(w, http.StatusOK, body)
	return nil
}

// setColumn sets one column of a row, which must be there, to a value, or to the row that
// has an alternate key.
func (a *API) setColumn(w http.ResponseWriter, r *request, to operation.Target, column *schema.Column, value schema.Value, key *rows.KeyRef) error {
	condition, err := present(r)
	if err != nil {
		return err
	}
	update := operation.Update{Ref: to.Ref, Key: to.Key, If: condition}
	if key != nil {
		update.Links = operation.Links{column.Name: *key}
	} else {
		update.Values = map[string]schema.Value{column.Name: value}
	}
	return a.commitOne(r, update, noContent(w))
}

// pointTo points a lookup of a row at another row.
func (a *API) pointTo(w http.ResponseWriter, r *request, row operation.Target, column *schema.Column, to operation.Target) error {
	return a.setColumn(w, r, row, column, schema.RefTo(to.Ref.Table, to.Ref.ID), to.Key)
}

// noContent returns what responds to an operation of which a client is told nothing but
// that it was done.
func noContent(w http.ResponseWriter) func(operation.Outcome) error {
	return func(operation.Outcome) error {
		odata.WriteNoContent(w, "")
		return nil
	}
}

// present returns the condition of a request on what a row has, so that there must be one.
func present(r *request) (entity.If, error) {
	condition, err := odata.ParsePrecondition(r.Header)
	return entity.If{Version: condition.Version, Exists: true, Absent: condition.Absent}, err
}

// retrieveRow reads the row of a resource.
func (a *API) retrieveRow(r *request, resource odata.Resource) (*rows.Row, error) {
	ref, err := a.find(r, resource)
	if err != nil {
		return nil, err
	}
	return a.entities.Retrieve(r.Context(), r.caller, ref)
}

// refuseOptions refuses query options where none has a meaning.
func (a *API) refuseOptions(r *request, t *schema.Table) error {
	query, err := odata.ParseQuery(a.schema(), t, r.URL.RawQuery)
	if err != nil {
		return err
	}
	if query.Select != nil {
		return odata.Errorf(odata.BadRequest, "no query option may be used here")
	}
	return odata.SelectOnly(query)
}
