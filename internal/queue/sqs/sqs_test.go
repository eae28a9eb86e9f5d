package sqs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	aws "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/google/uuid"

	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/queue"
	"segue/internal/queue/queuetest"
	"segue/internal/queue/sqs"
)

func TestContract(t *testing.T) {
	client := aws.NewFromConfig(dynamotest.Config(dynamotest.Endpoint(t)))
	queuetest.Run(t, func(t testing.TB) queuetest.Queue {
		name := "test-" + uuid.NewString()
		made, err := client.CreateQueue(t.Context(), &aws.CreateQueueInput{QueueName: &name})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx := context.WithoutCancel(t.Context())
			if _, err := client.DeleteQueue(ctx, &aws.DeleteQueueInput{QueueUrl: made.QueueUrl}); err != nil {
				t.Error(err)
			}
		})
		return remote{sqs.New(client, *made.QueueUrl, clock.System()), client, *made.QueueUrl}
	})
}

// remote takes messages from a queue as Lambda does.
type remote struct {
	*sqs.Queue
	client *aws.Client
	url    string
}

// Drain implements [queuetest.Queue].
func (r remote) Drain(ctx context.Context, handle queue.Handler) error {
	for {
		received, err := r.client.ReceiveMessage(ctx, &aws.ReceiveMessageInput{QueueUrl: &r.url, MaxNumberOfMessages: queue.MaxBatch, WaitTimeSeconds: 1})
		if err != nil {
			return err
		}
		if len(received.Messages) == 0 {
			if empty, err := r.empty(ctx); empty || err != nil {
				return err
			}
			continue
		}
		messages := make([]queue.Message, len(received.Messages))
		for i, m := range received.Messages {
			messages[i].Body = *m.Body
		}
		failures := handle(ctx, messages)
		for i, m := range received.Messages {
			if slices.ContainsFunc(failures, func(f queue.Failure) bool { return f.Index == i }) {
				_, err = r.client.ChangeMessageVisibility(ctx, &aws.ChangeMessageVisibilityInput{QueueUrl: &r.url, ReceiptHandle: m.ReceiptHandle})
			} else {
				_, err = r.client.DeleteMessage(ctx, &aws.DeleteMessageInput{QueueUrl: &r.url, ReceiptHandle: m.ReceiptHandle})
			}
			if err != nil {
				return err
			}
		}
	}
}

// empty reports whether the queue has no message left, delayed ones included.
func (r remote) empty(ctx context.Context) (bool, error) {
	got, err := r.client.GetQueueAttributes(ctx, &aws.GetQueueAttributesInput{QueueUrl: &r.url, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		return false, err
	}
	left := 0
	for _, name := range []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
		types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
	} {
		n, err := strconv.Atoi(got.Attributes[string(name)])
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
		left += n
	}
	return left == 0, nil
}

// accepts is an SQS that accepts some entries of a batch: it is given how often an
// entry has been seen, and refuses it while refuse says so. Before is called before a
// request is looked at.
func accepts(t *testing.T, refuse func(body string, seen int) bool, before ...func(context.Context)) (q *sqs.Queue, requests *[][]string) {
	t.Helper()
	requests = &[][]string{}
	seen := map[string]int{}
	var mu sync.Mutex // batches come at the same time
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request struct {
			Entries []struct {
				ID          string `json:"Id"`
				MessageBody string
			}
		}
		if err := json.NewDecoder(r.Body).Decode(&request); err != nil {
			t.Error(err)
		}
		for _, f := range before {
			f(r.Context())
		}
		mu.Lock()
		defer mu.Unlock()
		type entry map[string]any
		accepted, failed, bodies := []entry{}, []entry{}, []string{}
		for _, e := range request.Entries {
			seen[e.MessageBody]++
			bodies = append(bodies, e.MessageBody)
			if refuse(e.MessageBody, seen[e.MessageBody]) {
				failed = append(failed, entry{"Id": e.ID, "Code": "InternalError", "SenderFault": false})
				continue
			}
			accepted = append(accepted, entry{"Id": e.ID, "MessageId": uuid.NewString(), "MD5OfMessageBody": ""})
		}
		*requests = append(*requests, bodies)
		w.Header().Set("Content-Type", "application/x-amz-json-1.0")
		if err := json.NewEncoder(w).Encode(map[string]any{"Successful": accepted, "Failed": failed}); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(server.Close)
	client := aws.NewFromConfig(dynamotest.Config(server.URL), func(o *aws.Options) { o.DisableMessageChecksumValidation = true })
	return sqs.New(client, server.URL+"/1/jobs", clock.NewManual(time.Time{})), requests
}

// What SQS does not accept of a batch is sent again, and nothing else.
func TestPartOfABatchIsSentAgain(t *testing.T) {
	q, requests := accepts(t, func(body string, seen int) bool { return body == "b" && seen < 3 })
	if err := q.Send(t.Context(), 0, queue.Message{Body: "a"}, queue.Message{Body: "b"}, queue.Message{Body: "c"}); err != nil {
		t.Fatal(err)
	}
	want := [][]string{{"a", "b", "c"}, {"b"}, {"b"}}
	if !slices.EqualFunc(*requests, want, slices.Equal[[]string]) {
		t.Errorf("requests %q, want %q", *requests, want)
	}
}

// What is never accepted is reported after a bounded number of attempts.
func TestNeverAccepted(t *testing.T) {
	q, requests := accepts(t, func(body string, _ int) bool { return body == "b" })
	err := q.Send(t.Context(), 0, queue.Message{Body: "a"}, queue.Message{Body: "b"})
	if !errors.Is(err, queue.ErrUnavailable) || len(*requests) != 5 {
		t.Errorf("%v after %d requests, want %v after 5", err, len(*requests), queue.ErrUnavailable)
	}
}

// The batches of a large job do not wait for each other: what SQS takes for one must not
// add up.
func TestBatchesAreSentTogether(t *testing.T) {
	const together, batches = 8, 42
	var arrived sync.WaitGroup
	arrived.Add(together)
	first := make(chan struct{}, together)
	q, requests := accepts(t, func(string, int) bool { return false }, func(ctx context.Context) {
		select {
		case first <- struct{}{}: // is answered when all that may be on their way are
			arrived.Done()
			all := make(chan struct{})
			go func() { arrived.Wait(); close(all) }()
			select {
			case <-all:
			case <-ctx.Done(): // the sender has given up
			}
		default:
		}
	})
	messages := make([]queue.Message, 10*batches)
	for i := range messages {
		messages[i].Body = strconv.Itoa(i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := q.Send(ctx, 0, messages...); err != nil {
		t.Fatal(err)
	}
	var sent []string
	for _, bodies := range *requests {
		sent = append(sent, bodies...)
	}
	slices.Sort(sent)
	if sent = slices.Compact(sent); len(*requests) != batches || len(sent) != len(messages) {
		t.Errorf("%d messages in %d requests, want %d in %d", len(sent), len(*requests), len(messages), batches)
	}
}
