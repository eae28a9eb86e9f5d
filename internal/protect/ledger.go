package protect

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

const (
	// slot is the part of a [Window] that a row counts.
	slot  = 100 * time.Second
	slots = int(Window/slot) + 1 // that a window may lie in

	// A limit is this many samples: the fewer, the cheaper and the less exact.
	requestSamples   = 75
	executionSamples = 50

	kept         = 24 * time.Hour // of a row
	exchangeEnds = time.Second    // how long sharing may take; a request may have to wait for it at its end
)

// ledger is the counts that processes share: a row a user and [slot], whose numbers are
// of samples. A sample stands for unit requests or unit time; 0: there is no limit, and
// nothing is shared.
type ledger struct {
	db   *rows.DB
	unit amount
}

// samples is which samples are due.
type samples struct{ request, execution bool }

func newLedger(db *rows.DB, limits Limits) *ledger {
	l := &ledger{db: db}
	if limits.Requests > 0 {
		l.unit.requests = max(1, limits.Requests/requestSamples)
	}
	if limits.Execution > 0 {
		l.unit.execution = max(time.Second, limits.Execution/executionSamples)
	}
	return l
}

// start returns what a process that begins to count a user has pending: a random part
// of a sample, so that on average all samples of all processes are what was asked for,
// however few requests each of them serves.
func (l *ledger) start(random func() float64) amount {
	return amount{int(random() * float64(l.unit.requests)), time.Duration(random() * float64(l.unit.execution))}
}

// due returns which samples are in what is pending.
func (l *ledger) due(pending amount) samples {
	return samples{
		request:   l.unit.requests > 0 && pending.requests >= l.unit.requests,
		execution: l.unit.execution > 0 && pending.execution >= l.unit.execution,
	}
}

// take takes a sample of each kind that is due out of what is pending.
func (l *ledger) take(pending *amount) samples {
	due := l.due(*pending)
	if due.request {
		pending.requests -= l.unit.requests
	}
	if due.execution {
		pending.execution -= l.unit.execution
	}
	return due
}

// exchange adds samples of a user and returns what all processes have counted in the
// window.
func (l *ledger) exchange(ctx context.Context, user name.UserID, now time.Time, s samples) ([]sample, error) {
	var columns []string
	if s.request {
		columns = append(columns, name.SegueRequests)
	}
	if s.execution {
		columns = append(columns, name.SegueExecutions)
	}
	table, current := l.db.Schema().Table(name.Usage), now.Truncate(slot)
	set := map[string]schema.Value{name.SegueUserid: schema.Text(string(user)), name.SegueExpireson: schema.Time(current.UTC().Add(kept))}
	if err := l.db.AddOne(ctx, table, usageID(user, current), set, columns...); err != nil {
		return nil, err
	}
	refs := make([]rows.Ref, slots)
	for i := range refs {
		refs[i] = rows.RefTo(name.Usage, name.UsageID(usageID(user, current.Add(-time.Duration(i)*slot))))
	}
	found, err := l.db.Get(ctx, refs...)
	if err != nil {
		return nil, fmt.Errorf("read what user %s has asked for: %w", user, err)
	}
	var told []sample
	for i, row := range found {
		if row == nil {
			continue
		}
		told = append(told, sample{current.Add(-time.Duration(i) * slot), amount{
			requests:  int(row.Int(name.SegueRequests)) * l.unit.requests,
			execution: time.Duration(row.Int(name.SegueExecutions)) * l.unit.execution,
		}})
	}
	return told, nil
}

// usageID returns the id of a user's row for a slot.
func usageID(user name.UserID, from time.Time) string {
	return string(user) + "#" + strconv.FormatInt(from.Unix(), 10)
}
