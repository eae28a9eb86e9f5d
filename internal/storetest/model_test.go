package storetest

import (
	"testing"

	"segue/internal/store"
)

func TestModel(t *testing.T) {
	RunStore(t, func(_ *testing.T, indexes []store.Index) store.Store { return NewModel(indexes) })
}
