package right_test

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
	refused  = salestest.Refused
	link     = salestest.Link
)
