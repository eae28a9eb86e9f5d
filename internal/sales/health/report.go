package health

import (
	"context"
	"log/slog"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

const (
	// Span is the time that a report is about.
	Span = 15 * time.Minute

	// A report reads at most this many rows of each shard of a table.
	perShard = 100
	// and of the rows of processes, of which there may be one a minute and process.
	processesPerShard = 1000
)

// Report is how the work goes.
type Report struct {
	At         time.Time
	Lanes      []LaneReport
	Parked     int  // changes that wait for somebody, as far as they were counted
	ParkedMore bool // there are more
	Limits     []sales.Use
}

// LaneReport is how the work of a lane goes.
type LaneReport struct {
	Lane     Lane
	Done     Histogram     // in [Span]
	Oldest   time.Duration // age of the oldest that is not done, as far as it is known
	Measured bool          // Oldest is what waits now; else the longest that anything took in the span
}

// Report reads how the work of all processes has gone; quotas are the limits of the
// product.
func (m *Monitor) Report(ctx context.Context, quotas ...sales.Quota) (Report, error) {
	r := Report{At: m.clock.Now().UTC()}
	done, err := m.done(ctx, r.At)
	if err != nil {
		return r, err
	}
	for l := range lanes {
		r.Lanes = append(r.Lanes, LaneReport{Lane: l, Done: done[l], Oldest: done[l].Most()})
	}
	if err := m.oldest(ctx, &r); err != nil {
		return r, err
	}
	if r.Parked, r.ParkedMore, err = m.each(ctx, name.ParkedChange, func(*rows.Row) {}); err != nil {
		return r, err
	}
	for _, quota := range quotas {
		use, err := quota.Use(ctx, m.db)
		if err != nil {
			return r, err
		}
		r.Limits = append(r.Limits, use)
	}
	return r, nil
}

// done merges what the processes have put, and what this one has not put yet.
func (m *Monitor) done(ctx context.Context, now time.Time) ([lanes]Histogram, error) {
	m.mu.Lock()
	sum := m.pending
	m.mu.Unlock()
	after := now.Add(-Span).Format(minute)
	for _, p := range rows.ListPartitions(m.table()) {
		part, err := m.db.Read(ctx, m.table(), p, after, processesPerShard)
		if err != nil {
			return sum, sales.Public(err)
		}
		for _, row := range part.Rows {
			for l := range lanes {
				h, err := parse(row.Text(l.column()))
				if err != nil { // it must not hide what all the others have put
					slog.WarnContext(ctx, "the figures of a minute cannot be read", "row", row.Ref(), "reason", err)
					continue
				}
				sum[l].Merge(h)
			}
		}
	}
	return sum, nil
}

// oldest fills in what waits now: the oldest entry of the due list, and the oldest job
// that is not done.
func (m *Monitor) oldest(ctx context.Context, r *Report) error {
	due, jobs := &r.Lanes[Timers], &r.Lanes[Tasks]
	due.Oldest, due.Measured = 0, true
	for shard := range schema.Shards {
		entries, _, err := m.db.ReadDue(ctx, shard, r.At, "", 1)
		if err != nil {
			return sales.Public(err)
		}
		for _, entry := range entries {
			if at, known := entry.At(); known {
				due.Oldest = max(due.Oldest, r.At.Sub(at))
			}
		}
	}
	jobs.Oldest, jobs.Measured = 0, true
	_, _, err := m.each(ctx, name.Job, func(row *rows.Row) {
		if (sales.Job{Row: row}).State().Open() {
			jobs.Oldest = max(jobs.Oldest, r.At.Sub(row.Time(name.Createdon)))
		}
	})
	return err
}

// each gives the rows of a table to f, of each shard the first ones, and returns how many
// they are and whether there are more.
func (m *Monitor) each(ctx context.Context, table string, f func(*rows.Row)) (n int, more bool, err error) {
	t := m.db.Schema().Table(table)
	for _, p := range rows.ListPartitions(t) {
		part, err := m.db.Read(ctx, t, p, "", perShard)
		if err != nil {
			return n, more, sales.Public(err)
		}
		for _, row := range part.Rows {
			f(row)
		}
		n, more = n+len(part.Rows), more || part.Next != ""
	}
	return n, more, nil
}
