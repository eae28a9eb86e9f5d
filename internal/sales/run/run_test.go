package run_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/embed"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/run"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

type values = salestest.Values

// clocked is a world in which each step is a minute later.
func clocked(t *testing.T) (w *salestest.World, later func()) {
	t.Helper()
	now := salestest.Now()
	w = salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync()), func() time.Time { return now }, boot.Options{})
	return w, func() { now = now.Add(time.Minute) }
}

// runsOf lists the runs of a record, the newest first, as a client does.
func runsOf(w *salestest.World, record rows.Ref) []*rows.Row {
	w.T.Helper()
	target := schema.Ref(salestest.Lookup(record))
	page, err := w.Entities.List(w.T.Context(), salestest.Manager(), name.SalesRoutingRun, query.Query{
		Limit: 100, Order: []query.Order{{Column: name.Createdon, Descending: true}},
		Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
			&filter.Condition{Column: name.MsdynTargetobject, Operator: filter.Eq, Values: []schema.Value{target}},
		}},
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return page.Rows
}

// summary is what a test compares of a run.
type summary struct {
	Segment, Previous, Sequence string
	Source, Segmentation        int64
	Connection, State, Status   int64
}

func summaryOf(row *rows.Row) summary {
	return summary{
		Segment: row.Lookup("msdyn_segmentid").ID, Previous: row.Lookup("msdyn_previoussegmentid").ID, Sequence: row.Text("msdyn_connectedsequenceids"),
		Source: row.Int("msdyn_routingrequestsource"), Segmentation: row.Int("msdyn_segmentationstatus"),
		Connection: row.Int("msdyn_connectsequencestatus"), State: row.Int("statecode"), Status: row.Int("statuscode"),
	}
}

func summaries(list []*rows.Row) (all []summary) {
	for _, row := range list {
		all = append(all, summaryOf(row))
	}
	return all
}

// An evaluation that changes its record has one run, and one that changes nothing none.
func TestRuns(t *testing.T) {
	w, later := clocked(t)
	w.Territory()
	lead := w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	later()
	w.Update("lead", lead.ID, values{"address1_city": "Zug"}) // it stays where it is
	w.Settle()
	later()
	w.Update("lead", lead.ID, values{salestest.Quality: int64(1)})
	w.Settle()
	one, two := salestest.ID("segment", 1), salestest.ID("segment", 2)
	want := []summary{
		{Segment: two, Previous: one, Sequence: salestest.ID("sequence", 2), Source: 1, Segmentation: 1, Connection: 1, State: 1, Status: 17},
		{Segment: one, Sequence: salestest.ID("sequence", 1), Segmentation: 1, Connection: 1, State: 1, Status: 17},
	}
	got := runsOf(w, lead)
	if d := cmp.Diff(want, summaries(got)); d != "" {
		t.Fatalf("runs (-want +got):\n%s", d)
	}
	record := w.Row("lead", lead.ID)
	newest := got[0]
	if newest.Int("segue_recordversion") != record.Version || newest.Int("segue_definition") != w.Row("msdyn_segment", two).Version {
		t.Errorf("the newest run is of version %d by version %d of the segment, want %d and %d", newest.Int("segue_recordversion"),
			newest.Int("segue_definition"), record.Version, w.Row("msdyn_segment", two).Version)
	}
	if newest.Text("msdyn_name") != "Segment 2" || newest.Lookup("ownerid") != record.Lookup("ownerid") || newest.Time("createdon") != record.Time("modifiedon") {
		t.Errorf("the newest run is %v of the record %v", newest.Values(), record.Values())
	}
	if until := newest.Time("segue_expireson"); until != record.Time("modifiedon").Add(run.Life) {
		t.Errorf("it is kept until %v", until)
	}
	into := w.List(name.SalesRoutingRun, values{"msdyn_segmentid": salestest.Link("msdyn_segment", one)})
	if d := cmp.Diff(want[1:], summaries(into)); d != "" {
		t.Errorf("runs into the first segment (-want +got):\n%s", d)
	}
}

// A record that leaves its segment for none has a run that says why.
func TestRunOfLeaving(t *testing.T) {
	w, later := clocked(t)
	segment := w.Segment(1, salestest.Web, "", values{"segue_leaves": true})
	lead := w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	later()
	w.Update("lead", lead.ID, values{salestest.Sources: int64(3)})
	w.Settle()
	got := runsOf(w, lead)
	want := []summary{
		{Previous: segment, Source: 1, Segmentation: 3, Connection: 3, State: 1, Status: 17},
		{Segment: segment, Segmentation: 1, Connection: 4, State: 1, Status: 17},
	}
	if d := cmp.Diff(want, summaries(got)); d != "" {
		t.Fatalf("runs (-want +got):\n%s", d)
	}
	clauses := `[{"node":"","text":"and","holds":false},{"node":"items[0]","text":"leadsourcecode eq 8","holds":false,"value":"3"}]`
	if d := cmp.Diff(clauses, got[0].Text("segue_clauses")); d != "" {
		t.Errorf("clauses (-want +got):\n%s", d)
	}
}

// Repeats, of changes and of whole histories, add no run and change none.
func TestRunsOfRepeats(t *testing.T) {
	w, later := clocked(t)
	w.Territory()
	w.Fresh()
	lead := w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	later()
	w.Update("lead", lead.ID, values{salestest.Quality: int64(1)})
	w.Settle()
	changes := w.Fresh()
	before := runsOf(w, lead)
	w.Untouched(t, func() {
		slices.Reverse(changes)
		w.Again(changes)
		slices.Reverse(changes)
		w.Again(changes)
	})
	w.Remove("lead", lead.ID)
	w.Settle()
	if len(before) != 2 || len(runsOf(w, lead)) != 0 {
		t.Fatalf("%d runs before the deletion, %d after it", len(before), len(runsOf(w, lead)))
	}
	w.Again(changes)
	if left := runsOf(w, lead); len(left) != 0 {
		t.Errorf("a repeated change of a deleted record has made %v", summaries(left))
	}
	again := w.Fresh()
	lead = w.Lead(1, values{salestest.Sources: int64(8)}) // another life
	w.Settle()
	w.Again(again)
	if left := runsOf(w, lead); len(left) != 1 {
		t.Errorf("the repeated deletion of one life leaves %v of the next", summaries(left))
	}
}

// What has failed has a run at once, one for what is to blame, and another only when that
// has been something else in between.
func TestRunOfAFailure(t *testing.T) {
	w, later := clocked(t)
	segment := w.Segment(1, salestest.Web, w.Sequence(1, "lead"), nil)
	w.Settle()
	broken := func() {
		w.Corrupt("msdyn_segment", segment, func(row *rows.Row) {
			row.Set("msdyn_entityfilter", schema.Text(salestest.Where(`{"attribute":"new_gone","operator":"eq","values":[1]}`)))
		})
		w.Restart() // no rule has told of the edit
	}
	broken()
	lead := w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	if len(w.Parked()) != 1 {
		t.Fatalf("%d changes are parked", len(w.Parked()))
	}
	failed := summary{Segmentation: 2, Connection: 3, State: 2, Status: 16}
	got := runsOf(w, lead)
	if d := cmp.Diff([]summary{failed}, summaries(got)); d != "" {
		t.Fatalf("runs (-want +got):\n%s", d)
	}
	if text := got[0].Text("msdyn_errormessage"); !strings.Contains(text, "new_gone") || !strings.Contains(text, segment) {
		t.Errorf("the error is %q", text)
	}
	for range 3 { // tries, and other changes of the record
		later()
		if err := w.Redrive(t.Context(), lead.Table, lead.ID); err == nil {
			t.Fatal("it is not broken")
		}
		w.Update("lead", lead.ID, values{"jobtitle": fmt.Sprint(w.DB.Now())})
		w.Settle()
	}
	if n := len(runsOf(w, lead)); n != 1 {
		t.Errorf("%d runs after more tries, want 1", n)
	}
	later()
	w.Update("msdyn_segment", segment, values{"msdyn_entityfilter": salestest.Where(salestest.Web)})
	w.Settle()
	later()
	broken()
	w.Update("lead", lead.ID, values{salestest.Sources: int64(4)})
	w.Settle()
	want := []summary{
		{Source: 1, Segmentation: 2, Connection: 3, State: 2, Status: 16},
		{Segment: segment, Sequence: salestest.ID("sequence", 1), Source: 4, Segmentation: 1, Connection: 1, State: 1, Status: 17},
		failed,
	}
	if d := cmp.Diff(want, summaries(runsOf(w, lead))); d != "" {
		t.Errorf("runs (-want +got):\n%s", d)
	}
}

// A run says what the conditions said when they were asked: neither a later edit of the
// record nor one of the segment, nor its deletion, changes that, when the run is written
// after them by a process that knows nothing.
func TestRunTellsWhatWasRead(t *testing.T) {
	long := strings.Repeat("Ä", 60)
	for _, test := range []struct {
		name      string
		meanwhile func(w *salestest.World, lead rows.Ref, segment string)
		gone      bool
	}{
		{"nothing happens", func(*salestest.World, rows.Ref, string) {}, false},
		{"the record is edited", func(w *salestest.World, lead rows.Ref, _ string) {
			w.Update("lead", lead.ID, values{salestest.Sources: int64(3), "jobtitle": "Else"})
		}, false},
		{"the segment is edited twice", func(w *salestest.World, _ rows.Ref, segment string) {
			w.Update("msdyn_segment", segment, values{"msdyn_entityfilter": salestest.Where(salestest.Hot), "msdyn_name": "Other"})
			w.Update("msdyn_segment", segment, values{"msdyn_name": "Third"})
		}, false},
		{"the segment is deactivated", func(w *salestest.World, _ rows.Ref, segment string) {
			w.Update("msdyn_segment", segment, values{"statecode": int64(1)})
		}, false},
		{"the segment is deleted", func(w *salestest.World, _ rows.Ref, segment string) { w.Remove("msdyn_segment", segment) }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, later := clocked(t)
			segment := w.Segment(1, salestest.Web+`,{"attribute":"jobtitle","operator":"begins-with","values":["Ä"]}`, "", nil)
			w.Settle()
			w.Fresh()
			lead := w.Lead(1, values{salestest.Sources: int64(8), "jobtitle": long})
			w.Deliver(w.Fresh()) // evaluated
			evaluated := w.Fresh()
			later()
			test.meanwhile(w, lead, segment)
			w.Restart()
			w.Deliver(evaluated)
			got := runsOf(w, lead)
			if len(got) != 1 {
				t.Fatalf("%d runs", len(got))
			}
			cut := strings.Repeat("Ä", 50)
			want := fmt.Sprintf(`[{"node":"","text":"and","holds":true},{"node":"items[0]","text":"leadsourcecode eq 8","holds":true,"value":"8"},`+
				`{"node":"items[1]","text":"jobtitle begins-with \"Ä\"","holds":true,"value":"%s","cut":true}]`, cut)
			if d := cmp.Diff(want, got[0].Text("segue_clauses")); d != "" {
				t.Errorf("clauses (-want +got):\n%s", d)
			}
			if got[0].Text("msdyn_name") != "Segment 1" || (got[0].Lookup("msdyn_segmentid").ID == "") != test.gone {
				t.Errorf("the run is %v", got[0].Values())
			}
		})
	}
}

// Deleting a segment empties the links of its runs, which stay.
func TestRunsOfADeletedSegment(t *testing.T) {
	w, _ := clocked(t)
	w.Territory()
	lead := w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	w.Update("lead", lead.ID, values{salestest.Quality: int64(1)})
	w.Settle()
	w.Remove("msdyn_segment", salestest.ID("segment", 1))
	w.Settle()
	got := runsOf(w, lead)
	if len(got) != 2 || got[0].Lookup("msdyn_segmentid").ID != salestest.ID("segment", 2) ||
		got[0].Lookup("msdyn_previoussegmentid").ID != "" || got[1].Lookup("msdyn_segmentid").ID != "" || got[1].Text("msdyn_name") != "Segment 1" {
		t.Errorf("the runs are %+v", summaries(got))
	}
}

// An erasure takes what was read of a person out of the runs, also out of one that is
// written after it.
func TestRunsOfAnErasedRecord(t *testing.T) {
	for _, lags := range []bool{false, true} {
		t.Run(fmt.Sprintf("lags %t", lags), func(t *testing.T) {
			w, _ := clocked(t)
			w.Segment(1, salestest.Web+`,{"attribute":"lastname","operator":"eq","values":["Zebedee"]}`, "", nil)
			w.Settle()
			w.Fresh()
			lead := w.Lead(1, values{salestest.Sources: int64(8), "lastname": "Zebedee"})
			w.Deliver(w.Fresh())
			if !lags {
				w.Settle()
				if !strings.Contains(runsOf(w, lead)[0].Text("segue_clauses"), `"value":"Zebedee"`) {
					t.Fatal("the value is not in the run")
				}
			}
			err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
				_, err := w.Erasures.EraseIn(t.Context(), tx, lead)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			w.Settle()
			got := runsOf(w, lead)
			if len(got) != 1 || got[0].Text("segue_clauses") != "" || got[0].Int("msdyn_segmentationstatus") != 1 {
				t.Errorf("the runs are %v", got)
			}
		})
	}
}

// The many runs of a record go in a job.
func TestManyRunsOfADeletedRecord(t *testing.T) {
	w, _ := clocked(t)
	w.Territory()
	lead := w.Lead(1, nil)
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		for n := range 3 * run.AtOnce {
			tx.Create(tx.Schema().Table(name.SalesRoutingRun), salestest.ID("run", n), map[string]schema.Value{
				name.MsdynTargetobject: schema.Ref(salestest.Lookup(lead)), name.Ownerid: schema.RefTo(name.User, sales.Engine().ID),
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if n := len(runsOf(w, lead)); n != 3*run.AtOnce {
		t.Fatalf("%d runs", n)
	}
	w.Remove("lead", lead.ID)
	w.Settle()
	if left := runsOf(w, lead); len(left) > 0 {
		t.Errorf("%d runs are left", len(left))
	}
}

// A change without a receipt of its own costs no request beside the log.
func TestNoRunCostsNothing(t *testing.T) {
	w, _ := clocked(t)
	w.Territory()
	lead := w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	w.Fresh()
	w.Update("lead", lead.ID, values{"jobtitle": "Buyer"})
	w.Disconnect(lead)
	w.Update("lead", lead.ID, values{"statecode": int64(2)})
	var its []store.Change
	for _, change := range w.Fresh() {
		if salestest.TableOf(change.Key) == "lead" {
			its = append(its, change)
		}
	}
	w.Probe.Reset()
	w.Deliver(its)
	if n := salestest.WithoutLog(t, w.Probe); len(its) != 3 || n.Gets+n.Queries+n.Writes+n.Transactions > 0 {
		t.Errorf("%d changes cost %+v", len(its), n)
	}
}
