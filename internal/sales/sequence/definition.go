// Package sequence is what a sequence is and how a connection to one lives: the
// definition, a graph of steps, and the state machine of a target and its steps. It
// decides and never does: values in, values out; no store, no clock, no ids made of
// chance. How a definition is written is package language.
//
// Size: what a step is, what it may lead to and what closing it means are one machine; the
// rooms below read and check how it is written.
//
// Invariant: an ended target has no open step, a live one has exactly one, and a
// target is ended exactly once, with one reason (docs/domain.md §5.2).
package sequence

import (
	"encoding/json"
	"slices"
	"time"

	"segue/internal/sales/worktime"
	"segue/internal/schema/name"
)

// Limits of a definition (docs/domain.md §2).
const (
	MaxSteps     = 40                  // that somebody does, on all branches together
	MaxPath      = 400                 // places, on all branches together
	MaxWait      = 30 * 24 * time.Hour // of one wait, and of the limit of a condition
	MaxVersion   = 500
	MaxDepth     = 20   // of branches within branches
	MaxName      = 100  // bytes of the name of a step
	MaxText      = 2000 // bytes of its description
	maxRegarding = 200  // bytes of a record's name on its target
)

// StepType is the type of a step, a value of msdyn_type (docs/domain.md §4.3).
type StepType int64

// The step types.
const (
	Wait           StepType = 0
	Condition      StepType = 1
	AutomatedEmail StepType = 3
	AutoAction     StepType = 4 // updates a column, or with AdvanceToOther connects to another sequence
	LinkedIn       StepType = 5
	AutomatedText  StepType = 6
	ABTest         StepType = 7
	Email          StepType = 4202
	PhoneCall      StepType = 4210
	Task           StepType = 4212
	TextMessage    StepType = 4213
)

// BySystem reports whether the system performs steps of the type, not a seller.
func (t StepType) BySystem() bool {
	switch t {
	case Wait, Condition, AutomatedEmail, AutoAction, AutomatedText, ABTest:
		return true
	case LinkedIn, Email, PhoneCall, Task, TextMessage:
	}
	return false
}

// Counted reports whether a step of the type is one that is shown as a "Step": it does
// something. Waits and branches only lead on.
func (t StepType) Counted() bool { return t != Wait && t != Condition && t != ABTest }

// Subtype is the kind of a LinkedIn step or an auto action, a value of msdyn_subtype.
type Subtype int64

// The subtypes.
const (
	NoSubtype          Subtype = 0
	LinkedInResearch   Subtype = 1
	LinkedInIntroduced Subtype = 2
	LinkedInConnect    Subtype = 3
	LinkedInMail       Subtype = 4
	AdvanceToOther     Subtype = 5
)

// Place is where a step stands in [Definition.Steps]. Places rise along every path.
type Place int

// PathEnd is the place after the last step of a path.
const PathEnd Place = -1

// Branch is one of the two ways on from a condition or a test.
type Branch int

// The branches. A test takes A for Yes and B for No.
const (
	Yes Branch = 0
	No  Branch = 1
	A          = Yes
	B          = No
)

// Step is one step of a definition.
type Step struct {
	ID          StepID // the same in every version of the sequence
	Type        StepType
	Subtype     Subtype
	Name        string
	Description string
	Path        string        // where it is written: "3", or "3.yes.1"; for people
	Wait        worktime.Wait // of a Wait; of a Condition its limit
	Template    string        // id of a template, or "" where a seller may choose
	Set         Assignment    // of an AutoAction
	Advance     name.SequenceID
	If          *Question // of a Condition
	Test        *Test     // of an ABTest
	Next        Place     // the step after it, after its branches where it has some; or PathEnd
	Branches    [2]Place  // the first step of each branch, which is Next where the branch is empty
}

// StepID is the id of a step of a definition, a GUID. The row of a target's step
// has an id of its own, made of this one.
type StepID string

// Forks reports whether the way on from a step is one of its Branches.
func (s Step) Forks() bool { return s.Type.Forks() }

// Forks reports whether steps of the type have branches.
func (t StepType) Forks() bool { return t == Condition || t == ABTest }

// Branch names a branch of a step of the type, as definitions do.
func (t StepType) Branch(branch Branch) string {
	if t == ABTest {
		return [2]string{"a", "b"}[branch]
	}
	return [2]string{"yes", "no"}[branch]
}

// Assignment is what an "update field" step writes: a two-option or choice column and
// its value as JSON (docs/domain.md §6.2).
type Assignment struct {
	Column string
	Value  json.RawMessage
}

// Question is what a condition asks; exactly one of Emails, Calls, Filter and Stages is
// given (docs/domain.md §6.2).
type Question struct {
	Emails  []EmailResult // of the email before it
	All     bool          // of Emails: every one, not any
	Calls   []int64       // statuscodes of the call before it, any of which will do
	Filter  string        // a condition on the record, in the language of segments
	Process string        // a business process, with Stages
	Stages  []string      // ids, any of which will do
	Early   bool          // "move as soon as satisfied": Yes need not wait for the limit
}

// AboutStep reports whether the question is about the step before the condition: where
// that is skipped, the answer is No.
func (q Question) AboutStep() bool { return len(q.Emails) > 0 || len(q.Calls) > 0 }

// EmailResult is what a recipient does with an email.
type EmailResult string

// The results.
const (
	Opened     EmailResult = "opened"
	Clicked    EmailResult = "clicked"
	Downloaded EmailResult = "downloaded"
	Replied    EmailResult = "replied"
)

// Test is an A/B test (docs/domain.md §6.2).
type Test struct {
	Split   int       // percent of the targets that take A
	Metric  string    // what decides: an EmailResult, or "completed"
	Until   time.Time // when it ends by itself; zero: as soon as it is decided
	Default Branch    // for those who come when the test has ended without a winner
}

// MetricCompleted is the metric of a test that counts the targets that come to the end of
// their path.
const MetricCompleted = "completed"

// Exit is when a target leaves before its path ends (docs/domain.md §6.2).
type Exit struct {
	Replied bool // to any email of the sequence
}

// Ownership is whose the steps are, a value of msdyn_assignsequencetype (docs/domain.md §6.5).
type Ownership int64

// The values.
const (
	RecordOwner Ownership = 0
	RecordField Ownership = 1
	OwnerTeam   Ownership = 2
	AccessTeam  Ownership = 3
	CurrentUser Ownership = 4 // who connects the record
)

// Definition is one version of a sequence.
type Definition struct {
	Sequence    name.SequenceID
	Version     int64
	Steps       []Step
	Exit        Exit
	Ownership   Ownership
	OwnerField  string // column of the record, with RecordField
	WorkingTime bool   // time that is not worked is not part of waits, where the organization says so too
}

// Find returns the place of a step.
func (d Definition) Find(id StepID) (at Place, ok bool) {
	at = Place(slices.IndexFunc(d.Steps, func(step Step) bool { return step.ID == id }))
	return at, at >= 0
}

// Tasks counts the steps that do something, the number shown as "Steps".
func (d Definition) Tasks() int {
	n := 0
	for _, step := range d.Steps {
		if step.Type.Counted() {
			n++
		}
	}
	return n
}

// Days returns how many days the longest path waits, at most; hours that are left count as a
// day. Limits of conditions are waits too.
func (d Definition) Days() int {
	longest := make([]int, len(d.Steps)+1) // in hours; the last one is that of PathEnd
	for i := len(d.Steps) - 1; i >= 0; i-- {
		step := d.Steps[i]
		nexts := [2]Place{step.Next, step.Next}
		if step.Forks() {
			nexts = step.Branches
		}
		for _, next := range nexts {
			if next == PathEnd {
				next = Place(len(d.Steps))
			}
			longest[i] = max(longest[i], longest[next])
		}
		days, hours := step.Wait.Parts()
		longest[i] += 24*days + hours
	}
	return (longest[0] + 23) / 24
}

// Longest returns how many places the longest path from a place has, and how many
// of them do something.
func (d Definition) Longest(from Place) (places, tasks int) {
	// From the end, for what comes after a step has a higher place.
	type length struct{ places, tasks int }
	longest := make([]length, len(d.Steps)+1) // the last one is that of PathEnd
	at := func(p Place) length {
		if p == PathEnd {
			return longest[len(d.Steps)]
		}
		return longest[p]
	}
	for i := len(d.Steps) - 1; i >= 0 && i >= int(from); i-- {
		step := d.Steps[i]
		after := at(step.Next)
		if step.Forks() {
			yes, no := at(step.Branches[Yes]), at(step.Branches[No])
			after = length{max(yes.places, no.places), max(yes.tasks, no.tasks)}
		}
		longest[i] = length{after.places + 1, after.tasks}
		if step.Type.Counted() {
			longest[i].tasks++
		}
	}
	return at(from).places, at(from).tasks
}
