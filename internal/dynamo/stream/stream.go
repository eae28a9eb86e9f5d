// Package stream reads the change records of a DynamoDB table where no Lambda does: on a
// laptop and in tests, with the emulator. It is apart from package dynamo because every
// function links that one, and none reads a stream.
//
// Invariant: the changes of a shard are handed over in order, and a child of a shard
// waits for all that its parent had.
package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"segue/internal/clock"
	"segue/internal/dynamo"
	"segue/internal/store"
)

// Feed polls the stream of a table. It treats failures as an event source mapping does
// that tries for ever. It stores no position: every Consume starts at the oldest record
// that the stream still has.
type Feed struct {
	client   *dynamodbstreams.Client
	table    string
	interval time.Duration
	batch    int
	backoff  clock.Backoff // between the deliveries of a change that fails, and the tries to read
	clock    clock.Clock
}

var _ store.Feed = (*Feed)(nil)

// Option changes how a Feed behaves.
type Option func(*Feed)

// PollEvery sets the pause after a poll that found nothing; default 200 ms.
func PollEvery(d time.Duration) Option { return func(f *Feed) { f.interval = d } }

// Clock tells the time and waits between polls; the machine's by default.
func Clock(c clock.Clock) Option { return func(f *Feed) { f.clock = c } }

// Batches sets how many records a handler is given at most; default 100.
func Batches(size int) Option { return func(f *Feed) { f.batch = min(max(size, 1), maxRecords) } }

// Backoff sets the first pause before a failed change is delivered again, which
// doubles with each failure up to 10 s; default 100 ms.
func Backoff(d time.Duration) Option { return func(f *Feed) { f.backoff.Base = d } }

// maxRecords is what GetRecords returns at most.
const maxRecords = 1000

// New returns the Feed of the table's stream, by the table's name or the
// stream's ARN.
func New(client *dynamodbstreams.Client, tableOrARN string, opts ...Option) *Feed {
	f := &Feed{client: client, table: tableOrARN, interval: 200 * time.Millisecond, batch: 100,
		backoff: clock.Backoff{Base: 100 * time.Millisecond, Most: 10 * time.Second}, clock: clock.System()}
	for _, opt := range opts {
		opt(f)
	}
	return f
}

// Consume reads the shards in turn, each after its parent, in one goroutine. While
// the stream cannot be read for now, it waits. The consumer's name is used only in
// the log and in error texts.
func (f *Feed) Consume(ctx context.Context, consumer string, handle store.Handler) error {
	err := f.consume(ctx, consumer, handle)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the contract: Consume ends with ctx, without an error
	}
	return fmt.Errorf("consume the changes of %s as %s: %w", f.table, consumer, err)
}

// consume never returns nil.
func (f *Feed) consume(ctx context.Context, consumer string, handle store.Handler) error {
	c := &consumption{Feed: f, consumer: consumer, handle: handle, shards: map[string]*shard{}}
	for failed := 0; ; {
		busy, err := c.round(ctx)
		pause := f.interval
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !dynamo.Transient(err):
			return err
		case err != nil:
			failed++
			pause = f.backoff.Longest(failed)
			slog.WarnContext(ctx, "the stream cannot be read and is read again", "consumer", consumer, "failed", failed, "reason", err)
		case busy:
			failed, pause = 0, 0
		default:
			failed = 0
		}
		if err := f.clock.Sleep(ctx, pause); err != nil {
			return err
		}
	}
}

// consumption is one running Consume.
type consumption struct {
	*Feed
	consumer string
	handle   store.Handler

	arn    string // of the stream, once it is known
	shards map[string]*shard
}

// round lets each shard that can be read advance once. It reports whether one had
// anything to do.
func (c *consumption) round(ctx context.Context) (busy bool, err error) {
	if c.arn == "" {
		if c.arn, err = c.stream(ctx); err != nil {
			return false, err
		}
	}
	ready, err := c.ready(ctx, c.arn, c.shards)
	if err != nil {
		return false, err
	}
	for _, s := range ready {
		moved, err := c.advance(ctx, s)
		if err != nil {
			return busy, err
		}
		busy = busy || moved
	}
	return busy, nil
}

// stream returns the ARN of the table's newest stream.
func (f *Feed) stream(ctx context.Context) (string, error) {
	if strings.HasPrefix(f.table, "arn:") {
		return f.table, nil
	}
	var arn, label string
	in := &dynamodbstreams.ListStreamsInput{TableName: aws.String(f.table)}
	for {
		out, err := f.client.ListStreams(ctx, in)
		if err != nil {
			return "", fmt.Errorf("list streams: %w", err)
		}
		for _, s := range out.Streams { // labels are times, so the largest is the newest
			if l := aws.ToString(s.StreamLabel); l >= label {
				arn, label = aws.ToString(s.StreamArn), l
			}
		}
		if in.ExclusiveStartStreamArn = out.LastEvaluatedStreamArn; in.ExclusiveStartStreamArn == nil {
			break
		}
	}
	if arn == "" {
		return "", errors.New("the table has no stream")
	}
	return arn, nil
}

// ready updates shards and returns those to read now: those that are not done and
// whose parent, if it has one, is done. A parent that the stream no longer lists is
// done.
func (f *Feed) ready(ctx context.Context, arn string, shards map[string]*shard) ([]*shard, error) {
	var listed []types.Shard
	in := &dynamodbstreams.DescribeStreamInput{StreamArn: aws.String(arn)}
	for {
		out, err := f.client.DescribeStream(ctx, in)
		if err != nil {
			return nil, fmt.Errorf("describe stream: %w", err)
		}
		listed = append(listed, out.StreamDescription.Shards...)
		if in.ExclusiveStartShardId = out.StreamDescription.LastEvaluatedShardId; in.ExclusiveStartShardId == nil {
			break
		}
	}
	known := map[string]bool{}
	for _, l := range listed {
		id := aws.ToString(l.ShardId)
		known[id] = true
		if shards[id] == nil {
			shards[id] = &shard{stream: arn, id: id}
		}
	}
	var ready []*shard
	for _, l := range listed {
		s, parent := shards[aws.ToString(l.ShardId)], aws.ToString(l.ParentShardId)
		if !s.done() && (!known[parent] || shards[parent].done()) {
			ready = append(ready, s)
		}
	}
	return ready, nil
}
