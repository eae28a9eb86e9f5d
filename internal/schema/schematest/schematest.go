// Package schematest makes values of the literals of a test, so that a table of
// a test reads like the row that it stands for. Nothing else imports it: code
// knows the kinds of its values and uses the constructors of package schema.
package schematest

import (
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/schema"
)

// Of returns the value of a literal: nil, string, int64, decimal.Decimal,
// float64, bool, time.Time, [schema.Lookup] or [schema.Value]. It panics for
// anything else, int among them: a test would not notice that it set nothing.
func Of(literal any) schema.Value {
	switch v := literal.(type) {
	case nil:
		return schema.Null()
	case string:
		return schema.Text(v)
	case int64:
		return schema.Int(v)
	case decimal.Decimal:
		return schema.Dec(v)
	case float64:
		return schema.Float(v)
	case bool:
		return schema.Bool(v)
	case time.Time:
		return schema.Time(v)
	case schema.Lookup:
		return schema.Ref(v)
	case schema.Value:
		return v
	}
	panic(fmt.Sprintf("schematest: no value is made of a %T", literal)) //nolint:forbidigo // a mistake in a test
}

// Row returns the values of literals by column, nil for nil.
func Row(literals map[string]any) map[string]schema.Value {
	if literals == nil {
		return nil
	}
	row := make(map[string]schema.Value, len(literals))
	for column, literal := range literals {
		row[column] = Of(literal)
	}
	return row
}
