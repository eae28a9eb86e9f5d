package progress_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/activity"
	"segue/internal/sales/salestest"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// linkedWorld is a world whose organization has set these columns.
func linkedWorld(t *testing.T, set values) *salestest.World {
	t.Helper()
	w := newWorld(t, boot.Options{})
	organization(t, w, set)
	return w
}

// organization changes what the organization has set.
func organization(t *testing.T, w *salestest.World, set values) {
	t.Helper()
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), ref, schematest.Row(set), entity.If{Exists: true}); err != nil {
		t.Fatal(err)
	}
}

func phoneCall(name string) string { return fmt.Sprintf(`{"type":"phonecall","name":%q}`, name) }

func email(name string) string { return fmt.Sprintf(`{"type":"email","name":%q}`, name) }

// activeOf makes an active sequence of a table's records.
func activeOf(w *salestest.World, table, definition string) string {
	w.T.Helper()
	made := w.Create("msdyn_sequence", guid.New(), values{"msdyn_name": "Linked", "msdyn_regardingentityname": table, "msdyn_definition": definition})
	if err := w.Activate(made.ID); err != nil {
		w.T.Fatal(err)
	}
	return made.ID
}

// linkedTo returns the activity of the open step of a target, nil where it has none.
func linkedTo(w *salestest.World, target *rows.Row) *rows.Row {
	w.T.Helper()
	of, ok := sequence.TargetStep{Row: w.Step(w.Row(target.Table.Name, target.ID))}.Activity()
	if !ok {
		return nil
	}
	return w.Row(of.Table, of.ID)
}

// states tells of activities what became of them, in the order of the steps that they are of.
func states(list ...*rows.Row) []any {
	var all []any
	for _, row := range list {
		all = append(all, row.Int("statecode"), row.Int("statuscode"))
	}
	return all
}

// rowAgain reads a row once more.
func rowAgain(w *salestest.World, row *rows.Row) *rows.Row { return w.Row(row.Table.Name, row.ID) }

// docs/domain.md §6.5: steps get their activities with them, where the organization wants it.
func TestActivity_6_5_Made(t *testing.T) {
	owner := link("systemuser", id("user", 5))
	for _, test := range []struct {
		name string
		set  values
		want []string // the tables of the activities of a call, an email, a task and a LinkedIn step
	}{
		{"nothing set", nil, []string{"", "", "", ""}},
		{"set", values{"segue_createactivities": true}, []string{"phonecall", "email", "task", ""}},
		{"except calls", values{"segue_createactivities": true, "segue_exceptcalls": true}, []string{"", "email", "task", ""}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := linkedWorld(t, test.set)
			w.User(5)
			seq := activeOf(w, "lead", `[`+phoneCall("Call")+`,`+email("Write")+`,`+task("Do")+`,{"type":"linkedin","subtype":"inmail","name":"Message"}]`)
			lead := w.Lead(1, values{"ownerid": owner})
			target := w.Connect(lead, seq)
			for _, table := range test.want {
				made := linkedTo(w, target)
				if table == "" {
					if made != nil {
						t.Errorf("the step has %v", made.Ref())
					}
				} else {
					step := w.Step(target)
					got := []any{made.Table.Name, made.Text("subject"), made.Lookup("regardingobjectid").ID, made.Lookup("ownerid"), made.Text("segue_step"), made.Time("scheduledend"), made.Int("statecode")}
					want := []any{table, step.Text("msdyn_name"), lead.ID, owner, step.ID, step.Time("msdyn_duetime"), activity.Open}
					if d := cmp.Diff(want, got); d != "" {
						t.Errorf("(-want +got):\n%s", d)
					}
					if made.Lookup("owningbusinessunit") != step.Lookup("owningbusinessunit") {
						t.Error("it is of another business unit than the step")
					}
				}
				target = w.Finish(target, stepCompleted)
			}
			w.Sound(true)
		})
	}
}

// A phone call has the number that the record has first in the organization's order; for an
// opportunity that of its contact.
func TestActivity_6_5_PhoneNumber(t *testing.T) {
	w := linkedWorld(t, values{"segue_createactivities": true, "segue_phonecolumns": "mobilephone, telephone1"})
	contact := rows.Ref{Table: "contact", ID: w.Create("contact", id("contact", 1), values{"lastname": "Ray", "telephone1": "+3"}).ID}
	for _, test := range []struct {
		record rows.Ref
		want   string
	}{
		{w.Lead(1, values{"mobilephone": "+1", "telephone1": "+2"}), "+1"},
		{w.Lead(2, values{"telephone1": "+2"}), "+2"},
		{w.Lead(3, values{"telephone2": "+9"}), ""},
		{rows.Ref{Table: "opportunity", ID: w.Create("opportunity", id("opportunity", 1), values{"name": "Deal", "parentcontactid": link("contact", contact.ID)}).ID}, "+3"},
		{rows.Ref{Table: "opportunity", ID: w.Create("opportunity", id("opportunity", 2), values{"name": "Deal"}).ID}, ""},
	} {
		seq := activeOf(w, test.record.Table, `[`+task("First")+`,`+phoneCall("Call")+`]`)
		target := w.Finish(w.Connect(test.record, seq), stepCompleted)
		if got := linkedTo(w, target).Text("phonenumber"); got != test.want {
			t.Errorf("%v: %q, want %q", test.record, got, test.want)
		}
	}
}

// How a step is closed closes its activity.
func TestActivity_6_5_ClosedWithStep(t *testing.T) {
	for _, test := range []struct {
		name    string
		set     values
		close   func(w *salestest.World, target *rows.Row)
		call    []any // state and status of the phone call
		outcome string
	}{
		{"completed", values{}, func(w *salestest.World, target *rows.Row) { w.Finish(target, stepCompleted) }, []any{int64(1), int64(2)}, ""},
		{"with a result", values{}, func(w *salestest.World, target *rows.Row) { result(w, target, "Received") }, []any{int64(1), int64(4)}, "Received"},
		{"with one that cancels it", values{}, func(w *salestest.World, target *rows.Row) { result(w, target, "Canceled") }, []any{int64(2), int64(3)}, "Canceled"},
		{"completed with the usual result", values{"segue_callstatus": int64(4)}, func(w *salestest.World, target *rows.Row) { w.Finish(target, stepCompleted) }, []any{int64(1), int64(4)}, ""},
		{"skipped", values{}, func(w *salestest.World, target *rows.Row) { w.Finish(target, stepSkipped) }, []any{int64(0), int64(1)}, ""},
		{"skipped, which cancels", values{"segue_skipcancelsactivity": true}, func(w *salestest.World, target *rows.Row) { w.Finish(target, stepSkipped) }, []any{int64(2), int64(3)}, ""},
		{"disconnected", values{}, func(w *salestest.World, target *rows.Row) {
			if n, err := w.Connections.Disconnect(w.T.Context(), salestest.Manager(), recordOf(w, target), ""); n != 1 || err != nil {
				w.T.Fatal(n, err)
			}
		}, []any{int64(2), int64(3)}, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.set["segue_createactivities"] = true
			w := linkedWorld(t, test.set)
			target := w.Connect(w.Lead(1, nil), activeOf(w, "lead", `[`+phoneCall("Call")+`,`+task("Do")+`]`))
			step, made := w.Step(target), linkedTo(w, target)
			test.close(w, target)
			w.Settle()
			if d := cmp.Diff(test.call, states(rowAgain(w, made))); d != "" {
				t.Errorf("the phone call (-want +got):\n%s", d)
			}
			if got := rowAgain(w, step).Text("msdyn_triggeroutcome"); got != test.outcome {
				t.Errorf("outcome %q, want %q", got, test.outcome)
			}
			w.Sound(true)
		})
	}
}

// result completes the open step with what came of it.
func result(w *salestest.World, target *rows.Row, outcome string) {
	w.T.Helper()
	w.Update("msdyn_sequencetargetstep", w.Step(target).ID, values{"statuscode": int64(2), "msdyn_triggeroutcome": outcome})
}

func recordOf(w *salestest.World, target *rows.Row) rows.Ref {
	record := sequence.Target{Row: w.Row(target.Table.Name, target.ID)}.Record()
	return rows.Ref{Table: record.Table, ID: record.ID}
}

// Completing an activity completes its step, where the organization has set so, and goes by the
// branch that the result of the call asks for; cancelling one leaves the step.
func TestActivity_6_5_ClosesStep(t *testing.T) {
	call, other := values{"segue_callcompletesstep": true}, values{"segue_activitycompletesstep": true}
	done := values{"statecode": int64(1)}
	for _, test := range []struct {
		name   string
		set    values
		first  string
		change values
		want   string // the current step after it
	}{
		{"call", call, phoneCall("First"), values{"statecode": int64(1), "statuscode": int64(4)}, "Second"},
		{"call, not set", other, phoneCall("First"), done, "First"},
		{"task", other, task("First"), done, "Second"},
		{"task, not set", call, task("First"), done, "First"},
		{"email that is sent", other, email("First"), values{"statecode": int64(1), "statuscode": int64(3)}, "Second"},
		{"cancelled", call, phoneCall("First"), values{"statecode": int64(2)}, "First"},
		{"another column", call, phoneCall("First"), values{"description": "Nobody there"}, "First"},
	} {
		t.Run(test.name, func(t *testing.T) {
			set := values{"segue_createactivities": true}
			for column, v := range test.set {
				set[column] = v
			}
			w := linkedWorld(t, set)
			target := w.Connect(w.Lead(1, nil), activeOf(w, "lead", `[`+test.first+`,`+task("Second")+`]`))
			first, made := w.Step(target), linkedTo(w, target)
			w.Update(made.Table.Name, made.ID, test.change)
			if got := w.Row(target.Table.Name, target.ID).Text("msdyn_currentstepname"); got != test.want {
				t.Errorf("at %q, want %q", got, test.want)
			}
			if test.want == "Second" {
				w.Update(made.Table.Name, made.ID, values{"description": "Once more"})
				if test.name == "call" {
					if got := rowAgain(w, first).Text("msdyn_triggeroutcome"); got != "Received" {
						t.Errorf("outcome %q", got)
					}
				}
				if d := cmp.Diff([]any{int64(1)}, states(rowAgain(w, made))[:1]); d != "" {
					t.Errorf("the activity (-want +got):\n%s", d)
				}
			}
			w.Sound(true)
		})
	}
}

// Whoever is faster, the seller on the timeline or the one in the list: step and activity are
// both closed, once.
func TestActivity_6_5_Races(t *testing.T) {
	set := values{"segue_createactivities": true, "segue_callcompletesstep": true}
	onTables := func(table string) func(probe.Call) bool {
		return func(call probe.Call) bool {
			for _, key := range call.Keys {
				if call.Method == probe.Write && salestest.TableOf(key) == table {
					return true
				}
			}
			return false
		}
	}
	t.Run("the activity first", func(t *testing.T) {
		w := linkedWorld(t, set)
		target := w.Connect(w.Lead(1, nil), activeOf(w, "lead", `[`+phoneCall("Call")+`,`+task("Do")+`]`))
		made := linkedTo(w, target)
		w.Before(onTables("msdyn_sequencetarget"), func(other *salestest.World) {
			other.Update("phonecall", made.ID, values{"statecode": int64(1), "statuscode": int64(4)})
		})
		_, _, err := w.Entities.Update(t.Context(), salestest.Manager(), rows.Ref{Table: "msdyn_sequencetargetstep", ID: w.Step(target).ID}, schematest.Row(values{"statuscode": int64(2)}), entity.If{})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Row(target.Table.Name, target.ID); got.Text("msdyn_currentstepname") != "Do" || got.Int("msdyn_currentstepcount") != 1 {
			t.Errorf("%v", got.Values())
		}
		if d := cmp.Diff([]any{int64(1), int64(4)}, states(rowAgain(w, made))); d != "" {
			t.Errorf("(-want +got):\n%s", d)
		}
		w.Sound(true)
	})
	t.Run("the activity is deleted first", func(t *testing.T) {
		w := linkedWorld(t, set)
		target := w.Connect(w.Lead(1, nil), activeOf(w, "lead", `[`+phoneCall("Call")+`,`+task("Do")+`]`))
		w.Remove("phonecall", linkedTo(w, target).ID)
		if got := w.Finish(target, stepCompleted).Text("msdyn_currentstepname"); got != "Do" {
			t.Errorf("at %q", got)
		}
		w.Sound(true)
	})
	t.Run("the step first", func(t *testing.T) {
		w := linkedWorld(t, set)
		target := w.Connect(w.Lead(1, nil), activeOf(w, "lead", `[`+phoneCall("Call")+`,`+task("Do")+`]`))
		made := linkedTo(w, target)
		w.Before(onTables("phonecall"), func(other *salestest.World) { other.Finish(target, stepCompleted) })
		w.Update("phonecall", made.ID, values{"statecode": int64(1), "statuscode": int64(4)})
		if got := w.Row(target.Table.Name, target.ID); got.Text("msdyn_currentstepname") != "Do" || got.Int("msdyn_currentstepcount") != 1 {
			t.Errorf("%v", got.Values())
		}
		w.Sound(true)
	})
}

// Of a step without an activity a seller's program makes it, once.
func TestActivity_6_5_MadeByHand(t *testing.T) {
	w := linkedWorld(t, values{"segue_callcompletesstep": true})
	target := w.Connect(w.Lead(1, nil), activeOf(w, "lead", `[`+phoneCall("Call")+`,{"type":"wait","name":"Wait","wait":{"days":1}},`+task("Do")+`]`))
	step := name.SequenceTargetStepID(w.Step(target).ID)
	open := func(ctx context.Context) (id string, err error) {
		err = w.DB.Do(ctx, "", func(tx *rows.Tx) error {
			made, err := w.Progress.OpenActivity(ctx, tx, salestest.Manager(), step)
			id = made.ID
			return err
		})
		return id, err
	}
	first, err := open(t.Context())
	second, again := open(t.Context())
	if err != nil || again != nil || first != second || first == "" {
		t.Fatalf("%q, %v; %q, %v", first, err, second, again)
	}
	w.Update("phonecall", first, values{"statecode": int64(1)})
	if got := w.Row(target.Table.Name, target.ID).Int("msdyn_currentsteptype"); got != 0 {
		t.Errorf("at a step of type %d, want the wait", got)
	}
	step = name.SequenceTargetStepID(w.Step(w.Row(target.Table.Name, target.ID)).ID)
	if _, err := open(t.Context()); err == nil {
		t.Error("a wait has an activity")
	}
	w.Sound(true)
}

// What the settings name is there.
func TestActivity_6_5_Settings(t *testing.T) {
	w := newWorld(t, boot.Options{})
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	for _, set := range []values{
		{"segue_callstatus": int64(1)}, {"segue_callstatus": int64(99)}, {"segue_phonecolumns": "mobilephone,nothing"}, {"segue_phonecolumns": "numberofemployees"},
	} {
		if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), ref, schematest.Row(set), entity.If{Exists: true}); err == nil {
			t.Errorf("%v was taken", set)
		}
	}
}

// A phone call is completed whatever becomes of its sequence.
func TestActivity_6_5_SequenceEnds(t *testing.T) {
	w := linkedWorld(t, values{"segue_createactivities": true, "segue_callcompletesstep": true})
	sequence := activeOf(w, "lead", `[`+phoneCall("Call")+`,`+task("Do")+`]`)
	target := w.Connect(w.Lead(1, nil), sequence)
	made := linkedTo(w, target)
	w.EndSequence(sequence, false)
	w.Update("phonecall", made.ID, values{"statecode": int64(1)})
	if d := cmp.Diff([]any{int64(1), int64(2)}, states(rowAgain(w, made))); d != "" {
		t.Errorf("the phone call (-want +got):\n%s", d)
	}
	w.Settle()
	if d := cmp.Diff([]any{int64(1), int64(2)}, states(rowAgain(w, made))); d != "" {
		t.Errorf("after the sweep (-want +got):\n%s", d)
	}
	w.Ended(target, salestest.Disconnected, 1, stepCancelled)
	w.Sound(true)
}

// Whoever gets a step gets its activity.
func TestActivity_6_5_Assigned(t *testing.T) {
	w := linkedWorld(t, values{"segue_createactivities": true, "segue_callcompletesstep": true})
	w.User(5)
	other := w.User(6)
	target := w.Connect(w.Lead(1, values{"ownerid": link("systemuser", id("user", 5))}), activeOf(w, "lead", `[`+phoneCall("Call")+`,`+task("Do")+`]`))
	made := linkedTo(w, target)
	w.Update("msdyn_sequencetargetstep", w.Step(target).ID, values{"ownerid": other})
	step, now := w.Step(target), rowAgain(w, made)
	if now.Lookup("ownerid") != other || now.Lookup("owningbusinessunit") != step.Lookup("owningbusinessunit") {
		t.Errorf("the phone call is %v, its step %v", now.Values(), step.Values())
	}
	w.Update("phonecall", made.ID, values{"statecode": int64(1)})
	if got := w.Row("msdyn_sequencetarget", target.ID).Text("msdyn_currentstepname"); got != "Do" {
		t.Errorf("at %q", got)
	}
	w.Sound(true)
}
