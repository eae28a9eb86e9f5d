package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
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

		{"GET ~/RetrieveCurrentOrganization", 400, `"code":"0x80040203","message":"the parameter 'AccessType' is required"`},
		{"GET ~/RetrieveCurrentOrganization(AccessType='Nowhere')", 400, `"code":"0x80040203"`},
		{"GET ~/RetrieveCurrentOrganization(Access='Default')", 400, `"code":"0x80040203","message":"there is no parameter 'Access' of RetrieveCurrentOrganization"`},
		{"GET ~/WhoAmI(x=1)", 400, `"code":"0x80040203","message":"there is no parameter 'x' of WhoAmI"`},
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
