package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"segue/internal/store"
)

func feedTests() map[string]func(*script) {
	return map[string]func(*script){
		"feed/insert, modify, remove":       feedImages,
		"feed/images column by column":      feedColumns,
		"feed/transaction":                  feedTransaction,
		"feed/nothing changed":              feedNothing,
		"feed/values of other kinds":        feedOthers,
		"feed/order of a key":               feedOrder,
		"feed/every consumer":               feedConsumers,
		"feed/changes that a handler makes": feedCascade,
		"feed/failure comes again":          feedRetry,
		"feed/failure for long":             feedStubborn,
		"feed/handler that breaks down":     feedBroken,
		"feed/end while a change fails":     feedStop,
		"feed/consumer that dies":           feedRestart,
	}
}

func feedImages(s *script) {
	a, b := key("p", "a"), key("p", "b")
	c := s.collector()
	s.put(item(a, "n", 1)) // before there is a consumer
	s.consume("test", c.handle)
	s.put(item(a, "n", 2, "s", "x"))
	s.write(store.Update(a, attrs("n", 3), []string{"s"}, always()))
	s.write(store.Delete(a, always()))
	s.put(item(a))
	s.write(store.Update(b, attrs("nested", other(`{"L":[{"M":{}}]}`)), nil, always()))
	c.want(a,
		changed(nil, item(a, "n", 1)),
		changed(item(a, "n", 1), item(a, "n", 2, "s", "x")),
		changed(item(a, "n", 2, "s", "x"), item(a, "n", 3)),
		changed(item(a, "n", 3), nil),
		changed(nil, item(a)))
	c.want(b, changed(nil, item(b, "nested", other(`{"L":[{"M":{}}]}`))))
}

func feedColumns(s *script) {
	k := key("p", "a")
	s.put(item(k, "s", "", "n", 7, "z", store.Nil()))
	checked := make(chan struct{})
	check := sync.OnceFunc(func() { close(checked) })
	s.consume("test", func(_ context.Context, batch []store.Change) []store.Failure {
		wanted := []string{"none", "z", store.SK, "s", "n", store.PK}
		want := []store.Value{{}, store.Nil(), store.S("a"), store.S(""), store.Int(7), store.S("p")}
		for n := range len(wanted) + 1 { // all of them, all but the first, … none
			got := make([]store.Value, len(wanted)-n)
			for m := range got {
				got[m] = store.S("left over")
			}
			if err := batch[0].New.Values(store.NewNames(wanted[n:]...), got); err != nil || !slices.Equal(got, want[n:]) {
				s.Errorf("columns %q: got %v, error %v, want %v", wanted[n:], got, err, want[n:])
			}
		}
		whole, err := batch[0].New.Item()
		if err == nil {
			whole["s"] = store.S("changed") // the item is the caller's
		}
		if again, err := column(batch[0].New, "s"); err != nil || again != store.S("") {
			s.Errorf("column s after the whole item was changed: got %v, error %v", again, err)
		}
		check()
		return nil
	})
	select {
	case <-checked:
	case <-s.ctx.Done():
		s.Error("no change came")
	}
}

// feedOthers has values in the images that this version does not use. An item
// that is written back as its image shows it has not changed.
func feedOthers(s *script) {
	k := key("p", "a")
	i := item(k, "set", other(`{"SS":["b","a"]}`), "map", other(`{"M":{"l":{"L":[{"B":"AA=="},{"M":{}},{"NULL":true}]},"n":{"NS":["3","1"]}}}`),
		"bin", other(`{"B":"AQID"}`), "list", other(`{"L":[]}`))
	s.put(i)
	c := s.collector()
	s.consume("test", c.handle)
	shown := c.wait(k, 1)[0].New
	s.write(store.Put(shown, store.Equals("map", shown["map"])))
	later := shown.Clone()
	later["list"] = other(`{"L":[{"S":"x"}]}`)
	s.write(store.Update(k, store.Item{"list": later["list"]}, nil, store.Equals("set", i["set"])))
	c.want(k, changed(nil, i), changed(i, later))
}

// column reads one column of an image.
func column(i store.Image, attr string) (store.Value, error) {
	var v [1]store.Value
	err := i.Values(store.NewNames(attr), v[:])
	return v[0], err
}

func feedTransaction(s *script) {
	put, set, del, check, marker := key("p", "put"), key("p", "update"), key("q", "delete"), key("q", "check"), key("q", "marker")
	s.put(item(set, "n", 1), item(del, "n", 1), item(check))
	s.write(
		store.Put(item(put), always()),
		store.Update(set, attrs("n", 2), nil, always()),
		store.Delete(del, always()),
		store.Check(check, store.Exists(store.PK)))
	s.put(item(check, "marker", 1), item(marker))
	c := s.collector()
	s.consume("test", c.handle)
	c.want(put, changed(nil, item(put)))
	c.want(set, changed(nil, item(set, "n", 1)), changed(item(set, "n", 1), item(set, "n", 2)))
	c.want(del, changed(nil, item(del, "n", 1)), changed(item(del, "n", 1), nil))
	c.want(check, changed(nil, item(check)), changed(item(check), item(check, "marker", 1)))
	c.want(marker, changed(nil, item(marker)))
}

func feedNothing(s *script) {
	k, absent := key("p", "a"), key("p", "absent")
	i := item(k, "n", 1, "s", "x", "l", other(`{"L":[{"N":"1"}]}`))
	s.put(i)
	same := []store.Op{
		store.Put(i, always()),
		store.Update(k, attrs("n", 1), []string{"none"}, always()),
		store.Delete(absent, always()),
		store.Check(k, store.Exists(store.PK)),
	}
	for _, op := range same {
		s.write(op)
	}
	s.write(same[0], same[2])
	s.write(same[1], same[2])
	s.refused(0, i, store.Put(item(k), store.NotThere("n")))
	s.refused(1, i, store.Put(item(absent), always()), store.Delete(k, store.NotThere("n")))
	// What follows shows that nothing came before it.
	s.put(item(k, "n", 2), item(absent))
	c := s.collector()
	s.consume("test", c.handle)
	c.want(k, changed(nil, i), changed(i, item(k, "n", 2)))
	c.want(absent, changed(nil, item(absent)))
}

func feedOrder(s *script) {
	const keys, each = 4, 30
	c := s.collector()
	s.consume("test", c.handle)
	s.workers(keys, func(w int) {
		for n := range each {
			if err := s.store.Write(s.ctx, store.Put(item(key(fmt.Sprint("p", w%2), fmt.Sprint(w)), "n", n), always())); err != nil {
				s.Errorf("write: %v", err)
			}
		}
	})
	for w := range keys {
		k := key(fmt.Sprint("p", w%2), fmt.Sprint(w))
		want := []record{changed(nil, item(k, "n", 0))}
		for n := 1; n < each; n++ {
			want = append(want, changed(item(k, "n", n-1), item(k, "n", n)))
		}
		c.want(k, want...)
	}
}

// feedConsumers has two consumers that each get every change from when they
// are known; a new one need not get what the others were done with before.
func feedConsumers(s *script) {
	one, two := s.collector(), s.collector()
	s.consume("one", one.handle)
	s.consume("two", two.handle)
	hello, k := key("p", "hello"), key("p", "a")
	for n := 0; one.count(hello) == 0 || two.count(hello) == 0; n++ {
		s.put(item(hello, "n", n))
		select {
		case <-s.ctx.Done():
			s.Fatal("a consumer gets nothing")
		case <-time.After(5 * time.Millisecond):
		}
	}
	s.put(item(k, "n", 1))
	s.put(item(k, "n", 2))
	for _, c := range []*collector{one, two} {
		c.want(k, changed(nil, item(k, "n", 1)), changed(item(k, "n", 1), item(k, "n", 2)))
	}
}

// feedCascade has a handler whose own writes come to it as changes.
func feedCascade(s *script) {
	c := s.collector()
	at := func(n int64) store.Item { return item(key("p", fmt.Sprint(n)), "n", int(n)) }
	s.consume("test", func(ctx context.Context, batch []store.Change) []store.Failure {
		for n, change := range batch {
			v, err := column(change.New, "n")
			if err == nil && v.Int() < 5 {
				err = s.store.Write(ctx, store.Put(at(v.Int()+1), always()))
			}
			if err != nil {
				return []store.Failure{{Index: n, Err: err}}
			}
			c.add(change)
		}
		return nil
	})
	s.put(at(1))
	c.want(at(5).Key(), changed(nil, at(5)))
}

// feedRetry fails the second change of a key twice. It and the later change of
// its key come again, in order.
func feedRetry(s *script) {
	c := s.collector()
	a, b := key("p", "a"), key("p", "b")
	s.put(item(a, "n", 1), item(a, "n", 2), item(b, "n", 1), item(a, "n", 3))
	failed := 0
	s.consume("test", func(_ context.Context, batch []store.Change) (failures []store.Failure) {
		stuck := false
		for n, change := range batch {
			r := s.record(change)
			if r.Key == a && r.New["n"].Int() == 2 && failed < 2 {
				failed, stuck = failed+1, true
				failures = append(failures, store.Failure{Index: n, Err: errors.New("not yet")})
				continue
			}
			if r.Key != a || !stuck {
				c.add(change)
			}
		}
		return failures
	})
	c.want(a, changed(nil, item(a, "n", 1)), changed(item(a, "n", 1), item(a, "n", 2)), changed(item(a, "n", 2), item(a, "n", 3)))
	c.want(b, changed(nil, item(b, "n", 1)))
}

// feedStubborn has a change that fails more often than any limit of tries would
// allow. It comes again until it succeeds, what comes before it is done and does not
// come again, and nothing of what comes after it is lost.
func feedStubborn(s *script) {
	c := s.collector()
	bad, good := key("p", "bad"), key("p", "good")
	s.put(item(good, "n", 1), item(bad), item(good, "n", 2))
	const failures = 12
	failed, before := 0, 0
	s.consume("test", func(_ context.Context, batch []store.Change) []store.Failure {
		for n, change := range batch {
			switch {
			case change.Key == bad && failed < failures:
				failed++
				return []store.Failure{{Index: n, Err: errors.New("not yet")}}
			case change.Key == good && s.record(change).New["n"].Int() == 1:
				before++
			}
			c.add(change)
		}
		return nil
	})
	c.want(bad, changed(nil, item(bad)))
	c.want(good, changed(nil, item(good, "n", 1)), changed(item(good, "n", 1), item(good, "n", 2)))
	if failed != failures || before != 1 {
		s.Errorf("the change failed %d times, want %d; the one before it came %d times, want once", failed, failures, before)
	}
}

// feedBroken has a handler that panics, and one that reports changes that it was not
// given: nothing of the batch is done, and all of it comes again.
func feedBroken(s *script) {
	c := s.collector()
	a, b := key("p", "a"), key("p", "b")
	s.put(item(a), item(b))
	ways := []func() []store.Failure{
		func() []store.Failure { panic("broken") }, //nolint:forbidigo // what the test is about
		func() []store.Failure { return []store.Failure{{Index: 99, Err: errors.New("broken")}} },
		func() []store.Failure { return []store.Failure{{Index: -1}} },
		func() []store.Failure { return []store.Failure{{Index: 0}} },
	}
	s.consume("test", func(ctx context.Context, batch []store.Change) []store.Failure {
		if len(ways) > 0 {
			broken := ways[0]
			ways = ways[1:]
			return broken()
		}
		return c.handle(ctx, batch)
	})
	c.want(a, changed(nil, item(a)))
	c.want(b, changed(nil, item(b)))
}

// feedStop ends a consumer whose changes fail all the time, which is no error.
func feedStop(s *script) {
	k := key("p", "a")
	s.put(item(k))
	failing := make(chan struct{})
	fails := sync.OnceFunc(func() { close(failing) })
	stop := s.consume("test", func(context.Context, []store.Change) []store.Failure {
		fails()
		return []store.Failure{{Index: 0, Err: errors.New("never")}}
	})
	<-failing
	stop()
	c := s.collector()
	s.consume("test", c.handle)
	c.want(k, changed(nil, item(k)))
}

// feedRestart ends a consumer before it acknowledged: its successor is given
// the changes again.
func feedRestart(s *script) {
	k := key("p", "a")
	s.put(item(k, "n", 1), item(k, "n", 2))
	taken := make(chan struct{})
	stop := s.consume("test", func(ctx context.Context, batch []store.Change) (failures []store.Failure) {
		close(taken)
		<-ctx.Done()
		for n := range batch {
			failures = append(failures, store.Failure{Index: n, Err: ctx.Err()})
		}
		return failures
	})
	select {
	case <-taken:
	case <-s.ctx.Done():
		s.Fatal("no change came")
	}
	stop()
	s.put(item(k, "n", 3))
	c := s.collector()
	s.consume("test", c.handle)
	c.want(k, changed(nil, item(k, "n", 1)), changed(item(k, "n", 1), item(k, "n", 2)), changed(item(k, "n", 2), item(k, "n", 3)))
}
