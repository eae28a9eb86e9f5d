package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"segue/internal/store"
)

// agreesWithModel applies the same random operations to the store and to a Model and
// compares every result. Each sequence has partitions of its own.
func agreesWithModel(s *script) {
	sequence := 0
	rapid.Check(s, func(t *rapid.T) {
		sequence++
		w := &world{T: t, script: s, model: NewModel(testIndexes()), prefix: fmt.Sprint("run", sequence, "#")}
		for range rapid.IntRange(1, 12).Draw(t, "writes") {
			w.write()
			w.read()
		}
		w.readIndexes()
	})
}

// world is the two stores, and the small world that operations are drawn from.
type world struct {
	*rapid.T
	script *script
	model  *Model
	prefix string
}

func worldSortKeys() []string { return []string{"a", "a\x00", "b"} }
func worldColumns() []string  { return []string{"n", "s", "count"} }
func worldIndexed() []string  { return []string{"gpk", "gsk", "owner"} }

func (w *world) keys() []store.Key {
	var keys []store.Key
	for _, p := range []string{"x", "y"} {
		for _, sk := range worldSortKeys() {
			keys = append(keys, key(w.prefix+p, sk))
		}
	}
	return keys
}

func (w *world) value() store.Value {
	return rapid.SampledFrom([]store.Value{
		store.S(""), store.S("v"), store.Int(0), store.N("1.5"), store.B(true), store.Nil(),
		other(`{"L":[]}`), other(`{"SS":["v"]}`), other(`{"M":{"k":{"L":[{"N":"0"}]}}}`),
	}).Draw(w.T, "value")
}

// attributes draws some attributes; index keys are strings.
func (w *world) attributes() store.Item {
	i := store.Item{}
	for _, name := range worldColumns() {
		switch {
		case !rapid.Bool().Draw(w.T, name):
		case name == "count": // a number, for one may be added to it
			i[name] = rapid.SampledFrom([]store.Value{store.Int(0), store.N("-0.5"), store.Int(-1)}).Draw(w.T, "number")
		default:
			i[name] = w.value()
		}
	}
	for _, name := range worldIndexed() {
		if v := rapid.SampledFrom([]string{"", "g", "h"}).Draw(w.T, name); v != "" {
			i[name] = store.S(w.prefix + v)
		}
	}
	return i
}

func (w *world) condition() store.Condition {
	var all store.Condition
	for range rapid.IntRange(0, 2).Draw(w.T, "terms") {
		name := rapid.SampledFrom(append([]string{store.PK}, worldColumns()...)).Draw(w.T, "attribute")
		all = store.And(all, rapid.SampledFrom([]store.Condition{
			store.Exists(name), store.NotThere(name), store.Equals(name, w.value()), store.NotEquals(name, w.value()),
		}).Draw(w.T, "condition"))
	}
	return all
}

func (w *world) op(k store.Key) store.Op {
	cond, i := w.condition(), w.attributes()
	switch rapid.SampledFrom([]store.OpKind{store.OpPut, store.OpUpdate, store.OpDelete, store.OpCheck}).Draw(w.T, "kind") {
	case store.OpPut:
		i[store.PK], i[store.SK] = store.S(k.PK), store.S(k.SK)
		return store.Put(i, cond)
	case store.OpUpdate:
		var remove []string
		for _, name := range slices.Concat(worldColumns(), worldIndexed()) {
			if _, ok := i[name]; !ok && rapid.Bool().Draw(w.T, "remove "+name) {
				remove = append(remove, name)
			}
		}
		if len(i) == 0 { // whether removing alone makes an item is not promised
			remove, cond = append(remove, "nothing"), store.And(cond, store.Exists(store.PK))
		}
		update := store.Update(k, i, remove, cond)
		if _, ok := i["count"]; !ok && !slices.Contains(remove, "count") && rapid.Bool().Draw(w.T, "add") {
			return update.AddingOne("count")
		}
		return update
	case store.OpDelete:
		return store.Delete(k, cond)
	case store.OpCheck:
	}
	return store.Check(k, cond)
}

// outcome returns an error of Write in a form that can be compared.
func outcome(err error) any {
	var refused *store.ConditionError
	if errors.As(err, &refused) {
		return *refused
	}
	return fmt.Sprint(err)
}

func (w *world) write() {
	keys := rapid.Permutation(w.keys()).Draw(w.T, "keys")
	var ops []store.Op
	for _, k := range keys[:rapid.IntRange(1, 4).Draw(w.T, "operations")] {
		ops = append(ops, w.op(k))
	}
	want, got := w.model.Write(w.script.ctx, ops...), w.script.store.Write(w.script.ctx, ops...)
	w.compare("write", outcome(want), outcome(got))
}

func (w *world) read() {
	ctx := w.script.ctx
	want, wantErr := w.model.Get(ctx, w.keys()...)
	got, err := w.script.store.Get(ctx, w.keys()...)
	w.compare("get", outcome(wantErr), outcome(err))
	w.compare("get", want, got)

	q := store.Query{
		Partition: w.prefix + rapid.SampledFrom([]string{"x", "y"}).Draw(w.T, "partition"),
		Limit:     rapid.IntRange(0, 3).Draw(w.T, "limit"), Descending: rapid.Bool().Draw(w.T, "descending"),
	}
	bound := rapid.SampledFrom(append([]string{"", "aa"}, worldSortKeys()...))
	q.After, q.To = bound.Draw(w.T, "after"), bound.Draw(w.T, "to")
	w.compare("query", w.all(w.model, q), w.all(w.script.store, q))
}

func (w *world) all(store store.Store, q store.Query) []store.Item {
	return all((&script{T: w.script.T, ctx: w.script.ctx, store: store}).pages(q))
}

// readIndexes compares the indexes once they have caught up. Items with the same index
// key come in any order.
func (w *world) readIndexes() {
	order := func(a, b store.Item) int {
		text := func(i store.Item) string {
			return i["gsk"].Text() + "|" + i[store.SK].Text() + "|" + i[store.PK].Text()
		}
		return strings.Compare(text(a), text(b))
	}
	for _, q := range []store.Query{
		{Index: "stage", Partition: w.prefix + "g"}, {Index: "stage", Partition: w.prefix + "h"}, {Index: "owner", Partition: w.prefix + "g"},
	} {
		want := w.all(w.model, q)
		slices.SortFunc(want, order)
		w.script.eventuallySorted(q, order, want)
	}
}

func (w *world) compare(what string, want, got any) {
	w.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		w.Fatalf("%s (-model +store):\n%s", what, d)
	}
}
