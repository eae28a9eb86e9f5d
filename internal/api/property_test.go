package api_test

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segue/internal/fetchxml/fetchxmltest"
	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/odata/uri"
	"segue/internal/odata/uri/uritest"
	"segue/internal/query"
	"segue/internal/query/querytest"
	"segue/internal/sales"
	"segue/internal/sales/salestest/both"
	"segue/internal/schema"
)

// dialect is a way to ask for the list of a story.
type dialect struct {
	name string
	says func(table string, g *filter.Group) bool // whether it has words for a condition
	// page asks for a page of a number of rows, after the one that has said where the next
	// one begins ("" for the first).
	page func(c querytest.Story, size int, next string) (listPage, error)
	// Of the conditions of all stories, how many it has words for and how many not.
	kept, taken int
	grown       int // pages before which rows were added
}

// listPage is a page as a client sees it.
type listPage struct {
	ids   []string
	count int
	next  string // "" after the last
}

// lists is the answer to a list.
type lists struct {
	Value  []map[string]any
	Next   string `json:"@odata.nextLink"`
	Count  int    `json:"@odata.count"`
	Total  int    `json:"@Microsoft.Dynamics.CRM.totalrecordcount"`
	Cookie string `json:"@Microsoft.Dynamics.CRM.fetchxmlpagingcookie"`
	More   bool   `json:"@Microsoft.Dynamics.CRM.morerecords"`
}

func (l lists) page(t *schema.Table) listPage {
	p := listPage{count: max(l.Count, l.Total), next: l.Next}
	for _, row := range l.Value {
		p.ids = append(p.ids, fmt.Sprint(row[t.ID]))
	}
	return p
}

// get asks for a list by its target.
func (w *world) get(target string, size int) (l lists, err error) {
	a := w.send(fmt.Sprintf("GET %s\nAs: System Administrator\nPrefer: odata.maxpagesize=%d", target, size))
	if a.status != http.StatusOK {
		return l, fmt.Errorf("GET %s: %v", target, a)
	}
	return l, json.Unmarshal([]byte(a.body), &l)
}

// tree asks the product itself, with the tree that a segment has.
func (w *world) tree() *dialect {
	caller := sales.Caller{ID: userID, Roles: []string{"System Administrator"}}
	return &dialect{
		name: "tree",
		says: func(string, *filter.Group) bool { return true },
		page: func(c querytest.Story, size int, next string) (p listPage, err error) {
			q := query.Query{Where: c.Where, Order: c.Order, Count: c.Count, Limit: size, Token: next}
			list, err := w.parts.Entities.List(w.t.Context(), caller, c.Table, q)
			for _, row := range list.Rows {
				p.ids = append(p.ids, row.ID)
			}
			p.count, p.next = list.Count, list.Token
			return p, err
		},
	}
}

// filterOption asks by $filter and $orderby, and follows the links to the next pages.
func (w *world) filterOption() *dialect {
	return &dialect{
		name: "$filter",
		says: func(table string, g *filter.Group) bool { _, ok := uritest.Filter(w.tables, table, g); return ok },
		page: func(c querytest.Story, size int, next string) (listPage, error) {
			t := w.tables.Table(c.Table)
			target := next
			if next == "" {
				text, ok := uritest.Filter(w.tables, c.Table, c.Where)
				if !ok {
					return listPage{}, errors.New("the tree has no $filter")
				}
				target = "~/" + t.Set + "?$select=" + t.ID + "&$filter=" + url.QueryEscape(text)
				var by []string
				for _, o := range c.Order {
					by = append(by, strings.Join(append(slices.Clone(o.Path), uri.NameOf(endOf(w.tables, t, o))), "/")+map[bool]string{true: "%20desc"}[o.Descending])
				}
				if len(by) > 0 {
					target += "&$orderby=" + strings.Join(by, ",")
				}
				if c.Count {
					target += "&$count=true"
				}
			}
			l, err := w.get(target, size)
			if link, err := url.Parse(l.Next); err == nil && l.Next != "" {
				l.Next = link.RequestURI()
			}
			return l.page(t), err
		},
	}
}

// endOf returns the column that an order is by.
func endOf(s *schema.Schema, t *schema.Table, o query.Order) *schema.Column {
	for _, nav := range o.Path {
		t = s.Table(t.Navs(nav)[0].Target.Table)
	}
	return t.Column(o.Column)
}

// fetch asks in FetchXML, and pages by number and cookie.
func (w *world) fetch() *dialect {
	return &dialect{
		name: "FetchXML",
		says: func(table string, g *filter.Group) bool { _, ok := fetchxmltest.Filter(w.tables, table, g); return ok },
		page: func(c querytest.Story, size int, next string) (listPage, error) {
			t := w.tables.Table(c.Table)
			text, ok := fetchxmltest.Filter(w.tables, c.Table, c.Where)
			if !ok {
				return listPage{}, errors.New("the tree has no FetchXML")
			}
			for _, o := range c.Order {
				text += fmt.Sprintf(`<order attribute="%s" descending="%t"/>`, o.Column, o.Descending)
			}
			fetch := fmt.Sprintf(`<fetch count="%d" returntotalrecordcount="%t"%s><entity name="%s"><attribute name="%s"/>%s</entity></fetch>`, size, c.Count, next, t.Name, t.ID, text)
			l, err := w.get("~/"+t.Set+"?fetchXml="+url.QueryEscape(fetch), size)
			if err == nil && l.More {
				l.Next, err = resume(l.Cookie)
			}
			return l.page(t), err
		},
	}
}

// resume returns the attributes of fetch for the page that a cookie begins, which is
// encoded twice.
func resume(cookie string) (string, error) {
	var outer struct {
		Page  int    `xml:"pagenumber,attr"`
		Inner string `xml:"pagingcookie,attr"`
	}
	if err := xml.Unmarshal([]byte(cookie), &outer); err != nil {
		return "", fmt.Errorf("cookie %q: %w", cookie, err)
	}
	inner := outer.Inner
	for range 2 {
		var err error
		if inner, err = url.QueryUnescape(inner); err != nil {
			return "", err
		}
	}
	var escaped strings.Builder
	if err := xml.EscapeText(&escaped, []byte(inner)); err != nil {
		return "", err
	}
	return fmt.Sprintf(` page="%d" paging-cookie="%s"`, outer.Page, escaped.String()), nil
}

// play reads the list of a story in a dialect and compares it with what the oracle says.
func (d *dialect) play(w *world, c querytest.Story) error {
	stage := &querytest.Stage{DB: w.parts.DB}
	defer func() { _ = stage.Clear(w.t.Context()) }()
	if err := stage.Make(w.t.Context(), c.Rows); err != nil {
		return err
	}
	before, err := stage.World(w.t.Context())
	if err != nil {
		return err
	}
	var kept, taken int
	c.Where, kept, taken = filtertest.Prune(w.tables, c.Table, c.Where, d.says)
	d.kept, d.taken = d.kept+kept, d.taken+taken
	var found []string
	counted, next := 0, ""
	for number := 0; ; number++ {
		page, err := d.page(c, c.Limit[number%len(c.Limit)], next)
		if err != nil {
			return err
		}
		if number == 0 {
			counted = page.count
		}
		found = append(found, page.ids...)
		if next = page.next; next == "" {
			break
		}
		if number < len(c.Later) {
			d.grown++
			if err := stage.Make(w.t.Context(), c.Later[number]); err != nil {
				return err
			}
		}
	}
	after, err := stage.World(w.t.Context())
	if err != nil {
		return err
	}
	return c.Check(w.tables, before, after, found, counted)
}

// TestDialects: random trees, asked for as the tree that a segment has, as $filter and as
// FetchXML, give the rows that a naive filter finds among all, in order, in pages of any
// sizes, while rows are added between the pages. What a dialect has no words for is left
// out of its tree, and counted.
func TestDialects(t *testing.T) {
	both.Run(t, func(t *testing.T, place both.Place) {
		w := newWorldOn(t, place.Open(t), filtertest.Files(t))
		w.now.Advance(time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC).Sub(w.now.Now())) // near the dates of rows and conditions
		dialects := []*dialect{w.tree(), w.filterOption(), w.fetch()}
		draw := func(rt *rapid.T) querytest.Story { return drawStory(rt, w) }
		play := func(c querytest.Story) error {
			for _, d := range dialects {
				if err := d.play(w, c); err != nil {
					return fmt.Errorf("%s: %s of %s by %v: %w", d.name, c.Where, c.Table, c.Order, err)
				}
			}
			return nil
		}
		if place.Remote {
			for seed := range 6 {
				if err := play(rapid.Custom(draw).Example(seed)); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
			return // of so few stories no shares are counted
		}
		rapid.Check(t, func(rt *rapid.T) {
			if err := play(draw(rt)); err != nil {
				rt.Fatal(err)
			}
		})
		for n, least := range []float64{1, 0.7, 0.4} {
			d := dialects[n]
			if share := float64(d.kept) / float64(d.kept+d.taken); d.kept < 50 || share < least {
				t.Errorf("%s had words for %d conditions, %.2f of all, want at least %.1f", d.name, d.kept, share, least)
			}
			if d.grown < 8 {
				t.Errorf("%s: rows were added before %d pages, want at least 8", d.name, d.grown)
			}
		}
	})
}

// drawStory draws a story for the caller of the world, in the zone of the server. Its order
// is by columns that every dialect can order by, and no lookup in it points at nothing: there
// nav/key eq <guid> holds, which is a condition on the lookup, and the tree's path does not.
func drawStory(t *rapid.T, w *world) querytest.Story {
	c := querytest.Draw(t, w.tables)
	c.Scope = &filter.Scope{Now: w.now.Now(), Zone: time.UTC, Caller: &filter.Caller{User: userID}}
	c.Order = slices.DeleteFunc(c.Order, func(o query.Order) bool { return len(o.Path) > 0 })
	all := filtertest.World{Tables: map[string][]filtertest.Entry{}}
	for _, list := range append([][]filtertest.Entry{c.Rows}, c.Later...) {
		for _, e := range list {
			all.Tables[e.Table] = append(all.Tables[e.Table], e)
		}
	}
	all.Whole()
	return c
}
