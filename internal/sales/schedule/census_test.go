package schedule_test

import (
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
)

// event is something that schedules are about: if it never happens, they show
// nothing.
type event string

const (
	enters         event = "a record entered a segment"
	moves          event = "a record moved to another segment"
	unlinks        event = "a link to a deleted segment was emptied"
	connects       event = "a user connected a record"
	entersSequence event = "a segment connected a record"
	endsByUser     event = "a user ended a connection"
	endsBySequence event = "a connection ended with its sequence"
	crashes        event = "a process died"
	failures       event = "a call failed"
	losses         event = "an answer got lost"
	cancels        event = "a caller went away"
)

// census counts what happened to records and connections.
func (h *history) census() {
	for _, c := range h.commits {
		for _, ch := range c.changes {
			if ch.ref.Table == name.SequenceTarget {
				h.countTarget(c, ch)
			}
			if isRecord(ch.ref.Table) && ch.old != nil && ch.new != nil {
				h.countRecord(ch)
			}
		}
	}
}

func (h *history) countTarget(c *commit, ch change) {
	switch {
	case ch.old == nil && c.deed.user:
		h.events[connects]++
	case ch.old == nil:
		h.events[entersSequence]++
	case ch.new == nil || isOpen(ch.new) || !isOpen(ch.old):
	case ch.new[name.MsdynDeactivatereason].Int() == salestest.SequenceGone:
		h.events[endsBySequence]++
	case c.deed.user:
		h.events[endsByUser]++
	}
}

func (h *history) countRecord(ch change) {
	before, after := ch.old[name.MsdynSegmentid].Text(), ch.new[name.MsdynSegmentid].Text()
	switch {
	case before == after:
	case after == "":
		h.events[unlinks]++
	case before == "":
		h.events[enters]++
	default:
		h.events[moves]++
	}
}
