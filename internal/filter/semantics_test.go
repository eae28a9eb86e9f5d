package filter_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/schema"
)

// TestNull is the null table of the package comment, on every type.
func TestNull(t *testing.T) {
	s := loadSchema(t)
	want := map[filter.Operator]bool{
		filter.Eq: false, filter.Ne: true,
		filter.Gt: false, filter.Ge: false, filter.Lt: false, filter.Le: false,
		filter.Between: false, filter.NotBetween: true,
		filter.In: false, filter.NotIn: true,
		filter.Like: false, filter.NotLike: true,
		filter.Contains: false, filter.NotContains: true,
		filter.BeginsWith: false, filter.NotBeginWith: true,
		filter.EndsWith: false, filter.NotEndWith: true,
		filter.Null: true, filter.NotNull: false,
		filter.NeUserID: true, filter.NeBusinessID: true, // and false for all the others
	}
	id := "6f9619ff-8b86-d011-b42d-00c04fc964ff"
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	values := map[schema.Type]schema.Value{
		schema.String: schema.Text("a"), schema.Memo: schema.Text("%"), schema.Integer: schema.Int(0), schema.BigInt: schema.Int(0),
		schema.Decimal: schema.Dec(decimal.Zero), schema.Money: schema.Dec(decimal.Zero), schema.Double: schema.Float(0.0), schema.Boolean: schema.Bool(false),
		schema.Choice: schema.Int(1), schema.State: schema.Int(0), schema.Status: schema.Int(1),
		schema.DateTime: schema.Time(day), schema.Date: schema.Time(day), schema.GUID: schema.Text(id), schema.LookupTo: schema.Ref(schema.Lookup{Table: "thing", ID: id}),
	}
	seen := map[schema.Type]bool{}
	for _, c := range columns(s) {
		seen[c.Type] = true
		for _, op := range filter.Operators(c.Type) {
			v := values[c.Type]
			if filter.Operand(c, op).Type == schema.Integer {
				v = schema.Int(1)
			}
			var operands []schema.Value
			var program *filter.Program
			var err error
			for program == nil && len(operands) < 3 { // as many as the operator takes
				program, err = filter.Compile(s, "thing", and(condition(c.Name, op, operands...)), filter.AsksAnything)
				operands = append(operands, v)
			}
			if program == nil {
				t.Fatalf("%s %s: %v", c.Name, op, err)
			}
			got, err := program.MatchIn(mapRow{}, &filter.Scope{Now: day, Caller: &filter.Caller{}})
			if err != nil || got != want[op] {
				t.Errorf("null %s %s = %v, %v; want %v", c.Type, op, got, err, want[op])
			}
		}
	}
	if len(seen) != len(values) {
		t.Errorf("%d types of columns were tried, want all %d", len(seen), len(values))
	}
}

// TestMeaning is the table of operators in the package comment by example.
func TestMeaning(t *testing.T) {
	s := loadSchema(t)
	tests := []struct {
		read      schema.Value
		condition string // JSON after {"attribute":
		want      bool
	}{
		{schema.Text("Anna"), `"name","operator":"eq","values":["ANNA  "]`, true},
		{schema.Text("Anna  "), `"name","operator":"eq","values":["anna"]`, true},
		{schema.Text(" Anna"), `"name","operator":"eq","values":["anna"]`, false}, // leading blanks count
		{schema.Text("Ärger"), `"name","operator":"eq","values":["äRGER"]`, true},
		{schema.Text("Straße"), `"name","operator":"eq","values":["strasse"]`, false}, // one character is one character
		{schema.Text("50%"), `"name","operator":"eq","values":["5%"]`, false},         // wildcards are like's alone
		{schema.Text("b"), `"name","operator":"gt","values":["A"]`, true},
		{schema.Text("Z"), `"name","operator":"lt","values":["a"]`, false},
		{schema.Text("a "), `"name","operator":"gt","values":["A"]`, false},
		{schema.Text("ab"), `"name","operator":"between","values":["A","B"]`, true},
		{schema.Text("b"), `"name","operator":"in","values":["a","B"]`, true},
		{schema.Text("b"), `"name","operator":"not-in","values":["a","B"]`, false},

		{schema.Text("Contoso Ltd"), `"name","operator":"like","values":["con%LTD"]`, true},
		{schema.Text("Contoso Ltd"), `"name","operator":"like","values":["contoso"]`, false}, // the whole text
		{schema.Text("cat"), `"name","operator":"like","values":["c_t"]`, true},
		{schema.Text("c😀t"), `"name","operator":"like","values":["c_t"]`, true},
		{schema.Text("ct"), `"name","operator":"like","values":["c_t"]`, false},
		{schema.Text("a.c"), `"name","operator":"like","values":["a.c"]`, true},
		{schema.Text("abc"), `"name","operator":"like","values":["a.c"]`, false},
		{schema.Text("aaab"), `"name","operator":"like","values":["%a%ab"]`, true},
		{schema.Text("😀bcc"), `"name","operator":"like","values":["%__b%"]`, false}, // never half a character
		{schema.Text("a\nb"), `"notes","operator":"like","values":["a%b"]`, true},
		{schema.Text(""), `"name","operator":"like","values":["%"]`, true},
		{schema.Text(""), `"name","operator":"like","values":["_"]`, false},
		{schema.Text("100%"), `"name","operator":"not-like","values":["100"]`, true},

		{schema.Text("50% off"), `"name","operator":"contains","values":["0% O"]`, true},
		{schema.Text("500 off"), `"name","operator":"contains","values":["0% O"]`, false}, // literal
		{schema.Text("abc"), `"name","operator":"contains","values":[""]`, true},
		{schema.Text("abc"), `"name","operator":"not-contains","values":["B"]`, false},
		{schema.Text("Abc"), `"name","operator":"begins-with","values":["aB"]`, true},
		{schema.Text("Abc"), `"name","operator":"not-begin-with","values":["b"]`, true},
		{schema.Text("Abc  "), `"name","operator":"ends-with","values":["BC"]`, true},
		// A blank at the end of a pattern is a character like any other.
		{schema.Text("Drama"), `"name","operator":"begins-with","values":["Dr "]`, false},
		{schema.Text("Dr Who"), `"name","operator":"begins-with","values":["Dr "]`, true},
		{schema.Text("Dr Who"), `"name","operator":"not-begin-with","values":["Dr "]`, false},
		{schema.Text("Dr"), `"name","operator":"begins-with","values":["Dr "]`, false},
		{schema.Text("Dr "), `"name","operator":"begins-with","values":["Dr "]`, false}, // the same value as "Dr"
		{schema.Text("The Drama"), `"name","operator":"contains","values":["dr "]`, false},
		{schema.Text("The Dr Who"), `"name","operator":"contains","values":["dr "]`, true},
		{schema.Text("abc"), `"name","operator":"contains","values":[" "]`, false},
		{schema.Text("abc "), `"name","operator":"contains","values":[" "]`, false},
		{schema.Text("a c"), `"name","operator":"not-contains","values":[" "]`, false},
		{schema.Text("Abc"), `"name","operator":"ends-with","values":["BC "]`, false},
		{schema.Text("Abc  "), `"name","operator":"not-end-with","values":["BC "]`, true}, // no value ends in a blank
		{schema.Text("Dr Who"), `"name","operator":"like","values":["dr %"]`, true},
		{schema.Text("Dr  "), `"name","operator":"like","values":["dr %"]`, false},
		{schema.Text("Dr"), `"name","operator":"like","values":["dr "]`, false},
		{schema.Text("Dr  "), `"name","operator":"eq","values":["dr "]`, true}, // compares with a value
		{schema.Text("Abc"), `"name","operator":"not-end-with","values":["bc"]`, false},
		{schema.Text(""), `"name","operator":"null"`, false}, // empty is not null

		{schema.Int(10), `"employees","operator":"ge","values":[10]`, true},
		{schema.Int(10), `"employees","operator":"gt","values":[10]`, false},
		{schema.Int(10), `"employees","operator":"between","values":[10,10]`, true},
		{schema.Int(10), `"employees","operator":"between","values":[20,5]`, false}, // nothing is
		{schema.Int(10), `"employees","operator":"not-between","values":[20,5]`, true},
		{schema.Int(9007199254740993), `"serial","operator":"gt","values":[9007199254740992]`, true}, // no float in between
		{schema.Dec(decimal.RequireFromString("0.3")), `"share","operator":"eq","values":[0.30]`, true},
		{schema.Dec(decimal.RequireFromString("20000.0001")), `"revenue","operator":"gt","values":[2e4]`, true},
		{schema.Dec(decimal.RequireFromString("1e20")), `"share","operator":"lt","values":[100000000000000000000.5]`, true},
		{schema.Float(0.5), `"latitude","operator":"le","values":[0.50]`, true},

		{schema.Bool(true), `"wanted","operator":"ne","values":[false]`, true},
		{schema.Int(8), `"source","operator":"in","values":[1,8]`, true},
		{schema.Int(2), `"statuscode","operator":"not-in","values":[1,3]`, true},
		{schema.Time(time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)), `"seenon","operator":"eq","values":["2026-03-01T12:30:00+02:00"]`, true},
		{schema.Time(time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC)), `"seenon","operator":"gt","values":["2026-03-01"]`, true},
		{schema.Time(time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)), `"birthday","operator":"between","values":["2026-02-28","2026-03-01"]`, true},
		{schema.Text("6f9619ff-8b86-d011-b42d-00c04fc964ff"), `"token","operator":"eq","values":["6F9619FF-8B86-D011-B42D-00C04FC964FF"]`, true},
		{
			schema.Ref(schema.Lookup{Table: "thing", ID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"}),
			`"about","operator":"eq","values":["part:6f9619ff-8b86-d011-b42d-00c04fc964ff"]`, false, // another table's row
		},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprintf("%v: %s", tt.read, tt.condition), func(t *testing.T) {
			g, err := filter.Parse(s, "thing", `{"type":"and","items":[{"attribute":`+tt.condition+`}]}`)
			if err != nil {
				t.Fatal(err)
			}
			program := compile(t, s, g)
			row := mapRow{values: map[string]schema.Value{program.Columns()[0]: tt.read}}
			if got, err := program.Match(row); err != nil || got != tt.want {
				t.Errorf("got %v, %v; want %v", got, err, tt.want)
			}
		})
	}
}
