package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// tracked is an answer to a list that tracks changes, or to a list of changes.
type tracked struct {
	Context string           `json:"@odata.context"`
	Next    string           `json:"@odata.nextLink"`
	Delta   string           `json:"@odata.deltaLink"`
	Value   []map[string]any `json:"value"`
}

// react makes what has been written known to those who follow changes.
func (w *world) react() {
	w.t.Helper()
	if err := w.store.Drain(w.t.Context(), "evaluate", w.parts.Changes); err != nil {
		w.t.Fatal(err)
	}
}

// track gets a list or a link, with lines of headers.
func (w *world) track(target, headers string) tracked {
	w.t.Helper()
	a := w.send("GET " + strings.Replace(target, "http://segue.test", "", 1) + headers)
	if a.status != http.StatusOK {
		w.t.Fatal(a)
	}
	var got tracked
	a.value(w.t, &got)
	return got
}

// summary is the lines of a list in short: subjects, and what was removed.
func (l tracked) summary() string {
	var lines []string
	for _, line := range l.Value {
		if reason, ok := line["reason"]; ok {
			lines = append(lines, fmt.Sprint(reason, " ", line["id"]))
			continue
		}
		lines = append(lines, fmt.Sprint(line["subject"]))
	}
	return strings.Join(lines, ", ")
}

const preferTrack = "\nPrefer: odata.track-changes"

// TestTrackChanges is docs/webapi.md §14: a list with a link, the link with what changed,
// and so on.
func TestTrackChanges(t *testing.T) {
	w := newWorld(t)
	w.react() // what the fixture wrote comes again: the overlap
	a := w.send("GET ~/leads?$select=subject" + preferTrack)
	if got := a.header.Get("Preference-Applied"); got != "odata.track-changes" {
		t.Errorf("Preference-Applied: %q", got)
	}
	list := w.track("~/leads?$select=subject", preferTrack)
	if len(list.Value) != 2 || list.Next != "" || !strings.HasPrefix(list.Delta, "http://segue.test/api/data/v9.2/leads?$select=subject&$deltatoken=") {
		t.Fatalf("%+v", list)
	}
	for _, request := range []string{
		`PATCH ~/leads(` + leadID + `)` + "\n\n" + `{"subject":"Changed"}`,
		`POST ~/leads` + "\n\n" + `{"leadid":"1ead0000-0000-4000-8000-000000000003","subject":"New","lastname":"A"}`,
		`POST ~/leads` + "\n\n" + `{"leadid":"1ead0000-0000-4000-8000-000000000004","subject":"Gone soon","lastname":"A"}`,
		`DELETE ~/leads(1ead0000-0000-4000-8000-000000000004)`,
		`DELETE ~/leads(` + hotLeadID + `)`,
		`PATCH ~/accounts(acc00000-0000-4000-8000-000000000001)` + "\n\n" + `{"name":"Of another table"}`,
	} {
		if a := w.send(request); a.status != http.StatusNoContent {
			t.Fatal(request, a)
		}
	}
	w.react()
	changes := w.track(list.Delta, "")
	if changes.Context != "http://segue.test/api/data/v9.2/$metadata#leads(subject)/$delta" {
		t.Errorf("context %s", changes.Context)
	}
	got := changes.summary()
	for _, want := range []string{"Changed", "New", "deleted " + hotLeadID, "deleted 1ead0000-0000-4000-8000-000000000004"} {
		if strings.Count(got, want) != 1 {
			t.Errorf("changes: %s; want %s once", got, want)
		}
	}
	if len(changes.Value) != 4 || strings.Index(got, "deleted") < strings.Index(got, "New") || strings.Index(got, "deleted") < strings.Index(got, "Changed") {
		t.Errorf("changes: %s; want four, removals last", got)
	}
	last := changes.Value[3]
	if len(last) != 3 || last["@odata.context"] != "http://segue.test/api/data/v9.2/$metadata#leads/$deletedEntity" {
		t.Errorf("a removal is %v", last)
	}
	if a := w.send("GET " + strings.Replace(strings.Replace(list.Delta, "http://segue.test", "", 1), "/leads?$select=subject&", "/leads/$count?", 1)); a.body != "4" {
		t.Errorf("the count is %v", a)
	}
	w.trackedPages(list.Delta, got)
	if again := w.track(changes.Delta, ""); again.summary() != got { // the clock stands: all of it is in the overlap
		t.Errorf("again: %s", again.summary())
	}
	w.now.Advance(2 * time.Minute)
	changes = w.track(w.track(changes.Delta, "").Delta, "")
	if len(changes.Value) != 0 || changes.Delta == "" {
		t.Errorf("nothing has changed since, and the answer is %+v", changes)
	}
	w.now.Advance(8 * 24 * time.Hour)
	if a := w.send("GET " + strings.Replace(list.Delta, "http://segue.test", "", 1)); a.status != http.StatusGone {
		t.Errorf("after eight days: %v", a)
	}
}

// trackedPages follows a link in pages of one.
func (w *world) trackedPages(link, all string) {
	w.t.Helper()
	var got []string
	for link != "" {
		page := w.track(link, "\nPrefer: odata.maxpagesize=1")
		if len(page.Value) > 1 || page.Next == "" == (page.Delta == "") {
			w.t.Fatalf("%+v", page)
		}
		if len(page.Value) > 0 {
			got = append(got, page.summary())
		}
		link = page.Next
	}
	for _, want := range strings.Split(all, ", ") {
		if !strings.Contains(strings.Join(got, ", "), want) {
			w.t.Errorf("pages of one have %q, and not %s", got, want)
		}
	}
}

// The first list may have pages; what changes while they are read is in its changes.
func TestTrackChanges_Pages(t *testing.T) {
	w := newWorld(t)
	w.react()
	w.now.Advance(5 * time.Minute)
	first := w.track("~/leads?$select=subject", preferTrack+",odata.maxpagesize=1")
	if len(first.Value) != 1 || first.Delta != "" {
		t.Fatalf("%+v", first)
	}
	if a := w.send(`PATCH ~/leads(` + leadID + `)` + "\n\n" + `{"subject":"Changed"}`); a.status != http.StatusNoContent {
		t.Fatal(a)
	}
	w.react()
	w.now.Advance(5 * time.Minute)
	second := w.track(first.Next, "\nPrefer: odata.maxpagesize=1") // clients may leave the preference out
	if len(second.Value) != 1 || second.Next != "" || second.Delta == "" {
		t.Fatalf("%+v", second)
	}
	if got := w.track(second.Delta, "").summary(); got != "Changed" {
		t.Errorf("changes: %s", got)
	}
}

func TestTrackChanges_Refused(t *testing.T) {
	w := newWorld(t)
	token := strings.SplitAfter(w.track("~/leads", preferTrack).Delta, "$deltatoken=")[1]
	for target, want := range map[string]string{
		"~/accounts" + preferTrack:                                "400 0x80072491",
		"~/accounts?$deltatoken=" + token:                         "400 0x80072491",
		"~/opportunities?$deltatoken=" + token:                    "400 0x80060888",
		"~/leads?$deltatoken=x":                                   "400 0x80060888",
		"~/leads?$filter=statecode%20eq%200" + preferTrack:        `400 0x80060888 The "filter" query parameter isn't supported when Change Tracking is enabled.`,
		"~/leads?$orderby=subject" + preferTrack:                  `400 0x80060888 The "orderby" query parameter isn't supported when Change Tracking is enabled.`,
		"~/leads?$expand=parentaccountid" + preferTrack:           `400 0x80060888 The "expand" query parameter isn't supported when Change Tracking is enabled.`,
		"~/leads?$top=3" + preferTrack:                            `400 0x80060888 The "top" query parameter isn't supported when Change Tracking is enabled.`,
		"~/leads?$top=3&$deltatoken=" + token:                     `400 0x80060888 The "top" query parameter isn't supported when Change Tracking is enabled.`,
		"~/leads?$filter=statecode%20eq%200&$deltatoken=" + token: `400 0x80060888 The "filter" query parameter isn't supported when Change Tracking is enabled.`,
		"~/leads/$count" + preferTrack:                            "400 0x80060888",
		"~/leads(" + leadID + ")?$deltatoken=" + token:            "400 0x80060888",
		"~/msdyn_sequences?$select=msdyn_name" + preferTrack:      "400 0x80072491",
	} {
		a := w.send("GET " + target)
		got := fmt.Sprint(a.status, " ", a.code())
		if strings.Contains(want, "The") {
			var body struct{ Error struct{ Message string } }
			a.value(t, &body)
			got += " " + body.Error.Message
		}
		if got != want {
			t.Errorf("%s: %s, want %s", target, got, want)
		}
	}
}
