package salestest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"segue/internal/dynamo/dynamotest"
	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/store"
)

// ChangeStore is a store whose change records can be handled until none is
// left, those that handling them adds included.
type ChangeStore interface {
	store.Store
	Drain(ctx context.Context, consumer string, handle store.Handler) error
}

// Place is where a test runs.
type Place struct {
	Open   func(t testing.TB) ChangeStore // opens an empty store that is closed when the test ends
	Remote bool                           // each call is a request: take smaller numbers
}

// OnBoth runs a test on the embedded store and on DynamoDB.
func OnBoth(t *testing.T, test func(t *testing.T, place Place)) {
	t.Helper()
	t.Run("embedded", func(t *testing.T) {
		test(t, Place{Open: func(t testing.TB) ChangeStore { return OpenEmbedded(t, embed.NoSync()) }})
	})
	t.Run("dynamodb", func(t *testing.T) {
		dynamotest.Endpoint(t) // or the whole is skipped
		test(t, Place{Open: OpenDynamo, Remote: true})
	})
}

// OpenEmbedded opens an empty embedded store.
func OpenEmbedded(t testing.TB, options ...embed.Option) *embed.Store {
	t.Helper()
	store, err := embed.Open(filepath.Join(t.TempDir(), "segue.db"), rows.Indexes(), append(options, embed.Backoff(time.Millisecond))...)
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
