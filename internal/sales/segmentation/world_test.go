package segmentation_test

import "segue/internal/sales/salestest"

// The words of the tests; salestest says what they mean.
type (
	values = salestest.Values
	world  = salestest.World
)

var (
	newWorld = salestest.New
	id       = salestest.ID
	manager  = salestest.Manager
	lookup   = salestest.Lookup
	link     = salestest.Link
	where    = salestest.Where
	tableOf  = salestest.TableOf
)

const (
	web           = salestest.Web
	hot           = salestest.Hot
	sources       = salestest.Sources
	quality       = salestest.Quality
	disconnected  = salestest.Disconnected
	byUser        = salestest.ByUser
	sequenceGone  = salestest.SequenceGone
	stepSkipped   = salestest.StepSkipped
	stepCancelled = salestest.StepCancelled
	leadContacted = salestest.LeadContacted
	leadQualified = salestest.LeadQualified
)
