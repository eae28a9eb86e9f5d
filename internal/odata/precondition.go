package odata

import (
	"net/http"
	"strconv"
	"strings"

	"segue/internal/excerpt"
)

// Precondition is what must hold for a row before the request is carried out
// (docs/webapi.md §10). At most one field is set.
type Precondition struct {
	Exists     bool  // If-Match: *
	Version    int64 // If-Match: W/"n": the version the row must have; -1: one that no row has
	Absent     bool  // If-None-Match: *
	NotVersion int64 // If-None-Match: W/"n": the version the client has already
}

// ParsePrecondition reads If-Match and If-None-Match. The value "null" counts
// as absent, because some clients always send it. A tag counts with or without its W/.
func ParsePrecondition(h http.Header) (Precondition, error) {
	match, none := condition(h, "If-Match"), condition(h, "If-None-Match")
	if match != "" && none != "" {
		return Precondition{}, Errorf(BadRequest, "If-Match and If-None-Match cannot be used together")
	}
	switch {
	case match == "*":
		return Precondition{Exists: true}, nil
	case none == "*":
		return Precondition{Absent: true}, nil
	case match != "":
		version, err := parseETag("If-Match", match)
		return Precondition{Version: version}, err
	case none != "":
		version, err := parseETag("If-None-Match", none)
		return Precondition{NotVersion: version}, err
	}
	return Precondition{}, nil
}

// condition returns the value of a header, "" for none.
func condition(h http.Header, name string) string {
	value := strings.TrimSpace(h.Get(name))
	if value == "null" {
		return ""
	}
	return value
}

// ETag returns the entity tag of a row of that version.
func ETag(version int64) string { return `W/"` + strconv.FormatInt(version, 10) + `"` }

// parseETag reads a tag; it returns -1 for one that [ETag] never makes.
func parseETag(header, value string) (int64, error) {
	tag := strings.TrimPrefix(value, "W/")
	text := unquote(tag)
	if text == tag || strings.Contains(text, `"`) {
		return 0, Errorf(BadRequest, `%s must be * or one entity tag like W/"1", not '%s'`, header, excerpt.Of(value))
	}
	version, _ := strconv.ParseInt(text, 10, 64)
	if version <= 0 || strconv.FormatInt(version, 10) != text {
		return -1, nil
	}
	return version, nil
}
