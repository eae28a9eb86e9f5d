package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/sales"
)

const thiefID = "05e40000-0000-4000-8000-00000000000a"

// thief sends requests of a salesperson to whom no row of the fixture belongs.
func (w *world) thief() func(request string) answer {
	w.t.Helper()
	token, err := w.issuer.Issue(thiefID, "Th Ief", []string{sales.Salesperson}, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	send := func(request string) answer {
		head, body, _ := strings.Cut(request, "\n\n")
		return w.send(head + "\nAuthorization: Bearer " + token + "\n\n" + body)
	}
	if a := send("GET ~/WhoAmI"); a.status != http.StatusOK {
		w.t.Fatal(a)
	}
	return send
}

// TestRights_webapi_8_Escalation tries every way on the wire by which a salesperson
// could come by rows of others, or by rights.
func TestRights_webapi_8_Escalation(t *testing.T) {
	w := newWorld(t)
	target := w.connected()
	var steps struct {
		Value []struct {
			ID string `json:"msdyn_sequencetargetstepid"`
		}
	}
	w.expect(http.StatusOK, "GET ~/msdyn_sequencetargetsteps?$select=msdyn_name&$filter=_msdyn_sequencetarget_value%20eq%20"+target).value(t, &steps)
	step := steps.Value[0].ID
	w.expect(http.StatusNoContent, "POST ~/teams\nAs: System Administrator\n\n"+`{"teamid":"7ea00000-0000-4000-8000-000000000001","name":"The others"}`)
	me := `"ownerid@odata.bind":"/systemusers(` + thiefID + `)"`
	you := `"ownerid@odata.bind":"/systemusers(` + userID + `)"`
	const team = `"ownerid@odata.bind":"/teams(7ea00000-0000-4000-8000-000000000001)"`
	root := `"owningbusinessunit@odata.bind":"/businessunits(412b296b-a3a6-56dd-b350-5d84dd092e22)"`
	record := `"RegardingEntityId":"` + leadID + `","RegardingEntityName":"lead"`
	thief := w.thief()
	const forbidden, invalid, notAllowed = http.StatusForbidden, http.StatusBadRequest, http.StatusMethodNotAllowed
	for _, test := range []struct {
		name, request, body string
		status              int
	}{
		{"rename a lead", "PATCH ~/leads(" + leadID + ")", `{"subject":"Mine"}`, forbidden},
		{"take a lead", "PATCH ~/leads(" + leadID + ")", `{` + me + `}`, forbidden},
		{"take and rename a lead", "PATCH ~/leads(" + leadID + ")", `{"subject":"Mine",` + me + `}`, forbidden},
		{"take a lead by its navigation property of users", "PATCH ~/leads(" + leadID + ")", `{"ownerid_systemuser@odata.bind":"/systemusers(` + thiefID + `)"}`, invalid},
		{"take a lead by the owning user", "PATCH ~/leads(" + leadID + ")", `{"owninguser@odata.bind":"/systemusers(` + thiefID + `)"}`, forbidden},
		{"take a lead and look whether it is as it was", "PATCH ~/leads(" + leadID + ")\nIf-Match: *", `{` + me + `}`, forbidden},
		{"take a lead as if it were new", "PATCH ~/leads(" + leadID + ")\nIf-None-Match: *", `{"subject":"Mine",` + me + `}`, forbidden},
		{"put a lead", "PUT ~/leads(" + leadID + ")", `{"subject":"Mine"}`, notAllowed},
		{"put one property", "PUT ~/leads(" + leadID + ")/subject", `{"value":"Mine"}`, forbidden},
		{"delete one property", "DELETE ~/leads(" + leadID + ")/subject", "", forbidden},
		{"put the owner's reference", "PUT ~/leads(" + leadID + ")/ownerid/$ref", `{"@odata.id":"/systemusers(` + thiefID + `)"}`, forbidden},
		{"delete the owner's reference", "DELETE ~/leads(" + leadID + ")/ownerid/$ref", "", forbidden},
		{"put a lead under another account", "POST ~/accounts(" + accountID + ")/lead_parent_account/$ref", `{"@odata.id":"leads(` + leadID + `)"}`, forbidden},
		{"take a lead in a batch", "POST ~/$batch\nContent-Type: multipart/mixed;boundary=B", set("PATCH leads("+leadID+")\n\n"+`{`+me+`}`) + "--B--", forbidden},
		{"close a lead", "PATCH ~/leads(" + leadID + ")", `{"statecode":2}`, forbidden},
		{"delete a lead", "DELETE ~/leads(" + leadID + ")", "", forbidden},
		{"point a lead elsewhere", "PATCH ~/leads(" + leadID + ")", `{"parentaccountid@odata.bind":"/accounts(` + accountID + `)"}`, forbidden},
		{"change nothing in a lead", "PATCH ~/leads(" + leadID + ")", `{}`, forbidden},
		{"make a lead for somebody else", "POST ~/leads", `{"subject":"A","lastname":"B",` + you + `}`, forbidden},
		{"make a lead for a team", "POST ~/leads", `{"subject":"A","lastname":"B",` + team + `}`, forbidden},
		{"make a lead for somebody else by PATCH", "PATCH ~/leads(1ead0000-0000-4000-8000-0000000000aa)", `{"subject":"A","lastname":"B",` + you + `}`, forbidden},
		{"make a lead in a unit", "POST ~/leads", `{"subject":"A","lastname":"B",` + root + `}`, invalid},
		{"make a lead that others made", "POST ~/leads", `{"subject":"A","createdby@odata.bind":"/systemusers(` + userID + `)"}`, invalid},
		{"take a sequence", "PATCH ~/msdyn_sequences(" + sequenceID + ")", `{` + me + `}`, forbidden},
		{"deactivate a sequence", "PATCH ~/msdyn_sequences(" + sequenceID + ")", `{"statecode":0}`, forbidden},
		{"delete a sequence", "DELETE ~/msdyn_sequences(" + sequenceID + ")", "", forbidden},
		{"attach a sequence to a segment", "PATCH ~/msdyn_segments(" + segmentID + ")", `{"msdyn_sequence@odata.bind":"/msdyn_sequences(` + sequenceID + `)"}`, forbidden},
		{"complete a step", "PATCH ~/msdyn_sequencetargetsteps(" + step + ")", `{"statuscode":2}`, forbidden},
		{"take a step", "PATCH ~/msdyn_sequencetargetsteps(" + step + ")", `{` + me + `}`, forbidden},
		{"take the steps after it", "PATCH ~/msdyn_sequencetargetsteps(" + step + ")", `{"segue_owner@odata.bind":"/systemusers(` + thiefID + `)"}`, invalid},
		{"take a target", "PATCH ~/msdyn_sequencetargets(" + target + ")", `{` + me + `}`, forbidden},
		{"connect a lead", "POST ~/msdyn_ConnectSequence", `{"SequenceId":"` + sequenceID + `",` + record + `}`, forbidden},
		{"disconnect a lead", "POST ~/msdyn_DisconnectSequence", `{` + record + `}`, forbidden},
		{"disconnect by the target", "POST ~/msdyn_DisconnectSequence", `{"SequenceTargetId":"` + target + `",` + record + `}`, forbidden},
		{"join a team", "POST ~/teammemberships", `{"systemuserid":"` + thiefID + `","teamid":"7ea00000-0000-4000-8000-000000000001"}`, forbidden},
		{"make a team", "POST ~/teams", `{"name":"We"}`, forbidden},
		{"move to another unit", "PATCH ~/systemusers(" + thiefID + ")", `{"businessunitid@odata.bind":"/businessunits(412b296b-a3a6-56dd-b350-5d84dd092e22)"}`, forbidden},
		{"disable somebody", "PATCH ~/systemusers(" + userID + ")", `{"isdisabled":true}`, forbidden},
		{"delete somebody", "DELETE ~/systemusers(" + userID + ")", "", forbidden},
		{"make a unit", "POST ~/businessunits", `{"name":"Mine"}`, forbidden},
		{"rename the organization", "PATCH ~/organizations(2fa75677-ab1d-54f5-aed4-9f154bc146c1)", `{"name":"Mine"}`, forbidden},
		{"act as somebody", "PATCH ~/leads(" + leadID + ")\nMSCRMCallerID: " + userID, `{"subject":"Mine"}`, forbidden},
		{"read what is parked", "GET ~/segue_parkedchanges", "", forbidden},
		{"read jobs", "GET ~/segue_jobs", "", forbidden},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := w.dump()
			a := thief(test.request + "\n\n" + test.body)
			if a.status != test.status {
				t.Errorf("status %d, want %d: %s", a.status, test.status, a.body)
			}
			if diff := cmp.Diff(before, w.dump()); diff != "" {
				t.Errorf("the store changed:\n%s", diff)
			}
		})
	}
	t.Run("in a selection", func(t *testing.T) {
		before := w.dump()
		for path, sequence := range map[string]string{"/api/connect": sequenceID, "/api/disconnect": ""} {
			body := `{"SequenceId":"` + sequence + `","Records":[{"EntityName":"lead","Id":"` + leadID + `"},{"EntityName":"lead","Id":"` + hotLeadID + `"}],"SkipConnected":true}`
			var answer struct {
				Results []struct {
					Status string
					Error  struct{ Code string }
				}
			}
			thief("POST "+path+"\n\n"+body).value(t, &answer)
			for _, result := range answer.Results {
				if result.Status != "failed" || result.Error.Code != "0x80040220" {
					t.Errorf("%s: %+v", path, result)
				}
			}
			if len(answer.Results) != 2 {
				t.Errorf("%s: %d results", path, len(answer.Results))
			}
		}
		if diff := cmp.Diff(before, w.dump()); diff != "" {
			t.Errorf("the store changed:\n%s", diff)
		}
	})
}

// What a salesperson may do on the wire: own rows, others to look at and to point at.
func TestRights_webapi_8_OwnRows(t *testing.T) {
	w := newWorld(t)
	thief := w.thief()
	const mine = "1ead0000-0000-4000-8000-0000000000aa"
	for _, request := range []string{
		"POST ~/leads\n\n" + `{"leadid":"` + mine + `","subject":"A","lastname":"B","ownerid":null,"parentaccountid@odata.bind":"/accounts(` + accountID + `)"}`,
		"PATCH ~/leads(" + mine + ")\n\n" + `{"subject":"C"}`,
		"GET ~/leads(" + leadID + ")",
		"GET ~/msdyn_sequences",
		"POST ~/msdyn_ConnectSequence\n\n" + `{"SequenceId":"` + sequenceID + `","RegardingEntityId":"` + mine + `","RegardingEntityName":"lead"}`,
		"POST ~/msdyn_DisconnectSequence\n\n" + `{"RegardingEntityId":"` + mine + `","RegardingEntityName":"lead"}`,
		"POST ~/tasks\n\n" + `{"subject":"Ask about it","regardingobjectid_lead_task@odata.bind":"/leads(` + leadID + `)"}`,
		"PATCH ~/leads(" + mine + ")\n\n" + `{"subject":"Yours","ownerid@odata.bind":"/systemusers(` + userID + `)"}`,
	} {
		if a := thief(request); a.status >= http.StatusBadRequest {
			t.Errorf("%s\n%v", request, a)
		}
	}
	a := thief("DELETE ~/leads(" + mine + ")")
	if a.status != http.StatusForbidden || !strings.Contains(a.body, "prvDeletelead at level business unit") {
		t.Errorf("what was given away is deleted: %v", a)
	}
}
