package rows

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/schema"
	"segue/internal/store"
)

const dateLayout = time.DateOnly

// encodeValue is a column's value as an attribute; v is not nil and of the
// column's type.
func encodeValue(c *schema.Column, v schema.Value) (store.Value, error) {
	switch v := v.(type) {
	case string:
		return store.S(v), nil
	case bool:
		return store.B(v), nil
	case int64:
		return store.Int(v), nil
	case decimal.Decimal:
		return store.N(v.String()), nil
	case float64:
		return store.N(decimal.NewFromFloat(v).String()), nil
	case time.Time:
		if c.Type == schema.Date {
			return store.S(v.UTC().Format(dateLayout)), nil
		}
		return store.S(v.UTC().Format(time.RFC3339)), nil
	case schema.Lookup:
		if len(c.Targets) == 1 {
			return store.S(v.ID), nil
		}
		return store.S(v.Table + ":" + v.ID), nil
	}
	return store.Value{}, fmt.Errorf("column %s cannot hold a %T", c.Name, v)
}

// decodeValue is the inverse of encodeValue; an absent attribute is null.
func decodeValue(c *schema.Column, v store.Value) (schema.Value, error) {
	if v.Kind() == store.Absent || v.Kind() == store.Null {
		return nil, nil //nolint:nilnil // nil is the null of a schema.Value
	}
	value, err := parseValue(c, v)
	if err != nil {
		return nil, fmt.Errorf("stored column %s of type %s: %w", c.Name, c.Type, err)
	}
	return value, nil
}

func parseValue(c *schema.Column, v store.Value) (schema.Value, error) {
	text := v.Text()
	switch c.Type {
	case schema.String, schema.Memo, schema.GUID:
		return text, nil
	case schema.Boolean:
		return v.True(), nil
	case schema.Integer, schema.BigInt, schema.Choice, schema.State, schema.Status:
		return strconv.ParseInt(text, 10, 64)
	case schema.Decimal, schema.Money:
		return decimal.NewFromString(text)
	case schema.Double:
		return strconv.ParseFloat(text, 64)
	case schema.DateTime:
		return time.Parse(time.RFC3339, text)
	case schema.Date:
		return time.Parse(dateLayout, text)
	case schema.LookupTo:
		if name, id, many := strings.Cut(text, ":"); many {
			return schema.Lookup{Table: name, ID: id}, nil
		}
		return schema.Lookup{Table: c.Targets[0].Table, ID: text}, nil
	}
	return nil, fmt.Errorf("unknown type %q", c.Type)
}

// encode is the item of a row, its keys and version included.
func encode(r *Row) (store.Item, error) {
	key := keyOf(r.Table, r.ID)
	item := store.Item{
		store.PK: store.S(key.PK), store.SK: store.S(key.SK),
		Version: store.Int(r.Version),
	}
	for name, v := range r.values {
		column := r.Table.Column(name)
		if column == nil {
			return nil, fmt.Errorf("%v: no column %q", r.Ref(), name)
		}
		attr, err := encodeValue(column, v)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", r.Ref(), err)
		}
		item[name] = attr
	}
	for attr, text := range indexKeys(r) {
		item[attr] = store.S(text)
	}
	return item, nil
}

// decode is the row of an item, nil for nil. Attributes that the schema does
// not know (a column taken out of it) are left behind at the next write.
func (db *DB) decode(item store.Item) (*Row, error) {
	if item == nil {
		return nil, nil //nolint:nilnil // no item, no row
	}
	t, err := db.table(tableOf(item.Key().PK))
	if err != nil {
		return nil, err
	}
	row := newRow(t, item.Key().SK)
	row.Version = item[Version].Int()
	for name, attr := range item {
		column := t.Column(name)
		if column == nil || name == Version || name == t.ID {
			continue
		}
		v, err := decodeValue(column, attr)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", row.Ref(), err)
		}
		row.values[name] = v
	}
	return row, nil
}

func newRow(t *schema.Table, id string) *Row {
	return &Row{Table: t, ID: id, values: map[string]schema.Value{}, dirty: map[string]bool{}}
}
