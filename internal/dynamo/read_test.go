package dynamo_test

import (
	"encoding/json"
	"errors"
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
	items, err := f.store(t).Get(t.Context(), second, key)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Item{{store.PK: store.S("p"), store.SK: store.S("t")}, owned("me")}
	if d := cmp.Diff(want, items); d != "" {
		t.Errorf("items (-want +got):\n%s", d)
	}
	if calls, _ := f.seen(); len(calls) != 3 {
		t.Errorf("requests: got %v, want 3", calls)
	}
}

func TestGetGivesUpOnTheUnprocessed(t *testing.T) {
	f := scripted(ok(`{"Responses":{},"UnprocessedKeys":{"segue":{"Keys":[` + keyT + `]}}}`))
	if _, err := f.store(t).Get(t.Context(), key, second); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("got %v, want %v", err, store.ErrUnavailable)
	}
	if calls, _ := f.seen(); len(calls) != 4 {
		t.Errorf("requests: got %v, want 4", calls)
	}
}

func TestUnknownTypesAreErrors(t *testing.T) {
	f := scripted(ok(`{"Item":{"pk":{"S":"p"},"sk":{"S":"s"},"l":{"L":[{"XS":["a"]}]}}}`))
	if items, err := f.store(t).Get(t.Context(), key); err == nil {
		t.Errorf("got %v, want an error", items)
	}
}

// The requests as DynamoDB gets them, so that a change of cost or consistency
// shows.
func TestQueryRequest(t *testing.T) {
	index := store.Index{Name: "stage", PK: "gpk", SK: "gsk"}
	cursor := func(q store.Query, p store.Position) store.Query {
		q.Cursor = q.EncodeCursor(p)
		return q
	}
	for _, test := range []struct {
		name string
		q    store.Query
		want string
	}{
		{"whole partition", store.Query{Partition: "p"}, `{"TableName":"segue","ConsistentRead":true,"ScanIndexForward":true,
			"KeyConditionExpression":"#0=:0","ExpressionAttributeNames":{"#0":"pk"},"ExpressionAttributeValues":{":0":{"S":"p"}}}`},
		{"prefix, backward, limit", store.Query{Partition: "p", Prefix: "a", Descending: true, Limit: 5}, `{"TableName":"segue",
			"ConsistentRead":true,"ScanIndexForward":false,"Limit":5,"KeyConditionExpression":"#0=:0 AND begins_with(#1,:1)",
			"ExpressionAttributeNames":{"#0":"pk","#1":"sk"},"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"S":"a"}}}`},
		{"range of an index, second page", cursor(store.Query{Index: "stage", Partition: "p", From: "a", To: "b"},
			store.Position{Key: key, Sort: "aa"}), `{"TableName":"segue","IndexName":"stage","ScanIndexForward":true,
			"KeyConditionExpression":"#0=:0 AND #1 BETWEEN :1 AND :2","ExpressionAttributeNames":{"#0":"gpk","#1":"gsk"},
			"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"S":"a"},":2":{"S":"b"}},
			"ExclusiveStartKey":{"pk":{"S":"p"},"sk":{"S":"s"},"gpk":{"S":"p"},"gsk":{"S":"aa"}}}`},
		{"from", store.Query{Partition: "p", From: "a"}, `{"TableName":"segue","ConsistentRead":true,"ScanIndexForward":true,
			"KeyConditionExpression":"#0=:0 AND #1>=:1","ExpressionAttributeNames":{"#0":"pk","#1":"sk"},
			"ExpressionAttributeValues":{":0":{"S":"p"},":1":{"S":"a"}}}`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := scripted(ok(`{"Items":[],"Count":0}`))
			if _, err := f.store(t, index).Query(t.Context(), test.q); err != nil {
				t.Fatal(err)
			}
			_, bodies := f.seen()
			if d := cmp.Diff(fields(t, test.want), fields(t, bodies[0])); d != "" {
				t.Errorf("request (-want +got):\n%s", d)
			}
		})
	}
}

func TestWriteRequest(t *testing.T) {
	f := scripted(ok(`{}`))
	cond := store.And(store.Exists("a"), store.NotThere("b"), store.Equals("a", store.Int(1)), store.NotEquals("c", store.S("x")))
	op := store.Update(key, store.Item{"size": store.N("2"), "a": store.B(true)}, []string{"b"}, cond)
	if err := f.store(t).Write(t.Context(), op); err != nil {
		t.Fatal(err)
	}
	want := `{"TableName":"segue","Key":{"pk":{"S":"p"},"sk":{"S":"s"}},"ReturnValuesOnConditionCheckFailure":"ALL_OLD",
		"UpdateExpression":"SET #0=:2,#3=:3 REMOVE #1",
		"ConditionExpression":"attribute_exists(#0) AND attribute_not_exists(#1) AND #0=:0 AND (attribute_not_exists(#2) OR #2<>:1)",
		"ExpressionAttributeNames":{"#0":"a","#1":"b","#2":"c","#3":"size"},
		"ExpressionAttributeValues":{":0":{"N":"1"},":1":{"S":"x"},":2":{"BOOL":true},":3":{"N":"2"}}}`
	_, bodies := f.seen()
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
