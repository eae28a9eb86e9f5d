package embed

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"segue/internal/store"
)

// TestFramesAreBounded queues more than one frame of the journal may hold.
func TestFramesAreBounded(t *testing.T) {
	const writes = 60
	s := open(t, nil)
	entered, release := make(chan struct{}), make(chan struct{})
	results := make(chan error, writes+1)
	go func() {
		results <- s.commit(s.queue, func(*unit) (refused, failed error) {
			close(entered)
			<-release
			return nil, nil
		})
	}()
	<-entered
	large := strings.Repeat("x", 390<<10)
	for n := range writes {
		go func() {
			results <- s.Write(t.Context(), store.Put(row(fmt.Sprint(n), "a", large), store.Condition{}))
		}()
	}
	for len(s.queue) < writes {
		runtime.Gosched()
	}
	close(release)
	for range writes + 1 {
		if err := <-results; err != nil {
			t.Error(err)
		}
	}
	frames := s.journal.Read(1)
	records := 0
	for {
		frame, ok, err := frames.Next()
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			break
		}
		records += frame.Count
		if len(frame.Payload) > maxFrame+store.MaxItemBytes {
			t.Errorf("a frame of %d records has %d bytes", frame.Count, len(frame.Payload))
		}
	}
	if err := frames.Close(); err != nil || records != writes {
		t.Errorf("%d records, want %d; %v", records, writes, err)
	}
}
