package storetest

import (
	"fmt"
	"slices"

	"github.com/google/go-cmp/cmp"

	"segue/internal/store"
)

func indexTests() map[string]func(*script) {
	return map[string]func(*script){
		"index/sparse and keys only":   indexSparse,
		"index/follows its attributes": indexFollows,
		"index/order and ranges":       indexRanges,
		"index/ties":                   indexTies,
		"index/four of them":           indexFour,
		"index/base sort key":          indexOnBaseKey,
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
	ask(store.Query{After: "b#1"}, want[3:]...)
	ask(store.Query{After: "b#1x"}, want[4:]...)
	ask(store.Query{To: "b#1"}, want[:3]...)
	ask(store.Query{After: "b", To: "b#2"}, want[2:5]...)
	ask(store.Query{After: "aa", To: "b#3"}, want[1:5]...)
	ask(store.Query{After: "c", To: "b"})
	slices.Reverse(want)
	ask(store.Query{Descending: true}, want...)
	ask(store.Query{After: "b#1", Descending: true}, want[4:]...)
	ask(store.Query{To: "b#1", Descending: true}, want[:4]...)
	ask(store.Query{After: "b#2", To: "b", Descending: true}, want[2:5]...)
}

// indexTies has items that share an index key, which a caller should avoid. One
// page shows them all, in an order that is not promised; those that the end of
// a page cuts off are left out of the next, and none comes twice.
func indexTies(s *script) {
	ties := map[store.Key]bool{}
	for n := range 7 {
		k := key(fmt.Sprint("tie", n%3), fmt.Sprint(n))
		s.put(item(k, "gpk", "ties", "gsk", "same"))
		ties[k] = true
	}
	tail := item(key("tie", "last"), "gpk", "ties", "gsk", "tail")
	s.put(item(key("tie", "head"), "gpk", "ties", "gsk", "head"), tail)
	s.eventually(store.Query{Index: "stage", Partition: "ties", After: "same"}, tail)
	show := func(q store.Query) map[store.Key]bool {
		q.Index, q.Partition = "stage", "ties"
		got := map[store.Key]bool{}
		for _, i := range all(s.pages(q)) {
			if got[i.Key()] {
				s.Errorf("%v comes twice", i.Key())
			}
			got[i.Key()] = true
		}
		return got
	}
	if d := cmp.Diff(ties, show(store.Query{After: "head", To: "same"})); d != "" {
		s.Errorf("ties (-want +got):\n%s", d)
	}
	if got := show(store.Query{After: "same"}); len(got) != 1 || !got[tail.Key()] {
		s.Errorf("after the ties: got %v", got)
	}
	got := show(store.Query{Limit: 3})
	if !got[tail.Key()] || len(got) != 4 {
		s.Errorf("a page that ends among ties, and the next: got %v", got)
	}
}

// indexFour moves one item through four indexes, some of which share attributes.
func indexFour(s *script) {
	k := key("p", "1")
	in := func(index, partition string, want ...store.Item) {
		s.Helper()
		s.eventually(store.Query{Index: index, Partition: partition}, want...)
	}
	i := item(k, "gpk", "g", "gsk", "1", "owner", "me", "due", "today")
	s.put(i)
	in("stage", "g", item(k, "gpk", "g", "gsk", "1"))
	in("shared", "1", item(k, "gsk", "1", "owner", "me"))
	in("owner", "me", item(k, "owner", "me"))
	in("due", "me", item(k, "owner", "me", "due", "today"))
	s.write(store.Update(k, attrs("gsk", "2"), []string{"due"}, always()))
	in("stage", "g", item(k, "gpk", "g", "gsk", "2"))
	in("shared", "1")
	in("shared", "2", item(k, "gsk", "2", "owner", "me"))
	in("owner", "me", item(k, "owner", "me"))
	in("due", "me")
	s.write(store.Delete(k, always()))
	for index, partition := range map[string]string{"stage": "g", "shared": "2", "owner": "me", "due": "me"} {
		in(index, partition)
	}
}

func indexOnBaseKey(s *script) {
	a, b := item(key("p", "2"), "owner", "me"), item(key("q", "1"), "owner", "me")
	s.put(a, b, item(key("q", "3"), "owner", "you"), item(key("q", "4")))
	s.eventually(store.Query{Index: "owner", Partition: "me"}, b, a)
	s.eventually(store.Query{Index: "owner", Partition: "me", After: "1", Limit: 1}, a)
	s.write(store.Update(b.Key(), nil, []string{"owner"}, always()))
	s.eventually(store.Query{Index: "owner", Partition: "me"}, a)
}
