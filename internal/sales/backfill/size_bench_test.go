package backfill_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// BenchmarkBackfill applies 50 segments to so many leads on the embedded store, with its
// fsync, in a process of its own that follows changes and works on jobs as a server does:
// once undisturbed, and once killed twice on the way, and compares what both come to. One
// lead in ten enters a segment and is connected, one in ten is a member already, the others
// match none. scripts/bench-million.sh prints it as a table.
//
//   - backfilled/s: leads; moved/s: those that enter; both of the undisturbed run
//   - killed-s: what the run that is killed takes, starts included
//   - MB-heap: the most that the process had on its heap; MB-heap-store: the same of one
//     that writes as many bytes to the store, in as many rows, and does nothing else
//
// SEGUE_BENCH_LEADS is the sizes; SEGUE_BENCH_DIR a folder, which should be on a disk.
func BenchmarkBackfill(b *testing.B) {
	sizes := os.Getenv("SEGUE_BENCH_LEADS")
	if sizes == "" {
		b.Skip("SEGUE_BENCH_LEADS is not set: a million takes many minutes")
	}
	for text := range strings.FieldsSeq(sizes) {
		leads, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(text, func(b *testing.B) {
			dir, err := os.MkdirTemp(os.Getenv("SEGUE_BENCH_DIR"), "backfill")
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() {
				if err := os.RemoveAll(dir); err != nil {
					b.Error(err)
				}
			})
			for unit, n := range measure(b, dir, leads) {
				b.ReportMetric(n, unit)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// asWorker is the variable of the environment that makes the binary of these tests a process
// that works on the store at that path; asWriter one that only writes to it.
const (
	asWorker = "SEGUE_TEST_BACKFILL"
	asWriter = "SEGUE_TEST_WRITE"
)

func TestMain(m *testing.M) {
	for variable, work := range map[string]func(path string) error{asWorker: workOn, asWriter: writeTo} {
		if path := os.Getenv(variable); path != "" {
			if err := work(path); err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			return
		}
	}
	os.Exit(m.Run())
}

// measure runs it on so many leads and returns what it took.
func measure(t testing.TB, dir string, leads int) map[string]float64 {
	t.Helper()
	clean, killed := filepath.Join(dir, "clean"), filepath.Join(dir, "killed")
	fill(t, clean, leads)
	if err := os.CopyFS(killed, os.DirFS(clean)); err != nil {
		t.Fatal(err)
	}

	whole, took, died := run(t, asWorker, clean, nil)
	if died || whole.Examined != int64(leads) || whole.Connected != int64(leads/10) {
		t.Fatalf("a clean run (died: %t) comes to %+v", died, whole)
	}
	var interrupted float64
	heap := whole.Heap
	for _, until := range []int64{1, 2, 0} { // thirds
		last, took, died := run(t, asWorker, killed, func(p report) bool { return until > 0 && p.Done >= until*p.Tasks/3 })
		if died != (until > 0) {
			t.Fatalf("the process died: %t, at %+v", died, last)
		}
		interrupted, heap = interrupted+took.Seconds(), max(heap, last.Heap)
	}
	one, two := stateAt(t, clean), stateAt(t, killed)
	if one.hash != two.hash || !maps.Equal(one.count, two.count) || one.count["connected"] != leads/10 {
		t.Errorf("a clean run comes to %v, one that is killed twice to %v", one, two)
	}
	alone, _, _ := run(t, asWriter, clean, nil)
	return map[string]float64{
		"backfilled/s": float64(leads) / took.Seconds(), "moved/s": float64(leads/10) / took.Seconds(), "clean-s": took.Seconds(),
		"killed-s": interrupted, "MB-heap": float64(heap) / (1 << 20), "MB-heap-store": float64(alone.Heap) / (1 << 20),
	}
}

// report is a line that a process prints.
type report struct {
	Done, Tasks, Examined, Entered, Connected, Failed int64
	Rate, Left                                        int64
	Ended                                             bool
	Heap                                              uint64 // the most so far
}

// run runs a process until it ends or kill says so, and returns the last that it printed.
func run(t testing.TB, as, path string, kill func(report) bool) (last report, took time.Duration, died bool) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary)
	command.Env, command.Stderr = append(os.Environ(), as+"="+path), os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	lines, told := bufio.NewScanner(out), time.Now()
	for lines.Scan() {
		if err := json.Unmarshal(lines.Bytes(), &last); err != nil {
			t.Fatal(err)
		}
		if time.Since(told) > 10*time.Second || last.Ended {
			told = time.Now()
			t.Logf("%d of %d tasks, %d leads, %d moved, %d connected, %d failed, %d/s, %d s left, heap at most %d MB",
				last.Done, last.Tasks, last.Examined, last.Entered, last.Connected, last.Failed, last.Rate, last.Left, last.Heap>>20)
		}
		if kill != nil && !died && kill(last) {
			died = true
			if err := command.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := command.Wait(); err != nil && !died {
		t.Fatal(err)
	}
	return last, time.Since(began), died
}

// opened is a store and the product on it.
type opened struct {
	*boot.Parts
	store *embed.Store
}

func open(path string, options ...embed.Option) (opened, error) {
	tables, err := schema.Default()
	if err != nil {
		return opened{}, err
	}
	if err := os.MkdirAll(path, 0o700); err != nil {
		return opened{}, err
	}
	on, err := embed.Open(filepath.Join(path, "segue.db"), rows.Indexes(), options...)
	if err != nil {
		return opened{}, err
	}
	return opened{boot.Assemble(rows.New(on, tables, clock.System()), boot.Options{}), on}, nil
}

const evaluating = "evaluate"

// How many definitions there are.
const sequences, segments = 5, 50

// fill makes a store of leads, and then active segments that nobody has evaluated them by.
func fill(t testing.TB, path string, leads int) {
	t.Helper()
	s, err := open(path, embed.NoSync())
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	write := func(table, id string, v values) {
		t.Helper()
		if _, _, err := s.Entities.Update(ctx, sales.Engine(), rows.Ref{Table: table, ID: id}, schematest.Row(v), entity.If{}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range sequences {
		write(name.Sequence, salestest.ID("sequence", n), values{"msdyn_name": fmt.Sprint("Sequence ", n), "msdyn_regardingentityname": name.Lead, "msdyn_definition": salestest.Steps})
		write(name.Sequence, salestest.ID("sequence", n), values{"statecode": int64(1)})
	}
	for n := range segments {
		write(name.Segment, salestest.ID("segment", n), values{
			"msdyn_name": fmt.Sprint("Segment ", n), "msdyn_objecttype": name.Lead, "msdyn_entityfilter": conditionsOf(n),
			"msdyn_sequence": salestest.Link(name.Sequence, salestest.ID("sequence", n%sequences)),
		})
	}
	done := func(_ context.Context, _ []store.Change) []store.Failure { return nil } // as if they had been followed
	settle := func() {
		t.Helper()
		if err := s.store.Drain(ctx, evaluating, done); err != nil {
			t.Fatal(err)
		}
	}
	table := s.DB.Schema().Table(name.Lead)
	for from := 0; from < leads; from += 50 {
		tx := s.DB.Begin("")
		for n := from; n < min(from+50, leads); n++ {
			tx.Create(table, salestest.ID("lead", n), leadOf(n))
		}
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		if from%100_000 == 0 {
			settle()
		}
	}
	for n := range segments {
		write(name.Segment, salestest.ID("segment", n), values{"statecode": int64(0)})
	}
	settle()
	s.Local.Close()
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
}

// conditionsOf are the conditions of the n-th segment: each on the source and some others.
func conditionsOf(n int) string {
	return salestest.Where(
		fmt.Sprintf(`{"attribute":"address1_postalcode","operator":"eq","values":["%04d"]}`, 8000+n),
		`{"attribute":"leadsourcecode","operator":"in","values":[7,8]}`,
		`{"type":"or","items":[{"attribute":"jobtitle","operator":"contains","values":["buyer"]},{"attribute":"companyname","operator":"begins-with","values":["Nobody"]}]}`,
		`{"attribute":"emailaddress1","operator":"not-null"}`,
		fmt.Sprintf(`{"attribute":"revenue","operator":"ge","values":[%d]}`, 1000+n),
	)
}

// leadOf is the n-th lead: of ten, the first two match a segment.
func leadOf(n int) map[string]schema.Value {
	source := int64(1)
	if n%10 < 2 {
		source = int64(7 + n%2)
	}
	row := schematest.Row(values{
		"subject": fmt.Sprint("Topic ", n), "firstname": "Ada", "lastname": fmt.Sprint("Person ", n), "companyname": "Example Ltd",
		"jobtitle": "Head Buyer", "emailaddress1": fmt.Sprintf("person%d@example.com", n), "telephone1": "+41 31 000 00 00",
		"address1_city": "Basel", "address1_postalcode": fmt.Sprintf("%04d", 8000+n%53), "revenue": decimal.NewFromInt(5000),
		"description": strings.Repeat("What they said on the phone. ", 20), sources: source, quality: int64(1 + n%3),
	})
	if n%10 < 2 {
		row["address1_postalcode"] = schema.Text(fmt.Sprintf("%04d", 8000+n%segments))
	}
	if n%10 == 1 {
		row[name.MsdynSegmentid] = schema.RefTo(name.Segment, name.SegmentID(salestest.ID("segment", n%segments)))
		row[name.SegueSequence] = schema.RefTo(name.Sequence, name.SequenceID(salestest.ID("sequence", n%segments%sequences)))
	}
	row[name.Statecode], row[name.Statuscode], row[name.SegueConnected] = schema.Int(0), schema.Int(1), schema.Bool(false)
	return row
}

// watchHeap notes the most that the process has on its heap, until stop.
func watchHeap() (most func() uint64) {
	var mu sync.Mutex
	var highest uint64
	look := func() uint64 {
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		mu.Lock()
		defer mu.Unlock()
		highest = max(highest, m.HeapInuse)
		return highest
	}
	go func() {
		for {
			look()
			time.Sleep(50 * time.Millisecond)
		}
	}()
	return look
}

// workOn follows changes and works on jobs as a server does, until a backfill has ended,
// which it begins if there is none.
func workOn(path string) error {
	most := watchHeap()
	s, err := open(path)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	job, err := s.beginOnce(ctx)
	if err != nil {
		return err
	}
	var parts sync.WaitGroup
	var failed error
	parts.Go(func() { failed = s.store.Consume(ctx, evaluating, s.Changes) })
	parts.Go(func() { s.Local.Run(ctx, 1, s.Jobs.Handle) })
	for ended := false; !ended; time.Sleep(100 * time.Millisecond) {
		row, err := s.Entities.Retrieve(ctx, sales.Engine(), rows.RefTo(name.Job, job))
		if err != nil {
			return err
		}
		ended = !(sales.Job{Row: row}).State().Open()
		if err := tell(row, most(), ended); err != nil {
			return err
		}
	}
	stop()
	parts.Wait()
	if failed == nil {
		failed = s.store.Drain(context.Background(), evaluating, s.Changes)
	}
	if err := s.store.Close(); err != nil {
		return err
	}
	return failed
}

func tell(row *rows.Row, heap uint64, ended bool) error {
	var counts struct{ Entered, Connected int64 }
	text := row.Text(name.SegueCounts)
	if ended {
		text = row.Text(name.SegueResult)
	}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &counts); err != nil {
			return err
		}
	}
	done, tasks := (sales.Job{Row: row}).Tasks()
	return json.NewEncoder(os.Stdout).Encode(report{
		Done: done, Tasks: tasks, Examined: row.Int(name.SegueRowsexamined), Entered: counts.Entered, Connected: counts.Connected,
		Failed: row.Int(name.SegueRowsfailed), Rate: row.Int(name.SegueRowspersecond), Left: row.Int(name.SegueSecondsleft), Ended: ended, Heap: heap,
	})
}

// beginOnce begins the backfill, or has the one that is there go on.
func (s opened) beginOnce(ctx context.Context) (id name.JobID, err error) {
	if err := s.Jobs.QueueOpen(ctx); err != nil {
		return "", err
	}
	page, err := s.DB.Read(ctx, s.DB.Schema().Table(name.Job), rows.ListPartitions(s.DB.Schema().Table(name.Job))[0], "", 0)
	for shard := 1; err == nil && len(page.Rows) == 0 && shard < schema.Shards; shard++ {
		page, err = s.DB.Read(ctx, s.DB.Schema().Table(name.Job), rows.ListPartitions(s.DB.Schema().Table(name.Job))[shard], "", 0)
	}
	if err != nil {
		return "", err
	}
	if len(page.Rows) > 0 {
		return name.JobID(page.Rows[0].ID), nil
	}
	err = s.DB.Do(ctx, "", func(tx *rows.Tx) (err error) {
		id, err = s.Backfill.BeginTable(ctx, tx, name.Lead)
		return err
	})
	return id, err
}

// writeTo writes to a store as much as a backfill does, and nothing else: of each lead that
// it would connect the lead itself and three rows more.
func writeTo(path string) error {
	most := watchHeap()
	s, err := open(path)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go func() {
		_ = s.store.Consume(ctx, evaluating, func(context.Context, []store.Change) []store.Failure { return nil })
	}()
	var crew sync.WaitGroup
	group := make(chan rows.Change)
	var failed error
	var once sync.Once
	for range 16 {
		crew.Go(func() {
			for present := range group {
				if err := s.writeLike(ctx, present); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	n := 0
	for _, shard := range rows.ListPartitions(s.DB.Schema().Table(name.Lead)) {
		for after, more := "", true; more; more = after != "" {
			read, err := s.DB.ReadImages(ctx, s.DB.Schema().Table(name.Lead), shard, after, 500)
			if err != nil {
				return err
			}
			for _, present := range read.List {
				if n++; n%10 == 0 {
					group <- present
				}
			}
			after = read.Next
		}
	}
	close(group)
	crew.Wait()
	if failed != nil {
		return failed
	}
	if err := json.NewEncoder(os.Stdout).Encode(report{Examined: int64(n), Ended: true, Heap: most()}); err != nil {
		return err
	}
	stop()
	return s.store.Close()
}

// writeLike writes a lead again, and three rows of the size of a target.
func (s opened) writeLike(ctx context.Context, present rows.Change) error {
	row, err := present.New.Row()
	if err != nil {
		return err
	}
	tx := s.DB.Begin("")
	tx.Hold(row)
	row.Touch()
	for n := range 3 {
		tx.Create(s.DB.Schema().Table(name.SequenceTarget), salestest.ID(row.ID, n), map[string]schema.Value{
			name.MsdynTarget: schema.Ref(salestest.Lookup(row.Ref())), name.MsdynCurrentstepdefinitionid: schema.Text(strings.Repeat("A", 300)),
		})
	}
	return tx.Commit(ctx)
}

// state is what a store has come to.
type state struct {
	hash  string // of where each lead is
	count map[string]int
}

func stateAt(t testing.TB, path string) state {
	t.Helper()
	s, err := open(path, embed.NoSync())
	if err != nil {
		t.Fatal(err)
	}
	hash, of := sha256.New(), state{count: map[string]int{}}
	for _, table := range []string{name.Lead, name.SequenceTarget, name.SequenceTargetStep, name.ParkedChange} {
		for _, shard := range rows.ListPartitions(s.DB.Schema().Table(table)) {
			for after, more := "", true; more; more = after != "" {
				read, err := s.DB.ReadImages(t.Context(), s.DB.Schema().Table(table), shard, after, 500)
				if err != nil {
					t.Fatal(err)
				}
				of.count[table] += len(read.List)
				for _, present := range read.List {
					if table == name.Lead {
						of.add(t, hash.Write, present)
					}
				}
				after = read.Next
			}
		}
	}
	of.hash = hex.EncodeToString(hash.Sum(nil))
	s.Local.Close()
	if err := s.store.Close(); err != nil {
		t.Fatal(err)
	}
	return of
}

// add adds a lead.
func (s state) add(t testing.TB, write func([]byte) (int, error), lead rows.Change) {
	t.Helper()
	line := []string{lead.Ref.ID}
	for _, column := range []string{name.MsdynSegmentid, name.SegueSequence, name.SegueConnected} {
		v, err := lead.New.Value(column)
		if err != nil {
			t.Fatal(err)
		}
		line = append(line, fmt.Sprint(v))
		if v == schema.Bool(true) {
			s.count["connected"]++
		}
	}
	if _, err := write([]byte(strings.Join(slices.Clone(line), " ") + "\n")); err != nil {
		t.Fatal(err)
	}
}
