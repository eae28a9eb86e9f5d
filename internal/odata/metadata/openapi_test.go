package metadata_test

import (
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// The OpenAPI document is valid by a library that others use, and has each set.
func TestOpenAPI(t *testing.T) {
	m := model(t)
	document, err := openapi3.NewLoader().LoadFromData(m.OpenAPI())
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(document.OpenAPI, "3.1.") {
		t.Errorf("it is of version %s", document.OpenAPI)
	}
	for _, table := range tables(t).Tables() {
		if table.Set != "" && document.Paths.Value("/"+table.Set) == nil {
			t.Errorf("/%s is not described", table.Set)
		}
	}
	for _, path := range []string{"/WhoAmI()", "/msdyn_ConnectSequence", "/RetrieveCurrentOrganization(AccessType={AccessType})", "/leads({leadid})"} {
		if document.Paths.Value(path) == nil {
			t.Errorf("%s is not described", path)
		}
	}
	if schema := document.Components.Schemas["lead"].Value; schema.Properties["subject"] == nil || schema.Properties["segue_live"] != nil {
		t.Error("a lead has no subject, or a hidden column")
	}
}
