package rows

import (
	"context"
	"fmt"

	"segue/internal/schema"
	"segue/internal/store"
)

// AddOne raises columns of whole numbers of a row by one and sets others, and makes the
// row where it is not there. It demands nothing of what is stored: it is for counts that
// many processes share and that nobody decides on what else is in the row. It is a unit
// of work of its own, of one item, and the row has neither index keys nor stamps. After a
// response that got lost, the count may be one too low or one too high.
func (db *DB) AddOne(ctx context.Context, t *schema.Table, id string, set map[string]schema.Value, columns ...string) error {
	if len(t.Indexes) > 0 || len(t.Keys) > 0 {
		return fmt.Errorf("count %s %s: its table has keys beside the primary one", t.Name, id)
	}
	item := store.Item{}
	for column, v := range set {
		c := t.Column(column)
		if c == nil {
			return fmt.Errorf("count %s %s: no column %q", t.Name, id, column)
		}
		if err := db.setAttribute(item, c, v); err != nil {
			return fmt.Errorf("count %s %s: %w", t.Name, id, err)
		}
	}
	attributes := []string{Version}
	for _, column := range columns {
		c := t.Column(column)
		if c == nil || c.Type.Kind() != schema.KindInt {
			return fmt.Errorf("count %s %s: no column %q of whole numbers", t.Name, id, column)
		}
		attributes = append(attributes, db.attribute(c))
	}
	if err := db.store.Write(ctx, store.Update(keyOf(t, id), item, nil, store.Condition{}).AddingOne(attributes...)); err != nil {
		return fmt.Errorf("count %s %s: %w", t.Name, id, err)
	}
	return nil
}
