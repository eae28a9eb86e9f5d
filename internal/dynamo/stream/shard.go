package stream

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"segue/internal/dynamo"
	"segue/internal/store"
)

// shard is how far one Consume has come in one shard of the stream.
type shard struct {
	stream, id string
	iterator   *string // where to read on; nil before the first and after the last record
	last       string  // sequence number of the last record read
	closed     bool    // there will be no more records
	pending    []store.Change

	failed    int       // how often in a row the first pending record has failed
	notBefore time.Time // when it is delivered again
}

func (s *shard) done() bool { return s.closed && len(s.pending) == 0 }

// advance reads one page of s or hands one batch of it over. It reports whether
// there was anything to do.
func (c *consumption) advance(ctx context.Context, s *shard) (bool, error) {
	if len(s.pending) == 0 {
		if err := c.read(ctx, s); err != nil {
			return false, fmt.Errorf("read shard %s: %w", s.id, err)
		}
	}
	if len(s.pending) == 0 || c.clock.Now().Before(s.notBefore) {
		return false, nil
	}
	done, failure := store.Deliver(ctx, c.handle, s.pending[:min(c.batch, len(s.pending))])
	if done > 0 {
		s.pending, s.failed = s.pending[done:], 0
	}
	if failure == nil || ctx.Err() != nil { // an error because the consumer was told to stop isn't a failure
		return true, nil //nolint:nilerr // a failed change is not a failure of reading
	}
	s.failed++
	s.notBefore = c.clock.Now().Add(c.backoff.Longest(s.failed))
	slog.WarnContext(ctx, "a change failed and is delivered again", "consumer", c.consumer, "failed", s.failed, "reason", failure)
	return true, nil
}

// read reads the next page of records of s.
func (f *Feed) read(ctx context.Context, s *shard) error {
	if s.iterator == nil {
		in := &dynamodbstreams.GetShardIteratorInput{StreamArn: aws.String(s.stream), ShardId: aws.String(s.id),
			ShardIteratorType: types.ShardIteratorTypeTrimHorizon}
		if s.last != "" {
			in.ShardIteratorType, in.SequenceNumber = types.ShardIteratorTypeAfterSequenceNumber, aws.String(s.last)
		}
		out, err := f.client.GetShardIterator(ctx, in)
		if trimmed := new(types.TrimmedDataAccessException); errors.As(err, &trimmed) {
			s.last = "" // the stream has dropped it: go on with the oldest record
			return nil
		}
		if err != nil {
			return fmt.Errorf("get iterator: %w", err)
		}
		s.iterator = out.ShardIterator
	}
	out, err := f.client.GetRecords(ctx, &dynamodbstreams.GetRecordsInput{
		ShardIterator: s.iterator, Limit: aws.Int32(maxRecords)})
	var expired *types.ExpiredIteratorException
	var trimmed *types.TrimmedDataAccessException
	if errors.As(err, &expired) || errors.As(err, &trimmed) {
		s.iterator = nil
		return nil
	}
	if err != nil {
		return fmt.Errorf("get records: %w", err)
	}
	for _, r := range out.Records {
		c := streamRecord(r)
		s.pending, s.last = append(s.pending, c), c.Sequence
	}
	s.iterator, s.closed = out.NextShardIterator, out.NextShardIterator == nil
	return nil
}

func streamRecord(r types.Record) store.Change {
	d := r.Dynamodb
	if d == nil {
		d = &types.StreamRecord{}
	}
	c := dynamo.Record{Name: string(r.EventName), Sequence: aws.ToString(d.SequenceNumber),
		At: aws.ToTime(d.ApproximateCreationDateTime).UTC()}
	if d.Keys != nil {
		c.Keys = streamImage(d.Keys)
	}
	if d.NewImage != nil {
		c.New = streamImage(d.NewImage)
	}
	if d.OldImage != nil {
		c.Old = streamImage(d.OldImage)
	}
	return c.Change()
}

// streamImage is an image as the stream's API gives it, converted column by
// column.
type streamImage map[string]types.AttributeValue

// Values implements [store.Image].
func (i streamImage) Values(names *store.Names, into []store.Value) error {
	for n, attr := range names.List() {
		into[n] = store.Value{}
		a, ok := i[attr]
		if !ok {
			continue
		}
		var err error
		if into[n], err = fromStream(a); err != nil {
			return fmt.Errorf("attribute %s: %w", attr, err)
		}
	}
	return nil
}

// Item implements [store.Image].
func (i streamImage) Item() (store.Item, error) { return fromStreamMap(i) }

// fromStream is [dynamo.FromAttribute] for the stream's own types.
func fromStream(a types.AttributeValue) (store.Value, error) {
	plain, err := attributevalue.FromDynamoDBStreams(a)
	if err != nil {
		return store.Value{}, fmt.Errorf("stream value: %w", err)
	}
	return dynamo.FromAttribute(plain)
}

func fromStreamMap(m map[string]types.AttributeValue) (store.Item, error) {
	i := make(store.Item, len(m))
	for name, a := range m {
		v, err := fromStream(a)
		if err != nil {
			return nil, fmt.Errorf("attribute %s: %w", name, err)
		}
		i[name] = v
	}
	return i, nil
}
