package rehearse_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot/rehearse"
	"segue/internal/sales/rehearsal"
	"segue/internal/schema/schematest"
)

// followUp is a sequence with a call, a condition on it, a wait and an email.
const followUp = `[{"type":"phonecall","name":"Call"},
 {"type":"condition","name":"Reached?","if":{"call":["Made"]},
  "yes":[{"type":"wait","name":"Two days","wait":{"days":2}},{"type":"automatedemail","name":"Follow up","template":"7e900000-0000-4000-8000-000000000001"},
   {"type":"condition","name":"Opened?","if":{"email":["opened"]},"within":{"days":3},"early":true,
    "yes":[{"type":"task","name":"Call while it is warm"}],"no":[{"type":"updatefield","name":"Cold","set":{"leadqualitycode":3}},{"type":"task","name":"Think"}]}],
  "no":[{"type":"task","name":"Find another number"}]}]`

const fixture = `at 2026-03-27T09:00 Europe/Berlin
row template {"templateid":"7e900000-0000-4000-8000-000000000001","title":"Follow up","templatetypecode":"lead","subject":"Hello {{firstname}}","body":"<p>Hello</p>"}
record lead {"subject":"Trial","firstname":"Ada","lastname":"Byron","emailaddress1":"ada@example.com"}
connect
`

func run(t *testing.T, definition, text string) ([]rehearsal.Result, error) {
	t.Helper()
	script, err := rehearsal.Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	house := rehearse.House{Tables: schematest.Tables(t)}
	return house.Rehearse(t.Context(), rehearsal.Sequence{Title: "Follow up", Table: "lead", Text: definition}, script)
}

// tell is results a line each.
func tell(results []rehearsal.Result) string {
	var text strings.Builder
	for _, r := range results {
		if r.Passed {
			fmt.Fprintf(&text, "ok %s\n", r.Name)
			continue
		}
		fmt.Fprintf(&text, "%s, line %d: expected %s; got %s\n", r.Name, r.Line, r.Expected, r.Got)
	}
	return text.String()
}

// The whole way: sellers, recipients, the time and its change over the weekend.
func TestRehearse(t *testing.T) {
	const text = fixture + `
test "opened"
expect step "Call" due 2026-03-27T09:00
complete "Call" with "Made"
expect step "Two days" due 2026-03-29T10:00
expect nothing sent
jump to due
expect sent "Hello Ada" to ada@example.com
expect nothing sent
expect step "Opened?" due 2026-04-01T10:00
wait 3h
opened "Follow up"
expect step "Call while it is warm" due 2026-03-29T13:00
complete "Call while it is warm"
expect ended completed "Sequence Completed"

test "not opened"
complete "Call" with "Made"
wait 30d
expect sent "Hello Ada"
expect step "Think" due 2026-04-01T10:00
expect leadqualitycode = "Cold"
expect leadqualitycode = 3

test "not reached"
complete "Call" with "Busy"
expect step "Find another number"
skip
expect ended completed

test "lost"
update {"statecode":2}
expect ended disconnected "Regarding Entity Deactivated"

test "bounced"
complete "Call" with "Made"
jump to due
bounced
expect ended disconnected "Bounced"

test "disconnected"
disconnect
expect ended disconnected "User Disconnected"
`
	results, err := run(t, followUp, text)
	if err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, r := range results {
		fmt.Fprintf(&want, "ok %s\n", r.Name)
	}
	if d := cmp.Diff(want.String(), tell(results)); d != "" || len(results) != 6 {
		t.Errorf("%d results (-want +got):\n%s", len(results), d)
	}
	again, err := run(t, followUp, text)
	if d := cmp.Diff(results, again); d != "" || err != nil {
		t.Errorf("another run differs: %v (-first +second):\n%s", err, d)
	}
}

// What does not hold is told with its line, what was expected and what there was.
func TestRehearseFails(t *testing.T) {
	for _, test := range []struct{ name, text, expected, got string }{
		{"step", `expect step "Mail"`, `step "Mail"`, `step "Call" due 2026-03-27T09:00`},
		{"due", `expect step "Call" due 2026-03-27T10:00`, `step "Call" due 2026-03-27T10:00`, `step "Call" due 2026-03-27T09:00`},
		{"ended", `expect ended completed`, `ended completed`, `step "Call" due 2026-03-27T09:00`},
		{"sent", `expect sent "Hello"`, `sent "Hello"`, `nothing sent`},
		{"column", `expect firstname = "Bob"`, `firstname = "Bob"`, `firstname = Ada`},
		{"no column", `expect nothing = 1`, `nothing sent`, ``},
		{"other step", `complete "Mail"`, `step "Mail"`, `step "Call" due 2026-03-27T09:00`},
		{"back", `jump to 2026-03-26T09:00`, `the line can be carried out`, `does not go back`},
		{"far", "wait 700d\nwait 700d", `the line can be carried out`, `at most 732 days`},
		{"no email", `opened`, `the line can be carried out`, `no step has sent an email`},
		{"system's rows", `row segue_job {}`, `the line can be carried out`, `rows of segue_job are made by Segue alone`},
		{"column", `update {"nothing":1}`, `the line can be carried out`, `nothing`},
		{"second record", `record lead {"lastname":"Bob"}`, `the line can be carried out`, `a test is about one record`},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.name == "no column" {
				_, err := rehearsal.Parse(`test "T"` + "\n" + test.text)
				if err == nil {
					t.Error("it is read")
				}
				return
			}
			results, err := run(t, followUp, fixture+`test "T"`+"\n"+test.text)
			if err != nil {
				t.Fatal(err)
			}
			r := results[0]
			if r.Passed || r.Line < 6 || r.Expected != test.expected || !strings.Contains(r.Got, test.got) {
				t.Errorf("%+v", r)
			}
		})
	}
}

// A sequence that cannot be activated fails each test where it is needed.
func TestRehearseBroken(t *testing.T) {
	results, err := run(t, `[{"type":"wait","name":"Nothing","wait":{"days":2}}]`, fixture+`test "T"`)
	if err != nil {
		t.Fatal(err)
	}
	if r := results[0]; r.Passed || r.Line != 4 || !strings.Contains(r.Got, "cannot be activated") {
		t.Errorf("%+v", r)
	}
}

// Tests may be carried out at the same time, and end when nobody waits for them any more.
func TestRehearseAtOnce(t *testing.T) {
	script, err := rehearsal.Parse(fixture + "test \"T\"\ncomplete \"Call\" with \"Made\"\nwait 10d\nexpect sent \"Hello Ada\"")
	if err != nil {
		t.Fatal(err)
	}
	house := rehearse.House{Tables: schematest.Tables(t)}
	s := rehearsal.Sequence{Title: "Follow up", Table: "lead", Text: followUp}
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			results, err := house.Rehearse(t.Context(), s, script)
			if err != nil || !results[0].Passed {
				t.Errorf("%v %+v", err, results)
			}
		})
	}
	group.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := house.Rehearse(ctx, s, script); err == nil {
		t.Error("a test is carried out that nobody waits for")
	}
}
