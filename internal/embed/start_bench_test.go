package embed

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"segue/internal/store"
)

// BenchmarkReplay is a start after a crash, of a store whose last 40,000 changes only the
// journal has.
func BenchmarkReplay(b *testing.B) {
	path := filepath.Join(b.TempDir(), "table.db")
	s := openAt(b, path, testIndexes(), NoSync(), func(o *options) { o.bytes = 1 << 40 })
	for n := range 20_000 {
		item := row(fmt.Sprintf("%08x", n*2654435761%(1<<32)))
		for a := range 20 {
			item[fmt.Sprint("attribute", a)] = store.S(fmt.Sprint("some text ", n))
		}
		put(b, s, item)
		item["attribute1"] = store.S("another")
		put(b, s, item)
	}
	crashed := filepath.Join(b.TempDir(), "crashed")
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if err := os.CopyFS(crashed, os.DirFS(filepath.Dir(path))); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		after, err := Open(filepath.Join(crashed, "table.db"), testIndexes(), NoSync(), func(o *options) { o.bytes = 1 << 40 })
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if n := after.state.Load().tree.Len(); n < 20_000 {
			b.Fatalf("%d entries", n)
		}
		if err := after.Close(); err != nil {
			b.Fatal(err)
		}
		if err := os.RemoveAll(crashed); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
