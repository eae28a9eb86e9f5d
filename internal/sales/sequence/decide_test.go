package sequence_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
)

// deed is something that a recipient does, and when it is heard of. Both are hours after the
// condition was opened; an email may have been opened before that.
type deed struct {
	what        sequence.EmailResult
	done, heard int
}

// life is a condition from when it is opened until it is closed.
type life struct {
	question sequence.Question
	limit    int   // in hours, 0 for none
	asked    []int // when it is asked, in hours, rising
	deeds    []deed
	holds    []int // hours in which the record meets it
}

// model is the naive reading of docs/domain.md §6.3: it goes through the hours and lists what
// is true in each.
func (l life) model() (closed int, yes bool) {
	for _, hour := range l.asked {
		over := hour >= l.limit
		met := slices.Contains(l.holds, hour)
		if wanted := l.question.Emails; len(wanted) > 0 {
			var done []sequence.EmailResult
			for _, d := range l.deeds {
				inTime := l.limit == 0 || d.done <= l.limit
				if d.heard <= hour && inTime && slices.Contains(wanted, d.what) && !slices.Contains(done, d.what) {
					done = append(done, d.what)
				}
			}
			met = len(done) > 0
			if l.question.All {
				met = len(done) == len(wanted)
			}
		}
		switch {
		case met && (l.question.Early || over):
			return hour, true
		case over:
			return hour, false
		}
	}
	return -1, false
}

func genLife(t *rapid.T) life {
	l := life{limit: rapid.IntRange(0, 6).Draw(t, "limit")}
	l.question.Early = rapid.Bool().Draw(t, "early")
	results := []sequence.EmailResult{sequence.Opened, sequence.Clicked, sequence.Downloaded, sequence.Replied}
	if rapid.Bool().Draw(t, "about an email") {
		l.question.Emails = rapid.SliceOfNDistinct(rapid.SampledFrom(results), 1, 3, rapid.ID[sequence.EmailResult]).Draw(t, "emails")
		l.question.All = rapid.Bool().Draw(t, "all")
		for _, what := range rapid.SliceOfNDistinct(rapid.SampledFrom(results), 0, 4, rapid.ID[sequence.EmailResult]).Draw(t, "done") {
			done := rapid.IntRange(-2, 8).Draw(t, "done at")
			l.deeds = append(l.deeds, deed{what, done, done + rapid.IntRange(0, 3).Draw(t, "heard after")})
		}
	} else {
		l.question.Filter = "a condition"
		l.holds = rapid.SliceOf(rapid.IntRange(0, 8)).Draw(t, "holds")
	}
	for hour := range 9 {
		if hour == 0 || rapid.Bool().Draw(t, "asked") {
			l.asked = append(l.asked, hour)
		}
	}
	return l
}

// A condition is asked again and again until it is closed: it goes on when, and by the branch
// by which, a naive reading of the rule says so, and waits for its limit until then.
func TestDecide_6_3_Model(t *testing.T) {
	opened := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(hour int) time.Time { return opened.Add(time.Duration(hour) * time.Hour) }
	rapid.Check(t, func(t *rapid.T) {
		l := genLife(t)
		limit, err := worktime.NewWait(0, l.limit)
		if err != nil {
			t.Fatal(err)
		}
		step := sequence.Step{Type: sequence.Condition, Name: "If", If: &l.question, Wait: limit}
		wantClosed, wantYes := l.model()
		closed, yes := -1, false
		for _, hour := range l.asked {
			asked := sequence.Asked{Now: at(hour), Due: at(l.limit), Holds: slices.Contains(l.holds, hour)}
			for _, d := range l.deeds {
				if d.heard <= hour {
					*fact(&asked.Emails, d.what) = at(d.done)
				}
			}
			verdict := sequence.Decide(step, asked)
			if verdict.Close == nil {
				if d := cmp.Diff(sequence.Verdict{Until: at(l.limit)}, verdict); d != "" {
					t.Fatalf("hour %d (-want +got):\n%s", hour, d)
				}
				continue
			}
			closed, yes = hour, *verdict.Close.Branch == sequence.Yes
			if verdict.Close.As != sequence.StepCompleted || verdict.Held != sequence.NoError || !verdict.Until.IsZero() {
				t.Fatalf("hour %d: %+v, want one of the three", hour, verdict)
			}
			break
		}
		if closed != wantClosed || yes != wantYes {
			t.Fatalf("%+v: closed in hour %d, yes %t; want hour %d, yes %t", l, closed, yes, wantClosed, wantYes)
		}
	})
}

func fact(facts *sequence.EmailFacts, what sequence.EmailResult) *time.Time {
	switch what {
	case sequence.Opened:
		return &facts.Opened
	case sequence.Clicked:
		return &facts.Clicked
	case sequence.Downloaded:
		return &facts.Downloaded
	case sequence.Replied:
	}
	return &facts.Replied
}

// What else the system does: a wait that is over is closed without a branch, what nobody can
// tell is held, and exactly one of the three answers is given for every kind of step.
func TestDecide_OneAnswer(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	rapid.Check(t, func(t *rapid.T) {
		step := sequence.Step{
			Type: rapid.SampledFrom([]sequence.StepType{
				sequence.Wait, sequence.Condition, sequence.LinkedIn, sequence.ABTest, sequence.AutoAction, sequence.AutomatedEmail,
				sequence.AutomatedText, sequence.Email, sequence.PhoneCall, sequence.Task, sequence.TextMessage,
			}).Draw(t, "type"),
			If: &sequence.Question{Filter: "a condition", Early: rapid.Bool().Draw(t, "early")},
		}
		asked := sequence.Asked{Now: now, Due: now.Add(time.Duration(rapid.IntRange(-2, 2).Draw(t, "due in")) * time.Second), Holds: rapid.Bool().Draw(t, "holds")}
		if rapid.Bool().Draw(t, "fails") {
			asked.Failure = errors.New("nobody can tell")
		}
		verdict := sequence.Decide(step, asked)
		answers := 0
		for _, given := range []bool{verdict.Close != nil, !verdict.Until.IsZero(), verdict.Held != sequence.NoError} {
			if given {
				answers++
			}
		}
		if answers != 1 || (verdict.Held != sequence.NoError) != (verdict.Note != "") {
			t.Fatalf("%+v, want exactly one answer", verdict)
		}
		if !verdict.Until.IsZero() && !verdict.Until.After(now) {
			t.Fatalf("it is put off until %v, which is not to come: it would be asked for ever", verdict.Until)
		}
		if branch := verdict.Close != nil && verdict.Close.Branch != nil; branch && step.Type != sequence.Condition {
			t.Fatalf("%+v: only a condition has an answer", verdict)
		}
		if held := verdict.Held != sequence.NoError; held != (step.Type == sequence.AutomatedText || step.Type == sequence.Condition && asked.Failure != nil) {
			t.Fatalf("step %v is held: %v", step.Type, held)
		}
	})
}
