package api

import (
	"net/http"

	"segue/internal/odata"
)

// Gateway writes the refusals of a Lambda function on which no handler can
// decide, in the form of the Web API (docs/webapi.md §5); lambdaio asks for
// them. They have no request id: API Gateway logs its own.
type Gateway struct{}

// BadBody refuses a body that could not be decoded.
func (Gateway) BadBody(w http.ResponseWriter, err error) {
	odata.WriteError(w, odata.Errorf(odata.InvalidArgument, "%v", err))
}

// Panicked says that the handler failed, and not why.
func (Gateway) Panicked(w http.ResponseWriter) {
	odata.WriteError(w, odata.Errorf(odata.UnExpected, "An unexpected error occurred."))
}

// TooLarge says how to ask for less than Lambda cannot carry.
func (Gateway) TooLarge(w http.ResponseWriter, size, limit int) {
	refused := odata.Errorf(odata.CrmHTTPError,
		"The answer has %d bytes, the limit is %d. Ask for fewer rows (Prefer: odata.maxpagesize) or fewer columns ($select).", size, limit)
	refused.Status = http.StatusRequestEntityTooLarge
	odata.WriteError(w, refused)
}
