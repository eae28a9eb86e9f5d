package query_test

import (
	"testing"

	"segue/internal/query"
	"segue/internal/rows/rowstest"
)

type values = rowstest.Values

// fixture is rows and a reader of their lists.
type fixture struct {
	*rowstest.Fixture
	*query.Reader
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := rowstest.New(t)
	return &fixture{f, query.New(f.DB)}
}
