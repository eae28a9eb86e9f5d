// Package dynamo implements the store contract (internal/store) on one Amazon
// DynamoDB table: reads and conditional writes on the table, change records
// from the events of its stream; package stream reads them without Lambda. Nothing above it knows DynamoDB.
//
//	table         pk (S, hash)   sk (S, range)   any attributes; on demand; stream with both images
//	index (each)  Index.PK       Index.SK        keys only; sparse
//
// The mapping is one to one: a Get or Query is one request (more only where DynamoDB
// returned a part), and so is a Write, a plain one for a single operation and a
// transaction for several.
//
// Size: an item comes from the SDK or as the JSON of an event, and must be the same
// values either way; the decoder of events stands beside what it is compared with.
//
// Invariant: a request that fails for a transient reason is retried here and nowhere
// else, within bounds, as the very same request; if it still fails, the error is
// [store.ErrUnavailable]. See attempts for what a lost response can lead to.
package dynamo

import (
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"segue/internal/clock"
	"segue/internal/store"
)

// Store is a DynamoDB table. It holds no state but its configuration, so any
// number of Stores may share a table.
type Store struct {
	client  *dynamodb.Client
	name    string
	indexes []store.Index
	policy  policy
	retryer counted // the policy as the SDK runs it
}

var _ store.Store = (*Store)(nil)

// Option changes how a Store behaves.
type Option func(*Store)

// Retries bounds the attempts at one request (default 8) and sets the mean
// wait before the second, which doubles from there to one second (default
// 12.5 ms: all waits of a request together are about 1.3 s).
func Retries(attempts int, firstWait time.Duration) Option {
	return func(s *Store) { s.policy.attempts, s.policy.backoff.Base = max(attempts, 1), 2*max(firstWait, 0) }
}

// Clock waits between the attempts; the machine's by default.
func Clock(c clock.Clock) Option { return func(s *Store) { s.policy.clock = c } }

// New returns the Store of a table. indexes are those that the table was made with.
// The client's own retryer is not used.
func New(client *dynamodb.Client, name string, indexes []store.Index, opts ...Option) *Store {
	s := &Store{name: name, indexes: indexes, policy: policy{
		attempts: 8, backoff: clock.Backoff{Base: 25 * time.Millisecond, Most: maxWait}, clock: clock.System(),
	}}
	for _, opt := range opts {
		opt(s)
	}
	s.retryer = s.policy.retryer()
	s.client = dynamodb.New(client.Options(), func(o *dynamodb.Options) {
		o.RetryMaxAttempts = 0
		o.Retryer = s.retryer
	})
	return s
}

// tableName returns the name as the SDK takes it.
func (s *Store) tableName() *string { return aws.String(s.name) }
