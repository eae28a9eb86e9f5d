package sales

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"segue/internal/rows"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Transient reports whether the same work may succeed later though nobody mends
// anything: the store or a part of the domain was busy, a row kept changing, or
// the time was up. Such work is tried again; every other failure comes again
// with every try, so that it is parked at once (docs/decisions/0011-failure.md).
// One part of a joined error is enough: what else went wrong is found out by the
// next try.
func Transient(err error) bool {
	if _, changed := errors.AsType[*rows.ConflictError](err); changed {
		return true
	}
	return errors.Is(err, store.ErrUnavailable) || errors.Is(err, Unavailable) ||
		errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// PanicError is a panic that [Contain] ended: a mistake in the program that one
// piece of the work has met.
type PanicError struct {
	Value any
	Stack []byte // of the goroutine that panicked, for the log
}

// Error says what the panic said, without the stack.
func (e *PanicError) Error() string { return fmt.Sprintf("panic: %v", e.Value) }

// Contain calls f and turns a panic into a [*PanicError], so that it ends one
// piece of work (a change, a record of a selection, a row of a job) and not the
// process. Whoever takes the error logs the stack, once.
func Contain(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = &PanicError{Value: p, Stack: debug.Stack()}
		}
	}()
	return f()
}

// CauseError says which row's fault a failure is, such as a segment whose
// conditions no longer compile. When that row is mended, what was parked because
// of it is taken up again.
type CauseError struct {
	Ref     rows.Ref
	Version int64 // of the row as it was found to be at fault; 0 where none was
	Err     error
}

// Error is the text of the failure.
func (e *CauseError) Error() string { return e.Err.Error() }

// Unwrap returns the failure.
func (e *CauseError) Unwrap() error { return e.Err }

// BecauseOf marks a failure as the fault of a row, as it is at a version; nil stays nil.
func BecauseOf(ref rows.Ref, version int64, err error) error {
	if err == nil {
		return nil
	}
	return &CauseError{ref, version, err}
}

// RowError is a failure to follow a change in what it means to another row. It is parked
// as a failure of that row, for the reaction of that name: when it is taken up, that row
// is followed as it is then.
type RowError struct {
	Ref     rows.Ref
	Handler string // the name of a registered reaction
	Err     error
}

// Error names the row.
func (e *RowError) Error() string { return fmt.Sprintf("%v: %v", e.Ref, e.Err) }

// Unwrap returns the failure.
func (e *RowError) Unwrap() error { return e.Err }

// RowErrors takes a failure, joined or not, apart into those of other rows and what is
// left, nil for nothing.
func RowErrors(err error) (of []*RowError, left error) {
	switch e := err.(type) { //nolint:errorlint // wrapped ones belong to who wraps them
	case *RowError:
		return []*RowError{e}, nil
	case interface{ Unwrap() []error }:
		var rest []error
		for _, part := range e.Unwrap() {
			more, other := RowErrors(part)
			of, rest = append(of, more...), append(rest, other)
		}
		if len(of) > 0 {
			return of, errors.Join(rest...)
		}
	}
	return nil, err
}

// RedriveKind is the kind of the jobs that take up again what is parked
// (docs/decisions/0011-failure.md).
const RedriveKind = "redrive"

// Redrive is a job that takes up what is parked because of a row, or all that is
// parked for the zero Ref. It begins in the unit of work that ends the cause.
func Redrive(id name.JobID, cause rows.Ref) NewJob {
	job := NewJob{
		ID: id, Kind: RedriveKind, Name: "Take up all that is parked", Subject: cause,
		Scans: []Scan{{Table: name.ParkedChange, Small: true}},
	}
	if cause != (rows.Ref{}) {
		job.Name = fmt.Sprintf("Take up what is parked because of %v", cause)
	}
	return job
}
