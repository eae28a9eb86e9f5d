package api

import (
	"net/http"

	"segue/internal/odata"
)

// action serves the unbound actions.
func (a *API) action(w http.ResponseWriter, r *request) error {
	served, err := a.call(w, r)
	if !served { // the version in the path is not one
		return odata.NoSegment(r.URL.Path)
	}
	return err
}
