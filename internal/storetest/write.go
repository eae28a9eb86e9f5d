package storetest

import (
	"context"
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"

	"segue/internal/table"
)

func writeTests() map[string]func(*script) {
	return map[string]func(*script){
		"write/put replaces the whole item":              putReplaces,
		"write/update sets and removes":                  updateChanges,
		"write/update makes the item":                    updateCreates,
		"write/delete":                                   deletes,
		"write/nothing":                                  writeNothing,
		"write/transaction of every operation":           transaction,
		"write/failed condition of one operation":        singleRefused,
		"write/failed condition in a transaction":        transactionRefused,
		"write/conditions":                               conditions,
		"write/conditions see the item before the write": conditionsSeeBefore,
		"write/values come back as they went":            valuesRoundTrip,
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
	s.write(table.Update(k, attrs("b", "two", "d", 4), nil, always()))
	s.has(item(k, "a", 1, "b", "two", "c", 3, "d", 4))
	s.write(table.Update(k, nil, []string{"a", "never there"}, table.Exists(table.PK)))
	s.has(item(k, "b", "two", "c", 3, "d", 4))
	s.write(table.Update(k, attrs("a", 5), []string{"b", "c", "d"}, always()))
	s.has(item(k, "a", 5))
	// Reserved words of DynamoDB and odd names are names like any other.
	s.write(table.Update(k, attrs("name", 1, "a.b[0]", 2, "#x", 3, ":y", 4), []string{"a"}, table.NotThere("status")))
	s.has(item(k, "name", 1, "a.b[0]", 2, "#x", 3, ":y", 4))
}

// updateCreates leaves out an update that only removes: stores differ in whether
// it makes an item that holds nothing.
func updateCreates(s *script) {
	s.write(table.Update(key("p", "1"), attrs("a", 1), nil, always()))
	s.has(item(key("p", "1"), "a", 1))
	s.write(
		table.Update(key("p", "2"), attrs("a", 2), []string{"b"}, table.NotThere(table.PK)),
		table.Update(key("p", "3"), attrs("a", 3), nil, always()))
	s.has(item(key("p", "2"), "a", 2), item(key("p", "3"), "a", 3))
}

func deletes(s *script) {
	k, other := key("p", "1"), key("p", "2")
	s.put(item(k), item(other))
	s.write(table.Delete(k, always()))
	s.lacks(k)
	s.write(table.Delete(k, always()))
	s.write(table.Delete(k, always()), table.Delete(key("q", "1"), table.NotThere(table.PK)))
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
	s.put(item(set, "n", 1), item(del), item(check, "open", table.B(true)))
	s.write(
		table.Check(check, table.Equals("open", table.B(true))),
		table.Put(item(put, "a", 1), table.NotThere(table.PK)),
		table.Update(set, attrs("n", 2), nil, table.Equals("n", table.Int(1))),
		table.Delete(del, table.Exists(table.PK)))
	s.has(item(put, "a", 1), item(set, "n", 2), item(check, "open", table.B(true)))
	s.lacks(del)

	// As many operations as there may be.
	var ops []table.Op
	var want []table.Item
	for n := range table.MaxWriteOps {
		i := item(key("hundred", fmt.Sprintf("%03d", n)), "n", n)
		ops, want = append(ops, table.Put(i, table.NotThere(table.PK))), append(want, i)
	}
	s.write(ops...)
	if d := cmp.Diff(want, all(s.pages(table.Query{Partition: "hundred"}))); d != "" {
		s.Errorf("after 100 operations (-want +got):\n%s", d)
	}
}

// everyKind is one operation of each kind on k.
func everyKind(k table.Key, cond table.Condition) map[string]table.Op {
	return map[string]table.Op{
		"put":    table.Put(item(k, "by", "put"), cond),
		"update": table.Update(k, attrs("by", "update"), nil, cond),
		"delete": table.Delete(k, cond),
		"check":  table.Check(k, cond),
	}
}

func singleRefused(s *script) {
	there, absent := item(key("p", "there"), "n", 1, "s", "x"), key("p", "absent")
	s.put(there)
	for _, op := range everyKind(there.Key(), table.Equals("n", table.Int(2))) {
		s.refused(0, there, op)
	}
	for _, op := range everyKind(absent, table.Exists(table.PK)) {
		s.refused(0, nil, op)
	}
	s.has(there)
	s.lacks(absent)
	s.write(table.Check(there.Key(), table.Equals("n", table.Int(1))))
	s.write(table.Check(absent, table.NotThere(table.PK)))
}

func transactionRefused(s *script) {
	there, absent := item(key("p", "there"), "n", 1, "s", "x"), key("p", "absent")
	bystander := item(key("q", "bystander"), "n", 1)
	s.put(there, bystander)
	others := []table.Op{
		table.Put(item(key("q", "new")), always()),
		table.Update(bystander.Key(), attrs("n", 2), nil, table.Equals("n", table.Int(1))),
		table.Delete(key("q", "nothing"), always()),
	}
	for at := range len(others) + 1 {
		fails := func(op table.Op) []table.Op {
			return append(append(append([]table.Op{}, others[:at]...), op), others[at:]...)
		}
		for _, op := range everyKind(there.Key(), table.Equals("n", table.Int(2))) {
			s.refused(at, there, fails(op)...)
		}
		for _, op := range everyKind(absent, table.Exists(table.PK)) {
			s.refused(at, nil, fails(op)...)
		}
	}
	s.has(there, bystander)
	s.lacks(absent, key("q", "new"))
}

func conditions(s *script) {
	list := table.L(table.Int(1), table.S("two"))
	stored := attrs("s", "text", "e", "", "n", 7, "d", table.N("0.5"), "b", table.B(true), "z", table.Nil(),
		"l", list, "m", table.M(attrs("k", list)))
	yes, no, none := item(key("p", "there")), item(key("p", "bare")), key("p", "absent")
	for name, v := range stored {
		yes[name] = v
	}
	s.put(yes, no)
	holds := func(k table.Key, c table.Condition, want bool) {
		s.Helper()
		err := s.store.Write(s.ctx, table.Check(k, c))
		if (err == nil) != want {
			s.Errorf("condition %+v on %v: got %v, want it to hold: %v", c, k, err, want)
		}
	}
	for name, v := range stored {
		holds(yes.Key(), table.Exists(name), true)
		holds(yes.Key(), table.NotThere(name), false)
		holds(yes.Key(), table.Equals(name, v), true)
		holds(yes.Key(), table.NotEquals(name, v), false)
		for other, w := range stored { // other values, other kinds
			holds(yes.Key(), table.Equals(name, w), name == other)
			holds(yes.Key(), table.NotEquals(name, w), name != other)
		}
		for _, k := range []table.Key{no.Key(), none} {
			holds(k, table.Exists(name), false)
			holds(k, table.NotThere(name), true)
			holds(k, table.Equals(name, v), false)
			holds(k, table.NotEquals(name, v), true)
		}
	}
	s1, n7, n8 := table.Equals("s", table.S("text")), table.Equals("n", table.Int(7)), table.Equals("n", table.Int(8))
	holds(yes.Key(), table.And(), true)
	holds(none, table.And(), true)
	holds(yes.Key(), table.And(s1, n7, table.Exists(table.PK)), true)
	holds(yes.Key(), table.And(s1, n8), false)
	holds(yes.Key(), table.And(n8, s1), false)
	holds(yes.Key(), table.And(table.NotEquals("n", table.Int(8)), table.NotEquals("n", table.Int(7))), false)
	holds(yes.Key(), table.Equals("s", table.S("Text")), false)
	holds(yes.Key(), table.Equals("l", table.L(table.S("two"), table.Int(1))), false)
	holds(yes.Key(), table.Equals("m", table.M(nil)), false)
	holds(yes.Key(), table.Exists(table.PK), true)
	holds(yes.Key(), table.NotThere(table.PK), false)
	holds(none, table.Exists(table.PK), false)
	holds(none, table.NotThere(table.PK), true)
}

func conditionsSeeBefore(s *script) {
	k := key("p", "1")
	s.put(item(k, "n", 1))
	s.refused(0, item(k, "n", 1), table.Put(item(k, "n", 2), table.Equals("n", table.Int(2))))
	s.write(table.Update(k, attrs("n", 2), nil, table.Equals("n", table.Int(1))))
	s.write(table.Update(k, nil, []string{"n"}, table.Exists("n")))
	s.has(item(k))
}

func valuesRoundTrip(s *script) {
	deep := table.S("bottom")
	for n := range 15 {
		deep = table.L(table.M(map[string]table.Value{"n": table.Int(int64(n)), "d": deep}))
	}
	values := map[string]table.Value{
		"empty":    table.S(""),
		"unicode":  table.S("żółw 龜 🐢 \x00 \u2028"),
		"long":     table.S(strings.Repeat("long ", 20000)),
		"zero":     table.N("0"),
		"negative": table.N("-12.5"),
		"38":       table.N("12345678901234567890123456789012345678"),
		"38 below": table.N("-0.12345678901234567890123456789012345678"),
		"large":    table.N("1" + strings.Repeat("0", 100)),
		"small":    table.N("0." + strings.Repeat("0", 100) + "1"),
		"int64":    table.Int(-1 << 63),
		"true":     table.B(true),
		"false":    table.B(false),
		"null":     table.Nil(),
		"no list":  table.L(),
		"list":     table.L(table.S(""), table.Nil(), table.L(), table.N("1.5"), table.B(false)),
		"no map":   table.M(nil),
		"map":      table.M(map[string]table.Value{"a b": table.M(nil), "c": table.L(table.S("d"))}),
		"deep":     table.L(deep.List()...),
	}
	together := item(key("together", "1"))
	for name, v := range values {
		alone := item(key("alone", name), "v", v)
		s.put(alone)
		s.has(alone)
		together[name] = v
		s.write(table.Update(key("updated", "1"), table.Item{name: v}, nil, always()))
	}
	s.put(together)
	s.has(together)
	updated := together.Clone()
	updated[table.PK] = table.S("updated")
	s.has(updated)
	page := all(s.pages(table.Query{Partition: "together"}))
	if d := cmp.Diff([]table.Item{together}, page); d != "" {
		s.Errorf("query (-want +got):\n%s", d)
	}
}

func itemsAreCopied(s *script) {
	k := key("p", "1")
	given := item(k, "a", 1)
	s.put(given)
	given["a"] = table.Int(2)
	s.has(item(k, "a", 1))

	answered := s.get(k)
	answered["a"], answered["b"] = table.Int(3), table.Int(3)
	all(s.pages(table.Query{Partition: "p"}))[0]["a"] = table.Int(4)
	all(s.scan(table.Scan{Segments: 1}))[0]["a"] = table.Int(5)
	s.has(item(k, "a", 1))

	set := attrs("a", 6)
	s.write(table.Update(k, set, nil, always()))
	set["a"] = table.Int(7)
	s.has(item(k, "a", 6))
}

func endedContext(s *script) {
	ctx, cancel := context.WithCancel(s.ctx)
	cancel()
	k := key("p", "1")
	_, getErr := s.store.Get(ctx, k)
	_, queryErr := s.store.Query(ctx, table.Query{Partition: "p"})
	_, scanErr := s.store.Scan(ctx, table.Scan{Segments: 1})
	writeErr := s.store.Write(ctx, table.Put(item(k), always()))
	for _, err := range []error{getErr, queryErr, scanErr, writeErr} {
		s.is(err, context.Canceled)
	}
	s.lacks(k)
}
