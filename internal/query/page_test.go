package query_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// lists are lists of each kind of path.
func lists() map[string]struct {
	table string
	row   values // what every row of the list has
	where *filter.Group
} {
	about := values{"regardingobjectid": schema.Ref(link("lead", 0))}
	free := values{"statecode": schema.Int(0), "segue_connected": schema.Bool(false)}
	return map[string]struct {
		table string
		row   values
		where *filter.Group
	}{
		"table":            {"lead", values{"subject": schema.Text("A")}, nil},
		"table, filtered":  {"lead", values{"subject": schema.Text("A")}, eq(values{"subject": schema.Text("A")})},
		"sharded index":    {"lead", free, eq(free)},
		"one partition":    {"phonecall", about, eq(about)},
		"filtered further": {"phonecall", values{"regardingobjectid": schema.Ref(link("lead", 0)), "subject": schema.Text("A")}, eq(values{"regardingobjectid": schema.Ref(link("lead", 0)), "subject": schema.Text("A")})},
	}
}

// pages follows a list to its end and returns its rows by id, which come once.
func pages(t *testing.T, next func(token string) (query.Page, error), limit int) []string {
	t.Helper()
	var found []string
	for token := ""; ; {
		page, err := next(token)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Rows) > limit || token != "" && len(page.Rows) == 0 {
			t.Fatalf("a page of %d rows; the limit is %d", len(page.Rows), limit)
		}
		if page.Token != "" && len(page.Rows) < limit {
			t.Fatalf("a page of %d rows though there are more", len(page.Rows))
		}
		for _, row := range page.Rows {
			if slices.Contains(found, row.ID) {
				t.Fatalf("row %s again", row.ID)
			}
			found = append(found, row.ID)
		}
		if token = page.Token; token == "" {
			return found
		}
	}
}

// TestPagesAtEveryBoundary reads each list in pages of each size: every row
// comes once, in one order.
func TestPagesAtEveryBoundary(t *testing.T) {
	const n = 12
	for name, list := range lists() {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			all := slices.Repeat([]values{list.row}, n)
			f.Put(t, list.table, all...)
			other := f.Begin("") // rows that a filtered list passes over
			for i := range 5 {
				other.Create(f.Table(list.table), rowstest.ID("other", i), values{"subject": schema.Text("B"), "segue_connected": schema.Null()})
			}
			if list.where != nil {
				if err := other.Commit(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			var order []string
			for limit := 1; limit <= n+1; limit++ {
				found := pages(t, func(token string) (query.Page, error) {
					return f.Select(t.Context(), query.Query{Table: f.Table(list.table), Where: list.where, Limit: limit, Token: token})
				}, limit)
				if len(found) != n {
					t.Fatalf("limit %d: %d rows, want %d", limit, len(found), n)
				}
				if order == nil {
					order = found
				}
				if d := cmp.Diff(order, found); d != "" {
					t.Fatalf("limit %d: another order\n%s", limit, d)
				}
			}
		})
	}
}

// TestPagesWhileRowsComeAndGo: rows that are there all the time come exactly
// once, whatever is made and deleted between the pages.
func TestPagesWhileRowsComeAndGo(t *testing.T) {
	dir := t.TempDir()
	tables := newFixture(t).Schema()
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		runs++
		file := rowstest.Open(t, filepath.Join(dir, fmt.Sprint(runs)))
		db := rows.New(file, tables, clock.Of(rowstest.Clock))
		all := lists()
		list := all[rapid.SampledFrom(slices.Sorted(maps.Keys(all))).Draw(rt, "list")]
		there := map[string]bool{}
		made := 0
		change := func() { // makes and deletes a few rows
			tx := db.Begin("")
			for range rapid.IntRange(0, 4).Draw(rt, "new") {
				made++
				there[tx.Create(tables.Table(list.table), rowstest.ID("row", made), list.row).ID] = true
			}
			var gone []rows.Ref
			for n := range made {
				if there[rowstest.ID("row", n+1)] && rapid.IntRange(0, 5).Draw(rt, "delete") == 0 {
					gone = append(gone, rows.Ref{Table: list.table, ID: rowstest.ID("row", n+1)})
				}
			}
			found, err := tx.Load(t.Context(), gone...)
			if err != nil {
				rt.Fatal(err)
			}
			for _, row := range found {
				tx.Delete(row)
				delete(there, row.ID)
			}
			if err := tx.Commit(t.Context()); err != nil {
				rt.Fatal(err)
			}
		}
		for range 4 {
			change()
		}
		var always []string
		for row := range there {
			always = append(always, row)
		}
		limit := rapid.IntRange(1, 5).Draw(rt, "limit")
		var found []string
		for token := ""; ; {
			page, err := query.New(db).Select(t.Context(), query.Query{Table: tables.Table(list.table), Where: list.where, Limit: limit, Token: token})
			if err != nil {
				rt.Fatal(err)
			}
			for _, row := range page.Rows {
				if slices.Contains(found, row.ID) {
					rt.Fatalf("row %s again", row.ID)
				}
				found = append(found, row.ID)
			}
			if token = page.Token; token == "" {
				break
			}
			change()
		}
		for _, row := range always {
			if there[row] && !slices.Contains(found, row) {
				rt.Fatalf("row %s was left out", row)
			}
		}
	})
}

func TestTokensBelongToTheirList(t *testing.T) {
	f := newFixture(t)
	f.Put(t, "lead", values{"subject": schema.Text("A")}, values{"subject": schema.Text("A")}, values{"subject": schema.Text("A")})
	where := eq(values{"subject": schema.Text("A")})
	page, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: where, Limit: 1})
	if err != nil || page.Token == "" {
		t.Fatalf("token %q, %v", page.Token, err)
	}
	token := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	at := func(partition int) string { // the same token, but for its partition
		text, err := base64.RawURLEncoding.DecodeString(page.Token)
		var position map[string]any
		if err := errors.Join(err, json.Unmarshal(text, &position)); err != nil {
			t.Fatal(err)
		}
		position["p"] = partition
		changed, err := json.Marshal(position)
		if err != nil {
			t.Fatal(err)
		}
		return token(string(changed))
	}
	sorted, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: where, Order: by("revenue"), Limit: 1})
	if err != nil || sorted.Token == "" {
		t.Fatalf("token %q, %v", sorted.Token, err)
	}
	values := func(text string) string { // the same token, but for the place
		decoded, err := base64.RawURLEncoding.DecodeString(sorted.Token)
		if err != nil || !strings.Contains(string(decoded), `"v":[null,"`) {
			t.Fatalf("%s, %v", decoded, err)
		}
		return token(strings.Replace(string(decoded), "[null,", text, 1))
	}
	for name, test := range map[string]struct {
		where *filter.Group
		token string
		order []query.Order
	}{
		"of another filter":   {eq(rowstest.Values{"subject": schema.Text("B")}), page.Token, nil},
		"of a filtered list":  {nil, page.Token, nil},
		"of no order":         {where, page.Token, by("revenue")},
		"of an order":         {where, sorted.Token, nil},
		"of another order":    {where, sorted.Token, by("revenue desc")},
		"no base64":           {where, "?", nil},
		"no JSON":             {where, token("x"), nil},
		"nothing in it":       {where, token("{}"), nil},
		"cut short":           {where, page.Token[:len(page.Token)-2], nil},
		"negative partition":  {where, at(-1), nil},
		"partition too large": {where, at(99), nil},
		"no place":            {where, values(`["x"],"x":[`), by("revenue")},
		"two places":          {where, values("[null,null,"), by("revenue")},
		"not a number":        {where, values(`["x",`), by("revenue")},
		"a number too long":   {where, values(`["1e1000000000",`), by("revenue")},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: test.where, Order: test.order, Limit: 1, Token: test.token}); !errors.Is(err, query.ErrBadToken) {
				t.Errorf("got %v, want %v", err, query.ErrBadToken)
			}
		})
	}
}

// The same condition on another table makes another list.
func TestTokensBelongToTheirTable(t *testing.T) {
	f := newFixture(t)
	f.Put(t, "lead", values{"jobtitle": schema.Text("A")}, values{"jobtitle": schema.Text("A")})
	where := eq(values{"jobtitle": schema.Text("A")})
	page, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: where, Limit: 1})
	if err != nil || page.Token == "" {
		t.Fatalf("token %q, %v", page.Token, err)
	}
	_, err = f.Select(t.Context(), query.Query{Table: f.Table("contact"), Where: where, Limit: 1, Token: page.Token})
	if !errors.Is(err, query.ErrBadToken) {
		t.Errorf("got %v, want %v", err, query.ErrBadToken)
	}
}

// A page of wide rows has fewer of them, and none is lost.
func TestPagesByWeight(t *testing.T) {
	const n, most = 30, 20
	for name, list := range lists() {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			f.Put(t, list.table, slices.Repeat([]values{list.row}, n)...)
			for _, test := range []struct{ weight, rows int }{{1, 20}, {7, 15}, {50, 2}, {1000, 1}} { // a page weighs 100
				sizes := map[int]bool{}
				found := map[string]bool{}
				for token := ""; ; {
					page, err := query.New(f.DB).Select(t.Context(), query.Query{
						Table: f.Table(list.table), Where: list.where, Limit: most, Token: token,
						Bytes: 100, Weigh: func(*rows.Row) int { return test.weight },
					})
					if err != nil {
						t.Fatal(err)
					}
					for _, row := range page.Rows {
						found[row.ID] = true
					}
					if token = page.Token; token == "" {
						break
					}
					sizes[len(page.Rows)] = true
				}
				if want := map[int]bool{test.rows: true}; len(found) != n || !maps.Equal(sizes, want) {
					t.Errorf("rows of weight %d: %d found, pages of %v rows, want %d and %v", test.weight, len(found), sizes, n, want)
				}
			}
		})
	}
}

// What follows a cut is the next page, and rows that nobody is to see are on none.
func TestPageCut(t *testing.T) {
	const n = 9
	for name, list := range lists() {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t)
			hidden := f.Put(t, list.table, slices.Repeat([]values{list.row}, n)...)[3]
			q := query.Query{
				Table: f.Table(list.table), Where: list.where, Limit: 5, Count: true,
				Unseen: func(row *rows.Row) bool { return row.Ref() == hidden },
			}
			var found []string
			for {
				page, err := f.Select(t.Context(), q)
				if err != nil {
					t.Fatal(err)
				}
				if page.Count != n-1 {
					t.Errorf("%d rows are counted, want %d", page.Count, n-1)
				}
				page.Cut(2)
				for _, row := range page.Rows {
					found = append(found, row.ID)
				}
				if q.Token = page.Token; q.Token == "" {
					break
				}
			}
			slices.Sort(found)
			if len(slices.Compact(found)) != n-1 || slices.Contains(found, hidden.ID) {
				t.Errorf("rows %v, want %d without %s", found, n-1, hidden.ID)
			}
		})
	}
}

// Wide rows are not read by the thousand to fill a page that takes a few.
func TestPageReadsWhatItTakes(t *testing.T) {
	const n, width = 300, 20_000
	about := values{"regardingobjectid": schema.Ref(link("lead", 0)), "description": schema.Text(strings.Repeat("x", width))}
	f := newFixture(t)
	for first := range n / 50 {
		tx := f.Begin("")
		for i := range 50 {
			tx.Create(f.Table("phonecall"), rowstest.ID("phonecall", 50*first+i), about)
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	f.Probe.Reset()
	page, err := query.New(f.DB).Select(t.Context(), query.Query{
		Table: f.Table("phonecall"), Where: eq(values{"regardingobjectid": about["regardingobjectid"]}), Limit: 5000,
		Bytes: 60 * width, Weigh: func(row *rows.Row) int { return row.Size(nil) },
	})
	if err != nil || page.Token == "" || len(page.Rows) < 59 || len(page.Rows) > 60 {
		t.Errorf("a page of %d rows, token %q, %v; want about 60 rows", len(page.Rows), page.Token, err)
	}
	if read := f.Probe.Counts().GetKeys; read > 150 {
		t.Errorf("%d rows were read for %d", read, len(page.Rows))
	}
}
