package uri_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
)

// truth is the value of an OData expression.
type truth int

const (
	isNull truth = iota - 1
	no
	yes
)

func of(b bool) truth { return map[bool]truth{true: yes, false: no}[b] }

// expression is a $filter and its value by the OData specification (part 2, 5.1.1), for
// a row of thing, or of part inside any and all.
type expression struct {
	text  string
	value func(row filtertest.Entry) truth
}

// drawExpression draws an expression on rows whose properties begin with start.
func drawExpression(t *rapid.T, w filtertest.World, start string, depth int) expression {
	kind := rapid.IntRange(0, 9).Draw(t, "kind")
	if depth == 0 {
		kind = 4 + kind%6
	}
	switch kind {
	case 0, 1:
		return joinedExpression(t, w, start, depth)
	case 2:
		inner := drawExpression(t, w, start, depth-1)
		return expression{"not (" + inner.text + ")", func(row filtertest.Entry) truth {
			if v := inner.value(row); v != isNull {
				return 1 - v
			}
			return isNull
		}}
	case 3:
		if start != "" {
			return drawExpression(t, w, start, depth-1)
		}
		return overParts(t, w, depth)
	default:
		return drawComparison(t, start)
	}
}

func joinedExpression(t *rapid.T, w filtertest.World, start string, depth int) expression {
	left, right := drawExpression(t, w, start, depth-1), drawExpression(t, w, start, depth-1)
	operator := rapid.SampledFrom([]string{"and", "or"}).Draw(t, "operator")
	decisive := of(operator == "or")
	return expression{"(" + left.text + " " + operator + " " + right.text + ")", func(row filtertest.Entry) truth {
		l, r := left.value(row), right.value(row)
		switch {
		case l == decisive || r == decisive:
			return decisive
		case l == isNull || r == isNull:
			return isNull
		}
		return 1 - decisive
	}}
}

// overParts is any or all over the parts of a thing. For all, null is not true.
func overParts(t *rapid.T, w filtertest.World, depth int) expression {
	inner := drawExpression(t, w, "p/", depth-1)
	word := rapid.SampledFrom([]string{"any", "all"}).Draw(t, "lambda")
	return expression{"thing_parts/" + word + "(p:" + inner.text + ")", func(row filtertest.Entry) truth {
		some, all := false, true
		for _, part := range w.Tables["part"] {
			if to, _ := part.Values["ofid"].Ref(); to.ID == row.ID {
				holds := inner.value(part) == yes
				some, all = some || holds, all && holds
			}
		}
		return of(map[string]bool{"any": some, "all": all}[word])
	}}
}

// drawComparison draws a comparison or a text function on one of two numbers and texts.
func drawComparison(t *rapid.T, start string) expression {
	number, text := "employees", "name"
	if start != "" {
		number, text = "weight", "title"
	}
	switch rapid.IntRange(0, 5).Draw(t, "comparison") {
	case 5:
		if start != "" {
			return drawComparison(t, start)
		}
		not := rapid.SampledFrom([]string{"", "not "}).Draw(t, "not")
		return expression{not + "wanted", func(row filtertest.Entry) truth {
			v, ok := row.Values["wanted"].Bool()
			if !ok {
				return isNull
			}
			return of(v == (not == ""))
		}}
	case 0:
		operator := rapid.SampledFrom([]string{"eq", "ne"}).Draw(t, "operator")
		return expression{start + text + " " + operator + " null", func(row filtertest.Entry) truth {
			return of(row.Values[text].IsNull() == (operator == "eq"))
		}}
	case 1:
		function := rapid.SampledFrom([]string{"contains", "startswith", "endswith"}).Draw(t, "function")
		part := rapid.SampledFrom([]string{"a", "b", "%"}).Draw(t, "part")
		return expression{function + "(" + start + text + ",'" + part + "')", func(row filtertest.Entry) truth {
			s, ok := row.Values[text].Text()
			if !ok {
				return isNull
			}
			s = strings.TrimRight(strings.ToLower(s), " ")
			return of(map[string]bool{"contains": strings.Contains(s, part), "startswith": strings.HasPrefix(s, part), "endswith": strings.HasSuffix(s, part)}[function])
		}}
	case 2:
		inner := drawComparison(t, start)
		with := rapid.Bool().Draw(t, "with")
		equal := rapid.Bool().Draw(t, "equal")
		operator := map[bool]string{true: "eq", false: "ne"}[equal]
		return expression{fmt.Sprintf("(%s) %s %v", inner.text, operator, with), func(row filtertest.Entry) truth {
			return of((inner.value(row) == of(with)) == equal) // null equals neither
		}}
	default:
		operator := rapid.SampledFrom([]string{"eq", "ne", "gt", "ge", "lt", "le"}).Draw(t, "operator")
		n := rapid.Int64Range(-1, 1).Draw(t, "number")
		return expression{fmt.Sprintf("%s%s %s %d", start, number, operator, n), func(row filtertest.Entry) truth {
			v, ok := row.Values[number].Int()
			if !ok {
				return of(operator == "ne")
			}
			return of(map[string]bool{"eq": v == n, "ne": v != n, "gt": v > n, "ge": v >= n, "lt": v < n, "le": v <= n}[operator])
		}}
	}
}

// TestTruth: the tree of a $filter holds for the rows for which its expression is true,
// and for none for which it is false or null.
func TestTruth(t *testing.T) {
	s := filtertest.Schema(t)
	rapid.Check(t, func(t *rapid.T) {
		w := filtertest.DrawWorld(t, s, filtertest.Tables())
		for range 20 {
			checkTruth(t, s, w, drawExpression(t, w, "", 4))
		}
	})
}

func checkTruth(t *rapid.T, s *schema.Schema, w filtertest.World, e expression) {
	g, err := parse(s, e.text)
	if err != nil {
		t.Fatalf("parse %s: %v", e.text, err)
	}
	program, err := filter.Compile(s, "thing", g, filter.AsksAnything)
	if err != nil {
		t.Fatal(err)
	}
	scope := &filter.Scope{}
	scope.Related = w.Related(scope)
	for _, row := range w.Tables["thing"] {
		want := e.value(row) == yes
		if got, err := program.MatchIn(row, scope); err != nil || got != want {
			t.Fatalf("%s\nholds: %v, %v; its value is %v\nparsed as %s\nrow %q", e.text, got, err, e.value(row), g, row.Values)
		}
	}
}
