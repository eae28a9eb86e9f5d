package rows

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"segue/internal/schema"
	"segue/internal/store"
)

// givenVersion is the version of rows that are given.
const givenVersion = 1

// Give makes a row be there by definition, in every store and from the first read on: it
// is found by its id and in the list of its table as if it were stored. Nothing writes
// it, so a unit of work that changes it ends in a conflict; rules refuse that before. A
// stored row of the same id takes its place. It is called before the DB is used.
func (db *DB) Give(ref Ref, on time.Time, values map[string]schema.Value) error {
	t, err := db.table(ref.Table)
	if err != nil {
		return err
	}
	if len(t.Indexes) > 0 {
		return fmt.Errorf("%v: a given row is in no index, and %s has some", ref, t.Name)
	}
	row := db.newRow(t, ref.ID)
	row.SetAll(values)
	row.Set(CreatedOn, schema.Time(on))
	row.Set(ModifiedOn, schema.Time(on))
	item, err := db.encode(row, givenVersion)
	if err != nil {
		return err
	}
	if db.givenItem(item.Key()) != nil {
		return fmt.Errorf("%v is given twice", ref)
	}
	if db.given == nil {
		db.given = map[string][]store.Item{}
	}
	pk := item.Key().PK
	db.given[pk] = append(db.given[pk], item)
	return nil
}

func bySortKey(a, b store.Item) int { return strings.Compare(a.Key().SK, b.Key().SK) }

// givenItem returns the item of a given row, nil for none.
func (db *DB) givenItem(key store.Key) store.Item {
	for _, item := range db.given[key.PK] {
		if item.Key().SK == key.SK {
			return item
		}
	}
	return nil
}

// withGiven adds to a page of a table's own list the given rows that lie in it, after
// one sort key and up to the last that the page reaches, "" for the end of the partition.
func (db *DB) withGiven(p Partition, items []store.Item, after, last string) []store.Item {
	if len(db.given) == 0 || p.index != "" {
		return items
	}
	from, to := p.ends(after)
	added := false
	for _, item := range db.given[p.key] {
		key := item.Key().SK
		stored := func(i store.Item) bool { return i.Key().SK == key }
		if !p.passes(from, key) || to != "" && !p.passes(key, to) || last != "" && p.passes(last, key) || slices.ContainsFunc(items, stored) {
			continue
		}
		items, added = append(items, item), true
	}
	if added {
		slices.SortFunc(items, bySortKey)
		if p.descending {
			slices.Reverse(items)
		}
	}
	return items
}

// passes reports whether the second sort key comes after the first one, "" for the
// start, as the partition is read.
func (p Partition) passes(first, second string) bool {
	return first == "" || (first < second) != p.descending && first != second
}
