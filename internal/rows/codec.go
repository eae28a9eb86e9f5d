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
	if t, ok := v.Time(); ok && c.Expires {
		return store.Int(t.Unix()), nil
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
	if want := attributeKind(c); v.Kind() != want {
		return schema.Null(), fmt.Errorf("the value is of kind %d, not %d", v.Kind(), want)
	}
	return parseKind(c, c.Type.Kind(), v)
}

// parseKind reads a value of the column's kind.
func parseKind(c *schema.Column, kind schema.Kind, v store.Value) (schema.Value, error) {
	text := v.Text()
	switch kind {
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
		return parseDecimal(text)
	case schema.KindFloat:
		f, err := strconv.ParseFloat(text, 64)
		return schema.Float(f), err
	case schema.KindTime:
		n, err := parseSeconds(c, text)
		return schema.Time(time.Unix(n, 0).UTC()), err
	case schema.KindRef:
		return schema.Ref(refOf(c, text)), nil
	}
	return schema.Null(), fmt.Errorf("unknown kind %s", c.Type.Kind())
}

// parseSeconds reads a moment as the seconds of Unix. As rows write it, it is read
// without more; what else the layout allows, and what is none, is left to package time.
func parseSeconds(c *schema.Column, text string) (int64, error) {
	if c.Expires {
		return strconv.ParseInt(text, 10, 64)
	}
	l := layout(c)
	if n, ok := usualSeconds(text, l); ok {
		return n, nil
	}
	t, err := time.Parse(l, text)
	return t.Unix(), err
}

// usualSeconds reads 2006-01-02, or 2006-01-02T15:04:05Z.
func usualSeconds(text, layout string) (n int64, ok bool) {
	const pattern = "0000-00-00T00:00:00Z"
	if len(text) != len(pattern) && len(text) != len(time.DateOnly) || (len(text) == len(time.DateOnly)) != (layout == time.DateOnly) {
		return 0, false
	}
	var parts [6]int // from the year to the second
	part := 0
	for i := range len(text) {
		switch digit := text[i] - '0'; {
		case digit <= 9 && pattern[i] == '0':
			parts[part] = 10*parts[part] + int(digit)
		case text[i] == pattern[i]:
			part++
		default:
			return 0, false
		}
	}
	const shortest = 28 // days of a month
	if parts[1]-1 >= 12 || parts[1] == 0 || parts[2] == 0 || parts[2] > shortest || parts[3] > 23 || parts[4] > 59 || parts[5] > 59 {
		return 0, false
	}
	return time.Date(parts[0], time.Month(parts[1]), parts[2], parts[3], parts[4], parts[5], 0, time.UTC).Unix(), true
}

// refOf returns the row that the stored text of a lookup points at.
func refOf(c *schema.Column, text string) schema.Lookup {
	if table, id, many := strings.Cut(text, ":"); many {
		return schema.Lookup{Table: table, ID: id}
	}
	return schema.Lookup{Table: c.Targets[0].Table, ID: text}
}

// parseDecimal reads the text of a number, without an allocation where its digits fit 64
// bits.
func parseDecimal(text string) (schema.Value, error) {
	const digits = 18 // that fit
	if text == "" || len(text) > digits {
		return parseAnyDecimal(text)
	}
	n, places, negative := int64(0), int32(-1), false
	for i := range len(text) {
		switch c := text[i]; {
		case '0' <= c && c <= '9':
			n = 10*n + int64(c-'0')
			if places >= 0 {
				places++
			}
		case c == '.' && places < 0 && i > 0 && i+1 < len(text) && text[i-1] != '-':
			places = 0
		case c == '-' && i == 0 && len(text) > 1:
			negative = true
		default:
			return parseAnyDecimal(text)
		}
	}
	if negative {
		n = -n
	}
	return schema.Scaled(n, -max(places, 0)), nil
}

// parseAnyDecimal reads more digits, an exponent, or what is no number.
func parseAnyDecimal(text string) (schema.Value, error) {
	d, err := decimal.NewFromString(text)
	return schema.Dec(d), err
}

// attributeKind returns the kind of attribute that encodeValue makes for a column. A
// value of another kind is not this program's: read as one of its own, it would be
// another value, and be written back as that.
func attributeKind(c *schema.Column) store.Kind {
	if c.Expires {
		return store.Number
	}
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
// with the columns that were set since and the index keys that follow from all, in the
// form of the DB. What this schema does not know stays as it is: the columns and keys of
// another version of the program that uses the same store.
func (db *DB) encode(r *Row, version int64) (store.Item, error) {
	key, item := keyOf(r.Table, r.ID), maps.Clone(r.stored)
	if item == nil {
		item = make(store.Item, len(r.values)+4)
	}
	item[store.PK], item[store.SK] = store.S(key.PK), store.S(key.SK)
	for name := range r.dirty {
		if name == Version { // touched
			continue
		}
		column := r.Table.Column(name)
		if column == nil {
			return nil, fmt.Errorf("%v: no column %q", r.Ref(), name)
		}
		if err := refuseWorkedOut(column); err != nil {
			return nil, fmt.Errorf("%v: %w", r.Ref(), err)
		}
		delete(item, column.Name)
		if err := db.setAttribute(item, column, r.values[name]); err != nil {
			return nil, fmt.Errorf("%v: %w", r.Ref(), err)
		}
	}
	for _, c := range r.Table.Implied() {
		if err := db.setImplied(item, c, r); err != nil {
			return nil, fmt.Errorf("%v: %w", r.Ref(), err)
		}
	}
	db.rename(r.Table, item)
	item[Version] = store.Int(version)
	setIndexKeys(r, item)
	return item, nil
}

// refuseWorkedOut refuses to store a column whose value is worked out at a read.
func refuseWorkedOut(c *schema.Column) error {
	if c.Derived != "" {
		return fmt.Errorf("%s follows from %s and is not set by itself", c.Name, c.Derived)
	}
	if c.Shown {
		return fmt.Errorf("%s is worked out at a read and is not stored", c.Name)
	}
	return nil
}

// attribute returns the name under which the DB stores a column.
func (db *DB) attribute(c *schema.Column) string {
	if db.form == Long && !c.Expires {
		return c.Name
	}
	return c.Stored()
}

// setAttribute sets a column of an item; null is not stored.
func (db *DB) setAttribute(item store.Item, c *schema.Column, v schema.Value) error {
	if v.IsNull() {
		delete(item, c.Stored())
		return nil
	}
	attr, err := encodeValue(c, v)
	item[db.attribute(c)] = attr
	return err
}

// setImplied stores a column that follows from others only where it has another value.
func (db *DB) setImplied(item store.Item, c *schema.Column, r *Row) error {
	v, implied := r.values[c.Name], r.imply(c)
	delete(item, c.Name)
	switch {
	case v == implied && db.form == Compact:
		delete(item, c.Stored())
	case v.IsNull() && !implied.IsNull():
		item[db.attribute(c)] = store.Nil()
	default:
		return db.setAttribute(item, c, v)
	}
	return nil
}

// rename puts the attributes of an item into the form of the DB. Where a column has
// both, its own name counts: a program that does not know of the short one wrote it
// later.
func (db *DB) rename(t *schema.Table, item store.Item) {
	for _, c := range t.Renamed() {
		v, own := item[c.Name]
		if !own {
			v, own = item[c.Attribute]
		}
		if !own {
			continue
		}
		delete(item, c.Name)
		delete(item, c.Attribute)
		item[db.attribute(c)] = v
	}
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
		column := t.Stored(name)
		if column == nil || name == Version || name == t.ID {
			continue
		}
		if _, own := item[column.Name]; own && name != column.Name { // see rename
			continue
		}
		v, err := decodeValue(column, attr)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", row.Ref(), err)
		}
		row.values[column.Name] = v
	}
	row.derive("")
	for _, c := range t.Implied() {
		if _, given := row.values[c.Name]; !given {
			row.put(c.Name, row.imply(c))
		}
	}
	return row, nil
}

func (db *DB) newRow(t *schema.Table, id string) *Row {
	return &Row{Table: t, ID: id, values: map[string]schema.Value{}, dirty: map[string]bool{}, report: db.misreads}
}
