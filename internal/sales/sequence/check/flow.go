package check

import (
	"segue/internal/sales/sequence"
)

// nexts returns the places to which a step may lead.
func nexts(step sequence.Step) []sequence.Place {
	if step.Forks() {
		return step.Branches[:]
	}
	return []sequence.Place{step.Next}
}

// reach tells of each step whether a target can come to it. Places rise along every path,
// so one walk is enough.
func (c *checker) reach() []bool {
	reached := make([]bool, len(c.Steps))
	for i, step := range c.Steps {
		reached[i] = reached[i] || i == 0
		if !reached[i] {
			continue
		}
		for _, next := range nexts(step) {
			if next != sequence.PathEnd {
				reached[next] = true
			}
		}
	}
	return reached
}

// works tells of each step whether one that does something can come after it.
func (c *checker) works() []bool {
	leads := make([]bool, len(c.Steps))
	for i := len(c.Steps) - 1; i >= 0; i-- {
		for _, next := range nexts(c.Steps[i]) {
			if next != sequence.PathEnd && (leads[next] || c.Steps[next].Type.Counted()) {
				leads[i] = true
			}
		}
	}
	return leads
}

// before returns of each step the one that every path comes from, nil where there are
// several or none.
func before(d sequence.Definition) []*sequence.Step {
	found := make([]*sequence.Step, len(d.Steps))
	several := make([]bool, len(d.Steps))
	for i := range d.Steps {
		step := &d.Steps[i]
		for _, next := range nexts(*step) {
			if next == sequence.PathEnd {
				continue
			}
			several[next] = several[next] || found[next] != nil && found[next] != step
			found[next] = step
		}
	}
	for i := range found {
		if several[i] {
			found[i] = nil
		}
	}
	return found
}
