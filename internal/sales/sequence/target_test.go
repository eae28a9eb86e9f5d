package sequence

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/guid"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// outcome is an answer of Next.
type outcome struct {
	To     Status
	Reason Reason
	OK     bool
}

// TestNext_5_2 goes through every status and event. A live target is Connecting
// or Connected; what ends the one ends the other.
func TestNext_5_2(t *testing.T) {
	ends := map[Event]outcome{
		PathDone:        {Completed, SequenceCompleted, true},
		DisconnectAsked: {Disconnected, UserDisconnected, true},
		SequenceEnded:   {Disconnected, SequenceDeactivated, true},
		RecordClosed:    {Disconnected, RecordDeactivated, true},
		ExitMet:         {Disconnected, ExitCriterionMet, true},
		Advanced:        {Completed, AdvancedToOther, true},
		MemberLeft:      {Disconnected, SegmentLeft, true},
		Bounced:         {Disconnected, EmailBounced, true},
		Complained:      {Disconnected, EmailComplained, true},
	}
	starts := map[Event]outcome{
		FirstStepCreated: {Connected, 0, true},
		EngineFailed:     {Failed, 0, true},
	}
	for from := Connecting; from <= Disconnected; from++ {
		for event := Event(0); event <= Complained+1; event++ {
			want := outcome{To: from}
			if end, ok := ends[event]; ok && (from == Connecting || from == Connected) {
				want = end
			}
			if start, ok := starts[event]; ok && from == Connecting {
				want = start
			}
			var got outcome
			got.To, got.Reason, got.OK = Next(from, event)
			if got != want {
				t.Errorf("status %d, event %d: got %+v, want %+v", from, event, got, want)
			}
		}
	}
}

var (
	now    = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	record = schema.Lookup{Table: "lead", ID: "the lead"}
	owner  = schema.Lookup{Table: "systemuser", ID: "the owner"}
	plan   = Definition{Sequence: "the sequence", Version: 3, Steps: line(task("call"), wait("pause", waitOf(1, 0)), task("mail")).Steps}
)

func TestBegin(t *testing.T) {
	c := Connection{Record: record, Name: "Ann", Owner: owner, Sequence: plan.Sequence, Segment: "the segment", Version: 9, Entry: 2, Start: now.Add(time.Hour)}
	target, step, stepID := Begin(plan, c, worktime.Schedule{})
	due := now.Add(time.Hour)
	wantTarget := map[string]schema.Value{
		"msdyn_name": schema.Text("Ann"), "msdyn_target": schema.Ref(record), "ownerid": schema.Ref(owner),
		"msdyn_parentsequence":          schema.Ref(schema.Lookup{Table: "msdyn_sequence", ID: string(plan.Sequence)}),
		"msdyn_parentsequenceversion":   schema.Int(3),
		"msdyn_segment":                 schema.Ref(schema.Lookup{Table: "msdyn_segment", ID: "the segment"}),
		"msdyn_currentstepcount":        schema.Int(0),
		"msdyn_totalstepcount":          schema.Int(2),
		"msdyn_currentstepdefinitionid": schema.Text("id of call"),
		"msdyn_currentstepname":         schema.Text("call"),
		"msdyn_currentsteptype":         schema.Int(int64(Task)),
		"segue_currentstep":             schema.Ref(schema.Lookup{Table: "msdyn_sequencetargetstep", ID: string(stepID)}),
		"segue_entry":                   schema.Int(2),
		"segue_system":                  schema.Null(),
		"statecode":                     schema.Int(0),
		"statuscode":                    schema.Int(int64(Connected)),
	}
	if d := cmp.Diff(wantTarget, target); d != "" {
		t.Errorf("target (-want +got):\n%s", d)
	}
	wantStep := map[string]schema.Value{
		"msdyn_name": schema.Text("call"), "msdyn_sequencestepid": schema.Text("id of call"), "msdyn_type": schema.Int(int64(Task)), "msdyn_subtype": schema.Int(0),
		"msdyn_sequencetarget": schema.Ref(schema.Lookup{Table: "msdyn_sequencetarget", ID: string(c.Target())}),
		"msdyn_duetime":        schema.Time(due), "msdyn_sequenceduetime": schema.Time(due),
		"msdyn_waitstate": schema.Int(waitNA), "msdyn_advancedfromwaitstate": schema.Int(0),
		"segue_sequence": schema.Ref(schema.Lookup{Table: "msdyn_sequence", ID: string(plan.Sequence)}),
		"segue_record":   schema.Text("lead:the lead"), "segue_position": schema.Int(0), "segue_done": schema.Int(0), "segue_version": schema.Int(3), "segue_owner": schema.Ref(owner), "ownerid": schema.Ref(owner),
		"statecode": schema.Int(0), "statuscode": schema.Int(int64(StepOpen)),
	}
	if d := cmp.Diff(wantStep, step); d != "" {
		t.Errorf("step (-want +got):\n%s", d)
	}
}

func TestBeginWithoutOwnerAndSegment(t *testing.T) {
	target, step, _ := Begin(plan, Connection{Record: record, Sequence: plan.Sequence, Start: now}, worktime.Schedule{})
	for _, row := range []map[string]schema.Value{target, step} {
		for _, column := range []string{"ownerid", "segue_owner", "msdyn_segment"} {
			if v, there := row[column]; there {
				t.Errorf("%s is %v, want it left out", column, v)
			}
		}
	}
}

func TestBeginCutsNamesBetweenCharacters(t *testing.T) {
	target, _, _ := Begin(plan, Connection{Record: record, Name: strings.Repeat("é", 150), Sequence: plan.Sequence, Start: now}, worktime.Schedule{})
	if d := cmp.Diff(schema.Text(strings.Repeat("é", 50)), target["msdyn_name"]); d != "" {
		t.Error(d)
	}
	target, _, _ = Begin(plan, Connection{Record: record, Name: "x" + strings.Repeat("é", 150), Sequence: plan.Sequence, Start: now}, worktime.Schedule{})
	if d := cmp.Diff(schema.Text("x"+strings.Repeat("é", 49)), target["msdyn_name"]); d != "" {
		t.Error(d)
	}
}

func TestTargetIDsDifferByRecordSequenceAndVersion(t *testing.T) {
	base := Connection{Record: record, Sequence: "s", Version: 1}
	again, later, other, elsewhere := base, base, base, base
	again.Name, again.Entry = "renamed", 5
	later.Version = 2
	other.Record.ID = "another lead"
	elsewhere.Sequence = "t"
	if base.Target() != again.Target() {
		t.Error("the same record in the same version gets another target")
	}
	for _, c := range []Connection{later, other, elsewhere} {
		if c.Target() == base.Target() {
			t.Errorf("%+v has the target of %+v", c, base)
		}
	}
}

// at is the open step of a target at a place of a definition.
func at(def Definition, index int) Position {
	return Position{
		Target: "t", Record: record, Owner: owner, Step: def.Steps[index].ID, Type: def.Steps[index].Type,
		Version: def.Version, Passed: index, Done: Definition{Steps: def.Steps[:index]}.Tasks(),
	}
}

// bySystem is segue_system of a step and of the target that is at it.
func bySystem(step Step) schema.Value {
	if step.Type.BySystem() {
		return schema.Bool(true)
	}
	return schema.Null()
}

func TestAdvance_5_3(t *testing.T) {
	const afterStep = "msdyn_disconnectedafterstepdefinitionid"
	done := func(as int64, more map[string]schema.Value) map[string]schema.Value {
		v := map[string]schema.Value{"statecode": schema.Int(1), "statuscode": schema.Int(as), "msdyn_completedon": schema.Time(now)}
		maps.Copy(v, more)
		return v
	}
	moved := func(to Step, index int, count int64, after string) map[string]schema.Value {
		return map[string]schema.Value{
			"msdyn_currentstepdefinitionid": schema.Text(string(to.ID)), "msdyn_currentstepname": schema.Text(to.Name), "msdyn_currentsteptype": schema.Int(int64(to.Type)),
			"segue_system":           bySystem(to),
			"segue_currentstep":      schema.Ref(schema.Lookup{Table: "msdyn_sequencetargetstep", ID: guid.Derive("step", "t", string(plan.Steps[index].ID), "3")}),
			"msdyn_currentstepcount": schema.Int(count), "msdyn_totalstepcount": schema.Int(2), "msdyn_parentsequenceversion": schema.Int(3),
			afterStep: schema.Text(after),
		}
	}
	completed := map[string]schema.Value{
		"statecode": schema.Int(1), "statuscode": schema.Int(int64(Completed)), "msdyn_deactivatereason": schema.Int(int64(SequenceCompleted)),
		"msdyn_currentstepcount": schema.Int(2), "msdyn_totalstepcount": schema.Int(2), "msdyn_parentsequenceversion": schema.Int(3),
		afterStep: schema.Text("id of mail"),
	}
	for _, test := range []struct {
		name   string
		index  int
		as     StepStatus
		step   map[string]schema.Value
		target map[string]schema.Value
	}{
		{"task completed", 0, StepCompleted, done(int64(StepCompleted), nil), moved(plan.Steps[1], 1, 1, "id of call")},
		{"task skipped", 0, StepSkipped, done(int64(StepSkipped), nil), moved(plan.Steps[1], 1, 1, "id of call")},
		{"wait over", 1, StepCompleted, done(int64(StepCompleted), map[string]schema.Value{"msdyn_waitstate": schema.Int(waitDone)}),
			moved(plan.Steps[2], 2, 1, "id of pause")},
		{"wait skipped", 1, StepSkipped, done(int64(StepSkipped), map[string]schema.Value{"msdyn_waitstate": schema.Int(waitSkipped), "msdyn_waitskippedon": schema.Time(now)}),
			moved(plan.Steps[2], 2, 1, "id of pause")},
		{"last completed", 2, StepCompleted, done(int64(StepCompleted), nil), completed},
		{"last skipped", 2, StepSkipped, done(int64(StepSkipped), nil), completed},
	} {
		t.Run(test.name, func(t *testing.T) {
			out := Advance(plan, at(plan, test.index), Closing{As: test.as}, worktime.Schedule{}, now)
			if d := cmp.Diff(test.step, out.Step); d != "" {
				t.Errorf("step (-want +got):\n%s", d)
			}
			if d := cmp.Diff(test.target, out.Target); d != "" {
				t.Errorf("target (-want +got):\n%s", d)
			}
		})
	}
}

func TestAdvanceToAWaitIsDueWhenItIsOver(t *testing.T) {
	out := Advance(plan, at(plan, 0), Closing{As: StepCompleted}, worktime.Schedule{}, now)
	for column, want := range map[string]schema.Value{
		"msdyn_duetime": schema.Time(now.Add(24 * time.Hour)), "msdyn_waitstate": schema.Int(waitWaiting), "segue_position": schema.Int(1),
	} {
		if d := cmp.Diff(want, out.Next[column]); d != "" {
			t.Errorf("%s (-want +got):\n%s", column, d)
		}
	}
}

// A step that the definition does not have ends the target, as its version has ended.
func TestAdvance_OfAStepThatIsNotThere(t *testing.T) {
	other := Definition{Sequence: plan.Sequence, Version: 4, Steps: line(task("research"), task("mail")).Steps}
	out := Advance(other, at(plan, 1), Closing{As: StepSkipped}, worktime.Schedule{}, now)
	wantStep := map[string]schema.Value{
		"statecode": schema.Int(1), "statuscode": schema.Int(int64(StepSkipped)), "msdyn_completedon": schema.Time(now),
		"msdyn_waitstate": schema.Int(waitSkipped), "msdyn_waitskippedon": schema.Time(now),
	}
	wantTarget := map[string]schema.Value{
		"statecode": schema.Int(1), "statuscode": schema.Int(int64(Disconnected)), "msdyn_deactivatereason": schema.Int(int64(SequenceDeactivated)),
		"msdyn_disconnectedafterstepdefinitionid": schema.Text("id of pause"),
	}
	if d := cmp.Diff([]map[string]schema.Value{wantStep, wantTarget}, []map[string]schema.Value{out.Step, out.Target}); d != "" || out.NextID != "" {
		t.Errorf("step and target of a step that is not there, next %q (-want +got):\n%s", out.NextID, d)
	}
}

// The same target takes the same branch of a test always, and all targets together about as
// many each as the split says.
func TestPick(t *testing.T) {
	step := Step{ID: "test", Type: ABTest, Test: &Test{Split: 30}}
	count := 0
	for i := range 10_000 {
		target := name.SequenceTargetID(fmt.Sprint("target ", i))
		first := step.pick(target)
		if first != step.pick(target) {
			t.Fatal("a target takes both branches")
		}
		if first == A {
			count++
		}
	}
	if count < 2_800 || count > 3_200 {
		t.Errorf("%d of 10,000 take A, want about 3,000", count)
	}
}

func TestEnd(t *testing.T) {
	got, ok := End(Connected, RecordClosed)
	want := map[string]schema.Value{"statecode": schema.Int(1), "statuscode": schema.Int(int64(Disconnected)), "msdyn_deactivatereason": schema.Int(int64(RecordDeactivated))}
	if d := cmp.Diff(want, got); d != "" || !ok {
		t.Errorf("ok %t (-want +got):\n%s", ok, d)
	}
	if got, ok := End(Completed, DisconnectAsked); got != nil || ok {
		t.Errorf("a completed target ended again: %v", got)
	}
	if got, ok := End(Connecting, FirstStepCreated); got != nil || ok {
		t.Errorf("the first step ended a target: %v", got)
	}
}

// life is a target and its steps in the hands of the test, which does what
// package sales does with Outcome.
type life struct {
	target map[string]schema.Value
	steps  map[string]map[string]schema.Value
}

func (l life) open() (ids []string) {
	for stepID, step := range l.steps {
		if step["statecode"] == schema.Int(0) {
			ids = append(ids, stepID)
		}
	}
	return ids
}

// TestLifeOfATarget lives random lives and compares them with a naive model
// that knows the position alone.
func TestLifeOfATarget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		def := Definition{Sequence: "s", Version: 1}
		for i, isWait := range rapid.SliceOfN(rapid.Bool(), 0, 8).Draw(t, "waits") {
			if isWait {
				def.Steps = append(def.Steps, wait(fmt.Sprint(i), waitOf(0, 1)))
			} else {
				def.Steps = append(def.Steps, task(fmt.Sprint(i)))
			}
		}
		def.Steps = line(append(def.Steps, task("last"))...).Steps

		target, step, stepID := Begin(def, Connection{Record: record, Sequence: "s", Start: now}, worktime.Schedule{})
		l := life{target, map[string]map[string]schema.Value{string(stepID): step}}
		position, reason, tasksDone := 0, schema.Null(), 0 // the model
		for range rapid.IntRange(0, 12).Draw(t, "events") {
			switch what := rapid.SampledFrom([]string{"complete", "skip", "disconnect", "close", "deactivate"}).Draw(t, "event"); what {
			case "complete", "skip":
				if !reason.IsNull() {
					continue // no open step, nothing to finish
				}
				l.advance(def, position, map[string]StepStatus{"complete": StepCompleted, "skip": StepSkipped}[what])
				if def.Steps[position].Type != Wait {
					tasksDone++
				}
				if position++; position == len(def.Steps) {
					reason = schema.Int(int64(SequenceCompleted))
				}
			default:
				event := map[string]Event{"disconnect": DisconnectAsked, "close": RecordClosed, "deactivate": SequenceEnded}[what]
				l.end(event)
				if reason.IsNull() {
					reason = map[string]schema.Value{"disconnect": schema.Int(0), "close": schema.Int(2), "deactivate": schema.Int(1)}[what]
				}
			}
			if got := l.target["msdyn_deactivatereason"]; got != reason {
				t.Fatalf("reason %v, want %v", got, reason)
			}
			if got := l.target["msdyn_currentstepcount"]; got != schema.Int(int64(tasksDone)) {
				t.Fatalf("%v steps done, want %d", got, tasksDone)
			}
			wantOpen := 1
			if !reason.IsNull() {
				wantOpen = 0
			}
			open := l.open()
			if len(open) != wantOpen {
				t.Fatalf("%d open steps, want %d", len(open), wantOpen)
			}
			if current, _ := l.target["segue_currentstep"].Ref(); wantOpen == 1 && current.ID != open[0] {
				t.Fatal("the target's current step is not the open one")
			}
		}
	})
}

func (l life) advance(def Definition, index int, as StepStatus) {
	stepID := l.open()[0]
	out := Advance(def, at(def, index), Closing{As: as}, worktime.Schedule{}, now)
	maps.Copy(l.steps[stepID], out.Step)
	maps.Copy(l.target, out.Target)
	if out.NextID != "" {
		l.steps[string(out.NextID)] = out.Next
	}
}

func (l life) end(event Event) {
	status, _ := l.target["statuscode"].Int()
	columns, ok := End(Status(status), event)
	if !ok {
		return
	}
	maps.Copy(l.target, columns)
	for _, stepID := range l.open() {
		maps.Copy(l.steps[stepID], Cancelled())
	}
}
