package store

import (
	"errors"
	"fmt"
)

// ErrUnavailable means that the store cannot serve the call at present, because of
// throttling, conflicting transactions or the network, after the store's own bounded
// retries. The same call may succeed later. Whether a Write that returned it was
// applied is not known.
var ErrUnavailable = errors.New("store unavailable")

// ErrFull is an [ErrUnavailable]: the store has no space left on its disk. The same
// call succeeds once there is some.
var ErrFull = fmt.Errorf("%w: the disk is full", ErrUnavailable)

// ConditionError reports that a Write was not applied because a condition did not
// hold.
type ConditionError struct {
	Op   int  // position of the operation in the call
	Key  Key  // its key
	Item Item // the item as it was seen, nil when there was none
}

// Error names the operation and the key.
func (e *ConditionError) Error() string {
	return fmt.Sprintf("condition of operation %d on %s/%s does not hold", e.Op, e.Key.PK, e.Key.SK)
}

// ExceededError reports that a call exceeds a limit of the store. Nothing was done.
type ExceededError struct {
	What string // what is too large, e.g. "item lead#3/…"
	Size int    // how large it is
	Max  int    // how large it may be
}

// Error names the thing, its size and the limit.
func (e *ExceededError) Error() string {
	return fmt.Sprintf("%s has %d; the limit is %d", e.What, e.Size, e.Max)
}

// Limit returns the name of the limit, its value and what was wanted of it.
func (e *ExceededError) Limit() (name string, most, used int) { return "StoredSize", e.Max, e.Size }
