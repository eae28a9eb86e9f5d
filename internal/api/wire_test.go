package api_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/sales"
)

// leads makes n leads besides those of the fixture and returns their ids.
func (w *world) leads(n int) []string {
	w.t.Helper()
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("1ead0000-0000-4000-8000-%012d", 100+i)
		a := w.send(fmt.Sprintf("PATCH ~/leads(%s)\n\n"+`{"subject":"Lead %d","lastname":"L"}`, ids[i], i))
		if a.status != http.StatusNoContent {
			w.t.Fatal(a)
		}
	}
	return ids
}

// connected connects a lead of the fixture and returns its target.
func (w *world) connected() (target string) {
	w.t.Helper()
	a := w.send("POST ~/msdyn_ConnectSequence\nPrefer: return=representation\n\n" +
		`{"SequenceId":"` + sequenceID + `","RegardingEntityId":"` + leadID + `","RegardingEntityName":"lead"}`)
	var made struct{ SequenceTargetID string }
	a.value(w.t, &made)
	if made.SequenceTargetID == "" {
		w.t.Fatal(a)
	}
	return made.SequenceTargetID
}

// TestBodySize: a body has at most 1 MiB; one more byte is refused and nothing
// is written.
func TestBodySize(t *testing.T) {
	w := newWorld(t)
	const limit = 1 << 20
	padded := func(size int, body string) string { return strings.Repeat(" ", size-len(body)) + body }
	const lead = `{"subject":"Long","lastname":"L"}`
	const selection = `{"SequenceId":"` + sequenceID + `","Records":[{"EntityName":"lead","Id":"` + leadID + `"}]}`
	const action = `{"SequenceId":"` + sequenceID + `","RegardingEntityId":"` + leadID + `","RegardingEntityName":"lead"}`
	for _, test := range []struct {
		name, head, body string
		status           int
	}{
		{"a row of 1 MiB", "POST ~/leads", padded(limit, lead), http.StatusNoContent},
		{"a row of 1 MiB and a byte", "POST ~/leads", padded(limit+1, lead), http.StatusRequestEntityTooLarge},
		{"a row of 2 MB", "POST ~/leads", padded(2_000_000, lead), http.StatusRequestEntityTooLarge},
		{"a change of 2 MB", "PATCH ~/leads(" + leadID + ")", padded(2_000_000, lead), http.StatusRequestEntityTooLarge},
		{"an action of 2 MB", "POST ~/msdyn_ConnectSequence", padded(2_000_000, action), http.StatusRequestEntityTooLarge},
		{"a selection of 2 MB", "POST /api/connect", padded(2_000_000, selection), http.StatusRequestEntityTooLarge},
		{"a selection of 2 MB to disconnect", "POST /api/disconnect", padded(2_000_000, selection), http.StatusRequestEntityTooLarge},
		{"an item of more than 400 KB", "PATCH ~/msdyn_sequences(" + hotLeadID + ")",
			`{"msdyn_name":"Big","msdyn_regardingentityname":"lead","msdyn_cjodefinition":"` + strings.Repeat("x", 500_000) + `"}`,
			http.StatusRequestEntityTooLarge},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := w.dump()
			a := w.send(test.head + "\n\n" + test.body)
			if a.status != test.status {
				t.Errorf("status %d, want %d: %.300s", a.status, test.status, a.body)
			}
			if diff := cmp.Diff(before, w.dump()); test.status >= http.StatusBadRequest && diff != "" {
				t.Errorf("a refusal changed the store:\n%s", diff)
			}
		})
	}
}

// TestWhoAmI_webapi_11: the ids of WhoAmI are those of rows, also for a user whom
// nobody has seen before.
func TestWhoAmI_webapi_11(t *testing.T) {
	w := newWorld(t)
	const stranger = "05e40000-0000-4000-8000-000000000009"
	token, err := w.issuer.Issue(stranger, "Ann Bee", []string{sales.Salesperson}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	var me struct{ UserID, BusinessUnitID, OrganizationID string }
	w.expect(http.StatusOK, "GET ~/WhoAmI\nAuthorization: Bearer "+token).value(t, &me)
	if me.UserID != stranger {
		t.Errorf("the user is %s", me.UserID)
	}
	var user struct {
		FullName string
		Unit     string `json:"_businessunitid_value"`
	}
	w.expect(http.StatusOK, "GET ~/systemusers("+me.UserID+")?$select=fullname,_businessunitid_value").value(t, &user)
	if user.FullName != "Ann Bee" || user.Unit != me.BusinessUnitID {
		t.Errorf("the user is %+v, in the unit of WhoAmI %s", user, me.BusinessUnitID)
	}
	w.expect(http.StatusOK, "GET ~/businessunits("+me.BusinessUnitID+")")
	w.expect(http.StatusOK, "GET ~/organizations("+me.OrganizationID+")")
}

// TestSelectionSize: a selection has 1 to 1,000 records.
func TestSelectionSize(t *testing.T) {
	w := newWorld(t)
	body := func(n int) string {
		records := make([]string, n)
		for i := range records { // not there, which is each record's own failure
			records[i] = fmt.Sprintf(`{"EntityName":"lead","Id":"0bad0000-0000-4000-8000-%012d"}`, i)
		}
		return `{"SequenceId":"` + sequenceID + `","Records":[` + strings.Join(records, ",") + `]}`
	}
	for _, path := range []string{"/api/connect", "/api/disconnect"} {
		for n, status := range map[int]int{0: http.StatusBadRequest, 1: http.StatusOK, 1000: http.StatusOK, 1001: http.StatusBadRequest} {
			t.Run(fmt.Sprintf("%s %d", path, n), func(t *testing.T) {
				before := w.dump()
				a := w.send("POST " + path + "\n\n" + body(n))
				var answer struct{ Results []struct{ Status string } }
				a.value(t, &answer)
				if a.status != status || status == http.StatusOK && len(answer.Results) != n {
					t.Errorf("status %d with %d results, want %d: %.200s", a.status, len(answer.Results), status, a.body)
				}
				if diff := cmp.Diff(before, w.dump()); diff != "" {
					t.Errorf("nothing could be done, and the store changed:\n%s", diff)
				}
			})
		}
	}
}

// TestPaging follows @odata.nextLink to the end, as it is and with the slash
// that some clients put after it: every row comes once, whatever the size of a
// page.
func TestPaging(t *testing.T) {
	w := newWorld(t)
	want := append(w.leads(23), leadID, hotLeadID)
	slices.Sort(want)
	for _, test := range []struct {
		name, query, after string
		size               int
	}{
		{"one at a time", "$select=subject", "", 1},
		{"five at a time", "$select=subject", "", 5},
		{"a slash after the link", "$select=subject", "/", 4},
		{"with a filter", "$select=subject&$filter=statecode%20eq%200", "", 7},
		{"through an index", "$select=subject&$filter=statecode%20eq%200%20and%20segue_connected%20eq%20false", "", 3},
		{"in one page", "", "", 25},
	} {
		t.Run(test.name, func(t *testing.T) {
			const base = "http://segue.test"
			var got []string
			pages := 0
			for link := base + "/api/data/v9.2/leads?" + test.query; link != ""; pages++ {
				path, ours := strings.CutPrefix(link, base)
				if !ours {
					t.Fatalf("link %q does not begin with what the client knows", link)
				}
				if pages > 0 {
					path += test.after
				}
				a := w.send(fmt.Sprintf("GET %s\nPrefer: odata.maxpagesize=%d", path, test.size))
				var page struct {
					Value []struct{ LeadID string }
					Next  string `json:"@odata.nextLink"`
				}
				a.value(t, &page)
				if a.status != http.StatusOK || len(page.Value) > test.size || len(page.Value) == 0 {
					t.Fatalf("page %d: %v", pages, a)
				}
				for _, row := range page.Value {
					got = append(got, row.LeadID)
				}
				link = page.Next
			}
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows of all pages (-want +got):\n%s", diff)
			}
			if most := (len(want) + test.size - 1) / test.size; pages != most {
				t.Errorf("%d pages, want %d", pages, most)
			}
		})
	}
}

// TestIndexes: the lists that clients ask for all the time read an index and no
// partition of a table.
func TestIndexes(t *testing.T) {
	w := newWorld(t)
	target := w.connected()
	if a := w.send("POST ~/tasks\n\n" + `{"subject":"T","regardingobjectid_lead_task@odata.bind":"/leads(` + leadID + `)"}`); a.status != http.StatusNoContent {
		t.Fatal(a)
	}
	for _, test := range []struct{ name, set, filter, index string }{
		{"targets of a record", "msdyn_sequencetargets", "_msdyn_target_value eq " + leadID, "gsi1"},
		{"steps of a target", "msdyn_sequencetargetsteps", "_msdyn_sequencetarget_value eq " + target, "gsi1"},
		{"activities of a record", "tasks", "_regardingobjectid_value eq " + leadID, "gsi1"},
		{"live targets of a sequence", "msdyn_sequencetargets", "statecode eq 0 and _msdyn_parentsequence_value eq " + sequenceID, "gsi2"},
		{"open leads without sequence", "leads", "segue_connected eq false and statecode eq 0", "gsi1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.probe.Reset()
			a := w.send("GET ~/" + test.set + "?$filter=" + strings.ReplaceAll(test.filter, " ", "%20"))
			var list struct{ Value []any }
			a.value(t, &list)
			if len(list.Value) != 1 {
				t.Errorf("%d rows, want 1: %v", len(list.Value), a)
			}
			for _, call := range w.probe.Calls() {
				if call.Method == probe.Query && call.Query.Index != test.index {
					t.Errorf("read %s %+v, want only index %s", call.Method, call.Query, test.index)
				}
			}
			if w.probe.Counts().Queries == 0 {
				t.Error("no query was made")
			}
		})
	}
	t.Run("a row by its id", func(t *testing.T) {
		w.probe.Reset()
		w.send("GET ~/leads?$filter=leadid%20eq%20" + leadID)
		if got := w.probe.Counts(); got.Queries != 0 || got.Gets != 1 {
			t.Errorf("%+v, want one get", got)
		}
	})
}

// TestOutage: a store that is busy is a 503 that says when to come back, a store
// that breaks is a 500 that says nothing; the reason is in the log.
func TestOutage(t *testing.T) {
	for _, test := range []struct {
		name       string
		fault      probe.Fault
		status     int
		code, wait string
		logged     string
	}{
		{"busy", probe.Before, http.StatusServiceUnavailable, "0x8006088a", "1", ""},
		{"broken", probe.CrashBefore, http.StatusInternalServerError, "0x80040216", "", "the process is dead"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t)
			w.probe.Inject(func(probe.Call) probe.Fault { return test.fault })
			for _, request := range []string{
				"GET ~/leads", "GET ~/leads(" + leadID + ")", "DELETE ~/leads(" + leadID + ")",
				"POST ~/leads\n\n" + `{"subject":"S","lastname":"L"}`,
				"POST ~/msdyn_DisconnectSequence\n\n" + `{"RegardingEntityId":"` + leadID + `","RegardingEntityName":"lead"}`,
				"POST /api/disconnect\n\n" + `{"Records":[{"EntityName":"lead","Id":"` + leadID + `"}]}`,
			} {
				w.log.Reset()
				a := w.send(request)
				got := []string{http.StatusText(a.status), a.code(), a.header.Get("Retry-After")}
				if diff := cmp.Diff([]string{http.StatusText(test.status), test.code, test.wait}, got); diff != "" {
					t.Errorf("%s (-want +got):\n%s", request, diff)
				}
				if test.logged != "" && strings.Contains(a.body, test.logged) {
					t.Errorf("the client is told %s", a.body)
				}
				if logged := w.log.String(); !strings.Contains(logged, test.logged) || test.logged == "" && logged != "" {
					t.Errorf("%s: logged as error %q, want %q", request, logged, test.logged)
				}
			}
		})
	}
}
