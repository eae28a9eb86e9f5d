package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"testing"
)

// A client that goes away in the middle of a request isn't a failure of Segue's, so
// it raises no alarm.
func TestClientHasGone(t *testing.T) {
	w := newWorld(t)
	ctx, leave := context.WithCancel(t.Context())
	leave()
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/data/v9.2/leads", http.NoBody)
	r.Header.Set("Authorization", "Bearer "+w.token("Sales Manager"))
	w.api.Mux().ServeHTTP(httptest.NewRecorder(), r)
	if w.log.Len() > 0 {
		t.Errorf("errors were logged:\n%s", w.log)
	}
}
