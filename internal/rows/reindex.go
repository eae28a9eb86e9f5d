package rows

import (
	"maps"

	"segue/internal/store"
)

// Reindex has the row written, with a new version and as of no other time, if its stored index keys are not
// those that the schema makes, and reports whether they are not. It also takes away
// keys of uses that the table does not have, which every other write carries through:
// whoever calls it says that no other version of the program needs them.
func (r *Row) Reindex() (stale bool) {
	keys := indexKeys(r)
	for _, on := range Indexes() {
		for _, attr := range []string{on.PK, on.SK} {
			want, has := keys[attr]
			if v, had := r.stored[attr]; had != has || has && v != store.S(want) {
				stale = true
			}
		}
	}
	if !stale {
		return false
	}
	r.stored = maps.Clone(r.stored) // others may hold the item that it was decoded from
	for _, on := range Indexes() {
		delete(r.stored, on.PK)
		delete(r.stored, on.SK)
	}
	r.Touch()
	r.rekeyed = true
	return true
}
