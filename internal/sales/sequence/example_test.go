package sequence_test

import (
	"fmt"
	"time"

	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// definition is a call, and two days later a mail.
func definition() sequence.Definition {
	tables, err := schema.Default()
	if err != nil {
		panic(err)
	}
	def, err := language.Parse(tables, "5e900000-0000-4000-8000-000000000001", 1, `[
		{"type":"phonecall","name":"Call"},
		{"type":"wait","name":"Two days","wait":{"days":2}},
		{"type":"email","name":"Mail"}]`)
	if err != nil {
		panic(err)
	}
	return def
}

// printColumns prints some columns of a row, on one line.
func printColumns(title string, columns map[string]schema.Value, names ...string) {
	fmt.Print(title, ":")
	for _, column := range names {
		fmt.Printf(" %s %v", column, columns[column])
	}
	fmt.Println()
}

// A connection begins with a target and its first step, advances whenever a step
// is done, and ends after the last. Each function returns the columns that the
// caller writes in one commit; it reads and writes nothing itself.
func Example() {
	def := definition()
	monday := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	connection := sequence.Connection{
		Record: schema.Lookup{Table: name.Lead, ID: "1ead0000-0000-4000-8000-000000000001"},
		Name:   "Ada Kern", Sequence: def.Sequence, Version: 7, Entry: 1, Start: monday,
	}
	target, step, _ := sequence.Begin(def, connection, worktime.Schedule{})
	printColumns("target", target, name.Statuscode, name.MsdynCurrentstepname, name.MsdynTotalstepcount)
	printColumns("step", step, name.MsdynName, name.Statuscode, name.MsdynDuetime)

	for i, done := range []struct {
		as  sequence.StepStatus
		now time.Time
	}{
		{sequence.StepCompleted, monday.Add(time.Hour)},
		{sequence.StepSkipped, monday.Add(2 * time.Hour)}, // the wait
		{sequence.StepCompleted, monday.Add(3 * time.Hour)},
	} {
		at := sequence.Position{
			Target: connection.Target(), Record: connection.Record,
			Step: def.Steps[i].ID, Type: def.Steps[i].Type,
		}
		out := sequence.Advance(def, at, sequence.Closing{As: done.as}, worktime.Schedule{}, done.now)
		fmt.Println()
		printColumns("done", out.Step, name.Statecode, name.Statuscode)
		if out.NextID == "" {
			printColumns("target", out.Target, name.Statuscode, name.MsdynCurrentstepcount, name.MsdynDeactivatereason)
			break
		}
		printColumns("target", out.Target, name.MsdynCurrentstepname, name.MsdynCurrentstepcount)
		printColumns("next", out.Next, name.MsdynName, name.MsdynDuetime)
	}

	// Output:
	// target: statuscode 2 msdyn_currentstepname Call msdyn_totalstepcount 2
	// step: msdyn_name Call statuscode 1 msdyn_duetime 2026-03-02T09:00:00Z
	//
	// done: statecode 1 statuscode 2
	// target: msdyn_currentstepname Two days msdyn_currentstepcount 1
	// next: msdyn_name Two days msdyn_duetime 2026-03-04T10:00:00Z
	//
	// done: statecode 1 statuscode 3
	// target: msdyn_currentstepname Mail msdyn_currentstepcount 1
	// next: msdyn_name Mail msdyn_duetime 2026-03-02T11:00:00Z
	//
	// done: statecode 1 statuscode 2
	// target: statuscode 3 msdyn_currentstepcount 2 msdyn_deactivatereason 4
}

// A live target ends once, with one reason: what happens to it afterwards
// changes nothing. Its open step is cancelled in the same commit.
func ExampleEnd() {
	target, ok := sequence.End(sequence.Connected, sequence.RecordClosed)
	printColumns("record closed", target, name.Statecode, name.Statuscode, name.MsdynDeactivatereason)
	fmt.Println(ok)
	printColumns("its open step", sequence.Cancelled(), name.Statecode, name.Statuscode)

	_, ok = sequence.End(sequence.Disconnected, sequence.DisconnectAsked)
	fmt.Println("ends again:", ok)

	// Output:
	// record closed: statecode 1 statuscode 5 msdyn_deactivatereason 2
	// true
	// its open step: statecode 1 statuscode 4
	// ends again: false
}
