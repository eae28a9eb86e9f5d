package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"segue/internal/clock"
	"segue/internal/rows"
)

// printGrowth prints how the way from bytes to the winner grows: with the columns of a
// lead, and so with its bytes, and with those of them that are read.
func printGrowth(rounds int, each time.Duration) {
	for _, has := range []int{64, 200} {
		w := must(newWide(has))
		bytes := 0
		for _, payload := range w.payloads {
			bytes += len(payload)
		}
		for _, read := range []int{10, 64, 200} {
			if read > has {
				continue
			}
			must(0, w.read(read))
			took := medians([]func(int){func(n int) { w.decided(w.payloads[n%len(w.payloads)]) }}, rounds, each)
			change := bytes / len(w.leads)
			fmt.Printf("| event bytes → winner, %d of %d columns read, %d bytes | %s | | | %.2f ns a byte | ≤ linear in bytes |\n",
				read, has, change, per(took[0], perEvent), took[0]/perEvent/float64(change))
		}
	}
}

// newWide returns changes of leads of so many columns, without segments.
func newWide(columns int) (*workload, error) {
	const leads = 1000
	r := rand.New(rand.NewPCG(3, 4)) //nolint:gosec // the same draw each time
	w := &workload{}
	for round := 0; len(w.columns) < columns; round++ {
		for _, c := range columnsOf() {
			c.name = fmt.Sprintf("%s_%d", c.name, round)
			w.columns = append(w.columns, c)
		}
	}
	w.columns = w.columns[:columns]
	var err error
	if w.schema, err = loadSchema(w.columns); err != nil {
		return nil, err
	}
	w.table = w.schema.Table("bench_lead")
	w.db = rows.New(nil, w.schema, clock.Of(time.Now))
	w.leads = drawLeads(r, w.columns, leads)
	for n, l := range w.leads {
		w.items = append(w.items, item(w.table, w.columns, n, l))
	}
	w.payloads, err = payloads(r, w.table, w.columns, w.leads, w.items)
	return w, err
}

// read gives the workload segments that read only some of the columns, a condition each,
// which no lead meets.
func (w *workload) read(columns int) error {
	w.texts = nil
	for n := range segments {
		c := w.columns[n%columns].name
		w.texts = append(w.texts, fmt.Sprintf(`{"type":"and","items":[{"attribute":%q,"operator":"null"},{"attribute":%q,"operator":"not-null"}]}`, c, c))
	}
	var err error
	if w.catalogue, w.programs, err = w.ready(); err != nil {
		return err
	}
	w.reading = rows.NewReading(w.table, w.catalogue.Reads()...)
	return nil
}
