package schedule_test

import (
	"fmt"
	"slices"
	"time"

	"segue/internal/rows"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// verdict is what must be true when everything that was written has been followed.
func (o oracle) verdict(h *history) {
	for _, ref := range h.rows {
		item := h.items[ref]
		if item == nil {
			continue
		}
		switch {
		case isRecord(ref.Table):
			if text := o.member(h, ref, item); text != "" {
				h.report(ref, "%s", text)
			}
			h.linked(ref, item, "msdyn_segmentid")
		case ref.Table == name.SequenceTarget:
			h.linked(ref, item, "msdyn_segment")
		}
	}
}

// linked: no link to a segment that is not there.
func (h *history) linked(ref rows.Ref, item store.Item, column string) {
	if id := lookup(item, column); id != "" && h.items[rows.Ref{Table: name.Segment, ID: id}] == nil {
		h.report(ref, "%s is %s, which is not there", column, id)
	}
}

// member says what is wrong with the segment and the connection of a record.
//
// Which segment is right depends on what the record was when it was evaluated, so
// this asks only of a record whose last change that a segment could read was taken
// up when every process knew the definitions as they are, and that was open from
// the change on: that change was evaluated by them, and an evaluation is followed
// until nothing is left to be done. A change that came before may have been
// evaluated by definitions of before, and present members stay where they are
// (docs/domain.md §8.2, §8.6).
func (o oracle) member(h *history, ref rows.Ref, item store.Item) string {
	last := h.since(ref, func(old, new store.Item) bool { return o.concerns(h, ref, old, new) })
	evaluated := h.followed[last.item[name.Versionnumber]][ref]
	settled := func(table string) bool { return !evaluated.Before(h.edited(table)) }
	if !isOpen(item) || evaluated.IsZero() || !settled(name.Segment) || !settled(name.SegmentAttribute) {
		return ""
	}
	if h.everSince(ref, last.from, func(item store.Item) bool { return !isOpen(item) }) {
		return ""
	}
	h.judged++
	present := lookup(item, "msdyn_segmentid")
	now := window{h, time.Now(), time.Now()}
	for _, into := range listed(h.items[h.orderOf(ref.Table)]) {
		if into != present && o.enters(now, ref, item, present, into) {
			return fmt.Sprintf("it is in segment %q; by the change at %s, evaluated at %s, it belongs into %s", present, last.from.Format("04:05.000"), evaluated.Format("04:05.000"), into)
		}
	}
	if !settled(name.Sequence) {
		return ""
	}
	return o.connected(h, ref, item, last.from)
}

// connected says that a member misses the connection that its segment's sequence
// gives it: one that was eligible and on no sequence since its last change, and that
// the membership has not connected before.
func (o oracle) connected(h *history, ref rows.Ref, item store.Item, last time.Time) string {
	present := lookup(item, "msdyn_segmentid")
	seg := h.items[rows.Ref{Table: name.Segment, ID: present}]
	to := lookup(seg, "msdyn_sequence")
	parent := h.items[rows.Ref{Table: name.Sequence, ID: to}]
	switch {
	case to == "" || parent == nil || !isActiveSequence(parent) || !o.matches(seg, item):
		return ""
	case lookup(item, "segue_sequence") == to: // it was on it by this membership
		return ""
	case h.everSince(ref, last, func(item store.Item) bool {
		return item["segue_connected"].True() || !o.eligible(ref, item)
	}):
		return ""
	}
	return fmt.Sprintf("it is a member of %s since before its last change at %s and not on the segment's sequence %s", present, last.Format("04:05.000"), to)
}

// concerns reports whether a change makes segments run: of a column that a
// condition of an active segment reads (docs/domain.md §8.3).
func (o oracle) concerns(h *history, ref rows.Ref, old, new store.Item) bool {
	for _, id := range listed(h.items[h.orderOf(ref.Table)]) {
		seg := h.items[rows.Ref{Table: name.Segment, ID: id}]
		if seg == nil || !isOpen(seg) {
			continue
		}
		read := o.conditions[seg["msdyn_entityfilter"].Text()].columns
		if slices.ContainsFunc(read, func(column string) bool { return old[column] != new[column] }) {
			return true
		}
	}
	return false
}

// edited is since when every process knows the rows of a table as they are.
func (h *history) edited(table string) time.Time {
	var last time.Time
	for _, ref := range h.rows {
		if states := h.states[ref]; ref.Table == table && states[len(states)-1].known.After(last) {
			last = states[len(states)-1].known
		}
	}
	return last
}

// everSince reports whether an item was like that at any moment since.
func (h *history) everSince(ref rows.Ref, from time.Time, like func(item store.Item) bool) bool {
	return slices.ContainsFunc(h.between(ref, from, time.Now()), func(item store.Item) bool { return item == nil || like(item) })
}
