package odata_test

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/odata"
)

func TestParsePrefer(t *testing.T) {
	tests := []struct {
		name    string
		headers []string
		want    odata.Prefer
		applied string
	}{
		{"none", nil, odata.Prefer{}, ""},
		{"dynamics-web-api", []string{`return=representation,odata.include-annotations="*"`},
			odata.Prefer{Representation: true, Annotations: odata.Annotations{"*"}}, `return=representation,odata.include-annotations="*"`},
		{"xrm-webapi", []string{`odata.maxpagesize=2,odata.include-annotations=""`},
			odata.Prefer{MaxPageSize: 2, Annotations: odata.Annotations{}}, `odata.include-annotations="",odata.maxpagesize=2`},
		{"ServiceClient", []string{"odata.include-annotations=*"}, odata.Prefer{Annotations: odata.Annotations{"*"}}, `odata.include-annotations="*"`},
		{"several headers, commas in quotes", []string{`odata.include-annotations="a.b, c.*"`, " odata.maxpagesize=7 ; x=1"},
			odata.Prefer{Annotations: odata.Annotations{"a.b", "c.*"}, MaxPageSize: 7}, `odata.include-annotations="a.b,c.*",odata.maxpagesize=7`},
		{"page too large", []string{"odata.maxpagesize=99999"}, odata.Prefer{MaxPageSize: 5000}, "odata.maxpagesize=5000"},
		{"page of nothing", []string{"odata.maxpagesize=0"}, odata.Prefer{}, ""},
		{"page is not a number", []string{"odata.maxpagesize=many"}, odata.Prefer{}, ""},
		{"quoted page, case", []string{`OData.MaxPageSize="3"`}, odata.Prefer{MaxPageSize: 3}, "odata.maxpagesize=3"},
		{"first counts", []string{"return=minimal", "return=representation"}, odata.Prefer{}, ""},
		{"not served", []string{`respond-async, odata.callback;url="http://a,b"`}, odata.Prefer{}, ""},
		{"of a list", []string{"odata.track-changes"}, odata.Prefer{TrackChanges: true}, ""},
		{"continue", []string{"odata.continue-on-error"}, odata.Prefer{ContinueOnError: true}, ""},
		{"do not continue", []string{"odata.continue-on-error=false"}, odata.Prefer{}, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := odata.ParsePrefer(http.Header{"Prefer": test.headers})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("Prefer (-want +got):\n%s", diff)
			}
			if got.Applied() != test.applied {
				t.Errorf("Applied = %q, want %q", got.Applied(), test.applied)
			}
		})
	}
}

func TestAnnotationsWant(t *testing.T) {
	const name = "Microsoft.Dynamics.CRM.lookuplogicalname"
	tests := []struct {
		name  string
		asked odata.Annotations
		want  bool
	}{
		{"none", nil, false},
		{"all", odata.Annotations{"*"}, true},
		{"exact", odata.Annotations{"x", name}, true},
		{"prefix", odata.Annotations{"Microsoft.Dynamics.CRM.*"}, true},
		{"another prefix", odata.Annotations{"OData.*"}, false},
		{"a part without star", odata.Annotations{"Microsoft.Dynamics.CRM"}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := test.asked.Want(name); got != test.want {
				t.Errorf("Want = %v, want %v", got, test.want)
			}
		})
	}
}

func TestParsePrecondition(t *testing.T) {
	const malformed = `400 0x80060888 If-Match must be * or one entity tag like W/"1", not '`
	tests := []struct {
		name, match, none string
		want              odata.Precondition
		fails             string
	}{
		{name: "none"},
		{name: "null as Microsoft tells clients to send", none: "null", match: "null"},
		{name: "exists", match: "*", none: "null", want: odata.Precondition{Exists: true}},
		{name: "version", match: `W/"5"`, want: odata.Precondition{Version: 5}},
		{name: "version without W/", match: `"5"`, want: odata.Precondition{Version: 5}},
		{name: "absent", none: "*", want: odata.Precondition{Absent: true}},
		{name: "not version", none: `W/"112430907"`, want: odata.Precondition{NotVersion: 112430907}},
		{name: "tag of no row", match: `W/"abc"`, want: odata.Precondition{Version: -1}},
		{name: "same number, other text", match: `W/"05"`, want: odata.Precondition{Version: -1}},
		{name: "negative", match: `W/"-1"`, want: odata.Precondition{Version: -1}},
		{name: "no quotes", match: "5", fails: malformed + "5'"},
		{name: "list", match: `W/"1", W/"2"`, fails: malformed + `W/"1", W/"2"'`},
		{name: "both", match: "*", none: "*", fails: "400 0x80060888 If-Match and If-None-Match cannot be used together"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			h := http.Header{}
			h.Set("If-Match", test.match)
			h.Set("If-None-Match", test.none)
			got, err := odata.ParsePrecondition(h)
			if failed := outcome(t, err); failed != test.fails {
				t.Fatalf("error = %q, want %q", failed, test.fails)
			}
			if err == nil && got != test.want {
				t.Errorf("precondition = %+v, want %+v", got, test.want)
			}
		})
	}
	tagged, err := odata.ParsePrecondition(http.Header{"If-Match": {odata.ETag(42)}})
	if err != nil || tagged.Version != 42 {
		t.Errorf("the tag %s reads as %+v, %v", odata.ETag(42), tagged, err)
	}
}
