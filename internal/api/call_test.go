package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"segue/internal/filter"
	"segue/internal/schema"
	"segue/internal/store"
)

// TestCalls_webapi_11: functions and actions are called as clients call them, and what
// is called wrongly is refused with the codes of the contract.
func TestCalls_webapi_11(t *testing.T) {
	w := newWorld(t)
	const currentOrganization = "Microsoft.Dynamics.CRM.RetrieveCurrentOrganizationResponse"
	for _, test := range []struct {
		request string
		status  int
		want    string // in the body
	}{
		{"GET ~/WhoAmI", 200, "#Microsoft.Dynamics.CRM.WhoAmIResponse"},
		{"GET ~/WhoAmI()", 200, "#Microsoft.Dynamics.CRM.WhoAmIResponse"},
		{"GET ~/WhoAmI?", 200, "#Microsoft.Dynamics.CRM.WhoAmIResponse"},
		{"GET ~/WhoAmI()?tag=my%20tag", 200, "#Microsoft.Dynamics.CRM.WhoAmIResponse"},
		{"HEAD ~/WhoAmI", 200, ""},
		{"GET ~/RetrieveVersion()", 200, `"Version":"9.2.`},
		{"GET ~/RetrieveCurrentOrganization(AccessType=Microsoft.Dynamics.CRM.EndpointAccessType'Default')", 200, currentOrganization},
		{"GET ~/RetrieveCurrentOrganization(AccessType=@p1)?@p1=Microsoft.Dynamics.CRM.EndpointAccessType'Default'", 200, currentOrganization},
		{"GET ~/RetrieveCurrentOrganization(AccessType=@p1)?%40p1=Microsoft.Dynamics.CRM.EndpointAccessType%27Internet%27", 200, `"Values":["http://segue.test/","http://segue.test/api/data/v9.2/"]`},

		{"GET ~/systemusers(" + userID + ")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p1)?@p1={%22@odata.id%22:%22leads(" + leadID + ")%22}", 200,
			`"AccessRights":"ReadAccess,CreateAccess,WriteAccess,DeleteAccess,AppendAccess,AppendToAccess,AssignAccess"`},
		{"GET ~/systemusers(" + userID + ")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p1)?@p1={%22@odata.id%22:%22msdyn_segments(" + segmentID + ")%22}\nAs: Salesperson", 200,
			`"AccessRights":"ReadAccess"`},
		{"GET ~/systemusers(" + userID + ")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p1)?@p1={%22@odata.id%22:%22leads(" + leadID + ")%22}\nAs: no role", 200,
			`"AccessRights":"None"`},
		{"GET ~/systemusers(" + userID + ")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p1)?@p1={%22@odata.id%22:%22leads(" + visitID + ")%22}", 404, `0x80040217`},
		{"GET ~/systemusers(" + visitID + ")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@p1)?@p1={%22@odata.id%22:%22leads(" + leadID + ")%22}", 400, `ask for yourself`},
		{"GET ~/systemusers(" + userID + ")/RetrievePrincipalAccess(Target=@p1)?@p1={}", 400, `Request message has unresolved parameters`},
		{"GET ~/systemusers(" + userID + ")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess", 400, `"code":"0x80040203"`},
		{"POST ~/systemusers(" + userID + ")/Microsoft.Dynamics.CRM.RetrievePrincipalAccess\n\n{}", 405, `"code":"0x80040315"`},

		{"GET ~/RetrieveCurrentOrganization", 400, `"code":"0x80040203","message":"the parameter 'AccessType' is required"`},
		{"GET ~/RetrieveCurrentOrganization(AccessType='Nowhere')", 400, `"code":"0x80040203"`},
		{"GET ~/RetrieveCurrentOrganization(Access='Default')", 400, `"code":"0x80040203","message":"RetrieveCurrentOrganization has no parameter 'Access'"`},
		{"GET ~/WhoAmI(x=1)", 400, `"code":"0x80040203","message":"WhoAmI has no parameter 'x'"`},
		{"GET ~/whoami", 404, `"code":"0x80060888","message":"Resource not found for the segment 'whoami'."`},
		{"GET ~/WhoIsIt()", 404, `"code":"0x80060888"`},
		{"GET ~/WhoAmI/UserId", 404, `"code":"0x80060888"`},
		{"GET ~/Microsoft.Dynamics.CRM.WhoAmI", 404, `"code":"0x80060888"`},
		{"POST ~/msdyn_Connectsequence\n\n{}", 404, `"code":"0x80060888"`},
		{"POST ~/WhoAmI\n\n{}", 405, `"code":"0x80040315"`},
		{"GET ~/msdyn_ConnectSequence", 405, `"code":"0x80040315"`},
		{"POST ~/msdyn_ConnectSequence(SequenceId='x')\n\n{}", 400, `"code":"0x80060888","message":"the arguments of the action`},
		{"POST ~/leads(" + leadID + ")/Microsoft.Dynamics.CRM.Nothing\n\n{}", 404, `"code":"0x80060888","message":"Resource not found for the segment 'Microsoft.Dynamics.CRM.Nothing'."`},
		{"POST ~/leads/Microsoft.Dynamics.CRM.Nothing\n\n{}", 404, `"code":"0x80060888"`},
		{"POST ~/queues(" + leadID + ")/Microsoft.Dynamics.CRM.AddToQueue\n\n{}", 404, `"code":"0x80060888","message":"Resource not found for the segment 'queues'."`},
	} {
		if a := w.send(test.request); a.status != test.status || !strings.Contains(a.body, test.want) {
			t.Errorf("%s: %v, want %d with %s", test.request, a, test.status, test.want)
		}
	}
	if a := w.expect(http.StatusUnauthorized, "GET ~/WhoAmI\nAs: nobody"); a.code() != "0x80044302" {
		t.Errorf("without a token: %v", a)
	}
}

// TestQualifyLead_webapi_11: a lead is qualified as Microsoft's samples do it, and the
// opportunity that it makes is won.
func TestQualifyLead_webapi_11(t *testing.T) {
	w := newWorld(t)
	w.expect(http.StatusNoContent, "PATCH ~/accounts("+accountID+")\n\n"+`{"name":"Kern AG"}`)
	const on = "~/leads(" + leadID + ")/"
	const body = `{"CreateAccount":false,"CreateContact":true,"CreateOpportunity":true,"Status":3,` +
		`"OpportunityCustomerId":{"accountid":"` + accountID + `","@odata.type":"Microsoft.Dynamics.CRM.account"}}`
	for request, want := range map[string]string{
		"POST " + on + "QualifyLead\n\n" + body:                                                       "400 0x80060888",
		"GET " + on + "Microsoft.Dynamics.CRM.QualifyLead":                                            "405 0x80040315",
		"POST ~/leads/Microsoft.Dynamics.CRM.QualifyLead\n\n" + body:                                  "404 0x80060888",
		"POST ~/accounts(" + accountID + ")/Microsoft.Dynamics.CRM.QualifyLead\n\n" + body:            "404 0x80060888",
		"POST ~/QualifyLead\n\n" + body:                                                               "404 0x80060888",
		"POST " + on + "Microsoft.Dynamics.CRM.QualifyLead\n\n{}":                                     "400 0x80040203",
		"POST " + on + "Microsoft.Dynamics.CRM.QualifyLead\n\n" + `{"Status":"3"}`:                    "400 0x80040203",
		"POST " + on + "Microsoft.Dynamics.CRM.QualifyLead\n\n" + `{"Status":3,"CreateAcount":true}`:  "400 0x80040203",
		"POST " + on + "Microsoft.Dynamics.CRM.QualifyLead\n\n" + `{"Status":4}`:                      "400 0x80040203",
		"POST ~/leads(" + visitID + ")/Microsoft.Dynamics.CRM.QualifyLead\n\n" + `{"Status":3}`:       "404 0x80040217",
		"POST " + on + "Microsoft.Dynamics.CRM.QualifyLead\nAs: no role\n\n" + `{"Status":3}`:         "403 0x80040220",
		"POST ~/WinOpportunity\n\n" + `{"Status":3,"OpportunityClose":{"subject":"x","subjekt":"y"}}`: "400 0x80048d19",
		"POST ~/WinOpportunity\n\n" + `{"Status":3,"OpportunityClose":{"subject":"x"}}`:               "400 0x80040203",
		"POST ~/WinOpportunity\n\n" + `{"Status":3}`:                                                  "400 0x80040203",
	} {
		if a := w.send(request); fmt.Sprint(a.status, " ", a.code()) != want {
			t.Errorf("%s: %v, want %s", request, a, want)
		}
	}
	var made struct {
		Context string `json:"@odata.context"`
		Value   []map[string]string
	}
	w.expect(http.StatusOK, "POST "+on+"Microsoft.Dynamics.CRM.QualifyLead\n\n"+body).value(t, &made)
	if len(made.Value) != 2 || made.Value[0]["@odata.type"] != "#Microsoft.Dynamics.CRM.contact" || made.Value[1]["@odata.type"] != "#Microsoft.Dynamics.CRM.opportunity" {
		t.Fatalf("made %+v", made)
	}
	opportunity := made.Value[1]["opportunityid"]
	var row struct {
		Customer string `json:"_customerid_value"`
		Lead     string `json:"_originatingleadid_value"`
		State    int    `json:"statecode"`
	}
	w.expect(http.StatusOK, "GET ~/opportunities("+opportunity+")?$select=_customerid_value,_originatingleadid_value,statecode").value(t, &row)
	if row.Customer != accountID || row.Lead != leadID || row.State != 0 {
		t.Errorf("the opportunity is %+v", row)
	}
	won := `{"Status":3,"OpportunityClose":{"subject":"Won Opportunity","opportunityid@odata.bind":"http://segue.test/api/data/v9.2/opportunities(` + opportunity + `)"}}`
	if a := w.expect(http.StatusNoContent, "POST ~/WinOpportunity\n\n"+won); a.body != "" {
		t.Errorf("won with %s", a.body)
	}
	w.expect(http.StatusOK, "GET ~/opportunities("+opportunity+")?$select=statecode").value(t, &row)
	if row.State != 1 {
		t.Errorf("the opportunity is in state %d", row.State)
	}
	if a := w.expect(http.StatusBadRequest, "POST ~/LoseOpportunity\n\n"+won); a.code() != "0x80040265" {
		t.Errorf("lost after it was won: %v", a)
	}
}

// TestMe: a program learns who its user is and what the roles permit, table by table.
func TestMe(t *testing.T) {
	w := newWorld(t)
	type me struct {
		UserID     string `json:"UserId"`
		FullName   string
		UnitID     string `json:"BusinessUnitId"`
		Roles      []string
		TimeZone   string
		Locale     string
		Privileges []struct {
			Table                                                 string
			Create, Read, Write, Delete, Append, AppendTo, Assign *string
		}
		RecordTypes, Features []string
	}
	level := func(m me, table, privilege string) string {
		for _, p := range m.Privileges {
			if p.Table != table {
				continue
			}
			v := map[string]*string{"Create": p.Create, "Read": p.Read, "Write": p.Write, "Delete": p.Delete, "Assign": p.Assign}[privilege]
			if v == nil {
				return ""
			}
			return *v
		}
		return "no such table"
	}
	var manager, seller, nobody me
	w.expect(http.StatusOK, "GET ~/segue_Me()").value(t, &manager)
	w.expect(http.StatusOK, "GET ~/segue_Me\nAs: Salesperson").value(t, &seller)
	w.expect(http.StatusOK, "GET ~/segue_Me()\nAs: no role").value(t, &nobody)
	if manager.UserID != userID || manager.FullName != "Test User" || len(manager.UnitID) != 36 || !slices.Equal(manager.Roles, []string{"Sales Manager"}) ||
		manager.TimeZone != "UTC" || manager.Locale != "en-US" || !slices.Contains(manager.RecordTypes, "lead") || slices.Contains(manager.RecordTypes, "task") ||
		!slices.Contains(manager.Features, "QualifyLead") {
		t.Errorf("%+v", manager)
	}
	w.expect(http.StatusNoContent, "PATCH ~/organizations("+string(w.parts.Principals.Organization().ID)+")\nAs: System Administrator\n\n{\"segue_timezone\":\"Asia/Kathmandu\"}")
	var later me
	if w.expect(http.StatusOK, "GET ~/segue_Me()").value(t, &later); later.TimeZone != "Asia/Kathmandu" {
		t.Errorf("the zone is %q", later.TimeZone)
	}
	for _, test := range []struct {
		m                      me
		table, privilege, want string
	}{
		{manager, "lead", "Write", "Global"},
		{manager, "msdyn_segment", "Assign", ""},
		{manager, "systemuser", "Write", ""},
		{seller, "lead", "Write", "Basic"},
		{seller, "lead", "Read", "Global"},
		{seller, "msdyn_segment", "Create", ""},
		{nobody, "lead", "Read", ""},
		{manager, "segue_ledger", "Read", "no such table"},
	} {
		if got := level(test.m, test.table, test.privilege); got != test.want {
			t.Errorf("%v: %s of %s is %q, want %q", test.m.Roles, test.privilege, test.table, got, test.want)
		}
	}
}

// TestOperators: a builder of conditions learns which operators a column of each type
// has, and none that is listed is refused as unknown.
func TestOperators(t *testing.T) {
	w := newWorld(t)
	type operator struct {
		Operator, Label, Values string
		LeastValues, MostValues int
		HoldsForNull            bool
	}
	var all struct {
		Types []struct {
			ColumnType, AttributeType string
			Operators                 []operator
		}
		Hierarchical []operator
	}
	w.expect(http.StatusOK, "GET ~/segue_Operators()").value(t, &all)
	if len(all.Types) != len(schema.Types()) {
		t.Errorf("%d types, want %d", len(all.Types), len(schema.Types()))
	}
	var hierarchical []filter.Operator
	for _, o := range all.Hierarchical {
		hierarchical = append(hierarchical, filter.Operator(o.Operator))
		if o.HoldsForNull != (o.Operator == "not-under") || o.LeastValues != 1 || o.MostValues != 1 || o.Label == "" {
			t.Errorf("%+v", o)
		}
	}
	if !slices.Equal(hierarchical, filter.Hierarchical()) {
		t.Errorf("operators of hierarchies: %v", hierarchical)
	}
	for _, typ := range all.Types {
		var got []filter.Operator
		for _, o := range typ.Operators {
			got = append(got, filter.Operator(o.Operator))
			if o.Label == "" || o.MostValues < o.LeastValues {
				t.Errorf("%s: %+v", typ.ColumnType, o)
			}
			if o.Operator == "ne" && !o.HoldsForNull || o.Operator == "eq" && o.HoldsForNull || o.Operator == "between" && o.LeastValues != 2 {
				t.Errorf("%s: %+v", typ.ColumnType, o)
			}
		}
		if want := filter.Operators(schema.Type(typ.ColumnType)); !slices.Equal(got, want) || typ.AttributeType == "" {
			t.Errorf("%s (%s): %v, want %v", typ.ColumnType, typ.AttributeType, got, want)
		}
	}
}

// TestHealth_13_9: whoever may see jobs is told how changes are followed, and how much of
// the limits is used.
func TestHealth_13_9(t *testing.T) {
	w := newWorld(t)
	followed := w.parts.Health.Batches(func(context.Context, []store.Change) []store.Failure { return nil }, w.parts.Reactions.Follows)
	var changes []store.Change
	for range 900 {
		changes = append(changes, store.Change{Kind: store.Insert, Key: store.Key{PK: "lead#1", SK: "1"}, At: w.now.Now().Add(-2 * time.Second)})
	}
	followed(t.Context(), changes)
	w.now.Advance(time.Minute)
	var health struct {
		SpanSeconds int
		Lanes       []struct {
			Name                             string
			Done                             int
			PerSecond, OldestSeconds         float64
			P50Milliseconds, P99Milliseconds *int
			Waiting                          bool
		}
		Parked     int
		ParkedMore bool
		Limits     []struct {
			Name        string
			Used, Limit int
		}
	}
	w.probe.Reset()
	w.expect(http.StatusOK, "GET ~/segue_Health()").value(t, &health)
	// Two ledgers, and the row of the organization, which sets one of the limits.
	if n := w.probe.Counts(); n.Queries != 4*schema.Shards || n.Gets != 3 || n.Ops > 0 {
		t.Errorf("it asks the store %+v", n)
	}
	if len(health.Lanes) != 3 || health.SpanSeconds != 900 || len(health.Limits) != 2 || health.Parked != 0 || health.ParkedMore {
		t.Fatalf("%+v", health)
	}
	lane, idle := health.Lanes[0], health.Lanes[1]
	if lane.Name != "Changes" || lane.Done != 900 || lane.PerSecond != 1 || *lane.P50Milliseconds != 2000 || *lane.P99Milliseconds != 2000 || lane.OldestSeconds != 2 || lane.Waiting {
		t.Errorf("changes: %+v", lane)
	}
	if idle.Name != "Timers" || idle.Done != 0 || idle.P50Milliseconds != nil || idle.OldestSeconds != 0 || !idle.Waiting {
		t.Errorf("timers: %+v", idle)
	}
	if use := health.Limits[0]; use.Name != "ActiveSequences" || use.Used != 1 || use.Limit != 250 {
		t.Errorf("limits: %+v", health.Limits)
	}
	if a := w.send("GET ~/segue_Health\nAs: Salesperson"); a.status != http.StatusForbidden || a.code() != "0x80040220" || !strings.Contains(a.body, "prvReadsegue_job") {
		t.Errorf("a salesperson: %v", a)
	}
}

// docs/domain.md §6.6: what a program needs to offer the shipped sequences.
func TestCall_13_9_SequenceTemplates(t *testing.T) {
	w := newWorld(t)
	var all struct {
		Templates []struct {
			ID, Name, Description, RecordType, Definition string
			Steps, Days                                   int
		}
	}
	w.expect(http.StatusOK, "GET ~/segue_SequenceTemplates()").value(t, &all)
	if len(all.Templates) != 6 {
		t.Fatalf("%d templates", len(all.Templates))
	}
	for _, template := range all.Templates {
		var steps []any
		if err := json.Unmarshal([]byte(template.Definition), &steps); err != nil || len(steps) == 0 {
			t.Errorf("%s: %d steps, %v", template.ID, len(steps), err)
		}
		if template.Name == "" || template.Description == "" || template.RecordType == "" || template.Steps < 6 || template.Days < 5 {
			t.Errorf("%+v", template)
		}
	}
}
