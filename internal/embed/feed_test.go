package embed

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/clock"
	"segue/internal/store"
)

// taker is a handler that notes the sort keys it was given, batch by batch.
type taker struct{ batches [][]string }

func (k *taker) handle(_ context.Context, batch []store.Change) []store.Failure {
	var keys []string
	for _, c := range batch {
		keys = append(keys, c.Key.SK)
	}
	k.batches = append(k.batches, keys)
	return nil
}

// fill puts rows 00, 01, …
func fill(t *testing.T, s *Store, n int) {
	t.Helper()
	for i := range n {
		put(t, s, row(fmt.Sprintf("%02d", i)))
	}
}

// logLength is how many changes a new consumer would see.
func logLength(t *testing.T, s *Store) int {
	t.Helper()
	changes := s.changesAfter(s.state.Load().done())
	kept, err := changes.next(1000)
	if err := errors.Join(err, changes.close()); err != nil {
		t.Fatal(err)
	}
	return len(kept)
}

func TestBatches(t *testing.T) {
	at := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	s := open(t, nil, BatchSize(2), Clock(clock.NewManual(at)))
	fill(t, s, 5)
	var k taker
	err := s.Drain(t.Context(), "test", func(ctx context.Context, batch []store.Change) []store.Failure {
		for _, c := range batch {
			if !c.At.Equal(at) {
				t.Errorf("change of %v is of %v, want %v", c.Key, c.At, at)
			}
		}
		return k.handle(ctx, batch)
	})
	if d := cmp.Diff([][]string{{"00", "01"}, {"02", "03"}, {"04"}}, k.batches); d != "" || err != nil {
		t.Errorf("batches: error %v (-want +got):\n%s", err, d)
	}
}

// TestBatchBytes has changes so large that 100 of them are too many for a batch.
func TestBatchBytes(t *testing.T) {
	s := open(t, nil)
	large := strings.Repeat("x", 390<<10)
	for n := range 20 {
		put(t, s, row(fmt.Sprint(n), "large", large))
	}
	var k taker
	if err := s.Drain(t.Context(), "test", k.handle); err != nil {
		t.Fatal(err)
	}
	if len(k.batches) != 2 || len(k.batches[0]) != maxBatchBytes/(390<<10) {
		t.Errorf("got batches %v", k.batches)
	}
}

// TestDrainFollowsItsHandler has a handler whose writes are drained too.
func TestDrainFollowsItsHandler(t *testing.T) {
	s := open(t, nil)
	put(t, s, row("aaaa"))
	var seen []string
	err := s.Drain(t.Context(), "test", func(ctx context.Context, batch []store.Change) []store.Failure {
		for _, c := range batch {
			seen = append(seen, c.Key.SK)
			if shorter := c.Key.SK[1:]; shorter != "" {
				if err := s.Write(ctx, store.Put(row(shorter), store.Condition{})); err != nil {
					t.Error(err)
				}
			}
		}
		return nil
	})
	if d := cmp.Diff([]string{"aaaa", "aaa", "aa", "a"}, seen); d != "" || err != nil {
		t.Errorf("drained: error %v (-want +got):\n%s", err, d)
	}
}

func TestCursorsAndTrimming(t *testing.T) {
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, nil, NoSync())
	drain := func(consumer string, want ...string) {
		t.Helper()
		var k taker
		if err := s.Drain(t.Context(), consumer, k.handle); err != nil {
			t.Fatal(err)
		}
		if got := slices.Concat(k.batches...); !slices.Equal(got, want) {
			t.Errorf("%s got %q, want %q", consumer, got, want)
		}
	}
	keeps := func(want int) {
		t.Helper()
		if got := logLength(t, s); got != want {
			t.Errorf("%d records are kept, want %d", got, want)
		}
	}
	drain("slow") // it exists from here on
	put(t, s, row("1"), row("2"))
	drain("fast", "1", "2")
	keeps(2)
	closeStore(t, s)
	s = openAt(t, path, nil, NoSync())
	put(t, s, row("3"))
	drain("fast", "3")
	drain("slow", "1", "2", "3")
	keeps(0)
	put(t, s, row("4"))
	drain("new", "4")
	drain("fast", "4")
	drain("slow", "4")
	keeps(0)
}

func TestConsumerRunsOnce(t *testing.T) {
	s := open(t, nil)
	put(t, s, row("1"))
	err := s.Drain(t.Context(), "test", func(ctx context.Context, _ []store.Change) []store.Failure {
		if err := s.Consume(ctx, "test", nil); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("consume twice: got %v", err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Drain(t.Context(), "", nil); !errors.Is(err, store.ErrInvalid) {
		t.Errorf("consumer without a name: got %v", err)
	}
}

// TestBackoff has a change that fails for ten simulated minutes: the pauses between
// its deliveries grow up to ten seconds.
func TestBackoff(t *testing.T) {
	began := time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC)
	now := clock.NewManual(began)
	s := open(t, nil, Clock(now), Backoff(100*time.Millisecond))
	fill(t, s, 3)
	var pauses []time.Duration
	last := began
	err := s.Drain(t.Context(), "test", func(_ context.Context, batch []store.Change) []store.Failure {
		if pause := now.Now().Sub(last); pause > 0 {
			pauses, last = append(pauses, pause), now.Now()
		}
		if now.Now().Sub(began) < 10*time.Minute && batch[0].Key.SK == "00" {
			return []store.Failure{{Index: 0, Err: errors.New("busy")}}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, pause := range pauses {
		if want := min(100*time.Millisecond<<min(i, 10), 10*time.Second); pause != want {
			t.Errorf("pause %d is %v, want %v", i, pause, want)
		}
	}
	if len(pauses) < 60 || logLength(t, s) != 0 {
		t.Errorf("%d pauses, %d records left", len(pauses), logLength(t, s))
	}
}

// TestEndOfAPause ends a consumer that would wait for an hour, in each way there is.
func TestEndOfAPause(t *testing.T) {
	for _, test := range []struct {
		name string
		end  func(stop func(), s *Store) error
		want error
	}{
		{"context", func(stop func(), _ *Store) error { stop(); return nil }, nil},
		{"store", func(_ func(), s *Store) error { return s.Close() }, store.ErrUnavailable},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := open(t, nil, Backoff(time.Hour), func(o *options) { o.backoff.Most = time.Hour })
			fill(t, s, 1)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			failed, ended := make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- s.Consume(ctx, "test", func(context.Context, []store.Change) []store.Failure {
					close(failed)
					return []store.Failure{{Index: 0, Err: errors.New("busy")}}
				})
			}()
			<-failed
			if err := test.end(stop, s); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, test.want) {
				t.Errorf("consume: %v, want %v", err, test.want)
			}
		})
	}
}

// TestKilled has another process killed while its handler runs: what it wrote
// is there, and what it was not done with before its last commit comes again.
func TestKilled(t *testing.T) {
	if path := os.Getenv("EMBED_TEST_KILLED"); path != "" {
		dieConsuming(t, path)
	}
	path := filepath.Join(t.TempDir(), "table.db")
	child := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
	child.Env = append(os.Environ(), "EMBED_TEST_KILLED="+path)
	out, err := child.CombinedOutput()
	if exit := new(exec.ExitError); !errors.As(err, &exit) || exit.Exited() {
		t.Fatalf("the other process was not killed: %v\n%s", err, out)
	}
	s := openAt(t, path, nil)
	if got := sortKeys(t, s, "", "p"); got != "00 01 02 03 04 05 06" {
		t.Errorf("items: %q", got)
	}
	var k taker
	if err := s.Drain(t.Context(), "test", k.handle); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([][]string{{"02", "03", "04", "05", "06"}}, k.batches); d != "" {
		t.Errorf("delivered again (-want +got):\n%s", d)
	}
}

// dieConsuming is done with the first batch, commits in the second and dies.
func dieConsuming(t *testing.T, path string) {
	s := openAt(t, path, nil, BatchSize(2))
	fill(t, s, 6)
	batches := 0
	err := s.Drain(t.Context(), "test", func(context.Context, []store.Change) []store.Failure {
		if batches++; batches == 2 {
			put(t, s, row("06"))
			self, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = self.Kill()
			}
			t.Error(err)
			select {}
		}
		return nil
	})
	t.Fatal("still alive", err)
}

// TestCursorsShareCommits has a consumer follow writers: how far it is takes no commit of
// its own while there are others, and one when there are none.
func TestCursorsShareCommits(t *testing.T) {
	s := open(t, nil, BatchSize(1))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	handled, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- s.Consume(ctx, "test", func(context.Context, []store.Change) []store.Failure {
			handled <- struct{}{}
			return nil
		})
	}()
	const writes = 50
	for n := range writes {
		put(t, s, row(fmt.Sprint(n)))
		<-handled
	}
	for s.state.Load().done() < s.state.Load().changed { // the last one waits for no commit of others
		time.Sleep(time.Millisecond)
	}
	frames := s.journal.Read(1)
	count, alone := 0, 0
	for {
		frame, ok, err := frames.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		records, err := parseFrame(frame, s.words.Load())
		if err != nil {
			t.Fatal(err)
		}
		if count++; records[0].consumer != "" {
			alone++
		}
	}
	// One in the end, perhaps one when the consumer begins, and a few where this process stood still.
	if err := frames.Close(); err != nil || alone < 1 || alone > writes/2 {
		t.Errorf("%d of %d commits are of cursors alone, %v", alone, count, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestChangeComesAfterItsRow: a change that is on the disk, and whose row no reader sees
// yet, is not handed over.
func TestChangeComesAfterItsRow(t *testing.T) {
	s := open(t, nil)
	put(t, s, row("a", "n", "1"))
	seen := make(chan string, 2)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		ended <- s.Consume(ctx, "c", func(ctx context.Context, batch []store.Change) []store.Failure {
			for _, change := range batch {
				items, err := s.Get(ctx, change.Key)
				if err != nil || items[0] == nil {
					seen <- fmt.Sprint("change without its row ", err)
					continue
				}
				seen <- items[0]["n"].Text()
			}
			return nil
		})
	}()
	if got := <-seen; got != "1" {
		t.Fatal(got)
	}
	// The commit loop stops between the disk and the readers.
	s.publishing.Lock()
	publish := sync.OnceFunc(s.publishing.Unlock)
	defer publish()
	written := make(chan error, 1)
	before := s.journal.Next()
	go func() { written <- s.Write(t.Context(), store.Put(row("b", "n", "2"), store.Condition{})) }()
	for s.journal.Next() == before {
		time.Sleep(time.Millisecond)
	}
	s.wakeConsumers() // as another commit would
	select {
	case got := <-seen:
		t.Fatalf("the consumer was told of a change before the commit was done: %s", got)
	case <-time.After(50 * time.Millisecond):
	}
	publish()
	if err := <-written; err != nil {
		t.Fatal(err)
	}
	if got := <-seen; got != "2" {
		t.Error(got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestTrimBeginsCheckpoint: what the tables do not have waits for the size of a
// checkpoint, however many records of it consumers are done with. What they have and
// only cursors keep does not.
func TestTrimBeginsCheckpoint(t *testing.T) {
	s := openAt(t, filepath.Join(t.TempDir(), "table.db"), nil, NoSync(), func(o *options) { o.bytes, o.trim = 1<<40, 10 })
	var k taker
	drain := func() {
		t.Helper()
		if err := s.Drain(t.Context(), "c", k.handle); err != nil {
			t.Fatal(err)
		}
	}
	drain() // it exists from here on
	kept := s.kept.Load()
	fill(t, s, 30)
	drain()
	put(t, s, row("other"))
	if now := s.state.Load(); now.epoch != 0 || s.kept.Load() != kept {
		t.Errorf("a checkpoint has begun: epoch %d, kept from %d", now.epoch, s.kept.Load())
	}
	if err := s.checkpointNow(); err != nil {
		t.Fatal(err)
	}
	kept = s.kept.Load()
	for n := range 30 {
		put(t, s, row(fmt.Sprintf("more %02d", n)))
	}
	if err := s.checkpointNow(); err != nil || s.kept.Load() > kept+1 {
		t.Fatalf("kept from %d after %d, which the consumer is not done with; %v", s.kept.Load(), kept, err)
	}
	drain()
	put(t, s, row("another"))
	for end := time.Now().Add(10 * time.Second); s.kept.Load() < kept+30; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("kept from %d after %d; no checkpoint has begun", s.kept.Load(), kept)
		}
	}
}
