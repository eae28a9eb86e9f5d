package authoring_test

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/sales"
	"segue/internal/schema/schematest"
)

// advances is a definition that ends by advancing to a sequence.
func advances(to string) string {
	return fmt.Sprintf(`[{"type":"task","name":"A"},{"type":"advance","name":"Over","sequence":%q}]`, to)
}

// A text of another product is kept byte for byte, and never activated.
func TestSequence_6_1_ForeignTextIsADraft(t *testing.T) {
	w := newWorld(t, boot.Options{})
	const text = "{\"siteMap\": [1,  2],\n\t\"x\":\"é\"}"
	seq := w.Draft(1, text)
	if got := w.Row("msdyn_sequence", seq).Text("msdyn_definition"); got != text {
		t.Errorf("stored as %q", got)
	}
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(seq) }, "msdyn_definition: ", "not in the format of Segue")
}

func TestSequence_6_1_ForeignExitCriterion(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Draft(1, `[{"type":"task","name":"A"}]`)
	w.Update("msdyn_sequence", seq, values{"msdyn_sequenceexitcriterion": `{"reply":true}`})
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(seq) }, "msdyn_sequenceexitcriterion: ", "not in the format of Segue")
	w.Update("msdyn_sequence", seq, values{"msdyn_sequenceexitcriterion": `{"segue":1,"replied":true}`})
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(seq) }, "msdyn_sequenceexitcriterion: ", "no email step")
	w.Update("msdyn_sequence", seq, values{"msdyn_definition": `[{"type":"email","name":"Mail"}]`})
	if err := w.Activate(seq); err != nil {
		t.Error(err)
	}
}

// Activation tells all that is wrong, and which limit is exceeded.
func TestSequence_6_1_AllFaults(t *testing.T) {
	w := newWorld(t, boot.Options{})
	long := `{"type":"wait","name":"W","wait":{}},{"type":"email","name":"M","template":"` + id("template", 1) + `"}`
	for range 41 {
		long += `,{"type":"task","name":"A"}`
	}
	seq := w.Draft(1, "["+long+"]")
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(seq) }, "step 1 waits for nothing", "step 2 has template", "42 steps")
	limit, ok := errors.AsType[interface {
		error
		Limit() (name string, most, used int)
	}](w.Activate(seq))
	if !ok {
		t.Fatal("the error tells no limit")
	}
	name, most, used := limit.Limit()
	if d := cmp.Diff("SequenceSteps 40 42", fmt.Sprint(name, " ", most, " ", used)); d != "" {
		t.Error(d)
	}
}

func TestSequence_6_1_Templates(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead, deal := id("template", 1), id("template", 2)
	w.Create("template", lead, values{"title": "A", "templatetypecode": "lead"})
	w.Create("template", deal, values{"title": "B", "templatetypecode": "opportunity"})
	with := func(template string) string {
		return fmt.Sprintf(`[{"type":"automatedemail","name":"M","template":%q}]`, template)
	}
	wrong := w.Draft(1, with(deal))
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(wrong) }, deal, "opportunity")
	if err := w.Activate(w.Draft(2, with(lead))); err != nil {
		t.Error(err)
	}
}

// docs/domain.md §6.1: a sequence leads to active ones, and never back to itself.
func TestSequence_6_1_AdvanceNeverCircles(t *testing.T) {
	w := newWorld(t, boot.Options{})
	one, two, three := w.Draft(1, steps), w.Draft(2, advances(id("sequence", 1))), w.Draft(3, advances(id("sequence", 2)))
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(two) }, "step 2 advances to sequence", "which is not active")
	for _, seq := range []string{one, two, three} {
		if err := w.Activate(seq); err != nil {
			t.Fatal(err)
		}
	}
	w.Update("msdyn_sequence", one, values{"statecode": int64(0)})
	w.Settle()
	w.Update("msdyn_sequence", one, values{"msdyn_definition": advances(three)})
	w.Refuses(t, sales.Invalid, func() error { return w.Activate(one) }, "step 2 advances to", "leads back to this sequence")
}

// docs/domain.md §6.6: a template gives a definition to a sequence that has none.
func TestSequence_6_6_Template(t *testing.T) {
	w := newWorld(t, boot.Options{})
	created := func(n int, of values) error {
		maps.Copy(of, values{"msdyn_name": "A"})
		_, err := w.Entities.Create(t.Context(), manager(), "msdyn_sequence", id("sequence", n), schematest.Row(of))
		return err
	}
	if err := created(1, values{"msdyn_regardingentityname": "lead", "msdyn_template": "outbound-prospecting"}); err != nil {
		t.Fatal(err)
	}
	row := w.Row("msdyn_sequence", id("sequence", 1))
	if got := row.Int("msdyn_totaltasks"); got != 7 || strings.Count(row.Text("msdyn_definition"), `"id":`) != 10 {
		t.Errorf("%d steps, %s", got, row.Text("msdyn_definition"))
	}
	if err := w.Activate(row.ID); err != nil {
		t.Error(err)
	}
	w.Refuses(t, sales.Invalid, func() error {
		return created(2, values{"msdyn_regardingentityname": "lead", "msdyn_template": "cold-call"})
	}, "msdyn_template", `"cold-call"`, "missed-meeting")
	w.Refuses(t, sales.Invalid, func() error {
		return created(2, values{"msdyn_regardingentityname": "lead", "msdyn_template": "demo-request"})
	}, "msdyn_template", "opportunity", "lead")
	if err := created(2, values{"msdyn_regardingentityname": "lead", "msdyn_template": "theirs", "msdyn_definition": steps}); err != nil {
		t.Error(err)
	}
	if got := w.Row("msdyn_sequence", id("sequence", 2)).Text("msdyn_definition"); got != steps {
		t.Errorf("the definition given has become %s", got)
	}
}
