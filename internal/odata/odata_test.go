package odata_test

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"

	"segue/internal/odata"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// The root of links, and two GUIDs for the tests' rows, as in docs/webapi.md §17.
const (
	base = "http://host/api/data/v9.2/"
	idI  = "7eb682f1-ca75-e511-80d4-00155d2a68d1"
	idJ  = "0a1b2c3d-0000-4000-8000-0000000000ff"
)

func tables(t testing.TB) *schema.Schema {
	t.Helper()
	return schematest.Tables(t)
}

// outcome writes an error as "400 0x80060888 message", "" for none.
func outcome(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*odata.Error](err)
	if !ok {
		t.Fatalf("got a %T (%v), want an *odata.Error", err, err)
	}
	return fmt.Sprintf("%d %s %s", e.Status, e.Code, e.Message)
}

func TestParseVersion(t *testing.T) {
	type result struct {
		version, rest string
		ok            bool
	}
	for path, want := range map[string]result{
		"/api/data/v9.2/leads":         {"v9.2", "leads", true},
		"/api/data/v9.2/":              {"v9.2", "", true},
		"/api/data/v9.2":               {"v9.2", "", true},
		"/api/data/v9.1/leads(x)/name": {"v9.1", "leads(x)/name", true},
		"/api/data/v9.1.0/WhoAmI":      {"v9.1.0", "WhoAmI", true},
		"/api/data/v9.0/$metadata":     {"v9.0", "$metadata", true},
		"/api/data/v9.3/leads":         {},
		"/api/data/v9/leads":           {},
		"/api/data/v8.2/leads":         {},
		"/api/data/v9.2.0.0/leads":     {},
		"/api/data":                    {},
		"/health":                      {},
	} {
		t.Run(path, func(t *testing.T) {
			var got result
			got.version, got.rest, got.ok = odata.ParseVersion(path)
			if got != want {
				t.Errorf("ParseVersion = %+v, want %+v", got, want)
			}
		})
	}
}

func TestPublicBase(t *testing.T) {
	tests := []struct {
		name, configured, forwarded string
		tls                         bool
		want                        string
	}{
		{name: "configured wins", configured: "https://sales.example.com/", forwarded: "http", want: "https://sales.example.com"},
		{name: "configured with a stage", configured: "https://gw.example.com/prod", want: "https://gw.example.com/prod"},
		{name: "plain", want: "http://client.example.com:8080"},
		{name: "tls", tls: true, want: "https://client.example.com:8080"},
		{name: "behind a gateway", forwarded: "HTTPS, http", want: "https://client.example.com:8080"},
		{name: "forwarded nonsense", forwarded: "javascript", want: "http://client.example.com:8080"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/api/data/v9.2/leads", nil)
			r.Host = "client.example.com:8080"
			if test.forwarded != "" {
				r.Header.Set("X-Forwarded-Proto", test.forwarded)
			}
			if test.tls {
				r.TLS = &tls.ConnectionState{}
			}
			if got := odata.PublicBase(r, test.configured); got != test.want {
				t.Errorf("PublicBase = %q, want %q", got, test.want)
			}
		})
	}
	if got, want := odata.ServiceRoot("https://h", "v9.1"), "https://h/api/data/v9.1/"; got != want {
		t.Errorf("ServiceRoot = %q, want %q", got, want)
	}
}
