package rows

import (
	"context"
	"errors"
	"fmt"
	"time"

	"segue/internal/schema"
	"segue/internal/store"
)

// MaxCommit is how many rows a unit of work may write, those included whose versions it
// relies on.
const MaxCommit = store.MaxWriteOps

// TooManyError says that a unit of work would write more rows than the store writes at
// once. Nothing was written.
type TooManyError struct{ Rows int }

// Error names the number and the limit.
func (e *TooManyError) Error() string {
	return fmt.Sprintf("%d rows would be written at once; the limit is %d", e.Rows, MaxCommit)
}

// Limit returns the name of the limit, its value and what was wanted of it.
func (e *TooManyError) Limit() (name string, most, used int) { return "WrittenRows", MaxCommit, e.Rows }

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

// runHooks runs all hooks in the order in which they were registered, though one
// fails: what another has to drop is as old as before. What was committed stays
// committed, and the error says so.
func (tx *Tx) runHooks(ctx context.Context) error {
	var failed []error
	for _, h := range tx.hooks {
		if err := h.run(ctx); err != nil {
			failed = append(failed, err)
		}
	}
	if len(failed) > 0 {
		return fmt.Errorf("committed, but what follows a commit failed: %w", errors.Join(failed...))
	}
	return nil
}

// Again reports whether this is not the first try of [DB.Do]: a row was no longer as
// an earlier try had loaded it.
func (tx *Tx) Again() bool { return tx.again }

// Now is the time, as [DB.Now] has it.
func (tx *Tx) Now() time.Time { return tx.db.Now() }

// Schema returns the tables of the unit of work's rows.
func (tx *Tx) Schema() *schema.Schema { return tx.db.schema }

// Held returns a row that the unit of work holds, in its present state, nil when it
// does not hold the row or deletes it. It reads nothing.
func (tx *Tx) Held(ref Ref) *Row {
	if tx.deleted[ref] {
		return nil
	}
	return tx.rows[ref]
}

// Deleted reports whether the unit of work deletes a row.
func (tx *Tx) Deleted(ref Ref) bool { return tx.deleted[ref] }
