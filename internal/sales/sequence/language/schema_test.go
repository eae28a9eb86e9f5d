package language

import (
	"testing"

	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// tables are the shipped tables.
func tables(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// parse is Parse with the shipped tables.
func parse(t testing.TB, id name.SequenceID, version int64, text string) (sequence.Definition, error) {
	t.Helper()
	return Parse(tables(t), id, version, text)
}
