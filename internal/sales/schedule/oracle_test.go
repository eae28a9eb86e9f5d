package schedule_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// condition is what a segment of the schedule asks for: as the product reads it,
// and as the naive oracle does.
type condition struct {
	table, text string
	columns     []string
	holds       func(item store.Item) bool
}

// conditions are those that segments of the schedule have.
func conditions() []condition {
	is := func(column string, values ...int64) func(store.Item) bool {
		return func(item store.Item) bool {
			return item[column].Kind() == store.Number && slices.Contains(values, item[column].Int())
		}
	}
	begins := func(column, with string) func(store.Item) bool {
		return func(item store.Item) bool { return strings.HasPrefix(item[column].Text(), with) }
	}
	return []condition{
		{"lead", salestest.Where(salestest.Web), []string{salestest.Sources}, is(salestest.Sources, 8)},
		{"lead", salestest.Where(salestest.Hot), []string{salestest.Quality}, is(salestest.Quality, 1)},
		{
			"lead", salestest.Where(`{"attribute":"address1_city","operator":"begins-with","values":["Z"]}`),
			[]string{"address1_city"}, begins("address1_city", "Z"),
		},
		{
			"lead", `{"type":"or","items":[{"attribute":"leadsourcecode","operator":"eq","values":[7]},{"attribute":"leadqualitycode","operator":"in","values":[1,2]}]}`,
			[]string{salestest.Sources, salestest.Quality},
			func(item store.Item) bool { return is(salestest.Sources, 7)(item) || is(salestest.Quality, 1, 2)(item) },
		},
		{
			"lead", salestest.Where(`{"attribute":"leadqualitycode","operator":"ne","values":[2]}`), []string{salestest.Quality},
			func(item store.Item) bool { return !is(salestest.Quality, 2)(item) },
		},
		{"opportunity", salestest.Where(`{"attribute":"name","operator":"begins-with","values":["A"]}`), []string{"name"}, begins("name", "A")},
		{
			"opportunity", salestest.Where(`{"attribute":"name","operator":"contains","values":["x"]}`), []string{"name"},
			func(item store.Item) bool { return strings.Contains(item["name"].Text(), "x") },
		},
	}
}

// oracle decides as docs/domain.md §8.4 says, in the most direct way.
type oracle struct {
	conditions map[string]condition
	policy     sales.Policy
}

func newOracle(policy sales.Policy) oracle {
	o := oracle{map[string]condition{}, policy}
	for _, c := range conditions() {
		o.conditions[c.text] = c
	}
	return o
}

// matches reports whether a segment, in one of its states, takes part in an
// evaluation of the record and matches it.
func (o oracle) matches(seg, record store.Item) bool {
	switch {
	case seg == nil || !isOpen(seg): // a segment's state 0 is Active
		return false
	case seg["segue_isdefault"].True():
		return true
	}
	return o.conditions[seg["msdyn_entityfilter"].Text()].holds(record)
}

// eligible reports whether a record may be connected (docs/domain.md §7.1).
func (o oracle) eligible(ref rows.Ref, record store.Item) bool {
	return isOpen(record) && (ref.Table != "lead" || o.policy.AnyActive || record["statuscode"].Int() == 1)
}

// orderOf is the row with the order of a table's segments, in one of its states.
func (h *history) orderOf(table string) rows.Ref {
	for _, ref := range h.rows {
		if ref.Table == name.SegmentAttribute && h.states[ref][1].item["msdyn_objecttype"].Text() == table {
			return ref
		}
	}
	return rows.Ref{Table: name.SegmentAttribute}
}

// listed are the ids in a row of an order.
func listed(item store.Item) []string {
	var list []string
	if text := item[name.MsdynSegmentpriorityorder].Text(); text != "" {
		if err := json.Unmarshal([]byte(text), &list); err != nil {
			return []string{"broken"}
		}
	}
	return list
}

// window is the definitions that may be used for what is begun at one moment and
// done at another.
type window struct {
	*history
	began, done time.Time
}

// segment returns the states in which a segment may be taken to be.
func (w window) segment(id string) []store.Item {
	return w.usable(rows.Ref{Table: name.Segment, ID: id}, w.began, w.done)
}

// enters reports whether a record that is in one segment could be taken by another
// at some moment of the window. An evaluation reads the order and then the
// segments, so each may be of a moment of its own.
func (o oracle) enters(w window, ref rows.Ref, record store.Item, present, into string) bool {
	for _, orderRow := range w.usable(w.orderOf(ref.Table), w.began, w.done) {
		if o.entersBy(w, listed(orderRow), record, present, into) {
			return true
		}
	}
	return false
}

func (o oracle) entersBy(w window, list []string, record store.Item, present, into string) bool {
	if !slices.Contains(list, present) {
		present = ""
	}
	for _, id := range list {
		wins := func(seg store.Item) bool {
			return o.matches(seg, record) && (present == "" || id == present || seg["msdyn_isresegmentationenabled"].True())
		}
		states := w.segment(id)
		if id == into {
			return slices.ContainsFunc(states, wins)
		}
		if !slices.ContainsFunc(states, func(seg store.Item) bool { return !wins(seg) }) {
			return false // it comes first, whichever of its states was read
		}
	}
	return false
}

// enteredByRule: a record enters the segment that the oracle names.
func (o oracle) enteredByRule(h *history, c *commit, ch change) string {
	if !isRecord(ch.ref.Table) || ch.new == nil || ch.old["msdyn_segmentid"] == ch.new["msdyn_segmentid"] || ch.new["msdyn_segmentid"].Text() == "" {
		return ""
	}
	from, into := lookup(ch.old, "msdyn_segmentid"), lookup(ch.new, "msdyn_segmentid")
	switch {
	case !isOpen(ch.new):
		return "a closed record entered a segment"
	case !o.enters(window{h, c.deed.began, c.at}, ch.ref, ch.new, from, into):
		return fmt.Sprintf("the record went from segment %s to %s, where no evaluation since %s could have put it", from, into, c.deed.began.Format("04:05.000"))
	}
	return ""
}
