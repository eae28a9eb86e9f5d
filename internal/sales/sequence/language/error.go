package language

import (
	"cmp"
	"fmt"

	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// Error says what is wrong with a definition and where.
type Error struct {
	Column string          // the column of the sequence's row that is wrong, "" for msdyn_definition
	Path   string          // of the step, [sequence.Step.Path]; "": the definition as a whole
	ID     sequence.StepID // of the step, "" where it has none
	Detail string

	limit      string // its name, of a definition that has too much of something
	most, used int
}

// Limit returns, of a definition that has too much of something, the name of the limit,
// its value and how much there is; most is 0 for any other error.
func (e *Error) Limit() (name string, most, used int) { return e.limit, e.most, e.used }

// TooMany is the error of a definition that has more of something than its limit.
func TooMany(limit string, most, used int, detail string) *Error {
	return &Error{Detail: detail, limit: limit, most: most, used: used}
}

// tooLong is the error of a definition with more than MaxPath places.
func tooLong(used int) *Error {
	return TooMany("SequenceStepsWithWaits", sequence.MaxPath, used, fmt.Sprintf("has %d steps or more with waits; the limit is %d", used, sequence.MaxPath))
}

// Error names the step by where it is written.
func (e *Error) Error() string {
	return cmp.Or(e.Column, name.MsdynDefinition) + ": " + e.text()
}

func (e *Error) text() string {
	if e.Path == "" {
		return e.Detail
	}
	return fmt.Sprintf("step %s %s", e.Path, e.Detail)
}

// Errors is all that is wrong with a definition, one at least.
type Errors []*Error

// maxTold is how many errors the text of all of them tells.
const maxTold = 10

// Error tells the first ones and how many there are.
func (all Errors) Error() string {
	text := all[0].Error()
	for i, e := range all[1:] {
		switch {
		case i+1 == maxTold:
			return fmt.Sprintf("%s; and %d more", text, len(all)-maxTold)
		case e.Column == all[i].Column:
			text += "; " + e.text()
		default:
			text += "; " + e.Error()
		}
	}
	return text
}

// Unwrap returns the errors, those about a limit first: whoever asks for a limit asks for
// the first error that may have one.
func (all Errors) Unwrap() []error {
	var limits, others []error
	for _, e := range all {
		if e.most > 0 {
			limits = append(limits, e)
		} else {
			others = append(others, e)
		}
	}
	return append(limits, others...)
}
