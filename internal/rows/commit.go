package rows

import (
	"context"

	"segue/internal/schema"
)

// hook is what is to run after a unit of work has been committed.
type hook struct {
	key any
	run func(ctx context.Context) error
}

// OnCommit makes run be called once after [DB.Do] has committed this unit of
// work, also when nothing had to be written. Of several hooks with one key,
// which must be comparable, the first runs. A try that is not committed runs
// none.
func (tx *Tx) OnCommit(key any, run func(ctx context.Context) error) {
	for _, h := range tx.hooks {
		if h.key == key {
			return
		}
	}
	tx.hooks = append(tx.hooks, hook{key, run})
}

// committed runs the hooks in the order in which they came. The first that
// fails ends it; what was written stands all the same.
func (tx *Tx) committed(ctx context.Context) error {
	for _, h := range tx.hooks {
		if err := h.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Again reports whether this is not the first try of [DB.Do]: something was not
// as an earlier try had found it.
func (tx *Tx) Again() bool { return tx.try > 0 }

// Schema returns the tables of the unit of work's rows.
func (tx *Tx) Schema() *schema.Schema { return tx.db.schema }

// Held returns a row that the unit of work holds as it stands in it, nil when it
// holds none; it reads nothing.
func (tx *Tx) Held(ref Ref) *Row { return tx.rows[ref] }

// Deleted reports whether the unit of work deletes a row.
func (tx *Tx) Deleted(ref Ref) bool { return tx.deleted[ref] }
