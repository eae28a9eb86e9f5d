package main

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/expr-lang/expr/vm"

	"segue/internal/filter/engine"
	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/store"
)

// contest is one line of the table: what is done for lead or event n by each.
type contest struct {
	what   string
	unit   float64 // leads, or changes, of one call
	ours   func(n int)
	others []contestant
}

type contestant struct {
	name string
	must string
	do   func(n int)
}

// print measures and prints the table.
func (w *workload) print(rounds int, each time.Duration) {
	fmt.Println("| what | ours | against | its time | ours / its | must |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, c := range w.contests() {
		run := []func(int){c.ours}
		for _, other := range c.others {
			run = append(run, other.do)
		}
		took := medians(run, rounds, each)
		for n, other := range c.others {
			fmt.Printf("| %s | %s | %s | %s | 1/%.1f | %s |\n", c.what, per(took[0], c.unit), other.name, per(took[n+1], c.unit), took[n+1]/took[0], other.must)
		}
	}
	printGrowth(rounds, each)
	fmt.Printf("| allocations per evaluation | %.2f | | | | 0 |\n", w.allocationsOfEvaluation())
	fmt.Printf("| allocations per change, decode and evaluate | %.2f | | | | ≤ 1 |\n", w.allocationsOfChange())
}

func per(nanoseconds, unit float64) string {
	return time.Duration(nanoseconds / unit).Round(time.Nanosecond).String()
}

// medians measures each in turn, several times, and returns nanoseconds a call: those of
// the processor, the collector of garbage included, so that what else the machine does
// counts less.
func medians(run []func(int), rounds int, each time.Duration) []float64 {
	all := make([][]float64, len(run))
	for range rounds {
		for n, do := range run {
			runtime.GC()
			calls, begun := 0, used()
			for used()-begun < each {
				for range 5 {
					do(calls)
					calls++
				}
			}
			all[n] = append(all[n], float64((used()-begun).Nanoseconds())/float64(calls))
		}
	}
	var found []float64
	for _, times := range all {
		slices.Sort(times)
		found = append(found, times[len(times)/2])
	}
	return found
}

// used returns the time of the processor that the program has used.
func used() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func (w *workload) contests() []contest {
	machine, leads := &vm.VM{}, len(w.leads)
	all := make([]int, 0, segments)
	return []contest{
		{"first match", 1, func(n int) { w.first(w.records[n%leads]) }, []contestant{
			{"cel-go", "1/15", func(n int) { firstCEL(w.cel, w.plain[n%leads]) }},
			{"expr", "1/10", func(n int) { w.firstExpr(machine, w.plain[n%leads]) }},
			{"naive tree over map[string]any", "1/4", func(n int) { w.firstNaive(w.plain[n%leads]) }},
		}},
		{"all matches", 1, func(n int) { all = w.all(w.records[n%leads], all[:0]) }, []contestant{
			{"cel-go", "1/15", func(n int) {
				for _, p := range w.cel {
					matchCEL(p, w.plain[n%leads])
				}
			}},
			{"expr", "1/10", func(n int) {
				for _, p := range w.expr {
					matchExpr(machine, p, w.plain[n%leads])
				}
			}},
		}},
		{"event bytes → typed records, both images", perEvent, func(n int) { w.typed(w.payloads[n%len(w.payloads)]) }, []contestant{
			{"events.DynamoDBEvent, encoding/json", "1/12", func(n int) { must(decodePeer(w.payloads[n%len(w.payloads)])) }},
		}},
		{"event bytes → winner", perEvent, func(n int) { w.decided(w.payloads[n%len(w.payloads)]) }, []contestant{
			{"events, encoding/json, cel-go", "1/15", func(n int) { must(w.winnersPeer(w.payloads[n%len(w.payloads)])) }},
		}},
		{"250 segments made ready", 1, func(int) { _, _, err := w.ready(); must(0, err) }, []contestant{
			{"cel-go", "1/6", func(int) { must(compileCEL(w.columns, w.sources)) }},
		}},
		{"stored row → winner", 1, func(n int) { w.scan(w.items[n%leads]) }, []contestant{
			{"cel-go", "1/10", func(n int) {
				firstCEL(w.cel, must(plainItem(w.table, w.columns, w.items[n%leads])))
			}},
		}},
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func (w *workload) first(r *engine.Record) int { return must(w.engine.First(r, 0)) }

func (w *workload) all(r *engine.Record, into []int) []int {
	for n := w.first(r); n < segments; n = must(w.engine.First(r, n+1)) {
		into = append(into, n)
	}
	return into
}

func (w *workload) firstExpr(machine *vm.VM, record map[string]any) int {
	for n, p := range w.expr {
		if matchExpr(machine, p, record) {
			return n
		}
	}
	return segments
}

func (w *workload) firstNaive(record map[string]any) int {
	for n := range w.naive {
		if w.naive[n].match(record) {
			return n
		}
	}
	return segments
}

// typed fills a record with each of both images of the changes of an event.
func (w *workload) typed(payload []byte) {
	must(0, w.each(payload, func(c rows.Change) error {
		w.engine.Load(c.Old, nil).Free()
		w.engine.Load(c.New, nil).Free()
		return nil
	}))
}

func (w *workload) decided(payload []byte) {
	must(0, w.decide(payload, func(segment.Decision) {}))
}

// scan decides a row as a store returns it.
func (w *workload) scan(i store.Item) {
	c := must(w.db.Change(store.Change{Kind: store.Insert, Key: i.Key(), New: i}))
	must(0, c.Read(w.reading))
	must(w.catalogue.Decide(c.New, "", nil))
	c.Forget()
}

func (w *workload) allocationsOfEvaluation() float64 {
	n := 0
	return testing.AllocsPerRun(len(w.leads), func() {
		w.first(w.records[n%len(w.leads)])
		n++
	})
}

func (w *workload) allocationsOfChange() float64 {
	n := 0
	return testing.AllocsPerRun(len(w.payloads), func() {
		w.decided(w.payloads[n%len(w.payloads)])
		n++
	}) / perEvent
}
