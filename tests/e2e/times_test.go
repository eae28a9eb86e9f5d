//go:build e2e

package e2e_test

import (
	"net/http"
	"slices"
	"time"
)

// times measures what a client waits for: the first request to a function that has never
// run, and those after it. Nothing depends on the figures, which are for people.
func (s *stack) times() {
	const warm = 50
	token := s.token("segue", manager)
	request := func() time.Duration {
		began := time.Now()
		client{s.T, s.url, token}.do("GET", data+"WhoAmI", "", http.StatusOK)
		return time.Since(began)
	}
	s.steps += 1 + warm
	first, rest := request(), make([]time.Duration, warm)
	for n := range rest {
		rest[n] = request()
	}
	slices.Sort(rest)
	s.Logf("WhoAmI, through the API of the emulator: first %v, then p50 %v, p99 %v", first.Round(time.Millisecond), rest[warm/2].Round(time.Millisecond/10), rest[warm-1].Round(time.Millisecond/10))
}
