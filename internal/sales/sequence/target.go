package sequence

import (
	"fmt"
	"time"

	"segue/internal/excerpt"
	"segue/internal/guid"
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
	}
	if !from.Live() || t.to == 0 {
		return from, 0, false
	}
	return t.to, t.reason, true
}

// Wait states of a step (docs/domain.md §4.3).
const (
	waitNA      int64 = 0
	waitWaiting int64 = 1
	waitSkipped int64 = 2
	waitDone    int64 = 4
)

// Connection is what a new target is made of.
type Connection struct {
	Record   schema.Lookup
	Name     string // of the record, for people
	Owner    schema.Lookup
	Sequence name.SequenceID
	Segment  name.SegmentID // the segment that made it, or ""
	Version  int64          // version with which the record is written; with the record it makes the ids
	Entry    int64          // how often the record has been connected, this time included
	Delay    time.Duration
}

// Target is the id of the connection's target. The same record in the same
// version connects to a sequence only once, so doing it again after a crash
// meets the row that is there.
func (c Connection) Target() name.SequenceTargetID {
	return name.SequenceTargetID(guid.Derive("target", c.Record.ID, string(c.Sequence), fmt.Sprint(c.Version)))
}

// Begin returns the target of a new connection and its first step: id and columns
// of each. The target is Connected, since its first step comes with it.
func Begin(def Definition, c Connection, now time.Time) (target, step map[string]schema.Value, stepID name.SequenceTargetStepID) {
	first := Position{Target: c.Target(), Record: c.Record, Owner: c.Owner}
	stepID, step = first.open(def, 0, now.Add(c.Delay))
	target = map[string]schema.Value{
		name.MsdynName:                  schema.Text(excerpt.Bytes(c.Name, maxName)),
		name.MsdynTarget:                schema.Ref(c.Record),
		name.MsdynParentsequence:        schema.RefTo(name.Sequence, def.Sequence),
		name.MsdynParentsequenceversion: schema.Int(def.Version),
		name.MsdynCurrentstepcount:      schema.Int(0),
		name.MsdynTotalstepcount:        schema.Int(int64(def.Tasks())),
		name.SegueEntry:                 schema.Int(c.Entry), // makes the unique key
		name.Statecode:                  schema.Int(int64(TargetActive)),
		name.Statuscode:                 schema.Int(int64(Connected)),
	}
	if regarding := excerpt.Bytes(c.Name, maxRegarding); len(regarding) > maxName {
		target[name.MsdynRegarding] = schema.Text(regarding) // else it is the name
	}
	if c.Segment != "" {
		target[name.MsdynSegment] = schema.RefTo(name.Segment, c.Segment)
	}
	if c.Owner.ID != "" {
		target[name.Ownerid] = schema.Ref(c.Owner)
	}
	for column, v := range currentStep(def.Steps[0], stepID) {
		target[column] = v
	}
	return target, step, stepID
}

// currentStep returns the columns of a target that tell its current step.
func currentStep(step Step, stepID name.SequenceTargetStepID) map[string]schema.Value {
	return map[string]schema.Value{
		name.MsdynCurrentstepdefinitionid: schema.Text(string(step.ID)),
		name.MsdynCurrentstepname:         schema.Text(excerpt.Bytes(step.Name, maxName)),
		name.MsdynCurrentsteptype:         schema.Int(int64(step.Type)),
		name.SegueCurrentstep:             schema.RefTo(name.SequenceTargetStep, stepID),
	}
}

// Position is an open step of a target.
type Position struct {
	Target name.SequenceTargetID
	Record schema.Lookup
	Owner  schema.Lookup // of the step and, unless the record is assigned meanwhile, of those after it
	Step   StepID        // in the definition by which the step was made
	Type   StepType
}

// open returns the step of a definition's place that is opened for the target of
// p, due at now (a wait: when it is over). A target that goes over to another
// version may come to a step of the same id again, so the version is part of the
// id.
func (p Position) open(def Definition, index int, now time.Time) (stepID name.SequenceTargetStepID, columns map[string]schema.Value) {
	step := def.Steps[index]
	stepID = name.SequenceTargetStepID(guid.Derive("step", string(p.Target), string(step.ID), fmt.Sprint(def.Version)))
	waiting, due := waitNA, now
	if step.Type == Wait {
		waiting, due = waitWaiting, now.Add(step.Wait)
	}
	columns = map[string]schema.Value{
		name.MsdynName:                  schema.Text(excerpt.Bytes(step.Name, maxName)),
		name.MsdynSequencetarget:        schema.RefTo(name.SequenceTarget, p.Target),
		name.MsdynSequencestepid:        schema.Text(string(step.ID)),
		name.MsdynType:                  schema.Int(int64(step.Type)),
		name.MsdynSubtype:               schema.Int(0),
		name.MsdynDuetime:               schema.Time(due),
		name.MsdynSequenceduetime:       schema.Time(due),
		name.MsdynWaitstate:             schema.Int(waiting),
		name.MsdynAdvancedfromwaitstate: schema.Int(0),
		name.SegueSequence:              schema.RefTo(name.Sequence, def.Sequence),
		name.SegueRecord:                schema.Text(p.Record.Table + ":" + p.Record.ID),
		name.SeguePosition:              schema.Int(int64(index)),
		name.Statecode:                  schema.Int(int64(StepActive)),
		name.Statuscode:                 schema.Int(int64(StepOpen)),
	}
	if step.Description != "" {
		columns[name.MsdynDescription] = schema.Text(step.Description)
	}
	if p.Owner.ID != "" {
		columns[name.Ownerid], columns[name.SegueOwner] = schema.Ref(p.Owner), schema.Ref(p.Owner)
	}
	return stepID, columns
}

// Outcome is what finishing a step means: columns of the step itself, columns
// of its target, and the next step, if there is one.
type Outcome struct {
	Step   map[string]schema.Value
	Target map[string]schema.Value
	NextID name.SequenceTargetStepID // "" when the target has ended
	Next   map[string]schema.Value
}

// Advance finishes the open step at p as StepCompleted or StepSkipped and moves
// the target to the next one, or ends it after the last (docs/domain.md §5.2, §5.3).
// The definition may be of another version than the target: the step is found by
// its id, and the target goes on by this definition from then on. If it has no
// such step, the target ends: the version that it was on has ended (§5.1).
func Advance(def Definition, p Position, as StepStatus, now time.Time) Outcome {
	out := Outcome{Step: closedStep(as)}
	out.Step[name.MsdynCompletedon] = schema.Time(now)
	if p.Type == Wait {
		out.Step[name.MsdynWaitstate] = schema.Int(waitDone)
		if as == StepSkipped {
			out.Step[name.MsdynWaitstate], out.Step[name.MsdynWaitskippedon] = schema.Int(waitSkipped), schema.Time(now)
		}
	}
	index, there := def.Find(p.Step)
	switch {
	case !there:
		out.Target, _ = End(Connected, SequenceEnded)
		out.Target[name.MsdynDisconnectedafterstepdefinitionid] = schema.Text(string(p.Step))
		return out
	case index+1 == len(def.Steps):
		out.Target, _ = End(Connected, PathDone)
	default:
		out.NextID, out.Next = p.open(def, index+1, now)
		out.Target = currentStep(def.Steps[index+1], out.NextID)
	}
	out.Target[name.MsdynDisconnectedafterstepdefinitionid] = schema.Text(string(p.Step))
	out.Target[name.MsdynParentsequenceversion] = schema.Int(def.Version)
	out.Target[name.MsdynCurrentstepcount] = schema.Int(int64(Definition{Steps: def.Steps[:index+1]}.Tasks()))
	out.Target[name.MsdynTotalstepcount] = schema.Int(int64(def.Tasks()))
	return out
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
