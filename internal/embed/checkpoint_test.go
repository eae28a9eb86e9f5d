package embed

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"segue/internal/store"
)

// TestRecordsThatTablesLack writes as fast as it can beside a disk on which each
// checkpoint takes as long as it can: what the tables lack is bounded all the same.
func TestRecordsThatTablesLack(t *testing.T) {
	const size, most, rounds = 2000, 64 << 10, 6
	s := open(t, nil, func(o *options) { o.bytes = most })
	text := strings.Repeat("x", size)
	put(t, s, row("first", "text", text), row("second", "text", text)) // the names are known once there is a second
	var written atomic.Int64
	stop, stopped := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(stopped)
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
			}
			if err := s.Write(t.Context(), store.Put(row(fmt.Sprint(n), "text", text), store.Condition{})); err != nil {
				t.Error(err)
				return
			}
			written.Add(1)
			// one more than there is room for, and what a record has beside its text
			if lacking := (s.state.Load().last - s.applied.Load()) * size; lacking > 2*most+size {
				t.Errorf("the tables lack %d bytes of records, %.1f times what begins a checkpoint", lacking, float64(lacking)/most)
				return
			}
		}
	}()
	for end := s.state.Load().epoch + 2*rounds; s.state.Load().epoch < end && !t.Failed(); {
		tx, err := s.db.Begin(true)
		if err != nil {
			t.Error(err)
			break
		}
		for before := int64(-1); before != written.Load(); time.Sleep(20 * time.Millisecond) { // until it waits
			before = written.Load()
		}
		if err := tx.Rollback(); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	<-stopped
}
