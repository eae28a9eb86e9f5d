// Package pipeline is what a seller does with a lead and an opportunity at their end: a
// lead is qualified, which may make an account, a contact and an opportunity of it; an
// opportunity is won or lost, which leaves an activity that says so. What follows for
// sequences and segments is the rules of records' alone.
//
// Invariant: only what is open is closed, and everything that one such step makes and
// changes is written in one commit.
package pipeline

import (
	"context"
	"strconv"

	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The states of leads and opportunities (docs/domain.md §4).
const (
	open      = 0
	qualified = 1
	won       = 1
	lost      = 2
)

// DefaultStatus asks for the status that a state begins with.
const DefaultStatus = -1

// Pipeline is the use cases. It is safe for concurrent use.
type Pipeline struct {
	entities   *entity.Entities
	principals *principal.Directory
}

// New returns the use cases on rows that entities writes.
func New(entities *entity.Entities, principals *principal.Directory) *Pipeline {
	return &Pipeline{entities: entities, principals: principals}
}

// openRow loads a row that the caller may read and that is open.
func (p *Pipeline) openRow(ctx context.Context, tx *rows.Tx, c sales.Caller, ref rows.Ref) (*rows.Row, error) {
	if err := p.entities.Admit(ctx, c, sales.Right{Privilege: sales.Read, Table: ref.Table}); err != nil {
		return nil, err
	}
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return nil, err
	}
	row := found[0]
	if row == nil {
		return nil, sales.NoRow(ref)
	}
	if err := p.principals.AuthorizeRow(ctx, c, sales.Read, principal.OwnedRow(row)); err != nil {
		return nil, err
	}
	if state := row.Int(name.Statecode); state != open {
		return nil, sales.Refuse(sales.Precondition, "%s With Id = %s is closed already: statecode is %d", ref.Table, ref.ID, state)
	}
	return row, nil
}

// statusIn returns a status that belongs to a state, or the one that it begins with.
func statusIn(t *schema.Table, state, status int64) (schema.Value, error) {
	if status == DefaultStatus {
		status, _ = t.DefaultStatus(state)
	}
	if of, ok := t.StateOf(status); !ok || of != state {
		return schema.Null(), sales.Refuse(sales.Invalid, "the status %d of %s does not belong to statecode %d", status, t.Name, state)
	}
	return schema.Int(status), nil
}

// madeOf returns the id of what is made of a row as it is: the same in each try.
func madeOf(row *rows.Row, table string) string {
	return guid.Derive("pipeline", table, row.Table.Name, row.ID, strconv.FormatInt(row.Version, 10))
}
