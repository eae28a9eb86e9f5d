package filter_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
)

// loadSchema is a table "thing" with a column of every type, and a table
// "part".
func loadSchema(t testing.TB) *schema.Schema {
	t.Helper()
	return filtertest.Schema(t)
}

// mapRow is a row that counts how often each column was asked for.
type mapRow struct {
	values map[string]schema.Value
	reads  map[string]int
}

func (r mapRow) Value(column string) (schema.Value, error) {
	if r.reads != nil {
		r.reads[column]++
	}
	return r.values[column], nil
}

func condition(column string, op filter.Operator, values ...schema.Value) *filter.Condition {
	return &filter.Condition{Column: column, Operator: op, Values: values}
}

func and(items ...filter.Node) *filter.Group {
	return &filter.Group{Logic: filter.And, Items: items}
}

func or(items ...filter.Node) *filter.Group {
	return &filter.Group{Logic: filter.Or, Items: items}
}

func compile(t testing.TB, s *schema.Schema, g *filter.Group) *filter.Program {
	t.Helper()
	p, err := filter.Compile(s, "thing", g)
	if err != nil {
		t.Fatalf("compile %s: %v", g, err)
	}
	return p
}

func TestCheckLimit(t *testing.T) {
	named := condition("name", filter.NotNull)
	related := func(items ...filter.Node) *filter.Related {
		return &filter.Related{Relationship: "thing_parts", Contains: true, Filter: and(items...)}
	}
	weighed := condition("weight", filter.NotNull)
	tests := map[string]struct {
		g     *filter.Group
		count int
		node  string // of the first condition beyond 2, "" when there is none
	}{
		"empty":              {and(), 0, ""},
		"at the limit":       {and(named, named), 2, ""},
		"flat":               {and(named, named, named, named), 4, "items[2]"},
		"nested":             {and(named, or(and(named), and(), named), named), 4, "items[1].items[2]"},
		"related counts one": {and(named, named, related()), 3, "items[2]"},
		"related rows count": {and(named, related(weighed, or(weighed))), 3, "items[1].filter.items[1].items[0]"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if got := tt.g.Conditions(); got != tt.count {
				t.Errorf("Conditions() = %d, want %d", got, tt.count)
			}
			err := tt.g.CheckLimit(2)
			if tt.node == "" {
				if err != nil {
					t.Fatalf("CheckLimit(2) = %v, want nil", err)
				}
				return
			}
			var where *filter.Error
			if !errors.Is(err, filter.ErrLimit) || !errors.As(err, &where) {
				t.Fatalf("CheckLimit(2) = %v, want ErrLimit and an *Error", err)
			}
			want := &filter.Error{Node: tt.node, Offset: -1, Detail: "condition 3 of at most 2"}
			if diff := cmp.Diff(want, where); diff != "" {
				t.Errorf("CheckLimit(2) (-want +got):\n%s", diff)
			}
		})
	}
}

// Trees that Parse cannot make, so that only Check sees them.
func TestCheckRefuses(t *testing.T) {
	s := loadSchema(t)
	deep := and()
	for range filter.MaxDepth {
		deep = and(deep)
	}
	tests := map[string]struct {
		g    *filter.Group
		node string
		want string // part of the detail
	}{
		"no group":          {nil, "", "a group is missing"},
		"no node":           {and(nil), "items[0]", "a node is missing"},
		"nil condition":     {and((*filter.Condition)(nil)), "items[0]", "a node is missing"},
		"nil related":       {and((*filter.Related)(nil)), "items[0]", "a node is missing"},
		"nil inner group":   {and(or((*filter.Group)(nil))), "items[0].items[0]", "a group is missing"},
		"no filter":         {and(&filter.Related{Relationship: "thing_parts"}), "items[0].filter", "a group is missing"},
		"no logic":          {&filter.Group{}, "", `type "" is neither`},
		"neq is text only":  {and(condition("name", "neq", schema.Text("a"))), "items[0]", `operator "neq"`},
		"float for integer": {and(condition("employees", filter.Eq, schema.Float(3))), "items[0].values[0]", "whole number"},
		"null value":        {and(condition("name", filter.In, schema.Text("a"), schema.Null())), "items[0].values[1]", "compared with null"},
		"too deep":          {deep, strings.Repeat("items[0].", filter.MaxDepth-1) + "items[0]", "deeper than 10"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got *filter.Error
			if err := filter.Check(s, "thing", tt.g); !errors.As(err, &got) {
				t.Fatalf("Check = %v, want an *Error", err)
			}
			if got.Node != tt.node || got.Offset != -1 || !strings.Contains(got.Detail, tt.want) {
				t.Errorf("Check = %#v, want node %q, offset -1 and %q", got, tt.node, tt.want)
			}
			if _, err := filter.Compile(s, "thing", tt.g); err == nil {
				t.Error("Compile takes what Check refuses")
			}
		})
	}
}

func TestCheckLeavesLengthAndRangeOpen(t *testing.T) {
	g := and(
		condition("name", filter.Like, schema.Text(strings.Repeat("%a", 30))), // longer than the column
		condition("employees", filter.Gt, schema.Int(-1)),                     // below its least value
	)
	if err := filter.Check(loadSchema(t), "thing", g); err != nil {
		t.Error(err)
	}
}

func TestCompileRefusesRelated(t *testing.T) {
	g := and(and(&filter.Related{Relationship: "thing_parts", Contains: true, Filter: and()}))
	_, err := filter.Compile(loadSchema(t), "thing", g)
	want := "filter at items[0].items[0]: conditions on related rows (thing_parts) cannot be evaluated"
	if err == nil || err.Error() != want {
		t.Errorf("Compile: got error %v, want %s", err, want)
	}
}

func TestColumns(t *testing.T) {
	g := and(condition("source", filter.Null), or(condition("name", filter.Eq, schema.Text("a")), condition("source", filter.NotNull)))
	want := []string{"name", "source"}
	if diff := cmp.Diff(want, compile(t, loadSchema(t), g).Columns()); diff != "" {
		t.Errorf("Columns() (-want +got):\n%s", diff)
	}
}

func TestMatchReadsNoMoreThanItNeeds(t *testing.T) {
	g := and(
		condition("name", filter.Null), // true
		or(condition("employees", filter.NotBetween, schema.Int(1), schema.Int(2)), condition("serial", filter.Null)),
		condition("token", filter.NotNull), // false
		condition("source", filter.Null),
	)
	row := mapRow{reads: map[string]int{}}
	holds, err := compile(t, loadSchema(t), g).Match(row)
	if holds || err != nil {
		t.Errorf("Match = %v, %v; want false, nil", holds, err)
	}
	want := map[string]int{"name": 1, "employees": 1, "token": 1}
	if diff := cmp.Diff(want, row.reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
}

func TestExplain(t *testing.T) {
	g := or(
		condition("source", filter.In, schema.Int(1), schema.Int(8)),
		and(condition("name", filter.NotContains, schema.Text(`a"c`)), condition("revenue", filter.Null)),
		and(),
	)
	row := mapRow{values: map[string]schema.Value{"source": schema.Int(9), "name": schema.Text("")}}
	got, err := compile(t, loadSchema(t), g).Explain(row)
	if err != nil {
		t.Fatal(err)
	}
	source, name := "9", ""
	want := filter.Verdict{Text: "or", Holds: true, Items: []filter.Verdict{
		{Node: "items[0]", Text: "source in [1,8]", Value: &source},
		{Node: "items[1]", Text: "and", Holds: true, Items: []filter.Verdict{
			{Node: "items[1].items[0]", Text: `name not-contains "a\"c"`, Holds: true, Value: &name},
			{Node: "items[1].items[1]", Text: "revenue null", Holds: true},
		}},
		{Node: "items[2]", Text: "and", Holds: true},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("Explain (-want +got):\n%s", diff)
	}
}

type brokenRow struct{ err error }

func (r brokenRow) Value(string) (schema.Value, error) { return schema.Null(), r.err }

func TestRowErrors(t *testing.T) {
	s := loadSchema(t)
	program := compile(t, s, or(condition("employees", filter.NotNull), condition("name", filter.Null)))
	broken := brokenRow{errors.New("torn image")}
	tests := map[string]struct {
		row  filter.Row
		want string
	}{
		"value of another kind": {
			mapRow{values: map[string]schema.Value{"employees": schema.Text("12")}},
			"filter at items[0]: column employees of type integer holds a value of kind text",
		},
		"row that fails": {broken, "filter at items[0]: read column employees: torn image"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			if _, err := program.Match(tt.row); err == nil || err.Error() != tt.want {
				t.Errorf("Match: got error %v, want %s", err, tt.want)
			}
			if _, err := program.Explain(tt.row); err == nil || err.Error() != tt.want {
				t.Errorf("Explain: got error %v, want %s", err, tt.want)
			}
		})
	}
	if _, err := program.Match(broken); !errors.Is(err, broken.err) {
		t.Errorf("Match hides the row's error: %v", err)
	}
}
