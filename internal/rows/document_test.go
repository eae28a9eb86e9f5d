package rows_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"segue/internal/doctest"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// TestAccessPatterns writes the table of ARCHITECTURE.md from the schema's files
// and from the keys that rows of their tables really get:
//
//	go test ./internal/rows -run TestAccessPatterns -update
func TestAccessPatterns(t *testing.T) {
	f := newFixture(t)
	lead := f.item(t, f.Table("lead"), nil)
	own := spell(t, lead.Key().PK, tablePart, shardPart) + " | " + spell(t, lead.Key().SK, idPart) + " | |"
	var b strings.Builder
	b.WriteString("| access pattern | tables | index | partition | sort | when |\n|---|---|---|---|---|---|\n")
	fmt.Fprintf(&b, "| row by id | all | table | %s\n", own)
	fmt.Fprintf(&b, "| list of a table, its %d shards one after the other | all | table | %s\n", schema.Shards, own)
	for _, use := range f.uses(t) {
		slices.Sort(use.tables)
		fmt.Fprintf(&b, "| %s | %s | %s | %s\n", use.serves, strings.Join(use.tables, ", "), use.on, use.keys)
	}
	doctest.Block(t, "../../ARCHITECTURE.md", "access patterns", b.String())
}

// use is one line of the table: an index of one table, or of all with a trait.
type use struct {
	on, name, serves, keys string
	tables                 []string
}

// uses are the indexes of all tables, by the secondary index that they are on.
func (f *fixture) uses(t *testing.T) []*use {
	t.Helper()
	var uses []*use
	for _, table := range f.Schema().Tables() {
		for _, x := range table.Indexes {
			u := use{on: x.On, name: x.Name, serves: x.Serves, keys: f.keys(t, table, x)}
			same := func(other *use) bool { return other.on == u.on && other.name == u.name && other.keys == u.keys }
			i := slices.IndexFunc(uses, same)
			if i < 0 {
				uses, i = append(uses, &u), len(uses)
			}
			uses[i].tables = append(uses[i].tables, table.Name)
		}
	}
	slices.SortFunc(uses, func(a, b *use) int { return strings.Compare(a.on+a.name, b.on+b.name) })
	return uses
}

// Parts of keys that are made of no column.
const (
	tablePart = "{table}"
	shardPart = "{shard}"
	idPart    = "{id}"
)

// keys spells the keys that a row gets in an index, as cells of the table.
func (f *fixture) keys(t *testing.T, table *schema.Table, x *schema.Index) string {
	t.Helper()
	sample := values{}
	for _, column := range x.Columns() {
		sample[column] = sampleOf(t, table.Column(column))
	}
	maps.Copy(sample, x.When)
	item := f.item(t, table, sample)
	short := "g" + strings.TrimPrefix(x.On, "gsi")
	of := slices.Clone(x.Partition)
	if x.Shards {
		of = append(of, shardPart)
	}
	parts := append([]string{x.Name}, of...)
	if x.Packed {
		names := make([]string, len(of))
		for i, part := range of {
			names[i] = strings.Trim(part, "{}")
		}
		parts = []string{x.Name, "hash of " + strings.Join(names, ", ")}
	}
	var when []string
	for _, column := range slices.Sorted(maps.Keys(x.When)) {
		when = append(when, " `"+column+"` is "+cmp.Or(table.Column(column).Text(x.When[column]), "null"))
	}
	return fmt.Sprintf("%s | %s |%s |",
		spell(t, item[short+"pk"].Text(), parts...), spell(t, item[short+"sk"].Text(), append(slices.Clone(x.Sort), idPart)...), strings.Join(when, ","))
}

// item is a row as it is stored.
func (f *fixture) item(t *testing.T, table *schema.Table, sample values) store.Item {
	t.Helper()
	f.Probe.Reset()
	tx := f.Begin("")
	row := tx.Create(table, rowstest.ID(table.Name, 0), sample)
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	key := f.Probe.Calls()[0].Keys[0]
	items, err := f.Store.Get(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	tx.Delete(row) // the next index of the table makes it again
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	return items[0]
}

// spell is a key with the names of what its parts are made of in place of their
// values; the name of an index stands for itself.
func spell(t *testing.T, key string, names ...string) string {
	t.Helper()
	given := strings.Split(key, "#")
	if len(given) != len(names) {
		t.Fatalf("key %q has %d parts, want those of %q", key, len(given), names)
	}
	parts := make([]string, len(names))
	for i, name := range names {
		switch given[i] {
		case "":
			t.Fatalf("key %q has nothing for %s", key, name)
		case name:
			parts[i] = name
		default:
			parts[i] = "<" + strings.Trim(name, "{}") + ">"
		}
	}
	return "`" + strings.Join(parts, "#") + "`"
}

// sampleOf is a value that a column of a key may have.
func sampleOf(t *testing.T, c *schema.Column) schema.Value {
	t.Helper()
	text := ""
	switch c.Type {
	case schema.LookupTo:
		return schema.Ref(schema.Lookup{Table: c.Targets[0].Table, ID: rowstest.ID("sample", 0)})
	case schema.GUID:
		text = rowstest.ID("sample", 0)
	case schema.Boolean:
		text = "true"
	case schema.Choice, schema.State, schema.Status:
		return schema.Int(c.Options[0].Value)
	case schema.Integer, schema.BigInt:
		return schema.Int(c.Min.IntPart())
	case schema.DateTime:
		return schema.Time(rowstest.Clock())
	case schema.Date:
		text = "2026-01-02"
	case schema.String, schema.Memo, schema.Decimal, schema.Money, schema.Double: // have no place in a key
	}
	v, err := c.FromText(text)
	if err != nil || v.IsNull() {
		t.Fatalf("column %s of type %s has no place in a key: %v", c.Name, c.Type, err)
	}
	return v
}
