package store_test

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/store"
	"segue/internal/storetest"
)

// Read the open leads in the order of their keys, two a page, and close one on
// the condition that nobody has changed it.
func ExampleStore() {
	var s store.Store = storetest.NewModel([]store.Index{{Name: "stage", PK: "gpk", SK: "gsk"}})
	ctx := context.Background()
	for _, name := range []string{"ann", "bob", "cem"} {
		lead := store.Item{
			store.PK: store.S("lead#1"), store.SK: store.S(name), "version": store.Int(1),
			"gpk": store.S("open"), "gsk": store.S("2026-01-02#" + name), // sort keys of an index end with the id
		}
		if err := s.Write(ctx, store.Put(lead, store.NotThere(store.PK))); err != nil {
			fmt.Println(err)
		}
	}

	for q := (store.Query{Index: "stage", Partition: "open", Limit: 2}); ; {
		page, err := s.Query(ctx, q)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, entry := range page.Items {
			fmt.Println(entry.Key())
		}
		if !page.More {
			break
		}
		q.After = page.Items[len(page.Items)-1]["gsk"].Text()
	}

	closing := store.Update(store.Key{PK: "lead#1", SK: "bob"}, store.Item{"version": store.Int(2)},
		[]string{"gpk", "gsk"}, store.Equals("version", store.Int(1)))
	fmt.Println(s.Write(ctx, closing))
	var refused *store.ConditionError
	fmt.Println(errors.As(s.Write(ctx, closing), &refused), refused.Item["version"].Int())
	// Output:
	// {lead#1 ann}
	// {lead#1 bob}
	// {lead#1 cem}
	// <nil>
	// true 2
}
