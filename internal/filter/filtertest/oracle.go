package filtertest

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"segue/internal/filter"
	"segue/internal/schema"
)

// Oracle decides a filter the slow and obvious way, straight from the tree and
// the package comment, sharing no code with the evaluator: texts by
// strings.ToLower and regexp, numbers as fractions, moments as seconds, dates by
// counting days, weeks and months, related rows by looking at all of them.
type Oracle struct {
	Schema *schema.Schema
	World  World
	Scope  *filter.Scope
}

// Holds reports whether a node holds for a row of a table.
func (o Oracle) Holds(n filter.Node, table string, row Entry) bool {
	switch n := n.(type) {
	case *filter.Group:
		var answers []bool
		for _, item := range n.Items {
			answers = append(answers, o.Holds(item, table, row))
		}
		if n.Logic == filter.And {
			return !slices.Contains(answers, false)
		}
		return slices.Contains(answers, true)
	case *filter.Related:
		return slices.ContainsFunc(o.related(n.Relationship, table, row), func(other Entry) bool {
			r, _ := o.Schema.Relation(table, n.Relationship)
			return o.Holds(n.Filter, r.Table.Name, other)
		}) == n.Contains
	case *filter.Condition:
		return o.condition(n, table, row)
	}
	panic(fmt.Sprintf("oracle does not know %T", n))
}

// related finds the rows on the other side of a relationship.
func (o Oracle) related(relationship, table string, row Entry) []Entry {
	r, _ := o.Schema.Relation(table, relationship)
	var found []Entry
	for _, other := range o.World.Tables[r.Table.Name] {
		from, to := row.Values[r.Column.Name].String(), r.Table.Name+":"+other.ID
		if r.Many {
			from, to = other.Values[r.Column.Name].String(), table+":"+row.ID
		}
		if from == to {
			found = append(found, other)
		}
	}
	return found
}

func (o Oracle) condition(c *filter.Condition, table string, row Entry) bool {
	for _, nav := range c.Path {
		lookup := o.Schema.Table(table).Navs(nav)[0]
		table = lookup.Target.Table
		target, _ := row.Values[lookup.Column.Name].Ref()
		row = Entry{}
		for _, other := range o.World.Tables[table] {
			if target.Table == table && target.ID == other.ID {
				row = other
			}
		}
	}
	read, column := row.Values[c.Column], o.Schema.Table(table).Column(c.Column)
	if c.Other != "" {
		other := row.Values[c.Other]
		if read.IsNull() || other.IsNull() {
			return c.Operator == "ne"
		}
		return oracleCondition(&filter.Condition{Operator: c.Operator, Values: []schema.Value{other}}, read)
	}
	if strings.HasSuffix(string(c.Operator), "above") || strings.HasSuffix(string(c.Operator), "under") {
		return o.hierarchy(string(c.Operator), o.Schema.Hierarchy(o.Schema.Table(table), column).Name, read, c.Values[0])
	}
	if strings.Contains(string(c.Operator), "user") || strings.Contains(string(c.Operator), "business") {
		return o.caller(string(c.Operator), read)
	}
	if column.Type.Kind() == schema.KindTime && !read.IsNull() {
		if holds, known := o.dates(string(c.Operator), c.Values, read, column.Type == schema.Date); known {
			return holds
		}
	}
	return oracleCondition(c, read)
}

// hierarchy says whether the row that a column names is where the operator says, from that
// of the value: by all ways up from all rows, made longer until no new one comes.
func (o Oracle) hierarchy(operator, table string, read, value schema.Value) bool {
	bare := func(v schema.Value) string { return v.String()[strings.Index(v.String(), ":")+1:] }
	type way struct{ from, to string }
	up := map[way]bool{}
	for _, e := range o.World.Tables[table] {
		if parent := e.Values[o.Schema.Table(table).Parent().Name]; !parent.IsNull() {
			up[way{e.ID, bare(parent)}] = true
		}
	}
	for grown := true; grown; {
		grown = false
		for a := range up {
			for b := range up {
				if longer := (way{a.from, b.to}); a.to == b.from && !up[longer] {
					up[longer], grown = true, true
				}
			}
		}
	}
	if read.IsNull() {
		return operator == "not-under"
	}
	row, other := bare(read), bare(value)
	under, above := row != other && up[way{row, other}], row != other && up[way{other, row}]
	return map[string]bool{
		"under": under, "not-under": !under, "eq-or-under": under || row == other, "above": above, "eq-or-above": above || row == other,
	}[operator]
}

func (o Oracle) caller(operator string, read schema.Value) bool {
	of := map[string][]string{
		"eq-userid": {o.Scope.Caller.User}, "eq-businessid": {o.Scope.Caller.Unit}, "eq-userteams": o.Scope.Caller.Teams,
		"eq-useroruserteams": append([]string{o.Scope.Caller.User}, o.Scope.Caller.Teams...),
	}
	text := read.String()
	return slices.Contains(of["eq"+operator[2:]], text[strings.Index(text, ":")+1:]) == strings.HasPrefix(operator, "eq")
}

// trueForNull is the null table of the package comment, spelled out.
func trueForNull(op filter.Operator) bool {
	switch op {
	case "null", "ne", "not-in", "not-between", "not-like", "not-contains", "not-begin-with", "not-end-with":
		return true
	default:
		return false
	}
}

func oracleCondition(c *filter.Condition, read schema.Value) bool {
	if read.IsNull() {
		return trueForNull(c.Operator)
	}
	order := func(i int) int { return oracleOrder(read, c.Values[i]) }
	in := func() bool {
		return slices.ContainsFunc(c.Values, func(v schema.Value) bool { return oracleOrder(read, v) == 0 })
	}
	between := func() bool { return order(0) >= 0 && order(1) <= 0 }
	switch c.Operator {
	case "eq":
		return order(0) == 0
	case "ne":
		return order(0) != 0
	case "gt":
		return order(0) > 0
	case "ge":
		return order(0) >= 0
	case "lt":
		return order(0) < 0
	case "le":
		return order(0) <= 0
	case "between":
		return between()
	case "not-between":
		return !between()
	case "in":
		return in()
	case "not-in":
		return !in()
	case "null":
		return false
	case "not-null":
		return true
	default:
	}
	if _, isText := read.Text(); !isText {
		return false // an operator of dates, on null
	}
	return oracleText(c.Operator, lower(textOf(read)), strings.ToLower(textOf(c.Values[0])))
}

func oracleText(op filter.Operator, text, value string) bool {
	switch op {
	case "like":
		return oracleLike(text, value)
	case "not-like":
		return !oracleLike(text, value)
	case "contains":
		return strings.Contains(text, value)
	case "not-contains":
		return !strings.Contains(text, value)
	case "begins-with":
		return strings.HasPrefix(text, value)
	case "not-begin-with":
		return !strings.HasPrefix(text, value)
	case "ends-with":
		return strings.HasSuffix(text, value)
	case "not-end-with":
		return !strings.HasSuffix(text, value)
	default:
		panic("oracle does not know operator " + op)
	}
}

func lower(s string) string { return strings.ToLower(strings.TrimRight(s, " ")) }

func oracleLike(text, pattern string) bool {
	var re strings.Builder
	for _, r := range pattern {
		switch r {
		case '%':
			re.WriteString(".*")
		case '_':
			re.WriteString(".")
		default:
			re.WriteString(regexp.QuoteMeta(string(r)))
		}
	}
	return regexp.MustCompile("(?s)^" + re.String() + "$").MatchString(text)
}

// oracleOrder is 0 for equal values and, where there is an order, -1 or 1.
func oracleOrder(a, b schema.Value) int {
	switch a.Kind() {
	case schema.KindText:
		return slices.Compare([]rune(lower(textOf(a))), []rune(lower(textOf(b))))
	case schema.KindTime:
		return seconds(a).Cmp(seconds(b))
	case schema.KindBool, schema.KindRef:
		if a.String() == b.String() {
			return 0
		}
		return 1
	case schema.KindInt, schema.KindDec, schema.KindFloat:
		return rational(a).Cmp(rational(b))
	case schema.KindNull:
	}
	panic(fmt.Sprintf("oracle does not know the order of %v", a.Kind()))
}

func textOf(v schema.Value) string {
	s, ok := v.Text()
	if !ok {
		panic(fmt.Sprintf("oracle expects a text, not a %v", v.Kind()))
	}
	return s
}

func seconds(v schema.Value) *big.Int {
	t, _ := v.Time()
	return big.NewInt(t.Unix())
}

func rational(v schema.Value) *big.Rat {
	if n, ok := v.Int(); ok {
		return new(big.Rat).SetInt64(n)
	}
	if f, ok := v.Float(); ok {
		return new(big.Rat).SetFloat64(f)
	}
	if d, ok := v.Dec(); ok {
		return d.Rat()
	}
	panic(fmt.Sprintf("oracle does not know numbers of kind %v", v.Kind()))
}
