package reaction

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/store"
)

// Redrive runs every reaction to changes of a row on the row as it is now, and
// takes away what was parked of it, except for those that fail: they are parked
// again, which is [sales.Precondition], unless another try may mend them. The error
// has all failures. A row that is gone has nothing to follow but its removal. A table
// that the program does not know is refused with [sales.Precondition] too.
func (h *Handler) Redrive(ctx context.Context, ref rows.Ref) error {
	t := h.db.Schema().Table(ref.Table)
	if t == nil {
		return sales.Refuse(sales.Precondition, "this version of the program, %s, has no table %q", h.program, ref.Table)
	}
	reactions := h.reactionsTo(t)
	// What is parked is read before the row, so that a change that is parked
	// meanwhile stays: it may be newer than the row that was read here.
	parked, err := h.readParked(ctx, ref, reactions)
	if err != nil {
		return err
	}
	began := h.db.Now() // a change that is made from here on may be later than what is tried
	present, err := h.db.Present(ctx, ref)
	if err != nil {
		return err
	}
	var failures []error
	for _, position := range reactions {
		r := h.reactions[position]
		if present.Kind == store.Remove && !slices.Contains(h.byKind[subject{t, store.Remove}], position) {
			continue
		}
		if err := h.redriveOne(ctx, r, present, began); err != nil {
			failures = append(failures, err)
			delete(parked, r.name)
		}
	}
	for _, row := range parked {
		failures = append(failures, h.unpark(ctx, row))
	}
	return errors.Join(failures...)
}

// reactionsTo returns the positions of the reactions to any change of a table's
// rows, in their order.
func (h *Handler) reactionsTo(t *schema.Table) []int {
	var positions []int
	for _, kind := range []store.ChangeKind{store.Insert, store.Modify, store.Remove} {
		positions = append(positions, h.byKind[subject{t, kind}]...)
	}
	slices.Sort(positions)
	return slices.Compact(positions)
}

// readParked returns what is parked of a row, by handler: of these reactions, and
// of a program that did not know the table. What other handlers parked, those of
// another version of the program, is theirs.
func (h *Handler) readParked(ctx context.Context, ref rows.Ref, reactions []int) (map[string]*rows.Row, error) {
	handlers := []string{decoding}
	for _, position := range reactions {
		handlers = append(handlers, h.reactions[position].name)
	}
	refs := make([]rows.Ref, len(handlers))
	for i, handler := range handlers {
		refs[i] = parkedRow(ref, handler)
	}
	found, err := h.db.Get(ctx, refs...)
	if err != nil {
		return nil, err
	}
	parked := map[string]*rows.Row{}
	for i, row := range found {
		if row != nil {
			parked[handlers[i]] = row
		}
	}
	return parked, nil
}

// redriveOne lets one reaction follow the row as it was read at a time.
func (h *Handler) redriveOne(ctx context.Context, r registered, present rows.Change, at time.Time) error {
	failure := r.follow(ctx, r.prepare(ctx, []rows.Change{present}), present)
	if failure == nil {
		return nil
	}
	if sales.Transient(failure) {
		return fmt.Errorf("%s of %v: %w", r.name, present.Ref, failure)
	}
	failure, err := h.parkElsewhere(ctx, at, failure)
	if failure == nil || err != nil {
		return err
	}
	// Parked, even if it was not before: nobody else may know of it.
	if err := h.park(ctx, parking{ref: present.Ref, kind: present.Kind, at: at, handler: r.name, redrive: true}, failure); err != nil {
		return err
	}
	if err := r.failed(ctx, present, failure); err != nil {
		return err
	}
	text := rows.Readable(fmt.Sprintf("%v cannot be followed yet by %s and is parked: %v", present.Ref, r.name, failure))
	return &sales.Error{Kind: sales.Precondition, Text: text, Cause: failure}
}

// unpark removes a parked row as it was read; one that has been parked again
// meanwhile stays.
func (h *Handler) unpark(ctx context.Context, row *rows.Row) error {
	tx := h.db.Begin("")
	tx.Delete(row)
	err := tx.Commit(ctx)
	if _, changed := errors.AsType[*rows.ConflictError](err); changed {
		return nil
	}
	return err
}

// Retry redrives the row that a parked row is about. A row whose table or handler
// this program does not know stays parked for the version that does, and the try
// counts. The parked row is one that was read; it is not changed.
func (h *Handler) Retry(ctx context.Context, parked *rows.Row) error {
	view := Parked{parked}
	known := slices.ContainsFunc(h.reactions, func(r registered) bool { return r.name == view.Handler() })
	if h.db.Schema().Table(view.Subject().Table) != nil && (known || view.Handler() == decoding) {
		return h.Redrive(ctx, view.Subject())
	}
	err := h.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, parked.Ref())
		if err != nil {
			return err
		}
		if row := found[0]; row != nil {
			h.countTry(row)
		}
		return nil
	})
	return errors.Join(err, sales.Refuse(sales.Precondition, "this version of the program, %s, cannot follow %v: it has no handler %q for it",
		h.program, view.Subject(), view.Handler()))
}
