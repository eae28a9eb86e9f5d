// Package engine evaluates many programs of package filter on one row: the segments of
// a table on a record that has changed. It is what a change is decided by; a program is
// what its author is told of, and the two have the same result.
//
// Each column that a condition reads is a slot. What conditions compare the column with
// are its cuts, sorted, each once; a value is known by its place among them: 0 is null, 1
// before the first cut, 2 the first cut itself, 3 between the first and the second, and
// so on. So a value is compared once, whatever its type and however many conditions read
// it, and a condition on it is a set of places: a range is one comparison of small
// numbers, a list one bit. Patterns, which have no place, are looked for in the folded
// text, that a [Record] keeps.
//
// Conditions become operations, each with two jumps, so that a group is nothing but
// where its conditions jump to, and a program that does not hold jumps to the next.
// Items of a group are in the order in which they are likely to decide it at the least
// cost; no result depends on it. A condition that looks beyond the
// columns of the row asks the whole program, where nothing before it has decided.
//
// Invariant: [Engine.First] returns the program that filter.Program.Match, asked for one
// program after another, holds for first. Where a column cannot be read it asks them.
package engine

import (
	"sync"

	"segue/internal/filter"
	"segue/internal/schema"
)

// Engine is programs that are compiled together. It is safe for concurrent use.
type Engine struct {
	programs []*filter.Program
	slots    []slot
	code     []op
	starts   []int32 // of each program, its first operation

	words    []uint64 // sets of places, each from a word on
	patterns []filter.Pattern

	free sync.Pool // of records
}

// New compiles programs for the rows of one table. They keep their order.
func New(programs []*filter.Program) *Engine {
	e := &Engine{programs: programs, slots: slotsOf(programs)}
	e.compile()
	return e
}

// Len returns the number of programs.
func (e *Engine) Len() int { return len(e.programs) }

// Columns returns the number of columns that the engine reads.
func (e *Engine) Columns() int { return len(e.slots) }

// Column returns the column of a slot. Slots are in the order of the columns' names.
func (e *Engine) Column(slot int) *schema.Column { return e.slots[slot].column }

// First returns the first program, at from or after it, that holds for a record of
// the engine; [Engine.Len] if none does. An error is that of the program
// returned.
func (e *Engine) First(r *Record, from int) (int, error) {
	if from >= len(e.programs) {
		return len(e.programs), nil
	}
	if r.broken {
		return e.ask(r, from)
	}
	return e.run(r, e.starts[from])
}

// ask asks one program after another.
func (e *Engine) ask(r *Record, from int) (int, error) {
	for i := from; i < len(e.programs); i++ {
		if holds, err := e.programs[i].MatchIn(r.row, r.scope); holds || err != nil {
			return i, err
		}
	}
	return len(e.programs), nil
}

// op is an operation: a question, and where to go on.
type op struct {
	slot    uint16
	kind    kind
	low     uint32 // within: the first place; among: the word where its set begins; else a position
	span    uint32 // within: the last place, counted from low
	yes, no int32
}

type kind uint8

const (
	within  kind = iota // the place is one of a range
	among               // the place is in a set
	pattern             // the text has a pattern, number low
	asks                // program number low holds
	found               // the end: program number low, or none
)

func (e *Engine) run(r *Record, at int32) (int, error) {
	places, code := r.places, e.code
	for {
		o := &code[at]
		holds := false
		if o.kind == within { // nearly all are
			holds = places[o.slot]-o.low <= o.span
		} else {
			if o.kind == found {
				return int(o.low), nil
			}
			var err error
			if holds, err = e.holds(o, r); err != nil {
				return int(o.low), err
			}
		}
		if holds {
			at = o.yes
		} else {
			at = o.no
		}
	}
}

// holds answers a question other than for a range.
func (e *Engine) holds(o *op, r *Record) (bool, error) {
	switch o.kind {
	case among:
		place := r.places[o.slot]
		return e.words[o.low+place>>6]>>(place&63)&1 != 0, nil
	case pattern:
		return r.places[o.slot] != null && e.patterns[o.low].Holds(r.texts[o.slot]), nil
	default: // asks
		return e.programs[o.low].MatchIn(r.row, r.scope)
	}
}
