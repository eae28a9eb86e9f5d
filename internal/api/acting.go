package api

import (
	"errors"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata"
	"segue/internal/sales"
	"segue/internal/schema/name"
)

// actFor makes a request one on behalf of the user whom its headers name, if they name
// one. Both headers name the row of a user: its id is the object id of the user's tokens
// (docs/decisions/0031-impersonation.md).
func (a *API) actFor(r *request) error {
	for _, header := range []string{"CallerObjectId", "MSCRMCallerID"} {
		text := r.Header.Get(header)
		if text == "" || text == "null" {
			continue
		}
		id, ok := guid.Parse(strings.Trim(text, "{}"))
		if !ok {
			return odata.Errorf(odata.BadRequest, "%s: %q is not a GUID", header, excerpt.Of(text))
		}
		user := name.UserID(id)
		if user == r.sender.ID {
			r.caller = r.sender
			return nil
		}
		caller, err := a.config.Principals.ActFor(r.Context(), r.sender, user)
		if errors.Is(err, sales.Forbidden) {
			return odata.Errorf(odata.CannotActOnBehalfOfAnotherUser, "%s: %v", header, err)
		}
		if err != nil {
			return err
		}
		r.caller = caller
		return nil
	}
	return nil
}
