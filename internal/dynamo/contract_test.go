package dynamo_test

import (
	"fmt"
	"testing"
	"time"

	"segue/internal/dynamo"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/storetest"
	"segue/internal/table"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, indexes []table.Index) storetest.Table {
		tab := dynamotest.Open(t, indexes)
		return struct {
			*dynamo.Store
			*dynamo.Feed
		}{tab.Store, tab.Feed(dynamo.PollEvery(5*time.Millisecond),
			dynamo.ParkAfter(5, time.Millisecond, func(c table.Change, err error) { t.Logf("parked %v: %v", c.Key, err) }))}
	})
}

// What table.CheckWrite lets pass at its limits DynamoDB must take.
func TestExpressionLimits(t *testing.T) {
	s := dynamotest.Open(t, nil)
	var terms []table.Condition
	for i := range 75 {
		terms = append(terms, table.NotEquals(fmt.Sprintf("column_%d", i), table.S("y")))
	}
	set := table.Item{}
	for i := range 350 {
		set[fmt.Sprintf("set_%d", i)] = table.S("x")
	}
	op := table.Update(key, set, nil, table.And(terms...))
	if err := s.Write(t.Context(), op); err != nil {
		t.Errorf("alone: %v", err)
	}
	if err := s.Write(t.Context(), op, table.Check(other, op.If)); err != nil {
		t.Errorf("in a transaction: %v", err)
	}
}
