package storetest

import (
	"regexp"
	"slices"
	"strings"

	"segue/internal/store"
)

func cursorTests() map[string]func(*script) {
	return map[string]func(*script){
		"cursor/limit":             cursorLimits,
		"cursor/outlives its item": cursorOutlives,
		"cursor/of another query":  foreignCursors,
	}
}

func cursorLimits(s *script) {
	s.stock("1", "2", "3", "4", "5")
	urlSafe := regexp.MustCompile(`^[A-Za-z0-9_-]+$`)
	for limit := 1; limit <= 6; limit++ {
		pages := s.pages(store.Query{Partition: "p", Limit: limit})
		for n, p := range pages {
			if len(p.Items) > limit {
				s.Errorf("limit %d: page %d has %d items", limit, n, len(p.Items))
			}
			if p.Cursor != "" && !urlSafe.MatchString(p.Cursor) {
				s.Errorf("cursor %q is not URL-safe", p.Cursor)
			}
		}
		if n := len(all(pages)); n != 5 {
			s.Errorf("limit %d: got %d items, want 5", limit, n)
		}
	}
	// The limit may change from page to page, and items may come and go.
	q := store.Query{Partition: "p", Limit: 2}
	first, err := s.store.Query(s.ctx, q)
	if err != nil {
		s.Fatal(err)
	}
	s.put(item(key("p", "0")), item(key("p", "25")))
	s.write(store.Delete(key("p", "4"), always()))
	q.Limit, q.Cursor = 0, first.Cursor
	if got, want := s.sortKeys(q), []string{"25", "3", "5"}; !slices.Equal(got, want) {
		s.Errorf("after the first page: got %q, want %q", got, want)
	}
}

func cursorOutlives(s *script) {
	s.stock("1", "2", "3", "4")
	for _, descending := range []bool{false, true} {
		s.stock("2", "3")
		q := store.Query{Partition: "p", Limit: 2, Descending: descending}
		p, err := s.store.Query(s.ctx, q)
		if err != nil || len(p.Items) != 2 {
			s.Fatalf("first page: %v, error %v", p.Items, err)
		}
		s.write(store.Delete(p.Items[1].Key(), always()))
		want := []string{"3", "4"}
		if descending {
			want = []string{"2", "1"}
		}
		q.Cursor = p.Cursor
		if got := s.sortKeys(q); !slices.Equal(got, want) {
			s.Errorf("descending %v: got %q, want %q", descending, got, want)
		}
	}
}

func foreignCursors(s *script) {
	s.stock("b1", "b2", "b3")
	s.put(item(key("p", "b4"), "gpk", "p", "gsk", "b1"), item(key("p", "b5"), "gpk", "p", "gsk", "b2"))
	s.eventually(store.Query{Index: "stage", Partition: "p", From: "b2"},
		item(key("p", "b5"), "gpk", "p", "gsk", "b2"))
	queries := map[string]store.Query{
		"plain":      {Partition: "p"},
		"partition":  {Partition: "o"},
		"descending": {Partition: "p", Descending: true},
		"prefix":     {Partition: "p", Prefix: "b"},
		"from":       {Partition: "p", From: "b"},
		"to":         {Partition: "p", To: "b9"},
		"index":      {Partition: "p", Index: "stage"},
	}
	for maker, q := range queries {
		q.Limit = 1
		page, err := s.store.Query(s.ctx, q)
		if err != nil {
			s.Fatal(err)
		}
		for user, r := range queries {
			if r.Cursor = page.Cursor; user == maker || page.Cursor == "" {
				continue
			}
			if _, err := s.store.Query(s.ctx, r); err == nil {
				s.Errorf("cursor of query %q worked with query %q", maker, user)
			} else {
				s.is(err, store.ErrBadCursor)
			}
		}
		_, err = s.store.Scan(s.ctx, store.Scan{Segments: 1, Cursor: page.Cursor})
		if page.Cursor != "" {
			s.is(err, store.ErrBadCursor)
		}
	}
	for _, cursor := range []string{"x", "!", "AAAA", strings.Repeat("A", 100)} {
		_, err := s.store.Query(s.ctx, store.Query{Partition: "p", Cursor: cursor})
		s.is(err, store.ErrBadCursor)
		_, err = s.store.Scan(s.ctx, store.Scan{Segments: 1, Cursor: cursor})
		s.is(err, store.ErrBadCursor)
	}
	page, err := s.store.Scan(s.ctx, store.Scan{Segments: 1, Limit: 1})
	if err != nil || page.Cursor == "" {
		s.Fatalf("scan: cursor %q, error %v", page.Cursor, err)
	}
	_, err = s.store.Scan(s.ctx, store.Scan{Segments: 2, Cursor: page.Cursor})
	s.is(err, store.ErrBadCursor)
}
