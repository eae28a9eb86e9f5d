//go:build soak

package segmentation_test

import (
	"fmt"
	"testing"
)

// TestSoakHistories is the long run of `make soak`: the same property, of more histories.
func TestSoakHistories(t *testing.T) {
	for seed := range uint64(300) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { playHistory(t, 1000+seed, 40) })
	}
}
