package sales_test

import (
	"segue/internal/sales/salestest"
	"segue/internal/sales/salestest/both"
)

// The words of the tests; salestest says what they mean.
type (
	values      = salestest.Values
	world       = salestest.World
	changeStore = salestest.ChangeStore
	journal     = salestest.Journal
	place       = both.Place
)

var (
	newWorld   = salestest.New
	newWorldOn = salestest.NewOn
	id         = salestest.ID
	manager    = salestest.Manager
	refused    = salestest.Refused
	scan       = salestest.Scan
	link       = salestest.Link
	crowd      = salestest.Crowd
	onBoth     = both.Run
	guardOf    = salestest.GuardOf
	tableOf    = salestest.TableOf
)

const (
	web          = salestest.Web
	hot          = salestest.Hot
	sources      = salestest.Sources
	quality      = salestest.Quality
	disconnected = salestest.Disconnected
)
