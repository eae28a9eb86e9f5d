// Package compare_test measures Segue beside PocketBase, over HTTP on loopback: Go and
// SQLite, which many would take in its place. scripts/bench-pocketbase.sh builds both and
// prints the table. Nothing is asserted but that every answer is what was asked for.
package compare_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The work of a row, twice for each product and in turn, is bounded by a count and a time.
const (
	callers = 16
	most    = 10 * time.Second
)

// row is a row of the table: what each of so many callers asks for, and how often in all.
type row struct {
	what       string
	callers    int
	operations int
	do         func(p product, n int) error
}

func rows() []row {
	return []row{
		{"create, 16 callers", callers, 3000, func(p product, _ int) error { return p.create() }},
		{"create, 1 caller", 1, 500, func(p product, _ int) error { return p.create() }},
		{"read one", callers, 3000, product.read},
		{"page of 50", callers, 1500, func(p product, _ int) error { return p.page("", "") }},
		{"filter by a column, first 50", callers, 600, func(p product, n int) error { return p.page(city(n), "") }},
		{"page of 50, sorted by a column", callers, 600, func(p product, _ int) error { return p.page("", "lastname") }},
	}
}

// product is one of those that are compared, as a client sees it.
type product interface {
	create() error
	read(n int) error
	// page reads 50 leads, of one city and sorted by a column unless these are "".
	page(city, column string) error
	// settle waits until what follows from what was written is done.
	settle() error
}

// BenchmarkPocketBase prints the table. SEGUE_POCKETBASE and SEGUE_BINARY are the two
// programs, SEGUE_BENCH_DIR a folder on a disk.
func BenchmarkPocketBase(b *testing.B) {
	if os.Getenv("SEGUE_POCKETBASE") == "" {
		b.Skip("SEGUE_POCKETBASE is not set: scripts/bench-pocketbase.sh sets it")
	}
	dir, err := os.MkdirTemp(os.Getenv("SEGUE_BENCH_DIR"), "compare")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	segue := startSegue(b, filepath.Join(dir, "segue"), true)
	without := startSegue(b, filepath.Join(dir, "without"), false)
	pocketbase := startPocketBase(b, filepath.Join(dir, "pocketbase"))
	fmt.Println("| operations a second, over HTTP | Segue | PocketBase | ratio | Segue without fsync | ratio |")
	fmt.Println("|---|---|---|---|---|---|")
	for _, row := range rows() {
		rates, err := row.measure(segue, pocketbase, without)
		if err != nil {
			b.Fatalf("%s: %v", row.what, err)
		}
		fmt.Println(row.line(rates[0], rates[1], rates[2]))
	}
	b.ReportMetric(0, "ns/op")
}

func (r row) line(segue, pocketbase, without float64) string {
	if segue == 0 {
		return fmt.Sprintf("| %s | not served yet | %.0f | | | |", r.what, pocketbase)
	}
	return fmt.Sprintf("| %s | %.0f | %.0f | %.2f | %.0f | %.2f |", r.what, segue, pocketbase, segue/pocketbase, without, without/pocketbase)
}

// measure has each product do the work of the row, there and back, and returns how many
// operations each did a second; 0 for one that does not serve it.
func (r row) measure(products ...product) ([]float64, error) {
	done, took := make([]int, len(products)), make([]time.Duration, len(products))
	order := make([]int, 0, 2*len(products))
	for n := range products {
		order = append(order, n)
	}
	for n := range products {
		order = append(order, len(products)-1-n)
	}
	for _, n := range order {
		began := time.Now()
		count, err := r.run(products[n])
		if notServed(err) {
			continue
		}
		if err == nil {
			err = products[n].settle()
		}
		if err != nil {
			return nil, err
		}
		done[n], took[n] = done[n]+count, took[n]+time.Since(began)
	}
	rates := make([]float64, len(products))
	for n := range products {
		if done[n] > 0 {
			rates[n] = float64(done[n]) / took[n].Seconds()
		}
	}
	return rates, nil
}

// run has the callers do the work of the row once, and returns how many operations they
// did.
func (r row) run(p product) (int, error) {
	end := time.Now().Add(most)
	var next, done atomic.Int64
	errs := make(chan error, r.callers)
	var crew sync.WaitGroup
	for range r.callers {
		crew.Go(func() {
			for n := int(next.Add(1)); n <= r.operations && time.Now().Before(end); n = int(next.Add(1)) {
				if err := r.do(p, n); err != nil {
					errs <- err
					return
				}
				done.Add(1)
			}
		})
	}
	crew.Wait()
	select {
	case err := <-errs:
		return 0, err
	default:
		return int(done.Load()), nil
	}
}

// lead returns the columns of the n-th lead. One in ten is for a segment with a sequence,
// and one in twenty is of a city.
func lead(n int) map[string]any {
	source := 7
	if isMember(n) {
		source = 8
	}
	return map[string]any{
		"subject": "Topic", "lastname": fmt.Sprint("Person ", n*7919%100_000), "companyname": "Example Ltd", "jobtitle": "Buyer",
		"emailaddress1": fmt.Sprint("person", n, "@example.com"), "telephone1": "+41 31 000 00 00",
		"address1_city": city(n), "leadsourcecode": source,
	}
}

func isMember(n int) bool { return n%10 == 0 }
func city(n int) string   { return fmt.Sprint("City ", n%20) }

// columns returns the names of a lead's columns.
func columns() []string {
	return strings.Fields("subject lastname companyname jobtitle emailaddress1 telephone1 address1_city leadsourcecode")
}
