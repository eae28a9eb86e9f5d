package segmentation_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

func TestSegment_5_4_IsCreatedInactive(t *testing.T) {
	w := newWorld(t, boot.Options{})
	row := w.Row("msdyn_segment", w.Inactive(1, nil))
	if d := cmp.Diff([]int64{1, 2, 4}, []int64{row.Int("statecode"), row.Int("statuscode"), row.Int("msdyn_objecttypecode")}); d != "" {
		t.Errorf("state, status, type code (-want +got):\n%s", d)
	}
	for name, v := range map[string]values{
		"created inactive":                        {"msdyn_name": "A", "msdyn_objecttype": "lead", "statecode": int64(0)},
		"rows of task cannot be connected":        {"msdyn_name": "A", "msdyn_objecttype": "task"},
		`table "leda" does not exist`:             {"msdyn_name": "A", "msdyn_objecttype": "leda"},
		"msdyn_entityfilter: filter":              {"msdyn_name": "A", "msdyn_objecttype": "lead", "msdyn_entityfilter": `{`},
		"msdyn_segment.segue_isdefault":           {"msdyn_name": "A", "msdyn_objecttype": "lead", "segue_isdefault": true},
		"msdyn_sequence With Id = " + id("no", 1): {"msdyn_name": "A", "msdyn_objecttype": "lead", "msdyn_sequence": link("msdyn_sequence", id("no", 1))},
	} {
		w.Untouched(t, func() {
			_, err := w.Entities.Create(t.Context(), manager(), "msdyn_segment", "", schematest.Row(v))
			if err == nil || !strings.Contains(err.Error(), name) {
				t.Errorf("got %v, want … %s …", err, name)
			}
		})
	}
}

func TestSegment_5_4_ActivateAndDeactivate(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Inactive(1, values{"msdyn_entityfilter": where(web)})
	for i, state := range []int64{0, 1, 0, 2, 0} {
		w.Update("msdyn_segment", seg, values{"statecode": state})
		lead := w.Lead(i, values{sources: int64(8)})
		w.Settle()
		if in, _ := w.On(lead); (in == seg) != (state == 0) {
			t.Errorf("in state %d a lead that matches is in %q", state, in)
		}
	}
}

func TestSegment_RecordTypeNeverChanges(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Inactive(1, nil)
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_segment", seg, values{"msdyn_objecttype": "opportunity"})
	}, "never changes")
}

// docs/domain.md §2, §17.4: ten conditions, counted in nested groups too.
func TestSegment_2_TenConditions(t *testing.T) {
	w := newWorld(t, boot.Options{})
	nested := func(n int) string {
		return where(web, `{"type":"or","items":[`+strings.TrimSuffix(strings.Repeat(hot+",", n-1), ",")+`]}`)
	}
	seg := w.Inactive(1, values{"msdyn_entityfilter": nested(10)})
	w.Update("msdyn_segment", seg, values{"statecode": int64(0)})
	eleven := nested(11)
	w.Refuses(t, sales.Limit, func() error { return w.TryUpdate("msdyn_segment", seg, values{"msdyn_entityfilter": eleven}) }, "msdyn_entityfilter", "limit reached", "11")
	w.Refuses(t, sales.Limit, func() error {
		_, err := w.Entities.Create(t.Context(), manager(), "msdyn_segment", "", schematest.Row(values{"msdyn_name": "A", "msdyn_objecttype": "lead", "msdyn_entityfilter": eleven}))
		return err
	}, "limit reached")
}

// uses returns how much of which limit a refusal says is used.
func uses(t *testing.T, err error) sales.Use {
	t.Helper()
	use, ok := errors.AsType[sales.Use](err)
	if !ok {
		t.Fatalf("%v does not say how much of the limit is used", err)
	}
	return use
}

// setLimits sets columns of the organization.
func setLimits(t *testing.T, w *world, v values) {
	t.Helper()
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), ref, schematest.Row(v), entity.If{Exists: true}); err != nil {
		t.Fatal(err)
	}
}

// docs/domain.md §2: the organization sets how many segments may be active and how many
// conditions they may have. What is there when a limit is lowered stays.
func TestSegment_2_LimitsAreSettings(t *testing.T) {
	w := newWorld(t, boot.Options{})
	set := func(v values) { setLimits(t, w, v) }
	many := func(n int) string { return where(strings.TrimSuffix(strings.Repeat(web+",", n), ",")) }
	set(values{"segue_maxsegmentconditions": int64(12), "segue_maxactivesegments": int64(2)})
	first := w.Inactive(1, values{"msdyn_entityfilter": many(12)})
	activate := func(segment string) error {
		return w.TryUpdate("msdyn_segment", segment, values{"statecode": int64(0)})
	}
	if err := activate(first); err != nil {
		t.Fatal(err)
	}
	err := w.TryUpdate("msdyn_segment", first, values{"msdyn_entityfilter": many(13)})
	if d := cmp.Diff(sales.Use{Name: sales.SegmentConditions, Used: 13, Most: 12}, uses(t, err)); d != "" {
		t.Errorf("13 conditions (-want +got):\n%s", d)
	}
	w.Segment(2, web, "", nil)
	third := w.Inactive(3, values{"msdyn_entityfilter": many(1)})
	if d := cmp.Diff(sales.Use{Name: sales.ActiveSegments, Used: 2, Most: 2}, uses(t, activate(third))); d != "" {
		t.Errorf("a third active one (-want +got):\n%s", d)
	}

	set(values{"segue_maxsegmentconditions": nil, "segue_maxactivesegments": int64(1)}) // 10 again
	w.Update("msdyn_segment", first, values{"msdyn_description": "has twelve"})
	w.Settle()
	lead := w.Lead(1, values{sources: int64(8)})
	w.Settle()
	if in, _ := w.On(lead); in == "" {
		t.Error("a segment with more conditions than are allowed now does not evaluate")
	}
	if d := cmp.Diff(sales.Use{Name: sales.ActiveSegments, Used: 2, Most: 1}, uses(t, activate(third))); d != "" {
		t.Errorf("two of one (-want +got):\n%s", d)
	}
	w.Update("msdyn_segment", first, values{"statecode": int64(1)})
	if d := cmp.Diff(sales.Use{Name: sales.SegmentConditions, Used: 12, Most: 10}, uses(t, activate(first))); d != "" {
		t.Errorf("activated again (-want +got):\n%s", d)
	}
}

func TestSegment_9_1_ConditionsAreChecked(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Inactive(1, nil)
	for name, test := range map[string]struct{ conditions, node string }{
		"unknown column":  {`{"attribute":"colour","operator":"eq","values":["red"]}`, "items[1]"},
		"hidden column":   {`{"attribute":"segue_live","operator":"null"}`, "items[1]"},
		"wrong type":      {`{"attribute":"leadsourcecode","operator":"eq","values":["Web"]}`, "items[1].values[0]"},
		"no such option":  {`{"attribute":"leadsourcecode","operator":"eq","values":[77]}`, "items[1].values[0]"},
		"wrong operator":  {`{"attribute":"leadsourcecode","operator":"gt","values":[8]}`, "items[1]"},
		"too many values": {`{"attribute":"leadsourcecode","operator":"eq","values":[8,9]}`, "items[1]"},
		"caller's own":    {`{"attribute":"ownerid","operator":"eq-userid"}`, "items[1]"},
	} {
		t.Run(name, func(t *testing.T) {
			var err error
			w.Refuses(t, sales.Invalid, func() error {
				err = w.TryUpdate("msdyn_segment", seg, values{"msdyn_entityfilter": where(web, test.conditions)})
				return err
			}, "msdyn_entityfilter", test.node)
			if wrong, ok := errors.AsType[*filter.Error](err); !ok || wrong.Node != test.node {
				t.Errorf("got %+v, want an error of node %s", wrong, test.node)
			}
		})
	}
}

func TestSegment_2_250Active(t *testing.T) {
	w := newWorld(t, boot.Options{})
	for n := range 250 {
		w.Segment(n, web, "", nil)
	}
	more := w.Inactive(1000, values{"msdyn_entityfilter": where(web)})
	activate := func() error { return w.TryUpdate("msdyn_segment", more, values{"statecode": int64(0)}) }
	w.Refuses(t, sales.Limit, activate, "limit", "250", "deactivate one first")
	w.Update("msdyn_segment", id("segment", 7), values{"statecode": int64(1)})
	if err := activate(); err != nil {
		t.Fatal(err)
	}
	again := func() error { return w.TryUpdate("msdyn_segment", id("segment", 7), values{"statecode": int64(0)}) }
	w.Refuses(t, sales.Limit, again, "limit")
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: more}, entity.If{}); err != nil {
		t.Fatal(err)
	}
	if err := again(); err != nil {
		t.Error(err)
	}
}

func TestSegment_ActivationNeedsACondition(t *testing.T) {
	w := newWorld(t, boot.Options{})
	empty := w.Inactive(1, nil)
	w.Refuses(t, sales.Precondition, func() error { return w.TryUpdate("msdyn_segment", empty, values{"statecode": int64(0)}) }, "no condition")
	w.Inactive(2, values{"msdyn_entityfilter": where(noOpenTask)}) // it has one: the relationship itself
	w.Update("msdyn_segment", id("segment", 2), values{"statecode": int64(0)})
}

func TestSegment_8_2_NewSegmentTakesPriorityOfNewest(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Inactive(1, nil)
	w.Ordered(1, 0)
	w.Inactive(2, nil)
	w.Ordered(2, 1, 0)
	w.Update("msdyn_segment", id("segment", 2), values{"segue_priority": int64(2)})
	w.Ordered(1, 2, 0)
	w.Inactive(3, nil) // where segment 2 was
	w.Ordered(1, 3, 2, 0)
	w.Inactive(4, values{"segue_priority": int64(1)})
	w.Ordered(4, 1, 3, 2, 0)
}

// docs/domain.md §17.6: in the middle renumbers, the default stays last.
func TestSegment_8_2_ChangingAPriorityRenumbersTheOthers(t *testing.T) {
	w := newWorld(t, boot.Options{})
	for n := 4; n > 0; n-- {
		w.Inactive(n, values{"segue_priority": int64(1)})
	}
	w.Ordered(1, 2, 3, 4, 0)
	for _, move := range []struct {
		segment  int
		position int64
		want     []int
	}{
		{4, 2, []int{1, 4, 2, 3, 0}},
		{1, 3, []int{4, 2, 1, 3, 0}},
		{4, 1000, []int{2, 1, 3, 4, 0}},
	} {
		w.Update("msdyn_segment", id("segment", move.segment), values{"segue_priority": move.position})
		w.Ordered(move.want...)
	}
	w.Update("msdyn_segment", w.DefaultSegment().ID, values{"segue_priority": int64(1)})
	w.Ordered(2, 1, 3, 4, 0)
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: id("segment", 1)}, entity.If{}); err != nil {
		t.Fatal(err)
	}
	w.Ordered(2, 3, 4, 0)
}

func TestSegment_4_4_TheWholeOrderAtOnce(t *testing.T) {
	w := newWorld(t, boot.Options{})
	for n := 3; n > 0; n-- {
		w.Inactive(n, nil)
	}
	orders := w.List("msdyn_segmentattribute", nil)
	if len(orders) != 1 || orders[0].Text("msdyn_objecttype") != "lead" {
		t.Fatalf("%d orders", len(orders))
	}
	set := func(ids ...string) error {
		text, err := json.Marshal(ids)
		if err != nil {
			t.Fatal(err)
		}
		return w.TryUpdate("msdyn_segmentattribute", orders[0].ID, values{"msdyn_segmentpriorityorder": string(text)})
	}
	one, two, three, last := id("segment", 1), id("segment", 2), id("segment", 3), w.DefaultSegment().ID
	if err := set(last, three, one, two); err != nil { // the default goes to the end by itself
		t.Fatal(err)
	}
	w.Ordered(3, 1, 2, 0)
	for name, ids := range map[string][]string{
		"one left out":    {three, one, last},
		"one twice":       {three, three, one, two, last},
		"one too many":    {three, one, two, last, id("segment", 9)},
		"another for one": {three, one, id("segment", 9), last},
		"nothing":         {},
	} {
		t.Run(name, func(t *testing.T) {
			w.Refuses(t, sales.Invalid, func() error { return set(ids...) }, "msdyn_segmentpriorityorder", "once")
		})
	}
	w.Refuses(t, sales.Invalid, func() error {
		return w.TryUpdate("msdyn_segmentattribute", orders[0].ID, values{"msdyn_segmentpriorityorder": "1, 2"})
	}, "not a JSON array")
	w.Refuses(t, sales.Precondition, func() error {
		_, err := w.Entities.Create(t.Context(), manager(), "msdyn_segmentattribute", "", schematest.Row(values{"msdyn_objecttype": "account"}))
		return err
	}, "made with its first segment")
	w.Refuses(t, sales.Precondition, func() error { return w.Entities.Delete(t.Context(), manager(), orders[0].Ref(), entity.If{}) }, "cannot be deleted")
}

func TestSegment_8_2_DefaultSegment(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, web, "", nil)
	last := w.DefaultSegment()
	if last.Int("statecode") != 1 || last.Int("segue_priority") != 2 {
		t.Errorf("the default segment is %v", last.Values())
	}
	w.Refuses(t, sales.Precondition, func() error { return w.Entities.Delete(t.Context(), manager(), last.Ref(), entity.If{}) }, "default segment", "deactivate it")
	w.Refuses(t, sales.Precondition, func() error {
		return w.TryUpdate("msdyn_segment", last.ID, values{"msdyn_entityfilter": where(web)})
	}, "it has no conditions")
	w.Update("msdyn_segment", last.ID, values{"statecode": int64(0)})
	match, rest := w.Lead(1, values{sources: int64(8)}), w.Lead(2, values{sources: int64(1)})
	w.Settle()
	w.Member(match, seg, false)
	w.Member(rest, last.ID, false)
	w.Update("msdyn_segment", last.ID, values{"statecode": int64(1)}) // may be deactivated
	rest = w.Lead(3, nil)
	w.Settle()
	w.Member(rest, "", false)
}

// Every record type has an order of its own.
func TestSegment_OrdersAreByRecordType(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Inactive(1, nil)
	deal := w.Inactive(2, values{"msdyn_objecttype": "opportunity"})
	w.Ordered(1, 0)
	if got := w.Row("msdyn_segment", deal); got.Int("segue_priority") != 1 || got.Int("msdyn_objecttypecode") != 3 {
		t.Errorf("the first of opportunities is %v", got.Values())
	}
	w.Update("msdyn_segment", deal, values{"statecode": int64(1), "msdyn_entityfilter": where(`{"attribute":"name","operator":"eq","values":["Big"]}`)})
	w.Update("msdyn_segment", deal, values{"statecode": int64(0)})
	in, out := w.Opportunity(1, values{"name": "big "}), w.Opportunity(2, nil)
	w.Settle()
	w.Member(in, deal, false)
	w.Member(out, "", false)
}

func TestSegment_8_5_OneSequenceAtATime(t *testing.T) {
	w := newWorld(t, boot.Options{})
	first, second, deals := w.Sequence(1, "lead"), w.Sequence(2, "lead"), w.Sequence(3, "opportunity")
	seg := w.Segment(1, web, first, nil)
	attach := func(sequence schema.Value) error {
		return w.TryUpdate("msdyn_segment", seg, values{"msdyn_sequence": sequence})
	}
	w.Refuses(t, sales.Precondition, func() error { return attach(schema.Ref(link("msdyn_sequence", second))) }, "detach it first")
	if err := attach(schema.Null()); err != nil {
		t.Fatal(err)
	}
	w.Refuses(t, sales.Precondition, func() error { return attach(schema.Ref(link("msdyn_sequence", deals))) }, "is for opportunity", "the segment for lead")
	w.Refuses(t, sales.NotFound, func() error { return attach(schema.Ref(link("msdyn_sequence", id("no", 1)))) }, id("no", 1))
	if err := attach(schema.Ref(link("msdyn_sequence", second))); err != nil {
		t.Fatal(err)
	}
	w.Segment(2, hot, second, nil) // several segments may share a sequence
	w.Refuses(t, sales.Precondition, func() error {
		_, err := w.Entities.Create(t.Context(), manager(), "msdyn_segment", "", schematest.Row(values{
			"msdyn_name": "A", "msdyn_objecttype": "lead", "msdyn_sequence": link("msdyn_sequence", deals),
		}))
		return err
	}, "is for opportunity")
	if err := w.Entities.Delete(t.Context(), manager(), rows.Ref{Table: "msdyn_sequence", ID: first}, entity.If{}); err != nil {
		t.Fatal(err)
	}
	if err := attach(schema.Null()); err != nil {
		t.Fatal(err)
	}
	w.Refuses(t, sales.NotFound, func() error { return attach(schema.Ref(link("msdyn_sequence", first))) }, first) // though it is not swept yet
}
