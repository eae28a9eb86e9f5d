package api

import (
	"fmt"
	"net/http"

	"segue/internal/api/operation"
	"segue/internal/odata"
	"segue/internal/odata/call"
	"segue/internal/rows"
)

// call serves a request whose path names a function or an action; served is false where
// it names none.
func (a *API) call(w http.ResponseWriter, r *request) (served bool, err error) {
	path, ok := call.Cut(r.path)
	switch {
	case !ok:
		return false, nil
	case path.On != "":
		return a.callBound(w, r, path)
	}
	signature, ok := a.operations.Unbound(path.Name)
	if !ok || path.Qualified { // the namespace is for what is bound
		return false, nil
	}
	return true, a.serveCall(w, r, signature, rows.Ref{}, path.Arguments)
}

// callBound serves a call of what is bound to a row or to the rows of a table.
func (a *API) callBound(w http.ResponseWriter, r *request, path call.Path) (served bool, err error) {
	resource, err := odata.ParsePath(a.schema(), path.On)
	if err != nil {
		return false, nil //nolint:nilerr // the whole path is refused better by who serves the rest
	}
	to := call.ToSet
	switch resource.Kind {
	case odata.Collection:
	case odata.Entity:
		to = call.ToRow
	default:
		return false, nil
	}
	signature, ok := a.operations.Bound(to, resource.Table.Name, path.Name)
	switch {
	case ok && !path.Qualified:
		return true, odata.Errorf(odata.BadRequest, "Request message has unresolved parameters: '%s' is called as '%s%s'", path.Name, odata.Namespace, path.Name)
	case ok && to == call.ToRow:
		on, err := a.find(r, resource)
		if err != nil {
			return true, err
		}
		return true, a.serveCall(w, r, signature, on, path.Arguments)
	case ok:
		return true, a.serveCall(w, r, signature, rows.Ref{}, path.Arguments)
	case !path.Qualified:
		return false, nil
	}
	if whole, err := odata.ParsePath(a.schema(), r.path); err == nil && whole.Kind == odata.Bound {
		return false, nil
	}
	return true, odata.NoSegment(odata.Namespace + path.Name)
}

// serveCall reads the arguments of a call, makes it and responds.
func (a *API) serveCall(w http.ResponseWriter, r *request, signature call.Signature, on rows.Ref, arguments string) error {
	if signature.Kind == call.Function {
		return a.serveFunction(w, r, signature, on, arguments)
	}
	if r.Method != http.MethodPost {
		return wrongMethod(w, r, signature.Name, http.MethodPost)
	}
	if arguments != "" {
		return odata.Errorf(odata.BadRequest, "the arguments of the action %s are in the body, not in the URL", signature.Name)
	}
	body, err := odata.ReadBody(w, r.Request)
	if err != nil {
		return err
	}
	given, err := signature.ReadBody(a.schema(), body)
	if err != nil {
		return err
	}
	return a.commitOne(r, operation.Action{Name: signature.Name, On: on, Given: given}, func(outcome operation.Outcome) error {
		return a.respondCall(w, r, signature, outcome.Answer)
	})
}

func (a *API) serveFunction(w http.ResponseWriter, r *request, signature call.Signature, on rows.Ref, arguments string) error {
	if r.Method != http.MethodGet {
		return wrongMethod(w, r, signature.Name, http.MethodGet)
	}
	given, err := signature.ReadURL(a.schema(), arguments, r.URL.RawQuery)
	if err != nil {
		return err
	}
	answer, err := a.config.Operations.Ask(r.Context(), operation.Question{
		Name: signature.Name, On: on, Given: given, Caller: r.caller, Base: r.base,
	})
	if err != nil {
		return err
	}
	return a.respondCall(w, r, signature, answer)
}

// respondCall responds with what an operation came to, if it returns anything to this
// caller.
func (a *API) respondCall(w http.ResponseWriter, r *request, signature call.Signature, answer operation.Answer) error {
	returns := signature.Returns
	if returns.Nothing() || returns.Optional && !r.prefer.Representation {
		odata.WriteNoContent(w, "")
		return nil
	}
	var body []byte
	var err error
	if returns.Rows {
		body, err = call.EncodeRows(r.base, a.schema(), answer.Rows)
	} else {
		body, err = call.Encode(r.base, returns.Type, answer.Value)
	}
	if err != nil {
		return fmt.Errorf("encode the result of %s: %w", signature.Name, err)
	}
	if returns.Optional {
		setPreferenceApplied(w, r)
	}
	odata.WriteJSON(w, http.StatusOK, body)
	return nil
}
