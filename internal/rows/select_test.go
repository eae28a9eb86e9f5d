package rows_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/embed"
	"segue/internal/filter"
	"segue/internal/rows"
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

func link(name string, n int) schema.Lookup { return schema.Lookup{Table: name, ID: id(name, n)} }

// ids are the numbers of found rows in order; rows come from put.
func numbers(page rows.Page) []int {
	var found []int
	for _, row := range page.Rows {
		for n := range 100 {
			if row.ID == id(row.Table.Name, n) {
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
	f.put(t, "lead",
		values{"statecode": schema.Int(open), "segue_connected": schema.Bool(false), "subject": schema.Text("A")},
		values{"statecode": schema.Int(open), "segue_connected": schema.Bool(true), "subject": schema.Text("A")},
		values{"statecode": schema.Int(closed), "segue_connected": schema.Bool(false), "subject": schema.Text("A")},
		values{"statecode": schema.Int(open), "segue_connected": schema.Bool(false), "subject": schema.Text("B")})
	target := func(lead, sequence int, state int64) values {
		return values{"msdyn_target": schema.Ref(link("lead", lead)), "msdyn_parentsequence": schema.Ref(link("msdyn_sequence", sequence)), "statecode": schema.Int(state)}
	}
	f.put(t, "msdyn_sequencetarget", target(0, 1, open), target(0, 1, closed), target(1, 1, open), target(1, 2, open))
	step := func(target, position int) values {
		return values{"msdyn_sequencetarget": schema.Ref(link("msdyn_sequencetarget", target)), "segue_position": schema.Int(int64(position))}
	}
	f.put(t, "msdyn_sequencetargetstep", step(0, 1), step(0, 0), step(1, 0))
	about := values{"regardingobjectid": schema.Ref(link("lead", 0))}
	f.put(t, "phonecall", about, values{"regardingobjectid": schema.Ref(link("lead", 1))}, values{}, about)

	shards := func(name, index string) []string {
		var all []string
		for range f.table(name).Shards {
			all = append(all, "query "+index)
		}
		return all
	}
	either := &filter.Condition{Column: "regardingobjectid", Operator: filter.In,
		Values: []schema.Value{schema.Ref(link("lead", 0)), schema.Ref(schema.Lookup{Table: "account", ID: id("lead", 0)})}}
	for _, test := range []struct {
		name, table string
		where       *filter.Group
		want        []int
		requests    []string // without the reads of rows that an index found
	}{
		{"whole table", "lead", nil, []int{0, 1, 2, 3}, shards("lead", "")},
		{"by a column without an index", "lead", eq(values{"subject": schema.Text("A")}), []int{0, 1, 2}, shards("lead", "")},
		{"by id", "lead", eq(values{"leadid": schema.Text(id("lead", 1))}), []int{1}, nil},
		{"by id, another condition false", "lead", eq(values{"leadid": schema.Text(id("lead", 1)), "subject": schema.Text("B")}), nil, nil},
		{"by an id that is not there", "lead", eq(values{"leadid": schema.Text(id("lead", 50))}), nil, nil},
		{"open records without a live connection", "lead", eq(values{"statecode": schema.Int(open), "segue_connected": schema.Bool(false)}), []int{0, 3}, shards("lead", "gsi1")},
		{"of these some", "lead", eq(values{"statecode": schema.Int(open), "segue_connected": schema.Bool(false), "subject": schema.Text("B")}), []int{3}, shards("lead", "gsi1")},
		{"closed ones have no index", "lead", eq(values{"statecode": schema.Int(closed), "segue_connected": schema.Bool(false)}), []int{2}, shards("lead", "")},
		{"targets of a record", "msdyn_sequencetarget", eq(values{"msdyn_target": schema.Ref(link("lead", 0))}), []int{0, 1}, []string{"query gsi1"}},
		{"live targets of a sequence", "msdyn_sequencetarget", eq(values{"msdyn_parentsequence": schema.Ref(link("msdyn_sequence", 1)), "statecode": schema.Int(open)}), []int{0, 2}, shards("msdyn_sequencetarget", "gsi2")},
		{"all targets of a sequence have no index", "msdyn_sequencetarget", eq(values{"msdyn_parentsequence": schema.Ref(link("msdyn_sequence", 1))}), []int{0, 1, 2}, shards("msdyn_sequencetarget", "")},
		{"steps of a target", "msdyn_sequencetargetstep", eq(values{"msdyn_sequencetarget": schema.Ref(link("msdyn_sequencetarget", 0))}), []int{0, 1}, []string{"query gsi1"}},
		{"activities of a row", "phonecall", eq(values{"regardingobjectid": schema.Ref(link("lead", 0))}), []int{0, 3}, []string{"query gsi1"}},
		{"activities of an id in any table", "phonecall", &filter.Group{Logic: filter.And, Items: []filter.Node{either}}, []int{0, 3}, []string{"query gsi1"}},
		{"equality inside an and", "phonecall", &filter.Group{Logic: filter.And, Items: []filter.Node{eq(values{"regardingobjectid": schema.Ref(link("lead", 1))})}}, []int{1}, []string{"query gsi1"}},
		{"equality inside an or is none", "phonecall", &filter.Group{Logic: filter.Or, Items: []filter.Node{either, eq(values{"subject": schema.Text("x")})}}, []int{0, 3}, shards("phonecall", "")},
	} {
		t.Run(test.name, func(t *testing.T) {
			f.probe.Reset()
			page, err := f.Select(t.Context(), f.table(test.table), test.where, 50, "")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, numbers(page)); d != "" || page.Token != "" {
				t.Errorf("token %q (-want +got):\n%s", page.Token, d)
			}
			var requests []string
			for _, call := range f.probe.Calls() {
				if call.Method == storetest.Query {
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
	f.put(t, "msdyn_sequencetargetstep", step(10), step(2), step(0), step(1))
	page, err := f.Select(t.Context(), f.table("msdyn_sequencetargetstep"), eq(values{"msdyn_sequencetarget": schema.Ref(link("msdyn_sequencetarget", 0))}), 50, "")
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
	_, err := f.Select(t.Context(), f.table("lead"), eq(values{"colour": schema.Text("red")}), 1, "")
	if _, ok := errors.AsType[*filter.Error](err); !ok {
		t.Errorf("got %v", err)
	}
}

// lagging is a store whose indexes show what was there when they were frozen.
type lagging struct {
	store.Store
	old *embed.Store
}

// freeze copies the store, whose copy answers the indexes from now on.
func (f *fixture) freeze(t *testing.T) *rows.DB {
	t.Helper()
	old := open(t, filepath.Join(t.TempDir(), "old.db"))
	for cursor := ""; ; {
		page, err := f.store.Scan(t.Context(), store.Scan{Segments: 1, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, item := range page.Items {
			if err := old.Write(t.Context(), store.Put(item, store.Condition{})); err != nil {
				t.Fatal(err)
			}
		}
		if cursor = page.Cursor; cursor == "" {
			return rows.New(lagging{f.store, old}, f.Schema(), clock)
		}
	}
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
	refs := f.put(t, "lead", free, free, free, free)
	db := f.freeze(t)
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
	page, err := db.Select(t.Context(), f.table("lead"), eq(values{"statecode": schema.Int(0), "segue_connected": schema.Bool(false)}), 2, "")
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

func TestLiveTargets(t *testing.T) {
	f := newFixture(t)
	target := func(sequence int, state int64) values {
		return values{"msdyn_target": schema.Ref(link("lead", 0)), "msdyn_parentsequence": schema.Ref(link("msdyn_sequence", sequence)), "statecode": schema.Int(state)}
	}
	refs := f.put(t, "msdyn_sequencetarget", target(1, 0), target(1, 0), target(1, 1), target(2, 0))
	db := f.freeze(t)
	row := f.get(t, refs[1])
	tx := f.Begin("")
	tx.Hold(row)
	row.Set("statecode", schema.Int(1)) // the frozen index still shows it
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	var page rows.Page
	for row, err := range db.LiveTargets(t.Context(), id("msdyn_sequence", 1)) {
		if err != nil {
			t.Fatal(err)
		}
		page.Rows = append(page.Rows, row)
	}
	if d := cmp.Diff([]int{0}, numbers(page)); d != "" {
		t.Error(d)
	}
}

func TestAllReadsEveryRow(t *testing.T) {
	f := newFixture(t)
	want := map[string]bool{}
	for part := range 3 {
		tx := f.Begin("")
		for n := range 100 {
			row := tx.Create(f.table("lead"), id("lead", 100*part+n), values{"subject": schema.Text("A")})
			want[row.ID] = true
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.put(t, "account", values{"name": schema.Text("not a lead")})
	got := map[string]bool{}
	for row, err := range f.All(t.Context(), f.table("lead")) {
		if err != nil || got[row.ID] {
			t.Fatalf("row %v again, or %v", row.Ref(), err)
		}
		got[row.ID] = true
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	failing := errors.New("no")
	f.probe.Inject(func(storetest.Call) storetest.Fault { return storetest.CrashBefore })
	for _, failing = range f.All(t.Context(), f.table("lead")) {
		break
	}
	if !errors.Is(failing, storetest.ErrCrash) {
		t.Errorf("a reader that fails says %v", failing)
	}
}

func TestSelectIsRefusedWhenItWouldExamineTooMuch(t *testing.T) {
	f := newFixture(t)
	const many = rows.MaxExamined + 400
	for start := 0; start < many; start += 100 {
		tx := f.Begin("")
		for n := range 100 {
			tx.Create(f.table("team"), id("team", start+n), values{"name": schema.Text(fmt.Sprint(start + n))})
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, err := f.Select(t.Context(), f.table("team"), eq(values{"name": schema.Text("nobody")}), 10, "")
	if broad, ok := errors.AsType[*rows.TooBroadError](err); !ok || broad.Table != "team" {
		t.Errorf("got %v, want a *TooBroadError", err)
	}
	page, err := f.Select(t.Context(), f.table("team"), nil, 5000, "")
	if err != nil || len(page.Rows) != 5000 || page.Token == "" {
		t.Errorf("a page without a filter: %d rows, token %q, %v", len(page.Rows), page.Token, err)
	}
	page, err = f.Select(t.Context(), f.table("team"), eq(values{"teamid": schema.Text(id("team", 7))}), 10, "")
	if err != nil || len(page.Rows) != 1 {
		t.Errorf("by id: %d rows, %v", len(page.Rows), err)
	}
}
