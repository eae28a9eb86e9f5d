package querytest

import (
	"context"
	"strings"

	"segue/internal/filter/filtertest"
	"segue/internal/rows"
	"segue/internal/schema"
)

// Stage is a store on which stories are played, one after the other.
type Stage struct {
	DB    *rows.DB
	there []rows.Ref
}

// Make makes rows, as they can be stored.
func (p *Stage) Make(ctx context.Context, list []filtertest.Entry) error {
	tx := p.DB.Begin("")
	for _, e := range list {
		values := map[string]schema.Value{}
		t := p.DB.Schema().Table(e.Table)
		for column, v := range e.Values {
			if text, ok := v.Text(); ok && t.Column(column).Type != schema.GUID {
				v = schema.Text(strings.ToValidUTF8(text, "?"))
			}
			if column != t.ID && column != rows.Version {
				values[column] = v
			}
		}
		p.there = append(p.there, tx.Create(t, e.ID, values).Ref())
	}
	return tx.Commit(ctx)
}

// Clear takes the rows that were made away.
func (p *Stage) Clear(ctx context.Context) error {
	tx := p.DB.Begin("")
	found, err := tx.Load(ctx, p.there...)
	if err != nil {
		return err
	}
	for _, row := range found {
		tx.Delete(row)
	}
	p.there = nil
	return tx.Commit(ctx)
}

// World is the rows that were made, as they are.
func (p *Stage) World(ctx context.Context) (filtertest.World, error) {
	w := filtertest.World{Tables: map[string][]filtertest.Entry{}}
	found, err := p.DB.Get(ctx, p.there...)
	for _, row := range found {
		values := row.Values()
		values[row.Table.ID], values[rows.Version] = schema.Text(row.ID), schema.Int(row.Version)
		w.Tables[row.Table.Name] = append(w.Tables[row.Table.Name], filtertest.Entry{Table: row.Table.Name, ID: row.ID, Values: values})
	}
	return w, err
}
