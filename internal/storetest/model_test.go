package storetest

import (
	"testing"

	"segue/internal/table"
)

func TestModel(t *testing.T) {
	RunStore(t, func(_ *testing.T, indexes []table.Index) table.Store { return NewModel(indexes) })
}
