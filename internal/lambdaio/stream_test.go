package lambdaio_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"segue/internal/lambdaio"
	"segue/internal/store"
)

// streamJSON is a batch as the event source mapping sends it.
const streamJSON = `{"Records": [` + recordJSON1 + `,` + recordJSON2 + `,` + recordJSON3 + `]}`

const (
	recordJSON1 = `{
  "eventID": "c4ca4238a0b923820dcc509a6f75849b", "eventName": "INSERT", "eventVersion": "1.1",
  "eventSource": "aws:dynamodb", "awsRegion": "eu-central-1",
  "eventSourceARN": "arn:aws:dynamodb:eu-central-1:123456789012:table/segue/stream/2026-01-01T00:00:00.000",
  "dynamodb": {
    "ApproximateCreationDateTime": 1773119783, "SequenceNumber": "111", "SizeBytes": 26,
    "StreamViewType": "NEW_AND_OLD_IMAGES",
    "Keys": {"pk": {"S": "lead#1"}, "sk": {"S": "a"}},
    "NewImage": {"pk": {"S": "lead#1"}, "sk": {"S": "a"}}}}`
	recordJSON2 = `{"eventName": "MODIFY", "dynamodb": {"SequenceNumber": "222", "Keys": {"pk": {"S": "lead#1"}, "sk": {"S": "b"}}}}`
	recordJSON3 = `{"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "333", "Keys": {"pk": {"S": "lead#2"}, "sk": {"S": "c"}}}}`
)

// decodeStream is a decoder of the parts that matter here; the store's own
// decodes images too.
func decodeStream(payload json.RawMessage) ([]store.Change, error) {
	var e events.DynamoDBEvent
	if err := json.Unmarshal(payload, &e); err != nil {
		return nil, err
	}
	kinds := map[string]store.ChangeKind{"INSERT": store.Insert, "MODIFY": store.Modify, "REMOVE": store.Remove}
	var batch []store.Change
	for _, r := range e.Records {
		batch = append(batch, store.Change{
			Sequence: r.Change.SequenceNumber,
			Kind:     kinds[r.EventName],
			Key:      store.Key{PK: r.Change.Keys["pk"].String(), SK: r.Change.Keys["sk"].String()},
		})
	}
	return batch, nil
}

func TestStream(t *testing.T) {
	boom := errors.New("boom")
	tests := []struct {
		name string
		h    store.Handler
		want string // the answer as JSON, as the mapping reads it
		err  string // part of the error, "" for none
		log  []string
	}{
		{"all processed", func(context.Context, []store.Change) []store.Failure { return nil },
			`{"batchItemFailures":[]}`, "", nil},
		{"failures come in the order of the batch", func(context.Context, []store.Change) []store.Failure {
			return []store.Failure{{Index: 2, Err: boom}, {Index: 1, Err: errors.New("bang")}}
		}, `{"batchItemFailures":[{"itemIdentifier":"222"},{"itemIdentifier":"333"}]}`, "",
			[]string{"pk=lead#1 sk=b sequence=222 reason=bang", "pk=lead#2 sk=c sequence=333 reason=boom"}},
		{"one change failed twice", func(context.Context, []store.Change) []store.Failure {
			return []store.Failure{{Index: 0, Err: boom}, {Index: 0, Err: boom}}
		}, `{"batchItemFailures":[{"itemIdentifier":"111"}]}`, "", []string{"sequence=111", "sequence=111"}},
		{"panic fails everything", func(_ context.Context, _ []store.Change) []store.Failure { panic("lost it") },
			`{"batchItemFailures":[{"itemIdentifier":"111"},{"itemIdentifier":"222"},{"itemIdentifier":"333"}]}`, "",
			[]string{"lost it"}},
		{"failure outside of the batch", func(context.Context, []store.Change) []store.Failure {
			return []store.Failure{{Index: 3, Err: boom}}
		}, "", "change 3 of a batch of 3: boom", nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			logged := captureLog(t)
			data, err := lambdaio.Stream(decodeStream, tt.h).Invoke(context.Background(), []byte(streamJSON))
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) {
					t.Fatalf("error = %v, want one with %q", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.TrimSpace(string(data)); got != tt.want {
				t.Errorf("answer = %s, want %s", got, tt.want)
			}
			lines := strings.Split(strings.TrimSuffix(logged(), "\n"), "\n")
			if logged() == "" {
				lines = nil
			}
			if len(lines) != len(tt.log) {
				t.Fatalf("%d log lines, want %d:\n%s", len(lines), len(tt.log), logged())
			}
			for i, part := range tt.log {
				if !strings.Contains(lines[i], part) {
					t.Errorf("log line %d = %s, want one with %q", i, lines[i], part)
				}
			}
		})
	}
}

func TestStreamHandsOverTheBatch(t *testing.T) {
	var got []store.Change
	h := func(_ context.Context, batch []store.Change) []store.Failure { got = batch; return nil }
	if _, err := lambdaio.Stream(decodeStream, h).Invoke(context.Background(), []byte(streamJSON)); err != nil {
		t.Fatal(err)
	}
	want := []store.Change{
		{Sequence: "111", Kind: store.Insert, Key: store.Key{PK: "lead#1", SK: "a"}},
		{Sequence: "222", Kind: store.Modify, Key: store.Key{PK: "lead#1", SK: "b"}},
		{Sequence: "333", Kind: store.Remove, Key: store.Key{PK: "lead#2", SK: "c"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
}

func TestStreamOfAnotherShape(t *testing.T) {
	h := func(context.Context, []store.Change) []store.Failure {
		t.Error("handler called")
		return nil
	}
	_, err := lambdaio.Stream(decodeStream, h).Invoke(context.Background(), []byte(`{"Records": 1}`))
	var syntax *json.UnmarshalTypeError
	if !errors.As(err, &syntax) || !strings.Contains(err.Error(), "decode stream event") {
		t.Errorf("error = %v, want a wrapped decode error", err)
	}
}
