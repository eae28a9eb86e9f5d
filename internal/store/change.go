package store

import (
	"context"
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
	// Values reads attributes in one pass: into[n] becomes the value of
	// attrs[n], [Absent] when the item had none of that name; into is as
	// long as attrs. Ask once for all that is wanted.
	Values(attrs []string, into []Value) error
	// Item returns the whole item, the caller's to change.
	Item() (Item, error)
}

// Values makes an Item an [Image] of itself.
func (i Item) Values(attrs []string, into []Value) error {
	for n, attr := range attrs {
		into[n] = i[attr]
	}
	return nil
}

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
	// Consume delivers changes to handle, batch by batch, until ctx ends (it
	// then returns nil) or reading fails. A change that keeps failing is set
	// aside with its reason, where a person can see it, and does not hold up
	// the others. A consumer that dies is given again the changes for which
	// handle had not returned.
	Consume(ctx context.Context, consumer string, handle Handler) error
}
