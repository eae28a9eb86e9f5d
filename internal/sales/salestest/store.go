package salestest

import (
	"context"
	"path/filepath"
	"testing"
	"time"

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
