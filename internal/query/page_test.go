package query_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
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
			t.Fatalf("a page of %d rows, the limit is %d", len(page.Rows), limit)
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
	for name, test := range map[string]struct {
		where *filter.Group
		token string
	}{
		"of another filter":   {eq(values{"subject": schema.Text("B")}), page.Token},
		"of a filtered list":  {nil, page.Token},
		"no base64":           {where, "?"},
		"no JSON":             {where, token("x")},
		"nothing in it":       {where, token("{}")},
		"cut short":           {where, page.Token[:len(page.Token)-2]},
		"negative partition":  {where, at(-1)},
		"partition too large": {where, at(99)},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := f.Select(t.Context(), query.Query{Table: f.Table("lead"), Where: test.where, Limit: 1, Token: test.token}); !errors.Is(err, query.ErrBadToken) {
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
