package lambdaio_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"segue/internal/lambdaio"
	"segue/internal/queue"
)

// sqsEvent is events/job.json, which has two messages.
func sqsEvent(t *testing.T) (event events.SQSEvent) {
	t.Helper()
	text, err := os.ReadFile("../../events/job.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func TestQueue(t *testing.T) {
	event := sqsEvent(t)
	first, second := event.Records[0].MessageId, event.Records[1].MessageId
	for _, test := range []struct {
		name   string
		handle queue.Handler
		failed []string
	}{
		{"nothing fails", func(context.Context, []queue.Message) []queue.Failure { return nil }, nil},
		{"one fails", func(context.Context, []queue.Message) []queue.Failure {
			return []queue.Failure{{Index: 1, Err: errors.New("the store is busy")}}
		}, []string{second}},
		{"the handler panics", func(context.Context, []queue.Message) []queue.Failure { panic("no such thing") }, []string{first, second}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var given []queue.Message
			response, err := lambdaio.Queue(func(ctx context.Context, messages []queue.Message) []queue.Failure {
				given = messages
				return test.handle(ctx, messages)
			})(t.Context(), event)
			if err != nil {
				t.Fatal(err)
			}
			want := []queue.Message{{Body: event.Records[0].Body}, {Body: event.Records[1].Body}}
			if d := cmp.Diff(want, given); d != "" {
				t.Errorf("messages (-want +got):\n%s", d)
			}
			var failed []string
			for _, f := range response.BatchItemFailures {
				failed = append(failed, f.ItemIdentifier)
			}
			if d := cmp.Diff(test.failed, failed); d != "" {
				t.Errorf("failures (-want +got):\n%s", d)
			}
			if text, _ := json.Marshal(response); len(test.failed) == 0 && string(text) != `{"batchItemFailures":[]}` {
				t.Errorf("the response is %s", text)
			}
		})
	}
}

// A handler that reports what it was not given has failed as a whole.
func TestQueueOfAConfusedHandler(t *testing.T) {
	_, err := lambdaio.Queue(func(context.Context, []queue.Message) []queue.Failure {
		return []queue.Failure{{Index: 2, Err: errors.New("odd")}}
	})(t.Context(), sqsEvent(t))
	if err == nil {
		t.Error("a failure of a third message of two is accepted")
	}
}
