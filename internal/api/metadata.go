package api

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"

	"segue/internal/odata/definition"
)

// openAPIPath is where the OpenAPI document is.
const openAPIPath = "/api/openapi.json"

// describe serves what Segue tells of itself: the service document, $metadata, the
// definitions of tables, the OpenAPI document. served is false for another path.
func (a *API) describe(w http.ResponseWriter, r *request) (served bool, err error) {
	root := r.path == "" && isRoot(r)
	described := root || r.path == "$metadata" || r.URL.Path == openAPIPath || definition.Defines(r.path)
	switch {
	case !described:
		return false, nil
	case r.Method != http.MethodGet:
		return true, wrongMethod(w, r, "what describes the service", http.MethodGet)
	case root:
		respondDescription(w, r, jsonType, a.model.ServiceDocument(r.base))
	case r.path == "$metadata":
		annotations := r.prefer.Annotations.Want("*") || r.URL.Query().Get("annotations") == "true"
		if r.prefer.Annotations != nil {
			setPreferenceApplied(w, r)
		}
		respondDescription(w, r, "application/xml", a.model.CSDL(annotations))
	case r.URL.Path == openAPIPath:
		respondDescription(w, r, "application/json", a.model.OpenAPI())
	default:
		response, err := a.definitions.Serve(r.base, r.path, r.URL.RawQuery)
		if err != nil {
			return true, err
		}
		contentType := jsonType
		if response.Plain {
			contentType = "text/plain"
		}
		respondDescription(w, r, contentType, response.Body)
	}
	return true, nil
}

const jsonType = "application/json; odata.metadata=minimal"

// respondDescription responds with what changes only with the program or its files, by
// its tag alone where the caller has it already.
func respondDescription(w http.ResponseWriter, r *request, contentType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := `W/"` + hex.EncodeToString(sum[:12]) + `"`
	w.Header().Set("ETag", tag)
	w.Header().Set("Cache-Control", "private, no-cache") // ask again with the tag
	for known := range strings.SplitSeq(r.Header.Get("If-None-Match"), ",") {
		if known = strings.TrimSpace(known); known == tag || known == strings.TrimPrefix(tag, "W/") {
			w.WriteHeader(http.StatusNotModified)
			return
		}
	}
	w.Header().Set("OData-Version", "4.0")
	w.Header().Set("Content-Type", contentType)
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(body) // fails when the client has gone; there is nobody to tell
}
