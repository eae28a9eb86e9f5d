package filter_test

import (
	"testing"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
)

// asked counts what is asked of related rows, and knows none.
type asked struct{ times int }

func (a *asked) One(filter.Row, schema.Nav) (filter.Row, error) {
	a.times++
	return nil, nil //nolint:nilnil // no row is not an error here
}

func (a *asked) Any(filter.Row, schema.Relation, *filter.Program) (bool, error) {
	a.times++
	return false, nil
}

func (a *asked) Above(*schema.Table, string) ([]string, error) {
	a.times++
	return nil, nil
}

// Related rows are asked for only where the columns of the row leave the verdict open,
// wherever the conditions stand.
func TestMatchAsksForNoRowsInVain(t *testing.T) {
	s := loadSchema(t)
	holds, fails := condition("name", filter.NotNull), condition("name", filter.Null)
	has := &filter.Related{Relationship: "thing_parts", Contains: true, Filter: and()}
	lacks := &filter.Related{Relationship: "thing_parts", Filter: and()}
	far := &filter.Condition{Path: []string{"parentid"}, Column: "name", Operator: filter.Null}
	for _, test := range []struct {
		name  string
		where *filter.Group
		want  bool
		times int
	}{
		{"and that fails later", and(has, far, fails), false, 0},
		{"or that holds later", or(has, far, holds), true, 0},
		{"and inside or", or(and(has, holds), holds), true, 0},
		{"or inside and", and(or(lacks, fails), fails), false, 0},
		{"second group decides", and(or(lacks, fails), or(far, fails), and(holds, fails)), false, 0},
		{"left open", and(has, holds), false, 1},
		{"first is enough", or(lacks, far, fails), true, 1},
		{"both needed", and(lacks, far, holds), true, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			program, err := filter.Compile(s, "thing", test.where, filter.AsksAnything)
			if err != nil {
				t.Fatal(err)
			}
			rows := &asked{}
			got, err := program.MatchIn(filtertest.Entry{Values: map[string]schema.Value{"name": schema.Text("a")}}, &filter.Scope{Related: rows})
			if err != nil || got != test.want || rows.times != test.times {
				t.Errorf("%v, %v, asked %d times; want %v and %d", got, err, rows.times, test.want, test.times)
			}
		})
	}
}
