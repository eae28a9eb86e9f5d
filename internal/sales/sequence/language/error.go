package language

import (
	"fmt"

	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
)

// Error says what is wrong with a definition and where.
type Error struct {
	Path   string          // of the step, [sequence.Step.Path]; "": the definition as a whole
	ID     sequence.StepID // of the step, "" where it has none
	Detail string

	limit      string // its name, of a definition that has too much of something
	most, used int
}

// Limit returns, of a definition that has too much of something, the name of the limit,
// its value and how much there is; most is 0 for any other error.
func (e *Error) Limit() (name string, most, used int) { return e.limit, e.most, e.used }

// Error names the step by where it is written.
func (e *Error) Error() string {
	if e.Path == "" {
		return name.MsdynDefinition + ": " + e.Detail
	}
	return fmt.Sprintf("%s: step %s %s", name.MsdynDefinition, e.Path, e.Detail)
}
