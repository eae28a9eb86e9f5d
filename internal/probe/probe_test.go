package probe_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/probe"
	"segue/internal/store"
	"segue/internal/storetest"
)

func indexes() []store.Index {
	return []store.Index{{Name: "stage", PK: "gpk", SK: "gsk"}, {Name: "owner", PK: "owner", SK: store.SK}}
}

func key(pk, sk string) store.Key { return store.Key{PK: pk, SK: sk} }

func always() store.Condition { return store.Condition{} }

// item makes an item from its key and pairs of attribute and text.
func item(k store.Key, pairs ...string) store.Item {
	i := attrs(pairs...)
	i[store.PK], i[store.SK] = store.S(k.PK), store.S(k.SK)
	return i
}

func attrs(pairs ...string) store.Item {
	i := store.Item{}
	for n := 0; n < len(pairs); n += 2 {
		i[pairs[n]] = store.S(pairs[n+1])
	}
	return i
}

func TestProbeCounts(t *testing.T) {
	ctx := t.Context()
	p := probe.New(storetest.NewModel(indexes()), indexes()...)
	small, large := item(key("p", "1"), "gpk", "g", "gsk", "1"), item(key("p", "2"), "fill", strings.Repeat("x", 5000-3-3-4))
	for _, test := range []struct {
		name string
		call func() error
		want probe.Counts
	}{
		{"put of 5 KB", func() error { return p.Write(ctx, store.Put(large, always())) },
			probe.Counts{Writes: 1, Ops: 1, WriteUnits: 5}},
		{"transaction", func() error {
			return p.Write(ctx, store.Put(small, always()), store.Check(key("p", "none"), always()))
		}, probe.Counts{Transactions: 1, Ops: 2, WriteUnits: 4, IndexUnits: 1}},
		{"refused", func() error {
			err := p.Write(ctx, store.Update(key("p", "9"), attrs("a", strings.Repeat("x", 1500)), nil, store.Exists("a")))
			if refused := new(store.ConditionError); errors.As(err, &refused) {
				return nil
			}
			return err
		}, probe.Counts{Writes: 1, Ops: 1, WriteUnits: 2}},
		{"get", func() error { _, err := p.Get(ctx, key("p", "1"), key("q", "none")); return err },
			probe.Counts{Gets: 1, GetKeys: 2, ReadUnits: 2}},
		{"query", func() error { _, err := p.Query(ctx, store.Query{Partition: "r"}); return err }, probe.Counts{Queries: 1, ReadUnits: 1}},
		{"query an index", func() error { _, err := p.Query(ctx, store.Query{Partition: "g", Index: "stage"}); return err }, probe.Counts{Queries: 1, ReadUnits: 0.5}},
	} {
		p.Reset()
		if err := test.call(); err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if d := cmp.Diff(test.want, p.Counts()); d != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, d)
		}
	}
}

func TestProbeIndexUnits(t *testing.T) {
	p := probe.New(storetest.NewModel(indexes()), indexes()...)
	k := key("p", "1")
	for _, step := range []struct {
		op   store.Op
		want float64
	}{
		{store.Put(item(k), always()), 0},
		{store.Update(k, attrs("gpk", "g", "gsk", "1"), nil, always()), 1},
		{store.Update(k, attrs("other", "1"), nil, always()), 0},
		{store.Update(k, attrs("gsk", "2"), nil, always()), 2},
		{store.Update(k, attrs("owner", "me"), []string{"gsk"}, always()), 2},
		{store.Delete(k, always()), 1},
	} {
		p.Reset()
		if err := p.Write(t.Context(), step.op); err != nil {
			t.Fatal(err)
		}
		if got := p.Counts().IndexUnits; got != step.want {
			t.Errorf("%+v: got %v index units, want %v", step.op, got, step.want)
		}
	}
}

func TestProbeCalls(t *testing.T) {
	p := probe.New(storetest.NewModel(nil))
	k, l := key("p", "1"), key("p", "2")
	if err := p.Write(t.Context(), store.Put(item(k), always()), store.Delete(l, always())); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get(t.Context(), l, k); err != nil {
		t.Fatal(err)
	}
	want := []probe.Call{
		{Method: probe.Write, Keys: []store.Key{k, l}, Ops: []store.OpKind{store.OpPut, store.OpDelete}},
		{Method: probe.Get, Keys: []store.Key{l, k}},
	}
	if d := cmp.Diff(want, p.Calls()); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
}

func TestProbeFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault   probe.Fault
		applied bool
		kind    error
		later   error // of the next call, which has no fault of its own
	}{
		"none":         {probe.None, true, nil, nil},
		"before":       {probe.Before, false, store.ErrUnavailable, nil},
		"after":        {probe.After, true, store.ErrUnavailable, nil},
		"crash before": {probe.CrashBefore, false, probe.ErrCrash, probe.ErrCrash},
		"crash after":  {probe.CrashAfter, true, probe.ErrCrash, probe.ErrCrash},
	} {
		t.Run(name, func(t *testing.T) {
			model := storetest.NewModel(nil)
			p, i := probe.New(model), item(key("p", "1"))
			fault := test.fault
			p.Inject(func(probe.Call) probe.Fault { defer func() { fault = probe.None }(); return fault })
			if err := p.Write(t.Context(), store.Put(i, always())); !errors.Is(err, test.kind) {
				t.Errorf("write: got %v, want %v", err, test.kind)
			}
			if got, _ := model.Get(t.Context(), i.Key()); (got[0] != nil) != test.applied {
				t.Errorf("stored: %v, want it applied: %v", got[0], test.applied)
			}
			if _, err := p.Query(t.Context(), store.Query{Partition: "p"}); !errors.Is(err, test.later) {
				t.Errorf("next call: got %v, want %v", err, test.later)
			}
			p.Reset()
			if _, err := p.Query(t.Context(), store.Query{Partition: "p"}); err != nil {
				t.Errorf("call after Reset: %v", err)
			}
		})
	}
}

// TestCrashAt dies between any two calls of a script of three.
func TestCrashAt(t *testing.T) {
	script := func(ctx context.Context, on store.Store) error {
		for _, sk := range []string{"1", "2", "3"} {
			if err := on.Write(ctx, store.Put(item(key("p", sk)), always())); err != nil {
				return err
			}
		}
		return nil
	}
	for n := range 4 {
		model := storetest.NewModel(nil)
		p := probe.New(model)
		p.Inject(probe.CrashAt(n))
		if err := script(t.Context(), p); errors.Is(err, probe.ErrCrash) != (n < 3) {
			t.Errorf("crash at %d: got %v", n, err)
		}
		page, err := model.Query(t.Context(), store.Query{Partition: "p"})
		if got := len(page.Items); got != n || err != nil {
			t.Errorf("crash at %d: %d writes were applied", n, got)
		}
	}
}

func TestSometimes(t *testing.T) {
	draw := func(seed uint64) []probe.Fault {
		f, faults := probe.Sometimes(seed, 4, probe.Before, probe.After), []probe.Fault(nil)
		for range 400 {
			faults = append(faults, f(probe.Call{}))
		}
		return faults
	}
	count := map[probe.Fault]int{}
	for _, f := range draw(1) {
		count[f]++
	}
	if count[probe.None] < 200 || count[probe.Before] == 0 || count[probe.After] == 0 {
		t.Errorf("one in four faults of 400: got %v", count)
	}
	if !cmp.Equal(draw(1), draw(1)) || cmp.Equal(draw(1), draw(2)) {
		t.Error("the seed does not decide the faults")
	}
}
