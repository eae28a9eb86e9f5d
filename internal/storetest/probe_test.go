package storetest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/store"
)

func TestProbeCounts(t *testing.T) {
	ctx := t.Context()
	p := NewProbe(NewModel(testIndexes()), testIndexes()...)
	small, large := item(key("p", "1"), "gpk", "g", "gsk", "1"), filler(item(key("p", "2")), 5000)
	for _, test := range []struct {
		name string
		call func() error
		want Counts
	}{
		{"put of 5 KB", func() error { return p.Write(ctx, store.Put(large, always())) },
			Counts{Writes: 1, Ops: 1, WriteUnits: 5}},
		{"transaction", func() error {
			return p.Write(ctx, store.Put(small, always()), store.Check(key("p", "none"), always()))
		}, Counts{Transactions: 1, Ops: 2, WriteUnits: 4, IndexUnits: 1}},
		{"refused", func() error {
			err := p.Write(ctx, store.Update(key("p", "9"), attrs("a", strings.Repeat("x", 1500)), nil, store.Exists("a")))
			if refused := new(store.ConditionError); errors.As(err, &refused) {
				return nil
			}
			return err
		}, Counts{Writes: 1, Ops: 1, WriteUnits: 2}},
		{"get", func() error { _, err := p.Get(ctx, key("p", "1"), key("q", "none")); return err },
			Counts{Gets: 1, GetKeys: 2, ReadUnits: 2}},
		{"query", func() error { _, err := p.Query(ctx, store.Query{Partition: "r"}); return err }, Counts{Queries: 1, ReadUnits: 1}},
		{"query an index", func() error { _, err := p.Query(ctx, store.Query{Partition: "g", Index: "stage"}); return err }, Counts{Queries: 1, ReadUnits: 0.5}},
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
	p := NewProbe(NewModel(testIndexes()), testIndexes()...)
	k := key("p", "1")
	for _, step := range []struct {
		op   store.Op
		want float64
	}{
		{store.Put(item(k), always()), 0},
		{store.Update(k, attrs("gpk", "g", "gsk", "1"), nil, always()), 1},
		{store.Update(k, attrs("other", 1), nil, always()), 0},
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
	p := NewProbe(NewModel(nil))
	k, l := key("p", "1"), key("p", "2")
	if err := p.Write(t.Context(), store.Put(item(k), always()), store.Delete(l, always())); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Get(t.Context(), l, k); err != nil {
		t.Fatal(err)
	}
	want := []Call{
		{Method: Write, Keys: []store.Key{k, l}, Ops: []store.OpKind{store.OpPut, store.OpDelete}},
		{Method: Get, Keys: []store.Key{l, k}},
	}
	if d := cmp.Diff(want, p.Calls()); d != "" {
		t.Errorf("calls (-want +got):\n%s", d)
	}
}

func TestProbeFaults(t *testing.T) {
	for name, test := range map[string]struct {
		fault   Fault
		applied bool
		kind    error
		later   error // of the next call, which has no fault of its own
	}{
		"none":         {None, true, nil, nil},
		"before":       {Before, false, store.ErrUnavailable, nil},
		"after":        {After, true, store.ErrUnavailable, nil},
		"crash before": {CrashBefore, false, ErrCrash, ErrCrash},
		"crash after":  {CrashAfter, true, ErrCrash, ErrCrash},
	} {
		t.Run(name, func(t *testing.T) {
			model := NewModel(nil)
			p, i := NewProbe(model), item(key("p", "1"))
			fault := test.fault
			p.Inject(func(Call) Fault { defer func() { fault = None }(); return fault })
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
		model := NewModel(nil)
		p := NewProbe(model)
		p.Inject(CrashAt(n))
		if err := script(t.Context(), p); errors.Is(err, ErrCrash) != (n < 3) {
			t.Errorf("crash at %d: got %v", n, err)
		}
		if got := len(model.items); got != n {
			t.Errorf("crash at %d: %d writes were applied", n, got)
		}
	}
}

func TestSometimes(t *testing.T) {
	draw := func(seed uint64) []Fault {
		f, faults := Sometimes(seed, 4, Before, After), []Fault(nil)
		for range 400 {
			faults = append(faults, f(Call{}))
		}
		return faults
	}
	count := map[Fault]int{}
	for _, f := range draw(1) {
		count[f]++
	}
	if count[None] < 200 || count[Before] == 0 || count[After] == 0 {
		t.Errorf("one in four faults of 400: got %v", count)
	}
	if !cmp.Equal(draw(1), draw(1)) || cmp.Equal(draw(1), draw(2)) {
		t.Error("the seed does not decide the faults")
	}
}
