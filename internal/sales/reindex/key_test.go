package reindex_test

import (
	"fmt"
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
	"segue/internal/storetest"
)

// A job gives rows the alternate keys that they lack because they were stored before the keys
// were declared, and is not completed while two rows share one.
func TestAlternateKeys(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	account := func(n int, number string) {
		t.Helper()
		err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			tx.Create(w.DB.Schema().Table(name.Account), salestest.ID("account", n), map[string]schema.Value{
				name.Accountnumber: schema.Text(number), name.Name: schema.Text("A"),
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	forget := func() { // what a program writes that knows no keys
		t.Helper()
		for shard := range schema.Shards {
			for _, item := range storetest.Items(t, w.Store, fmt.Sprintf("%s#%d", name.UniqueKey, shard)) {
				if err := w.Store.Write(t.Context(), store.Delete(item.Key(), store.Condition{})); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	reindex := func() {
		t.Helper()
		if err := w.BeginReindex(t.Context(), []string{name.Account}); err != nil {
			t.Fatal(err)
		}
		if err := w.TrySettle(); err != nil {
			t.Fatal(err)
		}
	}
	key := rows.KeyRef{Table: name.Account, Key: w.DB.Schema().Table(name.Account).Keys[0], Values: map[string]schema.Value{name.Accountnumber: schema.Text("A-1")}}
	account(1, "A-1")
	forget()
	if _, ok, err := w.DB.FindKey(t.Context(), key); ok || err != nil {
		t.Fatalf("the key is there: %v, %v", ok, err)
	}
	reindex()
	if ref, ok, err := w.DB.FindKey(t.Context(), key); !ok || err != nil || ref.ID != salestest.ID("account", 1) {
		t.Errorf("the key is that of %v, %v, %v", ref, ok, err)
	}
	forget()
	account(2, "a-1")
	reindex()
	var failed int64
	for _, job := range w.List(name.Job, nil) {
		failed += job.Int("segue_rowsfailed")
	}
	if failed == 0 {
		t.Error("two rows share a key, and no row failed")
	}
}
