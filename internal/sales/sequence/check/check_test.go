package check

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

const (
	own      = "5e900000-0000-4000-8000-000000000001"
	other    = "5e900000-0000-4000-8000-000000000002"
	third    = "5e900000-0000-4000-8000-000000000003"
	inactive = "5e900000-0000-4000-8000-000000000004"
	deals    = "5e900000-0000-4000-8000-000000000005"
	template = "7e900000-0000-4000-8000-000000000001"
	anyones  = "7e900000-0000-4000-8000-000000000002"
	dealMail = "7e900000-0000-4000-8000-000000000003"
	missing  = "00000000-0000-4000-8000-00000000000f"
	stepID   = "11111111-2222-3333-4444-555555555555"
)

// world has a chain of sequences, own ← third ← other, and templates.
func world(t testing.TB) World {
	t.Helper()
	s, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	return World{
		Schema: s, Table: name.Lead,
		Templates: map[string]Template{template: {Table: name.Lead}, anyones: {}, dealMail: {Table: name.Opportunity}},
		Sequences: map[name.SequenceID]Sequence{
			other:    {Name: "Other", Table: name.Lead, Active: true, Advances: []name.SequenceID{third}},
			third:    {Name: "Third", Table: name.Lead, Active: true},
			inactive: {Name: "Inactive", Table: name.Lead},
			deals:    {Name: "Deals", Table: name.Opportunity, Active: true},
		},
	}
}

// faults parses a definition and checks it.
func faults(t testing.TB, w World, text string, with ...func(*sequence.Definition)) []string {
	t.Helper()
	def, err := language.Parse(w.Schema, own, 1, text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	for _, change := range with {
		change(&def)
	}
	var told []string
	for _, fault := range Definition(def, w) {
		if fault.Path != "" {
			if at, ok := def.Find(fault.ID); !ok || def.Steps[at].Path != fault.Path && !strings.Contains(fault.Detail, "of an earlier step") {
				t.Errorf("%v is about step %q, which is not at %s", fault, fault.ID, fault.Path)
			}
		}
		told = append(told, fault.Error())
	}
	return told
}

// The steps of tests.
const (
	mail  = `{"type":"email","name":"Mail"}`
	phone = `{"type":"phonecall","name":"Call"}`
)

func task(name string) string { return fmt.Sprintf(`{"type":"task","name":%q}`, name) }

func wait(days, hours int) string {
	return fmt.Sprintf(`{"type":"wait","name":"Pause","wait":{"days":%d,"hours":%d}}`, days, hours)
}

func advance(to string) string {
	return fmt.Sprintf(`{"type":"advance","name":"Over","sequence":%q}`, to)
}

func set(column, value string) string {
	return fmt.Sprintf(`{"type":"updatefield","name":"Set","set":{%q:%s}}`, column, value)
}

// condition is one with more members.
func condition(asks, more string) string {
	return fmt.Sprintf(`{"type":"condition","name":"If","if":%s%s}`, asks, more)
}

func test(metric, a, b string) string {
	return fmt.Sprintf(`{"type":"abtest","name":"Test","metric":%q,"a":[%s],"b":[%s]}`, metric, a, b)
}

func list(steps ...string) string { return "[" + strings.Join(steps, ",") + "]" }

func repeat(n int, step string) []string {
	steps := make([]string, n)
	for i := range steps {
		steps[i] = step
	}
	return steps
}

const hot = `{"filter":{"type":"and","items":[{"attribute":"leadqualitycode","operator":"eq","values":[1]}]}}`

func TestDefinition_6_1_Accepts(t *testing.T) {
	w := world(t)
	for _, c := range []struct{ name, text string }{
		{"one task", list(task("t"))},
		{"40 tasks", list(repeat(40, task("t"))...)},
		{"40 tasks with waits between", list(append(repeat(300, wait(0, 1)), repeat(40, task("t"))...)...)},
		{"400 steps with waits", list(append(repeat(399, wait(0, 1)), task("t"))...)},
		{"wait of exactly 30 days (§17)", list(wait(30, 0), task("t"))},
		{"wait of an hour", list(wait(0, 1), task("t"))},
		{"wait first", list(wait(0, 1), wait(0, 1), task("t"))},
		{"a wait in a branch, with steps after the condition", list(phone, condition(`{"call":[2]}`, `,"no":[`+wait(1, 0)+`]`), task("t"))},
		{"a wait before a condition, one branch of which is empty", list(task("t"), wait(3, 0), condition(hot, `,"yes":[`+task("u")+`]`))},
		{"a call by label", list(phone, condition(`{"call":["made",4]}`, `,"yes":[`+task("t")+`]`))},
		{"an email with a limit", list(mail, condition(`{"email":["opened","replied"],"all":true}`, `,"within":{"days":2},"early":true,"yes":[`+task("t")+`]`))},
		{"a condition on the record first", list(condition(hot, `,"yes":[`+task("t")+`]`), task("u"))},
		{"advancing at the ends of both branches", list(task("t"), condition(hot, `,"yes":[`+advance(other)+`],"no":[`+advance(third)+`]`))},
		{"templates", list(`{"type":"automatedemail","name":"A","template":"`+template+`"}`, `{"type":"email","name":"B","template":"`+anyones+`"}`)},
		{"set a choice and a two-option", list(set("leadqualitycode", "1"), set("donotemail", "true"))},
		{"a test of emails", list(test("opened", mail, mail), task("t"))},
		{"a test of calls", list(test("completed", phone, task("t")))},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := faults(t, w, c.text); len(got) > 0 {
				t.Errorf("%s: %s", c.text, strings.Join(got, "\n"))
			}
		})
	}
}

// fault is one that is expected: where, and words of it.
type fault struct{ path, text string }

func TestDefinition_6_1_Refuses(t *testing.T) {
	w := world(t)
	const twice = `{"type":"task","name":"t","id":"` + stepID + `"}`
	for _, c := range []struct {
		name, text string
		want       []fault
	}{
		{"nothing", `[]`, []fault{{"", "has no step that is not a wait"}}},
		{"waits alone", list(wait(0, 1)), []fault{{"1", "a wait may not be the last step"}, {"", "has no step that is not a wait"}}},
		{"41 tasks", list(repeat(41, task("t"))...), []fault{{"", "has 41 steps that are not waits; the limit is 40"}}},
		{"trailing wait", list(task("t"), wait(0, 1)), []fault{{"2", "a wait may not be the last step"}}},
		{"trailing wait of a branch", list(phone, condition(`{"call":[2]}`, `,"yes":[`+wait(0, 1)+`]`)), []fault{{"2.yes.1", "a wait may not be the last step"}}},
		{"trailing wait before empty branches", list(task("t"), wait(0, 1), condition(hot, `,"yes":[],"no":[`+condition(hot, "")+`]`)), []fault{{"2", "nothing is done"}}},
		{"no name", list(task("t"), `{"type":"task"}`), []fault{{"2", "has no name"}}},
		{"an id twice", list(twice, task("u"), twice), []fault{{"3", "has the id " + stepID + " of an earlier step"}}},
		{"wait of nothing", list(wait(0, 0), task("t")), []fault{{"1", "waits for nothing"}}},
		{"all at once", list(wait(0, 0), `{"type":"task"}`, `{"type":"automatedemail","name":"A"}`), []fault{{"1", "waits for nothing"}, {"2", "has no name"}, {"3", "has no template"}}},

		{"advance first", list(advance(other)), []fault{{"1", "is the first"}}},
		{"after an advance", list(task("t"), advance(other), task("u"), task("v")), []fault{{"3", "is never reached"}, {"4", "is never reached"}}},
		{"after two advances", list(task("t"), condition(hot, `,"yes":[`+advance(other)+`],"no":[`+advance(third)+`]`), task("u")), []fault{{"3", "is never reached"}}},
		{"advance to itself", list(task("t"), advance(own)), []fault{{"2", "advances to its own sequence"}}},
		{"advance to nothing", list(task("t"), advance(missing)), []fault{{"2", missing + ", which is not there"}}},
		{"advance to an inactive one", list(task("t"), advance(inactive)), []fault{{"2", `"Inactive", which is not active`}}},
		{"advance to another record type", list(task("t"), advance(deals)), []fault{{"2", "records of opportunity; those of this sequence are of lead"}}},

		{"template that is not there", list(`{"type":"email","name":"A","template":"` + missing + `"}`), []fault{{"1", "which is not there"}}},
		{"template of another type", list(`{"type":"automatedemail","name":"A","template":"` + dealMail + `"}`), []fault{{"1", "records of opportunity; those of the sequence are of lead"}}},

		{"unknown column", list(set("color", "1")), []fault{{"1", `sets "color", which is no column of lead`}}},
		{"hidden column", list(set("segue_live", "1")), []fault{{"1", `sets "segue_live", which is no column of lead`}}},
		{"a text", list(set("subject", `"x"`)), []fault{{"1", "is of type string"}}},
		{"a state", list(set("statecode", "1")), []fault{{"1", "is of type state"}}},
		{"no option", list(set("leadqualitycode", "9")), []fault{{"1", "sets leadqualitycode to 9: "}}},
		{"no value", list(set("leadqualitycode", "null")), []fault{{"1", "it may be one of its options"}}},
		{"text for a two-option", list(set("donotemail", `"perhaps"`)), []fault{{"1", `sets donotemail to "perhaps": `}}},
		{"read-only", list(set("segue_connected", "true")), []fault{{"1", "sets "}}},

		{"an email condition after a task", list(mail, task("t"), condition(`{"email":["opened"]}`, `,"within":{"days":1}`)), []fault{{"3", "about an email and does not directly follow one"}}},
		{"an email condition after two ways", list(condition(hot, `,"yes":[`+mail+`]`), condition(`{"email":["opened"]}`, `,"within":{"days":1}`)), []fault{{"2", "about an email"}}},
		{"an email condition without a limit", list(mail, condition(`{"email":["opened"]}`, `,"yes":[`+task("t")+`]`)), []fault{{"2", "yes branch is never reached"}}},
		{"a call condition after an email", list(mail, condition(`{"call":[2]}`, "")), []fault{{"2", "about a phone call and does not directly follow one"}}},
		{"early without a limit", list(task("t"), condition(hot, `,"early":true`)), []fault{{"2", "has no limit"}}},
		{"a filter that is none", list(task("t"), condition(`{"filter":"hot"}`, "")), []fault{{"2", "cannot be evaluated"}}},
		{"a filter of an unknown column", list(task("t"), condition(`{"filter":{"type":"and","items":[{"attribute":"color","operator":"null"}]}}`, "")), []fault{{"2", "color"}}},
		{"a filter that all meet", list(task("t"), condition(`{"filter":{"type":"and","items":[]}}`, "")), []fault{{"2", "no branch is never reached"}}},
		{"a filter of the caller", list(task("t"), condition(`{"filter":{"type":"and","items":[{"attribute":"ownerid","operator":"eq-userid"}]}}`, "")), []fault{{"2", "cannot be evaluated"}}},

		{"a test with an empty branch", list(test("completed", task("t"), wait(0, 1)), task("u")), []fault{{"1", "has no step in branch b"}}},
		{"a test of emails without", list(test("clicked", mail, task("t"))), []fault{{"1", "is decided by emails that are clicked, and has none in branch b"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := faults(t, w, c.text)
			if len(got) != len(c.want) {
				t.Fatalf("%s: got\n%s\nwant %d faults", c.text, strings.Join(got, "\n"), len(c.want))
			}
			for i, want := range c.want {
				prefix := "msdyn_definition: "
				if want.path != "" {
					prefix += "step " + want.path + " "
				}
				if !strings.HasPrefix(got[i], prefix) || !strings.Contains(got[i], want.text) {
					t.Errorf("fault %d is %q, want %s… %s", i, got[i], prefix, want.text)
				}
			}
		})
	}
}

// A sequence may not lead back to itself, over however many others.
func TestDefinition_6_1_Circle(t *testing.T) {
	w := world(t)
	w.Sequences[third] = Sequence{Name: "Third", Table: name.Lead, Active: true, Advances: []name.SequenceID{other, own}}
	got := faults(t, w, list(task("t"), advance(other)))
	want := []string{`msdyn_definition: step 2 advances to "Other" and then "Third", which leads back to this sequence`}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestDefinition_2_LimitsAreTold(t *testing.T) {
	w := world(t)
	def, err := language.Parse(w.Schema, own, 1, list(append(repeat(41, task("t")), advance(other))...))
	if err != nil {
		t.Fatal(err)
	}
	for i := range MaxChain + 1 {
		w.Sequences[name.SequenceID(fmt.Sprint(i))] = Sequence{Name: "More", Table: name.Lead, Active: true}
	}
	var got []string
	for _, fault := range Definition(def, w) {
		called, most, used := fault.Limit()
		got = append(got, fmt.Sprint(called, " ", most, " ", used))
	}
	if d := cmp.Diff([]string{"SequenceSteps 40 42", "AdvancedSequences 50 55"}, got); d != "" {
		t.Error(d)
	}
}

// docs/domain.md §6.4, §6.5: what columns of the sequence say beside its steps.
func TestDefinition_6_4_Columns(t *testing.T) {
	w := world(t)
	own := func(o sequence.Ownership, field string) func(*sequence.Definition) {
		return func(d *sequence.Definition) { d.Ownership, d.OwnerField = o, field }
	}
	replied := func(d *sequence.Definition) { d.Exit.Replied = true }
	for _, c := range []struct {
		name, text string
		with       func(*sequence.Definition)
		want       string // "" for none
	}{
		{"replied", list(mail), replied, ""},
		{"replied, without an email", list(task("t")), replied, "msdyn_sequenceexitcriterion: ends the sequence when an email is replied to, and there is no email step"},
		{"owner", list(task("t")), own(sequence.RecordField, "ownerid"), ""},
		{"team", list(task("t")), own(sequence.OwnerTeam, ""), ""},
		{"no column", list(task("t")), own(sequence.RecordField, ""), "msdyn_assignsequencefieldname: is empty, and the steps are those of a column of the record (msdyn_assignsequencetype 1)"},
		{"unknown column", list(task("t")), own(sequence.RecordField, "color"), `msdyn_assignsequencefieldname: is "color", which is no column of lead`},
		{"column of no users", list(task("t")), own(sequence.RecordField, "parentaccountid"), `msdyn_assignsequencefieldname: is "parentaccountid", which points at no users or teams`},
		{"access team", list(task("t")), own(sequence.AccessTeam, ""), "msdyn_assignsequencetype: is 3, the access team of the record, and no record has one here; use 0 for the owner of the record, 1 for a column of it that names a user or a team, or 4 for who connects it"},
		{"unknown type", list(task("t")), own(9, ""), "msdyn_assignsequencetype: is 9, which says not whose the steps are"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var want []string
			if c.want != "" {
				want = []string{c.want}
			}
			if d := cmp.Diff(want, faults(t, w, c.text, c.with)); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestDefinition_6_1_StagesOfATableWithoutProcesses(t *testing.T) {
	w := world(t)
	w.Table = name.Account
	const process = "00000000-0000-4000-8000-00000000000f"
	got := faults(t, w, list(task("t"), condition(`{"process":"`+process+`","stages":["`+process+`"]}`, "")))
	if len(got) != 1 || !strings.Contains(got[0], "account has no columns processid and stageid") {
		t.Errorf("got %q", got)
	}
}
