package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/store"
)

func readTests() map[string]func(*script) {
	return map[string]func(*script){
		"get/order of the keys":          getOrder,
		"get/more than a response holds": getLarge,
		"query/order and ranges":         queryRanges,
		"query/goes on after an item":    queryGoesOn,
		"query/bytes decide the order":   queryByteOrder,
		"query/page of 1 MB":             queryPages,
		"query/keep":                     queryKeep,
	}
}

func getOrder(s *script) {
	s.put(item(key("p", "1"), "n", 1), item(key("p", "2"), "n", 2), item(key("q", "1"), "n", 3))
	got, err := s.store.Get(s.ctx, key("q", "1"), key("p", "absent"), key("p", "2"), key("absent", "1"), key("p", "1"))
	want := []store.Item{item(key("q", "1"), "n", 3), nil, item(key("p", "2"), "n", 2), nil, item(key("p", "1"), "n", 1)}
	if d := cmp.Diff(want, got); d != "" || err != nil {
		s.Errorf("get: error %v (-want +got):\n%s", err, d)
	}
}

// getLarge reads 18 MB; DynamoDB returns 16 MB at most and has to be asked again.
func getLarge(s *script) {
	var items []store.Item
	var keys []store.Key
	for n := range 48 {
		i := filler(item(key(fmt.Sprint("p", n%5), fmt.Sprint(n))), 380<<10)
		items, keys = append(items, i), append(keys, i.Key())
	}
	s.putAll(items)
	got, err := s.store.Get(s.ctx, keys...)
	if err != nil || len(got) != len(items) {
		s.Fatalf("get: %d items, error %v", len(got), err)
	}
	for n := range items {
		if !cmp.Equal(items[n], got[n]) {
			s.Errorf("item %v came back as %v", keys[n], got[n].Key())
		}
	}
}

// stock stores items with these sort keys in partition "p", and neighbours.
func (s *script) stock(sortKeys ...string) {
	s.Helper()
	for _, sk := range sortKeys {
		s.put(item(key("p", sk), "v", sk))
	}
	s.put(item(key("o", "b")), item(key("pp", "b")), item(key("P", "b")))
}

func queryRanges(s *script) {
	s.stock("b#2", "a", "b#1", "c", "b", "b#10", "d", "c#")
	for name, test := range map[string]struct {
		query store.Query
		want  string
	}{
		"all":                 {store.Query{}, "a b b#1 b#10 b#2 c c# d"},
		"descending":          {store.Query{Descending: true}, "d c# c b#2 b#10 b#1 b a"},
		"after":               {store.Query{After: "b#2"}, "c c# d"},
		"after between":       {store.Query{After: "b#11"}, "b#2 c c# d"},
		"after the last":      {store.Query{After: "d"}, ""},
		"after before all":    {store.Query{After: "A"}, "a b b#1 b#10 b#2 c c# d"},
		"after backward":      {store.Query{After: "b#10", Descending: true}, "b#1 b a"},
		"after between back":  {store.Query{After: "b#11", Descending: true}, "b#10 b#1 b a"},
		"after the first":     {store.Query{After: "a", Descending: true}, ""},
		"to":                  {store.Query{To: "b#1"}, "a b b#1"},
		"to between":          {store.Query{To: "b#0"}, "a b"},
		"to backward":         {store.Query{To: "c", Descending: true}, "d c# c"},
		"to between backward": {store.Query{To: "b#3", Descending: true}, "d c# c"},
		"both":                {store.Query{After: "b", To: "c"}, "b#1 b#10 b#2 c"},
		"both between":        {store.Query{After: "aa", To: "b#11"}, "b b#1 b#10"},
		"both backward":       {store.Query{After: "c#", To: "b#1", Descending: true}, "c b#2 b#10 b#1"},
		"both the same":       {store.Query{After: "c", To: "c"}, ""},
		"both same backward":  {store.Query{After: "c", To: "c", Descending: true}, ""},
		"both next to":        {store.Query{After: "c", To: "c#"}, "c#"},
		"nothing between":     {store.Query{After: "cc", To: "cd"}, ""},
		"turned round":        {store.Query{After: "c", To: "b"}, ""},
		"turned round back":   {store.Query{After: "b", To: "c", Descending: true}, ""},
	} {
		test.query.Partition = "p"
		for limit := range 10 {
			test.query.Limit = limit
			pages := s.pages(test.query)
			for n, p := range pages {
				if limit > 0 && len(p.Items) > limit {
					s.Errorf("%s with limit %d: page %d has %d items", name, limit, n, len(p.Items))
				}
			}
			if got := sortKeys(pages); got != test.want {
				s.Errorf("%s with limit %d: got %q, want %q", name, limit, got, test.want)
			}
		}
	}
	if got := s.sortKeys(store.Query{Partition: "nobody"}); len(got) > 0 {
		s.Errorf("partition that is not there: got %q", got)
	}
}

func sortKeys(pages []store.Page) string {
	var keys []string
	for _, i := range all(pages) {
		keys = append(keys, i[store.SK].Text())
	}
	return strings.Join(keys, " ")
}

// queryGoesOn reads a page and goes on after its last item, whatever became of
// that item and its neighbours, and with another limit.
func queryGoesOn(s *script) {
	for _, test := range []struct {
		name       string
		descending bool
		to, want   string
	}{
		{"forward", false, "", "25 3 5"},
		{"backward", true, "", "35 3 1"},
		{"forward to an end", false, "4", "25 3"},
		{"backward to an end", true, "2", "35 3"},
	} {
		s.stock("1", "2", "3", "4", "5")
		s.write(store.Delete(key("p", "0"), always()), store.Delete(key("p", "25"), always()),
			store.Delete(key("p", "35"), always()), store.Delete(key("p", "45"), always()))
		q := store.Query{Partition: "p", Limit: 2, To: test.to, Descending: test.descending}
		first, err := s.store.Query(s.ctx, q)
		if err != nil || len(first.Items) != 2 || !first.More {
			s.Fatalf("%s: first page: %+v, error %v", test.name, first, err)
		}
		last := first.Items[1].Key()
		if test.descending {
			s.put(item(key("p", "45")), item(key("p", "35")))
			s.write(store.Delete(key("p", "2"), always()), store.Delete(last, always()))
		} else {
			s.put(item(key("p", "0")), item(key("p", "25")))
			s.write(store.Delete(key("p", "4"), always()), store.Delete(last, always()))
		}
		q.Limit, q.After = 0, last.SK
		if got := sortKeys(s.pages(q)); got != test.want {
			s.Errorf("%s: after the first page: got %q, want %q", test.name, got, test.want)
		}
	}
}

func queryByteOrder(s *script) {
	want := []string{"\x00", "\x00\x00", "\x00\x01", "\x01", "10", "9", "A", "Z", "a", "a\x00", "a\x00a", "a\x01", "ab", "é", "\uffff", "🐢"}
	shuffled := slices.Clone(want)
	slices.Reverse(shuffled)
	s.stock(shuffled...)
	if d := cmp.Diff(want, s.sortKeys(store.Query{Partition: "p"})); d != "" {
		s.Errorf("order (-want +got):\n%s", d)
	}
	for n, sk := range want {
		after := store.Query{Partition: "p", After: sk}
		if d := cmp.Diff(want[n+1:], s.sortKeys(after), cmpopts.EquateEmpty()); d != "" {
			s.Errorf("after %q (-want +got):\n%s", sk, d)
		}
		if d := cmp.Diff(want[:n+1], s.sortKeys(store.Query{Partition: "p", To: sk})); d != "" {
			s.Errorf("to %q (-want +got):\n%s", sk, d)
		}
		after.Descending = true
		backward := slices.Clone(want[:n])
		slices.Reverse(backward)
		if d := cmp.Diff(backward, s.sortKeys(after), cmpopts.EquateEmpty()); d != "" {
			s.Errorf("after %q backward (-want +got):\n%s", sk, d)
		}
	}
	if d := cmp.Diff(want[9:12], s.sortKeys(store.Query{Partition: "p", After: "a", To: "a\x01"})); d != "" {
		s.Errorf("range (-want +got):\n%s", d)
	}
}

// large stores 9 items of 300 KB in partition "p".
func (s *script) large() []store.Item {
	s.Helper()
	var items []store.Item
	for n := range 9 {
		items = append(items, filler(item(key("p", fmt.Sprint(n))), 300<<10))
	}
	s.putAll(items)
	return items
}

// pagesEnd checks that a page ends at 1 MB. DynamoDB lets the item that reaches
// the limit come with it.
func (s *script) pagesEnd(pages []store.Page) {
	s.Helper()
	if len(pages) < 2 {
		s.Errorf("got one page, want several")
	}
	for n, p := range pages {
		size := 0
		for _, i := range p.Items[:max(len(p.Items)-1, 0)] {
			size += i.Size()
		}
		if size > store.MaxPageBytes {
			s.Errorf("page %d has %d bytes and one more item, more than %d", n, size, store.MaxPageBytes)
		}
	}
}

// queryKeep asks for some items only: none of them is missing, whatever else a store
// leaves out, and with what it has left out they are all.
func queryKeep(s *script) {
	const items = 20
	for n := range items {
		s.put(item(store.Key{PK: "p", SK: fmt.Sprintf("%02d", n)}, "n", store.Int(int64(n%4))))
	}
	for kept := range int64(5) { // none has 4
		var held []heldItem
		keep := func(passing store.Passing) bool {
			values := make([]store.Value, 1)
			if err := passing.Values(store.NewNames("n"), values); err != nil {
				s.Error(err)
			}
			if passing.Size() < len(passing.SortKey()) {
				s.Errorf("an item of %d bytes", passing.Size())
			}
			held = append(held, heldItem{passing.Hold(), passing.SortKey()})
			return values[0] == store.Int(kept)
		}
		for _, q := range []store.Query{{Limit: 0}, {Limit: 1}, {Limit: 3}, {Limit: 7, Descending: true}, {Limit: items}} {
			q.Partition, q.Keep = "p", keep
			pages, seen := s.pages(q), 0
			var got, want []string
			for _, page := range pages {
				if seen += len(page.Items) + page.Left; q.Limit > 0 && len(page.Items)+page.Left > q.Limit {
					s.Errorf("limit %d: a page of %d items, and %d left out", q.Limit, len(page.Items), page.Left)
				}
				for _, i := range page.Items {
					if keep(i) {
						got = append(got, i.Key().SK)
					}
				}
			}
			for n := range items {
				if int64(n%4) == kept {
					want = append(want, fmt.Sprintf("%02d", n))
				}
			}
			if q.Descending {
				slices.Reverse(want)
			}
			if !slices.Equal(got, want) || seen != items {
				s.Errorf("limit %d: %d of %d items, %q are to be kept, want %q", q.Limit, seen, items, got, want)
			}
		}
		for _, h := range held { // the query has gone on since
			if i, err := h.image.Item(); err != nil || i.Key() != (store.Key{PK: "p", SK: h.key}) {
				s.Errorf("%s was held, and is %v, %v", h.key, i, err)
			}
		}
	}
}

// heldItem is an item that a query went past, and what its sort key was then.
type heldItem struct {
	image store.Image
	key   string
}

func queryPages(s *script) {
	want := s.large()
	pages := s.pages(store.Query{Partition: "p"})
	s.pagesEnd(pages)
	if d := cmp.Diff(want, all(pages)); d != "" {
		s.Error("the pages together are not the partition")
	}
	slices.Reverse(want)
	pages = s.pages(store.Query{Partition: "p", Descending: true})
	s.pagesEnd(pages)
	if d := cmp.Diff(want, all(pages)); d != "" {
		s.Error("the pages together are not the partition backward")
	}
}
