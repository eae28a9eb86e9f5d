package sales_test

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// BenchmarkSize measures the product on an embedded store that already holds so many
// leads, with its fsync, and 16 callers. scripts/bench-million.sh prints it as a table.
//
//   - creates/s: each is evaluated beside them, one in ten into a segment with a
//     sequence; and how long after its request a create is evaluated, alone and so
//   - connects/s: what they change is followed as well
//   - evaluated/s: leads that wait, each for a segment, a connection and a first step
//   - MB-file: the closed store; MB-data: its keys and values
//   - s-start: until it is open again and has read its definitions; s-crash: until it is
//     open after a crash at the end of all this
//   - %-compact: what is left of its file when it is compacted then; s-compact: the time
//   - MB-memory: the most that the process had beside mapped files, meanwhile
//
// SEGUE_BENCH_LEADS is the sizes; SEGUE_BENCH_DIR a folder, which should be on a disk.
func BenchmarkSize(b *testing.B) {
	sizes := os.Getenv("SEGUE_BENCH_LEADS")
	if sizes == "" {
		b.Skip("SEGUE_BENCH_LEADS is not set: a million takes many minutes")
	}
	for text := range strings.FieldsSeq(sizes) {
		leads, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) { measureSize(b, leads) })
	}
}

// callers is how many create or connect at once, and spell how long.
const (
	callers = 16
	spell   = 15 * time.Second
)

func measureSize(b *testing.B, leads int) {
	dir, err := os.MkdirTemp(os.Getenv("SEGUE_BENCH_DIR"), "size")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	s := &sized{b: b, path: filepath.Join(dir, "segue.db")}
	s.open(embed.NoSync())
	b.Cleanup(s.close)
	s.fill(leads)
	b.ReportMetric(float64(s.data())/(1<<20), "MB-data")
	s.close()
	b.ReportMetric(float64(sizeOf(b, dir))/(1<<20), "MB-file")

	began := time.Now()
	s.open()
	s.create(1, upTo(1), member)
	s.drain()
	b.ReportMetric(time.Since(began).Seconds(), "s-start")

	most := watchMemory()
	s.following("alone", func() { s.create(1, upTo(300), oneInTen) })
	s.following("beside", func() {
		from, began := s.next, time.Now()
		s.create(callers, during(spell), oneInTen)
		b.ReportMetric(float64(s.next-from)/time.Since(began).Seconds(), "creates/s")
	})
	s.following("", func() { b.ReportMetric(s.connect(leads, during(spell)), "connects/s") })
	s.create(callers, upTo(5000), member)
	began = time.Now()
	s.drain()
	b.ReportMetric(5000/time.Since(began).Seconds(), "evaluated/s")
	b.ReportMetric(float64(most())/(1<<20), "MB-memory")
	s.crash()
	b.ReportMetric(0, "ns/op")
}

// crash copies the files of the open store, which is what a crash leaves, and reports how
// long the copy takes to open, and how large its file is before and after it is compacted.
func (s *sized) crash() {
	s.b.Helper()
	time.Sleep(3 * time.Second) // a checkpoint that is under way would change what is copied
	dir := filepath.Dir(s.path) + "-crashed"
	defer func() {
		if err := os.RemoveAll(dir); err != nil {
			s.b.Error(err)
		}
	}()
	if err := os.CopyFS(dir, os.DirFS(filepath.Dir(s.path))); err != nil {
		s.b.Fatal(err)
	}
	path := filepath.Join(dir, filepath.Base(s.path))
	began := time.Now()
	crashed, err := embed.Open(path, rows.Indexes())
	if err != nil {
		s.b.Fatal(err)
	}
	s.b.ReportMetric(time.Since(began).Seconds(), "s-crash")
	if err := crashed.Close(); err != nil {
		s.b.Fatal(err)
	}
	began = time.Now()
	before, after, err := embed.Compact(path)
	if err != nil {
		s.b.Fatal(err)
	}
	s.b.ReportMetric(100*float64(after)/float64(before), "%-compact")
	s.b.ReportMetric(time.Since(began).Seconds(), "s-compact")
}

// upTo and during return what ends a run: so many operations, so long.
func upTo(n int) func(int) bool { return func(done int) bool { return done < n } }

func during(d time.Duration) func(int) bool {
	end := time.Now().Add(d)
	return func(int) bool { return time.Now().Before(end) }
}

// The source of the n-th lead: one that a segment with a sequence reads, or none.
func member(int) int64   { return 8 }
func stranger(int) int64 { return 7 }
func oneInTen(n int) int64 {
	if n%10 == 0 {
		return member(n)
	}
	return stranger(n)
}

// sized is a store of some size.
type sized struct {
	b     *testing.B
	path  string
	store *embed.Store
	*boot.Parts
	next     int // number of the next lead
	sequence name.SequenceID
	arrivals *arrivals // nil while nobody waits for evaluations
}

func (s *sized) open(options ...embed.Option) {
	s.b.Helper()
	tables, err := schema.Default()
	if err == nil {
		s.store, err = embed.Open(s.path, rows.Indexes(), options...)
	}
	if err != nil {
		s.b.Fatal(err)
	}
	s.Parts = boot.Assemble(rows.New(s.store, tables, clock.System()), boot.Options{})
}

func (s *sized) close() {
	s.b.Helper()
	s.Local.Close()
	if err := s.store.Close(); err != nil {
		s.b.Fatal(err)
	}
}

// evaluating is the consumer of worlds. It is the only one here, as in a server.
const evaluating = "evaluate"

// oneConsumer is the store that is open, and refuses a world its other consumer, for
// which the log would be kept.
type oneConsumer struct{ of *sized }

func (s oneConsumer) Get(ctx context.Context, keys ...store.Key) ([]store.Item, error) {
	return s.of.store.Get(ctx, keys...)
}

func (s oneConsumer) Query(ctx context.Context, q store.Query) (store.Page, error) {
	return s.of.store.Query(ctx, q)
}

func (s oneConsumer) Write(ctx context.Context, ops ...store.Op) error {
	return s.of.store.Write(ctx, ops...)
}

func (s oneConsumer) Drain(ctx context.Context, consumer string, handle store.Handler) error {
	if consumer != evaluating {
		return nil
	}
	return s.of.store.Drain(ctx, consumer, handle)
}

// fill makes definitions and leads, and has all of them evaluated after that, as after
// an import without a server.
func (s *sized) fill(leads int) {
	w := salestest.NewOn(s.b, oneConsumer{s}, time.Now, boot.Options{})
	w.Territory()
	s.sequence = name.SequenceID(id("sequence", 2))
	s.create(callers, upTo(leads), stranger)
	s.drain()
}

// create creates leads while more says so of the number of those created.
func (s *sized) create(workers int, more func(int) bool, source func(int) int64) {
	from := s.next
	s.run(workers, more, func(n int) error {
		lead := id("lead", from+n)
		v := values{"subject": "Topic", "lastname": fmt.Sprint("Person ", n), "companyname": "Example Ltd",
			"jobtitle": "Buyer", "emailaddress1": fmt.Sprint("person", n, "@example.com"), "telephone1": "+41 31 000 00 00",
			"address1_city": "Basel", sources: source(n)}
		if s.arrivals != nil {
			s.arrivals.expect(lead)
		}
		_, err := s.Entities.Create(s.b.Context(), manager(), "lead", lead, schematest.Row(v))
		return err
	}, &s.next)
}

// connect connects leads, which are spread over the first ones, and returns how many a
// second.
func (s *sized) connect(leads int, more func(int) bool) float64 {
	began, done := time.Now(), 0
	step := max(1, leads/200_000)
	s.run(callers, func(n int) bool { return n*step < leads && more(n) }, func(n int) error {
		in := connection.Request{Record: rows.Ref{Table: "lead", ID: id("lead", n*step)}, Sequence: s.sequence}
		_, err := s.Connections.Connect(s.b.Context(), manager(), in)
		return err
	}, &done)
	return float64(done) / time.Since(began).Seconds()
}

// run has workers do operations 0, 1, … and adds how many there were to count.
func (s *sized) run(workers int, more func(int) bool, do func(n int) error, count *int) {
	var next, done atomic.Int64
	var crew sync.WaitGroup
	for range workers {
		crew.Go(func() {
			for n := int(next.Add(1)) - 1; more(n); n = int(next.Add(1)) - 1 {
				if err := do(n); err != nil {
					s.b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	crew.Wait()
	*count += int(done.Load())
}

// following runs do with the changes followed beside it, and to the end after it. With
// a name, it reports how long after its request each lead that do creates is evaluated.
func (s *sized) following(name string, do func()) {
	handle := s.Changes
	if name != "" {
		s.arrivals = &arrivals{at: map[string]time.Time{}}
		handle = s.arrivals.watch(handle)
	}
	from := s.next
	ctx, stop := context.WithCancel(s.b.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.store.Consume(ctx, evaluating, handle) }()
	do()
	if name != "" {
		took := s.arrivals.wait(s.b, s.next-from)
		slices.Sort(took)
		s.b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "ms-p50-"+name)
		s.b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "ms-p99-"+name)
		s.arrivals = nil
	}
	stop()
	if err := <-ended; err != nil {
		s.b.Fatal(err)
	}
	s.drain()
}

func (s *sized) drain() {
	s.b.Helper()
	if err := s.store.Drain(s.b.Context(), evaluating, s.Changes); err != nil {
		s.b.Fatal(err)
	}
}

// data returns the bytes of all items, and of the keys of their entries in indexes.
func (s *sized) data() (size int) {
	s.b.Helper()
	for _, t := range s.DB.Schema().Tables() {
		for shard := range schema.Shards {
			for q := (store.Query{Partition: fmt.Sprint(t.Name, "#", shard)}); ; {
				page, err := s.store.Query(s.b.Context(), q)
				if err != nil {
					s.b.Fatal(err)
				}
				for _, item := range page.Items {
					size += item.Size()
					for _, x := range rows.Indexes() {
						if _, in := item[x.PK]; in {
							size += len(item[x.PK].Text()) + len(item[x.SK].Text()) + len(item.Key().PK) + len(item.Key().SK)
						}
					}
				}
				if !page.More {
					break
				}
				q.After = page.Items[len(page.Items)-1].Key().SK
			}
		}
	}
	return size
}

// sizeOf returns the bytes of the files in a folder.
func sizeOf(b *testing.B, dir string) (size int64) {
	b.Helper()
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}

// watchMemory returns what ends the watch and returns the most anonymous memory that
// the process had, which is its memory beside mapped files; 0 where the system does
// not tell.
func watchMemory() (end func() int64) {
	stop, most := make(chan struct{}), make(chan int64)
	go func() {
		var highest int64
		for {
			status, _ := os.ReadFile("/proc/self/status") // Linux
			if _, after, ok := bytes.Cut(status, []byte("RssAnon:")); ok {
				if kb, err := strconv.ParseInt(string(bytes.Fields(after)[0]), 10, 64); err == nil {
					highest = max(highest, kb<<10)
				}
			}
			select {
			case <-time.After(100 * time.Millisecond):
			case <-stop:
				most <- highest
				return
			}
		}
	}()
	return func() int64 { close(stop); return <-most }
}
