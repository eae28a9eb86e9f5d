//go:build soak

package sales_test

import (
	"testing"
	"time"
)

// The long runs of `make soak`: the same tests with larger numbers.

func TestSoakFaults(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		seeds := 200
		if on.Remote {
			seeds = 5
		}
		faults(t, on, 200, 1000, seeds)
	})
}

func TestSoakRace(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) { race(t, on.Open(t), 2*time.Minute, 20_000) })
}

func TestSoakEveryone(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) { everyone(t, on.Open(t), 2*time.Minute, 20_000) })
}

func TestSoakEndInTheMiddle(t *testing.T) {
	onBoth(t, func(t *testing.T, on place) {
		connects := 20_000
		if on.Remote {
			connects = 2_000
		}
		endInTheMiddle(t, on.Open(t), connects, false, false)
		endInTheMiddle(t, on.Open(t), connects, true, true)
	})
}

func TestSoakSerial(t *testing.T) { serials(t, 1000, 2_000) }

func TestSoakMonth(t *testing.T) { months(t, 300, 1000, 50) }
