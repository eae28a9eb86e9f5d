package rows_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// The sixteen parts of each partition of a table by the first digit of the id, read
// two rows at a time, are all its rows, each once.
func TestPartitionWithin(t *testing.T) {
	db, _ := visitFixture(t)
	table := db.Schema().Table("visit")
	var want []string
	tx := db.Begin("")
	for i := range 90 {
		id := rowstest.ID("visit", i)
		tx.Create(table, id, map[string]schema.Value{"roomid": schema.Text(rowstest.ID("room", 1))})
		want = append(want, id)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	room, ok := rows.IndexPartitions(table, index(t, table, "room"), map[string]schema.Value{"roomid": schema.Text(rowstest.ID("room", 1))})
	if !ok {
		t.Fatal("the index has no partition")
	}
	slices.Sort(want)
	for name, partitions := range map[string][]rows.Partition{"list": rows.ListPartitions(table), "index": room} {
		var got []string
		for _, whole := range partitions {
			for _, digit := range "0123456789abcdef" {
				for _, id := range ids(t, db, table, whole.Within(string(digit))) {
					if id[0] != byte(digit) {
						t.Errorf("%s: %s is not within %c", name, id, digit)
					}
					got = append(got, id)
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %d rows, want each of the %d once", name, len(got), len(want))
		}
	}
}

// TestReadImages: the images of a table's list are those of its rows, each once, in pieces
// of any size, and none is decoded that nobody asks.
func TestReadImages(t *testing.T) {
	db, _ := visitFixture(t)
	table := db.Schema().Table("visit")
	want := map[rows.Ref]schema.Value{}
	tx := db.Begin("")
	for i := range 90 {
		room := schema.Text(rowstest.ID("room", i))
		want[tx.Create(table, rowstest.ID("visit", i), map[string]schema.Value{"roomid": room}).Ref()] = room
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{1, 2, 7, 0} {
		got := map[rows.Ref]schema.Value{}
		for _, whole := range rows.ListPartitions(table) {
			for after, more := "", true; more; more = after != "" {
				read, err := db.ReadImages(t.Context(), table, whole, after, limit)
				if err != nil || limit > 0 && len(read.List) > limit {
					t.Fatalf("%d of at most %d rows: %v", len(read.List), limit, err)
				}
				for _, present := range read.List {
					if _, again := got[present.Ref]; again || present.Old != nil {
						t.Errorf("%v comes again, or as a change: %v", present.Ref, present.Old)
					}
					if got[present.Ref], err = present.New.Value("roomid"); err != nil {
						t.Error(err)
					}
				}
				after = read.Next
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%d at a time (-want +got):\n%s", limit, d)
		}
	}
}

func index(t *testing.T, table *schema.Table, name string) *schema.Index {
	t.Helper()
	for _, x := range table.Indexes {
		if x.Name == name {
			return x
		}
	}
	t.Fatalf("%s has no index %s", table.Name, name)
	return nil
}

// ids reads a partition to its end, two rows at a time.
func ids(t *testing.T, db *rows.DB, table *schema.Table, p rows.Partition) []string {
	t.Helper()
	var all []string
	for after := ""; ; {
		part, err := db.Read(t.Context(), table, p, after, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range part.Rows {
			all = append(all, row.ID)
		}
		if after = part.Next; after == "" {
			return all
		}
	}
}
