// Package authoring is the life of a sequence's row: its draft, the checks and the
// limit of activation, its versions, revisions of what is active, refused edits, the phases
// of its end; and the cached reading of definitions for those who work by them.
//
// Where to find what: the rules of rows are in rules.go, versions in version.go, drafts of
// active sequences in revision.go, reading in this file. What ends the connections of a
// sequence that ends is in room connection, above.
//
// Invariant: a version never changes. Each activation of something else is a version of
// its own, which a row keeps that nobody can write, and what runs goes by versions alone:
// a draft is seen by those who edit it.
package authoring

import (
	"context"
	"slices"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/generation"
	"segue/internal/sales/principal"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema/name"
)

// MaxActiveSequences is how many sequences of an organisation may be active
// (docs/domain.md §2).
const MaxActiveSequences = 250

// maxCached is how many sequences a process keeps: twice as many as may be active.
const maxCached = 2 * MaxActiveSequences

// ActiveSequences is the limit of active sequences.
func ActiveSequences() sales.Quota {
	return sales.Quota{Name: sales.ActiveSequences, Table: name.Sequence, Most: MaxActiveSequences}
}

// Sequences is the rules of sequences and the cached reading of them. It is safe for
// concurrent use.
type Sequences struct {
	db         *rows.DB
	entities   *entity.Entities
	generation *generation.Generation
	cache      *generation.Cache[Sequence]
	versions   *generation.Cache[sequence.Definition] // those that are not of a row in the cache
}

// New returns the sequences among the rows of db.
func New(db *rows.DB, entities *entity.Entities, known *generation.Generation) *Sequences {
	return &Sequences{
		db: db, entities: entities, generation: known,
		cache: generation.NewCache[Sequence](known, maxCached), versions: generation.NewCache[sequence.Definition](known, maxCached),
	}
}

// Sequence is a sequence as those see it who work by it. The zero Sequence is one
// that is not there.
type Sequence struct {
	ID         name.SequenceID
	Name       string
	Table      string // of its records
	Active     bool
	Owned      principal.Owned     // whose it is
	Definition sequence.Definition // when it is active
	Verdicts   sequence.Verdicts   // of its tests that have ended
}

// sequenceOf reads a sequence's row, which may be nil. One that is being deleted
// is not there. What is in revision works by the version before; tx, which may be nil, may
// have made that.
func (s *Sequences) sequenceOf(ctx context.Context, tx *rows.Tx, row *rows.Row) (Sequence, error) {
	if row == nil || Deleting(row) {
		return Sequence{}, nil
	}
	view := sequence.Sequence{Row: row}
	found := Sequence{
		ID: name.SequenceID(row.ID), Name: view.Name(), Table: view.RecordType(),
		Active: view.State() == sequence.Active, Owned: principal.OwnedRow(row),
	}
	if !found.Active {
		return found, nil
	}
	var err error
	if found.Verdicts, err = sequence.ReadVerdicts(row.Text(name.SegueTestverdicts)); err != nil {
		return found, err
	}
	if !view.InRevision() {
		found.Definition, err = language.Read(s.db.Schema(), found.ID, row)
		return found, err
	}
	if tx != nil {
		if kept := tx.Held(rows.RefTo(name.Sequence, VersionID(found.ID, view.Version()))); kept != nil {
			found.Definition, err = language.Read(s.db.Schema(), found.ID, kept)
			return found, err
		}
	}
	found.Definition, err = s.kept(ctx, found.ID, view.Version())
	return found, err
}

// Deleting reports whether a sequence's row is there only until its connections
// have ended.
func Deleting(row *rows.Row) bool { return sequence.Sequence{Row: row}.Phase() == sequence.Deleting }

// Sequence reads a sequence that a row names through the cache: it is as it was at
// most [sales.Freshness] ago.
func (s *Sequences) Sequence(ctx context.Context, id name.SequenceID) (Sequence, error) {
	return s.cache.Get(ctx, string(id), func(ctx context.Context) (Sequence, error) { return s.Read(ctx, id) })
}

// Read reads a sequence as it is now. The id of one of its versions means the sequence
// (docs/domain.md §7.3).
func (s *Sequences) Read(ctx context.Context, id name.SequenceID) (Sequence, error) {
	return s.find(ctx, nil, id, s.db.Get)
}

// ReadIn is Read in a unit of work.
func (s *Sequences) ReadIn(ctx context.Context, tx *rows.Tx, id name.SequenceID) (Sequence, error) {
	return s.find(ctx, tx, id, tx.Load)
}

// find is Read; read reads rows.
func (s *Sequences) find(ctx context.Context, tx *rows.Tx, id name.SequenceID, read func(context.Context, ...rows.Ref) ([]*rows.Row, error)) (Sequence, error) {
	found, err := read(ctx, rows.RefTo(name.Sequence, id))
	if err != nil {
		return Sequence{}, err
	}
	if view := (sequence.Sequence{Row: found[0]}); found[0] != nil && view.IsVersion() {
		return s.find(ctx, tx, view.Definition(), read)
	}
	return s.sequenceOf(ctx, tx, found[0])
}

// maxReads is how many items [Sequences.LoadWith] reads: two rows, the sequence and the
// generation of definitions, which also tells whether the settings still stand that due times
// depend on.
const maxReads = 4

// LoadWith loads rows into a unit of work that needs a sequence too, which is read
// along, in the same request, unless one that is active is at hand.
func (s *Sequences) LoadWith(ctx context.Context, tx *rows.Tx, id name.SequenceID, refs ...rows.Ref) (found []*rows.Row, parent Sequence, err error) {
	parent, ok, err := s.atHand(ctx, tx, id)
	if err != nil {
		return nil, parent, err
	}
	if ok {
		found, err = tx.Load(ctx, refs...)
		return found, parent, err
	}
	reading := s.generation.Begin(tx)
	known := len(refs)
	all := append(slices.Clone(refs), rows.RefTo(name.Sequence, id))
	if len(all) < maxReads {
		all = append(all, reading.Also()...)
	}
	if found, err = tx.Load(ctx, all...); err != nil {
		return nil, parent, err
	}
	reading.Heard(found[known+1:])
	if parent, err = s.ReadIn(ctx, tx, id); err != nil { // of a version that was read, the sequence
		return nil, parent, err
	}
	if parent.ID == id {
		s.cache.Keep(reading, string(id), parent)
	}
	return found[:known], parent, nil
}

// atHand returns a sequence that a unit of work may use without reading it.
func (s *Sequences) atHand(ctx context.Context, tx *rows.Tx, id name.SequenceID) (parent Sequence, ok bool, err error) {
	// What this unit of work does to the sequence counts here and is not for
	// the cache, which must hold only what has been committed; and a row that was
	// loaded earlier may be older than the cache.
	ref := rows.RefTo(name.Sequence, id)
	if tx.Held(ref) != nil || tx.Deleted(ref) {
		parent, err = s.ReadIn(ctx, tx, id)
		return parent, true, err
	}
	parent, ok = s.cache.Peek(string(id))
	return parent, ok && parent.Active, nil // one that was inactive may have been activated since: ask again
}
