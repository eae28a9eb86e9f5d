package embed

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"go.etcd.io/bbolt"

	"segue/internal/embed/overlay"
	"segue/internal/store"
)

// copied is the path of a copy of an open store that nobody writes to, which is what a
// crash leaves.
func copied(t *testing.T, path string) string {
	t.Helper()
	to := filepath.Join(t.TempDir(), "table.db")
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(to, text, 0o600)
	}
	if err == nil {
		err = os.CopyFS(journalDir(to), os.DirFS(journalDir(path)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return to
}

// TestInterruptedCheckpoint has a crash after each transaction of a checkpoint, and
// before and after it.
func TestInterruptedCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes(), func(o *options) { o.keys = 3 })
	stage := func(n int) []string { return []string{"gpk", "g", "gsk", fmt.Sprintf("%02d", n)} }
	for n := range 10 {
		put(t, s, row(fmt.Sprintf("%02d", n), stage(n)...))
	}
	if err := s.checkpointNow(); err != nil { // so that there is something to delete and to move
		t.Fatal(err)
	}
	for n := range 5 {
		put(t, s, row(fmt.Sprintf("%02d", n), stage(90-n)...))
		if err := s.Write(t.Context(), store.Delete(row(fmt.Sprintf("%02d", 5+n)).Key(), store.Condition{})); err != nil {
			t.Fatal(err)
		}
	}
	var k taker
	if err := s.Drain(t.Context(), "early", k.handle); err != nil {
		t.Fatal(err)
	}
	put(t, s, row("10", stage(10)...))

	crashes := 0
	check := func() {
		crashes++
		s := openAt(t, copied(t, path), testIndexes(), NoSync())
		if got := sortKeys(t, s, "", "p"); got != "00 01 02 03 04 10" {
			t.Errorf("crash %d: items %q", crashes, got)
		}
		if got := sortKeys(t, s, "stage", "g"); got != "10 04 03 02 01 00" {
			t.Errorf("crash %d: index %q", crashes, got)
		}
		var k taker
		if err := s.Drain(t.Context(), "early", k.handle); err != nil || fmt.Sprint(k.batches) != "[[10]]" {
			t.Errorf("crash %d: delivered %q, %v", crashes, k.batches, err)
		}
		closeStore(t, s)
	}
	check()
	s.freeze()
	f := s.state.Load().frozen
	n := 0
	for key, e := range f.tree.All() {
		if n++; n%3 == 0 {
			check()
		}
		err := s.update(func(tx *bbolt.Tx) error {
			_, err := s.writeKeys(tx, once(key, e))
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	check()
	if err := s.writeFrozen(); err != nil {
		t.Fatal(err)
	}
	check()
	if crashes < 8 {
		t.Errorf("%d crashes only", crashes)
	}
}

// once is a walk of one entry.
func once(key string, e overlay.Entry) func() (string, overlay.Entry, bool) {
	done := false
	return func() (string, overlay.Entry, bool) {
		defer func() { done = true }()
		return key, e, !done
	}
}

// TestCutJournal cuts the journal of a store that crashed: what is there afterwards are
// the first so many writes, and their changes.
func TestCutJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes())
	fill(t, s, 20)
	dir := journalDir(path)
	names, err := os.ReadDir(dir)
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	whole := 0
	for size := 0; size < 2500; size += 7 {
		cut := copied(t, path)
		if err := os.Truncate(filepath.Join(journalDir(cut), names[0].Name()), int64(size)); err != nil {
			t.Fatal(err)
		}
		s := openAt(t, cut, testIndexes(), NoSync())
		items := strings.Fields(sortKeys(t, s, "", "p"))
		for n, sk := range items {
			if sk != fmt.Sprintf("%02d", n) {
				t.Fatalf("cut to %d bytes: items %q", size, items)
			}
		}
		if n := logLength(t, s); n != len(items) {
			t.Errorf("cut to %d bytes: %d items, %d changes", size, len(items), n)
		}
		whole = max(whole, len(items))
		put(t, s, row("more"))
		closeStore(t, s)
	}
	if whole != 20 {
		t.Errorf("%d items at most", whole)
	}
}

// TestMissingJournal takes the folder away from its file.
func TestMissingJournal(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes())
	var k taker
	if err := s.Drain(t.Context(), "c", k.handle); err != nil {
		t.Fatal(err)
	}
	fill(t, s, 3)
	crashed := copied(t, path)
	closeStore(t, s)
	unread := copied(t, path)
	s = openAt(t, path, testIndexes())
	if err := s.Drain(t.Context(), "c", k.handle); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	if _, err := os.Stat(journalDir(path)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a store that is closed, with every change seen, has a journal: %v", err)
	}
	if items, err := use(t, path); items != 3 || err != nil { // it is its file alone
		t.Errorf("%d items, %v", items, err)
	}
	for _, path := range []string{crashed, unread} {
		if err := os.RemoveAll(journalDir(path)); err != nil {
			t.Fatal(err)
		}
		_, err := use(t, path)
		complains(t, err, path)
	}
	orphan := filepath.Join(t.TempDir(), "table.db")
	if err := os.CopyFS(journalDir(orphan), os.DirFS(journalDir(path))); err != nil {
		t.Fatal(err)
	}
	_, err := use(t, orphan)
	complains(t, err, orphan)
}

// TestKilledAtWork kills a process that writes, consumes and makes checkpoints all the
// time, and goes on where it ended: every acknowledged write is there, and every change
// of it is delivered.
func TestKilledAtWork(t *testing.T) {
	const in = "SEGUE_TEST_KILLED_AT_WORK"
	if path := os.Getenv(in); path != "" {
		workUntilKilled(t, path)
	}
	path := filepath.Join(t.TempDir(), "table.db")
	acknowledged := map[string]bool{}
	seen := map[string]bool{}
	for round := range 6 {
		child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledAtWork$")
		child.Env = append(os.Environ(), in+"="+path, "SEGUE_TEST_ROUND="+strconv.Itoa(round))
		out, err := child.StdoutPipe()
		if err == nil {
			err = child.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(out)
		for n := 0; lines.Scan(); n++ {
			kind, sk, ok := strings.Cut(lines.Text(), " ")
			switch {
			case !ok:
			case kind == "wrote":
				acknowledged[sk] = true
			case kind == "saw":
				seen[sk] = true
			}
			if n == 400+137*round {
				if err := child.Process.Kill(); err != nil {
					t.Fatal(err)
				}
			}
		}
		_ = child.Wait() // it was killed
	}
	s := openAt(t, path, testIndexes(), NoSync())
	err := s.Drain(t.Context(), "c", func(_ context.Context, batch []store.Change) []store.Failure {
		for _, c := range batch {
			seen[c.Key.SK] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for sk := range acknowledged {
		found, err := s.Get(t.Context(), row(sk).Key())
		if err != nil || found[0] == nil || !seen[sk] {
			t.Errorf("write %s was acknowledged; item %v, %v, its change delivered: %v", sk, found[0], err, seen[sk])
		}
	}
	for sk := range seen {
		if found, err := s.Get(t.Context(), row(sk).Key()); err != nil || found[0] == nil {
			t.Errorf("change of %s was delivered, and it is not there: %v", sk, err)
		}
	}
	if len(acknowledged) < 500 || s.applied.Load() < 100 {
		t.Errorf("%d writes, %d of them in the tables", len(acknowledged), s.applied.Load())
	}
}

// workUntilKilled is the process of TestKilledAtWork.
func workUntilKilled(t *testing.T, path string) {
	s := openAt(t, path, testIndexes(), small, BatchSize(7))
	var out sync.Mutex
	say := func(kind, sk string) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(kind, sk)
	}
	go func() {
		err := s.Consume(context.Background(), "c", func(_ context.Context, batch []store.Change) []store.Failure {
			for _, c := range batch {
				say("saw", c.Key.SK)
			}
			return nil
		})
		t.Error(err)
	}()
	var next atomic.Int64
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				sk := fmt.Sprint(os.Getenv("SEGUE_TEST_ROUND"), "-", next.Add(1))
				put(t, s, row(sk, "gpk", "g", "gsk", sk))
				say("wrote", sk)
			}
		})
	}
	writers.Wait()
}

// TestTrimWaitsForTheTables has a consumer go on while a checkpoint is under way, and a
// crash after it: the tables know the consumer where it was before, so the journal must
// still have what follows from there.
func TestTrimWaitsForTheTables(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes(), NoSync())
	var k taker
	if err := s.Drain(t.Context(), "c", k.handle); err != nil {
		t.Fatal(err)
	}
	large := strings.Repeat("x", 390<<10)
	for n := range 120 { // three files of the journal
		put(t, s, row(fmt.Sprint(n), "a", large))
	}
	if running := s.checkpoint; running != nil {
		<-running.ended
	}
	s.freeze()
	if err := s.Drain(t.Context(), "c", k.handle); err != nil {
		t.Fatal(err)
	}
	if err := s.writeFrozen(); err != nil {
		t.Fatal(err)
	}
	after := openAt(t, copied(t, path), testIndexes(), NoSync())
	if n := logLength(t, after); n != 0 {
		t.Errorf("%d changes come again", n)
	}
}

// TestTrimFails has a file of the journal that cannot be deleted: the checkpoint is done
// all the same, and so is the next.
func TestTrimFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, testIndexes(), NoSync(), func(o *options) { o.bytes = 1 << 40 })
	var k taker
	large := strings.Repeat("x", 390<<10)
	for n := range 90 { // three files of the journal
		put(t, s, row(fmt.Sprint(n), "a", large))
	}
	if err := s.Drain(t.Context(), "c", k.handle); err != nil {
		t.Fatal(err)
	}
	oldest := filepath.Join(journalDir(path), "00000000000000000001.log")
	if err := os.Remove(oldest); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(oldest, "in it"), 0o700); err != nil { // it has a name that can be no file's
		t.Fatal(err)
	}
	for n := range 2 {
		put(t, s, row(fmt.Sprint("more ", n)))
		if err := s.checkpointNow(); err != nil || s.applied.Load() != s.state.Load().last {
			t.Errorf("checkpoint %d: %d of %d changes, %v", n+1, s.applied.Load(), s.state.Load().last, err)
		}
	}
	if err := os.RemoveAll(oldest); err != nil {
		t.Fatal(err)
	}
}
