package protect

import (
	"sync"
	"time"
)

// amount is how much was asked for.
type amount struct {
	requests  int
	execution time.Duration
}

func (a amount) plus(b amount) amount {
	return amount{a.requests + b.requests, a.execution + b.execution}
}

func (a amount) minus(b amount) amount {
	return amount{a.requests - b.requests, a.execution - b.execution}
}

// use is what a user has asked this process for, and what is known of the others.
type use struct {
	mu      sync.Mutex
	atOnce  int      // requests that are being served
	seconds []second // of the window, the oldest first
	window  amount   // their sum
	total   amount   // of all time
	pending amount   // not yet in a sample
	sharing bool     // a sample is on its way
	others  estimate
}

// second is what was asked for in a second.
type second struct {
	at int64 // Unix time
	amount
}

// estimate is what all processes together have counted, by samples.
type estimate struct {
	told []sample
	own  amount    // total of this process when it was told; what came since is not in it
	at   time.Time // when it was told; zero: never
}

// sample is what all processes have counted in a part of the window.
type sample struct {
	from time.Time
	amount
}

// add counts what is asked for at a moment.
func (u *use) add(now time.Time, a amount) {
	u.total, u.pending, u.window = u.total.plus(a), u.pending.plus(a), u.window.plus(a)
	at := now.Unix()
	if last := len(u.seconds) - 1; last >= 0 && u.seconds[last].at >= at { // a clock that was set back: what it says is now
		u.seconds[last].amount = u.seconds[last].plus(a)
		return
	}
	u.seconds = append(u.seconds, second{at, a})
}

// prune forgets what is no longer in the window. What was counted before a clock was set
// back counts from then on: else it would for as long as the clock went back, and with it
// all that comes after.
func (u *use) prune(now time.Time) {
	for i := len(u.seconds) - 1; i >= 0 && u.seconds[i].at > now.Unix(); i-- {
		u.seconds[i].at = now.Unix()
	}
	gone := 0
	for ; gone < len(u.seconds) && u.seconds[gone].at <= now.Add(-Window).Unix(); gone++ {
		u.window = u.window.minus(u.seconds[gone].amount)
	}
	u.seconds = u.seconds[gone:]
}

// at returns what counts at a moment, now or later: what this process has counted, or
// what all have by their samples, if that is more.
func (u *use) at(now time.Time, l *ledger) amount {
	own := u.window
	for _, s := range u.seconds {
		if s.at > now.Add(-Window).Unix() {
			break
		}
		own = own.minus(s.amount)
	}
	if l == nil || u.others.at.IsZero() || now.Sub(u.others.at).Abs() >= Window {
		return own
	}
	all := u.total.minus(u.others.own)
	for _, s := range u.others.told {
		all = all.plus(s.within(now))
	}
	return amount{max(own.requests, all.requests), max(own.execution, all.execution)}
}

// within returns how much of a sample is in the window that ends at a moment, as if it
// had come evenly.
func (s sample) within(now time.Time) amount {
	share := s.from.Add(slot).Sub(now.Add(-Window)).Seconds() / slot.Seconds()
	share = min(1, max(0, share))
	return amount{int(share * float64(s.requests)), time.Duration(share * float64(s.execution))}
}
