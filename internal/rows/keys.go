package rows

import (
	"fmt"
	"hash/fnv"
	"strings"

	"segue/internal/schema"
	"segue/internal/store"
)

// Attributes of the two secondary indexes.
const (
	g1 = "gsi1"
	g2 = "gsi2"

	g1pk, g1sk = "g1pk", "g1sk"
	g2pk, g2sk = "g2pk", "g2sk"
)

// Partition kinds in the indexes.
const (
	kindFree      = "free"
	kindRecord    = "record"
	kindTarget    = "target"
	kindRegarding = "regarding"
	kindLive      = "live"
)

// Indexes declares the indexes that a store must have. template.yaml declares
// the same two; a test compares them.
func Indexes() []store.Index {
	return []store.Index{{Name: g1, PK: g1pk, SK: g1sk}, {Name: g2, PK: g2pk, SK: g2sk}}
}

// keyOf is the primary key of a row.
func keyOf(t *schema.Table, id string) store.Key {
	return store.Key{PK: partition(t.Name, shard(id, t.Shards)), SK: id}
}

// partition is one shard of a table's list.
func partition(name string, shard int) string { return fmt.Sprintf("%s#%d", name, shard) }

// shard spreads ids over n partitions. It must never change.
func shard(id string, n int) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // a hash never fails
	return int(h.Sum32() % uint32(max(n, 1)))
}

// tableOf reads the table's name off a partition key.
func tableOf(pk string) string {
	name, _, _ := strings.Cut(pk, "#")
	return name
}

// freePartition holds a shard of the open records without a live connection.
func freePartition(t *schema.Table, shard int) string {
	return fmt.Sprintf("%s#%s#%d", kindFree, t.Name, shard)
}

// livePartition holds a shard of a sequence's live targets.
func livePartition(sequence string, shard int) string {
	return fmt.Sprintf("%s#%s#%d", kindLive, sequence, shard)
}

// indexKeys are the index attributes of a row as it stands: the sparse entries
// of the package comment.
func indexKeys(r *Row) map[string]string {
	t, byAge := r.Table, r.Time(CreatedOn).Format("20060102150405")+"#"+r.ID
	switch {
	case t.Record:
		if r.Int("statecode") == 0 && !r.Is("segue_connected") {
			return map[string]string{g1pk: freePartition(t, shard(r.ID, t.Shards)), g1sk: byAge}
		}
	case t.Name == "msdyn_sequencetarget":
		keys := map[string]string{g1pk: kindRecord + "#" + r.Lookup("msdyn_target").ID, g1sk: byAge}
		if r.Int("statecode") == 0 {
			keys[g2pk] = livePartition(r.Lookup("msdyn_parentsequence").ID, shard(r.ID, t.Shards))
			keys[g2sk] = r.ID
		}
		return keys
	case t.Name == "msdyn_sequencetargetstep":
		return map[string]string{
			g1pk: kindTarget + "#" + r.Lookup("msdyn_sequencetarget").ID,
			g1sk: fmt.Sprintf("%04d#%s", r.Int("segue_position"), r.ID),
		}
	case t.Activity:
		if about := r.Lookup("regardingobjectid"); about.ID != "" {
			return map[string]string{g1pk: kindRegarding + "#" + about.ID, g1sk: byAge}
		}
	}
	return nil
}
