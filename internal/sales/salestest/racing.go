//go:build race

package salestest

// Racing is whether the race detector is on, under which everything takes five times as
// long. A test of one goroutine, in which the detector has nothing to find, does less
// then; CI runs it without the detector too.
const Racing = true
