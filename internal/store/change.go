package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"
)

// ChangeKind is what happened to an item.
type ChangeKind uint8

// The kinds of change, as DynamoDB Streams names them.
const (
	Insert ChangeKind = iota + 1
	Modify
	Remove
)

// Change is one committed change of one item. Changes of one key come in the
// order of their commits, each once or more; changes of different keys come in
// any order.
type Change struct {
	Sequence string // orders the changes of a key and identifies the change in failure reports; opaque
	Kind     ChangeKind
	Key      Key
	Old, New Image     // before and after; nil where there was no item
	At       time.Time // when it was committed, approximately, to the second
}

// Image is an item as it was, still in the form in which it arrived, so that a reader
// pays only for the attributes that it wants. A value is checked when it is read,
// hence the errors. An Image may be read concurrently.
type Image interface {
	// Values reads attributes in one pass: into[n] becomes the value of name n,
	// [Absent] when the item had none of that name; into is as long as the list of
	// names. Ask once for all that is wanted. The texts may be parts of what the
	// image came in: who keeps one for long copies it.
	Values(names *Names, into []Value) error
	// Item returns the whole item, the caller's to change.
	Item() (Item, error)
}

// Values makes an Item an [Image] of itself.
func (i Item) Values(names *Names, into []Value) error {
	for n, name := range names.list {
		into[n] = i[name]
	}
	return nil
}

// SortKey returns the sort key in the table.
func (i Item) SortKey() string { return i[SK].Text() }

// Hold makes an Item a [Passing] one, which nobody changes.
func (i Item) Hold() Image { return i }

// Item returns a copy of the whole item.
func (i Item) Item() (Item, error) { return i.Clone(), nil }

// Handler processes a batch of changes in order and reports those that it could not
// process. A change that it reports, and every later change of the same key, is
// delivered again. Any other change may be delivered again too, so a Handler must be
// idempotent.
type Handler func(ctx context.Context, batch []Change) []Failure

// Failure is one change of a batch that could not be processed, and why.
type Failure struct {
	Index int // position in the batch
	Err   error
}

// Feed hands the change records of a table to a consumer.
type Feed interface {
	// Consume delivers changes to handle, batch by batch, until ctx ends (it then
	// returns nil at once, also while it waits) or reading fails. What handle
	// reports is delivered again, after a pause that grows up to a bound, for as
	// long as handle reports it: a feed sets nothing aside. The changes before the
	// lowest that was reported are done; the others come again, because a handler
	// may stop where it fails. A consumer that dies is given again the changes for
	// which handle had not returned.
	Consume(ctx context.Context, consumer string, handle Handler) error
}

// Deliver hands a batch over for a feed. It returns how many changes from its start
// are done and, if that is not all, why the next one is not. When handle panics, or
// reports a change that it was not given, none of the batch is done.
func Deliver(ctx context.Context, handle Handler, batch []Change) (done int, err error) {
	defer func() {
		if p := recover(); p != nil {
			done, err = 0, fmt.Errorf("the handler panicked: %v\n%s", p, debug.Stack())
		}
	}()
	failures := handle(ctx, slices.Clone(batch))
	if len(failures) == 0 {
		return len(batch), nil
	}
	lowest := slices.MinFunc(failures, func(a, b Failure) int { return cmp.Compare(a.Index, b.Index) })
	for _, f := range failures {
		if f.Index < 0 || f.Index >= len(batch) {
			return 0, fmt.Errorf("the handler reports change %d of a batch of %d: %w", f.Index, len(batch), f.reason())
		}
	}
	key := batch[lowest.Index].Key
	return lowest.Index, fmt.Errorf("change of %s/%s: %w", key.PK, key.SK, lowest.reason())
}

// reason is why a change was reported.
func (f Failure) reason() error {
	if f.Err == nil {
		return errNoReason
	}
	return f.Err
}

// errNoReason is the reason of a failure that a handler reports without one.
var errNoReason = errors.New("the handler gives no reason")
