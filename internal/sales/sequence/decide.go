package sequence

import (
	"fmt"
	"time"
)

// Asked is what a decision about a step of the system depends on, beside its definition.
type Asked struct {
	Now     time.Time
	Due     time.Time  // when a wait is over; the limit of a condition, or when it was opened without one
	Emails  EmailFacts // of the email before a condition
	Holds   bool       // whether the record meets a condition, as it is now
	Failure error      // why that cannot be told
}

// Verdict is what is to be done with a step of the system now: exactly one of the three.
type Verdict struct {
	Close *Closing  // it is closed
	Until time.Time // it is asked again then, or when what it depends on changes
	Held  StepError // nobody but a person can go on
	Note  string    // why it is held
}

// Decide decides about a step of the system that changes nothing but the way of its target
// (docs/domain.md §6.2, §6.3):
//
//   - A wait is over when it is due.
//   - A condition that is met within its limit goes on by Yes, at once where it says so
//     (Early), else at the limit; at the limit, by No where it is not met. Without a limit it is
//     decided as soon as it is asked.
//   - What a recipient did counts if it was done within the limit, whenever it is heard of. A
//     record counts as it is when it is asked.
//   - Nothing sends text messages, so a step that would is held.
//
// Any other step is done by whoever has what it takes, and then completed.
func Decide(step Step, a Asked) Verdict {
	over := !a.Now.Before(a.Due)
	switch step.Type {
	case Wait:
		if over {
			return Verdict{Close: &Closing{As: StepCompleted}}
		}
		return Verdict{Until: a.Due}
	case Condition:
		return step.answer(a, over)
	case AutomatedText:
		return Verdict{Held: TextMessageFailed, Note: "no text messages are sent: there is no transport for them"}
	case AutomatedEmail, AutoAction, LinkedIn, ABTest, Email, PhoneCall, Task, TextMessage:
	}
	return Verdict{Close: &Closing{As: StepCompleted}}
}

// answer is Decide of a condition.
func (s Step) answer(a Asked, over bool) Verdict {
	if a.Failure != nil {
		return Verdict{Held: ConditionFailed, Note: a.Failure.Error()}
	}
	holds := a.Holds
	if len(s.If.Emails) > 0 {
		limit := a.Due
		if s.Wait.IsZero() {
			limit = a.Now
		}
		holds = a.Emails.meet(*s.If, limit)
	}
	switch {
	case holds && (over || s.If.Early):
		return closeBy(Yes, "met")
	case over:
		return closeBy(No, "not met")
	}
	return Verdict{Until: a.Due}
}

func closeBy(branch Branch, why string) Verdict {
	return Verdict{Close: &Closing{As: StepCompleted, Branch: &branch, Note: fmt.Sprintf("%s: %s", [2]string{"YES", "NO"}[branch], why)}}
}

// meet reports whether the recipient has done by a limit what a question asks for.
func (f EmailFacts) meet(q Question, limit time.Time) bool {
	for _, result := range q.Emails {
		at := map[EmailResult]time.Time{Opened: f.Opened, Clicked: f.Clicked, Downloaded: f.Downloaded, Replied: f.Replied}[result]
		done := !at.IsZero() && !at.After(limit)
		if done != q.All { // one is enough, or one is missing
			return done
		}
	}
	return q.All
}
