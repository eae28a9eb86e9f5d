package schema_test

import (
	"testing"

	"segue/internal/schema"
)

// BenchmarkDefault is what each start of a function waits for.
func BenchmarkDefault(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schema.Default(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkLoad is what it would wait for if it read the files.
func BenchmarkLoad(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := schema.Load(schema.Files()); err != nil {
			b.Fatal(err)
		}
	}
}
