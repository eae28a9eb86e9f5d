package prove_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/filter/prove"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

const manySteps = 100_000

func parse(t testing.TB, s *schema.Schema, items string) *filter.Group {
	t.Helper()
	g, err := filter.Parse(s, "lead", `{"type":"and","items":[`+items+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// condition is the JSON of "<column> <operator> <values>".
func condition(text string) string {
	words := strings.SplitN(text, " ", 3)
	values := ""
	if len(words) == 3 {
		values = words[2]
	}
	return `{"attribute":"` + words[0] + `","operator":"` + words[1] + `","values":[` + values + `]}`
}

func all(texts ...string) string {
	for i, text := range texts {
		texts[i] = condition(text)
	}
	return strings.Join(texts, ",")
}

func TestFind(t *testing.T) {
	s := schematest.Tables(t)
	any2 := func(a, b string) string { return `{"type":"or","items":[` + all(a, b) + `]}` }
	for _, test := range []struct {
		name, holds, fails string // fails "": nothing has to fail
		want               prove.Answer
	}{
		{"nothing is asked", ``, ``, prove.Possible},
		{"two values of one column", all("leadsourcecode eq 1", "leadsourcecode eq 2"), ``, prove.Impossible},
		{"a value and its negation", all("subject eq \"a\"", "subject ne \"A\""), ``, prove.Impossible},
		{"a gap with a number in it", all("numberofemployees gt 1", "numberofemployees lt 3"), ``, prove.Possible},
		{"a gap with none", all("numberofemployees gt 1", "numberofemployees lt 2"), ``, prove.Impossible},
		{"a gap of money", all("revenue gt 1", "revenue lt 2"), ``, prove.Possible},
		{"null and a value", all("revenue null", "revenue gt 2"), ``, prove.Impossible},
		{"below the least", all("numberofemployees lt 0"), ``, prove.Impossible},
		{"not null and ne", all("leadqualitycode not-null", "leadqualitycode not-in 1,2,3"), ``, prove.Impossible},
		{"a pattern and its negation", all("subject contains \"x\"", "subject not-contains \"x\""), ``, prove.Impossible},
		{"two patterns", all("subject begins-with \"ab\"", "subject ends-with \"cd\"", "subject contains \"ef\""), ``, prove.Possible},
		{"a text that does not fit its pattern", all("subject eq \"coffee\"", "subject contains \"tea\""), ``, prove.Impossible},
		{"patterns that exclude each other", all("subject begins-with \"ab\"", "subject begins-with \"cd\""), ``, prove.Unknown},
		{"time may come out either way", all("createdon today"), ``, prove.Unknown},
		{"but not both ways", all("createdon today"), all("createdon today"), prove.Impossible},
		{"covered by a weaker one", all("numberofemployees ge 500", "leadsourcecode eq 8"), all("numberofemployees gt 100"), prove.Impossible},
		{"not covered by a stronger one", all("numberofemployees ge 50"), all("numberofemployees gt 100"), prove.Possible},
		{"covered by two together", all("leadqualitycode not-null"), any2("leadqualitycode in 1,2", "leadqualitycode eq 3"), prove.Impossible},
		{"always true", ``, any2("subject null", "subject not-null"), prove.Impossible},
		{"an \"or\" of nothing", `{"type":"or","items":[]}`, ``, prove.Impossible},
		{"lookups", all("parentaccountid not-null", "parentaccountid ne \"11111111-1111-4111-8111-111111111111\""), ``, prove.Possible},
		{"booleans", all("donotemail ne true", "donotemail ne false"), ``, prove.Possible},
		{"related rows", `{"relationship":"lead_parent_account","mode":"contains"}`, ``, prove.Unknown},
	} {
		t.Run(test.name, func(t *testing.T) {
			goals := []prove.Goal{{parse(t, s, test.holds), true}}
			if test.fails != "" {
				goals = append(goals, prove.Goal{Where: parse(t, s, test.fails)})
			}
			row, got, err := prove.Find(s, "lead", goals, manySteps, prove.NewWork(manySteps*10))
			if err != nil || got != test.want {
				t.Fatalf("got %s %v, %v; want %s", got, row, err, test.want)
			}
			if got == prove.Possible {
				meets(t, s, "lead", goals, row)
			}
		})
	}
}

// meets checks that a row meets goals.
func meets(t testing.TB, s *schema.Schema, table string, goals []prove.Goal, row filter.Row) {
	t.Helper()
	for _, g := range goals {
		program, err := filter.Compile(s, table, g.Where)
		if err != nil {
			t.Fatal(err)
		}
		if holds, err := program.Match(row); err != nil || holds != g.Holds {
			t.Errorf("%v: %s is %t, %v; want %t", row, g.Where, holds, err, g.Holds)
		}
	}
}

// What is shown meets the goals, and no row that is drawn meets what is impossible: on
// every type and operator.
func TestFind_AgreesWithRows(t *testing.T) {
	s := filtertest.Schema(t)
	table := s.Table("thing")
	answers := map[prove.Answer]int{}
	rapid.Check(t, func(t *rapid.T) {
		var goals []prove.Goal
		for range rapid.IntRange(1, 3).Draw(t, "goals") {
			goals = append(goals, prove.Goal{Where: conditions(t, table, 2), Holds: rapid.Bool().Draw(t, "holds")})
		}
		found, got, err := prove.Find(s, table.Name, goals, manySteps, prove.NewWork(manySteps*10))
		if err != nil {
			t.Fatal(err)
		}
		answers[got]++
		switch got {
		case prove.Possible:
			for _, g := range goals {
				if holds := match(t, s, table.Name, g.Where, found); holds != g.Holds {
					t.Fatalf("%v: %s is %t", found, g.Where, holds)
				}
			}
		case prove.Impossible:
			for range 60 {
				row := prove.Row(filtertest.Row(t, filtertest.Usable(table)))
				met := storable(row, table)
				for _, g := range goals {
					met = met && match(t, s, table.Name, g.Where, row) == g.Holds
				}
				if met {
					t.Fatalf("%v meets what is impossible: %v", row, goals)
				}
			}
		case prove.Unknown:
		}
	})
	if answers[prove.Possible] < 20 || answers[prove.Impossible] < 5 {
		t.Errorf("the goals that were drawn are too much alike: %v", answers)
	}
}

// storable turns what no row keeps into null; it reports false for a row that lacks what
// every row has.
func storable(row prove.Row, table *schema.Table) bool {
	for _, c := range filtertest.Usable(table) {
		if v := row[c.Name]; v == schema.Text("") || c.Check(v) != nil {
			row[c.Name] = schema.Null()
		}
		if row[c.Name].IsNull() && c.Need == schema.System {
			return false
		}
	}
	return true
}

// conditions draws a tree of conditions that need nothing but the row.
func conditions(t *rapid.T, table *schema.Table, depth int) *filter.Group {
	g := &filter.Group{Logic: rapid.SampledFrom([]filter.Logic{filter.And, filter.Or}).Draw(t, "logic")}
	columns := filtertest.Usable(table)
	for range rapid.IntRange(1, 3).Draw(t, "items") {
		if depth > 0 && rapid.IntRange(0, 2).Draw(t, "kind") == 0 {
			g.Items = append(g.Items, conditions(t, table, depth-1))
			continue
		}
		c := rapid.SampledFrom(columns[:min(4, len(columns))]).Draw(t, "column") // few, so that they meet
		if rapid.Bool().Draw(t, "any column") {
			c = rapid.SampledFrom(columns).Draw(t, "column")
		}
		op := rapid.SampledFrom(filter.Operators(c.Type)).Draw(t, "operator")
		condition := filtertest.Condition(t, c, op)
		if (&filter.Group{Logic: filter.And, Items: []filter.Node{condition}}).Asks() == 0 {
			g.Items = append(g.Items, condition)
		}
	}
	return g
}

func match(t *rapid.T, s *schema.Schema, table string, g *filter.Group, row filter.Row) bool {
	program, err := filter.Compile(s, table, g)
	if err != nil {
		t.Fatal(err)
	}
	holds, err := program.Match(row)
	if err != nil {
		t.Fatal(err)
	}
	return holds
}

// The work is bounded, whatever is asked: it ends with what it does not know.
func TestFind_Bounded(t *testing.T) {
	s := schematest.Tables(t)
	var goals []prove.Goal
	columns := []string{"subject", "firstname", "lastname", "companyname", "jobtitle", "emailaddress1", "telephone1", "address1_city", "address1_country"}
	for i := range columns {
		goals = append(goals, prove.Goal{Where: parse(t, s, all(columns[i]+` like "%a_%"`, columns[(i+1)%len(columns)]+` not-contains "a"`, columns[(i+4)%len(columns)]+` ends-with "b"`))})
	}
	_, got, err := prove.Find(s, "lead", goals, 50, prove.NewWork(manySteps))
	if err != nil || got == prove.Impossible {
		t.Errorf("got %v, %v", got, err)
	}
}

// Conditions on one column are tried with the values of all of them, which is bounded too.
func TestFind_BoundedByWork(t *testing.T) {
	s := schematest.Tables(t)
	var texts []string
	for n := range 200 {
		texts = append(texts, fmt.Sprintf(`subject begins-with "a%d"`, n), fmt.Sprintf(`subject ends-with "b%d"`, n))
	}
	goals := []prove.Goal{{Where: parse(t, s, all(texts...))}}
	if _, got, err := prove.Find(s, "lead", goals, manySteps, prove.NewWork(1_000_000)); err != nil || got != prove.Possible {
		t.Errorf("got %v, %v", got, err)
	}
	for work := range 40 {
		if _, got, err := prove.Find(s, "lead", goals, manySteps, prove.NewWork(work*1000)); err != nil || got == prove.Impossible {
			t.Errorf("with work of %d: %v, %v", work*1000, got, err)
		}
	}
}
