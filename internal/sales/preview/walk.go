package preview

import (
	"time"

	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
)

// Coming is a step that is still to come. Where the way to it is not certain, it is due at
// any moment from Earliest to Due.Due: conditions may be met early or late, and two branches
// that meet again take different times.
type Coming struct {
	sequence.Step
	Earliest time.Time
	Due      worktime.Result // the latest; with its reasons
	Never    error           // a [*worktime.NeverError]: the step is held when it is opened, and Due is empty
}

// span is any moment from one to another.
type span struct{ from, to time.Time }

// at is a moment without a doubt.
func at(moment time.Time) span { return span{moment, moment} }

// with is a span that has the moments of both; the zero span has none.
func (s span) with(other span) span {
	switch {
	case s.to.IsZero():
		return other
	case other.to.IsZero():
		return s
	}
	if other.from.Before(s.from) {
		s.from = other.from
	}
	if other.to.After(s.to) {
		s.to = other.to
	}
	return s
}

// walker goes through a definition once, from the front: places rise along every path, so
// when it comes to one, all ways there are known. Since a later start is never due earlier
// ([worktime]), what lies between two starts lies between their due times.
type walker struct {
	definition sequence.Definition
	schedule   worktime.Schedule
	arrivals   []span // at each place, of all ways to it that were seen
}

func newWalker(definition sequence.Definition, schedule worktime.Schedule) *walker {
	return &walker{definition: definition, schedule: schedule, arrivals: make([]span, len(definition.Steps))}
}

// arrive says that a way leads to a place.
func (w *walker) arrive(place sequence.Place, when span) {
	if place != sequence.PathEnd {
		w.arrivals[place] = w.arrivals[place].with(when)
	}
}

// leave goes on from a step that was opened and is due within two spans. A seller's step is
// taken to be done when it is due.
func (w *walker) leave(step sequence.Step, opened, due span) {
	switch step.Type {
	case sequence.ABTest: // the branch is drawn at once
		w.arrive(step.Branches[sequence.A], opened)
		w.arrive(step.Branches[sequence.B], opened)
	case sequence.Condition:
		yes := due
		if step.If.Early {
			yes.from = opened.from
		}
		w.arrive(step.Branches[sequence.Yes], yes)
		w.arrive(step.Branches[sequence.No], due)
	default:
		w.arrive(step.Next, due)
	}
}

// rest returns the steps to which the ways lead that have arrived, in the order in which they
// are written.
func (w *walker) rest() []Coming {
	var coming []Coming
	for place, step := range w.definition.Steps {
		opened := w.arrivals[place]
		if opened.to.IsZero() {
			continue
		}
		next := Coming{Step: step}
		var earliest worktime.Result
		if next.Due, next.Never = step.Due(w.schedule, opened.to); next.Never == nil {
			earliest, next.Never = step.Due(w.schedule, opened.from)
		}
		coming = append(coming, next)
		if next.Never != nil {
			continue // nobody knows when a step ends that is held
		}
		coming[len(coming)-1].Earliest = earliest.Due
		w.leave(step, opened, span{earliest.Due, next.Due.Due})
	}
	return coming
}
