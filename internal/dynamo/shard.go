package dynamo

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams/types"

	"segue/internal/store"
)

// shard is how far one Consume has come in one shard of the stream.
type shard struct {
	stream, id string
	iterator   *string // where to read on; nil before the first and after the last record
	last       string  // sequence number of the last record read
	closed     bool    // there will be no more records
	pending    []store.Change

	batch     int       // how many records the handler gets next
	failed    int       // how often the first pending record has failed
	notBefore time.Time // when the next try may begin
}

func (s *shard) done() bool { return s.closed && len(s.pending) == 0 }

// advance reads one page of s or hands one batch of it to handle. It reports
// whether there was anything to do.
func (f *Feed) advance(ctx context.Context, s *shard, handle store.Handler) (bool, error) {
	if len(s.pending) == 0 {
		if err := f.read(ctx, s); err != nil {
			return false, fmt.Errorf("read shard %s: %w", s.id, err)
		}
	}
	if len(s.pending) == 0 || f.clock.Now().Before(s.notBefore) {
		return false, nil
	}
	batch := s.pending[:min(s.batch, len(s.pending))]
	first, panicked, err := try(ctx, handle, batch)
	switch {
	case ctx.Err() != nil: // the batch will be delivered again
	case panicked && len(batch) > 1: // halves will tell which record it was
		s.batch = len(batch) / 2
	case err != nil:
		f.fail(s, first, err)
	default:
		s.pending, s.batch, s.failed = s.pending[len(batch):], f.batch, 0
	}
	return true, nil //nolint:nilerr // a failed record is not a failure of reading
}

// fail moves s to its lowest failed record, to try it again later, or past it if that
// was the last try.
func (f *Feed) fail(s *shard, lowest int, err error) {
	if lowest > 0 {
		s.failed = 0
	}
	s.pending = s.pending[lowest:]
	s.failed++
	if s.failed < f.attempts {
		s.notBefore = f.clock.Now().Add(f.backoff.Longest(s.failed))
		return
	}
	f.park(s.pending[0], err)
	s.pending, s.batch, s.failed = s.pending[1:], f.batch, 0
}

// try runs the handler and returns its lowest failure, if any. A panic is a failure of
// the whole batch, as it is in Lambda.
func try(ctx context.Context, handle store.Handler, batch []store.Change) (lowest int, panicked bool, err error) {
	defer func() {
		if p := recover(); p != nil {
			lowest, panicked, err = 0, true, fmt.Errorf("handler panicked: %v", p)
		}
	}()
	failures := handle(ctx, slices.Clone(batch))
	if len(failures) == 0 {
		return 0, false, nil
	}
	f := slices.MinFunc(failures, func(a, b store.Failure) int { return a.Index - b.Index })
	if f.Index < 0 || f.Index >= len(batch) {
		return 0, false, fmt.Errorf("handler reports record %d of %d: %w", f.Index, len(batch), f.Err)
	}
	if f.Err == nil {
		f.Err = errors.New("handler gives no reason")
	}
	return f.Index, false, f.Err
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
	c := record{name: string(r.EventName), sequence: aws.ToString(d.SequenceNumber),
		at: aws.ToTime(d.ApproximateCreationDateTime).UTC()}
	if d.Keys != nil {
		c.keys = streamImage(d.Keys)
	}
	if d.NewImage != nil {
		c.new = streamImage(d.NewImage)
	}
	if d.OldImage != nil {
		c.old = streamImage(d.OldImage)
	}
	return c.change()
}

// streamImage is an image as the stream's API gives it, converted column by
// column.
type streamImage map[string]types.AttributeValue

// Values implements [store.Image].
func (i streamImage) Values(attrs []string, into []store.Value) error {
	for n, attr := range attrs {
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

// fromStream is fromAttribute for the stream's own types.
func fromStream(a types.AttributeValue) (store.Value, error) {
	plain, err := attributevalue.FromDynamoDBStreams(a)
	if err != nil {
		return store.Value{}, fmt.Errorf("stream value: %w", err)
	}
	return fromAttribute(plain)
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
