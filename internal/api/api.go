// Package api is Segue on HTTP: one handler per Lambda function and one mux that
// serves them all on a laptop. A handler decodes, calls one use case and encodes;
// what writes a row or calls an action goes through package operation. How an
// error looks on the wire is decided in one place, error.go.
//
// Size: the handlers call each other: that of a batch all of them, those of a lookup and
// a related row those of rows and lists. What they share is small and private, the
// decoded request, how it is committed and how it is answered.
//
// Invariant: no handler does anything for a caller who is not authenticated, and
// every response, refusals included, has the form of docs/webapi.md §3 and §5; but for
// package recipient, whose addresses are signed and whose responses are for people.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"segue/internal/api/operation"
	"segue/internal/api/recipient"
	"segue/internal/auth"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/odata"
	"segue/internal/odata/call"
	"segue/internal/odata/definition"
	"segue/internal/odata/metadata"
	"segue/internal/protect"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/mailing"
	"segue/internal/sales/principal"
	"segue/internal/sales/tracking"
	"segue/internal/schema/name"
)

// Authenticator finds out who sent a request, from the request's context (claims
// of the gateway) and its Authorization header. [auth.Authenticator] is one.
type Authenticator interface {
	Authenticate(ctx context.Context, authorization string) (auth.Caller, error)
}

// Config is what [New] makes an API of.
type Config struct {
	Operations operation.Executor // runs writes; it also holds the use cases that read
	Principals *principal.Directory
	Auth       Authenticator
	Public     string            // URL under which clients reach the service, without a slash at its end; "" takes it from each request
	Mailing    recipient.Mailing // what recipients of emails reach
	Limits     *protect.Guard    // bounds each user; nil for none
	Clock      clock.Clock
	Log        *slog.Logger
	// Slow is how long a request may take before it is worth a line in the log, where
	// something else keeps a line of each, such as a gateway. 0 logs every request.
	Slow time.Duration
}

// API makes the handlers of the HTTP API. It is safe for concurrent use.
type API struct {
	config      Config
	entities    *entity.Entities
	connections *connection.Connections
	operations  call.Registry // functions and actions
	model       *metadata.Model
	definitions *definition.Model
	tracking    *tracking.Log
}

// New makes an API.
func New(config Config) *API {
	operations, tables := operation.Registry(), config.Operations.DB.Schema()
	return &API{
		config: config, entities: config.Operations.Entities, connections: config.Operations.Connections,
		operations: operations, model: metadata.New(tables, operations), definitions: definition.New(tables),
		tracking: tracking.New(config.Operations.DB),
	}
}

// Route is one line of the HTTP API: a method, a path (of net/http's patterns),
// the Lambda function that serves it and its handler. template.yaml declares the
// same routes; a test compares them.
type Route struct {
	Method, Path, Function string
	Handler                func(*API) http.Handler
}

// trackPath is where the addresses in emails lead.
const trackPath = mailing.Path + "{proxy...}"

// Routes returns all routes. The method "ANY" stands for every method.
func Routes() []Route {
	routes := []Route{
		{"POST", "/api/connect", "connect", (*API).Connect},
		{"POST", "/api/disconnect", "disconnect", (*API).Disconnect},
	}
	for _, action := range operation.Actions() {
		routes = append(routes, Route{"POST", "/api/data/{version}/" + action.Name, "action", (*API).Action})
	}
	return append(routes,
		Route{"GET", trackPath, "track", (*API).Recipients},
		Route{"POST", trackPath, "track", (*API).Recipients},
		Route{"GET", openAPIPath, "data", (*API).Data},
		Route{"ANY", "/api/data/{proxy...}", "data", (*API).Data})
}

// Connect returns the handler of POST /api/connect, which connects a selection of
// records to a sequence.
func (a *API) Connect() http.Handler { return a.serve(a.connect) }

// Disconnect returns the handler of POST /api/disconnect, which disconnects a
// selection of records.
func (a *API) Disconnect() http.Handler { return a.serve(a.disconnect) }

// Action returns the handler of the unbound actions.
func (a *API) Action() http.Handler { return a.serve(a.action) }

// Recipients returns the handler of what recipients of emails reach, without a token: what they
// may do is in the signature of the address.
func (a *API) Recipients() http.Handler { return recipient.Handler(a.config.Mailing, a.config.Log) }

// Data returns the handler of everything under the service root that no other
// function serves.
func (a *API) Data() http.Handler { return a.serve(a.data) }

// Mux returns a handler that serves every route in one process, and answers browsers
// as the gateway does on AWS. Routes match by
// path alone: each handler refuses wrong methods itself, in the form of the Web
// API, which net/http could not do.
func (a *API) Mux() http.Handler {
	mux := http.NewServeMux()
	made := map[string]bool{}
	for _, route := range Routes() {
		if !made[route.Path] {
			mux.Handle(route.Path, route.Handler(a))
		}
		made[route.Path] = true
	}
	nowhere := a.serve(func(_ http.ResponseWriter, r *request) error { return odata.NoSegment(r.URL.Path) })
	mux.Handle("/", nowhere)
	return acrossOrigins(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodConnect || unclean(r.URL.Path) {
			nowhere.ServeHTTP(w, r) // the mux would respond by itself, with a redirect or in text
			return
		}
		mux.ServeHTTP(w, r)
	}))
}

// unclean reports whether a path has an empty segment, or one that stands for another.
// It is the way to nothing, as it is on AWS.
func unclean(p string) bool {
	return p != "/" && path.Clean(p) != strings.TrimSuffix(p, "/")
}

// request is an HTTP request with what every handler needs from it.
type request struct {
	*http.Request
	id     string         // of the request, in the log
	sender sales.Caller   // whose token came
	caller sales.Caller   // on whose behalf: the sender, or for whom the sender acts
	visit  *protect.Visit // counts against the limits of the sender
	base   string         // service root of the requested version
	path   string         // after the service root
	prefer odata.Prefer
	inner  bool       // it is in a batch
	set    *changeSet // the change set that it is in, nil for none
}

// serve wraps a handler with what all have in common: authentication, the headers
// of every response, errors, and the line in the log.
func (a *API) serve(handle func(http.ResponseWriter, *request) error) http.Handler {
	return headAsGet(compressed(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := guid.New()
		recorder := &statusRecorder{ResponseWriter: w, status: http.StatusOK}
		header := w.Header()
		header.Set("OData-Version", "4.0")
		header.Set("x-ms-service-request-id", id)
		header.Set("REQ_ID", id)
		header.Set("x-ms-dop-hint", "4")
		req := &request{Request: r, id: id, prefer: odata.ParsePrefer(r.Header)}
		began := a.config.Clock.Now()
		err := a.identify(req)
		if err == nil {
			err = a.within(req, func() error { return handle(recorder, req) })
		}
		if err != nil {
			public := a.refusal(r, id, err)
			a.challenge(recorder, r, public)
			odata.WriteError(recorder, public, req.prefer.Annotations)
		}
		a.logRequest(req, id, recorder.status, a.config.Clock.Now().Sub(began))
	})))
}

// within handles a request within the limits of its sender.
func (a *API) within(r *request, handle func() error) (err error) {
	if r.visit, err = a.config.Limits.Enter(r.Context(), r.sender.ID); err != nil {
		return err
	}
	defer r.visit.Leave(r.Context())
	if err := a.actFor(r); err != nil {
		return err
	}
	return handle()
}

// logRequest logs a request, unless requests are logged elsewhere and this one was fast.
// What has failed is logged apart, with its reason.
func (a *API) logRequest(r *request, id string, status int, took time.Duration) {
	level, text := slog.LevelInfo, "request"
	switch {
	case a.config.Slow == 0:
	case took < a.config.Slow:
		return
	default:
		level, text = slog.LevelWarn, "slow request"
	}
	a.config.Log.Log(r.Context(), level, text, "method", r.Method, "path", r.URL.Path, "status", status,
		"id", id, "client", r.Header.Get("x-ms-client-request-id"), "user", r.sender.ID, "for", r.caller.ID, "ms", took.Milliseconds())
}

// headAsGet has h answer HEAD as it answers GET. Whoever sends the response has the
// request as it came, and leaves out the body.
func headAsGet(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			get := *r
			get.Method = http.MethodGet
			r = &get
		}
		h.ServeHTTP(w, r)
	})
}

// identify authenticates the caller and fills in caller, service root and path.
func (a *API) identify(r *request) error {
	caller, err := a.config.Auth.Authenticate(r.Context(), r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	r.sender = sales.Caller{ID: name.UserID(caller.ID), Name: caller.Name, Login: caller.Login, Roles: caller.Roles, Signed: true}
	r.caller = r.sender
	if size := max(len(r.URL.Path), len(r.URL.RawQuery)); size > odata.MaxURL {
		return odata.Errorf(odata.BadRequest, "the URL has %d bytes; the limit is %d, and %d in a batch", size, odata.MaxURL, odata.MaxBatchURL).Exceeds("UrlBytes", odata.MaxURL, size)
	}
	version, rest, ok := odata.ParseVersion(r.URL.Path)
	if !ok {
		version = "v9.2" // the paths of selections have no version
	}
	r.base, r.path = odata.ServiceRoot(odata.PublicBase(r.Request, a.config.Public), version), rest
	return nil
}

// statusRecorder remembers the status for the log.
type statusRecorder struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (r *statusRecorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}
