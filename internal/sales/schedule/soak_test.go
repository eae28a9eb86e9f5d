//go:build soak

package schedule_test

import "testing"

// TestSoakSchedules is the long run of `make soak`.
func TestSoakSchedules(t *testing.T) { run(t, 1001, 200) }
