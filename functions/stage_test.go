package functions_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/rows"
	"segue/internal/schema/schematest"
)

// stage is the functions on a table and a queue of their own. It calls them as the
// stream, the queue and the schedule do.
type stage struct {
	*testing.T
	bin, endpoint, table string
	db                   *rows.DB // past the functions
	used                 map[string]*uses
	running              map[string]*function
	queue                *string // its URL
	client               *sqs.Client
	shards               map[string]string // where the stream is read on, by shard
}

const trackKey = "key.0123456789abcdef0123456789abcdef"

func newStage(t *testing.T, bin string, used map[string]*uses) *stage {
	t.Helper()
	tables := schematest.Tables(t)
	table := dynamotest.Open(t, rows.Indexes())
	s := &stage{
		T: t, bin: bin, endpoint: dynamotest.Endpoint(t), table: table.Name, used: used, running: map[string]*function{},
		db: rows.New(table, tables, clock.System()), client: sqs.NewFromConfig(dynamotest.Config(dynamotest.Endpoint(t))),
	}
	made, err := s.client.CreateQueue(t.Context(), &sqs.CreateQueueInput{
		QueueName: &table.Name, Attributes: map[string]string{"VisibilityTimeout": "5"}, // seconds
	})
	if err != nil {
		t.Fatal(err)
	}
	s.queue = made.QueueUrl
	return s
}

// function is a running function.
func (s *stage) function(name string) *function {
	s.Helper()
	if s.running[name] == nil {
		at := newRecorder(s.T, s.endpoint, s.table, s.used[name])
		// A limit of 149 requests has each of them counted in the store, where connect writes
		// by an update for nothing else. The others are asked for more.
		limits := "6000,1200,52"
		if name == "connect" {
			limits = "149,1200,52"
		}
		s.running[name] = start(s.T, s.bin, name, "SEGUE_TABLE="+s.table, "SEGUE_JOB_QUEUE="+*s.queue, "SEGUE_BACKFILL_QUEUE="+*s.queue, "AWS_ENDPOINT_URL="+at, "SEGUE_SERVICE_LIMITS="+limits,
			"SEGUE_MAIL_FROM=Sales <sales@"+s.table+".test>", "SEGUE_PUBLIC_URL=http://segue.test", "SEGUE_TRACK_KEY="+trackKey)
	}
	return s.running[name]
}

// load upserts events/fixture.json.
func (s *stage) load() {
	s.Helper()
	var fixture []struct {
		Set, ID string
		Body    json.RawMessage
	}
	if err := json.Unmarshal(read(s.T, "fixture.json"), &fixture); err != nil {
		s.Fatal(err)
	}
	for _, row := range fixture {
		s.as(manager, "PATCH ~/"+row.Set+"("+row.ID+")", string(row.Body))
	}
}

// invoke calls a function that reports what it could not do, which is nothing.
func (s *stage) invoke(name string, event any) {
	s.Helper()
	payload, err := json.Marshal(event)
	if err != nil {
		s.Fatal(err)
	}
	if got := s.function(name).invoke(s.T, payload); got.failed || bytes.Contains(got.body, []byte("itemIdentifier")) {
		s.Fatalf("%s: %s", name, got.body)
	}
}

// advance calls the function as the schedule does.
func (s *stage) advance() {
	s.Helper()
	s.invoke("advance", json.RawMessage(read(s.T, "advance.json")))
}

// follow calls evaluate for the change records of the table until there are no more.
func (s *stage) follow() {
	s.Helper()
	s.drain(func(records []json.RawMessage) { s.invoke("evaluate", map[string]any{"Records": records}) })
}

// skip passes over the change records that there are, so that no function follows them.
func (s *stage) skip() {
	s.Helper()
	s.drain(func([]json.RawMessage) {})
}

// drain hands over batches until there are none.
func (s *stage) drain(take func(records []json.RawMessage)) {
	s.Helper()
	for n := 1; n > 0; {
		n = s.batches(take)
	}
}

// batches hands over what each shard of the stream has, and returns the number of records.
// The service answers with them in the form in which Lambda hands them over.
func (s *stage) batches(take func(records []json.RawMessage)) (n int) {
	s.Helper()
	if s.shards == nil {
		s.shards = map[string]string{}
		var streams struct{ Streams []struct{ StreamArn string } }
		s.ask("ListStreams", map[string]any{"TableName": s.table}, &streams)
		arn := streams.Streams[0].StreamArn
		var described struct {
			StreamDescription struct {
				Shards []struct {
					ID string `json:"ShardId"`
				}
			}
		}
		s.ask("DescribeStream", map[string]any{"StreamArn": arn}, &described)
		for _, shard := range described.StreamDescription.Shards {
			var begin struct{ ShardIterator string }
			s.ask("GetShardIterator", map[string]any{"StreamArn": arn, "ShardId": shard.ID, "ShardIteratorType": "TRIM_HORIZON"}, &begin)
			s.shards[shard.ID] = begin.ShardIterator
		}
	}
	for shard, iterator := range s.shards {
		var page struct {
			Records           []json.RawMessage
			NextShardIterator string
		}
		s.ask("GetRecords", map[string]any{"ShardIterator": iterator, "Limit": 100}, &page)
		s.shards[shard] = page.NextShardIterator
		if len(page.Records) > 0 {
			take(page.Records)
		}
		n += len(page.Records)
	}
	return n
}

// ask makes a request for the stream.
func (s *stage) ask(action string, in, out any) {
	s.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		s.Fatal(err)
	}
	r, err := http.NewRequestWithContext(s.Context(), http.MethodPost, s.endpoint, bytes.NewReader(body))
	if err != nil {
		s.Fatal(err)
	}
	r.Header.Set("X-Amz-Target", "DynamoDBStreams_20120810."+action)
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=segue/20260102/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		s.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK || json.Unmarshal(text, out) != nil {
		s.Fatalf("%s: %v %s %s", action, err, answer.Status, text)
	}
}

// settle follows changes and works on tasks until nothing is left to do.
func (s *stage) settle() {
	s.Helper()
	for {
		s.follow()
		messages := s.receive()
		switch {
		case len(messages) > 0:
			s.handOver(messages)
		case s.empty():
			return
		default:
			time.Sleep(50 * time.Millisecond)
		}
	}
}

// receive takes messages from the queue.
func (s *stage) receive() []types.Message {
	s.Helper()
	out, err := s.client.ReceiveMessage(s.Context(), &sqs.ReceiveMessageInput{QueueUrl: s.queue, MaxNumberOfMessages: 10})
	if err != nil {
		s.Fatal(err)
	}
	return out.Messages
}

// empty reports whether the queue has no messages: none that are delayed, and none whose
// receipt was lost on the way here, which the queue hands out again.
func (s *stage) empty() bool {
	s.Helper()
	out, err := s.client.GetQueueAttributes(s.Context(), &sqs.GetQueueAttributesInput{QueueUrl: s.queue, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameAll}})
	if err != nil {
		s.Fatal(err)
	}
	for _, kind := range []string{"", "Delayed", "NotVisible"} {
		if out.Attributes["ApproximateNumberOfMessages"+kind] != "0" {
			return false
		}
	}
	return true
}

// handOver calls job for messages, and deletes them.
func (s *stage) handOver(messages []types.Message) {
	s.Helper()
	var event events.SQSEvent
	for _, m := range messages {
		event.Records = append(event.Records, events.SQSMessage{MessageId: *m.MessageId, Body: *m.Body, EventSource: "aws:sqs"})
	}
	s.invoke("job", event)
	for _, m := range messages {
		if _, err := s.client.DeleteMessage(s.Context(), &sqs.DeleteMessageInput{QueueUrl: s.queue, ReceiptHandle: m.ReceiptHandle}); err != nil {
			s.Fatal(err)
		}
	}
}
