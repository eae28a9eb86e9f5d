package api_test

import (
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"testing"
)

// gunzip undoes the compression of an answer.
func gunzip(t *testing.T, text string) string {
	t.Helper()
	reader, err := gzip.NewReader(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	plain, err := io.ReadAll(reader)
	if err != nil {
		t.Fatal(err)
	}
	return string(plain)
}

// An answer that is long enough is compressed for a client that accepts gzip; nothing
// else about it changes (docs/webapi.md §3).
func TestCompression(t *testing.T) {
	w := newWorld(t)
	row := "leads(" + w.leads(1)[0] + ")"
	for _, test := range []struct {
		name, target, accepts string
		compressed            bool
	}{
		{"a list", "leads", "gzip", true},
		{"a row", row, "deflate, gzip;q=0.5, br", true},
		{"little", row + "?$select=subject", "gzip", false},
		{"a refusal", "leads(00000000-0000-4000-8000-000000000000)", "gzip", false},
		{"not asked for", row, "", false},
		{"not wanted", row, "gzip;q=0", false},
		{"not known", row, "br, zstd", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			plain := w.send("GET ~/" + test.target)
			got := w.send("GET ~/" + test.target + "\nAccept-Encoding: " + test.accepts)
			if got.header.Get("Content-Encoding") == "gzip" != test.compressed {
				t.Fatalf("Content-Encoding %q", got.header.Get("Content-Encoding"))
			}
			through := w.through(t, http.MethodGet, "/api/data/v9.2/"+test.target, map[string]string{"accept-encoding": test.accepts})
			if through.IsBase64Encoded != test.compressed || through.Headers["Content-Encoding"] != got.header.Get("Content-Encoding") {
				t.Errorf("through the gateway: base64 %v, %v", through.IsBase64Encoded, through.Headers)
			}
			body := got.body
			if test.compressed {
				body = gunzip(t, body)
			}
			if body != plain.body || got.status != plain.status {
				t.Errorf("%d %s, want %d %s", got.status, body, plain.status, plain.body)
			}
			for _, header := range []string{"ETag", "Vary", "Content-Type"} {
				if got.header.Get(header) != plain.header.Get(header) {
					t.Errorf("%s is %q, want %q", header, got.header.Get(header), plain.header.Get(header))
				}
			}
			if got.header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("Vary is %q", got.header.Get("Vary"))
			}
		})
	}
	tag := w.send("GET ~/" + row).header.Get("ETag")
	if got := w.send("GET ~/" + row + "\nAccept-Encoding: gzip\nIf-None-Match: " + tag); got.status != http.StatusNotModified || got.header.Get("ETag") != tag {
		t.Errorf("with its tag the row is answered by %v", got)
	}
}
