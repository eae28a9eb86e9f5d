// Package sequence is what a sequence is and how a connection to one lives: the
// definition (an ordered list of steps) with its rules, and the state machine
// of a target and its steps. It decides and never does: values in, values out;
// no store, no clock, no ids made of chance.
//
// Invariant: an ended target has no open step, and a target is ended exactly
// once, with one reason (docs/domain.md §5.2).
package sequence

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/schema/name"
	"segue/internal/strictjson"
)

// Limits of a definition (docs/domain.md §2).
const (
	MaxSteps     = 40                  // without waits
	MaxPath      = 400                 // with waits
	MaxWait      = 30 * 24 * time.Hour // of one wait
	MaxVersion   = 500
	maxName      = 100 // bytes of a name
	maxRegarding = 200 // bytes of a record's name on its target
	maxText      = 2000
)

// StepType is the type of a step, a value of msdyn_type (docs/domain.md §4.3).
type StepType int64

// The step types that a definition may use in this version: those a seller
// performs, and the wait.
const (
	Wait        StepType = 0
	LinkedIn    StepType = 5
	Email       StepType = 4202
	PhoneCall   StepType = 4210
	Task        StepType = 4212
	TextMessage StepType = 4213
)

// stepTypes are the names a definition may use for a type, beside its number.
func stepTypes() map[string]StepType {
	return map[string]StepType{
		"wait": Wait, "linkedin": LinkedIn, "email": Email,
		"phonecall": PhoneCall, "task": Task, "textmessage": TextMessage,
	}
}

// Step is one step of a definition.
type Step struct {
	ID          StepID // the same in every version of the sequence
	Type        StepType
	Name        string
	Description string
	Wait        time.Duration // of a Wait, else 0
}

// StepID is the id of a step of a definition, a GUID. The row of a target's step
// has an id of its own, made of this one.
type StepID string

// Definition is the steps of one version of a sequence.
type Definition struct {
	Sequence name.SequenceID
	Version  int64
	Steps    []Step
}

// DefinitionError says what is wrong with a definition and where.
type DefinitionError struct {
	Step   int // position, from 1; 0: the list as a whole
	Detail string

	limit      string // its name, of a definition that has too much of something
	most, used int
}

// Limit returns, of a definition that has too much of something, the name of the limit,
// its value and how much there is; most is 0 for any other error.
func (e *DefinitionError) Limit() (name string, most, used int) { return e.limit, e.most, e.used }

// Error names the step by its position in the list.
func (e *DefinitionError) Error() string {
	if e.Step == 0 {
		return name.MsdynDefinition + ": " + e.Detail
	}
	return fmt.Sprintf("%s: step %d %s", name.MsdynDefinition, e.Step, e.Detail)
}

// written is a step as a definition's JSON has it.
type written struct {
	ID          string          `json:"id"`
	Type        json.RawMessage `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Wait        *struct {
		Days  int `json:"days"`
		Hours int `json:"hours"`
	} `json:"wait"`
}

// Parse reads a definition:
//
//	[{"type":"phonecall","name":"First call"},
//	 {"type":"wait","name":"Two days","wait":{"days":2,"hours":4}},
//	 {"type":4202,"name":"Follow up","description":"…","id":"<guid>"}]
//
// A step without an id gets one made of the sequence, its position and name, so
// that parsing again gives the same. Errors are *DefinitionError. What only
// matters to a sequence in use is left to Validate.
func Parse(sequence name.SequenceID, version int64, text string) (Definition, error) {
	def := Definition{Sequence: sequence, Version: version}
	var list []written
	if err := strictjson.Decode([]byte(text), &list); err != nil {
		return def, &DefinitionError{Detail: fmt.Sprintf("is not a list of steps: %v", err)}
	}
	for i, w := range list {
		step, err := w.step(sequence, i)
		if err != nil {
			return def, err
		}
		def.Steps = append(def.Steps, step)
	}
	return def, nil
}

func (w written) step(sequence name.SequenceID, i int) (Step, error) {
	bad := func(format string, args ...any) (Step, error) {
		return Step{}, &DefinitionError{Step: i + 1, Detail: fmt.Sprintf(format, args...)}
	}
	step := Step{Name: w.Name, Description: w.Description}
	kind, ok := stepType(w.Type)
	if !ok {
		return bad("has type %s; it may be wait, email, phonecall, task, textmessage or linkedin", shorten(w.Type))
	}
	step.Type = kind
	if w.ID == "" {
		step.ID = StepID(guid.FromName(fmt.Sprintf("segue:step:%s:%d:%s", sequence, i, w.Name)))
	} else if given, ok := guid.ParseAny(w.ID); ok {
		step.ID = StepID(given)
	} else {
		return bad("has id %q, which is not a GUID", w.ID)
	}
	if len(w.Name) > maxName || len(w.Description) > maxText {
		return bad("has a name of more than %d or a description of more than %d bytes", maxName, maxText)
	}
	switch {
	case kind == Wait && w.Wait == nil:
		return bad(`is a wait without "wait", for example {"days":1,"hours":0}`)
	case kind != Wait && w.Wait != nil:
		return bad(`has a "wait" though its type is not wait; put a step of type wait before it`)
	case kind == Wait && (w.Wait.Days < 0 || w.Wait.Hours < 0 || w.Wait.Days > 30 || w.Wait.Hours > 30*24):
		return bad("waits %d days and %d hours; each is 0 or more and together at most 30 days", w.Wait.Days, w.Wait.Hours)
	case kind == Wait:
		step.Wait = time.Duration(w.Wait.Days)*24*time.Hour + time.Duration(w.Wait.Hours)*time.Hour
	}
	return step, nil
}

// stepType reads a type given by name or number.
func stepType(raw json.RawMessage) (StepType, bool) {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		kind, ok := stepTypes()[strings.ToLower(name)]
		return kind, ok
	}
	for _, kind := range stepTypes() {
		if bytes.Equal(raw, fmt.Append(nil, int64(kind))) {
			return kind, true
		}
	}
	return 0, false
}

func shorten(raw json.RawMessage) string {
	if len(raw) == 0 {
		return "missing"
	}
	return excerpt.Runes(string(raw), 40)
}

// Validate applies the rules of activation (docs/domain.md §6.1, limits §2): at
// least one step that is not a wait, at most MaxSteps of them, every step named,
// waits longer than nothing and at most MaxWait, no id twice, and no wait last.
func (d Definition) Validate() error {
	bad := func(i int, format string, args ...any) error {
		return &DefinitionError{Step: i + 1, Detail: fmt.Sprintf(format, args...)}
	}
	seen := map[StepID]bool{}
	for i, step := range d.Steps {
		switch {
		case step.Name == "":
			return bad(i, "has no name")
		case seen[step.ID]:
			return bad(i, "has the id %s of an earlier step", step.ID)
		case step.Type == Wait && (step.Wait <= 0 || step.Wait > MaxWait):
			return bad(i, "waits %v; a wait lasts from 1 hour to 30 days", step.Wait)
		}
		seen[step.ID] = true
	}
	switch n := d.Tasks(); {
	case n == 0:
		return &DefinitionError{Detail: "has no step that is not a wait"}
	case n > MaxSteps:
		return &DefinitionError{Detail: fmt.Sprintf("has %d steps that are not waits; the limit is %d", n, MaxSteps), limit: "SequenceSteps", most: MaxSteps, used: n}
	case len(d.Steps) > MaxPath:
		return &DefinitionError{Detail: fmt.Sprintf("has %d steps with waits; the limit is %d", len(d.Steps), MaxPath), limit: "SequenceStepsWithWaits", most: MaxPath, used: len(d.Steps)}
	}
	if d.Steps[len(d.Steps)-1].Type == Wait {
		return bad(len(d.Steps)-1, "is a wait, and a wait may not be the last step")
	}
	return nil
}

// Find returns the place of a step, from 0.
func (d Definition) Find(id StepID) (index int, ok bool) {
	index = slices.IndexFunc(d.Steps, func(step Step) bool { return step.ID == id })
	return index, index >= 0
}

// Tasks counts the steps that are no waits, the number shown as "Steps".
func (d Definition) Tasks() int {
	n := 0
	for _, step := range d.Steps {
		if step.Type != Wait {
			n++
		}
	}
	return n
}
