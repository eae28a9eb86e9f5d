package reindex_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/rows/rowstest"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// The job is completed, as the runbook asks before "building" is removed, though a row has
// no keys: one that this version cannot read (of a newer version, say, or damaged) and that
// is mended later.
func TestNotCompletedWithoutKeys(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	lead := w.Lead(1, nil)
	w.Settle()
	item := rowstest.Stored(t, w.Store, lead)
	delete(item, "g1pk")
	delete(item, "g1sk")
	item["De"] = store.S("yes")
	if err := w.Store.Write(t.Context(), store.Put(item, store.Exists(store.PK))); err != nil {
		t.Fatal(err)
	}
	if err := w.BeginReindex(t.Context(), []string{"lead"}); err != nil {
		t.Fatal(err)
	}
	if err := w.TrySettle(); err != nil {
		t.Fatal(err)
	}
	for _, job := range w.List("segue_job", nil) {
		if job.Int("segue_state") == 2 {
			t.Errorf("the job is completed, with %d rows failed", job.Int("segue_rowsfailed"))
		}
	}
}
