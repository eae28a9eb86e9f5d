//go:build unix

package embed

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"segue/internal/store"
)

// fullReport is what the process of TestFullDisk tells.
type fullReport struct {
	Acknowledged []int  // the writes that were
	Failure      string // what the first other one was told
	Full         bool   // it was ErrFull, and so ErrUnavailable
	Before       int    // writes acknowledged before nothing had space any more
	Delivered    int    // changes that the consumer has seen in the end
}

// TestFullDisk runs a store in a process that may not write files of more than a
// megabyte, until nothing has space any more, and then gives it space.
func TestFullDisk(t *testing.T) {
	const in = "SEGUE_TEST_FULL_DISK"
	if path := os.Getenv(in); path != "" {
		report, err := json.Marshal(fillDisk(t, path))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Printf("report:%s\n", report)
		return
	}
	path := filepath.Join(t.TempDir(), "table.db")
	command := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFullDisk$")
	command.Env = append(os.Environ(), in+"="+path)
	out, err := command.CombinedOutput()
	_, text, ok := strings.Cut(string(out), "report:")
	if err != nil || !ok {
		t.Fatalf("%v:\n%s", err, out)
	}
	text, _, _ = strings.Cut(text, "\n")
	var r fullReport
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	if !r.Full || !strings.Contains(r.Failure, "disk is full") || !strings.Contains(r.Failure, path) {
		t.Errorf("the write that found no space: %s", r.Failure)
	}
	if r.Before < 100 || len(r.Acknowledged) != r.Before+200 || r.Delivered < len(r.Acknowledged) {
		t.Errorf("%d writes, then none, then %d more; %d changes delivered\n%s", r.Before, len(r.Acknowledged)-r.Before, r.Delivered, out)
	}
	s := openAt(t, path, testIndexes(), NoSync())
	for _, n := range r.Acknowledged {
		found, err := s.Get(t.Context(), store.Key{PK: "p", SK: fmt.Sprint(n)})
		if err != nil || found[0] == nil {
			t.Fatalf("write %d was acknowledged and is lost: %v", n, err)
		}
	}
	if page, err := s.Query(t.Context(), store.Query{Partition: "p"}); err != nil || len(page.Items) != len(r.Acknowledged) && !page.More {
		t.Errorf("%d items, %v; %d writes were acknowledged", len(page.Items), err, len(r.Acknowledged))
	}
}

// fillDisk is the process of TestFullDisk.
func fillDisk(t *testing.T, path string) (r fullReport) {
	t.Helper()
	s := openAt(t, path, testIndexes(), NoSync(), Backoff(time.Millisecond))
	ctx, cancel := context.WithCancel(t.Context())
	seen := make(chan int, 1)
	go func() {
		delivered := 0
		err := s.Consume(ctx, "c", func(_ context.Context, batch []store.Change) []store.Failure {
			delivered += len(batch)
			return nil
		})
		if err != nil {
			t.Errorf("the consumer ended: %v", err)
		}
		seen <- delivered
	}()
	n := 0
	write := func() error {
		n++
		item := row(fmt.Sprint(n), "a", strings.Repeat("x", 2000), "gpk", "g", "gsk", fmt.Sprint(n))
		err := s.Write(ctx, store.Put(item, store.Condition{}))
		if err == nil {
			r.Acknowledged = append(r.Acknowledged, n)
		} else if r.Failure == "" {
			r.Failure, r.Full = err.Error(), errors.Is(err, store.ErrFull) && errors.Is(err, store.ErrUnavailable)
		}
		return err
	}
	limitFiles(t, 1<<20)
	for failed := 0; failed < 20; failed++ { // in a row
		if write() == nil {
			failed = 0
		}
	}
	r.Before = len(r.Acknowledged)
	limitFiles(t, 1<<40)
	for range 200 {
		_ = write() // the report tells
	}
	for ctx.Err() == nil { // until all is delivered
		if logLength(t, s) == 0 {
			break
		}
		time.Sleep(time.Millisecond)
	}
	cancel()
	r.Delivered = <-seen
	return r
}

// limitFiles sets how large files of this process may become.
func limitFiles(t *testing.T, size uint64) {
	t.Helper()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
	limit.Cur = min(size, limit.Max)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &limit); err != nil {
		t.Fatal(err)
	}
}
