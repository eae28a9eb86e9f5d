//go:build soak

package backfill_test

import "testing"

// The long runs of `make soak`: the same tests with larger numbers.

func TestSoakApplyIsEvaluation(t *testing.T) { applyIsEvaluation(t, 1000, 100, 200) }

func TestSoakKills(t *testing.T) { measure(t, t.TempDir(), 20_000) }
