// Package rowstest gives the tests of rows and of what is built on it rows of the
// product's tables in an embedded store, with a probe between.
package rowstest

import (
	"fmt"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// Values are the columns of a row.
type Values = map[string]schema.Value

// Fixture is rows in a store of its own.
type Fixture struct {
	*rows.DB
	Store *embed.Store
	Probe *probe.Probe
}

// Clock stands still, so that versions can be foretold.
func Clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 600_000_000, time.UTC) }

// Open opens an embedded store that is closed when the test ends.
func Open(t testing.TB, path string) *embed.Store {
	t.Helper()
	s, err := embed.Open(path, rows.Indexes(), embed.NoSync())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// FirstVersions foretells the versions of new rows, for [rows.DB.FirstVersions]: the
// first life of every id begins with the same one, each later life with another. It
// is for one process on a store of its own.
func FirstVersions() func(rows.Ref) int64 {
	var mu sync.Mutex
	lives := map[rows.Ref]int64{}
	return func(ref rows.Ref) int64 {
		mu.Lock()
		defer mu.Unlock()
		lives[ref]++
		return 1767323045000 + 1_000_000*(lives[ref]-1)
	}
}

// New returns an empty Fixture.
func New(t testing.TB) *Fixture {
	t.Helper()
	tables := schematest.Tables(t)
	s := Open(t, filepath.Join(t.TempDir(), "rows.db"))
	probe := probe.New(s, rows.Indexes()...)
	db := rows.New(probe, tables, clock.Of(Clock))
	db.OnMisread(func(err error) { t.Error(err) })
	return &Fixture{db, s, probe}
}

// ID is a fixed GUID for a name and number.
func ID(name string, n int) string { return guid.FromName(name + strconv.Itoa(n)) }

// Table finds a table.
func (f *Fixture) Table(name string) *schema.Table { return f.Schema().Table(name) }

// Put makes rows of a table, one for each of all, with ids of the table's name
// and a number.
func (f *Fixture) Put(t testing.TB, name string, all ...Values) []rows.Ref {
	t.Helper()
	tx := f.Begin("")
	var refs []rows.Ref
	for i, v := range all {
		refs = append(refs, tx.Create(f.Table(name), ID(name, i), v).Ref())
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return refs
}

// Row reads one row, which must be there.
func (f *Fixture) Row(t testing.TB, ref rows.Ref) *rows.Row {
	t.Helper()
	found, err := f.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	if found[0] == nil {
		t.Fatalf("there is no %v", ref)
	}
	return found[0]
}

// Stored finds the item of a row, past whatever reads rows; nil when there is none.
func Stored(t testing.TB, s store.Store, ref rows.Ref) store.Item {
	t.Helper()
	for shard := range schema.Shards {
		found, err := s.Get(t.Context(), store.Key{PK: fmt.Sprintf("%s#%d", ref.Table, shard), SK: ref.ID})
		if err != nil {
			t.Fatal(err)
		}
		if found[0] != nil {
			return found[0]
		}
	}
	return nil
}

// Spoil makes the item of a row, which must be there, one that no program can read as a
// row.
func Spoil(t testing.TB, s store.Store, ref rows.Ref) {
	t.Helper()
	item := Stored(t, s, ref)
	if item == nil {
		t.Fatalf("there is no item of %v", ref)
	}
	if err := s.Write(t.Context(), store.Update(item.Key(), store.Item{rows.CreatedOn: store.S("yesterday")}, nil, store.Condition{})); err != nil {
		t.Fatal(err)
	}
}
