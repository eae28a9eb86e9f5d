package progress_test

import (
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// calls is a call with a question about its result.
const calls = `[{"type":"phonecall","name":"Call"},
	{"type":"condition","name":"Reached?","if":{"call":[2]},"yes":[{"type":"task","name":"Offer"}],"no":[{"type":"task","name":"Call again"}]},
	{"type":"task","name":"Last"}]`

// active makes an active sequence of a definition.
func active(t testing.TB, w *salestest.World, n int, definition string) string {
	t.Helper()
	seq := w.Draft(n, definition)
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	return seq
}

// docs/domain.md §6.2: the result of a call comes with its step.
func TestStep_6_3_ResultOfACall(t *testing.T) {
	for _, test := range []struct{ name, outcome, next, told string }{
		{"by value", "2", "Offer", "2; Reached?: YES"},
		{"by label", "made", "Offer", "made; Reached?: YES"},
		{"another", "4", "Call again", "4; Reached?: NO"},
		{"none", "", "Call again", "Reached?: NO"},
		{"words", "Left a message", "Call again", "Left a message; Reached?: NO"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			target := w.Connect(w.Lead(1, nil), active(t, w, 1, calls))
			step := w.Step(target)
			set := values{"statuscode": int64(stepCompleted)}
			if test.outcome != "" {
				set["msdyn_triggeroutcome"] = test.outcome
			}
			w.Update("msdyn_sequencetargetstep", step.ID, set)
			if got := w.Step(w.Row("msdyn_sequencetarget", target.ID)).Text("msdyn_name"); got != test.next {
				t.Errorf("the next step is %q, want %q", got, test.next)
			}
			if got := w.Row("msdyn_sequencetargetstep", step.ID).Text("msdyn_triggeroutcome"); got != test.told {
				t.Errorf("the outcome is %q, want %q", got, test.told)
			}
			w.Sound(false)
		})
	}
}

// A seller who works on weekdays: what is opened outside of that is due when it begins again.
func TestStep_6_5_DueWhenTheSellerWorks(t *testing.T) {
	w := newWorld(t, boot.Options{}) // it is Friday, three in the morning
	seller := w.User(1)
	w.Create("segue_calendar", "", values{"ownerid": seller})
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), ref, schematest.Row(values{"segue_selleravailability": true}), entity.If{Exists: true}); err != nil {
		t.Fatal(err)
	}
	target := w.Connect(w.Lead(1, nil), active(t, w, 1, calls))
	eight := time.Date(2026, 1, 2, 8, 0, 0, 0, time.UTC)
	for _, want := range []string{"Call", "Call again"} {
		step := w.Step(target)
		if got := step.Time("msdyn_duetime"); !got.Equal(eight) || !step.Time("msdyn_sequenceduetime").Equal(salestest.Now()) || step.Text("msdyn_name") != want {
			t.Errorf("%s is due %v, proposed for %v", step.Text("msdyn_name"), got, step.Time("msdyn_sequenceduetime"))
		}
		target = w.Finish(target, stepCompleted)
	}
}
