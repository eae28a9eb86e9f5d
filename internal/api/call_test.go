package api_test

import (
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
