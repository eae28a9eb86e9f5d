package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// TestDescriptions_webapi_13: what describes the service comes with its type and a tag,
// and by the tag alone to whoever has it.
func TestDescriptions_webapi_13(t *testing.T) {
	w := newWorld(t)
	for path, kind := range map[string]string{
		"~/": "application/json", "~/$metadata": "application/xml", "~/$metadata?annotations=true": "application/xml",
		"~/EntityDefinitions?$select=EntitySetName,LogicalName":             "application/json",
		"~/EntityDefinitions(LogicalName=%27lead%27)?$select=EntitySetName": "application/json",
		"~/EntityDefinitions/$count":                                        "text/plain",
		"~/GlobalOptionSetDefinitions(Name='rating')":                       "application/json",
		"~/RelationshipDefinitions?$filter=ReferencedEntity%20eq%20%27x%27": "",
		"/api/openapi.json": "application/json",
		"/api/data/v9.0/EntityDefinitions(LogicalName='lead')/Attributes/$count": "text/plain",
	} {
		a := w.send("GET " + path)
		if kind == "" { // a property of a type that the set does not say
			if a.status != http.StatusBadRequest {
				t.Errorf("%s: %v", path, a)
			}
			continue
		}
		tag := a.header.Get("ETag")
		if a.status != http.StatusOK || !strings.HasPrefix(a.header.Get("Content-Type"), kind) || a.body == "" || tag == "" {
			t.Errorf("%s: %d %s, tag %q, %.100s", path, a.status, a.header.Get("Content-Type"), tag, a.body)
		}
		for _, known := range []string{tag, `W/"x", ` + tag} {
			if a := w.send("GET " + path + "\nIf-None-Match: " + known); a.status != http.StatusNotModified || a.body != "" || a.header.Get("ETag") != tag {
				t.Errorf("%s with its tag: %v", path, a)
			}
		}
		for _, other := range []string{`W/"x"`, "null"} {
			if a := w.send("GET " + path + "\nIf-None-Match: " + other); a.status != http.StatusOK {
				t.Errorf("%s with %s: %v", path, other, a.status)
			}
		}
		if a := w.send("POST " + path + "\n\n{}"); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %v", path, a)
		}
		if a := w.send("GET " + path + "\nAs: nobody"); a.status != http.StatusUnauthorized {
			t.Errorf("%s without a token: %v", path, a)
		}
	}
}

// Annotations stand in $metadata when they are asked for, by either way.
func TestMetadata_Annotations(t *testing.T) {
	w := newWorld(t)
	for request, want := range map[string]bool{
		"GET ~/$metadata":                                                                false,
		"GET ~/$metadata?annotations=true":                                               true,
		"GET ~/$metadata\nPrefer: odata.include-annotations=\"*\"":                       true,
		"GET ~/$metadata?annotations=false\nAccept: application/xml":                     false,
		"GET ~/$metadata\nPrefer: odata.include-annotations=\"OData.Community.Display\"": false,
	} {
		if got := strings.Contains(w.expect(http.StatusOK, request).body, "<Annotation "); got != want {
			t.Errorf("%s: annotations %v", request, got)
		}
	}
}

// A table that is added as a file is described as any other.
func TestNewTable_Described(t *testing.T) {
	w := newVisitWorld(t)
	if body := w.expect(http.StatusOK, "GET ~/$metadata").body; !strings.Contains(body, `<EntityType Name="inspection" BaseType="mscrm.activitypointer">`) ||
		!strings.Contains(body, `<EntitySet Name="visits" EntityType="Microsoft.Dynamics.CRM.visit">`) {
		t.Error("$metadata does not have the tables of testdata/visit")
	}
	var definition struct {
		EntitySetName string
		PrimaryID     string `json:"PrimaryIdAttribute"`
	}
	w.expect(http.StatusOK, "GET ~/EntityDefinitions(LogicalName='visit')?$select=EntitySetName,PrimaryIdAttribute").value(t, &definition)
	if definition.EntitySetName != "visits" || definition.PrimaryID != "visitid" {
		t.Errorf("the definition is %+v", definition)
	}
}
