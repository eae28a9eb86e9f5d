//go:build race

package schedule_test

// racing is whether the race detector is on.
const racing = true
