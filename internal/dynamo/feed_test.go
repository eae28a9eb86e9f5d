package dynamo_test

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

	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/go-cmp/cmp"

	"segue/internal/dynamo"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/store"
)

// fakeShard is a shard whose records are numbered from one on.
type fakeShard struct {
	id, parent string
	records    int
	open       bool
}

// stream is a fake of the stream's API that gives two records a page.
func stream(shards ...fakeShard) *fake {
	return &fake{answer: func(_ int, op, body string) reply {
		in := map[string]any{}
		if err := json.Unmarshal([]byte(body), &in); err != nil {
			return fails("ValidationException", "")
		}
		switch op {
		case "ListStreams":
			return ok(`{"Streams":[{"StreamArn":"arn:new","StreamLabel":"2026-02-01"},{"StreamArn":"arn:old","StreamLabel":"2026-01-01"}]}`)
		case "DescribeStream":
			return describe(in, shards)
		case "GetShardIterator": // an iterator is the shard and the number of the last record read
			after, there := in["SequenceNumber"].(string)
			if !there {
				after = "0"
			}
			return ok(fmt.Sprintf(`{"ShardIterator":"%s %s"}`, in["ShardId"], after))
		case "GetRecords":
			return records(in["ShardIterator"].(string), shards)
		}
		return fails("UnknownOperationException", "")
	}}
}

// describe lists the shards, children first, a page for each.
func describe(in map[string]any, shards []fakeShard) reply {
	if in["StreamArn"] != "arn:new" {
		return fails("ResourceNotFoundException", "")
	}
	n := slices.IndexFunc(shards, func(s fakeShard) bool { return s.id == in["ExclusiveStartShardId"] }) + 1
	parent, last := "", ""
	if shards[n].parent != "" {
		parent = `,"ParentShardId":"` + shards[n].parent + `"`
	}
	if n+1 < len(shards) {
		last = `,"LastEvaluatedShardId":"` + shards[n].id + `"`
	}
	return ok(`{"StreamDescription":{"Shards":[{"ShardId":"` + shards[n].id + `"` + parent + `}]` + last + `}}`)
}

func records(iterator string, shards []fakeShard) reply {
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
	return ok(`{"Records":[` + strings.Join(page, ",") + `]` + next + `}`)
}

// feed is a Feed on the fake that hardly waits.
func (f *fake) feed(t *testing.T, park func(store.Change, error), opts ...dynamo.FeedOption) *dynamo.Feed {
	t.Helper()
	opts = append([]dynamo.FeedOption{dynamo.PollEvery(time.Microsecond), dynamo.ParkAfter(3, time.Microsecond, park)}, opts...)
	return dynamo.NewFeed(dynamodbstreams.NewFromConfig(dynamotest.Config(f.start(t).URL)), "segue", opts...)
}

// consume runs the feed until n changes have been processed or parked and
// returns what happened, in order: what was processed, and "parked" in front
// of what was not.
func consume(t *testing.T, f *fake, n int, handle func(id string) error, opts ...dynamo.FeedOption) []string {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var done []string
	finish := func(what string) {
		if done = append(done, what); len(done) == n {
			cancel()
		}
	}
	id := func(c store.Change) string { return c.Key.PK + c.Key.SK }
	feed := f.feed(t, func(c store.Change, err error) { finish("parked " + id(c) + ": " + err.Error()) }, opts...)
	err := feed.Consume(ctx, "test", func(_ context.Context, batch []store.Change) []store.Failure {
		for i, c := range batch {
			if err := handle(id(c)); err != nil {
				return []store.Failure{{Index: i, Err: err}}
			}
			finish(id(c))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestFeed(t *testing.T) {
	bad := func(ids ...string) func(string) error {
		return func(id string) error {
			if slices.Contains(ids, id) {
				return errors.New("bad")
			}
			return nil
		}
	}
	for _, test := range []struct {
		name   string
		shards []fakeShard
		handle func(string) error
		want   []string
	}{
		{"pages of one shard", []fakeShard{{id: "a", records: 5, open: true}}, bad(),
			[]string{"a1", "a2", "a3", "a4", "a5"}},
		{"a parent before its children", []fakeShard{{id: "b", parent: "a", records: 2, open: true}, {id: "a", parent: "gone", records: 3}}, bad(),
			[]string{"a1", "a2", "a3", "b1", "b2"}},
		{"what keeps failing is set aside", []fakeShard{{id: "a", records: 4, open: true}}, bad("a1", "a4"),
			[]string{"parked a1: bad", "a2", "a3", "parked a4: bad"}},
		{"a child waits for what its parent has failed on", []fakeShard{{id: "b", parent: "a", records: 1, open: true}, {id: "a", records: 2}}, bad("a2"),
			[]string{"a1", "parked a2: bad", "b1"}},
		{"a panic is the fault of one record", []fakeShard{{id: "a", records: 2, open: true}}, func(id string) error {
			if id == "a2" {
				panic("boom")
			}
			return nil
		}, []string{"a1", "a1", "parked a2: handler panicked: boom"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := consume(t, stream(test.shards...), len(test.want), test.handle)
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func TestFeedTriesAsOftenAsItSays(t *testing.T) {
	tries := map[string]int{}
	consume(t, stream(fakeShard{id: "a", records: 4, open: true}), 4, func(id string) error {
		if tries[id]++; id == "a2" && tries[id] < 3 || id == "a3" {
			return errors.New("bad")
		}
		return nil
	}, dynamo.Batches(10))
	if d := cmp.Diff(map[string]int{"a1": 1, "a2": 3, "a3": 3, "a4": 1}, tries); d != "" {
		t.Errorf("tries (-want +got):\n%s", d)
	}
}

func TestFeedBatches(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var sizes []int
	feed := stream(fakeShard{id: "a", records: 3, open: true}).feed(t, nil, dynamo.Batches(1))
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
			f := stream(fakeShard{id: "a", records: 5, open: true})
			good, reads := f.answer, 0
			f.answer = func(n int, op, body string) reply {
				if op == "GetRecords" {
					if reads++; reads%2 == 0 {
						return fails(code, "")
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
			f := stream(fakeShard{id: "a", records: 5, open: true})
			good := f.answer
			f.answer = func(n int, got, body string) reply {
				if got == op {
					return fails("ResourceNotFoundException", "")
				}
				return good(n, got, body)
			}
			err := f.feed(t, nil).Consume(t.Context(), "test", func(context.Context, []store.Change) []store.Failure { return nil })
			if err == nil || !strings.Contains(err.Error(), "as test") {
				t.Errorf("got %v, want an error that names the consumer", err)
			}
		})
	}
}

// A record without images must not read as one that changed nothing.
func TestFeedBrokenRecord(t *testing.T) {
	f := stream(fakeShard{id: "a", records: 1, open: true})
	good := f.answer
	f.answer = func(n int, op, body string) reply {
		r := good(n, op, body)
		r.body = strings.Replace(r.body, `"NewImage"`, `"Other"`, 1)
		return r
	}
	ctx, cancel := context.WithCancel(t.Context())
	err := f.feed(t, nil).Consume(ctx, "test", func(_ context.Context, batch []store.Change) []store.Failure {
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
