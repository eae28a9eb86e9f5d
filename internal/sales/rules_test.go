package sales_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// refused checks that err is a refusal of a kind whose public text has all the
// parts.
func refused(t testing.TB, err error, kind sales.Kind, parts ...string) {
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

// untouched checks that do leaves every item of the store as it is.
func (w *world) untouched(t testing.TB, do func()) {
	t.Helper()
	before := scan(t, w.store)
	do()
	if d := cmp.Diff(before, scan(t, w.store)); d != "" {
		t.Errorf("the store changed (-before +after):\n%s", d)
	}
}

// refuses checks that a call is refused and leaves no trace.
func (w *world) refuses(t testing.TB, kind sales.Kind, call func() error, parts ...string) {
	t.Helper()
	w.untouched(t, func() { refused(t, call(), kind, parts...) })
}

// change is an update by the manager that may be refused.
func (w *world) change(table, id string, v values) error {
	_, _, err := w.Update(w.t.Context(), manager(), rows.Ref{Table: table, ID: id}, v, sales.If{Exists: true})
	return err
}

// try is a connect by the manager that may be refused.
func (w *world) try(record rows.Ref, sequence string) error {
	_, err := w.Connect(w.t.Context(), manager(), sales.ConnectInput{Record: record, Sequence: sequence})
	return err
}

// list is the rows that match equalities.
func (w *world) list(table string, equal values) []*rows.Row {
	w.t.Helper()
	where := &filter.Group{Logic: filter.And}
	for column, v := range equal {
		where.Items = append(where.Items, &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}})
	}
	page, err := w.List(w.t.Context(), manager(), table, where, 1000, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return page.Rows
}

// target is the only target that a record ever had.
func (w *world) target(record rows.Ref) *rows.Row {
	w.t.Helper()
	found := w.list("msdyn_sequencetarget", values{"msdyn_target": lookup(record)})
	if len(found) != 1 {
		w.t.Fatalf("%v has %d targets, want 1", record, len(found))
	}
	return found[0]
}

// step is the current step of a target.
func (w *world) step(target *rows.Row) *rows.Row {
	w.t.Helper()
	return w.row("msdyn_sequencetargetstep", target.Lookup("segue_currentstep").ID)
}

// finish completes (2) or skips (3) the current step of a target and answers
// the target as it is then.
func (w *world) finish(target *rows.Row, status int64) *rows.Row {
	w.t.Helper()
	w.update("msdyn_sequencetargetstep", w.step(target).ID, values{"statuscode": status})
	return w.row("msdyn_sequencetarget", target.ID)
}

// ended checks how a target ended: its status and reason, with its current step
// cancelled, done or skipped, and the record free.
func (w *world) ended(target *rows.Row, status, reason, step int64) {
	w.t.Helper()
	now := w.row("msdyn_sequencetarget", target.ID)
	current := w.step(now)
	got := []int64{now.Int("statecode"), now.Int("statuscode"), now.Int("msdyn_deactivatereason"), current.Int("statecode"), current.Int("statuscode")}
	if d := cmp.Diff([]int64{1, status, reason, 1, step}, got); d != "" {
		w.t.Errorf("target's state, status and reason, step's state and status (-want +got):\n%s", d)
	}
}

// Statuses and reasons as the wire has them (domain.md §4.2, §4.3).
const (
	completed, disconnected                                   = 3, 5
	byUser, sequenceGone, recordClosed, pathDone              = 0, 1, 2, 4
	stepOpen, stepCompleted, stepSkipped, stepCancelled       = 1, 2, 3, 4
	leadNew, leadContacted, leadQualified, leadLost     int64 = 1, 2, 3, 4
)

// on is the segment that a record is in and the sequences that it is on.
func (w *world) on(record rows.Ref) (segment string, connected bool) {
	w.t.Helper()
	row := w.row(record.Table, record.ID)
	return row.Lookup("msdyn_segmentid").ID, row.Is("segue_connected")
}

// member checks the segment of a record and whether it is connected.
func (w *world) member(record rows.Ref, segment string, connected bool) {
	w.t.Helper()
	in, is := w.on(record)
	if in != segment || is != connected {
		w.t.Errorf("%v is in segment %q and connected %t, want %q and %t", record, in, is, segment, connected)
	}
}

// receipt is what a record's last evaluation decided.
func (w *world) receipt(record rows.Ref) (segmentation, connection int64) {
	w.t.Helper()
	text := w.row(record.Table, record.ID).Text("segue_evaluation")
	if text == "" {
		return 0, 0
	}
	var e sales.Evaluation
	if err := json.Unmarshal([]byte(text), &e); err != nil {
		w.t.Fatal(err)
	}
	if e.Because == "" {
		w.t.Error("an evaluation without a reason")
	}
	return int64(e.Segmentation), int64(e.Connection)
}

// decided checks the receipt of a record.
func (w *world) decided(record rows.Ref, segmentation, connection int64) {
	w.t.Helper()
	if s, c := w.receipt(record); s != segmentation || c != connection {
		w.t.Errorf("segmentation status %d and connection status %d, want %d and %d", s, c, segmentation, connection)
	}
}

func lookup(ref rows.Ref) schema.Lookup { return schema.Lookup{Table: ref.Table, ID: ref.ID} }

func link(table, id string) schema.Lookup { return schema.Lookup{Table: table, ID: id} }

// opportunity makes an open opportunity.
func (w *world) opportunity(n int, v values) rows.Ref {
	w.t.Helper()
	all := values{"name": "Opportunity"}
	for column, value := range v {
		all[column] = value
	}
	return w.create("opportunity", id("opportunity", n), all).Ref()
}
