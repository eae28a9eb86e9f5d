package storetest

import (
	"maps"
	"testing"

	"segue/internal/probe"
	"segue/internal/store"
)

// hostileTests returns the tests that must also pass on a store whose indexes lag and
// whose responses get lost.
func hostileTests() map[string]func(*script) {
	tests := map[string]func(*script){}
	maps.Copy(tests, indexTests())
	maps.Copy(tests, raceTests())
	hostile := map[string]func(*script){"hostile/index shows what was": hostileIndex}
	for name, test := range tests {
		hostile["hostile/"+name] = test
	}
	return hostile
}

// newHostile wraps a store in a probe: an index shows a write five calls
// later, and while workers run (a single call of the script must succeed), one
// call in eight fails, some before they are applied and some after.
func newHostile(t *testing.T, on store.Store) *script {
	p := probe.New(on, testIndexes()...)
	p.Lag(5)
	s := newScript(t, p)
	s.probe = p
	s.faults = func(on bool) {
		p.Inject(nil)
		if on {
			p.Inject(probe.Sometimes(1, 8, probe.Before, probe.After, probe.After))
		}
	}
	return s
}

// hostileIndex queries an index that never catches up: what it shows must be read
// again, and what it does not show may exist.
func hostileIndex(s *script) {
	stays, leaves, comes := key("p", "1"), key("p", "2"), key("p", "3")
	s.put(item(stays, "gpk", "g", "gsk", "1"), item(leaves, "gpk", "g", "gsk", "2"))
	in := store.Query{Index: "stage", Partition: "g"}
	before := []store.Item{item(stays, "gpk", "g", "gsk", "1"), item(leaves, "gpk", "g", "gsk", "2")}
	s.eventually(in, before...)
	s.probe.Lag(probe.Forever)
	s.write(store.Delete(leaves, always()))
	s.put(item(comes, "gpk", "g", "gsk", "0"))
	s.write(store.Update(stays, attrs("gsk", "9"), nil, always()))
	s.eventually(in, before...)
	s.lacks(leaves)
	s.has(item(stays, "gpk", "g", "gsk", "9"), item(comes, "gpk", "g", "gsk", "0"))
	s.probe.Lag(0)
	s.eventually(in, item(comes, "gpk", "g", "gsk", "0"), item(stays, "gpk", "g", "gsk", "9"))
}
