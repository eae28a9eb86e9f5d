package sequence

import (
	"fmt"
	"maps"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/sales/worktime"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Status is the status of a target, a value of its statuscode (docs/domain.md §4.2).
type Status int64

// The target statuses. Connecting and Connected are live (state 0), the others
// have ended (state 1).
const (
	Connecting   Status = 1
	Connected    Status = 2
	Completed    Status = 3
	Failed       Status = 4 // "Error" on the wire
	Disconnected Status = 5
)

// Live reports whether a target in this status is a live connection.
func (s Status) Live() bool { return s == Connecting || s == Connected }

// Reason says why a target ended, a value of msdyn_deactivatereason.
type Reason int64

// The reasons (docs/domain.md §4.2).
const (
	UserDisconnected    Reason = 0
	SequenceDeactivated Reason = 1
	RecordDeactivated   Reason = 2
	ExitCriterionMet    Reason = 3
	SequenceCompleted   Reason = 4
	AdvancedToOther     Reason = 5
	SegmentLeft         Reason = 6 // ours
	EmailBounced        Reason = 7 // ours
	EmailComplained     Reason = 8 // ours
)

// Event is what happens to a target.
type Event uint8

// The events of docs/domain.md §5.2, in its order.
const (
	FirstStepCreated Event = iota + 1
	EngineFailed
	PathDone
	DisconnectAsked
	SequenceEnded // deactivated or deleted
	RecordClosed  // closed, qualified, disqualified, deactivated or deleted
	ExitMet
	Advanced
	MemberLeft // the record has left the segment that made the connection
	Bounced    // an email of the sequence came back for good
	Complained // the recipient of one reported it as spam
)

// transition is where an event leads from a status.
type transition struct {
	to     Status
	reason Reason
}

// Next is the state machine of docs/domain.md §5.2: where an event leads, ok false
// when it means nothing in that status. An ended target never lives again.
func Next(from Status, event Event) (to Status, reason Reason, ok bool) {
	var t transition
	switch event {
	case FirstStepCreated:
		if from != Connecting {
			return from, 0, false
		}
		return Connected, 0, true
	case EngineFailed:
		if from != Connecting {
			return from, 0, false
		}
		return Failed, 0, true
	case PathDone:
		t = transition{Completed, SequenceCompleted}
	case DisconnectAsked:
		t = transition{Disconnected, UserDisconnected}
	case SequenceEnded:
		t = transition{Disconnected, SequenceDeactivated}
	case RecordClosed:
		t = transition{Disconnected, RecordDeactivated}
	case ExitMet:
		t = transition{Disconnected, ExitCriterionMet}
	case Advanced:
		t = transition{Completed, AdvancedToOther}
	case MemberLeft:
		t = transition{Disconnected, SegmentLeft}
	case Bounced:
		t = transition{Disconnected, EmailBounced}
	case Complained:
		t = transition{Disconnected, EmailComplained}
	}
	if !from.Live() || t.to == 0 {
		return from, 0, false
	}
	return t.to, t.reason, true
}

// Wait states of a step (docs/domain.md §4.3).
const (
	waitNA        int64 = 0
	waitWaiting   int64 = 1
	waitSkipped   int64 = 2
	waitForUpdate int64 = 3 // for a signal from outside
	waitDone      int64 = 4

	advancedAfterWait int64 = 3 // msdyn_advancedfromwaitstate of a step after a wait
)

// maxOutcome is how many bytes of msdyn_triggeroutcome are kept, so that an item stays small.
const maxOutcome = 400

// StepError says why a step is held, a value of msdyn_errorstate (docs/domain.md §4.3).
type StepError int64

// The errors; those from 4 on are ours.
const (
	NoError            StepError = 0
	UpdateFailed       StepError = 1
	TextMessageFailed  StepError = 2
	TemplateFailed     StepError = 3
	DueTimeUnknown     StepError = 4
	ConditionFailed    StepError = 5
	AdvanceFailed      StepError = 6
	EmailNotSent       StepError = 7
	UnknownWhetherSent StepError = 8
)

// Held returns the columns of an open step that the system cannot do: it waits, with the
// reason, in the list of its owner. The target's segue_system becomes null in the same
// transaction.
func Held(failure StepError, reason string) map[string]schema.Value {
	return map[string]schema.Value{
		name.MsdynErrorstate:     schema.Int(int64(failure)),
		name.MsdynTriggeroutcome: schema.Text(excerpt.Bytes(reason, maxOutcome)),
		name.SegueSystem:         schema.Null(),
	}
}

// Connection is what a new target is made of.
type Connection struct {
	Record   schema.Lookup
	Name     string // of the record, for people
	Owner    schema.Lookup
	Sequence name.SequenceID
	Segment  name.SegmentID            // the segment that made it, or ""
	Version  int64                     // version with which the record is written; with the record it makes the ids
	Entry    int64                     // how often the record has been connected, this time included
	Start    time.Time                 // when the first step is due at the earliest
	From     name.SequenceTargetStepID // the step that advanced to the sequence, or ""
	Winners  map[StepID]Branch         // see [Closing]
}

// Target is the id of the connection's target. The same record in the same
// version connects to a sequence only once, so doing it again after a crash
// meets the row that is there.
func (c Connection) Target() name.SequenceTargetID {
	return name.SequenceTargetID(guid.Derive("target", c.Record.ID, string(c.Sequence), fmt.Sprint(c.Version)))
}

// Begin returns the target of a new connection and its first step: id and columns
// of each. The target is Connected, since its first step comes with it. The first
// step is chosen by the rules of [Advance]: what can be decided at once is no step.
// A definition with no way to a step that lasts ends the target at once; then stepID is "".
func Begin(def Definition, c Connection, schedule worktime.Schedule) (target, step map[string]schema.Value, stepID name.SequenceTargetStepID) {
	p := Position{Target: c.Target(), Record: c.Record, Owner: c.Owner}
	way := def.follow(0, p.Target, Closing{Winners: c.Winners})
	target = map[string]schema.Value{
		name.MsdynName:                  schema.Text(excerpt.Bytes(c.Name, MaxName)),
		name.MsdynTarget:                schema.Ref(c.Record),
		name.MsdynParentsequence:        schema.RefTo(name.Sequence, def.Sequence),
		name.MsdynParentsequenceversion: schema.Int(def.Version),
		name.MsdynCurrentstepcount:      schema.Int(0),
		name.MsdynTotalstepcount:        schema.Int(int64(def.total(0, way.to))),
		name.SegueEntry:                 schema.Int(c.Entry), // makes the unique key
		name.Statecode:                  schema.Int(int64(TargetActive)),
		name.Statuscode:                 schema.Int(int64(Connected)),
	}
	if regarding := excerpt.Bytes(c.Name, maxRegarding); len(regarding) > MaxName {
		target[name.MsdynRegarding] = schema.Text(regarding) // else it is the name
	}
	if c.Segment != "" {
		target[name.MsdynSegment] = schema.RefTo(name.Segment, c.Segment)
	}
	if c.Owner.ID != "" {
		target[name.Ownerid] = schema.Ref(c.Owner)
	}
	if c.From != "" {
		target[name.MsdynAdvancedfromstep] = schema.RefTo(name.SequenceTargetStep, c.From)
	}
	if way.to == PathEnd {
		ended, _ := End(Connected, PathDone)
		maps.Copy(target, ended)
		return target, nil, ""
	}
	opened := p.open(def, way.to, 0, 0, schedule, c.Start)
	opened.drawn(way)
	maps.Copy(target, opened.current(def.Steps[way.to]))
	return target, opened.columns, opened.id
}

// opened is a step that is opened for a target.
type opened struct {
	id      name.SequenceTargetStepID
	columns map[string]schema.Value
}

// drawn notes what tests on the way to the step have drawn. A test has a step in each branch, so
// there always is one to note it.
func (o opened) drawn(w way) {
	if len(w.picks) > 0 {
		o.columns[name.SeguePicks] = schema.Text(picksText(w.picks))
	}
}

// current returns the columns of a target that tell its current step.
func (o opened) current(step Step) map[string]schema.Value {
	return map[string]schema.Value{
		name.MsdynCurrentstepdefinitionid: schema.Text(string(step.ID)),
		name.MsdynCurrentstepname:         schema.Text(excerpt.Bytes(step.Name, MaxName)),
		name.MsdynCurrentsteptype:         schema.Int(int64(step.Type)),
		name.SegueCurrentstep:             schema.RefTo(name.SequenceTargetStep, o.id),
		name.SegueSystem:                  o.columns[name.SegueSystem], // of the step; null unless the system does it
	}
}

// Position is an open step of a target.
type Position struct {
	Target  name.SequenceTargetID
	Record  schema.Lookup
	Owner   schema.Lookup // of the step and, unless the record is assigned meanwhile, of those after it
	Step    StepID        // in the definition by which the step was made
	Type    StepType
	Version int64 // of that definition; 0 of a step that was made when steps did not keep it
	Passed  int   // steps of the target before it, waits included
	Done    int   // of those, how many count
}

// open returns the step of a definition's place that is opened for the target of p, the
// wait of which begins at start.
func (p Position) open(def Definition, at Place, passed, done int, schedule worktime.Schedule, start time.Time) opened {
	step := def.Steps[at]
	// A target that goes over to another version may come to a step of the same id again, so
	// the version is part of the id.
	o := opened{id: name.SequenceTargetStepID(guid.Derive("step", string(p.Target), string(step.ID), fmt.Sprint(def.Version)))}
	proposed, due, failure := step.due(schedule, start)
	o.columns = map[string]schema.Value{
		name.MsdynName:                  schema.Text(excerpt.Bytes(step.Name, MaxName)),
		name.MsdynSequencetarget:        schema.RefTo(name.SequenceTarget, p.Target),
		name.MsdynSequencestepid:        schema.Text(string(step.ID)),
		name.MsdynType:                  schema.Int(int64(step.Type)),
		name.MsdynSubtype:               schema.Int(int64(step.Subtype)),
		name.MsdynDuetime:               schema.Time(due),
		name.MsdynSequenceduetime:       schema.Time(proposed),
		name.MsdynWaitstate:             schema.Int(waiting(step.Type)),
		name.MsdynAdvancedfromwaitstate: schema.Int(p.leftWait()),
		name.SegueSequence:              schema.RefTo(name.Sequence, def.Sequence),
		name.SegueVersion:               schema.Int(def.Version),
		name.SegueRecord:                schema.Text(p.Record.Table + ":" + p.Record.ID),
		name.SeguePosition:              schema.Int(int64(passed)),
		name.SegueDone:                  schema.Int(int64(done)),
		name.Statecode:                  schema.Int(int64(StepActive)),
		name.Statuscode:                 schema.Int(int64(StepOpen)),
	}
	if step.Description != "" {
		o.columns[name.MsdynDescription] = schema.Text(step.Description)
	}
	if step.Template != "" {
		o.columns[name.MsdynOperationparameter] = schema.Text(step.Template)
	}
	if p.Owner.ID != "" {
		o.columns[name.Ownerid], o.columns[name.SegueOwner] = schema.Ref(p.Owner), schema.Ref(p.Owner)
	}
	switch {
	case failure != nil:
		maps.Copy(o.columns, Held(DueTimeUnknown, failure.Error()))
	case step.Type.BySystem():
		o.columns[name.SegueSystem] = schema.Bool(true)
	}
	return o
}

// Due returns when a step is due that is opened at start, and why: as the sequence proposes it,
// and with the availability of its owner. An error says why there is no such time.
func (s Step) Due(schedule worktime.Schedule, start time.Time) (worktime.Result, error) {
	if s.Type == Condition || s.Type == AutoAction || s.Type == ABTest {
		// The system asks and acts whatever the hour; a limit is time for the recipient.
		schedule = worktime.Schedule{}
	}
	return schedule.Due(start, s.Wait)
}

// due is Due for the columns of a row; with a failure both times are the start.
func (s Step) due(schedule worktime.Schedule, start time.Time) (proposed, due time.Time, failure error) {
	result, err := s.Due(schedule, start)
	if err != nil {
		return start, start, err
	}
	return result.Proposed, result.Due, nil
}

// leftWait is how the step before was left, for the step after it
// (msdyn_advancedfromwaitstate).
func (p Position) leftWait() int64 {
	if p.Type != Wait || p.Step == "" {
		return 0
	}
	return advancedAfterWait
}

// Closing is how an open step is closed.
type Closing struct {
	As     StepStatus // StepCompleted or StepSkipped
	Result int64      // of a phone call: the status reason of its activity; 0: not known
	Branch *Branch    // of a condition: the answer
	Note   string     // for people: what came of it (msdyn_triggeroutcome)
	// Advanced says that the record has gone over to another sequence.
	Advanced bool
	// Winners are the branches that tests which have ended give to everybody.
	Winners map[StepID]Branch
}

// Outcome is what finishing a step means: columns of the step itself, columns
// of its target, and the next step, if there is one.
type Outcome struct {
	Step   map[string]schema.Value
	Target map[string]schema.Value
	NextID name.SequenceTargetStepID // "" when the target has ended
	Next   map[string]schema.Value
	Picks  map[StepID]Branch // of the tests on the way, which Next keeps
}

// Advance closes the open step at p and moves the target to the next one, which it opens at
// now, or ends it after the last (docs/domain.md §5.2, §5.3). The definition is the one
// by which the step was made. If it has no such step, the target ends: the version that it
// was on has ended (§5.1).
//
// Conditions about the step itself and tests are decided on the way and get no rows; what
// they led to is told by the outcome of the step that is closed.
func Advance(def Definition, p Position, c Closing, schedule worktime.Schedule, now time.Time) Outcome {
	out := Outcome{Step: closedStep(c.As)}
	out.Step[name.MsdynCompletedon] = schema.Time(now)
	if p.Type == Wait || p.Type == Condition {
		out.Step[name.MsdynWaitstate] = schema.Int(waitDone)
		if c.As == StepSkipped {
			out.Step[name.MsdynWaitstate], out.Step[name.MsdynWaitskippedon] = schema.Int(waitSkipped), schema.Time(now)
		}
	}
	at, there := def.Find(p.Step)
	if !there {
		out.Target, _ = End(Connected, SequenceEnded)
		out.Target[name.MsdynDisconnectedafterstepdefinitionid] = schema.Text(string(p.Step))
		return out
	}
	step, done := def.Steps[at], def.done(p, at)
	if step.Type.Counted() {
		done++
	}
	way := def.follow(def.after(at, c), p.Target, c)
	out.Picks = way.picks
	if note := strings.Join(append(way.notes(c.Note), way.told...), "; "); note != "" {
		out.Step[name.MsdynTriggeroutcome] = schema.Text(excerpt.Bytes(note, maxOutcome))
	}
	if way.to == PathEnd {
		event := PathDone
		if c.Advanced {
			event = Advanced
		}
		out.Target, _ = End(Connected, event)
	} else {
		next := p.open(def, way.to, p.Passed+1, done, schedule, now)
		next.drawn(way)
		out.NextID, out.Next = next.id, next.columns
		out.Target = next.current(def.Steps[way.to])
	}
	out.Target[name.MsdynDisconnectedafterstepdefinitionid] = schema.Text(string(p.Step))
	out.Target[name.MsdynParentsequenceversion] = schema.Int(def.Version)
	out.Target[name.MsdynCurrentstepcount] = schema.Int(int64(done))
	out.Target[name.MsdynTotalstepcount] = schema.Int(int64(def.total(done, way.to)))
	return out
}

// done returns how many steps that count a target has passed before one. Where the step does
// not tell, or was made by another version, it is as if the target had come by all of this one.
func (d Definition) done(p Position, at Place) int {
	if p.Version != d.Version {
		return Definition{Steps: d.Steps[:at]}.Tasks()
	}
	return p.Done
}

// total is what a target shows as the number of its steps: those done and those of the longest
// way that is left.
func (d Definition) total(done int, from Place) int {
	_, tasks := d.Longest(from)
	return done + tasks
}

// End returns how an event ends a target: its columns, and ok false when the
// event ends no target in this status.
func End(from Status, event Event) (target map[string]schema.Value, ok bool) {
	to, reason, ok := Next(from, event)
	if !ok || to.Live() {
		return nil, false
	}
	return map[string]schema.Value{
		name.Statecode:             schema.Int(int64(TargetInactive)),
		name.Statuscode:            schema.Int(int64(to)),
		name.MsdynDeactivatereason: schema.Int(int64(reason)),
	}, true
}

// Cancelled returns the columns of an open step whose target has ended.
func Cancelled() map[string]schema.Value { return closedStep(StepCancelled) }

func closedStep(as StepStatus) map[string]schema.Value {
	return map[string]schema.Value{
		name.Statecode:  schema.Int(int64(StepInactive)),
		name.Statuscode: schema.Int(int64(as)),
	}
}
