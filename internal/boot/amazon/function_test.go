package amazon

import "testing"

// A function without a table does not start.
func TestFunctionNeedsItsTable(t *testing.T) {
	t.Setenv("SEGUE_TABLE", "")
	if _, err := Function(nil, nil, nil); err == nil {
		t.Error("a function boots without SEGUE_TABLE")
	}
}
