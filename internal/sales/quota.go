package sales

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Quota limits how many rows of a table are active. A ledger row lists them, so
// that the limit holds under any race: whoever activates or deactivates writes
// it, or relies on it, under the version seen, which is affordable because that is
// rare (docs/decisions/0008).
type Quota struct {
	Name  string // of the limit
	Table string
	Most  int
}

// Enter adds an active row to the quota's ledger, or refuses it with [Limit].
func (q Quota) Enter(ctx context.Context, tx *rows.Tx, id string) error {
	ledger, ids, err := q.ledger(ctx, tx)
	if err != nil {
		return err
	}
	if slices.Contains(ids, id) {
		return nil
	}
	if len(ids) >= q.Most {
		return q.use(ids).Exceeded(Limit, "limit reached: %d rows of %s are active and the limit (%s) is %d; deactivate one first", len(ids), q.Table, q.Name, q.Most)
	}
	return SetIDs(ledger, name.SegueMembers, append(ids, id))
}

// Leave takes a row that is no longer active out of the ledger.
func (q Quota) Leave(ctx context.Context, tx *rows.Tx, id string) error {
	ledger, ids, err := q.ledger(ctx, tx)
	if err != nil {
		return err
	}
	return SetIDs(ledger, name.SegueMembers, slices.DeleteFunc(ids, func(other string) bool { return other == id }))
}

// Use returns how many rows are active.
func (q Quota) Use(ctx context.Context, db *rows.DB) (Use, error) {
	found, err := db.Get(ctx, q.ref())
	if err != nil || found[0] == nil {
		return q.use(nil), Public(err)
	}
	ids, err := IDs[string](found[0], name.SegueMembers)
	return q.use(ids), err
}

// With is Use with one row active besides, if it is not.
func (q Quota) With(ctx context.Context, db *rows.DB, id string) (Use, error) {
	found, err := db.Get(ctx, q.ref())
	if err != nil || found[0] == nil {
		return q.use([]string{id}), Public(err)
	}
	ids, err := IDs[string](found[0], name.SegueMembers)
	if !slices.Contains(ids, id) {
		ids = append(ids, id)
	}
	return q.use(ids), err
}

func (q Quota) use(ids []string) Use { return Use{Name: q.Name, Used: len(ids), Most: q.Most} }

func (q Quota) ref() rows.Ref {
	return rows.Ref{Table: name.Ledger, ID: guid.Derive("ledger", q.Table)}
}

func (q Quota) ledger(ctx context.Context, tx *rows.Tx) (*rows.Row, []string, error) {
	ref := q.ref()
	found, err := tx.Load(ctx, ref)
	if err != nil {
		return nil, nil, err
	}
	tx.Rely(ref)
	if found[0] == nil {
		row := tx.Create(tx.Schema().Table(name.Ledger), ref.ID, map[string]schema.Value{name.SegueName: schema.Text(q.Table)})
		return row, nil, nil
	}
	ids, err := IDs[string](found[0], name.SegueMembers)
	return found[0], ids, err
}

// IDs reads a column that holds a JSON array of ids.
func IDs[ID ~string](row *rows.Row, column string) ([]ID, error) {
	var ids []ID
	if text := row.Text(column); text != "" {
		if err := json.Unmarshal([]byte(text), &ids); err != nil {
			return nil, fmt.Errorf("%v: stored %s: %w", row.Ref(), column, err)
		}
	}
	return ids, nil
}

// SetIDs writes a column that [IDs] reads.
func SetIDs[ID ~string](row *rows.Row, column string, ids []ID) error {
	text, err := json.Marshal(ids)
	if err != nil {
		return fmt.Errorf("%v: %s: %w", row.Ref(), column, err)
	}
	row.Set(column, schema.Text(string(text)))
	return nil
}
