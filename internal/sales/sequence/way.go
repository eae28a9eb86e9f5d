package sequence

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	"segue/internal/schema/name"
)

// way is where a target goes, past all that can be decided at once.
type way struct {
	to    Place
	told  []string // what was decided, for people
	picks map[StepID]Branch
}

// notes is the words of whoever closed the step, if there are any.
func (way) notes(note string) []string {
	if note == "" {
		return nil
	}
	return []string{note}
}

// after returns the place to which a step leads that is closed.
func (d Definition) after(at Place, c Closing) Place {
	step := d.Steps[at]
	if !step.Forks() {
		return step.Next
	}
	branch := No // the answer of a condition that is skipped
	if c.Branch != nil {
		branch = *c.Branch
	}
	return step.Branches[branch]
}

// follow goes on from a place, right after a step is closed, past what can be decided at once:
// a condition about that step, if its answer is known by now, and tests.
func (d Definition) follow(from Place, target name.SequenceTargetID, c Closing) way {
	w := way{to: from}
	for first := true; w.to != PathEnd; first = false {
		step := d.Steps[w.to]
		var branch Branch
		switch {
		case step.Type == ABTest:
			if winner, ended := c.Winners[step.ID]; ended {
				branch = winner
			} else {
				branch = step.pick(target)
				if w.picks == nil {
					w.picks = map[StepID]Branch{}
				}
				w.picks[step.ID] = branch
			}
		case step.Type == Condition && first && step.If.AboutStep():
			answer, known := step.If.answer(c)
			if !known {
				return w
			}
			branch = answer
		default:
			return w
		}
		w.told = append(w.told, fmt.Sprintf("%s: %s", step.Name, strings.ToUpper(step.Type.Branch(branch))))
		w.to = step.Branches[branch]
	}
	return w
}

// answer is the answer to a question about the step that is closed; known is false where
// it takes time to tell. A skipped step answers No (docs/domain.md §6.2).
func (q Question) answer(c Closing) (branch Branch, known bool) {
	switch {
	case c.As == StepSkipped:
		return No, true
	case c.As != StepCompleted || len(q.Calls) == 0:
		return No, false
	case slices.Contains(q.Calls, c.Result):
		return Yes, true
	}
	return No, true
}

// pick draws the branch of a test for a target: always the same one, and for many targets as
// many as the split says.
func (s Step) pick(target name.SequenceTargetID) Branch {
	sum := sha256.Sum256([]byte(string(s.ID) + string(target)))
	if binary.BigEndian.Uint64(sum[:8])%100 < uint64(s.Test.Split) {
		return A
	}
	return B
}
