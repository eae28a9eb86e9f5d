package api_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// TestRuns is docs/webapi.md §11: what became of a record when it was evaluated, as a
// client reads it, who changes none of it.
func TestRuns(t *testing.T) {
	w := newWorld(t)
	w.react()
	const lead = "1ead0000-0000-4000-8000-000000000077"
	if a := w.send("POST ~/leads\n\n" + `{"leadid":"` + lead + `","lastname":"Run","leadqualitycode":1,"leadsourcecode":8}`); a.status != http.StatusNoContent {
		t.Fatal(a)
	}
	w.react()
	list := func(target string) []map[string]any {
		t.Helper()
		a := w.send("GET " + target)
		if a.status != http.StatusOK {
			t.Fatal(a)
		}
		var got tracked
		a.value(t, &got)
		return got.Value
	}
	var segment struct {
		ID string `json:"_msdyn_segmentid_value"`
	}
	w.send("GET ~/leads("+lead+")?$select=_msdyn_segmentid_value").value(t, &segment)
	if segment.ID == "" {
		t.Fatal("the lead is in no segment")
	}
	history := list("~/msdyn_salesroutingruns?$filter=_msdyn_targetobject_value%20eq%20" + lead + "&$orderby=createdon%20desc&$top=20")
	into := list("~/msdyn_salesroutingruns?$filter=_msdyn_segmentid_value%20eq%20" + segment.ID)
	isThis := func(run map[string]any) bool {
		return run["msdyn_salesroutingrunid"] == history[0]["msdyn_salesroutingrunid"]
	}
	if len(history) != 1 || !slices.ContainsFunc(into, isThis) {
		t.Fatalf("runs of the lead: %v, into the segment: %v", history, into)
	}
	run := history[0]
	if run["msdyn_segmentationstatus"] != 1.0 || run["statecode"] != 1.0 || !strings.Contains(run["segue_clauses"].(string), `"holds":true`) {
		t.Errorf("the run is %v", run)
	}
	at := "~/msdyn_salesroutingruns(" + run["msdyn_salesroutingrunid"].(string) + ")"
	for _, request := range []string{"DELETE " + at, "PATCH " + at + "\n\n" + `{"msdyn_name":"x"}`, "POST ~/msdyn_salesroutingruns\n\n" + `{"msdyn_name":"x"}`} {
		if a := w.send(request); a.status < 400 {
			t.Errorf("%s: %v", request, a)
		}
	}
	var explained struct {
		Then struct {
			RunID   string `json:"RunId"`
			Clauses []struct{ Holds bool }
		}
	}
	w.send("GET ~/leads("+lead+")/Microsoft.Dynamics.CRM.Explain()").value(t, &explained)
	if explained.Then.RunID != run["msdyn_salesroutingrunid"] || len(explained.Then.Clauses) < 2 {
		t.Errorf("explained: %+v", explained)
	}
	if a := w.send("DELETE ~/leads(" + lead + ")"); a.status != http.StatusNoContent {
		t.Fatal(a)
	}
	w.react()
	if a := w.send("GET " + at); a.status != http.StatusNotFound {
		t.Errorf("the run of a deleted lead: %v", a)
	}
}
