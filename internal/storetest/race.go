package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"segue/internal/store"
)

func raceTests() map[string]func(*script) {
	return map[string]func(*script){
		"race/one creator wins":             raceCreate,
		"race/versions lose no update":      raceVersions,
		"race/transactions are all or none": raceTransfers,
		"race/conditions hold across items": raceGuard,
		"property/agrees with the model":    agreesWithModel,
	}
}

// workers runs work at the same time in n goroutines.
func workers(n int, work func(worker int)) {
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() { work(w) })
	}
	wg.Wait()
}

// lost says that a write was beaten by another one and may be tried again. An
// error of another kind fails the test.
func (s *script) lost(err error) bool {
	var refused *store.ConditionError
	if err != nil && !errors.As(err, &refused) && !errors.Is(err, store.ErrUnavailable) {
		s.Errorf("write: %v", err)
	}
	return err != nil && s.ctx.Err() == nil
}

func raceCreate(s *script) {
	var won atomic.Int64
	workers(8, func(w int) {
		for n := range 10 {
			i := item(key("p", fmt.Sprint(n)), "by", w)
			if err := s.store.Write(s.ctx, store.Put(i, store.NotThere(store.PK))); err == nil {
				won.Add(1)
			} else {
				s.lost(err)
			}
		}
	})
	if n := won.Load(); n != 10 {
		s.Errorf("%d puts created an item, want 10", n)
	}
}

func raceVersions(s *script) {
	const writers, each = 8, 10
	k := key("p", "counter")
	s.put(item(k, "n", 0))
	workers(writers, func(int) {
		for range each {
			for {
				items, err := s.store.Get(s.ctx, k)
				if err != nil {
					s.Errorf("get: %v", err)
					return
				}
				n := items[0]["n"].Int()
				err = s.store.Write(s.ctx, store.Update(k, store.Item{"n": store.Int(n + 1)}, nil, store.Equals("n", store.Int(n))))
				if !s.lost(err) {
					break
				}
			}
		}
	})
	s.has(item(k, "n", writers*each))
}

// raceTransfers moves amounts between accounts and enters each move in a
// journal, in one transaction: the sum of the accounts never changes, and their
// versions and the journal agree.
func raceTransfers(s *script) {
	const accounts, writers, each = 4, 6, 5
	account := func(n int) store.Key { return key(fmt.Sprint("account", n%accounts), "1") }
	for n := range accounts {
		s.put(item(account(n), "n", 100, "v", 0))
	}
	workers(writers, func(w int) {
		for n := range each {
			from, to := account(w+n), account(w+n+1+w%(accounts-1))
			journal := item(key("journal", fmt.Sprint(w, ".", n)))
			for s.transfer(from, to, journal) {
			}
		}
	})
	sum, versions := int64(0), int64(0)
	for n := range accounts {
		i := s.get(account(n))
		sum, versions = sum+i["n"].Int(), versions+i["v"].Int()
	}
	if entries := len(s.sortKeys(store.Query{Partition: "journal"})); sum != 100*accounts || entries != writers*each || versions != 2*writers*each {
		s.Errorf("sum %d, journal entries %d, versions %d; want %d, %d, %d",
			sum, entries, versions, 100*accounts, writers*each, 2*writers*each)
	}
}

// transfer moves 7 and says whether it has to be tried again.
func (s *script) transfer(from, to store.Key, journal store.Item) (again bool) {
	items, err := s.store.Get(s.ctx, from, to, journal.Key())
	if err != nil {
		s.Errorf("get: %v", err)
		return false
	}
	if items[2] != nil { // an attempt that looked lost was not
		return false
	}
	move := func(old store.Item, by int64) store.Op {
		set := store.Item{"n": store.Int(old["n"].Int() + by), "v": store.Int(old["v"].Int() + 1)}
		return store.Update(old.Key(), set, nil, store.Equals("v", old["v"]))
	}
	return s.lost(s.store.Write(s.ctx, move(items[0], -7), store.Put(journal, store.NotThere(store.PK)), move(items[1], 7)))
}

// raceGuard has two kinds of transaction that exclude each other: each checks
// that the other's item is not there. Not more than one of a pair may happen.
func raceGuard(s *script) {
	const pairs = 10
	side := func(pair, w int) store.Key { return key(fmt.Sprint("pair", pair), fmt.Sprint("side", w%2)) }
	workers(4, func(w int) {
		for pair := range pairs {
			err := store.ErrUnavailable
			for errors.Is(err, store.ErrUnavailable) && s.ctx.Err() == nil {
				err = s.store.Write(s.ctx,
					store.Put(item(side(pair, w)), always()),
					store.Check(side(pair, w+1), store.NotThere(store.PK)))
			}
			s.lost(err)
		}
	})
	for pair := range pairs {
		if got := s.sortKeys(store.Query{Partition: fmt.Sprint("pair", pair)}); len(got) != 1 {
			s.Errorf("pair %d: got %q, want one side", pair, got)
		}
	}
}
