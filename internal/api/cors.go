package api

import (
	"net/http"
	"strconv"
	"strings"
)

// What a program in a browser that was loaded from elsewhere may send and read. On AWS
// the gateway answers for it; template.yaml has the same lists, and a test compares
// them.
const (
	corsOrigin = "*" // any: what counts is the token, and no cookie is used
	corsMaxAge = 3600
)

func corsMethods() []string {
	return []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete}
}

func corsHeaders() []string {
	return []string{
		"Authorization", "Cache-Control", "CallerObjectId", "Consistency", "Content-Type", "If-Match", "If-None-Match",
		"MSCRM.BypassBusinessLogicExecution", "MSCRM.BypassCustomPluginExecution", "MSCRM.MergeLabels", "MSCRM.SessionToken",
		"MSCRM.SolutionUniqueName", "MSCRM.SuppressCallbackRegistrationExpanderJob", "MSCRM.SuppressDuplicateDetection", "MSCRMCallerID",
		"OData-MaxVersion", "OData-Version", "Prefer", "x-ms-client-request-id", "x-ms-client-session-id", "x-ms-correlation-id",
	}
}

func corsExposed() []string {
	return []string{"ETag", "Location", "OData-EntityId", "OData-Version", "Preference-Applied", "Retry-After", "x-ms-service-request-id"}
}

// acrossOrigins answers for h what browsers ask: a preflight request, which has no
// token, and whether the program may read an answer.
func acrossOrigins(h http.Handler) http.Handler {
	methods, headers, exposed := strings.Join(corsMethods(), ","), strings.Join(corsHeaders(), ","), strings.Join(corsExposed(), ",")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "" {
			h.ServeHTTP(w, r)
			return
		}
		header := w.Header()
		header.Set("Access-Control-Allow-Origin", corsOrigin)
		if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
			header.Set("Access-Control-Expose-Headers", exposed)
			h.ServeHTTP(w, r)
			return
		}
		header.Set("Access-Control-Allow-Methods", methods)
		header.Set("Access-Control-Allow-Headers", headers)
		header.Set("Access-Control-Max-Age", strconv.Itoa(corsMaxAge))
		w.WriteHeader(http.StatusNoContent)
	})
}
