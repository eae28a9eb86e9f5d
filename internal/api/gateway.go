package api

import (
	"net/http"

	"segue/internal/odata"
)

// Gateway writes the refusals of a Lambda function that no handler can write, in
// the form of the Web API (docs/webapi.md §5). It is a lambdaio.Refuser. These
// responses have no request id: API Gateway logs its own.
type Gateway struct{}

// BadBody refuses a body that could not be decoded.
func (Gateway) BadBody(w http.ResponseWriter, err error) {
	odata.WriteError(w, odata.Errorf(odata.InvalidArgument, "%v", err), nil)
}

// Panicked reports that the handler failed, without the reason.
func (Gateway) Panicked(w http.ResponseWriter) {
	odata.WriteError(w, odata.Errorf(odata.UnExpected, "An unexpected error occurred."), nil)
}

// Late reports that a request was not finished in time.
func (Gateway) Late(w http.ResponseWriter) { odata.WriteError(w, late(), nil) }

// late is the refusal of a request whose time is up. What it was to write may be
// written, so a client reads before it tries again, or sends what has the same effect
// twice.
func late() *odata.Error {
	return &odata.Error{
		Status: http.StatusServiceUnavailable, Code: odata.CrmHTTPError, RetryAfter: 1,
		Message: "The request could not be finished in time; try again.",
	}
}

// TooLarge refuses a response that is larger than Lambda can carry, and tells the
// client how to ask for less.
func (Gateway) TooLarge(w http.ResponseWriter, size, limit int) {
	refusal := odata.Errorf(odata.CrmHTTPError,
		"The response has %d bytes; the limit is %d. Ask for fewer rows (Prefer: odata.maxpagesize) or fewer columns ($select).", size, limit)
	refusal.Status = http.StatusRequestEntityTooLarge
	odata.WriteError(w, refusal, nil)
}
