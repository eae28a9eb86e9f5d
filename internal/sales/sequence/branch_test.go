package sequence_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// branching is a call, a condition about it with a test on the yes side, and a mail for all.
func branching() sequence.Definition {
	tables, err := schema.Default()
	if err != nil {
		panic(err)
	}
	def, err := language.Parse(tables, "s", 1, `{"segue":1,"steps":[
		{"type":"phonecall","name":"Call"},
		{"type":"condition","name":"Reached","if":{"call":[2,4]},
		 "yes":[{"type":"abtest","name":"Tone","metric":"opened","a":[{"type":"task","name":"Formal"}],"b":[{"type":"wait","name":"Pause","wait":{"days":1}},{"type":"task","name":"Casual"}]}],
		 "no":[]},
		{"type":"email","name":"Mail"}]}`)
	if err != nil {
		panic(err)
	}
	return def
}

func TestAdvance_DecidesOnTheWay(t *testing.T) {
	def := branching()
	call := sequence.Position{Target: "t", Record: schema.Lookup{Table: name.Lead, ID: "l"}, Step: def.Steps[0].ID, Type: def.Steps[0].Type, Version: 1}
	for _, test := range []struct {
		name    string
		closing sequence.Closing
		next    string
		told    string
		total   int64
	}{
		{"made, test ended with A", sequence.Closing{As: sequence.StepCompleted, Result: 4, Winners: map[sequence.StepID]sequence.Branch{def.Steps[2].ID: sequence.A}}, "Formal", "Reached: YES; Tone: A", 3},
		{"made, test ended with B", sequence.Closing{As: sequence.StepCompleted, Result: 2, Winners: map[sequence.StepID]sequence.Branch{def.Steps[2].ID: sequence.B}}, "Pause", "Reached: YES; Tone: B", 3},
		{"another result", sequence.Closing{As: sequence.StepCompleted, Result: 3}, "Mail", "Reached: NO", 2},
		{"no result", sequence.Closing{As: sequence.StepCompleted, Note: "left a message"}, "Mail", "left a message; Reached: NO", 2},
		{"skipped (§6.2)", sequence.Closing{As: sequence.StepSkipped, Result: 2}, "Mail", "Reached: NO", 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := sequence.Advance(def, call, test.closing, worktime.Schedule{}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
			got := []schema.Value{out.Next["msdyn_name"], out.Step["msdyn_triggeroutcome"], out.Target["msdyn_currentstepcount"], out.Target["msdyn_totalstepcount"]}
			if d := cmp.Diff([]schema.Value{schema.Text(test.next), schema.Text(test.told), schema.Int(1), schema.Int(test.total)}, got); d != "" {
				t.Errorf("next, outcome, done, total (-want +got):\n%s", d)
			}
		})
	}
}
