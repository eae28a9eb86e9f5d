package sequence

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"segue/internal/schema"
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

// Live says that a target in this status is a live connection.
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
	}
	if !from.Live() || t.to == 0 {
		return from, 0, false
	}
	return t.to, t.reason, true
}

// Statuses of a step (docs/domain.md §4.3).
const (
	StepOpen      int64 = 1
	StepCompleted int64 = 2
	StepSkipped   int64 = 3
	StepCancelled int64 = 4
)

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
	Sequence string // id
	Segment  string // id of the segment that made it, or ""
	Version  int64  // version of the record that was seen; with the record it makes the ids
	Entry    int64  // how often the record has been connected, this time included
	Delay    time.Duration
}

// Target is the id of the connection's target. The same record in the same
// version connects to a sequence only once, so doing it again after a crash
// meets the row that is there.
func (c Connection) Target() string {
	return id("target", c.Record.ID, c.Sequence, fmt.Sprint(c.Version))
}

// id makes a GUID out of names.
func id(names ...string) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "segue:%q", names)).String()
}

// Begin is the target of a new connection and its first step: id and columns of
// each. The target is Connected, since its first step comes with it.
func Begin(def Definition, c Connection, now time.Time) (target, step map[string]schema.Value, stepID string) {
	first := Position{Target: c.Target(), Record: c.Record, Owner: c.Owner}
	stepID, step = first.step(def, now.Add(c.Delay))
	target = map[string]schema.Value{
		"msdyn_name":                    schema.Text(clip(c.Name, 100)),
		"msdyn_target":                  schema.Ref(c.Record),
		"msdyn_regarding":               schema.Text(clip(c.Name, 200)),
		"msdyn_parentsequence":          schema.Ref(schema.Lookup{Table: "msdyn_sequence", ID: def.Sequence}),
		"msdyn_appliedsequenceinstance": schema.Ref(schema.Lookup{Table: "msdyn_sequence", ID: def.Sequence}),
		"msdyn_parentsequenceversion":   schema.Int(def.Version),
		"msdyn_currentstepcount":        schema.Int(0),
		"msdyn_totalstepcount":          schema.Int(int64(def.Tasks())),
		"msdyn_sequencetargetuniquekey": schema.Text(fmt.Sprintf("%s|%s|%d", c.Record.ID, c.Sequence, c.Entry)),
		"statecode":                     schema.Int(0),
		"statuscode":                    schema.Int(int64(Connected)),
	}
	if c.Segment != "" {
		target["msdyn_segment"] = schema.Ref(schema.Lookup{Table: "msdyn_segment", ID: c.Segment})
	}
	if c.Owner.ID != "" {
		target["ownerid"] = schema.Ref(c.Owner)
	}
	for column, v := range current(def.Steps[0], stepID) {
		target[column] = v
	}
	return target, step, stepID
}

// current are the columns of a target that tell its current step.
func current(step Step, stepID string) map[string]schema.Value {
	return map[string]schema.Value{
		"msdyn_currentstepdefinitionid": schema.Text(step.ID),
		"msdyn_currentstepname":         schema.Text(clip(step.Name, maxName)),
		"msdyn_currentsteptype":         schema.Int(int64(step.Type)),
		"segue_currentstep":             schema.Ref(schema.Lookup{Table: "msdyn_sequencetargetstep", ID: stepID}),
	}
}

// Position is a place in a definition on behalf of a target.
type Position struct {
	Target string
	Record schema.Lookup
	Owner  schema.Lookup // of the step and, unless the record is assigned meanwhile, of those after it
	Index  int           // of the step in Definition.Steps
}

// step is the open step at p, due at now (a wait: when it is over).
func (p Position) step(def Definition, now time.Time) (stepID string, columns map[string]schema.Value) {
	step := def.Steps[p.Index]
	stepID = id("step", p.Target, step.ID)
	waiting, due := waitNA, now
	if step.Type == Wait {
		waiting, due = waitWaiting, now.Add(step.Wait)
	}
	columns = map[string]schema.Value{
		"msdyn_name":                  schema.Text(clip(step.Name, maxName)),
		"msdyn_sequencetarget":        schema.Ref(schema.Lookup{Table: "msdyn_sequencetarget", ID: p.Target}),
		"msdyn_sequencestepid":        schema.Text(step.ID),
		"msdyn_type":                  schema.Int(int64(step.Type)),
		"msdyn_subtype":               schema.Int(0),
		"msdyn_duetime":               schema.Time(due),
		"msdyn_sequenceduetime":       schema.Time(due),
		"msdyn_waitstate":             schema.Int(waiting),
		"msdyn_advancedfromwaitstate": schema.Int(0),
		"segue_sequence":              schema.Ref(schema.Lookup{Table: "msdyn_sequence", ID: def.Sequence}),
		"segue_record":                schema.Text(p.Record.Table + ":" + p.Record.ID),
		"segue_position":              schema.Int(int64(p.Index)),
		"statecode":                   schema.Int(0),
		"statuscode":                  schema.Int(StepOpen),
	}
	if step.Description != "" {
		columns["msdyn_description"] = schema.Text(step.Description)
	}
	if p.Owner.ID != "" {
		columns["ownerid"], columns["segue_owner"] = schema.Ref(p.Owner), schema.Ref(p.Owner)
	}
	return stepID, columns
}

// Outcome is what finishing a step means: columns of the step itself, columns
// of its target, and the next step, if there is one.
type Outcome struct {
	Step   map[string]schema.Value
	Target map[string]schema.Value
	NextID string // "" when the path is done and the target has ended
	Next   map[string]schema.Value
}

// Advance finishes the open step at p as StepCompleted or StepSkipped and moves
// the target to the next one, or ends it after the last (docs/domain.md §5.2, §5.3).
func Advance(def Definition, p Position, as int64, now time.Time) Outcome {
	done := def.Steps[p.Index]
	out := Outcome{Step: closed(as), Target: map[string]schema.Value{}}
	out.Step["msdyn_completedon"] = schema.Time(now)
	if done.Type == Wait {
		out.Step["msdyn_waitstate"] = schema.Int(waitDone)
		if as == StepSkipped {
			out.Step["msdyn_waitstate"], out.Step["msdyn_waitskippedon"] = schema.Int(waitSkipped), schema.Time(now)
		}
	}
	if p.Index+1 == len(def.Steps) {
		out.Target, _ = End(Connected, PathDone)
	} else {
		p.Index++
		out.NextID, out.Next = p.step(def, now)
		out.Target = current(def.Steps[p.Index], out.NextID)
	}
	out.Target["msdyn_disconnectedafterstepdefinitionid"] = schema.Text(done.ID)
	out.Target["msdyn_currentstepcount"] = schema.Int(int64(Definition{Steps: def.Steps[:p.Index]}.Tasks()))
	if out.NextID == "" {
		out.Target["msdyn_currentstepcount"] = schema.Int(int64(def.Tasks()))
	}
	return out
}

// End is how an event ends a target: its columns, and ok false when the target
// is in no status that the event ends.
func End(from Status, event Event) (target map[string]schema.Value, ok bool) {
	to, reason, ok := Next(from, event)
	if !ok || to.Live() {
		return nil, false
	}
	return map[string]schema.Value{
		"statecode":              schema.Int(1),
		"statuscode":             schema.Int(int64(to)),
		"msdyn_deactivatereason": schema.Int(int64(reason)),
	}, true
}

// Cancelled are the columns of an open step whose target has ended.
func Cancelled() map[string]schema.Value { return closed(StepCancelled) }

func closed(as int64) map[string]schema.Value {
	return map[string]schema.Value{"statecode": schema.Int(1), "statuscode": schema.Int(as)}
}

// clip cuts a text to n bytes without breaking a character.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xC0 == 0x80 {
		n--
	}
	return s[:n]
}
