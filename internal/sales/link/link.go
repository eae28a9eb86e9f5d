// Package link keeps the rows of segue_link, one for each row and lookup of it that its table
// says is listed and that points at a record (docs/decisions/0035-related-rows.md). An index
// lists them by the record, as an index of the table would the rows themselves.
//
// A link is written after its row, without a transaction, and so it may lag as an index does;
// but it is written before the record is evaluated by the same change.
//
// Invariant: when all changes of a row have been followed, its links are what its lookups
// are, whatever came twice, late, or at the same time to two processes.
package link

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// id returns the id of the link of a row. It tells which row that is, so that a list need not
// read the link.
func id(t *schema.Table, lookup, row string) string { return prefix(t, lookup) + row }

func prefix(t *schema.Table, lookup string) string { return t.Name + "#" + lookup + "#" }

// RowOf returns the id of the row of a table that a link stands for, by one of its lookups;
// ok is false for the link of another table or lookup.
func RowOf(t *schema.Table, lookup *schema.Column, link string) (id string, ok bool) {
	return strings.CutPrefix(link, prefix(t, lookup.Name))
}

// Links is the rows of segue_link for the rows of a store. It is safe for concurrent use.
type Links struct{ db *rows.DB }

// New returns the links of the rows of db.
func New(db *rows.DB) *Links { return &Links{db} }

// Tables lists the tables whose rows have some.
func Tables(s *schema.Schema) []*schema.Table {
	return slices.DeleteFunc(slices.Clone(s.Tables()), func(t *schema.Table) bool { return len(t.Listed) == 0 })
}

// Follow brings the links of a row up to a change of it.
func (l *Links) Follow(ctx context.Context, change rows.Change) error {
	for _, lookup := range change.Table.Listed {
		concerns, err := moves(change, lookup)
		if err != nil {
			return err
		}
		if !concerns {
			continue
		}
		if _, err := l.keep(ctx, change.Table, lookup, change.Ref); err != nil {
			return err
		}
	}
	return nil
}

// moves reports whether a lookup is another one since a change. A new row without it has
// none.
func moves(change rows.Change, lookup string) (bool, error) {
	if change.Present || change.New == nil {
		return true, nil
	}
	if change.Old == nil {
		v, err := change.New.Value(lookup)
		return !v.IsNull(), err
	}
	return change.Touches([]string{lookup})
}

// Keep brings the links of a row up to the row as it is, and reports whether any was not.
func (l *Links) Keep(ctx context.Context, row *rows.Row) (changed bool, err error) {
	for _, lookup := range row.Table.Listed {
		did, err := l.keep(ctx, row.Table, lookup, row.Ref())
		if err != nil {
			return changed, err
		}
		changed = changed || did
	}
	return changed, nil
}

// keep brings one link up to its row, which is read after it: whoever has brought it up to a
// newer version of the row has then either been seen, or is in the way of the commit.
func (l *Links) keep(ctx context.Context, t *schema.Table, lookup string, of rows.Ref) (changed bool, err error) {
	err = l.db.Do(ctx, "", func(tx *rows.Tx) error {
		changed = false
		found, err := tx.Load(ctx, rows.Ref{Table: name.Link, ID: id(t, lookup, of.ID)})
		if err != nil {
			return err
		}
		link := found[0]
		if found, err = tx.Load(ctx, of); err != nil {
			return err
		}
		to := schema.Lookup{}
		if found[0] != nil {
			to = found[0].Lookup(lookup)
		}
		if at := l.db.Schema().Table(to.Table); at == nil || !at.Is(name.RecordTrait) {
			to = schema.Lookup{}
		}
		switch {
		case link == nil && to == schema.Lookup{}, link != nil && link.Lookup(name.SegueLinkto) == to:
			return nil
		case link == nil:
			tx.Create(l.db.Schema().Table(name.Link), id(t, lookup, of.ID), map[string]schema.Value{name.SegueLinkto: schema.Ref(to)})
		case to == schema.Lookup{}:
			tx.Delete(link)
		default:
			link.Set(name.SegueLinkto, schema.Ref(to))
		}
		changed = true
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("list %v by %s: %w", of, lookup, err)
	}
	return changed, nil
}
