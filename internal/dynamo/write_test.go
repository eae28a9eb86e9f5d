package dynamo_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/store"
)

var (
	key    = store.Key{PK: "p", SK: "s"}
	second = store.Key{PK: "p", SK: "t"}
)

const (
	mine   = `,"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"by":{"S":"me"}}`
	theirs = `,"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"by":{"S":"them"}}`
)

func owned(by string) store.Item {
	return store.Item{store.PK: store.S("p"), store.SK: store.S("s"), "by": store.S(by)}
}

// canceled is a transaction that failed for these reasons, each a code and
// more JSON members.
func canceled(reasons ...[2]string) reply {
	texts := make([]string, len(reasons))
	for i, r := range reasons {
		texts[i] = `{"Code":"` + r[0] + `"` + r[1] + `}`
	}
	return fails("TransactionCanceledException", `,"CancellationReasons":[`+strings.Join(texts, ",")+`]`)
}

// outcome is an error as the contract sees it.
func outcome(err error) any {
	var failed *store.ConditionError
	var exceeded *store.ExceededError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &failed):
		return *failed
	case errors.As(err, &exceeded):
		return *exceeded
	case errors.Is(err, store.ErrUnavailable):
		return "unavailable"
	case errors.Is(err, store.ErrInvalid):
		return "invalid"
	}
	return "other"
}

func TestWrite(t *testing.T) {
	put := store.Put(owned("me"), store.NotThere(store.PK))
	update := store.Update(key, store.Item{"by": store.S("me")}, []string{"for"}, store.Exists("for"))
	remove, add := store.Delete(key, store.Exists(store.PK)), store.Update(key, nil, nil, store.Exists(store.PK)).AddingOne("n")
	both := []store.Op{put, store.Check(second, store.Exists(store.PK))}
	lost, failed := reply{Lost: true}, func(item string) reply { return fails("ConditionalCheckFailedException", item) }
	tooLarge := store.ExceededError{What: "bytes of item p/s", Size: store.MaxItemBytes + 1, Max: store.MaxItemBytes}
	throttled := fails("ProvisionedThroughputExceededException", "")

	for _, test := range []struct {
		name    string
		ops     []store.Op
		replies []reply
		want    any
		tries   int
	}{
		{"done", []store.Op{put}, []reply{ok("{}")}, "done", 1},
		{"throttled twice", []store.Op{put}, []reply{throttled, throttled, ok("{}")}, "done", 3},
		{"throttled for good", []store.Op{put}, []reply{throttled}, "unavailable", 4},
		{"request limit", []store.Op{put}, []reply{fails("RequestLimitExceeded", ""), ok("{}")}, "done", 2},
		{"throttling", []store.Op{put}, []reply{fails("ThrottlingException", ""), ok("{}")}, "done", 2},
		{"fault of the service", []store.Op{put}, []reply{fails("InternalServerError", ""), ok("{}")}, "done", 2},
		{"conflict with a transaction", []store.Op{put}, []reply{fails("TransactionConflictException", ""), ok("{}")}, "done", 2},
		{"answers get lost for good", []store.Op{put}, []reply{lost}, "unavailable", 4},
		{"answer is cut short", []store.Op{put}, []reply{ok(`{"Attri`), ok("{}")}, "done", 2},
		{"nonsense is not repeated", []store.Op{put}, []reply{fails("ValidationException", "")}, "other", 1},

		{"condition fails", []store.Op{put}, []reply{failed(theirs)}, store.ConditionError{Key: key, Item: owned("them")}, 1},
		{"condition fails without an item", []store.Op{remove}, []reply{failed("")}, store.ConditionError{Key: key}, 1},
		{"put meets itself", []store.Op{put}, []reply{lost, failed(mine)}, "done", 2},
		{"put meets another", []store.Op{put}, []reply{lost, failed(theirs)}, store.ConditionError{Key: key, Item: owned("them")}, 2},
		{"put cannot meet itself", []store.Op{put}, []reply{throttled, failed(mine)}, store.ConditionError{Key: key, Item: owned("me")}, 2},
		{"update meets itself", []store.Op{update}, []reply{fails("InternalServerError", ""), failed(mine)}, "done", 2},
		{"update meets another", []store.Op{update}, []reply{lost, failed(theirs)}, store.ConditionError{Key: key, Item: owned("them")}, 2},
		{"delete meets itself", []store.Op{remove}, []reply{lost, failed("")}, "done", 2},
		{"delete meets another", []store.Op{remove}, []reply{lost, failed(theirs)}, store.ConditionError{Key: key, Item: owned("them")}, 2},
		{"update makes the item too large", []store.Op{update},
			[]reply{{Status: 400, Body: `{"__type":"x#ValidationException","message":"Item size to update has exceeded the maximum allowed size"}`}}, tooLarge, 1},
		{"expression is too large", []store.Op{update},
			[]reply{{Status: 400, Body: `{"__type":"x#ValidationException","message":"Expression size has exceeded the maximum allowed size"}`}}, "other", 1},

		{"transaction done", both, []reply{ok("{}")}, "done", 1},
		{"transaction in conflict", both, []reply{canceled([2]string{"None"}, [2]string{"TransactionConflict"}), ok("{}")}, "done", 2},
		{"transaction in conflict for good", both, []reply{canceled([2]string{"None"}, [2]string{"TransactionConflict"})}, "unavailable", 4},
		{"transaction throttled", both, []reply{canceled([2]string{"ThrottlingError"}, [2]string{"ProvisionedThroughputExceeded"}), ok("{}")}, "done", 2},
		{"transaction still running", both, []reply{lost, fails("TransactionInProgressException", ""), ok("{}")}, "done", 3},
		{"transaction's condition fails", both, []reply{canceled([2]string{"None"}, [2]string{"ConditionalCheckFailed", theirs})},
			store.ConditionError{Op: 1, Key: second, Item: owned("them")}, 1},
		{"a condition counts more than a conflict", both,
			[]reply{canceled([2]string{"TransactionConflict"}, [2]string{"ConditionalCheckFailed"})}, store.ConditionError{Op: 1, Key: second}, 1},
		{"transaction makes an item too large", both,
			[]reply{canceled([2]string{"ValidationError", `,"Message":"Item size to update has exceeded the maximum allowed size"`}, [2]string{"None"})}, tooLarge, 1},
		{"addition whose answer is lost", []store.Op{add}, []reply{lost, ok("{}")}, "done", 2},
		{"addition in conflict", []store.Op{add}, []reply{canceled([2]string{"TransactionConflict"}), ok("{}")}, "done", 2},
		{"addition's condition fails", []store.Op{add}, []reply{lost, canceled([2]string{"ConditionalCheckFailed", mine})},
			store.ConditionError{Key: key, Item: owned("me")}, 2},
		{"addition to text", []store.Op{add},
			[]reply{canceled([2]string{"ValidationError", `,"Message":"An operand in the update expression has an incorrect data type"`})}, "invalid", 1},
		{"transaction is nonsense", both, []reply{canceled([2]string{"ValidationError"}, [2]string{"TransactionConflict"})}, "other", 1},

		{"lone check holds", both[1:], []reply{ok(`{"Item":{"pk":{"S":"p"},"sk":{"S":"t"}}}`)}, "done", 1},
		{"lone check fails", both[1:], []reply{ok(`{}`)}, store.ConditionError{Key: second}, 1},
		{"nothing to do", nil, nil, "done", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := scripted(test.replies...)
			err := on(t, f).Write(t.Context(), test.ops...)
			if d := cmp.Diff(test.want, outcome(err)); d != "" {
				t.Errorf("%v (-want +got):\n%s", err, d)
			}
			calls, bodies := f.Seen()
			if len(calls) != test.tries {
				t.Errorf("requests: got %v, want %d", calls, test.tries)
			}
			for _, body := range bodies[min(1, len(bodies)):] {
				if body != bodies[0] { // of a transaction, the token included
					t.Errorf("the request changed between tries:\n%s\n%s", bodies[0], body)
				}
			}
		})
	}
}

// An end of the context is not the store's fault.
func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	f := &dynamotest.Fake{Answer: func(int, string, string) reply {
		cancel()
		return fails("ThrottlingException", "")
	}}
	s := on(t, f)
	for name, err := range map[string]error{
		"during a write": s.Write(ctx, store.Delete(key, store.Condition{})),
		"before a write": s.Write(ctx, store.Delete(key, store.Condition{})),
		"before a get":   failureOf(s.Get(ctx, key, second)),
	} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s: got %v, want the context's error alone", name, err)
		}
	}
	if calls, _ := f.Seen(); len(calls) != 1 {
		t.Errorf("requests: got %v, want one", calls)
	}
}

func failureOf[T any](_ T, err error) error { return err }
