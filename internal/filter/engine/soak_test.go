//go:build soak

package engine_test

import (
	"flag"
	"testing"
)

// TestSoakAgrees is the long run of `make soak`: the same property, of many more draws.
func TestSoakAgrees(t *testing.T) {
	checks := flag.Lookup("rapid.checks")
	before := checks.Value.String()
	defer func() { _ = checks.Value.Set(before) }()
	if err := checks.Value.Set("200000"); err != nil {
		t.Fatal(err)
	}
	TestFirstAgreesWithPrograms(t)
}
