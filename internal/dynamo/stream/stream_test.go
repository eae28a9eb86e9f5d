package stream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/go-cmp/cmp"

	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/dynamo/stream"
	"segue/internal/store"
)

// fakeShard is a shard whose records are numbered from one on.
type fakeShard struct {
	id, parent string
	records    int
	open       bool
}

// fake is a stream's API.
type fake struct{ *dynamotest.Fake }

// fakeOf is a stream of shards that gives two records a page.
func fakeOf(shards ...fakeShard) fake {
	return fake{&dynamotest.Fake{Answer: func(_ int, op, body string) dynamotest.Reply {
		in := map[string]any{}
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			return dynamotest.Fails("ValidationException", "")
		}
		switch op {
		case "ListStreams":
			return dynamotest.OK(`{"Streams":[{"StreamArn":"arn:new","StreamLabel":"2026-02-01"},{"StreamArn":"arn:old","StreamLabel":"2026-01-01"}]}`)
		case "DescribeStream":
			return describe(in, shards)
		case "GetShardIterator": // an iterator is the shard and the number of the last record read
			after, there := in["SequenceNumber"].(string)
			if !there {
				after = "0"
			}
			return dynamotest.OK(fmt.Sprintf(`{"ShardIterator":"%s %s"}`, in["ShardId"], after))
		case "GetRecords":
			return records(in["ShardIterator"].(string), shards)
		}
		return dynamotest.Fails("UnknownOperationException", "")
	}}}
}

// describe lists the shards, children first, a page for each.
func describe(in map[string]any, shards []fakeShard) dynamotest.Reply {
	if in["StreamArn"] != "arn:new" {
		return dynamotest.Fails("ResourceNotFoundException", "")
	}
	n := slices.IndexFunc(shards, func(s fakeShard) bool { return s.id == in["ExclusiveStartShardId"] }) + 1
	parent, last := "", ""
	if shards[n].parent != "" {
		parent = `,"ParentShardId":"` + shards[n].parent + `"`
	}
	if n+1 < len(shards) {
		last = `,"LastEvaluatedShardId":"` + shards[n].id + `"`
	}
	return dynamotest.OK(`{"StreamDescription":{"Shards":[{"ShardId":"` + shards[n].id + `"` + parent + `}]` + last + `}}`)
}

func records(iterator string, shards []fakeShard) dynamotest.Reply {
	id, after, _ := strings.Cut(iterator, " ")
	s := shards[slices.IndexFunc(shards, func(s fakeShard) bool { return s.id == id })]
	read, _ := strconv.Atoi(after)
	var page []string
	for ; read < s.records && len(page) < 2; read++ {
		page = append(page, fmt.Sprintf(`{"eventName":"INSERT","dynamodb":{"ApproximateCreationDateTime":1700000000,"SequenceNumber":"%d",
			"Keys":{"pk":{"S":"%s"},"sk":{"S":"%d"}},"NewImage":{"pk":{"S":"%s"},"sk":{"S":"%d"}}}}`, read+1, id, read+1, id, read+1))
	}
	next := fmt.Sprintf(`,"NextShardIterator":"%s %d"`, id, read)
	if read == s.records && !s.open {
		next = ""
	}
	return dynamotest.OK(`{"Records":[` + strings.Join(page, ",") + `]` + next + `}`)
}

// feed is a Feed on the fake that hardly waits.
func (f fake) feed(t *testing.T, opts ...stream.Option) *stream.Feed {
	t.Helper()
	opts = append([]stream.Option{stream.PollEvery(time.Microsecond), stream.Backoff(time.Microsecond)}, opts...)
	config := dynamotest.Config(f.Start(t).URL)
	config.Retryer = func() aws.Retryer { return aws.NopRetryer{} }
	return stream.New(dynamodbstreams.NewFromConfig(config), "segue", opts...)
}

// consume runs the feed until n changes have been processed and returns them in
// order.
func consume(t *testing.T, f fake, n int, handle func(id string) error, opts ...stream.Option) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var done []string
	err := f.feed(t, opts...).Consume(ctx, "test", func(_ context.Context, batch []store.Change) []store.Failure {
		for i, c := range batch {
			id := c.Key.PK + c.Key.SK
			if err := handle(id); err != nil {
				return []store.Failure{{Index: i, Err: err}}
			}
			if done = append(done, id); len(done) == n {
				cancel()
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// failing returns a handler for which some changes fail so many times.
func failing(times int, ids ...string) func(string) error {
	tries := map[string]int{}
	return func(id string) error {
		if tries[id]++; slices.Contains(ids, id) && tries[id] <= times {
			return errors.New("not yet")
		}
		return nil
	}
}

func TestFeed(t *testing.T) {
	for _, test := range []struct {
		name   string
		shards []fakeShard
		handle func(string) error
		want   []string
	}{
		{"pages of one shard", []fakeShard{{id: "a", records: 5, open: true}}, failing(0),
			[]string{"a1", "a2", "a3", "a4", "a5"}},
		{"a parent before its children", []fakeShard{{id: "b", parent: "a", records: 2, open: true}, {id: "a", parent: "gone", records: 3}}, failing(0),
			[]string{"a1", "a2", "a3", "b1", "b2"}},
		{"what fails comes again until it succeeds", []fakeShard{{id: "a", records: 4, open: true}}, failing(7, "a1", "a4"),
			[]string{"a1", "a2", "a3", "a4"}},
		{"a child waits for what its parent fails on", []fakeShard{{id: "b", parent: "a", records: 1, open: true}, {id: "a", records: 2}}, failing(7, "a2"),
			[]string{"a1", "a2", "b1"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := consume(t, fakeOf(test.shards...), len(test.want), test.handle)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

// A shard whose change fails for ten simulated minutes does not hold up the others,
// and its pauses grow up to ten seconds.
func TestFeedBackoff(t *testing.T) {
	began := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	now := clock.NewManual(began)
	tries := 0
	got := consume(t, fakeOf(fakeShard{id: "a", records: 1, open: true}, fakeShard{id: "b", records: 2, open: true}), 3, func(id string) error {
		if tries++; id == "a1" && now.Now().Sub(began) < 10*time.Minute {
			return errors.New("not yet")
		}
		return nil
	}, stream.Clock(now), stream.Backoff(100*time.Millisecond), stream.PollEvery(2*time.Second))
	if d := cmp.Diff([]string{"b1", "b2", "a1"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if tries > 80 {
		t.Errorf("%d deliveries in ten minutes", tries)
	}
}

// A stream that cannot be read for now is read again.
func TestFeedReadsAgain(t *testing.T) {
	for _, op := range []string{"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"} {
		t.Run(op, func(t *testing.T) {
			f := fakeOf(fakeShard{id: "a", records: 3, open: true})
			good, failed := f.Answer, 0
			f.Answer = func(n int, got, body string) dynamotest.Reply {
				if got == op && failed < 7 {
					failed++
					return dynamotest.Fails("ThrottlingException", "")
				}
				return good(n, got, body)
			}
			got := consume(t, f, 3, failing(0))
			if d := cmp.Diff([]string{"a1", "a2", "a3"}, got); d != "" || failed != 7 {
				t.Errorf("failed %d times; (-want +got):\n%s", failed, d)
			}
		})
	}
}

func TestFeedBatches(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var sizes []int
	feed := fakeOf(fakeShard{id: "a", records: 3, open: true}).feed(t, stream.Batches(1))
	err := feed.Consume(ctx, "test", func(_ context.Context, batch []store.Change) []store.Failure {
		if sizes = append(sizes, len(batch)); len(sizes) == 3 {
			cancel()
		}
		return nil
	})
	if d := cmp.Diff([]int{1, 1, 1}, sizes); d != "" || err != nil {
		t.Errorf("error %v, sizes (-want +got):\n%s", err, d)
	}
}

// An iterator that has expired or points at trimmed records is replaced by one
// after the last record read.
func TestFeedReplacesIterators(t *testing.T) {
	for _, code := range []string{"ExpiredIteratorException", "TrimmedDataAccessException"} {
		t.Run(code, func(t *testing.T) {
			f := fakeOf(fakeShard{id: "a", records: 5, open: true})
			good, reads := f.Answer, 0
			f.Answer = func(n int, op, body string) dynamotest.Reply {
				if op == "GetRecords" {
					if reads++; reads%2 == 0 {
						return dynamotest.Fails(code, "")
					}
				}
				return good(n, op, body)
			}
			got := consume(t, f, 5, func(string) error { return nil })
			if d := cmp.Diff([]string{"a1", "a2", "a3", "a4", "a5"}, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestFeedReadingFails(t *testing.T) {
	for _, op := range []string{"ListStreams", "DescribeStream", "GetShardIterator", "GetRecords"} {
		t.Run(op, func(t *testing.T) {
			f := fakeOf(fakeShard{id: "a", records: 5, open: true})
			good := f.Answer
			f.Answer = func(n int, got, body string) dynamotest.Reply {
				if got == op {
					return dynamotest.Fails("ResourceNotFoundException", "")
				}
				return good(n, got, body)
			}
			err := f.feed(t).Consume(t.Context(), "test", func(context.Context, []store.Change) []store.Failure { return nil })
			if err == nil || !strings.Contains(err.Error(), "as test") {
				t.Errorf("got %v, want an error that names the consumer", err)
			}
		})
	}
}

// A record without images must not read as one that changed nothing.
func TestFeedBrokenRecord(t *testing.T) {
	f := fakeOf(fakeShard{id: "a", records: 1, open: true})
	good := f.Answer
	f.Answer = func(n int, op, body string) dynamotest.Reply {
		r := good(n, op, body)
		r.Body = strings.Replace(r.Body, `"NewImage"`, `"Other"`, 1)
		return r
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := f.feed(t).Consume(ctx, "test", func(_ context.Context, batch []store.Change) []store.Failure {
		cancel()
		if _, err := batch[0].New.Item(); err == nil || !strings.Contains(err.Error(), "NEW_AND_OLD_IMAGES") {
			t.Errorf("image: got error %v, want one that says what the stream must carry", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
