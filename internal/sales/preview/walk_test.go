package preview

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
)

// parse reads a definition.
func parse(t rapid.TB, text string) sequence.Definition {
	t.Helper()
	tables, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	definition, err := language.Parse(tables, "5e900000-0000-4000-8000-000000000001", 1, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return definition
}

// thursday is when the walks of the tests begin, in an office that is open from Monday to
// Friday.
var thursday = time.Date(2026, 1, 8, 10, 0, 0, 0, time.UTC)

// office is the schedule of a seller who works from eight to five, UTC.
func office(t rapid.TB) worktime.Schedule {
	t.Helper()
	windows, err := worktime.ParseWindows(`[{"days":["monday","tuesday","wednesday","thursday","friday"],"from":"08:00","to":"17:00"}]`)
	if err != nil {
		t.Fatal(err)
	}
	hours, err := worktime.NewHours(time.UTC, windows)
	if err != nil {
		t.Fatal(err)
	}
	return worktime.Schedule{Seller: worktime.Calendar{Hours: hours}, Settings: worktime.Settings{Availability: true}}
}

// shown is what is to come as lines: where the step is written, the earliest and the latest
// due time, and the kinds of the reasons.
func shown(coming []Coming) (lines []string) {
	const form = "Mon 15:04"
	for _, c := range coming {
		line := c.Path + " " + c.Earliest.Format(form)
		if !c.Earliest.Equal(c.Due.Due) {
			line += " to " + c.Due.Due.Format(form)
		}
		if c.Never != nil {
			line = c.Path + " never"
		} else {
			for _, reason := range c.Due.Reasons() {
				line += ", " + string(reason.Kind)
			}
		}
		lines = append(lines, line)
	}
	return lines
}

func TestWalk(t *testing.T) {
	for _, test := range []struct {
		name, steps string
		never       bool // the seller does not work at all
		want        []string
	}{
		{"a wait over the weekend", `[{"type":"task","name":"a"},{"type":"wait","name":"w","wait":{"days":2,"hours":3}},{"type":"email","name":"b"}]`, false,
			[]string{"1 Thu 10:00", "2 Mon 08:00, wait, working hours", "3 Mon 08:00"}},
		{"a limit: yes at once or at the limit, no at the limit",
			`[{"type":"condition","name":"c","if":{"filter":"x"},"within":{"hours":4},"early":true,"yes":[{"type":"task","name":"y"}],"no":[{"type":"task","name":"n"}]},{"type":"task","name":"z"}]`, false,
			[]string{"1 Thu 14:00, wait", "1.yes.1 Thu 10:00 to Thu 14:00", "1.no.1 Thu 14:00", "2 Thu 10:00 to Thu 14:00"}},
		{"not early: both at the limit, which is no working time",
			`[{"type":"condition","name":"c","if":{"filter":"x"},"within":{"days":2},"yes":[{"type":"task","name":"y"}]},{"type":"task","name":"z"}]`, false,
			[]string{"1 Sat 10:00, wait", "1.yes.1 Mon 08:00, working hours", "2 Mon 08:00"}},
		{"branches of other lengths meet again",
			`[{"type":"phonecall","name":"p"},{"type":"condition","name":"c","if":{"call":[2]},"yes":[{"type":"wait","name":"w","wait":{"hours":2}},{"type":"task","name":"y"}]},{"type":"task","name":"z"}]`, false,
			[]string{"1 Thu 10:00", "2 Thu 10:00", "2.yes.1 Thu 12:00, wait", "2.yes.2 Thu 12:00", "3 Thu 10:00 to Thu 12:00"}},
		{"a test: both", `[{"type":"abtest","name":"t","metric":"opened","a":[{"type":"task","name":"a"}],"b":[{"type":"wait","name":"w","wait":{"hours":1}},{"type":"task","name":"b"}]}]`, false,
			[]string{"1 Thu 10:00", "1.a.1 Thu 10:00", "1.b.1 Thu 11:00, wait", "1.b.2 Thu 11:00"}},
		{"a path ends that leads to another sequence", `[{"type":"task","name":"a"},{"type":"condition","name":"c","if":{"filter":"x"},"yes":[{"type":"advance","name":"o","sequence":"5e900000-0000-4000-8000-000000000002"}]},{"type":"task","name":"z"}]`, false,
			[]string{"1 Thu 10:00", "2 Thu 10:00", "2.yes.1 Thu 10:00", "3 Thu 10:00"}},
		{"somebody who never works: held there", `[{"type":"updatefield","name":"u","set":{"x":1}},{"type":"task","name":"a"},{"type":"task","name":"b"}]`, true,
			[]string{"1 Thu 10:00", "2 never"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			schedule := office(t)
			if test.never {
				hours, err := worktime.NewHours(time.UTC, nil)
				if err != nil {
					t.Fatal(err)
				}
				schedule.Seller.Hours = hours
			}
			walk := newWalker(parse(t, test.steps), schedule)
			walk.arrive(0, at(thursday))
			if d := cmp.Diff(test.want, shown(walk.rest())); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// drawSteps draws a list of steps as a definition has it, with branches within branches.
func drawSteps(t *rapid.T, depth int, label string) []map[string]any {
	n := rapid.IntRange(0, 3).Draw(t, label+" steps")
	list := []map[string]any{}
	for i := range n {
		at := fmt.Sprintf("%s%d", label, i)
		kinds := []string{"task", "wait", "automatedemail"}
		if depth > 0 {
			kinds = append(kinds, "condition", "abtest")
		}
		step := map[string]any{"type": rapid.SampledFrom(kinds).Draw(t, at), "name": at}
		switch step["type"] {
		case "wait":
			step["wait"] = map[string]int{"hours": rapid.IntRange(1, 100).Draw(t, at+" hours")}
		case "condition":
			step["if"] = map[string]string{"filter": "x"}
			step["early"] = rapid.Bool().Draw(t, at+" early")
			step["within"] = map[string]int{"hours": rapid.IntRange(0, 100).Draw(t, at+" limit")}
			step["yes"], step["no"] = drawSteps(t, depth-1, at+"y"), drawSteps(t, depth-1, at+"n")
		case "abtest":
			step["metric"] = "completed"
			step["a"], step["b"] = drawSteps(t, depth-1, at+"a"), drawSteps(t, depth-1, at+"b")
		}
		list = append(list, step)
	}
	return list
}

// What is told of a step is what a record would meet that takes the quickest, or the slowest,
// of all ways to it: here each way is walked by itself.
func TestWalkIsAllWays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text, err := json.Marshal(append([]map[string]any{{"type": "task", "name": "first"}}, drawSteps(t, 2, "s")...))
		if err != nil {
			t.Fatal(err)
		}
		definition, schedule := parse(t, string(text)), office(t)
		want := map[string][2]time.Time{}
		var every func(place sequence.Place, start time.Time)
		every = func(place sequence.Place, start time.Time) {
			if place == sequence.PathEnd {
				return
			}
			step := definition.Steps[place]
			result, err := step.Due(schedule, start)
			if err != nil {
				t.Fatal(err)
			}
			due := result.Due
			seen, again := want[step.Path]
			if !again || due.Before(seen[0]) {
				seen[0] = due
			}
			if due.After(seen[1]) {
				seen[1] = due
			}
			want[step.Path] = seen
			switch step.Type {
			case sequence.Condition:
				every(step.Branches[sequence.Yes], due)
				every(step.Branches[sequence.No], due)
				if step.If.Early {
					every(step.Branches[sequence.Yes], start)
				}
			case sequence.ABTest:
				every(step.Branches[sequence.A], start)
				every(step.Branches[sequence.B], start)
			default:
				every(step.Next, due)
			}
		}
		every(0, thursday)
		walk := newWalker(definition, schedule)
		walk.arrive(0, at(thursday))
		got := map[string][2]time.Time{}
		for _, c := range walk.rest() {
			got[c.Path] = [2]time.Time{c.Earliest, c.Due.Due}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", text, d)
		}
	})
}
