package connection_test

import "segue/internal/sales/salestest"

// The words of the tests; salestest says what they mean.
type (
	values = salestest.Values
)

var (
	newWorld   = salestest.New
	newWorldOn = salestest.NewOn
	id         = salestest.ID
	manager    = salestest.Manager
	refused    = salestest.Refused
	lookup     = salestest.Lookup
	link       = salestest.Link
)

const (
	web           = salestest.Web
	sources       = salestest.Sources
	steps         = salestest.Steps
	completed     = salestest.Completed
	disconnected  = salestest.Disconnected
	byUser        = salestest.ByUser
	sequenceGone  = salestest.SequenceGone
	recordClosed  = salestest.RecordClosed
	pathDone      = salestest.PathDone
	stepOpen      = salestest.StepOpen
	stepCompleted = salestest.StepCompleted
	stepSkipped   = salestest.StepSkipped
	stepCancelled = salestest.StepCancelled
	leadContacted = salestest.LeadContacted
	leadQualified = salestest.LeadQualified
	leadLost      = salestest.LeadLost
)
