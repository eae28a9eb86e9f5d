// Package emf writes figures for CloudWatch as lines of a log, in its embedded metric
// format: CloudWatch makes metrics of them, at the price of the line. It counts what a
// batch of changes has led to, and how late a pass over the due list is, so that no part of the product knows of metrics.
//
// Invariant: one line a batch, whatever becomes of the batch, and one a pass that finds
// something due.
package emf

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"time"

	"segue/internal/clock"
	"segue/internal/store"
	"segue/internal/tally"
)

// The units of the format that are used.
const (
	count        = "Count"
	milliseconds = "Milliseconds"
)

// Writer writes the lines.
type Writer struct {
	Out       io.Writer // of the log; a line is one Write
	Namespace string    // of the metrics; they have no dimensions
	Clock     clock.Clock
}

// metric is a figure with its name and unit. Alarms and the dashboard of template.yaml
// go by the names.
type metric struct {
	name, unit string
	value      int64
}

// Batches returns a handler that does what h does and writes a line about each batch.
func (w Writer) Batches(h store.Handler) store.Handler {
	return func(ctx context.Context, changes []store.Change) []store.Failure {
		ctx, counted := tally.With(ctx)
		defer func() { // also when h panics
			w.write(ctx, w.figures(changes, counted))
		}()
		return h(ctx, changes)
	}
}

// DueAge writes a line with for how long the oldest row that is due has been due. It is written
// where something is due, so that an installation that rests pays for no metric.
func (w Writer) DueAge(ctx context.Context, age time.Duration) {
	w.write(ctx, []metric{{"DueAge", milliseconds, age.Milliseconds()}})
}

// figures are those of one batch.
func (w Writer) figures(changes []store.Change, counted *tally.Tally) []metric {
	metrics := []metric{
		{"Changes", count, int64(len(changes))},
		{"Evaluated", count, counted.Of(tally.Evaluated)},
		{"Connected", count, counted.Of(tally.Connected)},
		{"Moved", count, counted.Of(tally.Moved)},
		{"Conflicts", count, counted.Of(tally.Conflicts)},
		{"ParkedChanges", count, counted.Of(tally.Parked)},
		{"Retries", count, counted.Of(tally.Retries)},
		{"WriteUnits", count, counted.Of(tally.WriteUnits)},
	}
	if oldest, known := w.oldest(changes); known {
		metrics = append(metrics, metric{"Freshness", milliseconds, oldest.Milliseconds()})
	}
	return metrics
}

// oldest returns how long ago the oldest change of a batch was committed, to the second
// in which the stream has it.
func (w Writer) oldest(changes []store.Change) (age time.Duration, known bool) {
	now := w.Clock.Now()
	for _, c := range changes {
		if !c.At.IsZero() {
			age, known = max(age, now.Sub(c.At)), true
		}
	}
	return age, known
}

// directive tells CloudWatch what to make of a line.
type directive struct {
	Timestamp         int64 // in milliseconds
	CloudWatchMetrics []declared
}

type declared struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []definition
}

type definition struct{ Name, Unit string }

// write writes one line. A figure that is lost is no reason to fail a batch.
func (w Writer) write(ctx context.Context, metrics []metric) {
	said := declared{Namespace: w.Namespace, Dimensions: [][]string{{}}}
	line := map[string]any{}
	for _, m := range metrics {
		said.Metrics = append(said.Metrics, definition{m.name, m.unit})
		line[m.name] = m.value
	}
	line["_aws"] = directive{Timestamp: w.Clock.Now().UnixMilli(), CloudWatchMetrics: []declared{said}}
	text, err := json.Marshal(line)
	if err == nil {
		_, err = w.Out.Write(append(text, '\n'))
	}
	if err != nil {
		slog.WarnContext(ctx, "the figures of a batch are lost", "reason", err)
	}
}
