package sales_test

import (
	"context"
	"errors"
	"strconv"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
)

func TestCache_AgesByItsFreshness(t *testing.T) {
	now := clock.NewManual(salestest.Now())
	cache := sales.NewCache[int](sales.Freshness{For: time.Second, Clock: now})
	load := func(value int) {
		t.Helper()
		got, err := cache.Load(t.Context(), "a", func(context.Context) (int, error) { return value, nil })
		if err != nil || got != value {
			t.Fatalf("loaded %d, %v; want %d", got, err, value)
		}
	}
	if _, ok := cache.Peek("a"); ok {
		t.Error("an empty cache has an entry")
	}
	load(1)
	now.Advance(time.Second - 1)
	if got, ok := cache.Peek("a"); got != 1 || !ok {
		t.Errorf("a fresh entry is %d, %v", got, ok)
	}
	now.Advance(1)
	if _, ok := cache.Peek("a"); ok {
		t.Error("an entry is used when it is as old as it may be")
	}
	load(2)
	if got, ok := cache.Peek("a"); got != 2 || !ok {
		t.Errorf("an entry that was read again is %d, %v", got, ok)
	}
	now.Advance(-time.Second)
	if _, ok := cache.Peek("a"); ok {
		t.Error("an entry from the future is used: the clock was set back")
	}
	load(3)
	cache.Drop()
	if _, ok := cache.Peek("a"); ok {
		t.Error("an entry is used after a drop")
	}
}

// A read that a drop overtakes may have seen what was dropped.
func TestCache_KeepsNothingThatWasDroppedMeanwhile(t *testing.T) {
	cache := sales.NewCache[int](sales.Freshness{Clock: clock.System()})
	_, err := cache.Load(t.Context(), "a", func(context.Context) (int, error) {
		cache.Drop()
		return 1, nil
	})
	if _, ok := cache.Peek("a"); ok || err != nil {
		t.Errorf("the entry is kept: %v, %v", ok, err)
	}
	broken := errors.New("broken")
	if _, err := cache.Load(t.Context(), "a", func(context.Context) (int, error) { return 2, broken }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
	if _, ok := cache.Peek("a"); ok {
		t.Error("a read that failed is kept")
	}
}

func TestFreshness_Settle(t *testing.T) {
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	now := clock.NewManual(salestest.Now())
	several := sales.Freshness{For: time.Second, Clock: now}
	if err := several.Settle(t.Context()); err != nil || now.Slept() != time.Second {
		t.Errorf("slept %v, %v; want a second", now.Slept(), err)
	}
	if err := several.Settle(ended); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
	if err := (sales.Freshness{}).Settle(ended); err != nil { // one process never waits
		t.Errorf("of one process: %v", err)
	}
}

func TestSubject(t *testing.T) {
	tables := salestest.New(t, boot.Options{}).DB.Schema()
	for _, test := range []struct {
		name    string
		subject sales.Subject
		yes, no string
	}{
		{"a table", sales.OfTable("lead"), "lead", "opportunity"},
		{"records", sales.OfTrait(name.RecordTrait), "lead", "task"},
		{"activities", sales.OfTrait(name.ActivityTrait), "task", "lead"},
		{"owned rows", sales.OfTrait(name.UserOwnedTrait), "lead", "team"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !test.subject.Matches(tables.Table(test.yes)) || test.subject.Matches(tables.Table(test.no)) {
				t.Errorf("matches %s: %v, %s: %v; want the first alone", test.yes, test.subject.Matches(tables.Table(test.yes)),
					test.no, test.subject.Matches(tables.Table(test.no)))
			}
		})
	}
}

func TestCache_IsBounded(t *testing.T) {
	cache := sales.NewCache[int](sales.Freshness{Clock: clock.System()})
	for n := range sales.MaxCached + 1 {
		if _, err := cache.Load(t.Context(), strconv.Itoa(n), func(context.Context) (int, error) { return n, nil }); err != nil {
			t.Fatal(err)
		}
	}
	for key, want := range map[string]bool{"0": false, "1": true, strconv.Itoa(sales.MaxCached): true} {
		if _, ok := cache.Peek(key); ok != want {
			t.Errorf("entry %s is kept: %v, want %v", key, ok, want)
		}
	}
}
