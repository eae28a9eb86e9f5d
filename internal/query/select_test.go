package query_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/filter"
	"segue/internal/probe"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
	"segue/internal/storetest"
)

// eq is a filter that demands equality of columns.
func eq(want values) *filter.Group {
	g := &filter.Group{Logic: filter.And}
	for column, v := range want {
		g.Items = append(g.Items, &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}})
	}
	return g
}

func link(name string, n int) schema.Lookup {
	return schema.Lookup{Table: name, ID: rowstest.ID(name, n)}
}

// ids are the numbers of found rows in order; rows come from put.
func numbers(page query.Page) []int {
	var found []int
	for _, row := range page.Rows {
		for n := range 100 {
			if row.ID == rowstest.ID(row.Table.Name, n) {
				found = append(found, n)
			}
		}
	}
	slices.Sort(found)
	return found
}

// TestSelectTakesThePath goes through the access paths of the package comment:
// what a list finds and which requests it costs.
func TestSelectTakesThePath(t *testing.T) {
	f := newFixture(t)
	open, closed := int64(0), int64(1)
	f.Put(t, "lead",
		values{"statecode": schema.Int(open), "segue_connected": schema.Bool(false), "subject": schema.Text("A")},
		values{"statecode": schema.Int(open), "segue_connected": schema.Bool(true), "subject": schema.Text("A")},
		values{"statecode": schema.Int(closed), "segue_connected": schema.Bool(false), "subject": schema.Text("A")},
		values{"statecode": schema.Int(open), "segue_connected": schema.Bool(false), "subject": schema.Text("B")})
	target := func(lead, sequence int, state int64) values {
		return values{"msdyn_target": schema.Ref(link("lead", lead)), "msdyn_parentsequence": schema.Ref(link("msdyn_sequence", sequence)), "statecode": schema.Int(state)}
	}
	f.Put(t, "msdyn_sequencetarget", target(0, 1, open), target(0, 1, closed), target(1, 1, open), target(1, 2, open))
	step := func(target, position int) values {
		return values{"msdyn_sequencetarget": schema.Ref(link("msdyn_sequencetarget", target)), "segue_position": schema.Int(int64(position))}
	}
	f.Put(t, "msdyn_sequencetargetstep", step(0, 1), step(0, 0), step(1, 0))
	about := values{"regardingobjectid": schema.Ref(link("lead", 0))}
	f.Put(t, "task", about)
	f.Put(t, "phonecall", about, values{"regardingobjectid": schema.Ref(link("lead", 1))}, values{}, about)

	shards := func(index string) []string { return slices.Repeat([]string{"query " + index}, schema.Shards) }
	either := &filter.Condition{Column: "regardingobjectid", Operator: filter.In,
		Values: []schema.Value{schema.Ref(link("lead", 0)), schema.Ref(schema.Lookup{Table: "account", ID: rowstest.ID("lead", 0)})}}
	for _, test := range []struct {
		name, table string
		where       *filter.Group
		want        []int
		requests    []string // without the reads of rows that an index found
	}{
		{"whole table", "lead", nil, []int{0, 1, 2, 3}, shards("")},
		{"by a column without an index", "lead", eq(values{"subject": schema.Text("A")}), []int{0, 1, 2}, shards("")},
		{"by id", "lead", eq(values{"leadid": schema.Text(rowstest.ID("lead", 1))}), []int{1}, nil},
		{"by id, another condition false", "lead", eq(values{"leadid": schema.Text(rowstest.ID("lead", 1)), "subject": schema.Text("B")}), nil, nil},
		{"by an id that is not there", "lead", eq(values{"leadid": schema.Text(rowstest.ID("lead", 50))}), nil, nil},
		{"open records without a live connection", "lead", eq(values{"statecode": schema.Int(open), "segue_connected": schema.Bool(false)}), []int{0, 3}, shards("gsi1")},
		{"of these some", "lead", eq(values{"statecode": schema.Int(open), "segue_connected": schema.Bool(false), "subject": schema.Text("B")}), []int{3}, shards("gsi1")},
		{"closed ones have no index", "lead", eq(values{"statecode": schema.Int(closed), "segue_connected": schema.Bool(false)}), []int{2}, shards("")},
		{"targets of a record", "msdyn_sequencetarget", eq(values{"msdyn_target": schema.Ref(link("lead", 0))}), []int{0, 1}, []string{"query gsi1"}},
		{"live targets of a sequence", "msdyn_sequencetarget", eq(values{"msdyn_parentsequence": schema.Ref(link("msdyn_sequence", 1)), "statecode": schema.Int(open)}), []int{0, 2}, shards("gsi2")},
		{"all targets of a sequence have no index", "msdyn_sequencetarget", eq(values{"msdyn_parentsequence": schema.Ref(link("msdyn_sequence", 1))}), []int{0, 1, 2}, shards("")},
		{"steps of a target", "msdyn_sequencetargetstep", eq(values{"msdyn_sequencetarget": schema.Ref(link("msdyn_sequencetarget", 0))}), []int{0, 1}, []string{"query gsi1"}},
		{"activities of a row, of one table of several", "task", eq(values{"regardingobjectid": schema.Ref(link("lead", 0))}), []int{0}, []string{"query gsi1"}},
		{"activities of a row", "phonecall", eq(values{"regardingobjectid": schema.Ref(link("lead", 0))}), []int{0, 3}, []string{"query gsi1"}},
		{"activities of an id in any table", "phonecall", &filter.Group{Logic: filter.And, Items: []filter.Node{either}}, []int{0, 3}, []string{"query gsi1"}},
		{"equality inside an and", "phonecall", &filter.Group{Logic: filter.And, Items: []filter.Node{eq(values{"regardingobjectid": schema.Ref(link("lead", 1))})}}, []int{1}, []string{"query gsi1"}},
		{"equality inside an or is none", "phonecall", &filter.Group{Logic: filter.Or, Items: []filter.Node{either, eq(values{"subject": schema.Text("x")})}}, []int{0, 3}, shards("")},
	} {
		t.Run(test.name, func(t *testing.T) {
			f.Probe.Reset()
			page, err := f.Select(t.Context(), query.Query{Table: f.Table(test.table), Where: test.where, Limit: 50})
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, numbers(page)); d != "" || page.Token != "" {
				t.Errorf("token %q (-want +got):\n%s", page.Token, d)
			}
			var requests []string
			for _, call := range f.Probe.Calls() {
				if call.Method == probe.Query {
					requests = append(requests, "query "+call.Query.Index)
				}
			}
			if d := cmp.Diff(test.requests, requests); d != "" {
				t.Errorf("requests (-want +got):\n%s", d)
			}
		})
	}
}

func TestSelectOrders(t *testing.T) {
	f := newFixture(t)
	step := func(position int) values {
		return values{"msdyn_sequencetarget": schema.Ref(link("msdyn_sequencetarget", 0)), "segue_position": schema.Int(int64(position))}
	}
	f.Put(t, "msdyn_sequencetargetstep", step(10), step(2), step(0), step(1))
	page, err := f.Select(t.Context(), query.Query{Table: f.Table("msdyn_sequencetargetstep"), Where: eq(values{"msdyn_sequencetarget": schema.Ref(link("msdyn_sequencetarget", 0))}), Limit: 50})
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, row := range page.Rows {
		got = append(got, row.Int("segue_position"))
	}
	if d := cmp.Diff([]int64{0, 1, 2, 10}, got); d != "" {
		t.Errorf("steps of a target by position:\n%s", d)
	}
}

func TestSelectRefusesAWrongFilter(t *testing.T) {
	f := newFixture(t)
	_, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: eq(values{"colour": schema.Text("red")}), Limit: 1})
	if _, ok := errors.AsType[*filter.Error](err); !ok {
		t.Errorf("got %v", err)
	}
}

// lagging is a store whose indexes show what was there when they were frozen.
type lagging struct {
	store.Store
	old *embed.Store
}

// freeze copies the store, whose copy serves queries of indexes from now on.
func (f *fixture) freeze(t *testing.T) *query.Reader {
	t.Helper()
	old := rowstest.Open(t, filepath.Join(t.TempDir(), "old.db"))
	for _, name := range []string{"lead", "msdyn_sequencetarget"} {
		for shard := range schema.Shards {
			for _, item := range storetest.Items(t, f.Store, fmt.Sprintf("%s#%d", name, shard)) {
				if err := old.Write(t.Context(), store.Put(item, store.Condition{})); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	return query.New(rows.New(lagging{f.Store, old}, f.Schema(), clock.Of(rowstest.Clock)))
}

func (l lagging) Query(ctx context.Context, q store.Query) (store.Page, error) {
	if q.Index != "" {
		return l.old.Query(ctx, q)
	}
	return l.Store.Query(ctx, q)
}

// TestSelectWithALaggingIndex: an index that is late never shows a row that is
// gone, nor one that matches no more, nor old values of one that does.
func TestSelectWithALaggingIndex(t *testing.T) {
	f := newFixture(t)
	free := values{"statecode": schema.Int(0), "segue_connected": schema.Bool(false), "subject": schema.Text("A")}
	refs := f.Put(t, "lead", free, free, free, free)
	list := f.freeze(t)
	tx := f.Begin("")
	all, err := tx.Load(t.Context(), refs...)
	if err != nil {
		t.Fatal(err)
	}
	all[0].Set("segue_connected", schema.Bool(true))
	all[1].Set("statecode", schema.Int(1))
	tx.Delete(all[2])
	all[3].Set("subject", schema.Text("B"))
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	page, err := list.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: eq(values{"statecode": schema.Int(0), "segue_connected": schema.Bool(false)}), Limit: 2})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]int{3}, numbers(page)); d != "" || page.Token != "" {
		t.Errorf("token %q (-want +got):\n%s", page.Token, d)
	}
	if got := page.Rows[0].Text("subject"); got != "B" {
		t.Errorf("the row is %q, as it was", got)
	}
}

// Each shows the rows that match now, though the index still shows another.
func TestEachWithALaggingIndex(t *testing.T) {
	f := newFixture(t)
	target := func(sequence int, state int64) values {
		return values{"msdyn_target": schema.Ref(link("lead", 0)), "msdyn_parentsequence": schema.Ref(link("msdyn_sequence", sequence)), "statecode": schema.Int(state)}
	}
	refs := f.Put(t, "msdyn_sequencetarget", target(1, 0), target(1, 0), target(1, 1), target(2, 0))
	list := f.freeze(t)
	row := f.Row(t, refs[1])
	tx := f.Begin("")
	tx.Hold(row)
	row.Set("statecode", schema.Int(1)) // the frozen index still shows it
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var page query.Page
	for row, err := range list.Each(t.Context(), query.Query{
		Table: f.Table("msdyn_sequencetarget"),
		Where: eq(values{"msdyn_parentsequence": schema.Ref(link("msdyn_sequence", 1)), "statecode": schema.Int(0)}),
	}) {
		if err != nil {
			t.Fatal(err)
		}
		page.Rows = append(page.Rows, row)
	}
	if d := cmp.Diff([]int{0}, numbers(page)); d != "" {
		t.Error(d)
	}
}

func TestEachReadsEveryRow(t *testing.T) {
	f := newFixture(t)
	want := map[string]bool{}
	for part := range 3 {
		tx := f.Begin("")
		for n := range 100 {
			row := tx.Create(f.Table("lead"), rowstest.ID("lead", 100*part+n), values{"subject": schema.Text("A")})
			want[row.ID] = true
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.Put(t, "account", values{"name": schema.Text("not a lead")})
	got := map[string]bool{}
	for row, err := range f.Each(t.Context(), query.Query{Table: f.Table("lead")}) {
		if err != nil || got[row.ID] {
			t.Fatalf("row %v again, or %v", row.Ref(), err)
		}
		got[row.ID] = true
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	failing := errors.New("no")
	f.Probe.Inject(func(probe.Call) probe.Fault { return probe.CrashBefore })
	for _, failing = range f.Each(t.Context(), query.Query{Table: f.Table("lead")}) {
		break
	}
	if !errors.Is(failing, probe.ErrCrash) {
		t.Errorf("a reader that fails says %v", failing)
	}
}

func TestSelectIsRefusedWhenItWouldExamineTooMuch(t *testing.T) {
	f := newFixture(t)
	const bound = 500
	const many = bound + 1
	f.Bound(bound)
	for start := 0; start < many; start += 100 {
		tx := f.Begin("")
		for n := start; n < min(many, start+100); n++ {
			tx.Create(f.Table("team"), rowstest.ID("team", n), values{"name": schema.Text(fmt.Sprint(n))})
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	nobody := eq(values{"name": schema.Text("nobody")})
	for name, q := range map[string]query.Query{
		"a filter":           {Where: nobody, Limit: 10},
		"an order":           {Order: []query.Order{{Column: "name"}}, Limit: 10},
		"a count":            {Where: eq(values{"name": schema.Text("7")}), Limit: 1, Count: true},
		"the second page of": {Limit: 500, Token: secondPage(t, f), Count: true},
	} {
		q.Table = f.Table("team")
		_, err := f.Select(t.Context(), q)
		if broad, ok := errors.AsType[*query.TooBroadError](err); !ok || broad.Table.Name != "team" || broad.Max != bound {
			t.Errorf("%s: got %v, want a *TooBroadError", name, err)
		}
	}
	if _, _, err := f.Count(t.Context(), query.Query{Table: f.Table("team"), Where: nobody}); err == nil {
		t.Error("a count alone is not refused")
	}
	page, err := f.Select(t.Context(), query.Query{Table: f.Table("team"), Limit: 300})
	if err != nil || len(page.Rows) != 300 || page.Token == "" {
		t.Errorf("a page without a filter: %d rows, token %q, %v", len(page.Rows), page.Token, err)
	}
	page, err = f.Select(t.Context(), query.Query{Table: f.Table("team"), Where: eq(values{"teamid": schema.Text(rowstest.ID("team", 7))}), Limit: 10})
	if err != nil || len(page.Rows) != 1 {
		t.Errorf("by id: %d rows, %v", len(page.Rows), err)
	}
	// As many rows as may be examined are not too many.
	if err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), rows.Ref{Table: "team", ID: rowstest.ID("team", 0)})
		if err == nil {
			tx.Delete(found[0])
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []query.Query{{Where: nobody, Limit: 10}, {Order: []query.Order{{Column: "name"}}, Limit: 500}, {Order: []query.Order{{Column: "teamid"}}, Limit: 500}} {
		q.Table, q.Count = f.Table("team"), true
		page, err := f.Select(t.Context(), q)
		if err != nil || q.Where == nil && len(page.Rows) != bound {
			t.Errorf("%d rows, %v", len(page.Rows), err)
		}
	}
}

func secondPage(t *testing.T, f *fixture) string {
	t.Helper()
	page, err := f.Select(t.Context(), query.Query{Table: f.Table("team"), Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	return page.Token
}

// The refusal names what would help.
func TestTooBroadNamesTheIndexes(t *testing.T) {
	f := newFixture(t)
	err := &query.TooBroadError{Table: f.Table("msdyn_sequencetarget"), Max: 50_000}
	const want = "this request would examine more than 50000 rows of msdyn_sequencetarget: filter by " +
		"msdyn_target eq <value> (index record, in the order of createdon), " +
		"or by msdyn_parentsequence eq <value> and statecode eq 0 (index live), " +
		"or by msdyn_sequencetargetid eq <id>, or page without a filter and an order"
	if got := err.Error(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// The lists that people work from have an index each, and an order where they need one.
func TestListsWithAnIndex(t *testing.T) {
	f := newFixture(t)
	me, open := schema.Ref(link("systemuser", 1)), schema.Int(0)
	mine := &filter.Condition{Column: "ownerid", Operator: filter.In, Values: []schema.Value{me, schema.Ref(schema.Lookup{Table: "team", ID: rowstest.ID("systemuser", 1)})}}
	due := &filter.Condition{Column: "msdyn_duetime", Operator: filter.Le, Values: []schema.Value{schema.Time(rowstest.Clock())}}
	theirs := &filter.Condition{Column: "segue_system", Operator: filter.Null} // not the system's
	and := func(nodes ...filter.Node) *filter.Group { return &filter.Group{Logic: filter.And, Items: nodes} }
	for name, test := range map[string]struct {
		table string
		where *filter.Group
		order []query.Order
		want  query.Explanation
	}{
		"open leads without a sequence": {"lead", eq(values{"statecode": open, "segue_connected": schema.Bool(false)}), nil,
			query.Explanation{Index: "free", Partitions: 16, Pushed: []string{"segue_connected", "statecode"}}},
		"connected to a sequence": {"msdyn_sequencetarget", eq(values{"statecode": open, "msdyn_parentsequence": schema.Ref(link("msdyn_sequence", 1))}), nil,
			query.Explanation{Index: "live", Partitions: 16, Pushed: []string{"msdyn_parentsequence", "statecode"}}},
		"in a segment": {"opportunity", eq(values{"msdyn_segmentid": schema.Ref(link("msdyn_segment", 1))}), by("opportunityid"),
			query.Explanation{Index: "segment", Partitions: 16, Pushed: []string{"msdyn_segmentid"}, Merged: true}},
		"steps of a seller by due time": {"msdyn_sequencetargetstep", and(mine, eq(values{"statecode": open}), theirs, due), by("msdyn_duetime"),
			query.Explanation{Index: "seller", Partitions: 16, Pushed: []string{"ownerid", "segue_system", "statecode", "msdyn_duetime"}, Merged: true}},
		"steps that the system does too": {"msdyn_sequencetargetstep", and(mine, eq(values{"statecode": open})), nil,
			query.Explanation{Partitions: 16, Sorted: false}},
		"rows of an owner, the newest first": {"contact", and(mine), by("createdon desc"),
			query.Explanation{Index: "owner", Partitions: 16, Pushed: []string{"ownerid"}, Merged: true}},
	} {
		got, err := f.Explain(query.Query{Table: f.Table(test.table), Where: test.where, Order: test.order})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(test.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// The merged shards of a packed index have the rows of one owner in their order, and
// those of nobody else.
func TestSelectMergesPackedShards(t *testing.T) {
	f := newFixture(t)
	all := make([]values, 60)
	for i := range all {
		all[i] = values{"ownerid": schema.Ref(link("systemuser", i%3)), "msdyn_duetime": schema.Time(rowstest.Clock().AddDate(0, 0, (7*i)%60)), "statecode": schema.Int(int64(i % 2))}
	}
	f.Put(t, "msdyn_sequencetargetstep", all...)
	where := eq(values{"ownerid": all[1]["ownerid"], "statecode": schema.Int(1)})
	where.Items = append(where.Items, &filter.Condition{Column: "msdyn_duetime", Operator: filter.Lt, Values: []schema.Value{schema.Time(rowstest.Clock().AddDate(0, 0, 30))}})
	var want []int64
	for _, v := range all {
		if at, _ := v["msdyn_duetime"].Time(); v["ownerid"] == all[1]["ownerid"] && v["statecode"] == schema.Int(1) && at.Before(rowstest.Clock().AddDate(0, 0, 30)) {
			want = append(want, -at.Unix())
		}
	}
	slices.Sort(want)
	q := query.Query{Table: f.Table("msdyn_sequencetargetstep"), Where: where, Order: by("msdyn_duetime desc"), Limit: 2}
	var got []int64
	for {
		page, err := f.Select(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			got = append(got, -row.Time("msdyn_duetime").Unix())
		}
		if q.Token = page.Token; q.Token == "" {
			break
		}
	}
	if d := cmp.Diff(want, got); d != "" || len(want) == 0 {
		t.Errorf("(-want +got):\n%s", d)
	}
}
