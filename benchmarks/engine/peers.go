package main

import (
	"fmt"
	"strconv"
	"strings"

	"cel.dev/cel-go/cel"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"segue/internal/filter"
	"segue/internal/schema"
)

// plain returns a lead as the peers read it, with what they would otherwise have to work
// out at each evaluation done before: texts in lower case, moments in seconds, decimal
// numbers as floating-point ones.
func plain(columns []column, l lead) map[string]any {
	m := make(map[string]any, len(columns))
	for i, c := range columns {
		m[c.name] = plainValue(l[i])
	}
	return m
}

func plainValue(v schema.Value) any {
	switch v.Kind() {
	case schema.KindText:
		text, _ := v.Text()
		return filter.Folded(text)
	case schema.KindInt:
		n, _ := v.Int()
		return n
	case schema.KindDec:
		d, _ := v.Dec()
		return d.InexactFloat64()
	case schema.KindFloat:
		f, _ := v.Float()
		return f
	case schema.KindBool:
		b, _ := v.Bool()
		return b
	case schema.KindTime:
		t, _ := v.Time()
		return t.Unix()
	case schema.KindRef:
		return v.String()
	case schema.KindNull:
	}
	return nil
}

// dialect is how a peer writes what both have.
type dialect struct {
	null                       string
	contains, begins, ends, in string // formats of the column and the value
}

func celDialect() dialect {
	return dialect{"null", "%s.contains(%s)", "%s.startsWith(%s)", "%s.endsWith(%s)", "%s in [%s]"}
}

func exprDialect() dialect {
	return dialect{"nil", "%s contains %s", "%s startsWith %s", "%s endsWith %s", "%s in [%s]"}
}

// source writes a tree in a dialect.
func (d dialect) source(n filter.Node) string {
	switch n := n.(type) {
	case *filter.Group:
		var parts []string
		for _, item := range n.Items {
			parts = append(parts, d.source(item))
		}
		return "(" + strings.Join(parts, map[filter.Logic]string{filter.And: " && ", filter.Or: " || "}[n.Logic]) + ")"
	case *filter.Condition:
		return d.condition(n)
	}
	panic("the workload has no such node")
}

func (d dialect) condition(c *filter.Condition) string {
	var values []string
	for _, v := range c.Values {
		values = append(values, literal(v))
	}
	op, negated := c.Operator.Positive()
	there := c.Column + " != " + d.null + " && "
	var text string
	switch op {
	case filter.Null:
		if negated {
			return c.Column + " != " + d.null
		}
		return c.Column + " == " + d.null
	case filter.Eq: // null equals no value in both
		if negated {
			return c.Column + " != " + values[0]
		}
		return c.Column + " == " + values[0]
	case filter.In:
		text = fmt.Sprintf(d.in, c.Column, strings.Join(values, ", "))
	case filter.Contains:
		text = there + fmt.Sprintf(d.contains, c.Column, values[0])
	case filter.BeginsWith:
		text = there + fmt.Sprintf(d.begins, c.Column, values[0])
	case filter.EndsWith:
		text = there + fmt.Sprintf(d.ends, c.Column, values[0])
	case filter.Between:
		text = there + c.Column + " >= " + values[0] + " && " + c.Column + " <= " + values[1]
	default:
		text = there + c.Column + map[filter.Operator]string{filter.Gt: " > ", filter.Ge: " >= ", filter.Lt: " < ", filter.Le: " <= "}[op] + values[0]
	}
	if negated {
		return "!(" + text + ")"
	}
	return "(" + text + ")"
}

func literal(v schema.Value) string {
	switch p := plainValue(v).(type) {
	case string:
		return strconv.Quote(p)
	case float64:
		text := strconv.FormatFloat(p, 'f', -1, 64)
		if !strings.Contains(text, ".") {
			text += ".0"
		}
		return text
	default:
		return fmt.Sprint(p)
	}
}

// compileCEL makes programs that are optimized for what is constant in them.
func compileCEL(columns []column, sources []string) ([]cel.Program, error) {
	var options []cel.EnvOption
	for _, c := range columns {
		options = append(options, cel.Variable(c.name, cel.DynType))
	}
	env, err := cel.NewEnv(options...)
	if err != nil {
		return nil, err
	}
	var all []cel.Program
	for _, source := range sources {
		ast, issues := env.Compile(source)
		if issues.Err() != nil {
			return nil, issues.Err()
		}
		p, err := env.Program(ast, cel.EvalOptions(cel.OptOptimize))
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func matchCEL(p cel.Program, record map[string]any) bool {
	out, _, err := p.Eval(record)
	if err != nil {
		panic(err)
	}
	return out.Value() == true
}

func compileExpr(sources []string) ([]*vm.Program, error) {
	var all []*vm.Program
	for _, source := range sources {
		p, err := expr.Compile(source, expr.AllowUndefinedVariables(), expr.AsBool())
		if err != nil {
			return nil, err
		}
		all = append(all, p)
	}
	return all, nil
}

func matchExpr(machine *vm.VM, p *vm.Program, record map[string]any) bool {
	out, err := machine.Run(p, record)
	if err != nil {
		panic(err)
	}
	return out == true
}

// naive is a tree that goes through maps and types, as one writes it first.
type naive struct {
	or      bool
	items   []naive
	column  string
	op      filter.Operator // a positive one
	negated bool
	values  []any
}

func newNaive(n filter.Node) naive {
	switch n := n.(type) {
	case *filter.Group:
		g := naive{or: n.Logic == filter.Or}
		for _, item := range n.Items {
			g.items = append(g.items, newNaive(item))
		}
		return g
	case *filter.Condition:
		c := naive{column: n.Column}
		c.op, c.negated = n.Operator.Positive()
		for _, v := range n.Values {
			c.values = append(c.values, plainValue(v))
		}
		return c
	}
	panic("the workload has no such node")
}

func (n *naive) match(record map[string]any) bool {
	if n.column == "" {
		for i := range n.items {
			if n.items[i].match(record) == n.or {
				return n.or
			}
		}
		return !n.or
	}
	v := record[n.column]
	if v == nil {
		return (n.op == filter.Null) != n.negated
	}
	return n.holds(v) != n.negated
}

func (n *naive) holds(v any) bool {
	switch n.op {
	case filter.Null:
		return false
	case filter.Gt:
		return compare(v, n.values[0]) > 0
	case filter.Ge:
		return compare(v, n.values[0]) >= 0
	case filter.Lt:
		return compare(v, n.values[0]) < 0
	case filter.Le:
		return compare(v, n.values[0]) <= 0
	case filter.Between:
		return compare(v, n.values[0]) >= 0 && compare(v, n.values[1]) <= 0
	case filter.Contains:
		return strings.Contains(v.(string), n.values[0].(string))
	case filter.BeginsWith:
		return strings.HasPrefix(v.(string), n.values[0].(string))
	case filter.EndsWith:
		return strings.HasSuffix(v.(string), n.values[0].(string))
	}
	for _, other := range n.values {
		if v == other {
			return true
		}
	}
	return false
}

func compare(a, b any) int {
	switch a := a.(type) {
	case int64:
		return order(a, b.(int64))
	case float64:
		return order(a, b.(float64))
	default:
		return strings.Compare(a.(string), b.(string))
	}
}

func order[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
