package filter_test

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
)

// asksForAll has a condition of every kind.
func asksForAll() *filter.Group {
	return and(
		condition("name", filter.Eq, schema.Text("a")),
		condition("seenon", filter.LastXDays, schema.Int(7)),
		condition("about", filter.EqUserTeams),
		&filter.Condition{Path: []string{"parentid", "about_part"}, Column: "title", Operator: filter.NotNull},
		&filter.Condition{Path: []string{"parentid"}, Column: "source", Operator: filter.Eq, Values: []schema.Value{schema.Int(8)}},
		&filter.Condition{Column: "createdon", Operator: filter.Lt, Other: "modifiedon"},
		&filter.Related{Relationship: "thing_parts", Contains: true, Filter: and(condition("weight", filter.Gt, schema.Int(3)))},
		&filter.Related{Relationship: "part_about_thing", Filter: and(condition("weight", filter.Gt, schema.Int(3)))},
	)
}

func TestNeeds(t *testing.T) {
	s := loadSchema(t)
	program, err := filter.Compile(s, "thing", asksForAll(), filter.AsksAnything)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"about", "createdon", "modifiedon", "name", "parentid", "seenon"}, program.Columns()); diff != "" {
		t.Errorf("columns (-want +got):\n%s", diff)
	}
	needs := program.Needs()
	if want := filter.AsksNow | filter.AsksCaller | filter.AsksRows; needs.Asks != want {
		t.Errorf("asks %b, want %b", needs.Asks, want)
	}
	var got []string
	var list func(indent string, lookups []filter.Follow)
	list = func(indent string, lookups []filter.Follow) {
		for _, f := range lookups {
			got = append(got, indent+f.Nav.Column.Name+" → "+f.Nav.Target.Table+": "+strings.Join(f.Columns, " "))
			list(indent+"  ", f.Lookups)
		}
	}
	list("", needs.Lookups)
	for _, r := range needs.Related {
		got = append(got, r.Relation.Name+": "+strings.Join(r.Inner.Columns(), " "))
	}
	want := []string{"parentid → thing: about source", "  about → part: title", "about → part: weight", "thing_parts: weight"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("needs (-want +got):\n%s", diff)
	}
}

// TestAsks: what has no scope refuses what needs one, at the first node that does.
func TestAsks(t *testing.T) {
	s := loadSchema(t)
	tests := []struct {
		name string
		node filter.Node
		asks filter.Asks
		want string
	}{
		{"time", condition("seenon", filter.Today), filter.AsksNow,
			"operator today is relative to the time, and nothing changes here when time passes; it cannot be evaluated"},
		{"zone", condition("seenon", filter.On, schema.Time(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC))), filter.AsksZone,
			"operator on depends on a time zone, and there is none here; it cannot be evaluated"},
		{"caller", condition("about", filter.EqUserID), filter.AsksCaller,
			"operator eq-userid is relative to the caller, and there is none here; it cannot be evaluated"},
		{"path", &filter.Condition{Path: []string{"parentid"}, Column: "name", Operator: filter.Null}, filter.AsksRows,
			"conditions on related rows (parentid/name) cannot be evaluated"},
		{"related", &filter.Related{Relationship: "thing_parts", Filter: and()}, filter.AsksRows,
			"conditions on related rows (thing_parts) cannot be evaluated"},
		{"hierarchy", condition("parentid", filter.Under, schema.Ref(schema.Lookup{Table: "thing", ID: filtertest.IDs()[0]})), filter.AsksRows,
			"operator under asks for the rows above others; it cannot be evaluated"},
		{"columns", &filter.Condition{Column: "createdon", Operator: filter.Lt, Other: "modifiedon"}, 0, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			g := and(or(test.node))
			if got := g.Asks(); got != test.asks {
				t.Errorf("asks %b, want %b", got, test.asks)
			}
			_, err := filter.Compile(s, "thing", g)
			if want := "filter at items[0].items[0]: " + test.want; test.want != "" && (err == nil || err.Error() != want) {
				t.Errorf("Compile: got error %v, want %s", err, want)
			} else if test.want == "" && err != nil {
				t.Error(err)
			}
			program, err := filter.Compile(s, "thing", g, test.asks)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := program.Match(mapRow{}); test.asks&^filter.AsksZone != 0 && err == nil {
				t.Error("Match has a result without a scope")
			}
		})
	}
}

// failing is a row, and related rows, that cannot be read.
type failing struct{}

func (failing) Value(string) (schema.Value, error) { return schema.Null(), io.ErrUnexpectedEOF }

func (failing) One(filter.Row, schema.Nav) (filter.Row, error) { return nil, io.ErrUnexpectedEOF }

func (failing) Any(filter.Row, schema.Relation, *filter.Program) (bool, error) {
	return false, io.ErrUnexpectedEOF
}

func (failing) Above(*schema.Table, string) ([]string, error) { return nil, io.ErrUnexpectedEOF }

// TestReadErrors: what cannot be read is an error that names the condition, never a
// result.
func TestReadErrors(t *testing.T) {
	s := loadSchema(t)
	part := filtertest.Entry{Table: "part", ID: filtertest.IDs()[0], Values: map[string]schema.Value{"weight": schema.Text("heavy")}}
	thing := filtertest.Entry{Table: "thing", ID: filtertest.IDs()[0], Values: map[string]schema.Value{
		"about": schema.Ref(schema.Lookup{Table: "part", ID: part.ID}), "createdon": schema.Text("soon"),
		"modifiedon": schema.Time(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)),
	}}
	world := filtertest.World{Tables: map[string][]filtertest.Entry{"part": {part}, "thing": {thing}}}
	path := &filter.Condition{Path: []string{"about_part"}, Column: "weight", Operator: filter.Gt, Values: []schema.Value{schema.Int(3)}}
	columns := &filter.Condition{Column: "createdon", Operator: filter.Lt, Other: "modifiedon"}
	mirrored := &filter.Condition{Column: "modifiedon", Operator: filter.Lt, Other: "createdon"}
	many := &filter.Related{Relationship: "thing_parts", Filter: and()}
	one := &filter.Related{Relationship: "part_about_thing", Contains: true, Filter: and(condition("weight", filter.Gt, schema.Int(3)))}
	under := &filter.Condition{Column: "thingid", Operator: filter.Under, Values: []schema.Value{schema.Text(filtertest.IDs()[1])}}
	thing.Values["thingid"] = schema.Text(thing.ID)
	tests := []struct {
		name    string
		node    filter.Node
		row     filter.Row
		related filter.RelatedRows
		want    string
	}{
		{"column", columns, failing{}, nil, "filter at items[0]: read column createdon: unexpected EOF"},
		{"column of another kind", columns, thing, nil, "filter at items[0]: column createdon of type datetime holds a value of kind text"},
		{"other column of another kind", mirrored, thing, nil, "filter at items[0]: column createdon of type datetime holds a value of kind text"},
		{"lookup", path, thing, failing{}, "filter at items[0]: follow about_part: unexpected EOF"},
		{"column at the end of a path", path, thing, world.Related(nil), "filter at items[0]: column weight of type integer holds a value of kind text"},
		{"rows above", under, thing, failing{}, "filter at items[0]: unexpected EOF"},
		{"rows above, of none", under, thing, nil, "filter at items[0]: the condition is on related rows, which are not available"},
		{"many rows", many, thing, failing{}, "relationship thing_parts: unexpected EOF"},
		{"one row", one, thing, failing{}, "relationship part_about_thing: unexpected EOF"},
		{"column of one row", one, thing, world.Related(nil), "relationship part_about_thing: filter at items[0].filter.items[0]: column weight of type integer holds a value of kind text"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			program, err := filter.Compile(s, "thing", and(test.node), filter.AsksAnything)
			if err != nil {
				t.Fatal(err)
			}
			scope := &filter.Scope{Related: test.related}
			if _, err := program.MatchIn(test.row, scope); err == nil || err.Error() != test.want {
				t.Errorf("MatchIn: got error %v, want %s", err, test.want)
			}
			if _, err := program.ExplainIn(test.row, scope); err == nil || err.Error() != test.want {
				t.Errorf("ExplainIn: got error %v, want %s", err, test.want)
			}
		})
	}
}
