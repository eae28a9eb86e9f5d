// Package api is Segue on HTTP: one handler per Lambda function and one mux that
// serves them all on a laptop. A handler decodes, calls one use case and encodes;
// what writes a row or calls an action goes through package operation. What an
// error means on the wire is said once, in error.go.
//
// Invariant: no handler does anything for a caller who did not show who they
// are, and every answer, refusals included, has the shape of docs/webapi.md §3 and §5.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"

	"segue/internal/api/operation"
	"segue/internal/auth"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/odata"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/schema/name"
)

// Authenticator says who sent a request, from its context (gateway claims) and
// Authorization header. auth.Authenticator is one.
type Authenticator interface {
	Authenticate(ctx context.Context, authorization string) (auth.Caller, error)
}

// Config is what the API is made of.
type Config struct {
	Operations operation.Executor // what writes, and the rest of the domain
	Auth       Authenticator
	Public     string // URL under which clients reach the service, without a slash at its end; "" takes it from each request
	// Organization names this installation; the ids of WhoAmI are made of it.
	Organization string
	Clock        clock.Clock
	Log          *slog.Logger
}

// API makes handlers.
type API struct {
	config      Config
	entities    *entity.Entities
	connections *connection.Connections
	actions     []string // their names
}

// New makes an API.
func New(config Config) *API {
	a := &API{config: config, entities: config.Operations.Entities, connections: config.Operations.Connections}
	for _, declared := range operation.Actions() {
		a.actions = append(a.actions, declared.Name)
	}
	return a
}

// Route is one line of the HTTP API: a method, a path (of net/http's patterns),
// the Lambda function that serves it and its handler. template.yaml has the
// same.
type Route struct {
	Method, Path, Function string
	Handler                func(*API) http.Handler
}

// Routes lists all routes. A method of "ANY" is every method.
func Routes() []Route {
	routes := []Route{
		{"POST", "/api/connect", "connect", (*API).Connect},
		{"POST", "/api/disconnect", "disconnect", (*API).Disconnect},
	}
	for _, action := range operation.Actions() {
		routes = append(routes, Route{"POST", "/api/data/{version}/" + action.Name, "action", (*API).Action})
	}
	return append(routes, Route{"ANY", "/api/data/{proxy...}", "data", (*API).Data})
}

// Connect serves POST /api/connect: a selection of records onto a sequence.
func (a *API) Connect() http.Handler { return a.serve(a.connect) }

// Disconnect serves POST /api/disconnect.
func (a *API) Disconnect() http.Handler { return a.serve(a.disconnect) }

// Action serves the unbound actions.
func (a *API) Action() http.Handler { return a.serve(a.action) }

// Data serves everything under the service root that has no function of its own.
func (a *API) Data() http.Handler { return a.serve(a.data) }

// Mux serves every route in one process. A handler refuses other methods than
// its route's itself, in the form of the Web API.
func (a *API) Mux() http.Handler {
	mux := http.NewServeMux()
	for _, route := range Routes() {
		mux.Handle(route.Path, route.Handler(a))
	}
	mux.Handle("/", a.serve(func(_ http.ResponseWriter, r *request) error {
		return odata.NoSegment(r.URL.Path)
	}))
	return mux
}

// request is an HTTP request with what every handler needs of it.
type request struct {
	*http.Request
	caller sales.Caller
	base   string // service root of the requested version
	path   string // after the service root
	prefer odata.Prefer
}

// serve wraps a handler: identity, headers of every answer, errors, one log
// line.
func (a *API) serve(handle func(http.ResponseWriter, *request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := guid.New()
		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		header := w.Header()
		header.Set("OData-Version", "4.0")
		header.Set("x-ms-service-request-id", id)
		header.Set("REQ_ID", id)
		header.Set("x-ms-dop-hint", "4")
		req := &request{Request: r, prefer: odata.ParsePrefer(r.Header)}
		began := a.config.Clock.Now()
		err := a.identify(req)
		if err == nil {
			err = handle(seen, req)
		}
		if err != nil {
			odata.WriteError(seen, a.refusal(r, id, err))
		}
		a.config.Log.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", seen.status,
			"id", id, "client", r.Header.Get("x-ms-client-request-id"), "user", req.caller.ID, "ms", a.config.Clock.Now().Sub(began).Milliseconds())
	})
}

// identify fills in caller, service root and path, or refuses.
func (a *API) identify(r *request) error {
	who, err := a.config.Auth.Authenticate(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	r.caller = sales.Caller{ID: name.UserID(who.ID), Roles: who.Roles}
	for _, header := range []string{"CallerObjectId", "MSCRMCallerID"} {
		if as := r.Header.Get(header); as != "" && !strings.EqualFold(strings.Trim(as, "{}"), who.ID) {
			return odata.Errorf(odata.CannotActOnBehalfOfAnotherUser, "%s: acting as %q is not available; requests run as the token's user %s", header, as, who.ID)
		}
	}
	version, rest, ok := odata.ParseVersion(r.URL.Path)
	if !ok {
		version = "v9.2"
	}
	r.base, r.path = odata.ServiceRoot(odata.PublicBase(r.Request, a.config.Public), version), rest
	return nil
}

// recorder remembers the status for the log.
type recorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
