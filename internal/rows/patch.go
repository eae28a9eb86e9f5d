package rows

import (
	"fmt"
	"maps"
	"slices"

	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// ContradictionError says that a unit of work means to do to a row what cannot
// be done together: two values for a column, or a change under a condition that
// the unit itself has ended. Another try would come to the same.
type ContradictionError struct {
	Ref    Ref
	Column string // "" when the row is created or deleted as well
}

// Error names the row and the column.
func (e *ContradictionError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("%v is changed, and created or deleted, at once", e.Ref)
	}
	return fmt.Sprintf("%v is changed twice at once, and the changes of %s contradict each other", e.Ref, e.Column)
}

// patch is a change of a row that the unit of work does not hold.
type patch struct {
	table *schema.Table
	id    string
	set   map[string]schema.Value
	when  map[string]schema.Value // what the columns must be in the store
}

// Patch changes columns of a row without having loaded it, if the columns of
// when have those values at commit. It is for a row that changes together with
// one that is loaded: the store raises its version by one. Commit refuses a
// column that index keys are made of, except a value of a "when" column that
// takes the row out of every use of a secondary index, if the patch also demands
// that it is in one of them: the keys go with it.
//
// One row is one item of the commit, however often it is changed: a row that the
// unit of work holds, or loads later, is changed as if by Set, and two patches
// of a row become one: the later one may set a column to something else only if
// its when demands what the earlier one sets. What the row or the earlier patch does not allow ends the
// commit: with a [*ConflictError] where somebody else has changed the row, with
// a [*ContradictionError] where this unit of work has.
func (tx *Tx) Patch(t *schema.Table, id string, set, when map[string]schema.Value) {
	ref := Ref{t.Name, id}
	later := &patch{t, id, map[string]schema.Value{}, maps.Clone(when)}
	maps.Copy(later.set, set)
	row, earlier := tx.rows[ref], tx.patches[ref]
	switch {
	case row != nil:
		tx.patchRow(row, later)
	case earlier != nil:
		tx.fail(earlier.merge(later))
	default:
		tx.patches[ref] = later
		tx.patched = append(tx.patched, ref)
	}
}

// patchRow applies a patch to a row that the unit of work holds, as it stands in
// it. Its version makes sure that the store has it as it was loaded.
func (tx *Tx) patchRow(row *Row, p *patch) {
	if tx.deleted[row.Ref()] {
		tx.fail(&ContradictionError{Ref: row.Ref()})
		return
	}
	for _, column := range slices.Sorted(maps.Keys(p.when)) {
		if row.values[column] == p.when[column] {
			continue
		}
		if own := row.Version == 0 || row.hasSet(column); own {
			tx.fail(&ContradictionError{row.Ref(), column})
		} else {
			tx.fail(&ConflictError{Ref: row.Ref(), Seen: row})
		}
		return
	}
	row.SetAll(p.set)
}

// patchHeld applies the patch of a row that the unit of work has just taken in.
func (tx *Tx) patchHeld(row *Row) {
	ref := row.Ref()
	p := tx.patches[ref]
	if p == nil {
		return
	}
	delete(tx.patches, ref)
	if row.Version == 0 { // a patch is of a row that is there
		tx.fail(&ContradictionError{Ref: ref})
		return
	}
	tx.patchRow(row, p)
}

// merge makes later, which the unit of work means to happen after p, part of it.
func (p *patch) merge(later *patch) error {
	follows := false // later demands what p sets, so it may set it to something else
	for _, column := range slices.Sorted(maps.Keys(later.when)) {
		want := later.when[column]
		if set, ok := p.set[column]; ok { // what p makes of the column, not what the store has
			if set != want {
				return &ContradictionError{p.ref(), column}
			}
			follows = true
			continue
		}
		if given, ok := p.when[column]; ok && given != want {
			return &ContradictionError{p.ref(), column}
		}
		p.require(column, want)
	}
	for _, column := range slices.Sorted(maps.Keys(later.set)) {
		if set, ok := p.set[column]; ok && set != later.set[column] && !follows {
			return &ContradictionError{p.ref(), column}
		}
		p.set[column] = later.set[column]
	}
	return nil
}

func (p *patch) ref() Ref { return Ref{p.table.Name, p.id} }

func (p *patch) require(column string, v schema.Value) {
	if p.when == nil {
		p.when = map[string]schema.Value{}
	}
	p.when[column] = v
}

// patchOp is the operation that writes a patch.
func (tx *Tx) patchOp(p *patch) (store.Op, error) {
	removed, err := indexesLeft(p)
	if err != nil {
		return store.Op{}, fmt.Errorf("patch %v: %w", p.ref(), err)
	}
	changes := p.changes()
	row := tx.db.newRow(p.table, p.id)
	row.SetAll(changes)
	tx.stamp(row, ModifiedOn, ModifiedBy, name.Modifiedonbehalfby)
	if tx.by.User != "" {
		row.dirty[name.Modifiedonbehalfby] = true // a null too: who acted last acts no longer
	}
	set := store.Item{}
	for name, v := range row.values {
		if p.table.InKey(name) {
			return store.Op{}, fmt.Errorf("patch %v: %s is part of an alternate key; load the row to change it", p.ref(), name)
		}
		column := p.table.Column(name)
		if column.Derived != "" { // it follows from another that is set
			continue
		}
		if err := p.refuseSource(name); err != nil {
			return store.Op{}, err
		}
		if err := tx.db.setAttribute(set, column, v); err != nil {
			return store.Op{}, err
		}
	}
	for name := range changes {
		row.dirty[name] = true // also a null, which a row without the column has already
	}
	for name := range row.dirty {
		removed = append(removed, leftovers(p.table.Column(name), set)...)
	}
	cond, err := p.condition()
	if err != nil {
		return store.Op{}, err
	}
	return store.Update(keyOf(p.table, p.id), set, removed, cond).AddingOne(Version), nil
}

// changes is what a patch sets, without the columns that are demanded to have the value that
// they are set to.
func (p *patch) changes() map[string]schema.Value {
	changes := maps.Clone(p.set)
	maps.DeleteFunc(changes, func(column string, v schema.Value) bool {
		when, demanded := p.when[column]
		return demanded && when == v
	})
	return changes
}

// leftovers returns the attributes of a column that are not set: the one of the other
// form of rows, and for null both.
func leftovers(c *schema.Column, set store.Item) (attributes []string) {
	for _, attr := range slices.Compact([]string{c.Name, c.Stored()}) {
		if _, kept := set[attr]; !kept && c.Derived == "" {
			attributes = append(attributes, attr)
		}
	}
	return attributes
}

// condition is what must be true of the stored row.
func (p *patch) condition() (store.Condition, error) {
	cond := store.Exists(store.PK)
	for name, v := range p.when {
		column := p.table.Column(name)
		if column.Attribute != "" || len(column.Sources()) > 0 {
			return cond, fmt.Errorf("patch %v: %s may be stored in several ways; load the row to depend on it", p.ref(), name)
		}
		if v.IsNull() {
			cond = store.And(cond, store.NotThere(name))
			continue
		}
		attr, err := encodeValue(column, v)
		if err != nil {
			return cond, err
		}
		cond = store.And(cond, store.Equals(name, attr))
	}
	return cond, nil
}

// refuseSource refuses a column from which others follow: what is stored of those is not
// known.
func (p *patch) refuseSource(column string) error {
	for _, c := range p.table.Implied() {
		if slices.Contains(c.Sources(), column) {
			return fmt.Errorf("patch %v: %s follows from %s; load the row to change it", p.ref(), c.Name, column)
		}
	}
	return nil
}
