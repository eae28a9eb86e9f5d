package recipient

import "net/http"

// Refuser writes the pages of a Lambda function that its handler cannot write. It is a
// lambdaio.Refuser.
type Refuser struct{}

// BadBody refuses a body that could not be decoded; nothing here reads one.
func (Refuser) BadBody(w http.ResponseWriter, _ error) {
	page(w, http.StatusBadRequest, "This link is opened in a browser.", "")
}

// Panicked reports that the handler failed, without the reason.
func (Refuser) Panicked(w http.ResponseWriter) {
	page(w, http.StatusInternalServerError, "This did not work.", "")
}

// Late reports that a request was not finished in time. What it asked for may have been
// done, and may be asked for again.
func (Refuser) Late(w http.ResponseWriter) {
	w.Header().Set("Retry-After", "5")
	page(w, http.StatusServiceUnavailable, "This did not work. Please try again in a moment.", "")
}

// TooLarge refuses a response that Lambda cannot carry; those of this package are small.
func (r Refuser) TooLarge(w http.ResponseWriter, _, _ int) { r.Panicked(w) }
