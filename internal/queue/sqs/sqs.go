// Package sqs is the queue on AWS: [queue.Sender] on a standard queue of SQS,
// whose messages Lambda's event source mapping takes and hands to a function.
//
// A batch of SQS may be accepted in part; what was not is sent again, with a
// pause, and a bound. A message that was sent twice does no harm.
//
// Invariant: Send returns nil only when SQS has accepted every message.
package sqs

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"golang.org/x/sync/errgroup"

	"segue/internal/clock"
	"segue/internal/queue"
)

// attempts is how often a batch is sent that SQS accepts in part only. Requests
// that fail as a whole are repeated by the SDK.
const attempts = 5

// atOnce is how many batches are on their way at the same time. One after the other, the
// 42 batches of a job that counts all tables are late where one takes a quarter of a
// second, as on a service that is busy: whoever sends them waits for ten seconds at most.
const atOnce = 8

// Queue is a queue of SQS. It is safe for concurrent use.
type Queue struct {
	client *sqs.Client
	url    string
	clock  clock.Clock
}

var _ queue.Sender = (*Queue)(nil)

// New returns the queue at a URL. c waits between two attempts.
func New(client *sqs.Client, url string, c clock.Clock) *Queue {
	return &Queue{client: client, url: url, clock: c}
}

// Open returns the queue at a URL, with a client of its own.
func Open(config aws.Config, url string, c clock.Clock) queue.Sender {
	return New(sqs.NewFromConfig(config), url, c)
}

// Send implements [queue.Sender]. The delay is rounded up to whole seconds.
func (q *Queue) Send(ctx context.Context, delay time.Duration, messages ...queue.Message) error {
	seconds := int32((min(delay, queue.MaxDelay) + time.Second - 1) / time.Second)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for start := 0; start < len(messages); start += queue.MaxBatch {
		part := messages[start:min(start+queue.MaxBatch, len(messages))]
		entries := make([]types.SendMessageBatchRequestEntry, len(part))
		for i, m := range part {
			id := strconv.Itoa(i)
			entries[i] = types.SendMessageBatchRequestEntry{Id: &id, MessageBody: &m.Body, DelaySeconds: seconds}
		}
		group.Go(func() error {
			if err := q.sendBatch(ctx, entries); err != nil {
				return fmt.Errorf("send messages %d to %d of %d: %w", start+1, start+len(part), len(messages), err)
			}
			return nil
		})
	}
	return group.Wait()
}

// sendBatch sends entries until all of them are accepted.
func (q *Queue) sendBatch(ctx context.Context, entries []types.SendMessageBatchRequestEntry) error {
	pause := clock.Backoff{Base: 50 * time.Millisecond, Most: time.Second}
	for attempt := 1; ; attempt++ {
		response, err := q.client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &q.url, Entries: entries})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
		}
		if len(response.Failed) == 0 {
			return nil
		}
		if attempt == attempts {
			return fmt.Errorf("%w: %d messages were not accepted: %w", queue.ErrUnavailable, len(response.Failed), reasonOf(response.Failed[0]))
		}
		entries = refused(entries, response.Failed)
		if err := q.clock.Sleep(ctx, pause.Delay(attempt)); err != nil {
			return err
		}
	}
}

// refused returns the entries that were not accepted.
func refused(entries []types.SendMessageBatchRequestEntry, failed []types.BatchResultErrorEntry) []types.SendMessageBatchRequestEntry {
	ids := map[string]bool{}
	for _, f := range failed {
		ids[*f.Id] = true
	}
	var again []types.SendMessageBatchRequestEntry
	for _, e := range entries {
		if ids[*e.Id] {
			again = append(again, e)
		}
	}
	return again
}

func reasonOf(failed types.BatchResultErrorEntry) error {
	text := ""
	if failed.Code != nil {
		text = *failed.Code
	}
	if failed.Message != nil {
		text += " " + *failed.Message
	}
	return errors.New(text)
}
