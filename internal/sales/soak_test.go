//go:build soak

package sales_test

import (
	"testing"
	"time"
)

// The long runs of `make soak`: the same tests with larger numbers.

func TestSoakFaults(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		seeds := 200
		if t.Name() != "TestSoakFaults/embedded" {
			seeds = 5
		}
		faults(t, open, 200, 1000, seeds)
	})
}

func TestSoakRace(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) { race(t, open(t), 2*time.Minute, 20_000) })
}

func TestSoakEveryone(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) { everyone(t, open(t), 2*time.Minute, 20_000) })
}

func TestSoakEndInTheMiddle(t *testing.T) {
	onBoth(t, func(t *testing.T, open opener) {
		connects := 20_000
		if t.Name() != "TestSoakEndInTheMiddle/embedded" {
			connects = 2_000
		}
		endInTheMiddle(t, open(t), connects, false, false)
		endInTheMiddle(t, open(t), connects, true, true)
	})
}
