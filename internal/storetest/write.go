package storetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"segue/internal/store"
)

func writeTests() map[string]func(*script) {
	return map[string]func(*script){
		"write/put replaces the whole item":              putReplaces,
		"write/update sets and removes":                  updateChanges,
		"write/update makes the item":                    updateCreates,
		"write/update adds one":                          updateAdds,
		"write/update adds one to numbers only":          updateAddsToNumbers,
		"write/delete":                                   deletes,
		"write/nothing":                                  writeNothing,
		"write/transaction of every operation":           transaction,
		"write/failed condition of one operation":        singleRefused,
		"write/failed condition in a transaction":        transactionRefused,
		"write/conditions":                               conditions,
		"write/conditions see the item before the write": conditionsSeeBefore,
		"write/values come back as they went":            valuesRoundTrip,
		"write/values of other kinds too":                othersRoundTrip,
		"write/what was read is what is compared":        othersCompare,
		"write/items are copied":                         itemsAreCopied,
		"write/ended context":                            endedContext,
	}
}

func putReplaces(s *script) {
	k := key("p", "1")
	s.put(item(k, "a", "old", "b", 1))
	s.has(item(k, "a", "old", "b", 1))
	s.put(item(k, "a", "new"))
	s.has(item(k, "a", "new"))
	s.lacks(key("p", "2"), key("1", "p"))
}

func updateChanges(s *script) {
	k := key("p", "1")
	s.put(item(k, "a", 1, "b", 2, "c", 3))
	s.write(store.Update(k, attrs("b", "two", "d", 4), nil, always()))
	s.has(item(k, "a", 1, "b", "two", "c", 3, "d", 4))
	s.write(store.Update(k, nil, []string{"a", "never there"}, store.Exists(store.PK)))
	s.has(item(k, "b", "two", "c", 3, "d", 4))
	s.write(store.Update(k, attrs("a", 5), []string{"b", "c", "d"}, always()))
	s.has(item(k, "a", 5))
	// Reserved words of DynamoDB and odd names are names like any other.
	s.write(store.Update(k, attrs("name", 1, "a.b[0]", 2, "#x", 3, ":y", 4), []string{"a"}, store.NotThere("status")))
	s.has(item(k, "name", 1, "a.b[0]", 2, "#x", 3, ":y", 4))
}

// updateCreates leaves out an update that only removes: stores differ in whether
// it makes an item that holds nothing.
func updateCreates(s *script) {
	s.write(store.Update(key("p", "1"), attrs("a", 1), nil, always()))
	s.has(item(key("p", "1"), "a", 1))
	s.write(
		store.Update(key("p", "2"), attrs("a", 2), []string{"b"}, store.NotThere(store.PK)),
		store.Update(key("p", "3"), attrs("a", 3), nil, always()))
	s.has(item(key("p", "2"), "a", 2), item(key("p", "3"), "a", 3))
}

// counting is an update that adds one to n.
func counting(k store.Key, cond store.Condition) store.Op {
	return store.Update(k, nil, nil, cond).AddingOne("n")
}

func updateAdds(s *script) {
	k := key("p", "1")
	s.put(item(k, "n", 1, "a", "x", "b", 2))
	s.write(counting(k, always()))
	s.has(item(k, "n", 2, "a", "x", "b", 2))
	// What is not there counts as 0, also where there is no item at all.
	s.write(store.Update(k, attrs("a", "y"), []string{"b"}, store.Equals("n", store.Int(2))).AddingOne("n", "m"))
	s.has(item(k, "n", 3, "m", 1, "a", "y"))
	s.write(counting(key("p", "2"), store.NotThere(store.PK)), counting(k, always()))
	s.has(item(key("p", "2"), "n", 1), item(k, "n", 4, "m", 1, "a", "y"))
	// A condition sees the number before.
	s.refused(0, s.get(k), counting(k, store.Equals("n", store.Int(5))))
	s.refused(1, s.get(k), counting(key("p", "2"), always()), counting(k, store.NotEquals("n", store.Int(4))))
	s.has(item(key("p", "2"), "n", 1))
	for before, after := range map[string]string{
		"-1": "0", "-0.5": "0.5", "1.5": "2.5", "99": "100", "4503599627370496": "4503599627370497",
		"9223372036854775807": "9223372036854775808", "-12345678901234567890": "-12345678901234567889",
	} {
		s.put(item(k, "n", store.N(before)))
		s.write(counting(k, always()))
		s.has(item(k, "n", store.N(after)))
	}
}

func updateAddsToNumbers(s *script) {
	k, bystander := key("p", "1"), key("p", "2")
	for _, v := range []store.Value{store.S("1"), store.B(true), store.Nil(), other(`{"L":[{"N":"1"}]}`)} {
		before := item(k, "n", v)
		s.put(before)
		s.is(s.store.Write(s.ctx, counting(k, always())), store.ErrInvalid)
		s.is(s.store.Write(s.ctx, store.Put(item(bystander), always()), counting(k, always())), store.ErrInvalid)
		s.has(before)
		s.lacks(bystander)
	}
}

func deletes(s *script) {
	k, other := key("p", "1"), key("p", "2")
	s.put(item(k), item(other))
	s.write(store.Delete(k, always()))
	s.lacks(k)
	s.write(store.Delete(k, always()))
	s.write(store.Delete(k, always()), store.Delete(key("q", "1"), store.NotThere(store.PK)))
	s.lacks(k, key("q", "1"))
	s.has(item(other))
	s.put(item(k, "again", 1))
	s.has(item(k, "again", 1))
}

func writeNothing(s *script) {
	s.write()
	if items, err := s.store.Get(s.ctx); err != nil || len(items) != 0 {
		s.Errorf("get of no key: got %v, %v", items, err)
	}
}

func transaction(s *script) {
	put, set, del, check := key("p", "put"), key("p", "update"), key("q", "delete"), key("q", "check")
	s.put(item(set, "n", 1), item(del), item(check, "open", store.B(true)))
	s.write(
		store.Check(check, store.Equals("open", store.B(true))),
		store.Put(item(put, "a", 1), store.NotThere(store.PK)),
		store.Update(set, attrs("n", 2), nil, store.Equals("n", store.Int(1))),
		store.Delete(del, store.Exists(store.PK)))
	s.has(item(put, "a", 1), item(set, "n", 2), item(check, "open", store.B(true)))
	s.lacks(del)

	// As many operations as there may be.
	var ops []store.Op
	var want []store.Item
	for n := range store.MaxWriteOps {
		i := item(key("hundred", fmt.Sprintf("%03d", n)), "n", n)
		ops, want = append(ops, store.Put(i, store.NotThere(store.PK))), append(want, i)
	}
	s.write(ops...)
	if d := cmp.Diff(want, all(s.pages(store.Query{Partition: "hundred"}))); d != "" {
		s.Errorf("after 100 operations (-want +got):\n%s", d)
	}
}

// everyKind returns one operation of each kind on k.
func everyKind(k store.Key, cond store.Condition) map[string]store.Op {
	return map[string]store.Op{
		"put":    store.Put(item(k, "by", "put"), cond),
		"update": store.Update(k, attrs("by", "update"), nil, cond),
		"add":    store.Update(k, attrs("by", "add"), nil, cond).AddingOne("count"),
		"delete": store.Delete(k, cond),
		"check":  store.Check(k, cond),
	}
}

func singleRefused(s *script) {
	there, absent := item(key("p", "there"), "n", 1, "s", "x"), key("p", "absent")
	s.put(there)
	for _, op := range everyKind(there.Key(), store.Equals("n", store.Int(2))) {
		s.refused(0, there, op)
	}
	for _, op := range everyKind(absent, store.Exists(store.PK)) {
		s.refused(0, nil, op)
	}
	s.has(there)
	s.lacks(absent)
	s.write(store.Check(there.Key(), store.Equals("n", store.Int(1))))
	s.write(store.Check(absent, store.NotThere(store.PK)))
}

func transactionRefused(s *script) {
	there, absent := item(key("p", "there"), "n", 1, "s", "x"), key("p", "absent")
	bystander := item(key("q", "bystander"), "n", 1)
	s.put(there, bystander)
	others := []store.Op{
		store.Put(item(key("q", "new")), always()),
		store.Update(bystander.Key(), attrs("n", 2), nil, store.Equals("n", store.Int(1))),
		store.Delete(key("q", "nothing"), always()),
	}
	for at := range len(others) + 1 {
		fails := func(op store.Op) []store.Op {
			return append(append(append([]store.Op{}, others[:at]...), op), others[at:]...)
		}
		for _, op := range everyKind(there.Key(), store.Equals("n", store.Int(2))) {
			s.refused(at, there, fails(op)...)
		}
		for _, op := range everyKind(absent, store.Exists(store.PK)) {
			s.refused(at, nil, fails(op)...)
		}
	}
	s.has(there, bystander)
	s.lacks(absent, key("q", "new"))
}

func conditions(s *script) {
	stored := attrs("s", "text", "e", "", "n", 7, "d", store.N("0.5"), "b", store.B(true), "z", store.Nil(),
		"l", other(`{"L":[{"N":"1"},{"S":"two"}]}`), "m", other(`{"M":{"k":{"L":[{"N":"1"},{"S":"two"}]}}}`),
		"ss", other(`{"SS":["a","b"]}`), "ns", other(`{"NS":["1","2"]}`), "bs", other(`{"BS":["AQ=="]}`), "bin", other(`{"B":"AQ=="}`))
	yes, no, none := item(key("p", "there")), item(key("p", "bare")), key("p", "absent")
	for name, v := range stored {
		yes[name] = v
	}
	s.put(yes, no)
	holds := func(k store.Key, c store.Condition, want bool) {
		s.Helper()
		err := s.store.Write(s.ctx, store.Check(k, c))
		if (err == nil) != want {
			s.Errorf("condition %+v on %v: got %v, want it to hold: %v", c, k, err, want)
		}
	}
	for name, v := range stored {
		holds(yes.Key(), store.Exists(name), true)
		holds(yes.Key(), store.NotThere(name), false)
		holds(yes.Key(), store.Equals(name, v), true)
		holds(yes.Key(), store.NotEquals(name, v), false)
		for other, w := range stored { // other values, other kinds
			holds(yes.Key(), store.Equals(name, w), name == other)
			holds(yes.Key(), store.NotEquals(name, w), name != other)
		}
		for _, k := range []store.Key{no.Key(), none} {
			holds(k, store.Exists(name), false)
			holds(k, store.NotThere(name), true)
			holds(k, store.Equals(name, v), false)
			holds(k, store.NotEquals(name, v), true)
		}
	}
	s1, n7, n8 := store.Equals("s", store.S("text")), store.Equals("n", store.Int(7)), store.Equals("n", store.Int(8))
	holds(yes.Key(), store.And(), true)
	holds(none, store.And(), true)
	holds(yes.Key(), store.And(s1, n7, store.Exists(store.PK)), true)
	holds(yes.Key(), store.And(s1, n8), false)
	holds(yes.Key(), store.And(n8, s1), false)
	holds(yes.Key(), store.And(store.NotEquals("n", store.Int(8)), store.NotEquals("n", store.Int(7))), false)
	holds(yes.Key(), store.Equals("s", store.S("Text")), false)
	holds(yes.Key(), store.Equals("l", other(`{"L":[{"S":"two"},{"N":"1"}]}`)), false)
	holds(yes.Key(), store.Equals("m", other(`{"M":{}}`)), false)
	holds(yes.Key(), store.Equals("ss", other(`{"SS":["b","a"]}`)), true)
	holds(yes.Key(), store.Equals("ss", other(`{"SS":["a"]}`)), false)
	holds(yes.Key(), store.Equals("ns", other(`{"NS":["2","1"]}`)), true)
	holds(yes.Key(), store.Exists(store.PK), true)
	holds(yes.Key(), store.NotThere(store.PK), false)
	holds(none, store.Exists(store.PK), false)
	holds(none, store.NotThere(store.PK), true)
}

func conditionsSeeBefore(s *script) {
	k := key("p", "1")
	s.put(item(k, "n", 1))
	s.refused(0, item(k, "n", 1), store.Put(item(k, "n", 2), store.Equals("n", store.Int(2))))
	s.write(store.Update(k, attrs("n", 2), nil, store.Equals("n", store.Int(1))))
	s.write(store.Update(k, nil, []string{"n"}, store.Exists("n")))
	s.has(item(k))
}

func valuesRoundTrip(s *script) {
	values := map[string]store.Value{
		"empty":    store.S(""),
		"unicode":  store.S("żółw 龜 🐢 \x00 \u2028"),
		"long":     store.S(strings.Repeat("long ", 20000)),
		"zero":     store.N("0"),
		"negative": store.N("-12.5"),
		"38":       store.N("12345678901234567890123456789012345678"),
		"38 below": store.N("-0.12345678901234567890123456789012345678"),
		"large":    store.N("1" + strings.Repeat("0", 100)),
		"small":    store.N("0." + strings.Repeat("0", 100) + "1"),
		"int64":    store.Int(-1 << 63),
		"true":     store.B(true),
		"false":    store.B(false),
		"null":     store.Nil(),
	}
	s.roundTrip(values)
}

// othersRoundTrip has values that this version of the program neither makes nor
// reads: another version's, which must pass through it unchanged.
func othersRoundTrip(s *script) {
	deep := strings.Repeat(`{"L":[{"M":{"d":`, 15) + `{"SS":["bottom"]}` + strings.Repeat("}}]}", 15)
	s.roundTrip(map[string]store.Value{
		"no list":    other(`{"L":[]}`),
		"list":       other(`{"L":[{"S":""},{"NULL":true},{"L":[]},{"N":"1.5"},{"BOOL":false}]}`),
		"no map":     other(`{"M":{}}`),
		"map":        other(`{"M":{"a b":{"M":{}},"c":{"L":[{"S":"<d> \"&\" é"}]}}}`),
		"deep":       other(deep),
		"strings":    other(`{"SS":["b","a","ü"]}`),
		"numbers":    other(`{"NS":["1","-2.5","12345678901234567890"]}`),
		"binaries":   other(`{"BS":["AgM=","AQ=="]}`),
		"binary":     other(`{"B":"AAEC/w=="}`),
		"set inside": other(`{"L":[{"M":{"s":{"NS":["2","1"]},"b":{"B":"AA=="}}}]}`),
	})
}

// roundTrip stores values alone, together and by updates, and reads them back
// by key and by query.
func (s *script) roundTrip(values map[string]store.Value) {
	s.Helper()
	together := item(key("together", "1"))
	for name, v := range values {
		alone := item(key("alone", name), "v", v)
		s.put(alone)
		s.has(alone)
		together[name] = v
		s.write(store.Update(key("updated", "1"), store.Item{name: v}, nil, always()))
	}
	s.put(together)
	s.has(together)
	updated := together.Clone()
	updated[store.PK] = store.S("updated")
	s.has(updated)
	page := all(s.pages(store.Query{Partition: "together"}))
	if d := cmp.Diff([]store.Item{together}, page); d != "" {
		s.Errorf("query (-want +got):\n%s", d)
	}
}

// othersCompare writes an item back as it was read, under the condition that it
// is as it was read: nothing of it may have changed on the way.
func othersCompare(s *script) {
	before := item(key("p", "1"), "set", other(`{"SS":["b","a"]}`), "list", other(`{"L":[{"B":"AQ=="},{"NS":["2","1"]}]}`),
		"map", other(`{"M":{"z":{"NULL":true},"a":{"S":"x"}}}`))
	s.put(before)
	for range 2 {
		read := s.get(before.Key())
		same := always()
		for name, v := range read {
			same = store.And(same, store.Equals(name, v))
		}
		s.write(store.Put(read, same))
		s.write(store.Check(read.Key(), same))
		s.refused(0, read, store.Delete(read.Key(), store.NotEquals("set", read["set"])))
	}
	s.has(before)
}

func itemsAreCopied(s *script) {
	k := key("p", "1")
	given := item(k, "a", 1)
	s.put(given)
	given["a"] = store.Int(2)
	s.has(item(k, "a", 1))

	returned := s.get(k)
	returned["a"], returned["b"] = store.Int(3), store.Int(3)
	all(s.pages(store.Query{Partition: "p"}))[0]["a"] = store.Int(4)
	s.has(item(k, "a", 1))

	set := attrs("a", 6)
	s.write(store.Update(k, set, nil, always()))
	set["a"] = store.Int(7)
	s.has(item(k, "a", 6))
}

func endedContext(s *script) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	k := key("p", "1")
	_, getErr := s.store.Get(ctx, k)
	_, queryErr := s.store.Query(ctx, store.Query{Partition: "p"})
	writeErr := s.store.Write(ctx, store.Put(item(k), always()))
	for _, err := range []error{getErr, queryErr, writeErr} {
		s.is(err, context.Canceled)
	}
	s.lacks(k)
}
