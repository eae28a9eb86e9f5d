package demo

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/ingest"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// world is a Segue on an embedded store of its own.
type world struct {
	t     *testing.T
	store *embed.Store
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
	return world{t, store, boot.Assemble(rows.New(store, tables(t), clock.System()), boot.Options{})}
}

func (w world) direct() ingest.Direct {
	return ingest.Direct{Entities: w.Entities, Caller: sales.Engine()}
}

// drain lets everything follow that follows from the changes up to now, jobs
// included, and counts the changes.
func (w world) drain() (changes int) {
	w.t.Helper()
	for {
		err := w.store.Drain(w.t.Context(), "evaluate", func(ctx context.Context, batch []store.Change) []store.Failure {
			changes += len(batch)
			return w.Changes(ctx, batch)
		})
		if err != nil {
			w.t.Fatal(err)
		}
		if w.Local.Len() == 0 {
			return changes
		}
		if err := w.Local.Drain(w.t.Context(), w.Jobs.Handle); err != nil {
			w.t.Fatal(err)
		}
	}
}

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

// Create fails if the row is among them.
func (w failingAt) Create(_ context.Context, _ *schema.Table, list []ingest.Row) error {
	if slices.ContainsFunc(list, func(row ingest.Row) bool { return row.ID == w.id }) {
		return w.err
	}
	return nil
}

// Check fails for the row.
func (w failingAt) Check(ctx context.Context, t *schema.Table, id string, v map[string]schema.Value) error {
	return w.Write(ctx, t, id, v)
}

// failingAt is a Writer that fails at the row with this id.
type failingAt struct {
	id  string
	err error
}

func (w failingAt) Write(_ context.Context, _ *schema.Table, id string, _ map[string]schema.Value) error {
	if w.id == id {
		return w.err
	}
	return nil
}
