package authoring_test

import "segue/internal/sales/salestest"

// The words of the tests; salestest says what they mean.
type (
	values = salestest.Values
)

var (
	newWorld = salestest.New
	id       = salestest.ID
	manager  = salestest.Manager
)

const steps = salestest.Steps
