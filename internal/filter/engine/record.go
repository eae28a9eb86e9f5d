package engine

import (
	"cmp"

	"segue/internal/filter"
	"segue/internal/schema"
)

// Record is a row as an engine compares it. It belongs to one goroutine.
type Record struct {
	engine *Engine
	row    filter.Row
	scope  *filter.Scope

	places []uint32 // of each slot
	texts  [][]byte // of each slot that keeps them, folded
	folded []byte   // the texts
	broken bool     // a column could not be read
}

// Filler is a row that sets the slots of a record itself, faster than it gives values:
// all of them, each by one of the methods of [Record].
type Filler interface {
	filter.Row
	FillRecord(r *Record)
}

// Load returns a record of a row, in a scope for what is not in the row, which may be nil.
// A column that cannot be read is no error: the programs are asked then, and the one that
// needs it has the error. The record is good until [Record.Free].
func (e *Engine) Load(row filter.Row, scope *filter.Scope) *Record {
	r, ok := e.free.Get().(*Record)
	if !ok {
		r = &Record{engine: e, places: make([]uint32, len(e.slots)), texts: make([][]byte, len(e.slots))}
	}
	r.row, r.scope, r.folded, r.broken = row, scope, r.folded[:0], false
	if filler, ok := row.(Filler); ok {
		filler.FillRecord(r)
		return r
	}
	for n := range r.places {
		r.Read(n)
	}
	return r
}

// Free gives the record back to its engine, for another row.
func (r *Record) Free() {
	r.row, r.scope = nil, nil
	r.engine.free.Put(r)
}

// Engine returns the engine whose slots the record has.
func (r *Record) Engine() *Engine { return r.engine }

// Read sets a slot to the value that the row gives.
func (r *Record) Read(slot int) {
	column := r.engine.Column(slot)
	v, err := r.row.Value(cmp.Or(column.Derived, column.Name))
	if column.Derived != "" {
		v = column.Derive(v)
	}
	switch {
	case err != nil || !v.IsNull() && v.Kind() != column.Type.Kind():
		r.Break()
	case v.Kind() == schema.KindText:
		text, _ := v.Text()
		r.Text(slot, text)
	default:
		r.Set(slot, v)
	}
}

// Break says that a column cannot be read.
func (r *Record) Break() { r.broken = true }

// Null sets a slot to null.
func (r *Record) Null(slot int) { r.places[slot] = null }

// Set sets a slot to a value of its kind.
func (r *Record) Set(slot int, v schema.Value) { r.places[slot] = r.engine.slots[slot].placeOf(v) }

// Number is [Record.Set] for a whole number, an option or a moment, in seconds.
func (r *Record) Number(slot int, n int64) {
	r.places[slot] = placeOf(r.engine.slots[slot].numbers, n)
}

// Ref is [Record.Set] for a lookup.
func (r *Record) Ref(slot int, to schema.Lookup) {
	r.places[slot] = r.engine.slots[slot].placeOfRef(to)
}

// Text is [Record.Set] for a text.
func (r *Record) Text(slot int, text string) {
	s := &r.engine.slots[slot]
	if !s.folds {
		r.places[slot] = placeOfText(s, text)
		return
	}
	begin := len(r.folded)
	r.folded = filter.AppendFolded(r.folded, text)
	folded := r.folded[begin:]
	r.places[slot] = placeOfText(s, folded)
	if s.keeps {
		r.texts[slot] = folded
	} else {
		r.folded = r.folded[:begin]
	}
}
