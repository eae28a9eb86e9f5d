package salestest

import (
	"segue/internal/boot"
	"segue/internal/probe"
)

// Before lets something happen in another process, once, just before the first
// call of this one to the store that matches. The other process does not go
// through the probe.
func (w *World) Before(match func(probe.Call) bool, do func(other *World)) {
	other := *w
	other.Parts, other.restarted = w.Plain(boot.Options{}), true
	done := false
	w.Probe.Inject(func(call probe.Call) probe.Fault {
		if !done && match(call) {
			done = true
			do(&other)
		}
		return probe.None
	})
	w.T.Cleanup(func() {
		if !done {
			w.T.Error("the moment for what happens in another process never came")
		}
	})
}
