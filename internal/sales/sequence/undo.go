package sequence

import (
	"maps"

	"segue/internal/excerpt"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Undo returns the columns of a target and of its step at p that make up for what closing the
// step has written, where the step after it is taken away: the step is open again, when it was
// due before, and the target is at it. id is that of the step's row, system its segue_system,
// and before the step that was closed before it, "" for none.
func (d Definition) Undo(p Position, at Place, id name.SequenceTargetStepID, system schema.Value, before StepID) (target, step map[string]schema.Value) {
	done := d.done(p, at)
	target = map[string]schema.Value{
		name.MsdynCurrentstepcount:                  schema.Int(int64(done)),
		name.MsdynTotalstepcount:                    schema.Int(int64(d.total(done, at))),
		name.MsdynDisconnectedafterstepdefinitionid: schema.Null(),
	}
	if before != "" {
		target[name.MsdynDisconnectedafterstepdefinitionid] = schema.Text(string(before))
	}
	maps.Copy(target, opened{id, map[string]schema.Value{name.SegueSystem: system}}.current(d.Steps[at]))
	return target, map[string]schema.Value{
		name.Statecode:           schema.Int(int64(StepActive)),
		name.Statuscode:          schema.Int(int64(StepOpen)),
		name.MsdynCompletedon:    schema.Null(),
		name.MsdynTriggeroutcome: schema.Null(),
		name.MsdynWaitstate:      schema.Int(waiting(p.Type)),
		name.MsdynWaitskippedon:  schema.Null(),
		name.SegueExpireson:      schema.Null(),
	}
}

// Untouched reports whether an open step of this version is as it was opened, as far as people
// can change it, or was taken back to that.
func (d Definition) Untouched(s TargetStep) bool {
	at, there := d.Find(s.Position().Step)
	if !there {
		return false
	}
	step := d.Steps[at]
	return s.Name() == excerpt.Bytes(step.Name, MaxName) && s.Row.Text(name.MsdynDescription) == step.Description &&
		(s.Row.Text(name.MsdynTriggeroutcome) == "" || s.Error() != NoError) && // else somebody has noted something
		s.Row.Int(name.MsdynSnoozecount) == 0 && s.Row.Lookup(name.Ownerid) == s.Row.Lookup(name.SegueOwner)
}

// waiting is the wait state of an open step.
func waiting(t StepType) int64 {
	return map[StepType]int64{Wait: waitWaiting, Condition: waitForUpdate}[t] // else waitNA
}
