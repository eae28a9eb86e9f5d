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
		"race/additions are not repeated":   raceAdditions,
		"race/transactions are all or none": raceTransfers,
		"race/conditions hold across items": raceGuard,
		"property/agrees with the model":    agreesWithModel,
	}
}

// workers runs work at the same time in n goroutines, on a hostile store with
// faults.
func (s *script) workers(n int, work func(worker int)) {
	if s.faults != nil {
		s.faults(true)
		defer s.faults(false)
	}
	var wg sync.WaitGroup
	for w := range n {
		wg.Go(func() { work(w) })
	}
	wg.Wait()
}

// again reports whether a call has to be made again: another call won, or the outcome
// is unknown. An error of another kind fails the test.
func (s *script) again(err error) bool {
	var refused *store.ConditionError
	if err != nil && !errors.As(err, &refused) && !errors.Is(err, store.ErrUnavailable) {
		s.Errorf("call of the store: %v", err)
	}
	return err != nil && s.ctx.Err() == nil
}

// raceCreate has workers create the same items. A worker whose response got
// lost learns from the item whether it created it.
func raceCreate(s *script) {
	var won atomic.Int64
	s.workers(8, func(w int) {
		for n := range 10 {
			i := item(key("p", fmt.Sprint(n)), "by", w)
			err := store.ErrUnavailable
			for errors.Is(err, store.ErrUnavailable) && s.ctx.Err() == nil {
				err = s.store.Write(s.ctx, store.Put(i, store.NotThere(store.PK)))
			}
			s.again(err)
			var refused *store.ConditionError
			if err == nil || errors.As(err, &refused) && refused.Item["by"] == i["by"] {
				won.Add(1)
			}
		}
	})
	if n := won.Load(); n != 10 {
		s.Errorf("%d puts created an item, want 10", n)
	}
}

// raceVersions counts up. The mark of a worker tells how far it has come, so that it
// does not count twice when a response got lost.
func raceVersions(s *script) {
	const writers, each = 8, 10
	k := key("p", "counter")
	s.put(item(k, "n", 0))
	s.workers(writers, func(w int) {
		mark := fmt.Sprint("worker", w)
		for round := int64(1); round <= each; round++ {
			for s.countUp(k, mark, round) {
			}
		}
	})
	if n := s.get(k)["n"]; n != store.Int(writers*each) {
		s.Errorf("counted to %s, want %d", n.Text(), writers*each)
	}
}

// countUp reports whether it has to be tried again.
func (s *script) countUp(k store.Key, mark string, round int64) (again bool) {
	items, err := s.store.Get(s.ctx, k)
	if err != nil {
		return s.again(err)
	}
	if items[0][mark] == store.Int(round) { // an attempt that looked lost was not
		return false
	}
	n := items[0]["n"]
	set := store.Item{"n": store.Int(n.Int() + 1), mark: store.Int(round)}
	return s.again(s.store.Write(s.ctx, store.Update(k, set, nil, store.Equals("n", n))))
}

// raceAdditions counts up without reading. An addition whose response got lost is
// found by the mark of its round, and none is made twice by the store itself.
func raceAdditions(s *script) {
	const writers, each = 8, 10
	k := key("p", "counter")
	s.workers(writers, func(w int) {
		for round := range each {
			mark := fmt.Sprint("worker", w, ".", round)
			add := store.Update(k, store.Item{mark: store.B(true)}, nil, store.NotThere(mark)).AddingOne("n")
			err := store.ErrUnavailable
			for errors.Is(err, store.ErrUnavailable) && s.ctx.Err() == nil {
				err = s.store.Write(s.ctx, add)
			}
			s.again(err)
		}
	})
	if n := s.get(k)["n"]; n != store.Int(writers*each) {
		s.Errorf("counted to %s, want %d", n.Text(), writers*each)
	}
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
	s.workers(writers, func(w int) {
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

// transfer moves 7 and reports whether it has to be tried again.
func (s *script) transfer(from, to store.Key, journal store.Item) (again bool) {
	items, err := s.store.Get(s.ctx, from, to, journal.Key())
	if err != nil {
		return s.again(err)
	}
	if items[2] != nil { // an attempt that looked lost was not
		return false
	}
	move := func(old store.Item, by int64) store.Op {
		set := store.Item{"n": store.Int(old["n"].Int() + by), "v": store.Int(old["v"].Int() + 1)}
		return store.Update(old.Key(), set, nil, store.Equals("v", old["v"]))
	}
	return s.again(s.store.Write(s.ctx, move(items[0], -7), store.Put(journal, store.NotThere(store.PK)), move(items[1], 7)))
}

// raceGuard has two kinds of transaction that exclude each other: each checks
// that the other's item is not there. Not more than one of a pair may happen.
func raceGuard(s *script) {
	const pairs = 10
	side := func(pair, w int) store.Key { return key(fmt.Sprint("pair", pair), fmt.Sprint("side", w%2)) }
	s.workers(4, func(w int) {
		for pair := range pairs {
			err := store.ErrUnavailable
			for errors.Is(err, store.ErrUnavailable) && s.ctx.Err() == nil {
				err = s.store.Write(s.ctx,
					store.Put(item(side(pair, w)), always()),
					store.Check(side(pair, w+1), store.NotThere(store.PK)))
			}
			s.again(err)
		}
	})
	for pair := range pairs {
		if got := s.sortKeys(store.Query{Partition: fmt.Sprint("pair", pair)}); len(got) != 1 {
			s.Errorf("pair %d: got %q, want one side", pair, got)
		}
	}
}
