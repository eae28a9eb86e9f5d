package rows

import (
	"context"

	"segue/internal/schema"
)

// hook is a function to run after a unit of work has been committed.
type hook struct {
	key any
	run func(ctx context.Context) error
}

// OnCommit registers run to be called once after [DB.Do] has committed this unit of
// work, even if nothing had to be written. Of several hooks with the same key, which
// must be comparable, only the first runs. A try that is not committed runs none.
func (tx *Tx) OnCommit(key any, run func(ctx context.Context) error) {
	for _, h := range tx.hooks {
		if h.key == key {
			return
		}
	}
	tx.hooks = append(tx.hooks, hook{key, run})
}

// runHooks runs the hooks in the order in which they were registered, until one
// fails. What was committed stays committed.
func (tx *Tx) runHooks(ctx context.Context) error {
	for _, h := range tx.hooks {
		if err := h.run(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Again reports whether this is not the first try of [DB.Do]: a row was no longer as
// an earlier try had loaded it.
func (tx *Tx) Again() bool { return tx.try > 0 }

// Schema returns the tables of the unit of work's rows.
func (tx *Tx) Schema() *schema.Schema { return tx.db.schema }

// Held returns a row that the unit of work holds, in its present state, nil when it
// does not hold the row. It reads nothing.
func (tx *Tx) Held(ref Ref) *Row { return tx.rows[ref] }

// Deleted reports whether the unit of work deletes a row.
func (tx *Tx) Deleted(ref Ref) bool { return tx.deleted[ref] }
