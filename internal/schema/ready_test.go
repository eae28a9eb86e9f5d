package schema_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"segue/internal/schema"
)

// What is ready at build time is what the files say: after a change of a file run
//
//	go generate ./internal/schema/...
func TestReadyIsCurrent(t *testing.T) {
	fromFiles, err := schema.Load(schema.Files())
	if err != nil {
		t.Fatal(err)
	}
	ready, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	everything := cmp.AllowUnexported(schema.Schema{}, schema.Table{}, schema.Column{}, schema.Index{}, schema.Value{}, schema.Relation{})
	numbers := cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) })
	for _, table := range fromFiles.Tables() {
		if diff := cmp.Diff(table, ready.Table(table.Name), everything, numbers); diff != "" {
			t.Fatalf("table %s; run go generate ./internal/schema/... (-files +ready):\n%.2000s", table.Name, diff)
		}
	}
	if got, want := len(ready.Tables()), len(fromFiles.Tables()); got != want {
		t.Errorf("%d tables, the files have %d", got, want)
	}
}
