package schema

import (
	"strings"
	"testing"
)

const deals = `"relationship":"opportunity_parent_account"`

// accountWith is the schema with a column of accounts more.
func accountWith(column string) (*Schema, error) {
	return Extended(folder(map[string]string{"tables/account.json": `{"name":"account","columns":[` + column + `]}`}))
}

func TestRollup(t *testing.T) {
	s, err := accountWith(`{"name":"new_a","label":"A","type":"money","rollup":{` + deals + `,"function":"avg","column":"estimatedvalue"}},
		{"name":"new_n","label":"N","type":"integer","write":"engine","rollup":{` + deals + `,"function":"count"}}`)
	if err != nil {
		t.Fatal(err)
	}
	account := s.Table("account")
	average, count := account.Column("new_a"), account.Column("new_n")
	if average.Write != Engine || !average.Default.IsNull() || account.Column(average.Tally()).Write != Hidden {
		t.Errorf("the average is %+v", average)
	}
	if count.Write != Engine || count.Default != Int(0) || account.Column(count.Tally()) != nil {
		t.Errorf("the count is %+v", count)
	}
	if _, err := account.CheckCreate(map[string]Value{"new_n": Int(1)}); err == nil {
		t.Error("a caller may set a roll-up")
	}
}

func TestRollupRefuses(t *testing.T) {
	for _, test := range []struct{ name, kind, rollup, want string }{
		{"relationship that is none", "integer", `"relationship":"deals","function":"count"`, `relationship "deals"`},
		{"relationship of the other side", "integer", `"relationship":"account_primary_contact","function":"count"`, `relationship "account_primary_contact"`},
		{"relationship of a hidden lookup", "integer", `"relationship":"account_owning_user","function":"count"`, "account_owning_user"},
		{"function that is none", "money", deals + `,"function":"median","column":"estimatedvalue"`, `function "median"`},
		{"count of a column", "integer", deals + `,"function":"count","column":"name"`, "no column"},
		{"count in a decimal", "decimal", deals + `,"function":"count"`, "integer"},
		{"column that is none", "money", deals + `,"function":"sum","column":"value"`, `column "value"`},
		{"sum of money in an integer", "integer", deals + `,"function":"sum","column":"estimatedvalue"`, "does not hold"},
		{"sum of texts", "money", deals + `,"function":"sum","column":"name"`, "does not hold"},
		{"sum of options", "integer", deals + `,"function":"sum","column":"statuscode"`, "does not hold"},
		{"average in an integer", "integer", deals + `,"function":"avg","column":"closeprobability"`, "does not hold"},
		{"least date as a moment", "datetime", deals + `,"function":"min","column":"estimatedclosedate"`, "does not hold"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := `{"name":"new_a","label":"A","type":"` + test.kind + `","rollup":{` + test.rollup + `}}`
			_, err := accountWith(text)
			if err == nil || !strings.Contains(err.Error(), "new_a") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s\ngot %v, want %q", text, err, test.want)
			}
		})
	}
	if _, err := accountWith(`{"name":"new_a","label":"A","type":"integer","write":"create","rollup":{` + deals + `,"function":"count"}}`); err == nil || !strings.Contains(err.Error(), "Segue alone") {
		t.Errorf("a roll-up that callers write: %v", err)
	}
	_, err := accountWith(`{"name":"new_a","label":"A","type":"money","rollup":{` + deals + `,"function":"avg","column":"estimatedvalue"}},
		{"name":"new_a_tally","label":"T","type":"integer"}`)
	if err == nil || !strings.Contains(err.Error(), "new_a_tally") {
		t.Errorf("a column in place of the tally: %v", err)
	}
}
