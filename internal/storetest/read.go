package storetest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"segue/internal/store"
)

func readTests() map[string]func(*script) {
	return map[string]func(*script){
		"get/order of the keys":          getOrder,
		"get/more than one answer holds": getLarge,
		"query/order and ranges":         queryRanges,
		"query/bytes decide the order":   queryByteOrder,
		"query/page of 1 MB":             queryPages,
		"scan/segments":                  scanSegments,
		"scan/page of 1 MB":              scanPages,
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

// getLarge reads 18 MB; DynamoDB answers 16 MB at most and has to be asked again.
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
		"all":             {store.Query{}, "a b b#1 b#10 b#2 c c# d"},
		"descending":      {store.Query{Descending: true}, "d c# c b#2 b#10 b#1 b a"},
		"prefix":          {store.Query{Prefix: "b#"}, "b#1 b#10 b#2"},
		"prefix backward": {store.Query{Prefix: "b#", Descending: true}, "b#2 b#10 b#1"},
		"prefix is whole": {store.Query{Prefix: "d"}, "d"},
		"prefix of none":  {store.Query{Prefix: "b##"}, ""},
		"from":            {store.Query{From: "b#2"}, "b#2 c c# d"},
		"from between":    {store.Query{From: "b#11"}, "b#2 c c# d"},
		"from backward":   {store.Query{From: "c", Descending: true}, "d c# c"},
		"to":              {store.Query{To: "b#1"}, "a b b#1"},
		"to between":      {store.Query{To: "b#0"}, "a b"},
		"to backward":     {store.Query{To: "b", Descending: true}, "b a"},
		"from to":         {store.Query{From: "b#1", To: "c"}, "b#1 b#10 b#2 c"},
		"from to same":    {store.Query{From: "c", To: "c"}, "c"},
		"from to none":    {store.Query{From: "cc", To: "cd"}, ""},
		"from to back":    {store.Query{From: "b#1", To: "c", Descending: true}, "c b#2 b#10 b#1"},
	} {
		test.query.Partition = "p"
		for _, limit := range []int{0, 1, 3} {
			test.query.Limit = limit
			if got := strings.Join(s.sortKeys(test.query), " "); got != test.want {
				s.Errorf("%s with limit %d: got %q, want %q", name, limit, got, test.want)
			}
		}
	}
	if got := s.sortKeys(store.Query{Partition: "nobody"}); len(got) > 0 {
		s.Errorf("partition that is not there: got %q", got)
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
	if d := cmp.Diff(want[9:12], s.sortKeys(store.Query{Partition: "p", From: "a\x00", To: "a\x01"})); d != "" {
		s.Errorf("range (-want +got):\n%s", d)
	}
	if d := cmp.Diff(want[9:11], s.sortKeys(store.Query{Partition: "p", Prefix: "a\x00"})); d != "" {
		s.Errorf("prefix (-want +got):\n%s", d)
	}
}

// large stores 9 items of 300 KB, each in the partition that partition says.
func (s *script) large(partition func(n int) string) []store.Item {
	s.Helper()
	var items []store.Item
	for n := range 9 {
		items = append(items, filler(item(key(partition(n), fmt.Sprint(n))), 300<<10))
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

func queryPages(s *script) {
	want := s.large(func(int) string { return "p" })
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

func scanPages(s *script) {
	want := s.large(func(n int) string { return fmt.Sprint("p", n) })
	pages := s.scan(store.Scan{Segments: 1})
	s.pagesEnd(pages)
	got := all(pages)
	slices.SortFunc(got, func(a, b store.Item) int { return strings.Compare(a[store.PK].Text(), b[store.PK].Text()) })
	if d := cmp.Diff(want, got); d != "" {
		s.Error("the pages together are not the table")
	}
}

func scanSegments(s *script) {
	want := map[store.Key]store.Item{}
	var items []store.Item
	for n := range 60 {
		i := item(key(fmt.Sprint("p", n%20), fmt.Sprint(n)), "n", n)
		want[i.Key()], items = i, append(items, i)
	}
	s.putAll(items)
	for _, segments := range []int{1, 2, 7, 100} {
		for _, limit := range []int{0, 4} {
			got := map[store.Key]store.Item{}
			for segment := range segments {
				for _, p := range s.scan(store.Scan{Segment: segment, Segments: segments, Limit: limit}) {
					if limit > 0 && len(p.Items) > limit {
						s.Errorf("limit %d: a page has %d items", limit, len(p.Items))
					}
					for _, i := range p.Items {
						if got[i.Key()] != nil {
							s.Errorf("%d segments: %v comes twice", segments, i.Key())
						}
						got[i.Key()] = i
					}
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				s.Errorf("%d segments, limit %d (-want +got):\n%s", segments, limit, d)
			}
		}
	}
}
