package storetest

import (
	"context"
	"testing"

	"segue/internal/store"
)

// Items returns every item of some partitions of the table itself, for a test
// that compares what is stored before and after.
func Items(t testing.TB, on store.Store, partitions ...string) []store.Item {
	t.Helper()
	var items []store.Item
	for _, p := range partitions {
		for q := (store.Query{Partition: p}); ; {
			page, err := on.Query(context.WithoutCancel(t.Context()), q)
			if err != nil {
				t.Fatalf("read partition %s: %v", p, err)
			}
			items = append(items, page.Items...)
			if !page.More {
				break
			}
			q.After = page.Items[len(page.Items)-1].Key().SK
		}
	}
	return items
}
