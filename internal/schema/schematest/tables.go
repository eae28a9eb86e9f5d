package schematest

import (
	"os"
	"testing"

	"segue/internal/schema"
)

// Tables returns the tables of Segue and, where SEGUE_SCHEMA names a folder, those of
// that folder, an absolute path: .ci/run runs tests with tests/own, for they must not
// depend on there being no other columns and tables.
func Tables(t testing.TB) *schema.Schema {
	t.Helper()
	tables, err := schema.Default()
	if folder := os.Getenv("SEGUE_SCHEMA"); folder != "" {
		tables, err = schema.Extended(os.DirFS(folder))
	}
	if err != nil {
		t.Fatal(err)
	}
	return tables
}
