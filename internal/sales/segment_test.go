package sales_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// inactive makes a segment of leads that is not active.
func (w *world) inactive(n int, v values) string {
	w.t.Helper()
	all := values{"msdyn_name": fmt.Sprintf("Segment %d", n), "msdyn_objecttype": "lead"}
	for column, value := range v {
		all[column] = value
	}
	w.create("msdyn_segment", id("segment", n), all)
	return id("segment", n)
}

// where is the JSON of an and of conditions.
func where(conditions ...string) string {
	return `{"type":"and","items":[` + strings.Join(conditions, ",") + `]}`
}

// priorities are the segments of leads by priority, as a client reads them; 0
// is the default segment.
func (w *world) priorities() []int {
	w.t.Helper()
	byPlace := map[int64]int{}
	for _, row := range w.list("msdyn_segment", nil) {
		if row.Text("msdyn_objecttype") != "lead" {
			continue
		}
		n := 0
		if !row.Is("segue_isdefault") {
			if _, err := fmt.Sscanf(row.Text("msdyn_name"), "Segment %d", &n); err != nil {
				w.t.Fatal(err)
			}
		}
		byPlace[row.Int("segue_priority")] = n
	}
	var order []int
	for place := int64(1); len(order) < len(byPlace); place++ {
		n, ok := byPlace[place]
		if !ok {
			w.t.Fatalf("no segment has priority %d of %v", place, byPlace)
		}
		order = append(order, n)
	}
	return order
}

func (w *world) ordered(want ...int) {
	w.t.Helper()
	if d := cmp.Diff(want, w.priorities(), cmpopts.EquateEmpty()); d != "" {
		w.t.Errorf("segments by priority (-want +got):\n%s", d)
	}
}

// defaultSegment is the default segment of leads.
func (w *world) defaultSegment() *rows.Row {
	w.t.Helper()
	for _, row := range w.list("msdyn_segment", nil) {
		if row.Is("segue_isdefault") && row.Text("msdyn_objecttype") == "lead" {
			return row
		}
	}
	w.t.Fatal("there is no default segment")
	return nil
}

func TestSegment_5_4_IsCreatedInactive(t *testing.T) {
	w := newWorld(t, sales.Options{})
	row := w.row("msdyn_segment", w.inactive(1, nil))
	if d := cmp.Diff([]int64{1, 2, 4}, []int64{row.Int("statecode"), row.Int("statuscode"), row.Int("msdyn_objecttypecode")}); d != "" {
		t.Errorf("state, status, type code (-want +got):\n%s", d)
	}
	for name, v := range map[string]values{
		"created inactive":                        {"msdyn_name": "A", "msdyn_objecttype": "lead", "statecode": int64(0)},
		"rows of task cannot be connected":        {"msdyn_name": "A", "msdyn_objecttype": "task"},
		`there is no table "leda"`:                {"msdyn_name": "A", "msdyn_objecttype": "leda"},
		"msdyn_entityfilter: filter":              {"msdyn_name": "A", "msdyn_objecttype": "lead", "msdyn_entityfilter": `{`},
		"msdyn_segment.segue_isdefault":           {"msdyn_name": "A", "msdyn_objecttype": "lead", "segue_isdefault": true},
		"msdyn_sequence With Id = " + id("no", 1): {"msdyn_name": "A", "msdyn_objecttype": "lead", "msdyn_sequence": link("msdyn_sequence", id("no", 1))},
	} {
		w.untouched(t, func() {
			_, err := w.Create(t.Context(), manager(), "msdyn_segment", "", v)
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want … %s …", err, name)
			}
		})
	}
}

func TestSegment_5_4_ActivateAndDeactivate(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.inactive(1, values{"msdyn_entityfilter": where(web)})
	for i, state := range []int64{0, 1, 0, 2, 0} {
		w.update("msdyn_segment", seg, values{"statecode": state})
		lead := w.lead(i, values{sources: int64(8)})
		w.settle()
		if in, _ := w.on(lead); (in == seg) != (state == 0) {
			t.Errorf("in state %d a lead that matches is in %q", state, in)
		}
	}
}

func TestSegment_RecordTypeNeverChanges(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.inactive(1, nil)
	w.refuses(t, sales.Precondition, func() error {
		return w.change("msdyn_segment", seg, values{"msdyn_objecttype": "opportunity"})
	}, "never changes")
}

// domain.md §2, §17.4: ten conditions, counted in nested groups too.
func TestSegment_2_TenConditions(t *testing.T) {
	w := newWorld(t, sales.Options{})
	nested := func(n int) string {
		return where(web, `{"type":"or","items":[`+strings.TrimSuffix(strings.Repeat(hot+",", n-1), ",")+`]}`)
	}
	seg := w.inactive(1, values{"msdyn_entityfilter": nested(10)})
	w.update("msdyn_segment", seg, values{"statecode": int64(0)})
	eleven := nested(11)
	w.refuses(t, sales.Limit, func() error { return w.change("msdyn_segment", seg, values{"msdyn_entityfilter": eleven}) }, "msdyn_entityfilter", "limit reached", "11")
	w.refuses(t, sales.Limit, func() error {
		_, err := w.Create(t.Context(), manager(), "msdyn_segment", "", values{"msdyn_name": "A", "msdyn_objecttype": "lead", "msdyn_entityfilter": eleven})
		return err
	}, "limit reached")
}

func TestSegment_9_1_ConditionsAreChecked(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.inactive(1, nil)
	for name, test := range map[string]struct{ conditions, node string }{
		"unknown column":  {`{"attribute":"colour","operator":"eq","values":["red"]}`, "items[1]"},
		"hidden column":   {`{"attribute":"segue_live","operator":"null"}`, "items[1]"},
		"wrong type":      {`{"attribute":"leadsourcecode","operator":"eq","values":["Web"]}`, "items[1].values[0]"},
		"no such option":  {`{"attribute":"leadsourcecode","operator":"eq","values":[77]}`, "items[1].values[0]"},
		"wrong operator":  {`{"attribute":"leadsourcecode","operator":"gt","values":[8]}`, "items[1]"},
		"too many values": {`{"attribute":"leadsourcecode","operator":"eq","values":[8,9]}`, "items[1]"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			w.refuses(t, sales.Invalid, func() error {
				err = w.change("msdyn_segment", seg, values{"msdyn_entityfilter": where(web, test.conditions)})
				return err
			}, "msdyn_entityfilter", test.node)
			if wrong, ok := errors.AsType[*filter.Error](err); !ok || wrong.Node != test.node {
				t.Errorf("got %+v, want an error of node %s", wrong, test.node)
			}
		})
	}
}

func TestSegment_2_250Active(t *testing.T) {
	w := newWorld(t, sales.Options{})
	for n := range 250 {
		w.segment(n, web, "", nil)
	}
	more := w.inactive(1000, values{"msdyn_entityfilter": where(web)})
	activate := func() error { return w.change("msdyn_segment", more, values{"statecode": int64(0)}) }
	w.refuses(t, sales.Limit, activate, "limit", "250", "deactivate one first")
	w.update("msdyn_segment", id("segment", 7), values{"statecode": int64(1)})
	if err := activate(); err != nil {
		t.Fatal(err)
	}
	again := func() error { return w.change("msdyn_segment", id("segment", 7), values{"statecode": int64(0)}) }
	w.refuses(t, sales.Limit, again, "limit")
	if err := w.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: more}, sales.If{}); err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}

func TestSegment_ActivationNeedsAConditionThatCanBeEvaluated(t *testing.T) {
	w := newWorld(t, sales.Options{})
	empty := w.inactive(1, nil)
	w.refuses(t, sales.Precondition, func() error { return w.change("msdyn_segment", empty, values{"statecode": int64(0)}) }, "no condition")
	related := w.inactive(2, values{"msdyn_entityfilter": where(`{"relationship":"lead_parent_account","mode":"contains"}`)})
	w.refuses(t, sales.Invalid, func() error { return w.change("msdyn_segment", related, values{"statecode": int64(0)}) }, "items[0]", "related rows")
}

func TestSegment_8_2_NewSegmentTakesPriorityOfNewest(t *testing.T) {
	w := newWorld(t, sales.Options{})
	w.inactive(1, nil)
	w.ordered(1, 0)
	w.inactive(2, nil)
	w.ordered(2, 1, 0)
	w.update("msdyn_segment", id("segment", 2), values{"segue_priority": int64(2)})
	w.ordered(1, 2, 0)
	w.inactive(3, nil) // where segment 2 was
	w.ordered(1, 3, 2, 0)
	w.inactive(4, values{"segue_priority": int64(1)})
	w.ordered(4, 1, 3, 2, 0)
}

// domain.md §17.6: in the middle renumbers, the default stays last.
func TestSegment_8_2_ChangingAPriorityRenumbersTheOthers(t *testing.T) {
	w := newWorld(t, sales.Options{})
	for n := 4; n > 0; n-- {
		w.inactive(n, values{"segue_priority": int64(1)})
	}
	w.ordered(1, 2, 3, 4, 0)
	for _, move := range []struct {
		segment  int
		position int64
		want     []int
	}{
		{4, 2, []int{1, 4, 2, 3, 0}},
		{1, 3, []int{4, 2, 1, 3, 0}},
		{4, 1000, []int{2, 1, 3, 4, 0}},
	} {
		w.update("msdyn_segment", id("segment", move.segment), values{"segue_priority": move.position})
		w.ordered(move.want...)
	}
	w.update("msdyn_segment", w.defaultSegment().ID, values{"segue_priority": int64(1)})
	w.ordered(2, 1, 3, 4, 0)
	if err := w.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: id("segment", 1)}, sales.If{}); err != nil {
		t.Fatal(err)
	}
	w.ordered(2, 3, 4, 0)
}

func TestSegment_4_4_TheWholeOrderAtOnce(t *testing.T) {
	w := newWorld(t, sales.Options{})
	for n := 3; n > 0; n-- {
		w.inactive(n, nil)
	}
	orders := w.list("msdyn_segmentattribute", nil)
	if len(orders) != 1 || orders[0].Text("msdyn_objecttype") != "lead" {
		t.Fatalf("%d orders", len(orders))
	}
	set := func(ids ...string) error {
		text, err := json.Marshal(ids)
		if err != nil {
			t.Fatal(err)
		}
		return w.change("msdyn_segmentattribute", orders[0].ID, values{"msdyn_segmentpriorityorder": string(text)})
	}
	one, two, three, last := id("segment", 1), id("segment", 2), id("segment", 3), w.defaultSegment().ID
	if err := set(last, three, one, two); err != nil { // the default goes to the end by itself
		t.Fatal(err)
	}
	w.ordered(3, 1, 2, 0)
	for name, ids := range map[string][]string{
		"one left out":    {three, one, last},
		"one twice":       {three, three, one, two, last},
		"one too many":    {three, one, two, last, id("segment", 9)},
		"another for one": {three, one, id("segment", 9), last},
		"nothing":         {},
	} {
		t.Run(name, func(t *testing.T) {
			w.refuses(t, sales.Invalid, func() error { return set(ids...) }, "msdyn_segmentpriorityorder", "once")
		})
	}
	w.refuses(t, sales.Invalid, func() error {
		return w.change("msdyn_segmentattribute", orders[0].ID, values{"msdyn_segmentpriorityorder": "1, 2"})
	}, "no JSON array")
	w.refuses(t, sales.Precondition, func() error {
		_, err := w.Create(t.Context(), manager(), "msdyn_segmentattribute", "", values{"msdyn_objecttype": "account"})
		return err
	}, "made with its first segment")
	w.refuses(t, sales.Precondition, func() error { return w.Delete(t.Context(), manager(), orders[0].Ref(), sales.If{}) }, "cannot be deleted")
}

func TestSegment_8_2_DefaultSegment(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seg := w.segment(1, web, "", nil)
	last := w.defaultSegment()
	if last.Int("statecode") != 1 || last.Int("segue_priority") != 2 {
		t.Errorf("the default segment is %v", last.Values())
	}
	w.refuses(t, sales.Precondition, func() error { return w.Delete(t.Context(), manager(), last.Ref(), sales.If{}) }, "default segment", "deactivate it")
	w.refuses(t, sales.Precondition, func() error {
		return w.change("msdyn_segment", last.ID, values{"msdyn_entityfilter": where(web)})
	}, "it has no conditions")
	w.update("msdyn_segment", last.ID, values{"statecode": int64(0)})
	match, rest := w.lead(1, values{sources: int64(8)}), w.lead(2, values{sources: int64(1)})
	w.settle()
	w.member(match, seg, false)
	w.member(rest, last.ID, false)
	w.update("msdyn_segment", last.ID, values{"statecode": int64(1)}) // may be deactivated
	rest = w.lead(3, nil)
	w.settle()
	w.member(rest, "", false)
}

// Every record type has an order of its own.
func TestSegment_OrdersAreByRecordType(t *testing.T) {
	w := newWorld(t, sales.Options{})
	w.inactive(1, nil)
	deal := w.inactive(2, values{"msdyn_objecttype": "opportunity"})
	w.ordered(1, 0)
	if got := w.row("msdyn_segment", deal); got.Int("segue_priority") != 1 || got.Int("msdyn_objecttypecode") != 3 {
		t.Errorf("the first of opportunities is %v", got.Values())
	}
	w.update("msdyn_segment", deal, values{"statecode": int64(1), "msdyn_entityfilter": where(`{"attribute":"name","operator":"eq","values":["Big"]}`)})
	w.update("msdyn_segment", deal, values{"statecode": int64(0)})
	in, out := w.opportunity(1, values{"name": "big "}), w.opportunity(2, nil)
	w.settle()
	w.member(in, deal, false)
	w.member(out, "", false)
}

func TestSegment_8_5_OneSequenceAtATime(t *testing.T) {
	w := newWorld(t, sales.Options{})
	first, second, deals := w.sequence(1, "lead"), w.sequence(2, "lead"), w.sequence(3, "opportunity")
	seg := w.segment(1, web, first, nil)
	attach := func(sequence schema.Value) error {
		return w.change("msdyn_segment", seg, values{"msdyn_sequence": sequence})
	}
	w.refuses(t, sales.Precondition, func() error { return attach(link("msdyn_sequence", second)) }, "detach it first")
	if err := attach(nil); err != nil {
		t.Fatal(err)
	}
	w.refuses(t, sales.Precondition, func() error { return attach(link("msdyn_sequence", deals)) }, "is for opportunity", "the segment for lead")
	w.refuses(t, sales.NotFound, func() error { return attach(link("msdyn_sequence", id("no", 1))) }, id("no", 1))
	if err := attach(link("msdyn_sequence", second)); err != nil {
		t.Fatal(err)
	}
	w.segment(2, hot, second, nil) // several segments may share a sequence
	w.refuses(t, sales.Precondition, func() error {
		_, err := w.Create(t.Context(), manager(), "msdyn_segment", "", values{
			"msdyn_name": "A", "msdyn_objecttype": "lead", "msdyn_sequence": link("msdyn_sequence", deals),
		})
		return err
	}, "is for opportunity")
	if err := w.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: first}, sales.If{}); err != nil {
		t.Fatal(err)
	}
	if err := attach(nil); err != nil {
		t.Fatal(err)
	}
	w.refuses(t, sales.NotFound, func() error { return attach(link("msdyn_sequence", first)) }, first) // though it is not swept yet
}
