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
	return a.runAction(w, r, resource.Name)
}

// runAction runs the action of that name, as it is declared.
func (a *API) runAction(w http.ResponseWriter, r *request, name string) error {
	action, ok := operation.Find(name)
	if !ok {
		return odata.NoSegment(name)
	}
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, name, http.MethodPost)
	}
	parameters, err := odata.ReadAction(w, r.Request, action.Parameters)
	if err != nil {
		return err
	}
	return a.commitOne(r, operation.Action{Name: name, Parameters: parameters}, func(outcome operation.Outcome) error {
		if action.Response == "" || !r.prefer.Representation {
			odata.WriteNoContent(w, "")
			return nil
		}
		var properties []odata.Property
		for _, result := range outcome.Results {
			properties = append(properties, odata.Property{Name: result.Name, Value: result.Value})
		}
		setPreferenceApplied(w, r)
		odata.WriteJSON(w, http.StatusOK, odata.Encoder{Base: r.base}.Complex(action.Response, properties...))
		return nil
	})
}
