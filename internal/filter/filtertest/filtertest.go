// Package filtertest draws conditions and the rows that they are evaluated on, and says
// what their result must be: generators for property tests and a naive [Oracle]. The
// tests of the evaluator use it, and those of every notation of its trees. Nothing else
// imports it.
package filtertest

import (
	"embed"
	"io/fs"
	"testing"
	"testing/fstest"

	"segue/internal/schema"
)

//go:embed schema
var files embed.FS

// Tables are the tables of [Schema].
func Tables() []string { return []string{"thing", "part"} }

// Files is the files of these tables, for [schema.Load].
func Files(t testing.TB) fs.FS {
	t.Helper()
	own, err := fs.Sub(files, "schema")
	if err != nil {
		t.Fatal(err)
	}
	return own
}

// Schema is a table "thing" with a column of every type and lookups at itself and at a
// table "part".
func Schema(t testing.TB) *schema.Schema {
	t.Helper()
	own := Files(t)
	audit, err := fs.ReadFile(schema.Files(), "traits/audit.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Load(own, fstest.MapFS{"traits/audit.json": {Data: audit}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}
