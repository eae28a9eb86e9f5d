// Package odata reads the wire form of Segue: URLs, headers and bodies of the Dataverse
// Web API become resources, queries and rows, and errors become what clients see. Bodies
// of responses are written by package payload. It is pure translation: it knows the
// schema's names and types, but no store and no rule of the domain. The tables of its
// tests hold the URLs and headers that real clients send.
//
// What a request asks for that this version does not serve is refused with 501
// and the name of the form, never ignored: an ignored $orderby or $expand would
// be a wrong result.
//
// Size: rows in bodies, references in URLs and the rows inside each other read the same
// names (columns, lookups, navigation properties, sets), and refuse with the same codes.
//
// Invariant: what is returned is valid against the schema (known columns, kinds and
// ranges of schema.Column), and every error is an *Error whose text may be shown to
// anybody.
package odata

import (
	"net/http"
	"strings"

	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// Namespace comes before the name of every type and bound operation.
const Namespace = uri.Namespace

// MaxURL is the longest path and the longest query string read, in bytes; MaxBatchURL is
// the longest URL in a batch.
const (
	MaxURL      = 32768
	MaxBatchURL = 65536
)

// APIRoot is the path under which all versions of the API are served.
const APIRoot = "/api/data/"

// ParseVersion splits the path of a request into the version asked for and the
// rest, without a leading slash, which [ParsePath] reads. Versions 9.0,
// 9.1 and 9.2 are one API; ok is false for anything else.
func ParseVersion(path string) (version, rest string, ok bool) {
	path, ok = strings.CutPrefix(path, APIRoot)
	if !ok {
		return "", "", false
	}
	version, rest, _ = strings.Cut(path, "/")
	switch version {
	case "v9.0", "v9.1", "v9.2", "v9.0.0", "v9.1.0", "v9.2.0":
		return version, rest, true
	}
	return "", "", false
}

// ServiceRoot returns the URL that all links of a response start with, a slash
// at its end: the public base and the version that the client asked for.
func ServiceRoot(publicBase, version string) string {
	return publicBase + APIRoot + version + "/"
}

// PublicBase returns the scheme and host (and path, if configured) under which
// the client reached the service, without a slash at its end. A client recognizes
// links by this prefix, so the name must be the client's, not the machine's:
// it is the configured one or else what the request says.
func PublicBase(r *http.Request, configured string) string {
	if configured != "" {
		return strings.TrimRight(configured, "/")
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	forwarded, _, _ := strings.Cut(r.Header.Get("X-Forwarded-Proto"), ",")
	switch forwarded = strings.ToLower(strings.TrimSpace(forwarded)); forwarded {
	case "http", "https":
		scheme = forwarded
	}
	return scheme + "://" + r.Host
}

// columnOf returns the column of a wire name, nil when none has it or the column is
// hidden.
func columnOf(t *schema.Table, name string) *schema.Column { return uri.Column(t, name) }

// navsOf returns the targets of a navigation property to one row, nil when the table
// has none of that name or it is hidden.
func navsOf(t *schema.Table, name string) []schema.Nav { return uri.Navs(t, name) }
