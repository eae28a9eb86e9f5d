package storetest

import (
	"fmt"
	"strings"

	"segue/internal/store"
)

func limitTests() map[string]func(*script) {
	return map[string]func(*script){
		"limits/item of 400 KB":        limitItem,
		"limits/update that outgrows":  limitUpdate,
		"limits/100 operations":        limitOps,
		"limits/4 MB in a write":       limitBytes,
		"limits/100 keys in a get":     limitGet,
		"limits/length of keys":        limitKeys,
		"limits/calls that are wrong":  invalidCalls,
		"limits/values that are wrong": invalidValues,
	}
}

func limitItem(s *script) {
	k, other := key("p", "1"), key("p", "2")
	most := filler(item(k), store.MaxItemBytes)
	s.put(most)
	s.has(most)
	over := filler(item(k), store.MaxItemBytes+1)
	s.exceeds(s.store.Write(s.ctx, store.Put(over, always())))
	s.exceeds(s.store.Write(s.ctx, store.Put(item(other), always()), store.Put(over, always())))
	s.has(most)
	s.lacks(other)
}

// limitUpdate lets updates that are small in themselves make an item too large.
func limitUpdate(s *script) {
	k, other := key("p", "1"), key("p", "2")
	full := filler(item(k), store.MaxItemBytes-10)
	s.put(full)
	grow := store.Update(k, attrs("more", strings.Repeat("x", 100)), nil, always())
	s.exceeds(s.store.Write(s.ctx, grow))
	s.exceeds(s.store.Write(s.ctx, store.Put(item(other), always()), grow))
	s.has(full)
	s.lacks(other)
	s.write(store.Update(k, attrs("more", "six..."), nil, always()))
	full["more"] = store.S("six...")
	s.has(full)
}

func limitOps(s *script) {
	var ops []store.Op
	for n := range store.MaxWriteOps + 1 {
		ops = append(ops, store.Put(item(key("p", fmt.Sprint(n))), always()))
	}
	s.exceeds(s.store.Write(s.ctx, ops...))
	s.lacks(key("p", "0"), key("p", "100"))
}

func limitBytes(s *script) {
	var ops []store.Op
	for n := range 11 {
		ops = append(ops, store.Put(filler(item(key("p", fmt.Sprint(n))), 390<<10), always()))
	}
	s.exceeds(s.store.Write(s.ctx, ops...))
	s.lacks(key("p", "0"), key("p", "10"))
	s.write(ops[:10]...)
	s.has(ops[0].Item, ops[9].Item)
}

func limitGet(s *script) {
	var keys []store.Key
	for n := range store.MaxGetKeys + 1 {
		keys = append(keys, key("p", fmt.Sprint(n)))
	}
	s.put(item(keys[99]))
	_, err := s.store.Get(s.ctx, keys...)
	s.exceeds(err)
	items, err := s.store.Get(s.ctx, keys[:100]...)
	if err != nil || len(items) != 100 || items[98] != nil || items[99] == nil {
		s.Errorf("get of 100 keys: %d items, error %v", len(items), err)
	}
}

func limitKeys(s *script) {
	long := func(n int) string { return strings.Repeat("k", n) }
	most := item(key(long(2048), long(store.MaxKeyBytes)), "gpk", long(2048), "gsk", long(store.MaxKeyBytes))
	s.put(most)
	s.has(most)
	s.eventually(store.Query{Index: "stage", Partition: long(2048)}, most)
	for _, over := range []store.Item{
		item(key(long(2049), "1")),
		item(key("p", long(store.MaxKeyBytes+1))),
		item(key("p", "1"), "gpk", long(2049), "gsk", "1"),
		item(key("p", "1"), "gpk", "1", "gsk", long(store.MaxKeyBytes+1)),
	} {
		s.exceeds(s.store.Write(s.ctx, store.Put(over, always())))
	}
	s.lacks(key("p", "1"))
	_, err := s.store.Get(s.ctx, key("p", long(store.MaxKeyBytes+1)))
	s.exceeds(err)
}

func invalidCalls(s *script) {
	k, other := key("p", "1"), key("p", "2")
	put := store.Put(item(other), always())
	for name, ops := range map[string][]store.Op{
		"no partition key":       {put, store.Put(item(key("", "1")), always())},
		"no sort key":            {put, store.Delete(key("p", ""), always())},
		"item without a key":     {put, {Kind: store.OpPut, Key: k, Item: attrs("a", 1)}},
		"item under another key": {put, {Kind: store.OpPut, Key: k, Item: item(key("q", "1"))}},
		"key twice":              {put, store.Delete(other, always())},
		"update of the key":      {put, store.Update(k, attrs(store.SK, "2"), nil, always())},
		"removal of the key":     {put, store.Update(k, nil, []string{store.PK}, always())},
		"set and removed":        {put, store.Update(k, attrs("a", 1), []string{"a"}, always())},
		"update of nothing":      {put, store.Update(k, nil, nil, always())},
		"addition to the key":    {put, store.Update(k, nil, nil, always()).AddingOne(store.SK)},
		"addition to an index":   {put, store.Update(k, nil, nil, always()).AddingOne("gsk")},
		"set and added to":       {put, store.Update(k, attrs("a", 1), nil, always()).AddingOne("a")},
		"removed and added to":   {put, store.Update(k, nil, []string{"a"}, always()).AddingOne("a")},
		"added to twice":         {put, store.Update(k, nil, nil, always()).AddingOne("a", "a")},
		"put that adds":          {put, store.Put(item(k), always()).AddingOne("a")},
		"check that adds":        {put, store.Check(k, always()).AddingOne("a")},
		"no kind":                {put, {Key: k}},
	} {
		if err := s.store.Write(s.ctx, ops...); err == nil {
			s.Errorf("%s: was written", name)
		} else {
			s.is(err, store.ErrInvalid)
		}
	}
	s.lacks(k, other)
	_, err := s.store.Get(s.ctx, k, other, k)
	s.is(err, store.ErrInvalid)
	_, err = s.store.Get(s.ctx, key("p", ""))
	s.is(err, store.ErrInvalid)
	for _, q := range []store.Query{{}, {Partition: "p", Index: "no such"}, {Partition: "p", Limit: -1}} {
		_, err := s.store.Query(s.ctx, q)
		s.is(err, store.ErrInvalid)
	}
}

func invalidValues(s *script) {
	k := key("p", "1")
	for name, set := range map[string]store.Item{
		"absent":                attrs("a", store.Value{}),
		"no number":             attrs("a", store.N("seven")),
		"number out of form":    attrs("a", store.N("007")),
		"no attribute name":     attrs("", 1),
		"empty index key":       attrs("gpk", "g", "gsk", ""),
		"index key of a number": attrs("gpk", 1, "gsk", "1"),
	} {
		put := item(k)
		for attr, v := range set {
			put[attr] = v
		}
		for _, op := range []store.Op{store.Put(put, always()), store.Update(k, set, nil, always())} {
			if err := s.store.Write(s.ctx, op); err == nil {
				s.Errorf("%s: was written", name)
			} else {
				s.is(err, store.ErrInvalid)
			}
		}
	}
	s.exceeds(s.store.Write(s.ctx, store.Put(item(k, "n", store.N(strings.Repeat("1", 39))), always())))
	s.lacks(k)
}
