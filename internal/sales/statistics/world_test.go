package statistics_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/entity"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/sales/sequence"
	"segue/internal/sales/statistics"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The words of the tests; salestest says what they mean.
type (
	values = salestest.Values
	world  = salestest.World
)

var id = salestest.ID

// tested is a sequence with a test; untested is one without.
const (
	tested = `[{"type":"task","name":"Look","id":"11111111-0000-4000-8000-000000000001"},
		{"type":"abtest","name":"Which","metric":"completed","split":50,"id":"11111111-0000-4000-8000-000000000002",
		 "a":[{"type":"phonecall","name":"Call","id":"11111111-0000-4000-8000-000000000003"}],
		 "b":[{"type":"email","name":"Mail","id":"11111111-0000-4000-8000-000000000004"},{"type":"task","name":"Again","id":"11111111-0000-4000-8000-000000000005"}]},
		{"type":"wait","name":"A day","wait":{"days":1},"id":"11111111-0000-4000-8000-000000000006"},
		{"type":"task","name":"Close","id":"11111111-0000-4000-8000-000000000007"}]`
	untested = salestest.Steps
)

func newWorld(t *testing.T) (*world, *clock.Manual) {
	t.Helper()
	c := clock.NewManual(salestest.Now())
	return salestest.NewOn(t, salestest.OpenEmbedded(t, embed.NoSync(), embed.Clock(c)), c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}}), c
}

// report turns reporting on.
func report(w *world) {
	w.T.Helper()
	set := map[string]schema.Value{name.SegueSequencereporting: schema.Bool(true)}
	if _, _, err := w.Entities.Update(w.T.Context(), sales.Engine(), rows.RefTo(name.Organization, w.Principals.Organization().ID), set, entity.If{}); err != nil {
		w.T.Fatal(err)
	}
	w.Settle()
}

// start makes an active sequence of leads.
func start(w *world, n int, definition string) string {
	w.T.Helper()
	of := w.Draft(n, definition)
	if err := w.Activate(of); err != nil {
		w.T.Fatal(err)
	}
	w.Settle()
	return of
}

// all are the rows of a table.
func all(w *world, table string) (list []*rows.Row) {
	w.T.Helper()
	for row, err := range query.New(w.DB).Each(w.T.Context(), query.Query{Table: w.DB.Schema().Table(table)}) {
		if err != nil {
			w.T.Fatal(err)
		}
		list = append(list, row)
	}
	return list
}

// tally is a report as a naive reader of all rows makes it.
type tally struct {
	Targets map[sequence.Status]int64
	Reasons map[sequence.Reason]int64
	Steps   map[string][5]int64 // by id: open, completed, skipped, cancelled, seconds
	Tests   map[string][2]sequence.Side
}

// naive makes a report of a version from rows, 0 for all of them.
func naive(of string, version int64, targets, steps []*rows.Row) tally {
	t := tally{map[sequence.Status]int64{}, map[sequence.Reason]int64{}, map[string][5]int64{}, map[string][2]sequence.Side{}}
	completed := map[string]bool{}
	for _, row := range targets {
		completed[row.ID] = row.Int(name.Statuscode) == 3
		if row.Lookup(name.MsdynParentsequence).ID != of || version != 0 && row.Int(name.MsdynParentsequenceversion) != version {
			continue
		}
		t.Targets[sequence.Status(row.Int(name.Statuscode))]++
		if row.Int(name.Statecode) == 1 {
			t.Reasons[sequence.Reason(row.Int(name.MsdynDeactivatereason))]++
		}
	}
	for _, row := range steps {
		if row.Lookup(name.SegueSequence).ID != of || version != 0 && row.Int(name.SegueVersion) != version {
			continue
		}
		counts := t.Steps[row.Text(name.MsdynSequencestepid)]
		counts[row.Int(name.Statuscode)-1]++
		if on := row.Time(name.MsdynCompletedon); !on.IsZero() {
			counts[4] += int64(on.Sub(row.Time(rows.CreatedOn)) / time.Second)
		}
		t.Steps[row.Text(name.MsdynSequencestepid)] = counts
		for test, branch := range (sequence.TargetStep{Row: row}).Picks() {
			sides := t.Tests[string(test)]
			sides[branch].Records++
			if completed[row.Lookup(name.MsdynSequencetarget).ID] {
				sides[branch].Successes++
			}
			t.Tests[string(test)] = sides
		}
	}
	return t
}

// shown is the report of a version, 0 for all of them.
func shown(w *world, of string, version int64) tally {
	w.T.Helper()
	r, err := w.Statistics.Of(w.T.Context(), w.Row("msdyn_sequence", of), version)
	if err != nil {
		w.T.Fatal(err)
	}
	t := tally{r.Targets, r.Reasons, map[string][5]int64{}, map[string][2]sequence.Side{}}
	for _, s := range r.Steps {
		if counts := [5]int64{s.InProgress, s.Completed, s.Skipped, s.Canceled, s.Seconds}; counts != [5]int64{} {
			t.Steps[string(s.ID)] = counts
		}
	}
	for _, s := range r.Tests {
		if s.Sides != [2]sequence.Side{} {
			t.Tests[string(s.ID)] = s.Sides
		}
	}
	return t
}

// right checks that what is shown of a sequence is what rows make of it.
func right(w *world, of string, targets, steps []*rows.Row) {
	w.T.Helper()
	for version := range w.Row("msdyn_sequence", of).Int(name.MsdynVersion) + 1 {
		if d := cmp.Diff(naive(of, version, targets, steps), shown(w, of, version), cmpopts.EquateEmpty()); d != "" {
			w.T.Errorf("version %d of %s (-naive +shown):\n%s", version, of, d)
		}
	}
}

// rightNow is right by the rows that are there.
func rightNow(w *world, of string) {
	w.T.Helper()
	right(w, of, all(w, name.SequenceTarget), all(w, name.SequenceTargetStep))
}

// recount runs a recount to its end.
func recount(w *world) statistics.Differences {
	w.T.Helper()
	job, err := w.BeginStatistics(w.T.Context())
	if err != nil {
		w.T.Fatal(err)
	}
	w.Settle()
	found, ok, err := w.StatisticsFound(w.T.Context(), job)
	if err != nil || !ok {
		w.T.Fatalf("the recount has not ended: %v", err)
	}
	return found
}
