package amazon

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"segue/internal/dynamo"
	"segue/internal/rows"
	"segue/internal/store"
)

// together makes n requests at the same time, each of which waits for the others.
func together(t *testing.T, url string, client interface {
	Do(r *http.Request) (*http.Response, error)
}, n int,
) {
	t.Helper()
	var group sync.WaitGroup
	for range n {
		group.Go(func() {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
			if err != nil {
				t.Error(err)
				return
			}
			response, err := client.Do(r)
			if err != nil {
				t.Error(err)
				return
			}
			if err := response.Body.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

// The connections of a busy batch are kept for the next one.
func TestHTTPClientKeepsConnections(t *testing.T) {
	var opened atomic.Int64
	var all sync.WaitGroup
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		all.Done()
		all.Wait()
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	defer server.Close()
	client := HTTPClient()
	for range 3 {
		all.Add(idle)
		together(t, server.URL, client, idle)
	}
	if n := opened.Load(); n != idle {
		t.Errorf("%d connections for three times %d requests, want %d", n, idle, idle)
	}
}

// The tries of a request to a DynamoDB that does not respond end with its context, and
// none is sent after that.
func TestTriesEndWithTheContext(t *testing.T) {
	release := make(chan struct{})
	var tries atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tries.Add(1)
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	defer close(release)
	aws := amazon{region: "us-east-1", dynamodb: server.URL}
	aws.credentials.AccessKeyID, aws.credentials.SecretAccessKey = "segue", "segue"
	table := dynamo.New(aws.dynamoDB(), "segue", rows.Indexes())
	item := store.Item{store.PK: store.S("p"), store.SK: store.S("s")}
	for name, call := range map[string]func(context.Context) error{
		"get": func(ctx context.Context) error { _, err := table.Get(ctx, item.Key()); return err },
		"batch": func(ctx context.Context) error {
			_, err := table.Get(ctx, item.Key(), store.Key{PK: "p", SK: "t"})
			return err
		},
		"query": func(ctx context.Context) error { _, err := table.Query(ctx, store.Query{Partition: "p"}); return err },
		"write": func(ctx context.Context) error { return table.Write(ctx, store.Put(item, store.Condition{})) },
		"transaction": func(ctx context.Context) error {
			return table.Write(ctx, store.Put(item, store.Condition{}), store.Delete(store.Key{PK: "p", SK: "t"}, store.Condition{}))
		},
	} {
		tries.Store(0)
		ctx, end := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err := call(ctx)
		end()
		if !errors.Is(err, context.DeadlineExceeded) || tries.Load() != 1 {
			t.Errorf("%s: %v after %d tries, want %v after one", name, err, tries.Load(), context.DeadlineExceeded)
		}
	}
}
