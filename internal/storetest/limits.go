package storetest

import (
	"fmt"
	"strings"

	"segue/internal/table"
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
	most := filler(item(k), table.MaxItemBytes)
	s.put(most)
	s.has(most)
	over := filler(item(k), table.MaxItemBytes+1)
	s.exceeds(s.store.Write(s.ctx, table.Put(over, always())))
	s.exceeds(s.store.Write(s.ctx, table.Put(item(other), always()), table.Put(over, always())))
	s.has(most)
	s.lacks(other)
}

// limitUpdate lets updates that are small in themselves make an item too large.
func limitUpdate(s *script) {
	k, other := key("p", "1"), key("p", "2")
	full := filler(item(k), table.MaxItemBytes-10)
	s.put(full)
	grow := table.Update(k, attrs("more", strings.Repeat("x", 100)), nil, always())
	s.exceeds(s.store.Write(s.ctx, grow))
	s.exceeds(s.store.Write(s.ctx, table.Put(item(other), always()), grow))
	s.has(full)
	s.lacks(other)
	s.write(table.Update(k, attrs("more", "six..."), nil, always()))
	full["more"] = table.S("six...")
	s.has(full)
}

func limitOps(s *script) {
	var ops []table.Op
	for n := range table.MaxWriteOps + 1 {
		ops = append(ops, table.Put(item(key("p", fmt.Sprint(n))), always()))
	}
	s.exceeds(s.store.Write(s.ctx, ops...))
	s.lacks(key("p", "0"), key("p", "100"))
}

func limitBytes(s *script) {
	var ops []table.Op
	for n := range 11 {
		ops = append(ops, table.Put(filler(item(key("p", fmt.Sprint(n))), 390<<10), always()))
	}
	s.exceeds(s.store.Write(s.ctx, ops...))
	s.lacks(key("p", "0"), key("p", "10"))
	s.write(ops[:10]...)
	s.has(ops[0].Item, ops[9].Item)
}

func limitGet(s *script) {
	var keys []table.Key
	for n := range table.MaxGetKeys + 1 {
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
	most := item(key(long(2048), long(table.MaxKeyBytes)), "gpk", long(2048), "gsk", long(table.MaxKeyBytes))
	s.put(most)
	s.has(most)
	s.eventually(table.Query{Index: "stage", Partition: long(2048)}, most)
	for _, over := range []table.Item{
		item(key(long(2049), "1")),
		item(key("p", long(table.MaxKeyBytes+1))),
		item(key("p", "1"), "gpk", long(2049), "gsk", "1"),
		item(key("p", "1"), "gpk", "1", "gsk", long(table.MaxKeyBytes+1)),
	} {
		s.exceeds(s.store.Write(s.ctx, table.Put(over, always())))
	}
	s.lacks(key("p", "1"))
	_, err := s.store.Get(s.ctx, key("p", long(table.MaxKeyBytes+1)))
	s.exceeds(err)
}

func invalidCalls(s *script) {
	k, other := key("p", "1"), key("p", "2")
	put := table.Put(item(other), always())
	for name, ops := range map[string][]table.Op{
		"no partition key":       {put, table.Put(item(key("", "1")), always())},
		"no sort key":            {put, table.Delete(key("p", ""), always())},
		"item without a key":     {put, {Kind: table.OpPut, Key: k, Item: attrs("a", 1)}},
		"item under another key": {put, {Kind: table.OpPut, Key: k, Item: item(key("q", "1"))}},
		"key twice":              {put, table.Delete(other, always())},
		"update of the key":      {put, table.Update(k, attrs(table.SK, "2"), nil, always())},
		"removal of the key":     {put, table.Update(k, nil, []string{table.PK}, always())},
		"set and removed":        {put, table.Update(k, attrs("a", 1), []string{"a"}, always())},
		"update of nothing":      {put, table.Update(k, nil, nil, always())},
		"no kind":                {put, {Key: k}},
	} {
		if err := s.store.Write(s.ctx, ops...); err == nil {
			s.Errorf("%s: was written", name)
		} else {
			s.is(err, table.ErrInvalid)
		}
	}
	s.lacks(k, other)
	_, err := s.store.Get(s.ctx, k, other, k)
	s.is(err, table.ErrInvalid)
	_, err = s.store.Get(s.ctx, key("p", ""))
	s.is(err, table.ErrInvalid)
	for _, q := range []table.Query{
		{}, {Partition: "p", Index: "no such"}, {Partition: "p", Limit: -1},
		{Partition: "p", Prefix: "a", From: "b"}, {Partition: "p", Prefix: "a", To: "b"},
	} {
		_, err := s.store.Query(s.ctx, q)
		s.is(err, table.ErrInvalid)
	}
	for _, sc := range []table.Scan{{}, {Segment: 2, Segments: 2}, {Segment: -1, Segments: 2}, {Segments: 1, Limit: -1}} {
		_, err := s.store.Scan(s.ctx, sc)
		s.is(err, table.ErrInvalid)
	}
}

func invalidValues(s *script) {
	k := key("p", "1")
	for name, set := range map[string]table.Item{
		"absent":                 attrs("a", table.Value{}),
		"absent in a list":       attrs("a", table.L(table.Value{})),
		"no number":              attrs("a", table.N("seven")),
		"number out of form":     attrs("a", table.N("007")),
		"no attribute name":      attrs("", 1),
		"empty index key":        attrs("gpk", "g", "gsk", ""),
		"index key is no string": attrs("gpk", 1, "gsk", "1"),
	} {
		put := item(k)
		for attr, v := range set {
			put[attr] = v
		}
		for _, op := range []table.Op{table.Put(put, always()), table.Update(k, set, nil, always())} {
			if err := s.store.Write(s.ctx, op); err == nil {
				s.Errorf("%s: was written", name)
			} else {
				s.is(err, table.ErrInvalid)
			}
		}
	}
	s.exceeds(s.store.Write(s.ctx, table.Put(item(k, "n", table.N(strings.Repeat("1", 39))), always())))
	s.lacks(k)
}
