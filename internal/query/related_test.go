package query_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/probe"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// related puts accounts, contacts, leads, tasks and phone calls that point at each other
// or at nothing.
func related(t *testing.T, f *fixture) {
	t.Helper()
	at := func(table string, n int) schema.Value { return schema.Ref(link(table, n)) }
	word := func(n int) schema.Value { return schema.Text([]string{"a", "b", "c"}[n%3]) }
	var contacts, accounts, leads, tasks []values
	for i := range 6 {
		contacts = append(contacts, values{"lastname": word(i), "parentcustomerid": at("account", (i*5)%7)})
	}
	for i := range 6 {
		accounts = append(accounts, values{"name": word(i / 2), "parentaccountid": at("account", (i+1)%8)})
		if i%2 == 0 {
			accounts[i]["primarycontactid"] = at("contact", i%7)
		}
	}
	for i := range 24 {
		leads = append(leads, values{"subject": word(i), "statecode": schema.Int(int64(i % 2)), "lastname": word(i / 4)})
		if i%4 > 0 {
			leads[i]["parentaccountid"] = at("account", i%8) // two are not there
		}
	}
	for i := range 30 {
		tasks = append(tasks, values{"subject": word(i / 5), "statecode": schema.Int(int64(i / 3 % 2))})
		switch i % 3 {
		case 0:
			tasks[i]["regardingobjectid"] = at("lead", i%20)
		case 1:
			tasks[i]["regardingobjectid"] = at("account", i%7)
		}
	}
	f.Put(t, "contact", contacts...)
	f.Put(t, "account", accounts...)
	f.Put(t, "lead", leads...)
	f.Put(t, "task", tasks...)
}

// naive reads all there is to answer a question.
type naive struct {
	t    testing.TB
	read *query.Reader
	all  map[string][]*rows.Row
}

func (n *naive) rows(s *schema.Schema, table string) []*rows.Row {
	if n.all[table] == nil {
		for row, err := range n.read.Each(n.t.Context(), query.Query{Table: s.Table(table)}) {
			if err != nil {
				n.t.Fatal(err)
			}
			n.all[table] = append(n.all[table], row)
		}
	}
	return n.all[table]
}

type naiveIn struct {
	*naive
	schema *schema.Schema
	hidden func(*rows.Row) bool
}

func (n naiveIn) One(row filter.Row, nav schema.Nav) (filter.Row, error) {
	v, err := row.Value(nav.Column.Name)
	to, ok := v.Ref()
	if err != nil || !ok || to.Table != nav.Target.Table {
		return nil, err
	}
	for _, there := range n.rows(n.schema, to.Table) {
		if there.ID == to.ID && !n.hidden(there) {
			return there, nil
		}
	}
	return nil, nil
}

func (n naiveIn) Any(row filter.Row, r schema.Relation, inner *filter.Program) (bool, error) {
	at, _ := row.(*rows.Row)
	for _, there := range n.rows(n.schema, r.Table.Name) {
		v, err := there.Value(r.Column.Name)
		to, ok := v.Ref()
		if err != nil {
			return false, err
		}
		if !ok || to.Table != at.Table.Name || to.ID != at.ID || n.hidden(there) {
			continue
		}
		if holds, err := inner.MatchIn(there, &filter.Scope{Related: n}); err != nil || holds {
			return holds, err
		}
	}
	return false, nil
}

func (n naiveIn) Above(t *schema.Table, id string) ([]string, error) {
	var ids []string
	for at := id; ; {
		i := slices.IndexFunc(n.rows(n.schema, t.Name), func(row *rows.Row) bool { return row.ID == at && !n.hidden(row) })
		if i < 0 {
			return ids, nil
		}
		at = n.rows(n.schema, t.Name)[i].Lookup(t.Parent().Name).ID
		if at == "" || at == id || slices.Contains(ids, at) {
			return ids, nil
		}
		ids = append(ids, at)
	}
}

// inHierarchy draws a condition on the place of an account.
func inHierarchy(t *rapid.T, table string) *filter.Condition {
	c := &filter.Condition{Column: "parentaccountid", Operator: rapid.SampledFrom(filter.Hierarchical()).Draw(t, "operator")}
	at := rowstest.ID("account", rapid.IntRange(0, 9).Draw(t, "account"))
	c.Values = []schema.Value{schema.Ref(schema.Lookup{Table: "account", ID: at})}
	if table == "account" && rapid.Bool().Draw(t, "itself") {
		c.Column, c.Values = "accountid", []schema.Value{schema.Text(at)}
	}
	return c
}

// tree draws a condition on rows of a table, with paths and relationships.
func tree(t *rapid.T, table string, depth int) *filter.Group {
	texts := map[string]string{"lead": "subject", "account": "name", "contact": "lastname", "task": "subject"}
	paths := map[string]map[string]string{"lead": {"parentaccountid": "account"}, "account": {"parentaccountid": "account", "primarycontactid": "contact"},
		"contact": {"parentcustomerid_account": "account"}, "task": {"regardingobjectid_lead_task": "lead", "regardingobjectid_account_task": "account"}}
	relations := map[string]map[string]string{"lead": {"Lead_Tasks": "task"}, "account": {"Account_Tasks": "task", "lead_parent_account": "lead", "account_parent_account": "account", "contact_customer_accounts": "contact"},
		"contact": {"Contact_Tasks": "task"}, "task": {}}
	g := &filter.Group{Logic: rapid.SampledFrom([]filter.Logic{filter.And, filter.Or}).Draw(t, "logic")}
	for range rapid.IntRange(1, 3).Draw(t, "items") {
		switch kind := rapid.IntRange(0, 5).Draw(t, "kind"); {
		case kind == 5 && (table == "account" || table == "lead"):
			g.Items = append(g.Items, inHierarchy(t, table))
		case kind == 0 && depth > 0:
			g.Items = append(g.Items, tree(t, table, depth-1))
		case kind <= 2 && depth > 0 && len(relations[table]) > 0:
			r := rapid.SampledFrom(keys(relations[table])).Draw(t, "relation")
			inner := tree(t, relations[table][r], depth-1)
			if rapid.IntRange(0, 4).Draw(t, "empty") == 0 {
				inner = &filter.Group{Logic: filter.And}
			}
			g.Items = append(g.Items, &filter.Related{Relationship: r, Contains: rapid.Bool().Draw(t, "contains"), Filter: inner})
		default:
			c, at := &filter.Condition{Operator: filter.Eq}, table
			for range rapid.IntRange(0, 3).Draw(t, "hops") {
				nav := rapid.SampledFrom(keys(paths[at])).Draw(t, "nav")
				c.Path, at = append(c.Path, nav), paths[at][nav]
			}
			c.Column, c.Values = texts[at], []schema.Value{schema.Text(rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "value"))}
			switch rapid.IntRange(0, 3).Draw(t, "operator") {
			case 0:
				c.Operator = filter.Ne
			case 1:
				c.Operator, c.Values = filter.Null, nil
			}
			g.Items = append(g.Items, c)
		}
	}
	return g
}

func keys[V any](m map[string]V) []string {
	var all []string
	for k := range m {
		all = append(all, k)
	}
	slices.Sort(all)
	return all
}

// Conditions on related rows mean what a reader of all rows says, in pages of any size,
// also where some rows are not to be read.
func TestRelatedRows(t *testing.T) {
	f := newFixture(t)
	related(t, f)
	all := &naive{t: t, read: f.Reader, all: map[string][]*rows.Row{}}
	rapid.Check(t, func(rt *rapid.T) {
		table := rapid.SampledFrom([]string{"lead", "account", "contact", "task"}).Draw(rt, "table")
		where := tree(rt, table, 3)
		hide := rapid.IntRange(0, 2).Draw(rt, "hide")
		hidden := func(row *rows.Row) bool { return hide > 0 && int(row.ID[0])%3 == hide }
		program, err := filter.Compile(f.Schema(), table, where, filter.AsksRows)
		if err != nil {
			rt.Skip(err)
		}
		var want []string
		for _, row := range all.rows(f.Schema(), table) {
			ok, err := program.MatchIn(row, &filter.Scope{Related: naiveIn{all, f.Schema(), hidden}})
			if err != nil {
				rt.Fatal(err)
			}
			if ok {
				want = append(want, row.ID)
			}
		}
		q := query.Query{
			Table: f.Table(table), Where: where, Limit: rapid.IntRange(1, 30).Draw(rt, "limit"), Count: true,
			Reads: func(context.Context, *schema.Table) (func(*rows.Row) (bool, error), error) {
				return func(row *rows.Row) (bool, error) { return !hidden(row), nil }, nil
			},
		}
		if rapid.Bool().Draw(rt, "ordered") {
			q.Order = by("createdby", "modifiedon")
		}
		var got []string
		for {
			page, err := f.Select(t.Context(), q)
			if err != nil {
				rt.Fatal(err)
			}
			if page.Count != len(want) {
				rt.Errorf("%s: %d rows are counted, want %d", where, page.Count, len(want))
			}
			for _, row := range page.Rows {
				got = append(got, row.ID)
			}
			if q.Token = page.Token; q.Token == "" {
				break
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if d := cmp.Diff(want, got); d != "" {
			rt.Errorf("%s of %s (-want +got):\n%s", where, table, d)
		}
	})
}

// A hierarchy is climbed one batch a level, whoever stands in it, and a row in hand is not
// read again. Lookups that go in a circle end the climb, and so does its length.
func TestHierarchy(t *testing.T) {
	f := newFixture(t)
	at := func(n int) schema.Value { return schema.Ref(link("account", n)) }
	var accounts []values
	for n := range 104 { // a chain, the first on top, then a circle of three
		accounts = append(accounts, values{})
		if n > 0 {
			accounts[n] = values{"parentaccountid": at(n - 1)}
		}
	}
	accounts = append(accounts, values{"parentaccountid": at(106)}, values{"parentaccountid": at(104)}, values{"parentaccountid": at(105)})
	for first := 0; first < len(accounts); first += 100 {
		tx := f.Begin("")
		for n := first; n < min(first+100, len(accounts)); n++ {
			tx.Create(f.Table("account"), rowstest.ID("account", n), accounts[n])
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name string
		op   filter.Operator
		from int
		of   []int // of the rows of the list
		want []int
		gets int // at most
	}{
		{"above reads what is above once", filter.Above, 3, []int{0, 1, 2, 3, 4, 104}, []int{0, 1, 2}, 4},
		{"or equal", filter.EqOrAbove, 3, []int{0, 2, 3, 4}, []int{0, 2, 3}, 4},
		{"under", filter.Under, 2, []int{1, 2, 3, 4}, []int{3, 4}, 4}, // each row above once, though the list is read in pieces
		{"or equal, under", filter.EqOrUnder, 2, []int{1, 2, 3}, []int{2, 3}, 3},
		{"not under", filter.NotUnder, 2, []int{0, 1, 2, 3, 106}, []int{0, 1, 2, 106}, 5},
		{"as far as it goes", filter.Under, 0, []int{100, 101}, []int{100}, 101},
		{"in a circle", filter.Under, 104, []int{104, 105, 106, 3}, []int{105, 106}, 6},
		{"above, in a circle", filter.Above, 104, []int{104, 105, 106}, []int{105, 106}, 3},
	} {
		var ids []schema.Value
		for _, n := range test.of {
			ids = append(ids, schema.Text(rowstest.ID("account", n)))
		}
		where := &filter.Group{Logic: filter.And, Items: []filter.Node{
			&filter.Condition{Column: "accountid", Operator: filter.In, Values: ids},
			&filter.Condition{Column: "accountid", Operator: test.op, Values: []schema.Value{schema.Text(rowstest.ID("account", test.from))}},
		}}
		f.Probe.Reset()
		page, err := f.Select(t.Context(), query.Query{Table: f.Table("account"), Where: where, Limit: 200})
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for n := range accounts {
			if slices.ContainsFunc(page.Rows, func(row *rows.Row) bool { return row.ID == rowstest.ID("account", n) }) {
				got = append(got, n)
			}
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %v, want %v", test.name, got, test.want)
		}
		if n := f.Probe.Counts(); n.Gets > test.gets || n.Queries != 16 {
			t.Errorf("%s: %d gets and %d queries, want %d and 16", test.name, n.Gets, n.Queries, test.gets)
		}
	}
}

// Related rows of a page are read together, and only of rows that may match.
func TestRelatedRowsAreReadTogether(t *testing.T) {
	f := newFixture(t)
	related(t, f)
	text := func(column, value string, path ...string) *filter.Condition {
		return &filter.Condition{Path: path, Column: column, Operator: filter.Eq, Values: []schema.Value{schema.Text(value)}}
	}
	and := func(nodes ...filter.Node) *filter.Group { return &filter.Group{Logic: filter.And, Items: nodes} }
	tasks := &filter.Related{Relationship: "Lead_Tasks", Contains: true, Filter: and()}
	for name, test := range map[string]struct {
		table string
		where *filter.Group
		most  probe.Counts // gets and queries beside those of the list
	}{
		"one lookup":                     {"lead", and(text("name", "a", "parentaccountid")), probe.Counts{Gets: 16}},
		"two lookups":                    {"lead", and(text("lastname", "a", "parentaccountid", "primarycontactid")), probe.Counts{Gets: 32}},
		"a list that is one read":        {"task", and(eq(values{"regardingobjectid": schema.Ref(link("lead", 0))}), text("subject", "a", "regardingobjectid_lead_task")), probe.Counts{Gets: 1 + 1, Queries: 1 - 16}},
		"nothing to ask":                 {"lead", and(text("subject", "none"), tasks, text("name", "a", "parentaccountid")), probe.Counts{}},
		"an index of the lookup":         {"lead", and(eq(values{"leadid": schema.Text(rowstest.ID("lead", 0))}), tasks), probe.Counts{Gets: 1 + 1, Queries: 1 - 16}},
		"no index of the lookup, a walk": {"account", and(&filter.Related{Relationship: "lead_parent_account", Contains: true, Filter: and(text("subject", "a"))}), probe.Counts{Queries: 16}},
	} {
		f.Probe.Reset()
		if _, err := f.Select(t.Context(), query.Query{Table: f.Table(test.table), Where: test.where, Limit: 100}); err != nil {
			t.Fatal(err)
		}
		if got := f.Probe.Counts(); got.Gets > test.most.Gets || got.Queries != 16+test.most.Queries {
			t.Errorf("%s: %d gets and %d queries, want at most %d and %d", name, got.Gets, got.Queries, test.most.Gets, 16+test.most.Queries)
		}
	}
}

// Very many rows are not asked for one by one, and all that is read is within the budget.
func TestRelatedRowsAreBounded(t *testing.T) {
	f := newFixture(t)
	f.Bound(1000)
	reviewPut(t, f, "lead", slices.Repeat([]values{{"subject": schema.Text("a")}}, 400))
	reviewPut(t, f, "task", slices.Repeat([]values{{"subject": schema.Text("a")}}, 500))
	none := &filter.Group{Logic: filter.And, Items: []filter.Node{&filter.Related{Relationship: "Lead_Tasks", Filter: &filter.Group{Logic: filter.And}}}}
	f.Probe.Reset()
	page, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: none, Limit: 1000})
	if err != nil || len(page.Rows) != 400 {
		t.Errorf("%d rows, %v", len(page.Rows), err)
	}
	if n := f.Probe.Counts().Queries; n > 300 {
		t.Errorf("%d queries", n)
	}
	reviewPut(t, f, "task", slices.Repeat([]values{{"subject": schema.Text("a")}}, 101))
	_, err = f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: none, Limit: 1000})
	if broad, ok := errors.AsType[*query.TooBroadError](err); !ok || broad.Table.Name != "task" && broad.Table.Name != "lead" {
		t.Errorf("got %v, want a *TooBroadError", err)
	}
}

// What a condition asks of the time and of the caller comes from the scope.
func TestScope(t *testing.T) {
	f := newFixture(t)
	now := rowstest.Clock()
	f.Put(t, "lead",
		values{"ownerid": schema.Ref(link("systemuser", 1)), "schedulefollowup_qualify": schema.Time(now)},
		values{"ownerid": schema.Ref(link("systemuser", 2)), "schedulefollowup_qualify": schema.Time(now)},
		values{"ownerid": schema.Ref(link("systemuser", 1)), "schedulefollowup_qualify": schema.Time(now.AddDate(0, 0, -1))})
	where := &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: "ownerid", Operator: filter.EqUserID}, &filter.Condition{Column: "schedulefollowup_qualify", Operator: filter.Today},
	}}
	scope := &filter.Scope{Now: now, Zone: time.UTC, Caller: &filter.Caller{User: rowstest.ID("systemuser", 1)}}
	page, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: where, Scope: scope, Limit: 10})
	if err != nil || !slices.Equal(numbers(page), []int{0}) {
		t.Errorf("%v, %v", numbers(page), err)
	}
	for _, without := range []*filter.Scope{nil, {Now: now, Zone: time.UTC}} {
		_, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: where, Scope: without, Limit: 10})
		if _, ok := errors.AsType[*filter.Error](err); !ok {
			t.Errorf("in %+v: %v", without, err)
		}
	}
}
