package ingest

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// values is the columns of a row.
type values = map[string]schema.Value

// world is a Segue on an embedded store of its own.
type world struct {
	t *testing.T
	*boot.Parts
}

func newWorld(t *testing.T) world {
	t.Helper()
	store, err := embed.Open(filepath.Join(t.TempDir(), "segue.db"), rows.Indexes(), embed.NoSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	})
	return world{t, boot.Assemble(rows.New(store, tables(t), clock.System()), boot.Options{})}
}

func (w world) direct() Direct { return Direct{w.Entities, sales.Engine()} }

// all is every row of a table.
func (w world) all(name string) []*rows.Row {
	w.t.Helper()
	var list []*rows.Row
	for row, err := range query.New(w.DB).Each(w.t.Context(), query.Query{Table: w.DB.Schema().Table(name)}) {
		if err != nil {
			w.t.Fatal(err)
		}
		list = append(list, row)
	}
	return list
}

func tables(t testing.TB) *schema.Schema {
	t.Helper()
	return schematest.Tables(t)
}

// written is a Writer that keeps what it was given, by id, and fails as told.
type written struct {
	fail func(id string, values values) error // nil: never

	mu      sync.Mutex
	rows    map[string][]values
	creates int // batches tried
}

// Create writes all rows or none.
func (w *written) Create(_ context.Context, _ *schema.Table, list []Row) error {
	w.mu.Lock()
	batch := map[string]bool{}
	for _, row := range list {
		if len(w.rows[row.ID]) > 0 || batch[row.ID] {
			w.mu.Unlock()
			return ErrExists
		}
		batch[row.ID] = true
	}
	w.creates++
	w.mu.Unlock()
	for _, row := range list {
		if w.fail != nil {
			if err := w.fail(row.ID, row.Values); err != nil {
				return err
			}
		}
	}
	for _, row := range list {
		w.keep(row.ID, row.Values)
	}
	return nil
}

// Check fails as told.
func (w *written) Check(_ context.Context, _ *schema.Table, id string, v map[string]schema.Value) error {
	if w.fail != nil {
		return w.fail(id, v)
	}
	return nil
}

func (w *written) Write(_ context.Context, _ *schema.Table, id string, v map[string]schema.Value) error {
	if w.fail != nil {
		if err := w.fail(id, v); err != nil {
			return err
		}
	}
	w.keep(id, v)
	return nil
}

func (w *written) keep(id string, v values) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.rows == nil {
		w.rows = map[string][]values{}
	}
	w.rows[id] = append(w.rows[id], v)
}
