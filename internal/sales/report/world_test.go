package report_test

import "segue/internal/sales/salestest"

// The words of the tests; salestest says what they mean.
type (
	values = salestest.Values
)

var (
	newWorld = salestest.New
)

const (
	web           = salestest.Web
	sources       = salestest.Sources
	leadContacted = salestest.LeadContacted
)
