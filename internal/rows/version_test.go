package rows_test

import (
	"sync"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// change commits one unit of work, which must succeed.
func change(t *testing.T, db *rows.DB, work func(tx *rows.Tx) error) {
	t.Helper()
	if err := db.Do(t.Context(), "", work); err != nil {
		t.Fatal(err)
	}
}

func load(t *testing.T, tx *rows.Tx, ref rows.Ref) *rows.Row {
	t.Helper()
	found, err := tx.Load(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

// TestVersionRisesByOne: whatever writes a row, and whatever the clock does.
func TestVersionRisesByOne(t *testing.T) {
	f := newFixture(t)
	manual := clock.NewManual(rowstest.Clock())
	db := rows.New(f.Store, f.Schema(), manual)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A")})[0]
	want := f.Row(t, ref).Version
	if want < 1 || want >= 1<<52 {
		t.Errorf("the first version is %d, want one from 1 to 2^52", want)
	}
	for _, write := range []struct {
		name string
		work func(tx *rows.Tx)
	}{
		{"set", func(tx *rows.Tx) { load(t, tx, ref).Set("subject", schema.Text("B")) }},
		{"touch", func(tx *rows.Tx) { load(t, tx, ref).Touch() }},
		{"patch", func(tx *rows.Tx) { tx.Patch(f.Table("lead"), ref.ID, values{"subject": schema.Text("C")}, nil) }},
		{"patch with another row", func(tx *rows.Tx) {
			tx.Create(f.Table("lead"), rowstest.ID("lead", 8), nil)
			tx.Patch(f.Table("lead"), ref.ID, values{"subject": schema.Null()}, nil)
		}},
		{"patch of a loaded row", func(tx *rows.Tx) {
			load(t, tx, ref)
			tx.Patch(f.Table("lead"), ref.ID, values{"subject": schema.Text("D")}, nil)
		}},
	} {
		manual.Advance(-time.Hour)
		var held *rows.Row
		change(t, db, func(tx *rows.Tx) error {
			write.work(tx)
			held = tx.Held(ref)
			return nil
		})
		want++
		if got := f.Row(t, ref).Version; got != want {
			t.Errorf("%s: version %d, want %d", write.name, got, want)
		}
		if held != nil && held.Version != want {
			t.Errorf("%s: the committed row has version %d, the store %d", write.name, held.Version, want)
		}
	}
}

// TestEachRowHasItsOwnVersion: the rows of one commit.
func TestEachRowHasItsOwnVersion(t *testing.T) {
	f := newFixture(t)
	refs := f.Put(t, "lead", values{}, values{})
	first, second := f.Row(t, refs[0]).Version, f.Row(t, refs[1]).Version
	if first == second {
		t.Errorf("two new rows have version %d", first)
	}
	change(t, f.DB, func(tx *rows.Tx) error {
		load(t, tx, refs[0]).Touch()
		load(t, tx, refs[1]).Touch()
		return nil
	})
	if a, b := f.Row(t, refs[0]).Version, f.Row(t, refs[1]).Version; a != first+1 || b != second+1 {
		t.Errorf("versions %d and %d, want %d and %d", a, b, first+1, second+1)
	}
}

// TestSixteenAtOnceAllSucceed: as many sellers or processes may change one row at the
// same moment, and nobody is told to try again.
func TestSixteenAtOnceAllSucceed(t *testing.T) {
	onBothStores(t, func(t *testing.T, db *rows.DB, lead *schema.Table) {
		ref := rows.Ref{Table: "lead", ID: rowstest.ID("lead", 0)}
		change(t, db, func(tx *rows.Tx) error {
			tx.Create(lead, ref.ID, values{"numberofemployees": schema.Int(0)})
			return nil
		})
		before, err := db.Get(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		atOnce(t, 16, func(int) error {
			return db.Do(t.Context(), "", func(tx *rows.Tx) error {
				found, err := tx.Load(t.Context(), ref)
				if err == nil {
					found[0].Set("numberofemployees", schema.Int(found[0].Int("numberofemployees")+1))
				}
				return err
			})
		})
		after, err := db.Get(t.Context(), ref)
		if err != nil {
			t.Fatal(err)
		}
		if n, writes := after[0].Int("numberofemployees"), after[0].Version-before[0].Version; n != 16 || writes != 16 {
			t.Errorf("counted to %d in %d writes, want 16 in 16", n, writes)
		}
	})
}

// onBothStores runs a test on rows of the embedded store and of DynamoDB.
func onBothStores(t *testing.T, test func(t *testing.T, db *rows.DB, lead *schema.Table)) {
	t.Helper()
	tables := schematest.Tables(t)
	for name, open := range map[string]func(t *testing.T) store.Store{
		"embedded": func(t *testing.T) store.Store { return rowstest.Open(t, t.TempDir()+"/rows.db") },
		"DynamoDB": func(t *testing.T) store.Store { return dynamotest.Open(t, rows.Indexes()) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, rows.New(open(t), tables, clock.System()), tables.Table("lead"))
		})
	}
}

// atOnce runs work n times at the same moment; each must succeed.
func atOnce(t *testing.T, n int, work func(n int) error) {
	t.Helper()
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			if err := work(i); err != nil {
				t.Errorf("%d of %d: %v", i, n, err)
			}
		})
	}
	close(start)
	wg.Wait()
}
