package reaction

import (
	"context"
	"errors"
	"sync"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// TakeUp is the [sales.DueHandler] of parked rows: it retries one. What fails again
// is parked again, which says when its next try is due, so that isn't a failure here.
func (h *Handler) TakeUp(ctx context.Context, parked *rows.Row) error {
	if err := h.Retry(ctx, parked); sales.Transient(err) {
		return err
	}
	return nil
}

// wakeAtOnce is how many parked rows one [Handler.Wake] goes through.
const wakeAtOnce = 100

// waking is how far a process has come with what other versions parked.
type waking struct {
	mu    sync.Mutex
	shard int    // of the list of parked rows
	after string // sort key in it
}

// Wake makes parked rows due that another version of the program tried last: this
// one may be the mend. They come before everything that this version parked. A
// process goes through all parked rows once, wakeAtOnce of them a call; then a call
// costs nothing. A row that this version cannot take up either waits for its time.
func (h *Handler) Wake(ctx context.Context) error {
	h.waking.mu.Lock()
	defer h.waking.mu.Unlock()
	t := h.db.Schema().Table(name.ParkedChange)
	shards := rows.ListPartitions(t)
	for left := wakeAtOnce; left > 0 && h.waking.shard < len(shards); {
		part, err := h.db.Read(ctx, t, shards[h.waking.shard], h.waking.after, left)
		if err != nil {
			return err
		}
		for _, row := range part.Rows {
			if err := h.wake(ctx, row); err != nil {
				return err
			}
		}
		left -= part.Seen
		if h.waking.after = part.Next; part.Next == "" {
			h.waking.shard++
		}
	}
	return nil
}

// wake makes a row of another version due. The time of its last try comes before
// the next try of any row.
func (h *Handler) wake(ctx context.Context, row *rows.Row) error {
	if (Parked{row}).Program() == h.program || row.Due(h.db.Now()) {
		return nil
	}
	tx := h.db.Begin("")
	tx.Hold(row)
	row.Set(name.SegueDueon, schema.Time(row.Time(rows.ModifiedOn)))
	err := tx.Commit(ctx)
	if _, changed := errors.AsType[*rows.ConflictError](err); changed {
		return nil // it has just been tried
	}
	return err
}
