package language

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"segue/internal/sales/sequence"
	"segue/internal/sales/worktime"
	"segue/internal/schema/name"
)

// printed is a step as it is printed: members that it does not have are left out.
type printed struct {
	ID          sequence.StepID            `json:"id"`
	Type        string                     `json:"type"`
	Subtype     string                     `json:"subtype,omitempty"`
	Name        string                     `json:"name"`
	Description string                     `json:"description,omitempty"`
	Wait        *duration                  `json:"wait,omitempty"`
	Template    string                     `json:"template,omitempty"`
	Set         map[string]json.RawMessage `json:"set,omitempty"`
	Sequence    name.SequenceID            `json:"sequence,omitempty"`
	If          *printedQuestion           `json:"if,omitempty"`
	Within      *duration                  `json:"within,omitempty"`
	Early       bool                       `json:"early,omitempty"`
	Yes         []printed                  `json:"yes,omitempty"`
	No          []printed                  `json:"no,omitempty"`
	Metric      string                     `json:"metric,omitempty"`
	Split       int                        `json:"split,omitempty"`
	Until       string                     `json:"until,omitempty"`
	Default     string                     `json:"default,omitempty"`
	A           []printed                  `json:"a,omitempty"`
	B           []printed                  `json:"b,omitempty"`
}

type printedQuestion struct {
	Email   []sequence.EmailResult `json:"email,omitempty"`
	All     bool                   `json:"all,omitempty"`
	Call    []int64                `json:"call,omitempty"`
	Filter  string                 `json:"filter,omitempty"`
	Process string                 `json:"process,omitempty"`
	Stages  []string               `json:"stages,omitempty"`
}

// Print writes a definition that [Parse] has read, every step with its id. Reading it again
// gives the same definition. The error is of a column's value that is no JSON, which Parse
// returns none of.
func Print(d sequence.Definition) (string, error) {
	p := printer{steps: d.Steps}
	doc := struct {
		Segue int       `json:"segue"`
		Steps []printed `json:"steps"`
	}{Format, p.list("")}
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // it is read by people
	if err := encoder.Encode(doc); err != nil {
		return "", fmt.Errorf("print a definition: %w", err)
	}
	return text.String(), nil
}

// printer goes through steps in the order in which they are written.
type printer struct {
	steps []sequence.Step
	at    int
}

// list takes the steps of the list that is written at a place: those whose path is that and a
// number.
func (p *printer) list(prefix string) []printed {
	all := []printed{}
	for p.at < len(p.steps) && inList(p.steps[p.at].Path, prefix) {
		step := p.steps[p.at]
		p.at++
		one := printStep(step)
		if step.Forks() {
			first := p.list(step.Path + "." + step.Type.Branch(sequence.Yes) + ".")
			second := p.list(step.Path + "." + step.Type.Branch(sequence.No) + ".")
			if step.Type == sequence.ABTest {
				one.A, one.B = first, second
			} else {
				one.Yes, one.No = first, second
			}
		}
		all = append(all, one)
	}
	return all
}

// inList reports whether the step of a path is in a list itself, and not in a branch.
func inList(path, prefix string) bool {
	rest, ok := bytes.CutPrefix([]byte(path), []byte(prefix))
	return ok && !bytes.Contains(rest, []byte("."))
}

func printStep(step sequence.Step) printed {
	one := printed{
		ID: step.ID, Type: typeName(step), Name: step.Name, Description: step.Description, Subtype: subtypeName(step),
		Template: step.Template, Sequence: step.Advance,
	}
	switch step.Type {
	case sequence.Wait:
		one.Wait = printedWait(step.Wait)
	case sequence.AutoAction:
		if step.Subtype != sequence.AdvanceToOther {
			one.Set = map[string]json.RawMessage{step.Set.Column: step.Set.Value}
		}
	case sequence.Condition:
		q := step.If
		one.If, one.Early = &printedQuestion{q.Emails, q.All, q.Calls, q.Filter, q.Process, q.Stages}, q.Early
		if !step.Wait.IsZero() {
			one.Within = printedWait(step.Wait)
		}
	case sequence.ABTest:
		one.Metric, one.Split = step.Test.Metric, step.Test.Split
		if !step.Test.Until.IsZero() {
			one.Until = step.Test.Until.Format(time.DateOnly)
		}
		if step.Test.Default == sequence.B {
			one.Default = step.Type.Branch(sequence.B)
		}
	case sequence.AutomatedEmail, sequence.AutomatedText, sequence.LinkedIn, sequence.Email, sequence.PhoneCall, sequence.Task, sequence.TextMessage:
	}
	return one
}

func printedWait(w worktime.Wait) *duration {
	days, hours := w.Parts()
	return &duration{days, hours}
}

// typeName names the type of a step.
func typeName(step sequence.Step) string {
	if step.Type == sequence.AutoAction && step.Subtype == sequence.AdvanceToOther {
		return "advance"
	}
	for _, name := range typeNames() {
		if types()[name] == step.Type {
			return name
		}
	}
	return ""
}

func subtypeName(step sequence.Step) string {
	for name, subtype := range subtypes() {
		if step.Type == sequence.LinkedIn && subtype == step.Subtype {
			return name
		}
	}
	return ""
}
