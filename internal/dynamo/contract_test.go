package dynamo_test

import (
	"fmt"
	"testing"
	"time"

	"segue/internal/dynamo"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/dynamo/stream"
	"segue/internal/store"
	"segue/internal/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, indexes []store.Index) storetest.Table {
		tab := dynamotest.Open(t, indexes)
		return struct {
			*dynamo.Store
			*stream.Feed
		}{tab.Store, tab.Feed(stream.PollEvery(5*time.Millisecond), stream.Backoff(time.Millisecond))}
	})
}

// What store.CheckWrite lets pass at its limits DynamoDB must take.
func TestExpressionLimits(t *testing.T) {
	s := dynamotest.Open(t, nil)
	var terms []store.Condition
	for i := range 75 {
		terms = append(terms, store.NotEquals(fmt.Sprintf("column_%d", i), store.S("y")))
	}
	set := store.Item{}
	for i := range 350 {
		set[fmt.Sprintf("set_%d", i)] = store.S("x")
	}
	op := store.Update(key, set, nil, store.And(terms...))
	if err := s.Write(t.Context(), op); err != nil {
		t.Errorf("alone: %v", err)
	}
	if err := s.Write(t.Context(), op, store.Check(second, op.If)); err != nil {
		t.Errorf("in a transaction: %v", err)
	}
}
