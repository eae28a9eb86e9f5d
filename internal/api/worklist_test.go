package api_test

import (
	"net/http"
	"strings"
	"testing"
)

// docs/domain.md §15 on the wire: the list of the caller and of others, and what is refused.
func TestCall_15_WorkList(t *testing.T) {
	w := newWorld(t)
	w.expect(http.StatusNoContent, "POST ~/msdyn_ConnectSequence\n\n"+`{"SequenceId":"`+sequenceID+`","RegardingEntityId":"`+leadID+`","RegardingEntityName":"lead"}`)
	var list struct {
		Items []struct {
			RecordType, RecordID, RecordSet, RecordName, SequenceID, SequenceName, StepName, Group, OwnerID string
			Type, StepsDone, Steps                                                                          int
			Score                                                                                           *int
		}
		Groups []struct {
			Group string
			Count int
		}
		TimeZone string
		More     bool
		Next     *string
	}
	w.expect(http.StatusOK, "GET ~/segue_WorkList()").value(t, &list)
	if len(list.Items) != 1 || len(list.Groups) != 3 || list.TimeZone != "UTC" || list.More || list.Next != nil {
		t.Fatalf("%+v", list)
	}
	item := list.Items[0]
	if item.RecordType != "lead" || item.RecordSet != "leads" || item.RecordID != leadID || item.SequenceID != sequenceID || item.Group != "Today" || item.Steps == 0 || item.OwnerID != userID {
		t.Errorf("%+v", item)
	}
	// Marks are set one by one, and filtered by.
	w.expect(http.StatusNoContent, "POST ~/leads("+leadID+")/Microsoft.Dynamics.CRM.Mark\n\n"+`{"Read":true}`)
	w.expect(http.StatusNoContent, "POST ~/leads("+leadID+")/Microsoft.Dynamics.CRM.Mark\n\n"+`{"Followed":true}`)
	owner := `Owner=@o)?@o={%22@odata.id%22:%22systemusers(` + userID + `)%22}`
	for _, test := range []struct {
		request string
		status  int
		want    string
	}{
		{"GET ~/segue_WorkList(Filter='Today',RecordTypes=[%22lead%22],ActivityTypes=[4202,4210,4212],Sort='Name',Reverse=true,Grouped=true,Top=1)", 200, leadID},
		{"GET ~/segue_WorkList(Filter='Overdue,FromTomorrow')", 200, `"Items":[]`},
		{"GET ~/segue_WorkList(" + owner, 200, leadID},
		{"GET ~/segue_WorkList(Filter='Followed,Today')", 200, `"Read":true,"Followed":true`},
		{"GET ~/segue_WorkList(Filter='Unopened')", 200, `"Items":[]`},
		{"POST ~/leads(" + leadID + ")/Microsoft.Dynamics.CRM.Mark\n\n{}", 400, "Read and Followed are both missing"},
		{"POST ~/msdyn_sequences(" + sequenceID + ")/Microsoft.Dynamics.CRM.Mark\n\n" + `{"Read":true}`, 400, "cannot be connected"},
		{"GET ~/segue_WorkList(Filter='Tomorrow')", 400, "one of Unopened, Followed, Overdue, Today, FromTomorrow"},
		{"GET ~/segue_WorkList(Sort='Colour')", 400, "'Sort' must be one of Score"},
		{"GET ~/segue_WorkList(Top=0)", 400, "Top is 0; it takes 1 to 250"},
		{"GET ~/segue_WorkList(RecordTypes=[%22task%22])", 400, "RecordTypes has"},
		{"GET ~/segue_WorkList(ActivityTypes=[2])", 400, "ActivityTypes has 2"},
		{"GET ~/segue_WorkList(Token='x')", 400, "Token"},
		{"GET ~/segue_WorkList(Owner=@o)?@o={%22@odata.id%22:%22leads(" + leadID + ")%22}", 400, "Owner"},
		{"GET ~/segue_WorkList()\nAs: no role", 403, "prvReadmsdyn_sequencetargetstep"},
	} {
		if a := w.send(test.request); a.status != test.status || !strings.Contains(a.body, test.want) {
			t.Errorf("%s: %v", test.request, a)
		}
	}
}
