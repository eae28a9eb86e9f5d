package embed

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"segue/internal/store"
	"segue/internal/storetest"
)

func TestContract(t *testing.T) {
	storetest.Run(t, func(t *testing.T, indexes []store.Index) storetest.Table { return open(t, indexes) })
}

// small makes checkpoints so small that there is always one under way.
func small(o *options) { o.bytes, o.keys = 200, 3 }

func TestContractDuringCheckpoints(t *testing.T) {
	storetest.Run(t, func(t *testing.T, indexes []store.Index) storetest.Table { return open(t, indexes, small) })
}

// open opens a new store that is closed with the test.
func open(t testing.TB, indexes []store.Index, opts ...Option) *Store {
	t.Helper()
	opts = append([]Option{NoSync(), Backoff(time.Millisecond)}, opts...)
	return openAt(t, filepath.Join(t.TempDir(), "table.db"), indexes, opts...)
}

func openAt(t testing.TB, path string, indexes []store.Index, opts ...Option) *Store {
	t.Helper()
	s, err := Open(path, indexes, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeStore(t, s) })
	return s
}

func closeStore(t testing.TB, s *Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
}

func row(sk string, pairs ...string) store.Item {
	i := store.Item{store.PK: store.S("p"), store.SK: store.S(sk)}
	for n := 0; n < len(pairs); n += 2 {
		i[pairs[n]] = store.S(pairs[n+1])
	}
	return i
}

func put(t testing.TB, s *Store, items ...store.Item) {
	t.Helper()
	for _, i := range items {
		if err := s.Write(t.Context(), store.Put(i, store.Condition{})); err != nil {
			t.Fatal(err)
		}
	}
}

// sortKeys is what a query of partition p returns.
func sortKeys(t testing.TB, s *Store, index, partition string) string {
	t.Helper()
	page, err := s.Query(t.Context(), store.Query{Index: index, Partition: partition})
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for _, i := range page.Items {
		keys = append(keys, i.Key().SK)
	}
	return strings.Join(keys, " ")
}

func TestReopen(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	first := openAt(t, path, []store.Index{{Name: "x", PK: "a", SK: "b"}, {Name: "gone", PK: "a", SK: "b"}})
	put(t, first, row("1", "a", "g", "b", "2", "c", "1"), row("2", "a", "g", "b", "1"), row("3", "a", "g", "c", "0"))
	if got := sortKeys(t, first, "x", "g"); got != "2 1" {
		t.Errorf("index as declared first: got %q", got)
	}
	closeStore(t, first)

	second := openAt(t, path, []store.Index{{Name: "x", PK: "a", SK: "c"}, {Name: "new", PK: "b", SK: store.SK}})
	for _, test := range []struct{ index, partition, want string }{
		{"", "p", "1 2 3"}, {"x", "g", "3 1"}, {"new", "1", "2"}, {"new", "2", "1"},
	} {
		if got := sortKeys(t, second, test.index, test.partition); got != test.want {
			t.Errorf("index %q, partition %s: got %q, want %q", test.index, test.partition, got, test.want)
		}
	}
	if _, err := second.Query(t.Context(), store.Query{Index: "gone", Partition: "g"}); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("index that is declared no more: got %v", err)
	}
	put(t, second, row("1"))
	closeStore(t, second)

	// An index dropped and declared again is not the old one.
	third := openAt(t, path, []store.Index{{Name: "gone", PK: "a", SK: "b"}})
	if got := sortKeys(t, third, "gone", "g"); got != "2" {
		t.Errorf("index declared again: got %q", got)
	}
}

func TestOpenRefuses(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, nil)
	if _, err := Open(path, nil); err == nil || !strings.Contains(err.Error(), "is in use by another process") {
		t.Errorf("open twice: got %v", err)
	}
	err := s.db.Update(func(tx *bbolt.Tx) error { return bucket(tx, bucketMeta).Put([]byte(keyFormat), []byte("0")) })
	if err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if _, err := Open(path, nil); err == nil || !strings.Contains(err.Error(), `format "0"`) {
		t.Errorf("open another format: got %v", err)
	}
	if _, err := Open(t.TempDir(), nil); err == nil {
		t.Error("a folder was opened")
	}
}

func TestClosed(t *testing.T) {
	s := open(t, nil)
	ended := make(chan error)
	running := make(chan struct{})
	go func() {
		ended <- s.Consume(t.Context(), "test", func(context.Context, []store.Change) []store.Failure { close(running); return nil })
	}()
	put(t, s, row("1"))
	<-running
	closeStore(t, s)
	closeStore(t, s)
	_, getErr := s.Get(t.Context(), store.Key{PK: "p", SK: "1"})
	_, queryErr := s.Query(t.Context(), store.Query{Partition: "p"})
	for name, err := range map[string]error{
		"consume": <-ended, "get": getErr, "query": queryErr,
		"write": s.Write(t.Context(), store.Put(row("2"), store.Condition{})),
		"drain": s.Drain(t.Context(), "other", nil),
	} {
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("%s after Close: got %v, want ErrUnavailable", name, err)
		}
	}
}

// TestGroupCommit queues writes while the loop is busy with a commit: they all
// take one more.
func TestGroupCommit(t *testing.T) {
	const n = 50
	s := open(t, nil)
	put(t, s, row("counter", "n", "x"))
	entered, release := make(chan uint64), make(chan struct{})
	results := make(chan error, 2*n+1)
	go func() {
		results <- s.commit(s.queue, func(u *unit) (refused, failed error) {
			u.setCursor("test", 0) // so that it takes a commit of its own
			entered <- u.marks.last
			<-release
			return nil, nil
		})
	}()
	before := <-entered
	for i := range n {
		fresh := store.Put(row(fmt.Sprint(i)), store.NotThere(store.PK))
		bad := store.Put(row("counter"), store.NotThere("n"))
		go func() { results <- s.Write(t.Context(), fresh) }()
		go func() { results <- s.Write(t.Context(), bad, store.Put(row("never"), store.Condition{})) }()
	}
	for len(s.queue) < 2*n {
		runtime.Gosched()
	}
	close(release)
	refused := 0
	for range 2*n + 1 {
		var cond *store.ConditionError
		if err := <-results; errors.As(err, &cond) {
			refused++
		} else if err != nil {
			t.Error(err)
		}
	}
	if refused != n {
		t.Errorf("%d writes were refused, want %d", refused, n)
	}
	if got := len(strings.Fields(sortKeys(t, s, "", "p"))); got != n+1 {
		t.Errorf("%d items, want %d", got, n+1)
	}
	frames := s.journal.Read(before + 1)
	frame, ok, err := frames.Next()
	if err != nil || !ok || frame.Count != n || frame.First != before+1 {
		t.Errorf("%d writes: frame %d of %d records, %v; want all in one", 2*n, frame.First, frame.Count, err)
	}
	if err := frames.Close(); err != nil {
		t.Error(err)
	}
}

// TestFailedCommit has one change of a group break the commit: nothing of the
// group is there, and everyone is told.
func TestFailedCommit(t *testing.T) {
	s := open(t, nil)
	broken := errors.New("disk on fire")
	err := s.commit(s.queue, func(u *unit) (refused, failed error) {
		s.apply(u, []change{{key: row("half").Key(), new: row("half"), after: newVocabulary(nil).encode(row("half"))}})
		return nil, broken
	})
	if !errors.Is(err, broken) || !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("commit: got %v", err)
	}
	if got := sortKeys(t, s, "", "p"); got != "" || s.journal.Next() != 1 {
		t.Errorf("after the failed commit there is %q, and change %d is next", got, s.journal.Next())
	}
}

func BenchmarkWrite(b *testing.B) {
	for name, opts := range map[string][]Option{"fsync": nil, "no fsync": {NoSync()}} {
		b.Run(name, func(b *testing.B) {
			s := openAt(b, filepath.Join(b.TempDir(), "table.db"), nil, opts...)
			b.SetParallelism(32)
			b.RunParallel(func(pb *testing.PB) {
				for n := 0; pb.Next(); n++ {
					if err := s.Write(b.Context(), store.Put(row(fmt.Sprint(n%1000), "n", fmt.Sprint(n)), store.Condition{})); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// What is there goes, whatever its format, and the sequence of changes begins again.
func TestEmpty(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	first := openAt(t, path, nil, NoSync())
	put(t, first, row("a"), row("b"))
	closeStore(t, first)
	raw, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = raw.Update(func(tx *bbolt.Tx) error { return bucket(tx, bucketMeta).Put([]byte(keyFormat), []byte("0")) })
	if err := errors.Join(err, raw.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path, nil); err == nil {
		t.Fatal("a file of another format is opened")
	}
	second := openAt(t, path, nil, NoSync(), Empty())
	put(t, second, row("c"))
	var seen []store.Key
	if err := second.Drain(t.Context(), "test", func(_ context.Context, batch []store.Change) []store.Failure {
		for _, c := range batch {
			seen = append(seen, c.Key)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := []store.Key{row("c").Key()}; !slices.Equal(seen, want) {
		t.Errorf("changes of %v, want %v", seen, want)
	}
	items, err := second.Get(t.Context(), row("a").Key(), row("c").Key())
	if err != nil || items[0] != nil || items[1] == nil {
		t.Errorf("items %v, %v; want only the new one", items, err)
	}
}
