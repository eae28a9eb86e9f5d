package sequence

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/schema/name"
)

// TestState is what has become of an A/B test (docs/domain.md §6.2).
type TestState string

// The states.
const (
	TestDraft      TestState = "Draft"      // its sequence is not active
	TestInProgress TestState = "InProgress" // records are drawn
	TestStopped    TestState = "Stopped"    // a person has ended it
	TestEnded      TestState = "Ended"      // it was decided, or its day has come
)

// TestVerdict is what came of a test: who comes after it takes Branch.
type TestVerdict struct {
	State  TestState `json:"state"`
	Winner string    `json:"winner,omitempty"` // "a" or "b"; "" where nothing could be concluded
	Branch Branch    `json:"branch"`           // that later records take: the winner's, or the default
	P      float64   `json:"p"`                // by Fisher's exact test, of what was counted then
	Sides  [2]Side   `json:"sides"`
	On     time.Time `json:"on"`
}

// Side is how many records took a branch of a test, and for how many of them it was a success
// by the test's metric.
type Side struct {
	Records   int64 `json:"records"`
	Successes int64 `json:"successes"`
}

// Verdicts are those of the tests of a sequence that have ended. A test is the same one in each
// version that has its step.
type Verdicts map[StepID]TestVerdict

// ReadVerdicts reads the verdicts that are stored with a sequence.
func ReadVerdicts(text string) (Verdicts, error) {
	if text == "" {
		return Verdicts{}, nil
	}
	var v Verdicts
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, fmt.Errorf("stored %s: %w", name.SegueTestverdicts, err)
	}
	return v, nil
}

// Winners returns the branches that tests which have ended give to everybody: those of their
// verdicts, and from its day on the default of one whose verdict is still to be written.
func (d Definition) Winners(verdicts Verdicts, now time.Time) map[StepID]Branch {
	var winners map[StepID]Branch
	give := func(id StepID, branch Branch) {
		if winners == nil {
			winners = map[StepID]Branch{}
		}
		winners[id] = branch
	}
	for _, step := range d.Steps {
		if step.Test == nil {
			continue
		}
		if verdict, ended := verdicts[step.ID]; ended {
			give(step.ID, verdict.Branch)
		} else if step.Test.Over(now) {
			give(step.ID, step.Test.Default)
		}
	}
	return winners
}

// Over reports whether the day on which a test ends has come.
func (t *Test) Over(now time.Time) bool { return !t.Until.IsZero() && !now.Before(t.Until) }

// Tested reports whether the definition has a test.
func (d Definition) Tested() bool {
	return slices.ContainsFunc(d.Steps, func(step Step) bool { return step.Type == ABTest })
}

// Within reports whether a step stands in a branch of a test or condition, at any depth.
func (d Definition) Within(fork StepID, branch Branch, step StepID) bool {
	at, ok := d.Find(fork)
	place, also := d.Find(step)
	if !ok || !also || !d.Steps[at].Forks() {
		return false
	}
	// Places of a branch follow each other, and rise; what comes after both has a higher one.
	end := d.Steps[at].Next
	seen := map[Place]bool{}
	todo := []Place{d.Steps[at].Branches[branch]}
	for len(todo) > 0 {
		p := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if p == PathEnd || p == end || seen[p] {
			continue
		}
		if p == place {
			return true
		}
		seen[p] = true
		if d.Steps[p].Forks() {
			todo = append(todo, d.Steps[p].Branches[:]...)
		} else {
			todo = append(todo, d.Steps[p].Next)
		}
	}
	return false
}

// picksText writes the branches that a target has drawn on its way to a step.
func picksText(picks map[StepID]Branch) string {
	var parts []string
	for id, branch := range picks {
		parts = append(parts, string(id)+":"+ABTest.Branch(branch))
	}
	slices.Sort(parts)
	return strings.Join(parts, ",")
}

// Picks are the branches of tests that the target has drawn on its way to the step.
func (s TargetStep) Picks() map[StepID]Branch {
	text := s.Row.Text(name.SeguePicks)
	if text == "" {
		return nil
	}
	picks := map[StepID]Branch{}
	for part := range strings.SplitSeq(text, ",") {
		id, branch, _ := strings.Cut(part, ":")
		picks[StepID(id)] = A
		if branch == ABTest.Branch(B) {
			picks[StepID(id)] = B
		}
	}
	return picks
}
