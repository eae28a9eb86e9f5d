package sequence_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/guid"
	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// testOf is a definition whose first step is a test of two calls, and a task after it.
func testOf(until time.Time) sequence.Definition {
	return sequence.Definition{Sequence: "s", Version: 1, Steps: []sequence.Step{
		{ID: "test", Type: sequence.ABTest, Name: "Which", Test: &sequence.Test{Split: 50, Metric: sequence.MetricCompleted, Until: until, Default: sequence.B}, Next: 3, Branches: [2]sequence.Place{1, 2}},
		{ID: "a", Type: sequence.PhoneCall, Name: "A", Next: 3},
		{ID: "b", Type: sequence.Email, Name: "B", Next: 3},
		{ID: "after", Type: sequence.Task, Name: "After", Next: sequence.PathEnd},
	}}
}

func begin(def sequence.Definition, n int, winners map[sequence.StepID]sequence.Branch) sequence.TargetStep {
	_, step, _ := sequence.Begin(def, sequence.Connection{
		Record: schema.Lookup{Table: "lead", ID: guid.FromName(fmt.Sprint(n))}, Sequence: def.Sequence, Version: 1, Winners: winners,
	}, worktime.Schedule{})
	return sequence.TargetStep{Row: schema.Values(step)}
}

// TestPicksAreKept lets records draw, and looks at what the step that they come to says.
func TestPicksAreKept(t *testing.T) {
	def := testOf(time.Time{})
	drawn := map[sequence.Branch]int{}
	for n := range 200 {
		step := begin(def, n, nil)
		picks := step.Picks()
		branch, ok := picks["test"]
		if !ok || len(picks) != 1 {
			t.Fatalf("record %d: picks %v", n, picks)
		}
		if want := [2]string{"a", "b"}[branch]; step.Row.Text(name.MsdynSequencestepid) != want {
			t.Errorf("record %d drew %v and is at %s", n, branch, step.Row.Text(name.MsdynSequencestepid))
		}
		drawn[branch]++
	}
	if drawn[sequence.A] < 70 || drawn[sequence.B] < 70 {
		t.Errorf("drawn: %v", drawn)
	}
}

// TestWinners checks who takes which branch when a test has ended, and that nobody draws then.
func TestWinners(t *testing.T) {
	day := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		name     string
		until    time.Time
		verdicts sequence.Verdicts
		now      time.Time
		want     map[sequence.StepID]sequence.Branch
	}{
		{"running", time.Time{}, nil, day, nil},
		{"its day has not come", day, nil, day.Add(-time.Second), nil},
		{"its day has come: the default", day, nil, day, map[sequence.StepID]sequence.Branch{"test": sequence.B}},
		{"a verdict", day, sequence.Verdicts{"test": {Branch: sequence.A}}, day, map[sequence.StepID]sequence.Branch{"test": sequence.A}},
		{"that of another test", time.Time{}, sequence.Verdicts{"other": {Branch: sequence.A}}, day, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			def := testOf(test.until)
			got := def.Winners(test.verdicts, test.now)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Fatalf("winners (-want +got):\n%s", d)
			}
			for n := range 20 {
				step := begin(def, n, got)
				if want, ended := test.want["test"]; ended && (len(step.Picks()) > 0 || step.Row.Text(name.MsdynSequencestepid) != [2]string{"a", "b"}[want]) {
					t.Errorf("record %d is at %s with picks %v", n, step.Row.Text(name.MsdynSequencestepid), step.Picks())
				}
			}
		})
	}
}

// TestWithin checks which steps are those of a branch.
func TestWithin(t *testing.T) {
	def := testOf(time.Time{})
	for _, test := range []struct {
		branch sequence.Branch
		step   sequence.StepID
		want   bool
	}{{sequence.A, "a", true}, {sequence.A, "b", false}, {sequence.B, "b", true}, {sequence.B, "after", false}, {sequence.A, "gone", false}, {sequence.A, "test", false}} {
		if got := def.Within("test", test.branch, test.step); got != test.want {
			t.Errorf("%s in branch %d: %v", test.step, test.branch, got)
		}
	}
}

// TestVerdictsAreRead reads back what is stored.
func TestVerdictsAreRead(t *testing.T) {
	got, err := sequence.ReadVerdicts(`{"test":{"state":"Ended","winner":"a","branch":0,"p":0.01,"sides":[{"records":40,"successes":30},{"records":40,"successes":10}],"on":"2026-06-01T00:00:00Z"}}`)
	if err != nil || got["test"].Branch != sequence.A || got["test"].Sides[0] != (sequence.Side{Records: 40, Successes: 30}) {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := sequence.ReadVerdicts("nonsense"); err == nil {
		t.Error("nonsense was read")
	}
}
