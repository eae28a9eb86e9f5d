package language

import (
	"fmt"

	"segue/internal/sales/sequence"
)

// Validate applies the rules of activation that need nothing but the definition
// (docs/domain.md §6.1, limits §2) and returns the first that it breaks: at least one
// step that does something, at most MaxSteps of them, every step named, waits longer
// than nothing, no id twice, no path that ends with a wait, and a condition about a
// step right after a step of its kind.
func Validate(d sequence.Definition) error {
	seen := map[sequence.StepID]bool{}
	befores := before(d)
	for i, step := range d.Steps {
		bad := func(format string, args ...any) error {
			return &Error{Path: step.Path, ID: step.ID, Detail: fmt.Sprintf(format, args...)}
		}
		switch {
		case step.Name == "":
			return bad("has no name")
		case seen[step.ID]:
			return bad("has the id %s of an earlier step", step.ID)
		case step.Type == sequence.Wait && step.Wait.IsZero():
			return bad("waits for nothing; a wait lasts from 1 hour to 30 days")
		case step.Type == sequence.Wait && step.Next == sequence.PathEnd:
			return bad("is a wait, and a wait may not be the last step")
		case (step.Type == sequence.AutomatedEmail || step.Type == sequence.AutomatedText) && step.Template == "":
			return bad("has no template; what the system sends needs one")
		case step.Subtype == sequence.AdvanceToOther && step.Type == sequence.AutoAction && i == 0:
			return bad("is the first; advancing to another sequence may not be")
		}
		if step.If != nil {
			if detail := follows(*step.If, befores[i]); detail != "" {
				return bad("%s", detail)
			}
		}
		seen[step.ID] = true
	}
	switch n := d.Tasks(); {
	case n == 0:
		return &Error{Detail: "has no step that is not a wait"}
	case n > sequence.MaxSteps:
		return &Error{Detail: fmt.Sprintf("has %d steps that are not waits; the limit is %d", n, sequence.MaxSteps), limit: "SequenceSteps", most: sequence.MaxSteps, used: n}
	}
	return nil
}

// tooLong is the error of a definition with more than MaxPath places.
func tooLong(used int) error {
	return &Error{
		Detail: fmt.Sprintf("has %d steps or more with waits; the limit is %d", used, sequence.MaxPath),
		limit:  "SequenceStepsWithWaits", most: sequence.MaxPath, used: used,
	}
}

// before returns of each step the one that every path comes from, nil where there are
// several or none.
func before(d sequence.Definition) []*sequence.Step {
	before := make([]*sequence.Step, len(d.Steps))
	several := make([]bool, len(d.Steps))
	for i := range d.Steps {
		step := &d.Steps[i]
		nexts := []sequence.Place{step.Next}
		if step.Forks() {
			nexts = step.Branches[:]
		}
		for _, next := range nexts {
			if next == sequence.PathEnd {
				continue
			}
			several[next] = several[next] || before[next] != nil && before[next] != step
			before[next] = step
		}
	}
	for i := range before {
		if several[i] {
			before[i] = nil
		}
	}
	return before
}

// follows says why a question about the step before it cannot be asked after this one (nil:
// no certain one), "" where it can.
func follows(q sequence.Question, step *sequence.Step) string {
	switch {
	case len(q.Emails) > 0 && (step == nil || step.Type != sequence.Email && step.Type != sequence.AutomatedEmail):
		return "asks about an email and does not follow one"
	case len(q.Calls) > 0 && (step == nil || step.Type != sequence.PhoneCall):
		return "asks about a phone call and does not follow one"
	}
	return ""
}
