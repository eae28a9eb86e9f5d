package sales

import (
	"context"

	"segue/internal/rows"
	"segue/internal/store"
)

// AtOnce is how many rows of one batch or selection are worked on in parallel.
const AtOnce = 16

// Reaction is what follows from changes. The same change may come again at any
// time; what was done is not done again. A change that could not be followed may
// also come as the row is at present: as an insert without an old image, whatever
// kinds the reaction is registered for, and where the row is gone as a removal
// without images. So what follows from a removal needs nothing but the key.
type Reaction interface {
	// Prepare is called once a batch with the changes that the reaction is
	// registered for, and not at all when there is none. Its error fails each of
	// them, so what is wrong with one change is for Follow to say. It returns what is
	// then called for each, for different rows at the same time; nil when nothing
	// follows.
	Prepare(ctx context.Context, batch []rows.Change) (Follow, error)
}

// Failing is a [Reaction] that is told of the changes that it could not follow.
type Failing interface {
	Reaction
	// Failed does what follows from a change that is parked because of a failure. It may be
	// called again for the same change and failure, and for a later change of the row. Its
	// error means that the change must come again.
	Failed(ctx context.Context, change rows.Change, failure error) error
}

// Follow does what follows from one change.
type Follow func(ctx context.Context, change rows.Change) error

// Prepare makes a Follow that needs nothing prepared a [Reaction].
func (f Follow) Prepare(context.Context, []rows.Change) (Follow, error) { return f, nil }

// Interest is the changes that a reaction is registered for.
type Interest struct {
	Subject Subject
	Kinds   []store.ChangeKind
}
