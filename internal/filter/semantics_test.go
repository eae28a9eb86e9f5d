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
	}
	id := "6f9619ff-8b86-d011-b42d-00c04fc964ff"
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	values := map[schema.Type]schema.Value{
		schema.String: "a", schema.Memo: "%", schema.Integer: int64(0), schema.BigInt: int64(0),
		schema.Decimal: decimal.Zero, schema.Money: decimal.Zero, schema.Double: 0.0, schema.Boolean: false,
		schema.Choice: int64(1), schema.State: int64(0), schema.Status: int64(1),
		schema.DateTime: day, schema.Date: day, schema.GUID: id, schema.LookupTo: schema.Lookup{Table: "thing", ID: id},
	}
	seen := map[schema.Type]bool{}
	for _, c := range columns(s) {
		seen[c.Type] = true
		for _, op := range filter.Operators(c.Type) {
			v := values[c.Type]
			operands := []schema.Value{v}
			switch op {
			case filter.Null, filter.NotNull:
				operands = nil
			case filter.Between, filter.NotBetween:
				operands = []schema.Value{v, v}
			}
			got, err := compile(t, s, and(condition(c.Name, op, operands...))).Match(mapRow{})
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
		{"Anna", `"name","operator":"eq","values":["ANNA  "]`, true},
		{"Anna  ", `"name","operator":"eq","values":["anna"]`, true},
		{" Anna", `"name","operator":"eq","values":["anna"]`, false}, // leading blanks count
		{"Ärger", `"name","operator":"eq","values":["äRGER"]`, true},
		{"Straße", `"name","operator":"eq","values":["strasse"]`, false}, // one character is one character
		{"50%", `"name","operator":"eq","values":["5%"]`, false},         // wildcards are like's alone
		{"b", `"name","operator":"gt","values":["A"]`, true},
		{"Z", `"name","operator":"lt","values":["a"]`, false},
		{"a ", `"name","operator":"gt","values":["A"]`, false},
		{"ab", `"name","operator":"between","values":["A","B"]`, true},
		{"b", `"name","operator":"in","values":["a","B"]`, true},
		{"b", `"name","operator":"not-in","values":["a","B"]`, false},

		{"Contoso Ltd", `"name","operator":"like","values":["con%LTD"]`, true},
		{"Contoso Ltd", `"name","operator":"like","values":["contoso"]`, false}, // the whole text
		{"cat", `"name","operator":"like","values":["c_t"]`, true},
		{"c😀t", `"name","operator":"like","values":["c_t"]`, true},
		{"ct", `"name","operator":"like","values":["c_t"]`, false},
		{"a.c", `"name","operator":"like","values":["a.c"]`, true},
		{"abc", `"name","operator":"like","values":["a.c"]`, false},
		{"aaab", `"name","operator":"like","values":["%a%ab"]`, true},
		{"😀bcc", `"name","operator":"like","values":["%__b%"]`, false}, // never half a character
		{"a\nb", `"notes","operator":"like","values":["a%b"]`, true},
		{"", `"name","operator":"like","values":["%"]`, true},
		{"", `"name","operator":"like","values":["_"]`, false},
		{"100%", `"name","operator":"not-like","values":["100"]`, true},

		{"50% off", `"name","operator":"contains","values":["0% O"]`, true},
		{"500 off", `"name","operator":"contains","values":["0% O"]`, false}, // literal
		{"abc", `"name","operator":"contains","values":[""]`, true},
		{"abc", `"name","operator":"not-contains","values":["B"]`, false},
		{"Abc", `"name","operator":"begins-with","values":["aB"]`, true},
		{"Abc", `"name","operator":"not-begin-with","values":["b"]`, true},
		{"Abc  ", `"name","operator":"ends-with","values":["BC "]`, true},
		{"Abc", `"name","operator":"not-end-with","values":["bc"]`, false},
		{"", `"name","operator":"null"`, false}, // empty is not null

		{int64(10), `"employees","operator":"ge","values":[10]`, true},
		{int64(10), `"employees","operator":"gt","values":[10]`, false},
		{int64(10), `"employees","operator":"between","values":[10,10]`, true},
		{int64(10), `"employees","operator":"between","values":[20,5]`, false}, // nothing is
		{int64(10), `"employees","operator":"not-between","values":[20,5]`, true},
		{int64(9007199254740993), `"serial","operator":"gt","values":[9007199254740992]`, true}, // no float in between
		{decimal.RequireFromString("0.3"), `"share","operator":"eq","values":[0.30]`, true},
		{decimal.RequireFromString("20000.0001"), `"revenue","operator":"gt","values":[2e4]`, true},
		{decimal.RequireFromString("1e20"), `"share","operator":"lt","values":[100000000000000000000.5]`, true},
		{0.5, `"latitude","operator":"le","values":[0.50]`, true},

		{true, `"wanted","operator":"ne","values":[false]`, true},
		{int64(8), `"source","operator":"in","values":[1,8]`, true},
		{int64(2), `"statuscode","operator":"not-in","values":[1,3]`, true},
		{time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC), `"seenon","operator":"eq","values":["2026-03-01T12:30:00+02:00"]`, true},
		{time.Date(2026, 3, 1, 10, 30, 0, 0, time.UTC), `"seenon","operator":"gt","values":["2026-03-01"]`, true},
		{time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), `"birthday","operator":"between","values":["2026-02-28","2026-03-01"]`, true},
		{"6f9619ff-8b86-d011-b42d-00c04fc964ff", `"token","operator":"eq","values":["6F9619FF-8B86-D011-B42D-00C04FC964FF"]`, true},
		{
			schema.Lookup{Table: "thing", ID: "6f9619ff-8b86-d011-b42d-00c04fc964ff"},
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
