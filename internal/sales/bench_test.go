package sales_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"segue/internal/boot"
	"segue/internal/embed"
	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/sales/salestest/both"
	"segue/internal/sales/segment"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// scripts/bench.sh runs these and prints one table.

// onStores runs a benchmark on the embedded store, with its fsync on every
// commit, and on the DynamoDB that the environment names.
func onStores(b *testing.B, run func(b *testing.B, w *world)) {
	b.Run("embedded", func(b *testing.B) {
		run(b, newWorldOn(b, salestest.OpenEmbedded(b), salestest.Now, boot.Options{}))
	})
	b.Run("dynamodb", func(b *testing.B) {
		run(b, newWorldOn(b, both.OpenDynamo(b), salestest.Now, boot.Options{}))
	})
}

// share lets workers do the b.N operations.
func share(b *testing.B, workers int, do func(n int) error) {
	var next atomic.Int64
	crowd(workers, func(int) {
		for n := int(next.Add(1)) - 1; n < b.N; n = int(next.Add(1)) - 1 {
			if err := do(n); err != nil {
				b.Error(err)
			}
		}
	})
}

// stock makes b.N leads.
func stock(b *testing.B, w *world, v values) {
	share(b, 16, func(n int) error {
		all := values{"subject": "Topic", "lastname": fmt.Sprint(n)}
		for column, value := range v {
			all[column] = value
		}
		_, err := w.Entities.Create(b.Context(), manager(), "lead", id("lead", n), schematest.Row(all))
		return err
	})
}

func BenchmarkConnect(b *testing.B) {
	for _, workers := range []int{1, 16} {
		b.Run(fmt.Sprintf("%d at once", workers), func(b *testing.B) {
			onStores(b, func(b *testing.B, w *world) {
				seq := w.Sequence(1, "lead")
				service := w.Plain(boot.Options{})
				stock(b, w, nil)
				b.ResetTimer()
				share(b, workers, func(n int) error {
					in := connection.Request{Record: rows.Ref{Table: "lead", ID: id("lead", n)}, Sequence: name.SequenceID(seq)}
					_, err := service.Connections.Connect(b.Context(), manager(), in)
					return err
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "connects/s")
			})
		})
	}
}

func BenchmarkEvaluate(b *testing.B) {
	for _, kind := range []struct {
		name   string
		source int64
	}{
		{"segment and connection", 8}, {"no segment", 7},
	} {
		b.Run(kind.name, func(b *testing.B) {
			onStores(b, func(b *testing.B, w *world) {
				w.Territory()
				w.Lead(b.N, values{sources: int64(7)})
				stock(b, w, values{sources: kind.source})
				changes := w.Fresh()
				service := w.Plain(boot.Options{})
				if failures := service.Changes(b.Context(), changes[:1]); len(failures) > 0 { // reads the definitions
					b.Fatal(failures)
				}
				b.ResetTimer()
				for batch := range chunks(changes[1:], 100) {
					if failures := service.Changes(b.Context(), batch); len(failures) > 0 {
						b.Fatal(failures)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "changes/s")
			})
		})
	}
}

func chunks(changes []store.Change, size int) func(yield func([]store.Change) bool) {
	return func(yield func([]store.Change) bool) {
		for len(changes) > 0 {
			n := min(size, len(changes))
			if !yield(changes[:n]) {
				return
			}
			changes = changes[n:]
		}
	}
}

// tenConditions are the conditions of a segment that no lead of the benchmarks
// meets and of which each has to be looked at.
func tenConditions(n int) string {
	columns := []string{"subject", "lastname", "companyname", "jobtitle", "address1_city"}
	var list []string
	for i := range 10 {
		list = append(list, fmt.Sprintf(`{"attribute":%q,"operator":%q,"values":["x%d"]}`,
			columns[i%5], []string{"eq", "begins-with"}[i/5], n))
	}
	return fmt.Sprintf(`{"type":"or","items":[%s]}`, strings.Join(list, ","))
}

var benchLead = values{"companyname": "Example", "jobtitle": "Buyer", "address1_city": "Bern"}

// BenchmarkDecide is one decision over 250 segments of 10 conditions each, all
// of which are looked at: alone, and as a change record goes through Evaluate.
func BenchmarkDecide(b *testing.B) {
	w := newWorldOn(b, salestest.OpenEmbedded(b, embed.NoSync()), salestest.Now, boot.Options{})
	var active []segment.Entry
	for n := range segment.MaxActive {
		w.Segment(n, tenConditions(n), "", nil)
		text := fmt.Sprintf(`{"type":"and","items":[%s]}`, tenConditions(n))
		group, err := filter.Parse(w.DB.Schema(), "lead", text)
		if err != nil {
			b.Fatal(err)
		}
		program, err := filter.Compile(w.DB.Schema(), "lead", group)
		if err != nil {
			b.Fatal(err)
		}
		active = append(active, segment.Entry{ID: name.SegmentID(id("segment", n)), Program: program})
	}
	w.Fresh()
	lead := w.Row("lead", w.Lead(1, benchLead).ID)
	change := w.Fresh()
	b.Run("pure", func(b *testing.B) {
		catalogue := segment.NewCatalogue("lead", nil, active, nil)
		b.ReportAllocs()
		for b.Loop() {
			if d, err := catalogue.Decide(lead, "", nil); err != nil || d.Status != segment.NoMatch {
				b.Fatal(d, err)
			}
		}
	})
	b.Run("change record", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if failures := w.Changes(b.Context(), change); len(failures) > 0 {
				b.Fatal(failures)
			}
		}
	})
}
