package segmentation

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/related"
	"segue/internal/sales/segment"
	"segue/internal/tally"
)

// RelateReaction is the name that [Segmentation.Relate] is registered and parked under.
const RelateReaction = "segmentation.relate"

// asking is what the segments of a record type ask of related rows, and in an evaluation
// who answers it.
type asking struct {
	watches map[string][]related.Watch // by table
	lookups []string                   // of the record, that conditions follow
	reader  *related.Reader            // of one evaluation
	hand    related.Hand               // that the reader was begun with; nil: the record itself has changed
	moved   bool                       // a lookup by which conditions lead on has been changed
}

// begin returns the catalogue as one evaluation uses it, at this moment; the arguments are
// those of [asking.begin].
func (c compiled) begin(ctx context.Context, db *rows.DB, hand related.Hand, moved bool) compiled {
	c.related, c.now = c.related.begin(ctx, db, hand, moved), db.Now()
	return c
}

// askingOf returns what segments of a record type ask of related rows.
func (s *Segmentation) askingOf(recordType string, segments []segment.Entry) asking {
	a := asking{watches: map[string][]related.Watch{}}
	for _, e := range segments {
		for _, w := range related.Watches(s.db.Schema(), s.db.Schema().Table(recordType), e.Program) {
			a.watches[w.Table().Name] = append(a.watches[w.Table().Name], w)
		}
		a.lookups = append(a.lookups, related.Lookups(e.Program)...)
	}
	return a
}

// begin returns what is asked in one evaluation. hand is rows as they are; moved says that
// a lookup has been changed by which conditions lead on.
func (a asking) begin(ctx context.Context, db *rows.DB, hand related.Hand, moved bool) asking {
	if len(a.watches) > 0 {
		a.reader, a.hand, a.moved = related.NewReader(ctx, db, hand), hand, moved
	}
	return a
}

// anew is begin for an evaluation that starts again, with the rows that the one before had
// in hand, as they are now.
func (a asking) anew(ctx context.Context, db *rows.DB, before asking) (asking, error) {
	if len(before.hand) == 0 {
		return a.begin(ctx, db, nil, before.moved), nil
	}
	hand, err := related.NewHand(ctx, db, slices.Collect(maps.Keys(before.hand)))
	return a.begin(ctx, db, hand, before.moved), err
}

// Relate is the reaction to changes of rows that conditions of segments may ask for beside
// the record: it evaluates the records whose verdict may be another one now
// (docs/domain.md §8.3). A batch of rows that no active segment asks for reads nothing but
// what tells so.
func (s *Segmentation) Relate() sales.Reaction { return relate{s} }

// RelatedTables are the tables whose changes [Segmentation.Relate] follows.
func (s *Segmentation) RelatedTables() []sales.Subject {
	var subjects []sales.Subject
	for _, t := range related.Tables(s.db.Schema()) {
		subjects = append(subjects, sales.OfTable(t.Name))
	}
	return subjects
}

type relate struct{ *Segmentation }

// Prepare implements [sales.Reaction].
func (r relate) Prepare(ctx context.Context, _ []rows.Change) (sales.Follow, error) {
	if _, err := r.readCatalogues(ctx); err != nil {
		return nil, err
	}
	return func(ctx context.Context, change rows.Change) error {
		all, err := r.readCatalogues(ctx) // a batch may take longer than they are fresh
		if err != nil {
			return err
		}
		for _, recordType := range slices.Sorted(maps.Keys(all)) {
			err = errors.Join(err, r.relate(ctx, all[recordType], change))
		}
		return err
	}, nil
}

// relate evaluates the records of a type that a changed row matters to.
func (s *Segmentation) relate(ctx context.Context, known compiled, change rows.Change) error {
	var records []rows.Ref
	var rest []related.Rest
	hand, moved := related.Hand{}, false
	for _, w := range known.related.watches[change.Ref.Table] {
		concerns, leads, err := w.Concerns(change)
		if err != nil {
			return err
		}
		if !concerns {
			continue
		}
		found, err := w.Back(ctx, s.db, change)
		if err != nil {
			return err
		}
		rest = append(rest, found.Rest...)
		records, moved = append(records, found.Records...), moved || leads
		maps.Copy(hand, found.Hand)
	}
	if len(rest) > 0 {
		life, err := lifeOf(change)
		if err != nil {
			return err
		}
		if err := s.beginRest(ctx, rest, life); err != nil {
			return err
		}
	}
	slices.SortFunc(records, func(a, b rows.Ref) int { return strings.Compare(a.ID, b.ID) })
	return s.reconsider(ctx, known, slices.Compact(records), change.Ref, hand, moved)
}

// atOnce is how many records are read at once to be evaluated.
const atOnce = 100

// reconsider evaluates records because of a row that has changed, and moved says that it
// leads on to another row by now. A failure is that of the record.
func (s *Segmentation) reconsider(ctx context.Context, known compiled, records []rows.Ref, changed rows.Ref, hand related.Hand, moved bool) error {
	var failed error
	for refs := range slices.Chunk(records, atOnce) {
		found, err := s.db.Get(ctx, append(slices.Clone(refs), changed)...)
		if err != nil {
			return errors.Join(failed, failures(refs, err))
		}
		hand[changed] = found[len(refs)]
		for i, ref := range refs {
			if err := s.reconsiderOne(ctx, known, found[i], hand, moved); err != nil {
				failed = errors.Join(failed, &sales.RowError{Ref: ref, Handler: EvaluateReaction, Err: err})
			}
		}
	}
	return failed
}

// failures are the failure to read records, as that of each.
func failures(refs []rows.Ref, err error) error {
	all := make([]error, len(refs))
	for i, ref := range refs {
		all[i] = &sales.RowError{Ref: ref, Handler: EvaluateReaction, Err: err}
	}
	return errors.Join(all...)
}

// reconsiderOne evaluates a record that was read.
func (s *Segmentation) reconsiderOne(ctx context.Context, known compiled, record *rows.Row, hand related.Hand, moved bool) error {
	if record == nil || !(sales.Record{Row: record}).Erased().IsZero() {
		return nil
	}
	if known.broken != nil {
		return known.broken
	}
	tally.Add(ctx, tally.Evaluated, 1)
	known = known.begin(ctx, s.db, hand, moved)
	requested, pending, err := s.decide(ctx, known, record)
	if err != nil || !pending && !known.related.unsettled() {
		return err
	}
	return s.follow(ctx, known, record, requested, SourceStanding)
}
