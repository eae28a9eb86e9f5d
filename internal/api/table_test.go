package api_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
)

// Ids of the rows of the tables in testdata/visit.
const (
	accountID      = "acc00000-0000-4000-8000-000000000001"
	otherAccountID = "acc00000-0000-4000-8000-000000000002"
	visitID        = "71517000-0000-4000-8000-000000000001"
	laterVisitID   = "71517000-0000-4000-8000-000000000002"
)

// newVisitWorld is a world with the tables of testdata/visit beside the
// product's: visit, which is a record with an index, a lookup and states of its
// own, and inspection, an activity. Nothing in Go knows them.
func newVisitWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, os.DirFS("testdata/visit"))
	for id, name := range map[string]string{accountID: "Kern AG", otherAccountID: "Lauber & Co"} {
		w.expect(http.StatusNoContent, "PATCH ~/accounts("+id+")\n\n"+`{"name":"`+name+`"}`)
	}
	return w
}

// visit makes a visit to the account.
func (w *world) visit(id, topic, day string) {
	w.t.Helper()
	w.expect(http.StatusNoContent, "POST ~/visits\n\n"+
		`{"visitid":"`+id+`","topic":"`+topic+`","day":"`+day+`","accountid@odata.bind":"/accounts(`+accountID+`)"}`)
}

// expect sends a request that is to have a status.
func (w *world) expect(status int, request string) answer {
	w.t.Helper()
	a := w.send(request)
	if a.status != status {
		w.t.Fatalf("%s\n\ngot %v\nwant status %d", request, a, status)
	}
	return a
}

// list reads one column of a list, and which partitions of which index that
// took, each once and without its shard ("" for the table's own list).
func (w *world) list(request, column string) (values, partitions []string) {
	w.t.Helper()
	w.probe.Reset()
	var page struct{ Value []map[string]any }
	w.expect(http.StatusOK, request).value(w.t, &page)
	for _, row := range page.Value {
		values = append(values, fmt.Sprint(row[column]))
	}
	for _, call := range w.probe.Calls() {
		if call.Method == probe.Query {
			partitions = append(partitions, call.Query.Index+" "+call.Query.Partition)
		}
	}
	return values, partitions
}

// TestNewTable_Rows: a table that is added as a file has rows that are created
// with a lookup, changed, closed, read and deleted.
func TestNewTable_Rows(t *testing.T) {
	w := newVisitWorld(t)
	w.visit(visitID, "Roof", "2026-03-02")
	const row = " ~/visits(" + visitID + ")"
	const annotated = "?$select=topic,day,kind,statecode,statuscode,_accountid_value\nPrefer: odata.include-annotations=\"*\""
	read := func() map[string]any {
		t.Helper()
		var got map[string]any
		w.expect(http.StatusOK, "GET"+row+annotated).value(t, &got)
		for name := range got {
			if strings.HasPrefix(name, "@") {
				delete(got, name)
			}
		}
		return got
	}
	const formatted = "@OData.Community.Display.V1.FormattedValue"
	const lookup = "_accountid_value@Microsoft.Dynamics.CRM."
	want := map[string]any{
		"visitid": visitID, "topic": "Roof", "day": "2026-03-02", "day" + formatted: "3/2/2026",
		"kind": 1.0, "kind" + formatted: "First",
		"statecode": 0.0, "statecode" + formatted: "Planned", "statuscode": 1.0, "statuscode" + formatted: "Proposed",
		"_accountid_value": accountID, "_accountid_value" + formatted: "Kern AG",
		lookup + "lookuplogicalname": "account", lookup + "associatednavigationproperty": "accountid",
	}
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("as created (-want +got):\n%s", diff)
	}
	w.expect(http.StatusNoContent, "PATCH"+row+"\n\n"+`{"statuscode":2,"kind":2}`)
	want["kind"], want["kind"+formatted] = 2.0, "Repeat"
	want["statuscode"], want["statuscode"+formatted] = 2.0, "Agreed"
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("as changed (-want +got):\n%s", diff)
	}
	w.expect(http.StatusNoContent, "PATCH"+row+"\n\n"+`{"statecode":1}`)
	want["statecode"], want["statecode"+formatted] = 1.0, "Over"
	want["statuscode"], want["statuscode"+formatted] = 3.0, "Made"
	if diff := cmp.Diff(want, read()); diff != "" {
		t.Errorf("as closed (-want +got):\n%s", diff)
	}
	w.expect(http.StatusNoContent, "DELETE"+row)
	w.expect(http.StatusNotFound, "GET"+row)
}

// TestNewTable_Refusals: the file's rules hold, and what is refused changes
// nothing.
func TestNewTable_Refusals(t *testing.T) {
	w := newVisitWorld(t)
	w.visit(visitID, "Roof", "2026-03-02")
	before := w.dump()
	for _, test := range []struct {
		name, method, body string
		names              string // in the refusal
	}{
		{"a lookup at a row of another table", "POST ~/visits", `{"accountid@odata.bind":"/leads(` + leadID + `)"}`, "account"},
		{"a lookup at what is not an id", "POST ~/visits", `{"accountid@odata.bind":"/accounts(none)"}`, "none"},
		{"a lookup by its column", "POST ~/visits", `{"_accountid_value":"` + accountID + `"}`, "accountid"},
		{"a lookup that is not a lookup", "POST ~/visits", `{"topic@odata.bind":"/accounts(` + accountID + `)"}`, "topic"},
		{"an option that the set lacks", "POST ~/visits", `{"kind":3}`, "kind"},
		{"a status of another state", "PATCH ~/visits(" + visitID + ")", `{"statecode":0,"statuscode":3}`, "statuscode"},
		{"a day that is none", "PATCH ~/visits(" + visitID + ")", `{"day":"2026-02-30"}`, "day"},
		{"a column that the table lacks", "PATCH ~/visits(" + visitID + ")", `{"subject":"A"}`, "subject"},
		{"a column of the guard", "PATCH ~/visits(" + visitID + ")", `{"segue_live":"{}"}`, "segue_live"},
	} {
		t.Run(test.name, func(t *testing.T) {
			a := w.send(test.method + "\n\n" + test.body)
			if a.status != http.StatusBadRequest || !strings.Contains(a.body, test.names) {
				t.Errorf("got %v, want a 400 that names %s", a, test.names)
			}
		})
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("a refusal changed the store:\n%s", diff)
	}
}

// TestNewTable_Lists: a list with the equalities of the index reads its one
// partition, in its order; any other list reads the table's.
func TestNewTable_Lists(t *testing.T) {
	w := newVisitWorld(t)
	w.visit(laterVisitID, "Cellar", "2026-04-01")
	w.visit(visitID, "Roof", "2026-03-02")
	w.expect(http.StatusNoContent, "PATCH ~/visits(71517000-0000-4000-8000-000000000003)\n\n"+
		`{"topic":"Elsewhere","accountid@odata.bind":"/accounts(`+otherAccountID+`)"}`)
	const planned = "$filter=_accountid_value eq " + accountID + " and statecode eq 0"
	index := []string{"gsi1 visits#" + accountID}
	var shards []string
	for shard := range 16 {
		shards = append(shards, fmt.Sprintf(" visit#%d", shard))
	}
	for _, test := range []struct {
		name, query        string
		topics, partitions []string
	}{
		{"by the index", planned, []string{"Roof", "Cellar"}, index},
		{"by the index and a filter", planned + " and topic eq 'cellar'", []string{"Cellar"}, index},
		{"without the state", "$filter=_accountid_value eq " + accountID, []string{"Cellar", "Roof"}, shards},
		{"without the account", "$filter=statecode eq 0 and kind eq 2", nil, shards},
	} {
		t.Run(test.name, func(t *testing.T) {
			topics, partitions := w.list("GET ~/visits?$select=topic&"+strings.ReplaceAll(test.query, " ", "%20"), "topic")
			if diff := cmp.Diff(test.topics, topics); diff != "" {
				t.Errorf("topics (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.partitions, partitions); diff != "" {
				t.Errorf("partitions read (-want +got):\n%s", diff)
			}
		})
	}
	w.expect(http.StatusNoContent, "PATCH ~/visits("+visitID+")\n\n"+`{"statecode":1,"statuscode":4}`)
	topics, _ := w.list("GET ~/visits?$select=topic&"+strings.ReplaceAll(planned, " ", "%20"), "topic")
	if diff := cmp.Diff([]string{"Cellar"}, topics); diff != "" {
		t.Errorf("after one visit is cancelled (-want +got):\n%s", diff)
	}
}

// TestNewTable_Record: the trait "record" makes rows connectable, and their
// targets are found by them.
func TestNewTable_Record(t *testing.T) {
	w := newVisitWorld(t)
	w.visit(visitID, "Roof", "2026-03-02")
	const sequence = "5e900000-0000-4000-8000-0000000000aa"
	w.expect(http.StatusNoContent, "PATCH ~/msdyn_sequences("+sequence+")\n\n"+
		`{"msdyn_name":"After a visit","msdyn_regardingentityname":"visit","msdyn_definition":"[{\"type\":\"task\",\"name\":\"Thank\"}]"}`)
	w.expect(http.StatusNoContent, "PATCH ~/msdyn_sequences("+sequence+")\n\n"+`{"statecode":1}`)
	const record = `"RegardingEntityId":"` + visitID + `","RegardingEntityName":"visit"}`
	connect := "POST ~/msdyn_ConnectSequence\n\n" + `{"SequenceId":"` + sequence + `",` + record
	w.expect(http.StatusNoContent, connect)

	const targets = "GET ~/msdyn_sequencetargets?$select=msdyn_name,_msdyn_target_value&$filter=_msdyn_target_value%20eq%20" + visitID
	values, partitions := w.list(targets, "_msdyn_target_value")
	if diff := cmp.Diff([]string{visitID}, values); diff != "" {
		t.Errorf("targets of the visit (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gsi1 record#" + visitID}, partitions); diff != "" {
		t.Errorf("partitions read (-want +got):\n%s", diff)
	}
	const free = "GET ~/visits?$select=topic&$filter=statecode%20eq%200%20and%20segue_connected%20eq%20"
	for _, test := range []struct {
		connected string
		want      []string
	}{{"false", nil}, {"true", []string{"Roof"}}} {
		topics, _ := w.list(free+test.connected, "topic")
		if diff := cmp.Diff(test.want, topics); diff != "" {
			t.Errorf("visits, connected %s (-want +got):\n%s", test.connected, diff)
		}
	}

	w.expect(http.StatusNoContent, "PATCH ~/visits("+visitID+")\n\n"+`{"statecode":1}`) // ends the connection
	states, _ := w.list(strings.Replace(targets, "msdyn_name", "statecode,msdyn_deactivatereason", 1), "msdyn_deactivatereason")
	if diff := cmp.Diff([]string{"2"}, states); diff != "" {
		t.Errorf("why the target ended (-want +got):\n%s", diff)
	}
	if a := w.send(connect); a.status != http.StatusBadRequest || !strings.Contains(a.body, "closed") {
		t.Errorf("connect of a closed visit: %v", a)
	}
}

// TestNewTable_Activity: the trait "activity" brings the list of the activities
// of a row, and no right to be connected. A task may be about a visit, too.
func TestNewTable_Activity(t *testing.T) {
	w := newVisitWorld(t)
	w.visit(visitID, "Roof", "2026-03-02")
	for _, regarding := range []string{"visit@odata.bind\":\"/visits(" + visitID, "account@odata.bind\":\"/accounts(" + accountID} {
		w.expect(http.StatusNoContent, "POST ~/inspections\n\n"+`{"subject":"Of `+regarding[:5]+`","regardingobjectid_`+regarding+`)"}`)
	}
	subjects, partitions := w.list("GET ~/inspections?$select=subject&$filter=_regardingobjectid_value%20eq%20"+visitID, "subject")
	if diff := cmp.Diff([]string{"Of visit"}, subjects); diff != "" {
		t.Errorf("inspections of the visit (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"gsi1 regarding#" + visitID}, partitions); diff != "" {
		t.Errorf("partitions read (-want +got):\n%s", diff)
	}
	w.expect(http.StatusNoContent, "POST ~/tasks\n\n"+`{"subject":"Pack","regardingobjectid_visit@odata.bind":"/visits(`+visitID+`)"}`)
	subjects, _ = w.list("GET ~/tasks?$select=subject&$filter=_regardingobjectid_value%20eq%20"+visitID, "subject")
	if diff := cmp.Diff([]string{"Pack"}, subjects); diff != "" {
		t.Errorf("tasks of the visit (-want +got):\n%s", diff)
	}
	const inspection = "0e100000-0000-4000-8000-000000000001"
	a := w.send("POST ~/msdyn_ConnectSequence\n\n" + `{"SequenceId":"` + sequenceID + `","RegardingEntityId":"` + inspection + `","RegardingEntityName":"inspection"}`)
	if a.status != http.StatusBadRequest || !strings.Contains(a.body, "inspection") {
		t.Errorf("connect of an activity: %v", a)
	}
}

// TestNewTable_Rollup: a column that the file makes of related rows is read and filtered
// like any, and written by nobody.
func TestNewTable_Rollup(t *testing.T) {
	w := newVisitWorld(t)
	w.visit(visitID, "Roof", "2026-03-02")
	w.visit(laterVisitID, "Cellar", "2026-03-03")
	for range 2 {
		w.expect(http.StatusNoContent, "POST ~/inspections\n\n"+`{"subject":"Beams","regardingobjectid_visit@odata.bind":"/visits(`+visitID+`)"}`)
	}
	salestest.Watch(t, w.store, w.parts, sales.Policy{}).Settle()
	for filter, want := range map[string]string{"inspections%20eq%202": visitID, "inspections%20eq%200": laterVisitID} {
		if got, _ := w.list("GET ~/visits?$filter="+filter, "visitid"); len(got) != 1 || got[0] != want {
			t.Errorf("%s: %v, want %v", filter, got, want)
		}
	}
	w.expect(http.StatusBadRequest, "PATCH ~/visits("+visitID+")\n\n"+`{"inspections":7}`)
}
