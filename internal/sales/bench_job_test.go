package sales_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// BenchmarkArrive is the time from the arrival of a lead to its evaluation, a
// hundred a second, with nothing else to do and while a segment with 10,000 members
// is deleted: what the job costs those who come meanwhile.
func BenchmarkArrive(b *testing.B) {
	for _, members := range []int{0, 10_000} {
		title := "alone"
		if members > 0 {
			title = fmt.Sprintf("while %d members are unlinked", members)
		}
		b.Run(title+"/embedded", func(b *testing.B) { arrive(b, members) })
	}
}

func arrive(b *testing.B, members int) {
	file := salestest.OpenEmbedded(b)
	w := newWorldOn(b, file, time.Now, boot.Options{})
	crowded := w.Segment(1, web, "", nil)
	w.Segment(2, hot, w.Sequence(1, "lead"), nil)
	enrol(b, w, crowded, members)
	w.Settle()

	service := w.Plain(boot.Options{})
	arrivals := &arrivals{at: map[string]time.Time{}}
	running, stop := context.WithCancel(b.Context())
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := file.Consume(running, "evaluate", arrivals.watch(service.Changes)); err != nil {
			b.Error(err)
		}
	})
	parts.Go(func() { service.Local.Run(running, 1, service.Jobs.Handle) })
	defer parts.Wait()
	defer stop()
	if members > 0 {
		w.Remove("msdyn_segment", crowded)
	}
	b.ResetTimer()
	begun, n := time.Now(), 0
	var made sync.WaitGroup
	for ; n < b.N && (members == 0 || n%10 > 0 || unlinking(b, service)); n++ {
		time.Sleep(time.Until(begun.Add(time.Duration(n) * 10 * time.Millisecond)))
		lead := id("arrival", n)
		made.Go(func() {
			arrivals.expect(lead)
			v := values{"subject": "Topic", "lastname": lead, quality: int64(1)}
			if _, err := service.Entities.Create(b.Context(), manager(), "lead", lead, schematest.Row(v)); err != nil {
				b.Error(err)
			}
		})
	}
	made.Wait()
	took := arrivals.wait(b, n)
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99")
	b.ReportMetric(float64(n), "leads")
	b.ReportMetric(0, "ns/op") // the pace is given
}

// enrol makes members of a segment, past all rules.
func enrol(b *testing.B, w *world, segment string, members int) {
	b.Helper()
	table := w.DB.Schema().Table("lead")
	link := schema.Ref(link("msdyn_segment", segment))
	for from := 0; from < members; from += 80 {
		tx := w.DB.Begin("")
		for n := from; n < min(from+80, members); n++ {
			tx.Create(table, id("member", n), map[string]schema.Value{name.MsdynSegmentid: link, name.Statecode: schema.Int(0)})
		}
		if err := tx.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// unlinking reports whether there is a job that is not over, or none yet.
func unlinking(b *testing.B, parts *boot.Parts) bool {
	b.Helper()
	open, none := false, true
	for _, shard := range rows.ListPartitions(parts.DB.Schema().Table(name.Job)) {
		part, err := parts.DB.Read(b.Context(), parts.DB.Schema().Table(name.Job), shard, "", 0)
		if err != nil {
			b.Fatal(err)
		}
		for _, row := range part.Rows {
			none, open = false, open || (sales.Job{Row: row}).State().Open()
		}
	}
	return open || none
}

// arrivals is when leads arrived, and how long it took until they were evaluated.
type arrivals struct {
	mu   sync.Mutex
	at   map[string]time.Time
	took []time.Duration
}

func (a *arrivals) expect(lead string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.at[lead] = time.Now()
}

// watch is a handler that notes when an arrival has been evaluated.
func (a *arrivals) watch(handle store.Handler) store.Handler {
	return func(ctx context.Context, batch []store.Change) []store.Failure {
		failures := handle(ctx, batch)
		if len(failures) > 0 {
			return failures
		}
		a.mu.Lock()
		defer a.mu.Unlock()
		for _, change := range batch {
			if at, arrived := a.at[change.Key.SK]; arrived && change.Kind == store.Insert {
				a.took = append(a.took, time.Since(at))
				delete(a.at, change.Key.SK)
			}
		}
		return nil
	}
}

// wait waits until so many have been evaluated.
func (a *arrivals) wait(b *testing.B, n int) []time.Duration {
	b.Helper()
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		a.mu.Lock()
		took := a.took
		a.mu.Unlock()
		if len(took) == n {
			return took
		}
		if time.Since(begun) > 10*time.Minute {
			b.Fatalf("%d of %d leads were evaluated", len(took), n)
		}
	}
}
