package sales_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/google/uuid"

	"segue/internal/dynamo"
	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/store"
)

// changeStore is a store whose change records can be handled until none is
// left, those that handling them adds included.
type changeStore interface {
	store.Store
	Drain(ctx context.Context, consumer string, handle store.Handler) error
}

// opener opens an empty store that is closed when the test ends.
type opener func(t testing.TB) changeStore

// onBoth runs a test on the embedded store and on DynamoDB.
func onBoth(t *testing.T, test func(t *testing.T, open opener)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		test(t, func(t testing.TB) changeStore { return openEmbedded(t, embed.NoSync()) })
	})
	t.Run("dynamodb", func(t *testing.T) {
		cfg := dynamoConfig(t)
		test(t, func(t testing.TB) changeStore { return openDynamo(t, cfg) })
	})
}

func openEmbedded(t testing.TB, options ...embed.Option) *embed.Store {
	t.Helper()
	store, err := embed.Open(filepath.Join(t.TempDir(), "segue.db"), rows.Indexes(), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return store
}

// dynamoConfig is the way to DynamoDB Local; without one the test is skipped.
func dynamoConfig(t testing.TB) aws.Config {
	t.Helper()
	endpoint := os.Getenv("SEGUE_DYNAMODB_ENDPOINT")
	if endpoint == "" {
		t.Skip("NOT RUN AGAINST DYNAMODB: run scripts/with-dynamodb.sh go test ./internal/sales")
	}
	return aws.Config{
		Region:       "us-east-1",
		Credentials:  credentials.NewStaticCredentialsProvider("segue", "segue", ""),
		BaseEndpoint: aws.String(endpoint),
	}
}

// dynamoStore is a table of its own in DynamoDB Local, and all that its stream
// has told so far.
type dynamoStore struct {
	*dynamo.Store
	client *dynamodb.Client
	name   string

	mu      sync.Mutex
	grown   *sync.Cond
	changes []store.Change // without those of the marker
	marks   int            // deletions of the marker in the stream so far
	failed  error          // why the stream is read no more
	drained map[string]int // changes that a consumer is done with
}

func openDynamo(t testing.TB, cfg aws.Config) *dynamoStore {
	t.Helper()
	name := "sales-" + uuid.NewString()
	client := dynamodb.NewFromConfig(cfg)
	s := &dynamoStore{
		Store:  dynamo.New(client, name, rows.Indexes(), dynamo.Retries(50, time.Millisecond)),
		client: client, name: name, drained: map[string]int{},
	}
	s.grown = sync.NewCond(&s.mu)
	if err := s.Create(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	feed := dynamo.NewFeed(dynamodbstreams.NewFromConfig(cfg), name, dynamo.PollEvery(2*time.Millisecond))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.end(feed.Consume(ctx, "tail", s.collect))
	}()
	t.Cleanup(func() {
		stop()
		<-ended
		if err := s.Delete(context.Background()); err != nil {
			t.Errorf("delete table: %v", err)
		}
	})
	return s
}

// scan reads every item of the table: the keys with DynamoDB's Scan, which the
// product does not use, and the items as the product reads them.
func (s *dynamoStore) scan(t testing.TB) map[store.Key]store.Item {
	t.Helper()
	var keys []store.Key
	pages := dynamodb.NewScanPaginator(s.client, &dynamodb.ScanInput{TableName: &s.name, ConsistentRead: aws.Bool(true)})
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			var key struct{ PK, SK string }
			if err := attributevalue.UnmarshalMap(item, &key); err != nil {
				t.Fatal(err)
			}
			keys = append(keys, store.Key(key))
		}
	}
	items := map[store.Key]store.Item{}
	for part := range slices.Chunk(keys, store.MaxGetKeys) {
		found, err := s.Get(t.Context(), part...)
		if err != nil {
			t.Fatal(err)
		}
		for i, k := range part {
			items[k] = found[i]
		}
	}
	return items
}

// marker is an item that is written and deleted to learn how far the stream has
// been read: a stream of DynamoDB Local is one shard, in the order of commits.
func marker() store.Item {
	return store.Item{store.PK: store.S("marker"), store.SK: store.S("marker")}
}

func (s *dynamoStore) collect(_ context.Context, batch []store.Change) []store.Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, change := range batch {
		switch {
		case change.Key != marker().Key():
			s.changes = append(s.changes, change)
		case change.Kind == store.Remove:
			s.marks++
		}
	}
	s.grown.Broadcast()
	return nil
}

func (s *dynamoStore) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = errors.Join(errors.New("the stream is read no more"), err)
	s.grown.Broadcast()
}

// Drain implements changeStore.
func (s *dynamoStore) Drain(ctx context.Context, consumer string, handle store.Handler) error {
	for {
		batch, err := s.next(ctx, consumer)
		if err != nil || len(batch) == 0 {
			return err
		}
		for tries := 5; len(batch) > 0; tries-- {
			failures := handle(ctx, batch)
			switch {
			case len(failures) == 0:
				batch = nil
			case tries == 1:
				return fmt.Errorf("consume %s: %w", consumer, failures[0].Err)
			default:
				batch = batch[failures[0].Index:]
			}
		}
	}
}

// next is up to 100 changes that the consumer has not seen, none only when
// there is none in the table's stream either.
func (s *dynamoStore) next(ctx context.Context, consumer string) ([]store.Change, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.drained[consumer] == len(s.changes) {
		mark := s.marks + 1
		s.mu.Unlock()
		err := errors.Join(s.Write(ctx, store.Put(marker(), store.Condition{})),
			s.Write(ctx, store.Delete(marker().Key(), store.Condition{})))
		s.mu.Lock()
		for err == nil && s.marks < mark {
			if err = s.failed; err == nil {
				s.grown.Wait()
			}
		}
		if err != nil {
			return nil, err
		}
	}
	from := s.drained[consumer]
	to := min(from+100, len(s.changes))
	s.drained[consumer] = to
	return append([]store.Change(nil), s.changes[from:to]...), nil
}
