package rows

import (
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"

	"segue/internal/schema"
	"segue/internal/store"
)

// keyTime is the layout of a date-time in a sort key. It is shorter than RFC 3339 and
// sorts as the times do.
const keyTime = "20060102150405"

// Indexes returns the secondary indexes that a store must have, including those that
// no table uses yet. template.yaml declares the same; a test compares them.
func Indexes() []store.Index {
	var indexes []store.Index
	for _, name := range schema.IndexNames() {
		indexes = append(indexes, indexOf(name))
	}
	return indexes
}

// indexOf returns a secondary index by its name, which the schema has checked. It
// is asked for each index of each row that is written, so it spells the names
// out and makes none.
func indexOf(name string) store.Index {
	switch name {
	case "gsi1":
		return store.Index{Name: name, PK: "g1pk", SK: "g1sk"}
	case "gsi2":
		return store.Index{Name: name, PK: "g2pk", SK: "g2sk"}
	case "gsi3":
		return store.Index{Name: name, PK: "g3pk", SK: "g3sk"}
	case "gsi4":
		return store.Index{Name: name, PK: "g4pk", SK: "g4sk"}
	default: // none of [schema.IndexNames]: a store refuses an index without keys
		return store.Index{Name: name}
	}
}

// keyOf returns the primary key of a row.
func keyOf(t *schema.Table, id string) store.Key {
	return store.Key{PK: listPartition(t, shard(id)), SK: id}
}

// listPartition returns the partition key of one shard of a table's list.
func listPartition(t *schema.Table, shard int) string { return KeyPrefix(t) + strconv.Itoa(shard) }

// KeyPrefix returns what the partition keys of a table's rows begin with, and those of
// no other row.
func KeyPrefix(t *schema.Table) string { return t.Name + "#" }

// shard returns the shard of an id. It must never change: stored keys contain it.
func shard(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return int(h.Sum32() % schema.Shards)
}

// tableOf returns the table's name in a partition key.
func tableOf(pk string) string {
	name, _, _ := strings.Cut(pk, "#")
	return name
}

// RefOf names the row of a primary key, of whatever table: the schema is not asked.
func RefOf(k store.Key) Ref { return Ref{tableOf(k.PK), k.SK} }

// Partition is a place where rows of a table are found in the order of their
// sort keys: a shard of the table's own list or of one of its indexes.
type Partition struct {
	index string // secondary index, "" for the table itself
	key   string
	// The sort keys of its rows lie between these two, which no row has; "" for no end.
	low, high  string
	descending bool // read from the largest sort key down
}

// sortKey returns the name of the attribute that orders the partition, whose values
// are unique in it.
func (p Partition) sortKey() string {
	if p.index == "" {
		return store.SK
	}
	return indexOf(p.index).SK
}

// Within returns the part of a partition whose sort keys begin with prefix: with
// hexadecimal digits, of a table's own list or of an index that sorts by nothing,
// the rows whose ids do.
func (p Partition) Within(prefix string) Partition {
	return p.between(prefix, prefix+afterAll)
}

// between returns the part of a partition between two sort keys.
func (p Partition) between(low, high string) Partition {
	p.low, p.high = low, high
	return p
}

// Descending returns the partition as it is read from its largest sort key down.
func (p Partition) Descending() Partition {
	p.descending = true
	return p
}

// ends returns between which sort keys to read on after one, "" for the start: the first
// excluded.
func (p Partition) ends(after string) (from, to string) {
	from, to = p.low, p.high
	if p.descending {
		from, to = p.high, p.low
	}
	if after != "" {
		from = after
	}
	return from, to
}

// ListPartitions returns the partitions that together hold all rows of a table.
func ListPartitions(t *schema.Table) []Partition {
	partitions := make([]Partition, schema.Shards)
	for i := range partitions {
		partitions[i] = Partition{key: listPartition(t, i)}
	}
	return partitions
}

// IndexPartitions returns the partitions of an index that together hold the rows
// with these values of its partition columns, if its When holds for
// them. ok is false when values lacks one of the columns. A packed index may have other
// rows there too.
func IndexPartitions(t *schema.Table, x *schema.Index, values map[string]schema.Value) (partitions []Partition, ok bool) {
	parts, ok := indexPartition(t, x, func(column string) schema.Value { return values[column] })
	if !ok {
		return nil, false
	}
	if !x.Shards {
		return []Partition{{index: x.On, key: partitionKey(x, parts)}}, true
	}
	for i := range schema.Shards {
		partitions = append(partitions, Partition{index: x.On, key: partitionKey(x, append(slices.Clip(parts), strconv.Itoa(i)))})
	}
	return partitions, true
}

// indexPartition returns the values of the partition columns, as the partition key of an
// index has them. ok is false when one is null.
func indexPartition(t *schema.Table, x *schema.Index, value func(column string) schema.Value) (parts []string, ok bool) {
	for _, name := range x.Partition {
		text := t.Name
		if !x.ForTable(name) {
			if text, ok = keyText(x, t.Column(name), value(name)); !ok {
				return nil, false
			}
		}
		parts = append(parts, text)
	}
	return parts, true
}

// partitionKey returns the partition key of an index: its name and the values of the
// partition columns, with the shard if there are any.
func partitionKey(x *schema.Index, parts []string) string {
	key := strings.Join(parts, "#")
	if x.Packed {
		key = packValues(key)
	}
	if key == "" {
		return x.Name
	}
	return x.Name + "#" + key
}

// setIndexKeys gives an item the index attributes of its row. Those that it has from
// another use of a secondary index stay, unless the use is one of the table's own, of
// which the row is no longer, or a use of the table takes their place.
func setIndexKeys(r *Row, item store.Item) {
	keys := indexKeys(r)
	for _, x := range r.Table.Indexes {
		on := indexOf(x.On)
		if _, in := keys[on.PK]; !in && useOf(item[on.PK].Text()) == x.Name {
			delete(item, on.PK)
			delete(item, on.SK)
		}
	}
	for attr, text := range keys {
		item[attr] = store.S(text)
	}
}

// useOf returns the name of the index in a partition key of one.
func useOf(pk string) string {
	name, _, _ := strings.Cut(pk, "#")
	return name
}

// indexKeys returns the index attributes of a row.
func indexKeys(r *Row) map[string]string {
	var keys map[string]string
	for _, x := range r.Table.Indexes {
		pk, sk, ok := indexKey(r, x)
		if !ok {
			continue
		}
		if keys == nil {
			keys = map[string]string{}
		}
		on := indexOf(x.On)
		keys[on.PK], keys[on.SK] = pk, sk
	}
	return keys
}

// indexKey returns a row's key in an index; ok is false when the row is not in it.
func indexKey(r *Row, x *schema.Index) (pk, sk string, ok bool) {
	for name, want := range x.When {
		if r.values[name] != want {
			return "", "", false
		}
	}
	value := func(column string) schema.Value { return r.values[column] }
	parts, ok := indexPartition(r.Table, x, value)
	if !ok {
		return "", "", false
	}
	if x.Shards {
		parts = append(parts, strconv.Itoa(shard(r.ID)))
	}
	pk = partitionKey(x, parts)
	for _, name := range x.Sort {
		text, ok := keyText(x, r.Table.Column(name), value(name)) // null comes first: a list must not lack the row
		if !ok && x.IsDue() {
			return "", "", false // it is never due
		}
		sk += text + "#"
	}
	return pk, sk + keyID(x, r.ID), true
}

// keyText returns a value as a part of a key of an index; ok is false for null. Numbers
// are padded with zeros, so that they sort as text.
func keyText(x *schema.Index, c *schema.Column, v schema.Value) (text string, ok bool) {
	switch v.Kind() {
	case schema.KindRef:
		lookup, _ := v.Ref()
		return keyID(x, lookup.ID), true
	case schema.KindText: // the schema allows no text but GUIDs in a key
		return keyID(x, v.String()), true
	case schema.KindBool:
		return v.String(), true
	case schema.KindInt:
		n, _ := v.Int()
		return fmt.Sprintf("%0*d", c.KeyDigits(), n), true
	case schema.KindTime:
		t, _ := v.Time()
		switch {
		case c.Type == schema.Date:
			return t.Format("20060102"), true
		case x.Packed:
			return packTime(t), true
		}
		return t.Format(keyTime), true
	case schema.KindNull, schema.KindDec, schema.KindFloat: // the schema refuses such columns in a key
	}
	return "", false
}

// indexesLeft returns the index attributes that a patch removes. A patch does not know
// the other columns of the row, so it can only take the row out of a secondary index:
// it must give one column of the When of each use another value, under the condition
// that the row is in one of them: else its keys there could be those of a use that
// this version of the program does not know. Every other change of a column that keys
// depend on is an error, because the keys would no longer be those of the row.
func indexesLeft(p *patch) ([]string, error) {
	left := map[string]bool{} // by secondary index: whether the row leaves it for certain
	in := map[string]bool{}   // by secondary index: whether it is in it by a use of its table
	for _, x := range p.table.Indexes {
		leaves, err := p.leaves(x)
		if err != nil {
			return nil, err
		}
		// Another use of the same secondary index may still hold the row: then
		// its keys would be removed by mistake.
		if before, seen := left[x.On]; seen && before != leaves {
			return nil, fmt.Errorf("the row may leave index %s and stay in another use of %s; load it to change it", x.Name, x.On)
		}
		left[x.On] = leaves
		in[x.On] = in[x.On] || p.demands(x.When)
	}
	var attributes []string
	for name, leaves := range left {
		switch {
		case !leaves:
		case in[name]:
			attributes = append(attributes, indexOf(name).PK, indexOf(name).SK)
		default:
			return nil, fmt.Errorf("the row would leave %s, and nothing demands that it is in it; load it to change it", name)
		}
	}
	return attributes, nil
}

// leaves reports whether the row is not in an index for certain after the patch. The
// error says that the patch could change its keys there.
func (p *patch) leaves(x *schema.Index) (leaves bool, err error) {
	for _, name := range x.Columns() {
		if _, changed := p.set[name]; changed {
			return false, fmt.Errorf("%s is part of the keys of index %s; load the row to change it", name, x.Name)
		}
	}
	touched := false
	for name, want := range x.When {
		v, changed := p.set[name]
		touched = touched || changed
		leaves = leaves || changed && v != want
	}
	if touched && !leaves { // the When may hold now, and the keys would need columns that are not known
		return false, fmt.Errorf("the row may enter index %s; load it to change it", x.Name)
	}
	return leaves, nil
}

// demands reports whether the patch is applied only to a row with these values, of
// which there is one at least.
func (p *patch) demands(values map[string]schema.Value) bool {
	for name, want := range values {
		if v, given := p.when[name]; !given || v != want {
			return false
		}
	}
	return len(values) > 0
}
