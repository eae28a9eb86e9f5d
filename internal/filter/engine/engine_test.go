package engine_test

import (
	"errors"
	"testing"

	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/engine"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
)

// draw draws programs on rows of thing, most of them simple, so that each operator and
// type is often met, and a world to evaluate them in.
func draw(t *rapid.T, s *schema.Schema) ([]*filter.Program, filtertest.World, *filter.Scope) {
	thing := s.Table("thing")
	var programs []*filter.Program
	for range rapid.IntRange(0, 6).Draw(t, "programs") {
		var within []string // of some programs no condition leaves the row
		if rapid.Bool().Draw(t, "beyond the row") {
			within = filtertest.Tables()
		}
		g := filtertest.Group(t, s, thing, within, 3)
		p, err := filter.Compile(s, "thing", g, filter.AsksAnything)
		if err != nil {
			t.Fatalf("compile %s: %v", g, err)
		}
		programs = append(programs, p)
	}
	w, scope := filtertest.DrawWorld(t, s, filtertest.Tables()), filtertest.Scope(t)
	scope.Related = w.Related(scope)
	return programs, w, scope
}

// checkAgrees compares the engine with each program asked by itself, from each position
// on.
func checkAgrees(t *rapid.T, programs []*filter.Program, rows []filtertest.Entry, scope *filter.Scope) {
	e := engine.New(programs)
	var records []*engine.Record
	for _, row := range rows {
		e.Load(row, scope).Free() // so that some are used again
		records = append(records, e.Load(row, scope))
	}
	for n, row := range rows {
		for from := range len(programs) + 1 {
			want := len(programs)
			for i := want - 1; i >= from; i-- {
				holds, err := programs[i].MatchIn(row, scope)
				if err != nil {
					t.Fatal(err)
				}
				if holds {
					want = i
				}
			}
			if got, err := e.First(records[n], from); got != want || err != nil {
				t.Fatalf("first from %d is %d, %v, want %d\n%s\nrow %q\nscope %+v", from, got, err, want, trees(programs), row.Values, scope)
			}
		}
	}
}

func trees(programs []*filter.Program) (texts []string) {
	for _, p := range programs {
		_, tree := p.Tree()
		texts = append(texts, tree.String()+"\n")
	}
	return texts
}

func TestFirstAgreesWithPrograms(t *testing.T) {
	s := filtertest.Schema(t)
	rapid.Check(t, func(t *rapid.T) {
		programs, w, scope := draw(t, s)
		checkAgrees(t, programs, w.Tables["thing"], scope)
	})
}

// TestEachOperatorAgrees gives every operator of every column its share: several
// conditions of one column, so that each value stands among the values of others.
func TestEachOperatorAgrees(t *testing.T) {
	s := filtertest.Schema(t)
	for _, c := range filtertest.Usable(s.Table("thing")) {
		for _, op := range filter.Operators(c.Type) {
			t.Run(c.Name+" "+string(op), rapid.MakeCheck(func(t *rapid.T) {
				var programs []*filter.Program
				for n := range rapid.IntRange(1, 4).Draw(t, "programs") {
					if n > 0 {
						op = rapid.SampledFrom(filter.Operators(c.Type)).Draw(t, "operator")
					}
					g := &filter.Group{Logic: filter.And, Items: []filter.Node{filtertest.Condition(t, c, op)}}
					p, err := filter.Compile(s, "thing", g, filter.AsksAnything)
					if err != nil {
						t.Fatal(err)
					}
					programs = append(programs, p)
				}
				rows := []filtertest.Entry{
					{Table: "thing", Values: filtertest.Row(t, []*schema.Column{c})},
					{Table: "thing", Values: filtertest.Row(t, []*schema.Column{c})},
				}
				checkAgrees(t, programs, rows, filtertest.Scope(t))
			}))
		}
	}
}

func condition(column string, op filter.Operator, values ...schema.Value) *filter.Condition {
	return &filter.Condition{Column: column, Operator: op, Values: values}
}

func compile(t rapid.TB, s *schema.Schema, items ...filter.Node) *filter.Program {
	t.Helper()
	p, err := filter.Compile(s, "thing", &filter.Group{Logic: filter.And, Items: items})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// brokenRow has one column that cannot be read and one of another kind.
type brokenRow map[string]schema.Value

var errUnread = errors.New("it cannot be read")

func (r brokenRow) Value(column string) (schema.Value, error) {
	if column == "notes" {
		return schema.Null(), errUnread
	}
	return r[column], nil
}

// TestBrokenColumns: a column that cannot be read is an error of the programs that need
// it, and of no other.
func TestBrokenColumns(t *testing.T) {
	s := filtertest.Schema(t)
	e := engine.New([]*filter.Program{
		compile(t, s, condition("employees", filter.Gt, schema.Int(5))),
		compile(t, s, condition("name", filter.Eq, schema.Text("b")), condition("notes", filter.Null)),
		compile(t, s, condition("name", filter.Eq, schema.Text("a")), condition("notes", filter.Null)),
		compile(t, s, condition("employees", filter.Le, schema.Int(5))),
	})
	for _, test := range []struct {
		name      string
		employees schema.Value
		from      int
		want      int
		fails     bool
	}{
		{"another program holds first", schema.Int(6), 0, 0, false},
		{"it is needed", schema.Int(1), 0, 2, true},
		{"after it", schema.Int(1), 3, 3, false},
		{"another kind", schema.Text("6"), 0, 0, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := e.Load(brokenRow{"employees": test.employees, "name": schema.Text("a")}, nil)
			defer r.Free()
			if got, err := e.First(r, test.from); got != test.want || (err != nil) != test.fails {
				t.Errorf("got %d, %v, want %d", got, err, test.want)
			}
		})
	}
	r := e.Load(filtertest.Entry{Values: map[string]schema.Value{"name": schema.Text("A"), "employees": schema.Int(1)}}, nil)
	if got, err := e.First(r, 0); got != 2 || err != nil {
		t.Errorf("the next row: got %d, %v, want 2", got, err)
	}
}

// TestOrder: what is likely to decide a group at the least cost is asked first.
func TestOrder(t *testing.T) {
	s := filtertest.Schema(t)
	e := engine.New([]*filter.Program{
		compile(t, s,
			condition("notes", filter.Contains, schema.Text("fair")),
			condition("employees", filter.NotNull),
			condition("source", filter.Eq, schema.Int(8))),
	})
	for _, test := range []struct {
		source int64
		want   int
	}{{1, 1}, {8, 3}} {
		r := e.Load(filtertest.Entry{Values: map[string]schema.Value{"notes": schema.Text("unfair"), "employees": schema.Int(1), "source": schema.Int(test.source)}}, nil)
		if got := e.Operations(r); got != test.want {
			t.Errorf("source %d: %d questions, want %d", test.source, got, test.want)
		}
	}
}

// Texts and ids that begin and end alike are told apart by the rest of them.
func TestAlikeTextsAndReferences(t *testing.T) {
	s := filtertest.Schema(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Map(rapid.StringMatching(`(https://)?(a|b|segue)?[ab]{0,3}`), schema.Text)
		ref := rapid.Map(rapid.StringMatching(`6f9619f[ef]-8b86-d011-b42d-00c04fc964f[ef]`), func(id string) schema.Value {
			return schema.Ref(schema.Lookup{Table: "thing", ID: id})
		})
		var programs []*filter.Program
		for range rapid.IntRange(1, 12).Draw(t, "programs") {
			op := rapid.SampledFrom([]filter.Operator{filter.Eq, filter.Gt, filter.Ge, filter.BeginsWith}).Draw(t, "operator")
			item := condition("name", op, text.Draw(t, "constant"))
			if rapid.Bool().Draw(t, "reference") {
				item = condition("parentid", filter.Eq, ref.Draw(t, "reference"))
			}
			programs = append(programs, compile(t, s, item))
		}
		row := filtertest.Entry{Table: "thing", Values: map[string]schema.Value{"name": text.Draw(t, "name"), "parentid": ref.Draw(t, "parent")}}
		checkAgrees(t, programs, []filtertest.Entry{row}, nil)
	})
}
