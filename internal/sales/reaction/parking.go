package reaction

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"segue/internal/clock"
	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
	"segue/internal/tally"
)

// MaxAge is how old a change may be that is tried again because another try may
// mend it; then it is parked, so that it stops holding up its shard. A stream
// keeps changes for 24 hours.
const MaxAge = 6 * time.Hour

// decoding is the handler of a change whose table the program does not know.
const decoding = "reaction.decode"

// again says how long a parked change waits for its next try, by the number of
// tries so far.
func again() clock.Backoff { return clock.Backoff{Base: time.Minute, Most: MaxAge} }

// maxReason is how many characters of a reason are kept, as the schema has it.
const maxReason = 2000

// Parked is a typed view of a row of [name.ParkedChange]: a change that a handler
// could not follow. Its id is derived from row and handler, so the same change, or
// a later one of the row, that is parked again changes the row and adds none.
type Parked struct{ Row *rows.Row }

// Subject is the row whose change could not be followed. Its table may be one that
// this program does not know.
func (p Parked) Subject() rows.Ref {
	return rows.Ref{Table: p.Row.Text(name.SegueTable), ID: p.Row.Text(name.SegueRowid)}
}

// Handler is the name of the reaction.
func (p Parked) Handler() string { return p.Row.Text(name.SegueHandler) }

// Reason is the start of what the last try failed with.
func (p Parked) Reason() string { return p.Row.Text(name.SegueReason) }

// Cause is the row that the failure is blamed on, or the zero Ref.
func (p Parked) Cause() rows.Ref {
	return rows.Ref{Table: p.Row.Text(name.SegueCausetable), ID: p.Row.Text(name.SegueCause)}
}

// Tries is how often the change, or a later one of the row, could not be followed.
func (p Parked) Tries() int64 { return p.Row.Int(name.SegueTries) }

// Program is the version of the program that tried last.
func (p Parked) Program() string { return p.Row.Text(name.SegueProgram) }

// parking is what is to be parked.
type parking struct {
	ref     rows.Ref
	kind    store.ChangeKind
	at      time.Time // when the change was made, or since when the row is taken up
	handler string
	redrive bool // a try of its own, no delivery
}

// row names the parked row.
func (p parking) row() rows.Ref { return parkedRow(p.ref, p.handler) }

func parkedRow(ref rows.Ref, handler string) rows.Ref {
	return rows.Ref{Table: name.ParkedChange, ID: guid.Derive("parked", ref.Table, ref.ID, handler)}
}

// park writes the parked row. An error means that nothing is parked, so that the
// change must come again.
func (h *Handler) park(ctx context.Context, p parking, failure error) error {
	again := false
	err := h.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, p.row())
		if err != nil {
			return err
		}
		row := found[0]
		// A delivery comes again because of others in its batch, as often as these
		// need. This change has had its try.
		if again = row != nil && !p.redrive && h.hasTried(row, p); again {
			row.Touch() // a redrive that read the row before may not remove it
			return nil
		}
		if row == nil {
			row = tx.Create(tx.Schema().Table(name.ParkedChange), p.row().ID, map[string]schema.Value{
				name.SegueName:    schema.Text(p.ref.String()),
				name.SegueTable:   schema.Text(p.ref.Table),
				name.SegueRowid:   schema.Text(p.ref.ID),
				name.SegueHandler: schema.Text(p.handler),
			})
		}
		row.Set(name.SegueKind, schema.Int(int64(p.kind)))
		row.Set(name.SegueChangedon, schema.Time(p.at))
		h.setFailure(row, failure)
		return nil
	})
	if err != nil {
		return fmt.Errorf("%s of %v failed (%w) and cannot be parked: %w", p.handler, p.ref, failure, err)
	}
	if !again {
		tally.Add(ctx, tally.Parked, 1)
		slog.WarnContext(ctx, "a change is parked", "row", p.ref, "handler", p.handler, "reason", failure)
	}
	return nil
}

// Park parks what a registered reaction could not do with a row as it is, for work that
// does the same apart from changes.
func (h *Handler) Park(ctx context.Context, handler string, ref rows.Ref, failure error) error {
	return h.parkOther(ctx, parking{ref: ref, kind: store.Insert, at: h.db.Now(), handler: handler, redrive: true}, failure)
}

// parkOther parks what could not be done to a row that no change is followed of, and tells the
// reaction that would have done it, with the row as it is.
func (h *Handler) parkOther(ctx context.Context, p parking, failure error) error {
	if err := h.park(ctx, p, failure); err != nil {
		return err
	}
	for _, r := range h.reactions {
		if r.name != p.handler {
			continue
		}
		present, err := h.db.Present(ctx, p.ref)
		if err != nil {
			return err
		}
		return r.failed(ctx, present, failure)
	}
	return nil
}

// parkElsewhere parks what could not be done to other rows than the one that was followed,
// and returns the failures of that row itself, nil for none.
func (h *Handler) parkElsewhere(ctx context.Context, at time.Time, failure error) (own, err error) {
	others, own := sales.RowErrors(failure)
	for _, other := range others {
		if err := h.parkOther(ctx, parking{ref: other.Ref, kind: store.Modify, at: at, handler: other.Handler}, other.Err); err != nil {
			return own, err
		}
	}
	return own, nil
}

// hasTried reports whether this version of the program has tried the change of p since
// it was made: the row was parked because of it, because of a later change, or when it
// was taken up as it was then. Stored times are whole seconds, so that in one second
// the kinds of changes tell which is later.
func (h *Handler) hasTried(row *rows.Row, p parking) bool {
	at, _ := schema.Time(p.at).Time()
	later := cmp.Or(at.Compare(row.Time(name.SegueChangedon)), cmp.Compare(int64(p.kind), row.Int(name.SegueKind)))
	return later <= 0 && (Parked{row}).Program() == h.program
}

// setFailure makes a parked row say why its last try failed, and counts it.
func (h *Handler) setFailure(row *rows.Row, failure error) {
	var blamed rows.Ref
	if cause, ok := errors.AsType[*sales.CauseError](failure); ok {
		blamed = cause.Ref
	}
	row.Set(name.SegueReason, schema.Text(excerpt.Runes(rows.Readable(failure.Error()), maxReason)))
	row.Set(name.SegueCausetable, textOrNull(blamed.Table))
	row.Set(name.SegueCause, textOrNull(blamed.ID))
	row.Set(name.SegueProgram, schema.Text(h.program))
	h.countTry(row)
}

// countTry counts one more try of a parked row and says when the next is due.
func (h *Handler) countTry(row *rows.Row) {
	tries := Parked{row}.Tries() + 1
	row.Set(name.SegueTries, schema.Int(tries))
	row.Set(name.SegueDueon, schema.Time(h.db.Now().Add(again().Longest(int(tries)))))
}

func textOrNull(text string) schema.Value {
	if text == "" {
		return schema.Null()
	}
	return schema.Text(text)
}
