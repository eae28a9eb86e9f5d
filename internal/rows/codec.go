package rows

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/schema"
	"segue/internal/store"
)

// encodeValue returns a column's value as an attribute; v is not null and of the
// column's kind. Times and lookups are written as [schema.Column.Text] writes
// them.
func encodeValue(c *schema.Column, v schema.Value) (store.Value, error) {
	if want := c.Type.Kind(); v.Kind() != want {
		return store.Value{}, fmt.Errorf("column %s of type %s cannot hold a value of kind %s", c.Name, c.Type, v.Kind())
	}
	switch v.Kind() {
	case schema.KindNull:
		return store.Nil(), nil
	case schema.KindText, schema.KindTime, schema.KindRef:
		return store.S(c.Text(v)), nil
	case schema.KindInt, schema.KindDec:
		return store.N(v.String()), nil
	case schema.KindFloat:
		f, _ := v.Float()
		return store.N(decimal.NewFromFloat(f).String()), nil
	case schema.KindBool:
		b, _ := v.Bool()
		return store.B(b), nil
	}
	return store.Value{}, fmt.Errorf("column %s has a value of kind %s", c.Name, v.Kind())
}

// decodeValue is the inverse of encodeValue; an absent attribute is null.
func decodeValue(c *schema.Column, v store.Value) (schema.Value, error) {
	if v.Kind() == store.Absent || v.Kind() == store.Null {
		return schema.Null(), nil
	}
	value, err := parseValue(c, v)
	if err != nil {
		return schema.Null(), fmt.Errorf("stored column %s of type %s: %w", c.Name, c.Type, err)
	}
	return value, nil
}

func parseValue(c *schema.Column, v store.Value) (schema.Value, error) {
	text := v.Text()
	if want := attributeKind(c); v.Kind() != want {
		return schema.Null(), fmt.Errorf("the value is of kind %d, not %d", v.Kind(), want)
	}
	switch c.Type.Kind() {
	case schema.KindNull:
		return schema.Null(), fmt.Errorf("unknown type %q", c.Type)
	case schema.KindText:
		return schema.Text(text), nil
	case schema.KindBool:
		return schema.Bool(v.True()), nil
	case schema.KindInt:
		n, err := strconv.ParseInt(text, 10, 64)
		return schema.Int(n), err
	case schema.KindDec:
		d, err := decimal.NewFromString(text)
		return schema.Dec(d), err
	case schema.KindFloat:
		f, err := strconv.ParseFloat(text, 64)
		return schema.Float(f), err
	case schema.KindTime:
		t, err := time.Parse(layout(c), text)
		return schema.Time(t), err
	case schema.KindRef:
		if name, id, many := strings.Cut(text, ":"); many {
			return schema.Ref(schema.Lookup{Table: name, ID: id}), nil
		}
		return schema.Ref(schema.Lookup{Table: c.Targets[0].Table, ID: text}), nil
	}
	return schema.Null(), fmt.Errorf("unknown kind %s", c.Type.Kind())
}

// attributeKind returns the kind of attribute that encodeValue makes for a column. A
// value of another kind is not this program's: read as one of its own, it would be
// another value, and be written back as that.
func attributeKind(c *schema.Column) store.Kind {
	switch c.Type.Kind() {
	case schema.KindBool:
		return store.Bool
	case schema.KindInt, schema.KindDec, schema.KindFloat:
		return store.Number
	case schema.KindText, schema.KindTime, schema.KindRef, schema.KindNull:
	}
	return store.String
}

// layout returns the layout in which the times of a column are stored.
func layout(c *schema.Column) string {
	if c.Type == schema.Date {
		return time.DateOnly
	}
	return time.RFC3339
}

// encode returns the item of a row with a version: the item that it was decoded from,
// with the columns that were set since and the index keys that follow from all. What
// this schema does not know stays as it is: the columns and keys of another version of
// the program that uses the same store.
func encode(r *Row, version int64) (store.Item, error) {
	key, item := keyOf(r.Table, r.ID), maps.Clone(r.stored)
	if item == nil {
		item = make(store.Item, len(r.values)+4)
	}
	item[store.PK], item[store.SK] = store.S(key.PK), store.S(key.SK)
	for name := range r.dirty {
		if name == Version { // touched
			continue
		}
		column, v := r.Table.Column(name), r.values[name]
		if column == nil {
			return nil, fmt.Errorf("%v: no column %q", r.Ref(), name)
		}
		if column.Derived != "" {
			return nil, fmt.Errorf("%v: %s follows from %s and is not set by itself", r.Ref(), name, column.Derived)
		}
		if v.IsNull() {
			delete(item, name)
			continue
		}
		attr, err := encodeValue(column, v)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", r.Ref(), err)
		}
		item[name] = attr
	}
	item[Version] = store.Int(version)
	setIndexKeys(r, item)
	return item, nil
}

// decode returns the row of an item, which it keeps; nil for nil.
func (db *DB) decode(item store.Item) (*Row, error) {
	if item == nil {
		return nil, nil //nolint:nilnil // no item, no row
	}
	t, err := db.table(tableOf(item.Key().PK))
	if err != nil {
		return nil, err
	}
	row := db.newRow(t, item.Key().SK)
	row.stored = item
	row.values = make(map[string]schema.Value, len(item))
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
	row.derive("")
	return row, nil
}

func (db *DB) newRow(t *schema.Table, id string) *Row {
	return &Row{Table: t, ID: id, values: map[string]schema.Value{}, dirty: map[string]bool{}, report: db.misreads}
}
