package progress_test

import "segue/internal/sales/salestest"

// The words of the tests; salestest says what they mean.
type (
	values = salestest.Values
)

var (
	newWorld = salestest.New
	id       = salestest.ID
	link     = salestest.Link
)

const (
	completed     = salestest.Completed
	pathDone      = salestest.PathDone
	stepOpen      = salestest.StepOpen
	stepCompleted = salestest.StepCompleted
	stepSkipped   = salestest.StepSkipped
	stepCancelled = salestest.StepCancelled
)
