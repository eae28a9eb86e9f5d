package filter_test

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strings"

	"segue/internal/filter"
	"segue/internal/schema"
)

// oracle decides a filter the slow and obvious way, straight from the tree and
// the package comment, sharing no code with the evaluator: texts by
// strings.ToLower and regexp, numbers as fractions, moments as seconds.
func oracle(n filter.Node, row map[string]schema.Value) bool {
	switch n := n.(type) {
	case *filter.Group:
		var answers []bool
		for _, item := range n.Items {
			answers = append(answers, oracle(item, row))
		}
		if n.Logic == filter.And {
			return !slices.Contains(answers, false)
		}
		return slices.Contains(answers, true)
	case *filter.Condition:
		return oracleCondition(n, row[n.Column])
	}
	panic(fmt.Sprintf("oracle does not know %T", n))
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
		return oracleText(c.Operator, lower(textOf(read)), strings.ToLower(textOf(c.Values[0])))
	}
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
