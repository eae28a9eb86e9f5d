package storetest

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"segue/internal/store"
)

func indexTests() map[string]func(*script) {
	return map[string]func(*script){
		"index/sparse and keys only":      indexSparse,
		"index/follows its attributes":    indexFollows,
		"index/order, ranges and cursors": indexRanges,
		"index/ties":                      indexTies,
		"index/base sort key":             indexOnBaseKey,
	}
}

func indexSparse(s *script) {
	both := item(key("p", "1"), "gpk", "g", "gsk", "2", "other", "not projected")
	s.put(both, item(key("p", "2"), "gpk", "g"), item(key("p", "3"), "gsk", "1"), item(key("p", "4")))
	s.put(item(key("q", "1"), "gpk", "g", "gsk", "1", "other", 1), item(key("q", "2"), "gpk", "h", "gsk", "1"))
	s.eventually(store.Query{Index: "stage", Partition: "g"},
		item(key("q", "1"), "gpk", "g", "gsk", "1"), item(key("p", "1"), "gpk", "g", "gsk", "2"))
}

func indexFollows(s *script) {
	k := key("p", "1")
	at := func(gpk, gsk string) store.Item { return item(k, "gpk", gpk, "gsk", gsk) }
	in := func(partition string, want ...store.Item) {
		s.Helper()
		s.eventually(store.Query{Index: "stage", Partition: partition}, want...)
	}
	s.put(at("g", "1"))
	in("g", at("g", "1"))
	s.write(store.Update(k, attrs("gsk", "2"), nil, always()))
	in("g", at("g", "2"))
	s.write(store.Update(k, attrs("gpk", "h", "other", 1), nil, always()))
	in("g")
	in("h", at("h", "2"))
	s.write(store.Update(k, nil, []string{"gsk"}, always()))
	in("h")
	s.write(store.Update(k, attrs("gsk", "3"), nil, always()))
	in("h", at("h", "3"))
	s.put(item(k, "other", 1))
	in("h")
	s.put(at("g", "4"))
	in("g", at("g", "4"))
	s.write(store.Delete(k, always()))
	in("g")
}

func indexRanges(s *script) {
	var want []store.Item
	for n, gsk := range []string{"a", "b", "b#1", "b#1\x00", "b#2", "c"} {
		i := item(key(fmt.Sprint("p", n%2), fmt.Sprint(9-n)), "gpk", "g", "gsk", gsk)
		s.put(i)
		want = append(want, i)
	}
	ask := func(q store.Query, want ...store.Item) {
		s.Helper()
		q.Index, q.Partition = "stage", "g"
		for _, limit := range []int{0, 1, 2} {
			q.Limit = limit
			s.eventually(q, want...)
		}
	}
	ask(store.Query{}, want...)
	ask(store.Query{Prefix: "b"}, want[1:5]...)
	ask(store.Query{Prefix: "b#1"}, want[2:4]...)
	ask(store.Query{From: "b#1"}, want[2:]...)
	ask(store.Query{To: "b#1"}, want[:3]...)
	ask(store.Query{From: "b", To: "b#2"}, want[1:5]...)
	slices.Reverse(want)
	ask(store.Query{Descending: true}, want...)
	ask(store.Query{From: "b", To: "b#1", Descending: true}, want[3:5]...)
}

// indexTies has items that share an index key: they are all there, page by
// page, in an order that is not promised.
func indexTies(s *script) {
	ties := map[store.Key]bool{}
	for n := range 7 {
		k := key(fmt.Sprint("tie", n%3), fmt.Sprint(n))
		s.put(item(k, "gpk", "ties", "gsk", "same"))
		ties[k] = true
	}
	s.put(item(key("tie", "last"), "gpk", "ties", "gsk", "tail"))
	s.eventually(store.Query{Index: "stage", Partition: "ties", From: "tail"}, item(key("tie", "last"), "gpk", "ties", "gsk", "tail"))
	got := map[store.Key]bool{}
	for _, i := range all(s.pages(store.Query{Index: "stage", Partition: "ties", Prefix: "same", Limit: 2})) {
		if got[i.Key()] {
			s.Errorf("%v comes twice", i.Key())
		}
		got[i.Key()] = true
	}
	if d := cmp.Diff(ties, got); d != "" {
		s.Errorf("ties (-want +got):\n%s", d)
	}
}

func indexOnBaseKey(s *script) {
	a, b := item(key("p", "2"), "owner", "me"), item(key("q", "1"), "owner", "me")
	s.put(a, b, item(key("q", "3"), "owner", "you"), item(key("q", "4")))
	s.eventually(store.Query{Index: "owner", Partition: "me"}, b, a)
	s.eventually(store.Query{Index: "owner", Partition: "me", From: "2", Limit: 1}, a)
	s.write(store.Update(b.Key(), nil, []string{"owner"}, always()))
	s.eventually(store.Query{Index: "owner", Partition: "me"}, a)
}
