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
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.etcd.io/bbolt"

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
func fill(t *testing.T, s *Store, n int) []string {
	t.Helper()
	var keys []string
	for i := range n {
		keys = append(keys, fmt.Sprintf("%02d", i))
		put(t, s, row(keys[i]))
	}
	return keys
}

// logLength is how many change records are kept.
func logLength(t *testing.T, s *Store) int {
	t.Helper()
	n := 0
	if err := s.db.View(func(tx *bbolt.Tx) error { n = bucket(tx, bucketLog).Stats().KeyN; return nil }); err != nil {
		t.Fatal(err)
	}
	return n
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

// TestBrokenHandlers has handlers that fail as a whole because of one change:
// it alone is parked.
func TestBrokenHandlers(t *testing.T) {
	for name, breakDown := range map[string]func() []store.Failure{
		"panic":        func() []store.Failure { panic("bad row") },
		"no such item": func() []store.Failure { return []store.Failure{{Index: 99, Err: errors.New("bad row")}} },
		"before first": func() []store.Failure { return []store.Failure{{Index: -1, Err: errors.New("bad row")}} },
	} {
		t.Run(name, func(t *testing.T) {
			s := open(t, nil, Attempts(3))
			want := slices.DeleteFunc(fill(t, s, 40), func(sk string) bool { return sk == "17" })
			done := map[string]bool{}
			deliveries := 0
			err := s.Drain(t.Context(), "test", func(_ context.Context, batch []store.Change) []store.Failure {
				deliveries++
				if slices.ContainsFunc(batch, func(c store.Change) bool { return c.Key.SK == "17" }) {
					return breakDown()
				}
				for _, c := range batch {
					done[c.Key.SK] = true
				}
				return nil
			})
			if err == nil || !strings.Contains(err.Error(), "1 changes parked") {
				t.Errorf("drain: got %v", err)
			}
			for _, sk := range want {
				if !done[sk] {
					t.Errorf("change of %s was lost", sk)
				}
			}
			parked, err := s.Parked(t.Context())
			if err != nil || len(parked) != 1 || parked[0].Change.Key.SK != "17" || parked[0].Attempts != 3 {
				t.Errorf("parked: %+v, error %v", parked, err)
			}
			if deliveries > 30 {
				t.Errorf("it took %d deliveries", deliveries)
			}
		})
	}
}

// TestManyFailures has every change fail some times, and two for ever.
func TestManyFailures(t *testing.T) {
	s := open(t, nil, Attempts(4), BatchSize(5))
	fill(t, s, 12)
	failed, done := map[string]int{}, map[string]bool{}
	err := s.Drain(t.Context(), "test", func(_ context.Context, batch []store.Change) (failures []store.Failure) {
		for n, c := range batch {
			if sk := c.Key.SK; sk == "03" || sk == "04" || failed[sk] < 2 {
				failed[sk]++
				failures = append(failures, store.Failure{Index: n, Err: nil})
				continue
			}
			done[c.Key.SK] = true
		}
		return failures
	})
	if err == nil || !errors.Is(err, errNoReason) {
		t.Errorf("drain: got %v", err)
	}
	parked, err := s.Parked(t.Context())
	if err != nil || len(parked) != 2 || len(done) != 10 {
		t.Errorf("%d parked and %d done, want 2 and 10; error %v", len(parked), len(done), err)
	}
	if n := logLength(t, s); n != 0 {
		t.Errorf("%d records are kept", n)
	}
}

func TestParkedAndRetry(t *testing.T) {
	now := clock.NewManual(time.Date(2026, 2, 3, 4, 5, 6, 0, time.UTC))
	path := filepath.Join(t.TempDir(), "table.db")
	s := openAt(t, path, nil, NoSync(), Clock(now), Attempts(1))
	put(t, s, row("1", "a", "old"))
	put(t, s, row("1", "a", "new"))
	reason := errors.New("first reason")
	fail := func(_ context.Context, batch []store.Change) []store.Failure {
		if len(batch) == 2 {
			return []store.Failure{{Index: 1, Err: reason}}
		}
		return []store.Failure{{Index: 0, Err: reason}}
	}
	if err := s.Drain(t.Context(), "test", fail); !errors.Is(err, reason) {
		t.Errorf("drain: got %v", err)
	}
	closeStore(t, s)

	s = openAt(t, path, nil, NoSync(), Clock(now))
	shown := func(reason string, attempts int) string {
		return fmt.Sprintf("1 test p/1 kind 2 old->new, %s, %d, %v", reason, attempts, now.Now())
	}
	check := func(want ...string) {
		t.Helper()
		parked, err := s.Parked(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range parked {
			var a [2]store.Value
			if err := errors.Join(p.Change.Old.Values([]string{"a"}, a[:1]), p.Change.New.Values([]string{"a"}, a[1:])); err != nil {
				t.Error(err)
			}
			got = append(got, fmt.Sprintf("%s %s %s/%s kind %d %s->%s, %s, %d, %v", p.ID, p.Consumer, p.Change.Key.PK, p.Change.Key.SK,
				p.Change.Kind, a[0].Text(), a[1].Text(), p.Reason, p.Attempts, p.At))
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("parked (-want +got):\n%s", d)
		}
	}
	check(shown("first reason", 1))
	reason = errors.New("second reason")
	now.Advance(time.Hour)
	if err := s.Retry(t.Context(), "1", fail); !errors.Is(err, reason) {
		t.Errorf("retry that fails: got %v", err)
	}
	check(shown("second reason", 2))
	if err := s.Retry(t.Context(), "1", func(context.Context, []store.Change) []store.Failure { panic("no") }); err == nil {
		t.Error("retry that panics succeeded")
	}
	check(shown("handler panicked: no", 3))
	var k taker
	if err := s.Retry(t.Context(), "1", k.handle); err != nil || len(k.batches) != 1 {
		t.Errorf("retry: handed over %v, error %v", k.batches, err)
	}
	check()
	for _, id := range []string{"1", "x", ""} {
		if err := s.Retry(t.Context(), id, k.handle); !errors.Is(err, store.ErrInvalid) {
			t.Errorf("retry of %q: got %v", id, err)
		}
	}
}

// TestKilled has another process killed while its handler runs: what it wrote
// is there, and what it did not acknowledge comes again.
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
	if got := sortKeys(t, s, "", "p"); got != "00 01 02 03 04 05" {
		t.Errorf("items: %q", got)
	}
	var k taker
	if err := s.Drain(t.Context(), "test", k.handle); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([][]string{{"02", "03", "04", "05"}}, k.batches); d != "" {
		t.Errorf("delivered again (-want +got):\n%s", d)
	}
}

// dieConsuming acknowledges the first batch and dies in the second.
func dieConsuming(t *testing.T, path string) {
	s := openAt(t, path, nil, BatchSize(2))
	fill(t, s, 6)
	batches := 0
	err := s.Drain(t.Context(), "test", func(context.Context, []store.Change) []store.Failure {
		if batches++; batches == 2 {
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
