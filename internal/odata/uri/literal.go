package uri

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/schema"
)

// values returns the values of a literal that an operator compares with a column: one,
// or one for each table that a lookup may point at, for ids are unique across tables.
func (p *parser) values(column *schema.Column, op filter.Operator, literal token) ([]schema.Value, error) {
	values, problem := valuesOf(filter.Operand(column, op), op, literal)
	if problem != "" {
		return nil, p.errorAt(literal.at, "%s", problem)
	}
	return values, nil
}

// valuesOf reads a literal as a value of a column. It returns what is wrong with it, or
// was expected in its place, "" for nothing.
func valuesOf(c *schema.Column, op filter.Operator, literal token) (values []schema.Value, problem string) {
	text, quoted := literal.text, literal.kind == stringToken
	if literal.kind == arrayToken {
		return nil, "a value expected"
	}
	switch c.Type {
	case schema.GUID, schema.LookupTo:
		return idsOf(c, text)
	case schema.DateTime:
		return momentOf(c, op, strings.TrimSpace(text))
	case schema.Date:
		return dateOf(c, strings.TrimSpace(text))
	case schema.String, schema.Memo:
		if !quoted {
			return nil, "a string in quotes expected"
		}
		return one(c.FromJSON(text))
	case schema.Boolean:
		if quoted || text != "true" && text != "false" {
			return nil, "true or false expected"
		}
		return []schema.Value{schema.Bool(text == "true")}, ""
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Money, schema.Double,
		schema.Choice, schema.State, schema.Status:
		if quoted {
			return nil, "a number expected"
		}
		return numberOf(c, text)
	}
	return nil, "property '" + NameOf(c) + "' cannot be compared"
}

// one returns a value that a column parsed, or what is wrong with it.
func one(v schema.Value, err error) (values []schema.Value, problem string) {
	if err != nil {
		return nil, err.Error()
	}
	return []schema.Value{v}, ""
}

func idsOf(c *schema.Column, text string) (values []schema.Value, problem string) {
	id, ok := guid.Parse(text)
	if !ok {
		return nil, "a GUID expected"
	}
	if c.Type == schema.GUID {
		return []schema.Value{schema.Text(id)}, ""
	}
	for _, target := range c.Targets {
		values = append(values, schema.Ref(schema.Lookup{Table: target.Table, ID: id}))
	}
	return values, ""
}

// numberOf reads a number with sign, decimal places and exponent. A whole number may be
// written with them too, such as 5.0 and 1e3.
func numberOf(c *schema.Column, text string) (values []schema.Value, problem string) {
	text = strings.TrimPrefix(text, "+")
	if strings.HasSuffix(text, ".") || strings.Contains(text, ".e") || strings.Contains(text, ".E") {
		return nil, "a digit expected after the decimal point"
	}
	v, err := c.FromJSON(json.Number(text))
	if err != nil && c.Type.Kind() == schema.KindInt && len(text) <= 40 && strings.Trim(text, "0123456789+-.eE") == "" {
		// The exponent first: 1e1000000000 would be built as that number.
		if d, bad := decimal.NewFromString(text); bad == nil && d.Exponent() < 20 && d.Exponent() > -40 && d.IsInteger() && d.BigInt().IsInt64() {
			return one(c.FromJSON(json.Number(d.String())))
		}
	}
	return one(v, err)
}

// momentOf reads a date with or without a time. Columns hold whole seconds: where the
// literal has a fraction, what is before it and what is not is told apart by the next second.
func momentOf(c *schema.Column, op filter.Operator, text string) (values []schema.Value, problem string) {
	if text == "" {
		return nil, "a date expected"
	}
	const withoutSeconds = "2006-01-02T15:04Z07:00"
	if t, err := time.Parse(withoutSeconds, text); err == nil {
		text = t.Format(time.RFC3339)
	} else if t, err := time.Parse(time.RFC3339, text); err == nil && t.Nanosecond() > 0 && (op == filter.Ge || op == filter.Lt) {
		text = t.Truncate(time.Second).Add(time.Second).Format(time.RFC3339)
	}
	return one(c.FromText(text))
}

// dateOf reads a date. Clients that know no dates without a time send midnight.
func dateOf(c *schema.Column, text string) (values []schema.Value, problem string) {
	if text == "" {
		return nil, "a date expected"
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil && t.UTC().Truncate(24*time.Hour).Equal(t) {
		text = t.UTC().Format(time.DateOnly)
	}
	return one(c.FromText(text))
}
