package sales

import (
	"context"

	"segue/internal/rows"
)

// DueHandler does what a row of the due list wants now that its time has come, and
// moves its due time on, clears it, or deletes the row. It writes the row under
// the version with which it was given (rows.Tx.Hold), so that of two processes that
// take up the same row one has an effect; what else it does must bear repetition.
//
// A [rows.ConflictError] about the row means that somebody else had it. Another transient
// failure ([Transient]) puts the row off for a minute, any other failure and a panic
// for longer each time.
type DueHandler func(ctx context.Context, due *rows.Row) error
