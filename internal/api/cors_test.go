package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// corsHeaders are the headers of an answer that tell a browser what a program may do.
func corsHeaders(header http.Header) map[string]string {
	found := map[string]string{}
	for name := range header {
		if strings.HasPrefix(name, "Access-Control-") {
			found[name] = header.Get(name)
		}
	}
	return found
}

// A browser asks before it sends a token. The laptop's server answers as the gateway
// does by the CorsConfiguration of template.yaml.
func TestPreflight(t *testing.T) {
	w := newWorld(t)
	var want map[string]string
	for _, resource := range readTemplate(t).Resources {
		if cors := resource.Properties.Cors; cors.MaxAge > 0 {
			want = map[string]string{
				"Access-Control-Allow-Origin":  "*", // the default of CorsOrigin
				"Access-Control-Allow-Methods": strings.Join(cors.AllowMethods, ","),
				"Access-Control-Allow-Headers": strings.Join(cors.AllowHeaders, ","),
				"Access-Control-Max-Age":       fmt.Sprint(cors.MaxAge),
			}
		}
	}
	for _, target := range []string{"/api/data/v9.2/leads", "/api/connect", "/api/data/v9.2/msdyn_ConnectSequence", "/"} {
		got := w.exchange("OPTIONS " + target + " HTTP/1.1\r\nHost: segue.test\r\nConnection: close\r\nOrigin: https://app.example\r\n" +
			"Access-Control-Request-Method: PATCH\r\nAccess-Control-Request-Headers: authorization,prefer\r\n\r\n")
		if diff := cmp.Diff(want, corsHeaders(got.header)); diff != "" || got.status != http.StatusNoContent || got.body != "" {
			t.Errorf("OPTIONS %s: %d %s; headers (-template +answer):\n%s", target, got.status, got.body, diff)
		}
	}
	for _, header := range []string{"", "\nOrigin: https://app.example", "\nAccess-Control-Request-Method: GET"} {
		if got := w.send("OPTIONS ~/leads\nAs: nobody" + header); got.status != http.StatusUnauthorized {
			t.Errorf("OPTIONS that isn't a preflight, %q: %d", header, got.status)
		}
	}
}

// Answers, refusals too, can be read by the program that asked.
func TestAnswersAcrossOrigins(t *testing.T) {
	w := newWorld(t)
	want := map[string]string{"Access-Control-Allow-Origin": "*"}
	for _, resource := range readTemplate(t).Resources {
		if exposed := resource.Properties.Cors.ExposeHeaders; len(exposed) > 0 {
			want["Access-Control-Expose-Headers"] = strings.Join(exposed, ",")
		}
	}
	for _, request := range []string{"GET ~/WhoAmI", "GET ~/nothing", "GET ~/leads\nAs: nobody", "POST /api/connect"} {
		got := w.send(request + "\nOrigin: https://app.example")
		if diff := cmp.Diff(want, corsHeaders(got.header)); diff != "" {
			t.Errorf("%s (-template +answer):\n%s", request, diff)
		}
		if got := corsHeaders(w.send(request).header); len(got) > 0 {
			t.Errorf("%s of no other origin: %v", request, got)
		}
	}
}

// HEAD is answered wherever GET is, by the same headers.
func TestHead(t *testing.T) {
	w := newWorld(t)
	row := "leads(" + w.leads(20)[0] + ")"
	tag := w.send("GET ~/" + row).header.Get("ETag")
	told := func(header http.Header) http.Header {
		header = header.Clone()
		for _, name := range []string{"Req_id", "X-Ms-Service-Request-Id", "Date"} { // differ from answer to answer
			header.Del(name)
		}
		return header
	}
	for _, request := range []string{
		"~/", "~/WhoAmI", "~/leads", "~/leads?$select=subject", "~/leads?$top=x", "~/leads\nPrefer: odata.maxpagesize=2", "~/leads\nAccept-Encoding: gzip",
		"~/" + row, "~/" + row + "?$select=subject", "~/" + row + "\nIf-None-Match: " + tag, "~/leads(00000000-0000-4000-8000-000000000000)",
		"~/nothing", "~/leads\nAs: nobody", "/nowhere",
	} {
		get, head := w.send("GET "+request), w.send("HEAD "+request)
		if diff := cmp.Diff(told(get.header), told(head.header)); diff != "" || head.status != get.status || head.body != "" {
			t.Errorf("HEAD %s: %d %q, want %d; headers (-GET +HEAD):\n%s", request, head.status, head.body, get.status, diff)
		}
		target, extra, _ := strings.Cut(request, "\n")
		if !strings.HasPrefix(target, "~/") || strings.HasPrefix(extra, "As:") {
			continue
		}
		header := map[string]string{}
		if name, value, ok := strings.Cut(extra, ": "); ok {
			header[strings.ToLower(name)] = value
		}
		target = strings.Replace(target, "~/", "/api/data/v9.2/", 1)
		full, bare := w.through(t, http.MethodGet, target, header), w.through(t, http.MethodHead, target, header)
		for _, name := range []string{"Req_id", "X-Ms-Service-Request-Id"} {
			delete(full.Headers, name)
			delete(bare.Headers, name)
		}
		if diff := cmp.Diff(full.Headers, bare.Headers); diff != "" || bare.StatusCode != full.StatusCode || bare.Body != "" {
			t.Errorf("HEAD %s through the gateway: %d %q, want %d; headers (-GET +HEAD):\n%s", target, bare.StatusCode, bare.Body, full.StatusCode, diff)
		}
	}
	if allowed := w.send("DELETE ~/WhoAmI").header.Get("Allow"); !slices.Contains(strings.Split(allowed, ", "), "HEAD") {
		t.Errorf("WhoAmI allows %q", allowed)
	}
}

// TestCORSContract_webapi_16: what clients in browsers send and read is allowed, by the
// laptop's server and by the template.
func TestCORSContract_webapi_16(t *testing.T) {
	w := newWorld(t)
	preflight := w.exchange("OPTIONS /api/data/v9.2/leads HTTP/1.1\r\nHost: segue.test\r\nConnection: close\r\nOrigin: https://app.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n")
	answer := w.send("GET ~/WhoAmI\nOrigin: https://app.example")
	served := map[string][]string{
		"methods": strings.Split(preflight.header.Get("Access-Control-Allow-Methods"), ","),
		"headers": strings.Split(preflight.header.Get("Access-Control-Allow-Headers"), ","),
		"exposed": strings.Split(answer.header.Get("Access-Control-Expose-Headers"), ","),
	}
	declared := map[string][]string{}
	for _, resource := range readTemplate(t).Resources {
		if cors := resource.Properties.Cors; cors.MaxAge > 0 {
			declared = map[string][]string{"methods": cors.AllowMethods, "headers": cors.AllowHeaders, "exposed": cors.ExposeHeaders}
		}
	}
	for kind, wanted := range map[string]string{
		"methods": "GET POST PATCH PUT DELETE",
		"headers": "Authorization Content-Type OData-Version OData-MaxVersion Prefer If-Match If-None-Match CallerObjectId MSCRMCallerID MSCRM.SuppressDuplicateDetection MSCRM.BypassCustomPluginExecution MSCRM.BypassBusinessLogicExecution MSCRM.SuppressCallbackRegistrationExpanderJob MSCRM.SolutionUniqueName MSCRM.MergeLabels MSCRM.SessionToken Consistency Cache-Control x-ms-client-request-id",
		"exposed": "OData-EntityId OData-Version ETag Location Preference-Applied Retry-After",
	} {
		for name := range strings.FieldsSeq(wanted) {
			for where, list := range map[string][]string{"the server": served[kind], "template.yaml": declared[kind]} {
				if !slices.Contains(list, name) {
					t.Errorf("%s: %s has %v, without %s", where, kind, list, name)
				}
			}
		}
	}
}
