package sales

import (
	"errors"
	"fmt"

	"segue/internal/rows"
	"segue/internal/store"
)

// Kind is what sort of refusal an Error is. A kind is itself an error, so that
// errors.Is(err, NotFound) asks for it.
type Kind string

// The kinds. A value that breaks a rule of the schema is a *schema.Error, a
// condition tree that is wrong a *filter.Error, both wrapped in Invalid.
const (
	NotFound     Kind = "not found"
	Invalid      Kind = "invalid argument"
	Duplicate    Kind = "duplicate"           // a row with that id is there
	NoKey        Kind = "no row with the key" // no row has the values of an alternate key
	KeyTaken     Kind = "key taken"           // another row has the values of an alternate key
	Associated   Kind = "associated"          // other rows point at the row
	Stale        Kind = "version mismatch"    // the row is not the version that the caller saw
	Precondition Kind = "precondition failed" // a rule of the domain says no in the present state
	Limit        Kind = "limit reached"       // a count of docs/domain.md §2
	Forbidden    Kind = "privilege missing"   // docs/domain.md §12
	Unavailable  Kind = "temporarily refused" // the same call may succeed later
	TooLarge     Kind = "too large"           // a row that no store item holds
	NotServed    Kind = "not served here"     // this installation lacks what it takes
)

// Error makes a Kind an error.
func (k Kind) Error() string { return string(k) }

// Error is a refusal: its kind, what to tell the caller, and the cause, which
// is for the log only.
type Error struct {
	Kind  Kind
	Text  string // public; names the field, the value and the rule
	Cause error
}

// Error is the public text.
func (e *Error) Error() string { return e.Text }

// Unwrap gives errors.Is and errors.As the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// Refuse returns a refusal of a kind with a public text.
func Refuse(kind Kind, format string, args ...any) error {
	return &Error{Kind: kind, Text: fmt.Sprintf(format, args...)}
}

// InvalidInput passes on what a checker of input said; nil for nil.
func InvalidInput(err error) error {
	if err == nil {
		return nil
	}
	return &Error{Kind: Invalid, Text: err.Error(), Cause: err}
}

// NoRow refuses because a row is not there.
func NoRow(ref rows.Ref) error {
	return Refuse(NotFound, "%s With Id = %s Does Not Exist", ref.Table, ref.ID)
}

// Public turns what the floors below say into refusals; what has no kind stays
// as it is, an internal error.
func Public(err error) error {
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*Error](err); ok {
		return err
	}
	if conflict, ok := errors.AsType[*rows.ConflictError](err); ok {
		return &Error{Unavailable, fmt.Sprintf("%v kept changing while it was written; try again", conflict.Ref), err}
	}
	if taken, ok := errors.AsType[*rows.DuplicateKeyError](err); ok {
		return &Error{KeyTaken, taken.Error(), err}
	}
	if both, ok := errors.AsType[*rows.ContradictionError](err); ok {
		return &Error{Precondition, both.Error(), err}
	}
	if many, ok := errors.AsType[*rows.TooManyError](err); ok {
		return &Error{Invalid, many.Error(), err}
	}
	if big, ok := errors.AsType[*store.ExceededError](err); ok {
		return &Error{TooLarge, rows.Readable(big.Error()), err}
	}
	if errors.Is(err, store.ErrFull) {
		return &Error{Unavailable, "the disk of the store is full; try again when there is space on it", err}
	}
	if errors.Is(err, store.ErrUnavailable) {
		return &Error{Unavailable, "the store is busy; try again", err}
	}
	return err
}
