package dynamo_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/table"
)

var (
	key   = table.Key{PK: "p", SK: "s"}
	other = table.Key{PK: "p", SK: "t"}
)

const (
	mine   = `,"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"by":{"S":"me"}}`
	theirs = `,"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"by":{"S":"them"}}`
)

func owned(by string) table.Item {
	return table.Item{table.PK: table.S("p"), table.SK: table.S("s"), "by": table.S(by)}
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
	var failed *table.ConditionError
	var exceeded *table.ExceededError
	switch {
	case err == nil:
		return "done"
	case errors.As(err, &failed):
		return *failed
	case errors.As(err, &exceeded):
		return *exceeded
	case errors.Is(err, table.ErrUnavailable):
		return "unavailable"
	}
	return "other"
}

func TestWrite(t *testing.T) {
	put := table.Put(owned("me"), table.NotThere(table.PK))
	update := table.Update(key, table.Item{"by": table.S("me")}, []string{"for"}, table.Exists("for"))
	remove := table.Delete(key, table.Exists(table.PK))
	both := []table.Op{put, table.Check(other, table.Exists(table.PK))}
	lost, failed := reply{lost: true}, func(item string) reply { return fails("ConditionalCheckFailedException", item) }
	tooLarge := table.ExceededError{What: "bytes of item p/s", Size: table.MaxItemBytes + 1, Max: table.MaxItemBytes}
	throttled := fails("ProvisionedThroughputExceededException", "")

	for _, test := range []struct {
		name    string
		ops     []table.Op
		replies []reply
		want    any
		tries   int
	}{
		{"done", []table.Op{put}, []reply{ok("{}")}, "done", 1},
		{"throttled twice", []table.Op{put}, []reply{throttled, throttled, ok("{}")}, "done", 3},
		{"throttled for good", []table.Op{put}, []reply{throttled}, "unavailable", 4},
		{"request limit", []table.Op{put}, []reply{fails("RequestLimitExceeded", ""), ok("{}")}, "done", 2},
		{"throttling", []table.Op{put}, []reply{fails("ThrottlingException", ""), ok("{}")}, "done", 2},
		{"fault of the service", []table.Op{put}, []reply{fails("InternalServerError", ""), ok("{}")}, "done", 2},
		{"conflict with a transaction", []table.Op{put}, []reply{fails("TransactionConflictException", ""), ok("{}")}, "done", 2},
		{"answers get lost for good", []table.Op{put}, []reply{lost}, "unavailable", 4},
		{"answer is cut short", []table.Op{put}, []reply{ok(`{"Attri`), ok("{}")}, "done", 2},
		{"nonsense is not repeated", []table.Op{put}, []reply{fails("ValidationException", "")}, "other", 1},

		{"condition fails", []table.Op{put}, []reply{failed(theirs)}, table.ConditionError{Key: key, Item: owned("them")}, 1},
		{"condition fails without an item", []table.Op{remove}, []reply{failed("")}, table.ConditionError{Key: key}, 1},
		{"put meets itself", []table.Op{put}, []reply{lost, failed(mine)}, "done", 2},
		{"put meets another", []table.Op{put}, []reply{lost, failed(theirs)}, table.ConditionError{Key: key, Item: owned("them")}, 2},
		{"put cannot meet itself", []table.Op{put}, []reply{throttled, failed(mine)}, table.ConditionError{Key: key, Item: owned("me")}, 2},
		{"update meets itself", []table.Op{update}, []reply{fails("InternalServerError", ""), failed(mine)}, "done", 2},
		{"update meets another", []table.Op{update}, []reply{lost, failed(theirs)}, table.ConditionError{Key: key, Item: owned("them")}, 2},
		{"delete meets itself", []table.Op{remove}, []reply{lost, failed("")}, "done", 2},
		{"delete meets another", []table.Op{remove}, []reply{lost, failed(theirs)}, table.ConditionError{Key: key, Item: owned("them")}, 2},
		{"update makes the item too large", []table.Op{update},
			[]reply{{status: 400, body: `{"__type":"x#ValidationException","message":"Item size to update has exceeded the maximum allowed size"}`}}, tooLarge, 1},
		{"expression is too large", []table.Op{update},
			[]reply{{status: 400, body: `{"__type":"x#ValidationException","message":"Expression size has exceeded the maximum allowed size"}`}}, "other", 1},

		{"transaction done", both, []reply{ok("{}")}, "done", 1},
		{"transaction in conflict", both, []reply{canceled([2]string{"None"}, [2]string{"TransactionConflict"}), ok("{}")}, "done", 2},
		{"transaction in conflict for good", both, []reply{canceled([2]string{"None"}, [2]string{"TransactionConflict"})}, "unavailable", 4},
		{"transaction throttled", both, []reply{canceled([2]string{"ThrottlingError"}, [2]string{"ProvisionedThroughputExceeded"}), ok("{}")}, "done", 2},
		{"transaction still running", both, []reply{lost, fails("TransactionInProgressException", ""), ok("{}")}, "done", 3},
		{"transaction's condition fails", both, []reply{canceled([2]string{"None"}, [2]string{"ConditionalCheckFailed", theirs})},
			table.ConditionError{Op: 1, Key: other, Item: owned("them")}, 1},
		{"a condition counts more than a conflict", both,
			[]reply{canceled([2]string{"TransactionConflict"}, [2]string{"ConditionalCheckFailed"})}, table.ConditionError{Op: 1, Key: other}, 1},
		{"transaction makes an item too large", both,
			[]reply{canceled([2]string{"ValidationError", `,"Message":"Item size to update has exceeded the maximum allowed size"`}, [2]string{"None"})}, tooLarge, 1},
		{"transaction is nonsense", both, []reply{canceled([2]string{"ValidationError"}, [2]string{"TransactionConflict"})}, "other", 1},

		{"lone check holds", both[1:], []reply{ok(`{"Item":{"pk":{"S":"p"},"sk":{"S":"t"}}}`)}, "done", 1},
		{"lone check fails", both[1:], []reply{ok(`{}`)}, table.ConditionError{Key: other}, 1},
		{"nothing to do", nil, nil, "done", 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := scripted(test.replies...)
			err := f.store(t).Write(t.Context(), test.ops...)
			if d := cmp.Diff(test.want, outcome(err)); d != "" {
				t.Errorf("%v (-want +got):\n%s", err, d)
			}
			calls, bodies := f.seen()
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
	f := &fake{answer: func(int, string, string) reply {
		cancel()
		return fails("ThrottlingException", "")
	}}
	s := f.store(t)
	for name, err := range map[string]error{
		"during a write": s.Write(ctx, table.Delete(key, table.Condition{})),
		"before a write": s.Write(ctx, table.Delete(key, table.Condition{})),
		"before a get":   second(s.Get(ctx, key, other)),
	} {
		if !errors.Is(err, context.Canceled) || errors.Is(err, table.ErrUnavailable) {
			t.Errorf("%s: got %v, want the context's error alone", name, err)
		}
	}
	if calls, _ := f.seen(); len(calls) != 1 {
		t.Errorf("requests: got %v, want one", calls)
	}
}

func second[T any](_ T, err error) error { return err }
