package sales_test

import (
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/sales/salestest/both"
	"segue/internal/schema/name"
)

// BenchmarkDue is due steps a second: b.N waits are over at once, and are found by the due list
// and closed, each with the step after it opened, 500 a second by a pass itself at most, which a
// virtual clock lets pass, and the rest by the queue.
func BenchmarkDue(b *testing.B) {
	run := func(b *testing.B, open func() changeStore) {
		b.Helper()
		c := clock.NewManual(salestest.Now())
		w := newWorldOn(b, open(), c.Now, boot.Options{Freshness: sales.Freshness{Clock: c}})
		sequence := w.Draft(1, `[{"type":"wait","name":"Wait","wait":{"hours":1}},{"type":"task","name":"Next"}]`)
		if err := w.Activate(sequence); err != nil {
			b.Fatal(err)
		}
		stock(b, w, nil)
		share(b, 16, func(n int) error {
			_, err := w.Connections.Connect(b.Context(), manager(), connection.Request{Record: rows.Ref{Table: "lead", ID: id("lead", n)}, Sequence: name.SequenceID(sequence)})
			return err
		})
		w.Settle()
		c.Advance(2 * time.Hour)
		b.ResetTimer()
		summary, err := w.Advance.Pass(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if _, err := w.Work(); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if got := summary.Handled + summary.Left; got != b.N {
			b.Errorf("%d of %d steps were taken up: %+v", got, b.N, summary)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "steps/s")
	}
	b.Run("embedded", func(b *testing.B) { run(b, func() changeStore { return salestest.OpenEmbedded(b) }) })
	b.Run("dynamodb", func(b *testing.B) { run(b, func() changeStore { return both.OpenDynamo(b) }) })
}
