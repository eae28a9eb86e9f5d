// Package api is Segue on HTTP: one handler per Lambda function and one mux that
// serves them all on a laptop. A handler decodes, calls one use case of sales
// and encodes; what an error means on the wire is said once, in error.go.
//
// Invariant: no handler does anything for a caller who did not show who they
// are, and every answer, refusals included, has the shape of webapi.md §3 and §5.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"segue/internal/auth"
	"segue/internal/odata"
	"segue/internal/sales"
)

// Authenticator says who sent a request, from its context (gateway claims) and
// Authorization header. auth.Authenticator is one.
type Authenticator interface {
	Authenticate(ctx context.Context, authorization string) (auth.Caller, error)
}

// API makes handlers.
type API struct {
	sales        *sales.Service
	auth         Authenticator
	public       string
	organization string
	log          *slog.Logger
}

// New makes an API. public is the URL under which clients reach the service,
// without a slash at its end; "" takes it from each request. organization names
// this installation; the ids of WhoAmI are made of it.
func New(service *sales.Service, authenticator Authenticator, public, organization string, log *slog.Logger) *API {
	return &API{service, authenticator, public, organization, log}
}

// Route is one line of the HTTP API: a method, a path (of net/http's patterns)
// and the Lambda function that answers it. template.yaml has the same.
type Route struct{ Method, Path, Function string }

// Routes lists all routes. A method of "ANY" is every method.
func Routes() []Route {
	routes := []Route{
		{"POST", "/api/connect", "connect"},
		{"POST", "/api/disconnect", "disconnect"},
	}
	for _, action := range actionNames() {
		routes = append(routes, Route{"POST", "/api/data/{version}/" + action, "action"})
	}
	return append(routes, Route{"ANY", "/api/data/{proxy...}", "data"})
}

// Handler is the handler of one Lambda function, nil for a name that has none.
func (a *API) Handler(function string) http.Handler {
	switch function {
	case "connect":
		return a.serve(a.connect)
	case "disconnect":
		return a.serve(a.disconnect)
	case "action":
		return a.serve(a.action)
	case "data":
		return a.serve(a.data)
	}
	return nil
}

// Mux serves every route in one process. A handler refuses other methods than
// its route's itself, in the form of the Web API.
func (a *API) Mux() http.Handler {
	mux := http.NewServeMux()
	for _, route := range Routes() {
		mux.Handle(route.Path, a.Handler(route.Function))
	}
	mux.Handle("/", a.serve(func(_ http.ResponseWriter, r *request) error {
		return odata.NoSegment(r.URL.Path)
	}))
	return mux
}

// request is an HTTP request with what every handler needs of it.
type request struct {
	*http.Request
	caller  sales.Caller
	base    string // service root of the version asked for
	path    string // behind the service root
	prefer  odata.Prefer
	startup time.Time
}

// serve wraps a handler: identity, headers of every answer, errors, one log
// line.
func (a *API) serve(handle func(http.ResponseWriter, *request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := uuid.NewString()
		seen := &recorder{ResponseWriter: w, status: http.StatusOK}
		header := w.Header()
		header.Set("OData-Version", "4.0")
		header.Set("x-ms-service-request-id", id)
		header.Set("REQ_ID", id)
		header.Set("x-ms-dop-hint", "4")
		req := &request{Request: r, prefer: odata.ParsePrefer(r.Header), startup: time.Now()}
		err := a.identify(req)
		if err == nil {
			err = handle(seen, req)
		}
		if err != nil {
			odata.WriteError(seen, a.refusal(r, id, err))
		}
		a.log.InfoContext(r.Context(), "request", "method", r.Method, "path", r.URL.Path, "status", seen.status,
			"id", id, "client", r.Header.Get("x-ms-client-request-id"), "user", req.caller.ID, "ms", time.Since(req.startup).Milliseconds())
	})
}

// identify fills in caller, service root and path, or refuses.
func (a *API) identify(r *request) error {
	who, err := a.auth.Authenticate(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	r.caller = sales.Caller{ID: who.ID, Roles: who.Roles}
	for _, header := range []string{"CallerObjectId", "MSCRMCallerID"} {
		if as := r.Header.Get(header); as != "" && !strings.EqualFold(strings.Trim(as, "{}"), who.ID) {
			return odata.Errorf(odata.CannotActOnBehalfOfAnotherUser, "%s: acting as %q is not available; requests run as the token's user %s", header, as, who.ID)
		}
	}
	version, rest, ok := odata.ParseVersion(r.URL.Path)
	if !ok {
		version = "v9.2"
	}
	r.base, r.path = odata.ServiceRoot(odata.PublicBase(r.Request, a.public), version), rest
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
