package main

import "testing"

// The engine, cel-go, expr and the naive tree have the same result for each lead and
// segment, and the two ways from bytes the same winner for each change.
func TestAgreement(t *testing.T) {
	w, err := newWorkload(2000)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.verify(); err != nil {
		t.Error(err)
	}
	matched := 0
	for n := range w.leads {
		if w.first(w.records[n]) < segments {
			matched++
		}
	}
	if matched == 0 || matched == len(w.leads) {
		t.Errorf("%d of %d leads are in a segment; the comparison says little", matched, len(w.leads))
	}
}
