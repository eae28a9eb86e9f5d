package dynamo_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/store"
)

const (
	itemS = `{"pk":{"S":"p"},"sk":{"S":"s"},"by":{"S":"me"}}`
	keyT  = `{"pk":{"S":"p"},"sk":{"S":"t"}}`
)

func TestGetAsksAgainForTheUnprocessed(t *testing.T) {
	unprocessed := `"UnprocessedKeys":{"segue":{"Keys":[` + keyT + `],"ConsistentRead":true}}`
	f := scripted(
		ok(`{"Responses":{"segue":[`+itemS+`]},`+unprocessed+`}`),
		ok(`{"Responses":{},`+unprocessed+`}`),
		ok(`{"Responses":{"segue":[`+keyT+`]},"UnprocessedKeys":{}}`))
	items, err := on(t, f).Get(t.Context(), second, key)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Item{{store.PK: store.S("p"), store.SK: store.S("t")}, owned("me")}
	if d := cmp.Diff(want, items); d != "" {
		t.Errorf("items (-want +got):\n%s", d)
	}
	if calls, _ := f.Seen(); len(calls) != 3 {
		t.Errorf("requests: got %v, want 3", calls)
	}
}

func TestGetGivesUpOnTheUnprocessed(t *testing.T) {
	f := scripted(ok(`{"Responses":{},"UnprocessedKeys":{"segue":{"Keys":[` + keyT + `]}}}`))
	if _, err := on(t, f).Get(t.Context(), key, second); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, store.ErrUnavailable)
	}
	if calls, _ := f.Seen(); len(calls) != 4 {
		t.Errorf("requests: got %v, want 4", calls)
	}
}

func TestUnknownTypesAreErrors(t *testing.T) {
	f := scripted(ok(`{"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"l":{"L":[{"XS":["a"]}]}}}`))
	if items, err := on(t, f).Get(t.Context(), key); err == nil {
		t.Errorf("got %v, want an error", items)
	}
}

// The requests as DynamoDB gets them, so that a change of cost or consistency
// shows.
func TestQueryRequest(t *testing.T) {
	index := store.Index{Name: "stage", PK: "gpk", SK: "gsk"}
	for _, test := range []struct {
		name string
		q    store.Query
		want string
	}{
		{"whole partition", store.Query{Partition: "p"}, `{"TableName":"segue","ConsistentRead":true,"ScanIndexForward":true,
			"KeyConditionExpression":"#0=:0","ExpressionAttributeNames":{"#0":"pk"},"ExpressionAttributeValues":{":0":{"S":"p"}}}`},
		{"after, backward, limit", store.Query{Partition: "p", After: "a", Descending: true, Limit: 5}, `{"TableName":"segue",
			"ConsistentRead":true,"ScanIndexForward":false,"Limit":5,"KeyConditionExpression":"#0=:0 AND #1<:1",
			"ExpressionAttributeNames":{"#0":"pk","#1":"sk"},"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"S":"a"}}}`},
		{"range of an index, with its start", store.Query{Index: "stage", Partition: "p", After: "a", To: "b", Limit: 5}, `{"TableName":"segue",
			"IndexName":"stage","ScanIndexForward":true,"Limit":6,
			"KeyConditionExpression":"#0=:0 AND #1 BETWEEN :1 AND :2","ExpressionAttributeNames":{"#0":"gpk","#1":"gsk"},
			"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"S":"a"},":2":{"S":"b"}}}`},
		{"range backward", store.Query{Partition: "p", After: "b", To: "a", Descending: true}, `{"TableName":"segue","ConsistentRead":true,
			"ScanIndexForward":false,"KeyConditionExpression":"#0=:0 AND #1 BETWEEN :1 AND :2",
			"ExpressionAttributeNames":{"#0":"pk","#1":"sk"},"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"S":"a"},":2":{"S":"b"}}}`},
		{"after", store.Query{Partition: "p", After: "a"}, `{"TableName":"segue","ConsistentRead":true,"ScanIndexForward":true,
			"KeyConditionExpression":"#0=:0 AND #1>:1","ExpressionAttributeNames":{"#0":"pk","#1":"sk"},
			"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"S":"a"}}}`},
		{"to backward", store.Query{Partition: "p", To: "a", Descending: true}, `{"TableName":"segue","ConsistentRead":true,"ScanIndexForward":false,
			"KeyConditionExpression":"#0=:0 AND #1>=:1","ExpressionAttributeNames":{"#0":"pk","#1":"sk"},
			"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"S":"a"}}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := scripted(ok(`{"Items":[],"Count":0}`))
			if _, err := on(t, f, index).Query(t.Context(), test.q); err != nil {
				t.Fatal(err)
			}
			_, bodies := f.Seen()
			if d := cmp.Diff(fields(t, test.want), fields(t, bodies[0])); d != "" {
				t.Errorf("request (-want +got):\n%s", d)
			}
		})
	}
}

// TestQueryPages says what becomes of the item that BETWEEN includes and the
// query does not, and of a page that would end before its first item.
func TestQueryPages(t *testing.T) {
	items := func(sortKeys ...string) string {
		var list []string
		for _, sk := range sortKeys {
			list = append(list, `{"pk":{"S":"p"},"sk":{"S":"`+sk+`"}}`)
		}
		return `"Items":[` + strings.Join(list, ",") + `]`
	}
	const more = `,"LastEvaluatedKey":{"pk":{"S":"p"},"sk":{"S":"x"}}`
	both := store.Query{Partition: "p", After: "a", To: "z", Limit: 2}
	for _, test := range []struct {
		name     string
		q        store.Query
		replies  []string
		want     string
		more     bool
		requests int
	}{
		{"its start is there", both, []string{items("a", "b", "c") + more}, "b c", true, 1},
		{"its start is gone", both, []string{items("b", "c", "d") + more}, "b c", true, 1},
		{"as many as are wanted, no more", both, []string{items("a", "b", "c")}, "b c", false, 1},
		{"one too many, no more", both, []string{items("b", "c", "d")}, "b c", true, 1},
		{"fewer", both, []string{items("a", "b")}, "b", false, 1},
		{"nothing but its start", both, []string{items("a") + more, items("b", "c") + more}, "b c", true, 2},
		{"nothing at all", both, []string{items() + more, items() + more, items()}, "", false, 3},
		{"one bound keeps all", store.Query{Partition: "p", After: "a", Limit: 2}, []string{items("b", "c") + more}, "b c", true, 1},
		{"turned round", store.Query{Partition: "p", After: "z", To: "a"}, []string{items("b")}, "", false, 0},
		{"turned round backward", store.Query{Partition: "p", After: "a", To: "z", Descending: true}, []string{items("b")}, "", false, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			var replies []reply
			for _, text := range test.replies {
				replies = append(replies, ok("{"+text+"}"))
			}
			f := scripted(replies...)
			page, err := on(t, f).Query(t.Context(), test.q)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range page.Items {
				got = append(got, i.Key().SK)
			}
			calls, bodies := f.Seen()
			if strings.Join(got, " ") != test.want || page.More != test.more || len(calls) != test.requests {
				t.Errorf("got %q, more %t, %d requests; want %q, %t, %d", got, page.More, len(calls), test.want, test.more, test.requests)
			}
			for _, body := range bodies[min(1, len(bodies)):] {
				if !cmp.Equal(fields(t, body)["ExclusiveStartKey"], any(fields(t, `{"pk":{"S":"p"},"sk":{"S":"x"}}`))) {
					t.Errorf("request does not go on: %s", body)
				}
			}
		})
	}
}

func TestWriteRequest(t *testing.T) {
	f := scripted(ok(`{}`))
	cond := store.And(store.Exists("a"), store.NotThere("b"), store.Equals("a", store.Int(1)), store.NotEquals("c", store.S("x")))
	op := store.Update(key, store.Item{"size": store.N("2"), "a": store.B(true)}, []string{"b"}, cond)
	if err := on(t, f).Write(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	want := `{"TableName":"segue","Key":{"pk":{"S":"p"},"sk":{"S":"s"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD",
		"UpdateExpression":"SET #0=:2,#3=:3 REMOVE #1",
		"ConditionExpression":"attribute_exists(#0) AND attribute_not_exists(#1) AND #0=:0 AND (attribute_not_exists(#2) OR #2<>:1)",
		"ExpressionAttributeNames":{"#0":"a","#1":"b","#2":"c","#3":"size"},
		"ExpressionAttributeValues":{":0":{"N":"1"},":1":{"S":"x"},":2":{"BOOL":true},":3":{"N":"2"}}}`
	_, bodies := f.Seen()
	if d := cmp.Diff(fields(t, want), fields(t, bodies[0])); d != "" {
		t.Errorf("request (-want +got):\n%s", d)
	}
}

func fields(t *testing.T, text string) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return m
}
