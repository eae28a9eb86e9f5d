package dynamo_test

import (
	"strings"
	"testing"

	"segue/internal/store"
	"segue/internal/tally"
)

// Where somebody counts, a write asks for its units, and tries after the first count.
func TestTally(t *testing.T) {
	put := store.Put(store.Item{store.PK: store.S("p"), store.SK: store.S("s")}, store.Condition{})
	other := store.Delete(store.Key{PK: "p", SK: "t"}, store.Condition{})
	const units, list = `{"ConsumedCapacity":{"TableName":"segue","CapacityUnits":3}}`, `{"ConsumedCapacity":[{"TableName":"segue","CapacityUnits":6}]}`
	for _, test := range []struct {
		name           string
		ops            []store.Op
		replies        []reply
		units, retries int64
	}{
		{"put", []store.Op{put}, []reply{ok(units)}, 3, 0},
		{"delete", []store.Op{other}, []reply{ok(units)}, 3, 0},
		{"update", []store.Op{store.Update(store.Key{PK: "p", SK: "s"}, store.Item{"a": store.S("b")}, nil, store.Condition{})}, []reply{ok(units)}, 3, 0},
		{"transaction", []store.Op{put, other}, []reply{ok(list)}, 6, 0},
		{"busy twice", []store.Op{put}, []reply{fails("ThrottlingException", ""), {Lost: true}, ok(units)}, 3, 2},
		{"busy for ever", []store.Op{put, other}, []reply{fails("ThrottlingException", "")}, 0, 3},
		{"refused", []store.Op{put}, []reply{fails("ConditionalCheckFailedException", "")}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := scripted(test.replies...)
			ctx, counted := tally.With(t.Context())
			_ = on(t, f).Write(ctx, test.ops...) // some fail, and count all the same
			if got, again := counted.Of(tally.WriteUnits), counted.Of(tally.Retries); got != test.units || again != test.retries {
				t.Errorf("%d units, %d retries; want %d, %d", got, again, test.units, test.retries)
			}
			if _, bodies := f.Seen(); !strings.Contains(bodies[0], `"ReturnConsumedCapacity":"TOTAL"`) {
				t.Errorf("it does not ask for units: %s", bodies[0])
			}
		})
	}
	f := scripted(ok(units))
	if err := on(t, f).Write(t.Context(), put); err != nil {
		t.Fatal(err)
	}
	if _, bodies := f.Seen(); strings.Contains(bodies[0], "TOTAL") {
		t.Errorf("it asks for units that nobody counts: %s", bodies[0])
	}
}
