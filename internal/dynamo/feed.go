package dynamo

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
	"segue/internal/store"
)

// Feed polls the stream of a table where no Lambda reads it: on a laptop and in tests,
// with the emulator. It treats failures as an event source mapping does. It stores no
// position: every Consume starts at the oldest record that the stream still has.
type Feed struct {
	client   *dynamodbstreams.Client
	table    string
	interval time.Duration
	batch    int
	attempts int
	backoff  clock.Backoff
	clock    clock.Clock
	park     func(store.Change, error)
}

var _ store.Feed = (*Feed)(nil)

// FeedOption changes how a Feed behaves.
type FeedOption func(*Feed)

// PollEvery sets the pause after a poll that found nothing; default 200 ms.
func PollEvery(d time.Duration) FeedOption { return func(f *Feed) { f.interval = d } }

// Batches sets how many records a handler is given at most; default 100.
func Batches(size int) FeedOption { return func(f *Feed) { f.batch = min(max(size, 1), maxRecords) } }

// ParkAfter sets how often a record is tried (default 5), the pause after its
// first failure, which doubles from there (default 100 ms), and what becomes
// of it then (default: an error in the log). Nil leaves the default.
func ParkAfter(attempts int, pause time.Duration, park func(store.Change, error)) FeedOption {
	return func(f *Feed) {
		f.attempts, f.backoff = max(attempts, 1), doubling(pause)
		if park != nil {
			f.park = park
		}
	}
}

// doubling returns the backoff that starts with this pause and doubles ten times.
func doubling(pause time.Duration) clock.Backoff {
	return clock.Backoff{Base: pause, Most: pause << 10}
}

// maxRecords is what GetRecords returns at most.
const maxRecords = 1000

// NewFeed returns the Feed of the table's stream, by the table's name or the
// stream's ARN.
func NewFeed(client *dynamodbstreams.Client, tableOrARN string, opts ...FeedOption) *Feed {
	f := &Feed{client: client, table: tableOrARN, interval: 200 * time.Millisecond, batch: 100,
		attempts: 5, backoff: doubling(100 * time.Millisecond), clock: clock.System()}
	f.park = func(c store.Change, err error) {
		slog.Error("change set aside", "table", tableOrARN, "pk", c.Key.PK, "sk", c.Key.SK,
			"sequence", c.Sequence, "error", err)
	}
	for _, opt := range opts {
		opt(f)
	}
	return f
}

// Consume reads the shards in turn, each after its parent, in one goroutine. The
// consumer's name is used only in error texts.
func (f *Feed) Consume(ctx context.Context, consumer string, handle store.Handler) error {
	err := f.consume(ctx, handle)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // the contract: Consume ends with ctx, without an error
	}
	return fmt.Errorf("consume the changes of %s as %s: %w", f.table, consumer, err)
}

// consume never returns nil.
func (f *Feed) consume(ctx context.Context, handle store.Handler) error {
	arn, err := f.stream(ctx)
	if err != nil {
		return err
	}
	shards := map[string]*shard{}
	for {
		ready, err := f.ready(ctx, arn, shards)
		if err != nil {
			return err
		}
		busy := false
		for _, s := range ready {
			moved, err := f.advance(ctx, s, handle)
			if err != nil {
				return err
			}
			busy = busy || moved
		}
		if !busy {
			err = f.clock.Sleep(ctx, f.interval)
		}
		if err = errors.Join(err, ctx.Err()); err != nil {
			return err
		}
	}
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
			shards[id] = &shard{stream: arn, id: id, batch: f.batch}
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
