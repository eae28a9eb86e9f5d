// Package store is the store contract: the few primitives of DynamoDB that
// Segue is built on, as data and one interface, so that the product's store and
// the laptop's store are interchangeable and neither is second class.
//
// An item is a map of attribute values under a string partition key ("pk") and
// a string sort key ("sk"). Items are read by key and by partition (of the table
// or of an index); nothing reads a whole table. They change only through
// Write, which is atomic over its operations and in which every operation may
// carry a condition. Each committed change of an item appears once or more in
// the change feed, in order for one key, with the images before and after.
//
// Invariant: two stores return the same results for the same calls. The script in
// internal/storetest defines what that means and runs against each of them.
package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
)

// The attributes that hold an item's primary key. Every item has both.
const (
	PK = "pk"
	SK = "sk"
)

// Limits of DynamoDB that every store enforces. A call that exceeds one returns an
// [*ExceededError] and writes nothing.
const (
	MaxItemBytes  = 400 << 10 // an item, attribute names included
	MaxWriteOps   = 100       // operations in one Write
	MaxWriteBytes = 4 << 20   // all items of one Write together
	MaxPageBytes  = 1 << 20   // items of one page together
	MaxGetKeys    = 100       // keys in one Get
	MaxKeyBytes   = 1024      // a sort key; a partition key may have 2048
)

// Key is the primary key of an item. Neither part is ever empty.
type Key struct{ PK, SK string }

// Item is an item's attributes by name, the key attributes included. A store
// neither keeps nor changes an Item it was given, and the caller owns an Item
// that a store returns.
type Item map[string]Value

// Key returns the item's primary key.
func (i Item) Key() Key { return Key{i[PK].Text(), i[SK].Text()} }

// Clone returns a copy that shares no map with i. Values are immutable, so the
// copy may be changed freely.
func (i Item) Clone() Item { return maps.Clone(i) }

// Size returns the item's size in bytes as DynamoDB bills it: UTF-8 attribute names
// plus values.
func (i Item) Size() int {
	n := 0
	for name, v := range i {
		n += len(name) + v.Size()
	}
	return n
}

// Index declares a secondary index: the two attributes that are its keys. An
// item without both is not in the index (a sparse index), and an index holds
// keys only: a query on it returns the primary key and the index key.
type Index struct{ Name, PK, SK string }

// Store is a table. All methods may be called concurrently. Errors are
// [*ConditionError], [*ExceededError], [ErrInvalid] (a call that no limit forbids
// but that makes no sense), [ErrUnavailable] (wrapped, after bounded retries
// inside) or the context's own.
type Store interface {
	// Get reads up to MaxGetKeys distinct keys, strongly consistent each, and
	// returns the items in the order of the keys, nil where there is none. It
	// is not a snapshot across keys. One call is one request.
	Get(ctx context.Context, keys ...Key) ([]Item, error)

	// Query reads one page of one partition in sort-key order. On the table
	// itself it is strongly consistent; on an index it is not: an index may
	// lag behind the table, so a caller reads again what it must be sure of.
	Query(ctx context.Context, q Query) (Page, error)

	// Write applies all operations or none. Operations name distinct keys. If
	// a condition does not hold, the error is a *ConditionError. One
	// operation costs a plain write; several, or one that adds (Op.AddingOne),
	// a transaction.
	Write(ctx context.Context, ops ...Op) error
}

// Query selects part of a partition, from one end or the other.
//
// Sort keys are unique in a partition: on the table by themselves, in an index
// because whoever spells them ends them with the row's id. So the sort key of a
// page's last item is all that the next page needs, as its After. If
// items share an index sort key nevertheless, a page shows all of them, except that
// those that the end of a page cuts off are left out of the next.
type Query struct {
	Index      string // name of an index, or "" for the table itself
	Partition  string // value of the partition key
	After      string // exclusive: the sort keys after this one, in the direction of reading; "" for all
	To         string // inclusive: the last sort key, in the direction of reading; "" for all
	Limit      int    // items at most; 0 means as many as a page holds
	Descending bool   // from the largest sort key down; After is then the upper end and To the lower
	// Keep allows a store to leave out items of the table for which it reports false, so
	// that they need not be decoded; nil keeps all. They count towards Limit.
	Keep func(Passing) bool
}

// Passing is an item that a query goes past. It holds until [Query.Keep] has answered.
type Passing interface {
	Image
	SortKey() string
	Size() int // about how many bytes it is as it is stored
	// Hold returns it to be kept, as it is now.
	Hold() Image
}

// Page is part of the result of a query. More reports that there may be more
// after its last item; it then has at least one, or has left one out, though the next
// page may be empty.
type Page struct {
	Items []Item
	More  bool
	// What [Query.Keep] has left out: items, their bytes, and, if the last one was, its sort
	// key, after which the next page begins.
	Left, LeftBytes int
	LeftLast        string
}

// OpKind is what an [Op] does.
type OpKind uint8

// The operations of a Write.
const (
	OpPut    OpKind = iota + 1 // replace the whole item with Item
	OpUpdate                   // set the attributes of Item, remove those of Remove, add one to those of AddOne; makes the item when absent
	OpDelete                   // remove the item; nothing happens when it is absent
	OpCheck                    // only the condition counts
)

// Op is one operation of a Write, made by Put, Update, Delete or Check.
type Op struct {
	Kind   OpKind
	Key    Key
	Item   Item      // OpPut: the item with its key; OpUpdate: the attributes to set, without the key
	Remove []string  // OpUpdate only
	AddOne []string  // OpUpdate only
	If     Condition // the zero Condition always holds
}

// Result returns the item after op is applied to old, where nil is no item. It changes
// neither and ignores the condition. The error is [ErrInvalid]: an attribute to which
// nothing can be added.
func (op Op) Result(old Item) (Item, error) {
	switch op.Kind {
	case OpPut:
		return op.Item.Clone(), nil
	case OpUpdate:
		i := Item{PK: S(op.Key.PK), SK: S(op.Key.SK)}
		maps.Copy(i, old)
		maps.Copy(i, op.Item)
		for _, name := range op.Remove {
			delete(i, name)
		}
		for _, name := range op.AddOne {
			v, err := plusOne(old[name])
			if err != nil {
				return nil, fmt.Errorf("add one to attribute %s of %s/%s: %w", name, op.Key.PK, op.Key.SK, err)
			}
			i[name] = v
		}
		return i, nil
	case OpCheck:
		return old, nil
	case OpDelete:
	}
	return nil, nil //nolint:nilnil // no item
}

// Put replaces the item that has i's key.
func Put(i Item, cond Condition) Op { return Op{Kind: OpPut, Key: i.Key(), Item: i, If: cond} }

// Update sets and removes single attributes, which are never key attributes
// and never in both lists.
func Update(k Key, set Item, remove []string, cond Condition) Op {
	return Op{Kind: OpUpdate, Key: k, Item: set, Remove: remove, If: cond}
}

// AddingOne returns an Update that also raises these attributes by one. One that is
// not there counts as 0; one that is there must be a number. They are not among those
// that it sets or removes, and they are not keys. An addition cannot be recognized in
// the item that it made, so a store that repeats a request after a lost response must
// know by other means that it is the same one.
func (op Op) AddingOne(attrs ...string) Op {
	op.AddOne = append(slices.Clone(op.AddOne), attrs...)
	return op
}

// Delete removes the item.
func Delete(k Key, cond Condition) Op { return Op{Kind: OpDelete, Key: k, If: cond} }

// Check makes the whole Write depend on an item that it does not change. Two
// transactions that name one item cancel each other, so never check an item
// that many writes share (ARCHITECTURE.md).
func Check(k Key, cond Condition) Op { return Op{Kind: OpCheck, Key: k, If: cond} }
