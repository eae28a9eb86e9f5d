package filter_test

import (
	"testing"
	"time"

	"segue/internal/filter"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// What is said of an operator and null is what the evaluator does.
func TestDescribe(t *testing.T) {
	tables := schematest.Tables(t)
	seen := map[schema.Type]bool{}
	for _, table := range tables.Tables() {
		for _, c := range table.Columns {
			if c.Write == schema.Hidden || c.Shown || seen[c.Type] {
				continue
			}
			seen[c.Type] = true
			list := filter.Describe(c.Type)
			if operators := filter.Operators(c.Type); len(list) != len(operators) || len(list) == 0 || list[0].Operator != operators[0] {
				t.Fatalf("%s: of %v are described %v", c.Type, operators, list)
			}
			labels := map[string]bool{}
			for _, d := range list {
				if d.Label == "" || labels[d.Label] || d.Most < d.Least || (d.Most == 0) != (d.Operand == filter.NoOperand) {
					t.Errorf("%s: %+v", c.Type, d)
				}
				labels[d.Label] = true
				checkNull(t, tables, table, c, d)
			}
		}
	}
}

// checkNull evaluates an operator on a column without a value.
func checkNull(t *testing.T, tables *schema.Schema, table *schema.Table, c *schema.Column, d filter.Description) {
	t.Helper()
	values := make([]schema.Value, d.Least)
	for i := range values {
		values[i] = anyValue(c)
		if d.Operand == filter.NumberOperand {
			values[i] = schema.Int(1)
		}
	}
	program, err := filter.Compile(tables, table.Name, &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: c.Name, Operator: d.Operator, Values: values},
	}}, filter.AsksAnything)
	if err != nil {
		t.Errorf("%s %s: %v", c.Name, d.Operator, err)
		return
	}
	scope := &filter.Scope{Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Caller: &filter.Caller{}}
	if got, err := program.MatchIn(nothing{}, scope); err != nil || got != d.Null {
		t.Errorf("%s %s of null is %v, %v; it is said to be %v", c.Name, d.Operator, got, err, d.Null)
	}
}

// nothing is a row without values.
type nothing struct{}

func (nothing) Value(string) (schema.Value, error) { return schema.Null(), nil }

// anyValue is a value of a column's kind.
func anyValue(c *schema.Column) schema.Value {
	switch c.Type.Kind() {
	case schema.KindInt:
		if len(c.Options) > 0 {
			return schema.Int(c.Options[0].Value)
		}
		return schema.Int(1)
	case schema.KindDec:
		v, _ := c.FromText("1")
		return v
	case schema.KindFloat:
		return schema.Float(1)
	case schema.KindBool:
		return schema.Bool(true)
	case schema.KindTime:
		v, _ := c.FromText("2026-01-02")
		return v
	case schema.KindRef:
		return schema.Ref(schema.Lookup{Table: c.Targets[0].Table, ID: "7eb682f1-ca75-e511-80d4-00155d2a68d1"})
	case schema.KindText, schema.KindNull:
	}
	if c.Type == schema.GUID {
		return schema.Text("7eb682f1-ca75-e511-80d4-00155d2a68d1")
	}
	return schema.Text("a")
}
