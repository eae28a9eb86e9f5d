package salestest

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// Statuses and reasons as the wire has them (docs/domain.md §4.2, §4.3).
const (
	Completed    = 3
	Disconnected = 5

	ByUser       = 0
	SequenceGone = 1
	RecordClosed = 2
	PathDone     = 4

	StepOpen      = 1
	StepCompleted = 2
	StepSkipped   = 3
	StepCancelled = 4

	LeadContacted int64 = 2
	LeadQualified int64 = 3
	LeadLost      int64 = 4
)

// Refused checks that err is a refusal of a kind whose public text has all the
// parts.
func Refused(t testing.TB, err error, kind sales.Kind, parts ...string) {
	t.Helper()
	refusal, ok := errors.AsType[*sales.Error](err)
	if !ok || !errors.Is(err, kind) {
		t.Errorf("got %v, want %q", err, kind)
		return
	}
	for _, part := range parts {
		if !strings.Contains(refusal.Text, part) {
			t.Errorf("%q does not say %q", refusal.Text, part)
		}
	}
}

// Untouched checks that do leaves every item of the store as it is.
func (w *World) Untouched(t testing.TB, do func()) {
	t.Helper()
	before := Scan(t, w.Store)
	do()
	if d := cmp.Diff(before, Scan(t, w.Store)); d != "" {
		t.Errorf("the store changed (-before +after):\n%s", d)
	}
}

// Refuses checks that a call is refused and leaves no trace.
func (w *World) Refuses(t testing.TB, kind sales.Kind, call func() error, parts ...string) {
	t.Helper()
	w.Untouched(t, func() { Refused(t, call(), kind, parts...) })
}

// List returns the rows that match equalities.
func (w *World) List(table string, equal Values) []*rows.Row {
	w.T.Helper()
	where := &filter.Group{Logic: filter.And}
	for column, v := range equal {
		where.Items = append(where.Items, &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{schematest.Of(v)}})
	}
	page, err := w.Entities.List(w.T.Context(), Manager(), table, query.Query{Where: where, Limit: 1000})
	if err != nil {
		w.T.Fatal(err)
	}
	return page.Rows
}

// Target is the only target that a record ever had.
func (w *World) Target(record rows.Ref) *rows.Row {
	w.T.Helper()
	found := w.List("msdyn_sequencetarget", Values{"msdyn_target": Lookup(record)})
	if len(found) != 1 {
		w.T.Fatalf("%v has %d targets, want 1", record, len(found))
	}
	return found[0]
}

// Step is the current step of a target.
func (w *World) Step(target *rows.Row) *rows.Row {
	w.T.Helper()
	return w.Row("msdyn_sequencetargetstep", target.Lookup("segue_currentstep").ID)
}

// Finish completes (2) or skips (3) the current step of a target and returns the
// target as it is then.
func (w *World) Finish(target *rows.Row, status int64) *rows.Row {
	w.T.Helper()
	w.Update("msdyn_sequencetargetstep", w.Step(target).ID, Values{"statuscode": status})
	return w.Row("msdyn_sequencetarget", target.ID)
}

// Ended checks how a target ended: its status and reason, with its current step
// cancelled, done or skipped.
func (w *World) Ended(target *rows.Row, status, reason, step int64) {
	w.T.Helper()
	now := w.Row("msdyn_sequencetarget", target.ID)
	current := w.Step(now)
	got := []int64{now.Int("statecode"), now.Int("statuscode"), now.Int("msdyn_deactivatereason"), current.Int("statecode"), current.Int("statuscode")}
	if d := cmp.Diff([]int64{1, status, reason, 1, step}, got); d != "" {
		w.T.Errorf("target's state, status and reason, step's state and status (-want +got):\n%s", d)
	}
}

// On returns the segment that a record is in and whether it is connected.
func (w *World) On(record rows.Ref) (segment string, connected bool) {
	w.T.Helper()
	row := w.Row(record.Table, record.ID)
	return row.Lookup("msdyn_segmentid").ID, row.Is("segue_connected")
}

// Member checks the segment of a record and whether it is connected.
func (w *World) Member(record rows.Ref, segment string, connected bool) {
	w.T.Helper()
	in, is := w.On(record)
	if in != segment || is != connected {
		w.T.Errorf("%v is in segment %q and connected %t, want %q and %t", record, in, is, segment, connected)
	}
}

// Decided checks the receipt of a record's last evaluation; zeros for none.
func (w *World) Decided(record rows.Ref, segmentation, connection int64) {
	w.T.Helper()
	if s, c := w.receipt(record); s != segmentation || c != connection {
		w.T.Errorf("segmentation status %d and connection status %d, want %d and %d", s, c, segmentation, connection)
	}
}

func (w *World) receipt(record rows.Ref) (segmented, connection int64) {
	w.T.Helper()
	row := w.Row(record.Table, record.ID)
	text := row.Text("segue_evaluation")
	if text == "" {
		return 0, 0
	}
	var e segmentation.Evaluation
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		w.T.Fatal(err)
	}
	if row.Text("segue_because") == "" {
		w.T.Error("an evaluation without a reason")
	}
	return int64(e.Segmentation), int64(e.Connection)
}
