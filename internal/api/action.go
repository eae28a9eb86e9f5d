package api

import (
	"net/http"

	"segue/internal/api/operation"
	"segue/internal/odata"
)

// action serves the unbound actions.
func (a *API) action(w http.ResponseWriter, r *request) error {
	resource, err := odata.ParsePath(a.schema(), r.path, a.actions...)
	if err != nil {
		return err
	}
	if resource.Kind != odata.Operation { // the version in the path is not one
		return odata.NoSegment(r.URL.Path)
	}
	return a.act(w, r, resource.Name)
}

// act runs one action by its declaration.
func (a *API) act(w http.ResponseWriter, r *request, name string) error {
	declared, ok := operation.Find(name)
	if !ok {
		return odata.NoSegment(name)
	}
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, name, http.MethodPost)
	}
	given, err := odata.ReadAction(w, r.Request, declared.Parameters)
	if err != nil {
		return err
	}
	outcome, err := a.run(r, operation.Action{Name: name, Parameters: given})
	if err != nil {
		return err
	}
	if declared.Response == "" || !r.prefer.Representation {
		odata.WriteNoContent(w, "")
		return nil
	}
	var properties []odata.Property
	for _, result := range outcome.Results {
		properties = append(properties, odata.Property{Name: result.Name, Value: result.Value})
	}
	applied(w, r)
	odata.WriteJSON(w, http.StatusOK, odata.Encoder{Base: r.base}.Complex(declared.Response, properties...))
	return nil
}

// run does one operation in a unit of work of its own.
func (a *API) run(r *request, op operation.Operation) (operation.Outcome, error) {
	outcomes, err := a.config.Operations.Do(r.Context(), r.caller, op)
	if err != nil {
		return operation.Outcome{}, err
	}
	return outcomes[0], nil
}
