package api_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/api"
	"segue/internal/lambdaio"
)

var _ lambdaio.Refuser = api.Gateway{}

func TestGatewayRefusals(t *testing.T) {
	for _, test := range []struct {
		name   string
		refuse func(http.ResponseWriter)
		status int
		body   string
	}{
		{"bad body", func(w http.ResponseWriter) { api.Gateway{}.BadBody(w, errors.New("request body is not valid base64")) }, 400,
			`{"error":{"code":"0x80040203","message":"request body is not valid base64"}}`},
		{"panicked", api.Gateway{}.Panicked, 500,
			`{"error":{"code":"0x80040216","message":"An unexpected error occurred."}}`},
		{"too large", func(w http.ResponseWriter) { api.Gateway{}.TooLarge(w, 7, 6) }, 413,
			`{"error":{"code":"0x8006088a","message":"The response has 7 bytes; the limit is 6. ` +
				`Ask for fewer rows (Prefer: odata.maxpagesize) or fewer columns ($select)."}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			test.refuse(w)
			if w.Code != test.status || w.Body.String() != test.body {
				t.Errorf("got %d %s, want %d %s", w.Code, w.Body, test.status, test.body)
			}
			want := http.Header{"Content-Type": {"application/json; odata.metadata=minimal"}, "Odata-Version": {"4.0"}}
			if diff := cmp.Diff(want, w.Header()); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}
