//go:build !race

package segment

import (
	"fmt"
	"testing"

	"segue/internal/filter"
	"segue/internal/schema/name"
)

// Not beside the race detector, which drops at random what a pool holds.

func TestDecideAllocatesNothing(t *testing.T) {
	var segments []Entry
	var order []name.SegmentID
	for n := range MaxActive {
		id := name.SegmentID(fmt.Sprint(n))
		order = append(order, id)
		segments = append(segments, Entry{ID: id, Name: "segment", Program: program(t, n+1)})
	}
	c := NewCatalogue("lead", order, segments, nil)
	record := filter.Row(employees(7))
	for _, present := range ids("", "3", "200") {
		if n := testing.AllocsPerRun(100, func() {
			if _, err := c.Decide(record, present, nil); err != nil {
				t.Error(err)
			}
		}); n != 0 {
			t.Errorf("a decision on a member of %q allocates %v times, want 0", present, n)
		}
	}
}
