//go:build !race

package salestest

// Racing is whether the race detector is on.
const Racing = false
