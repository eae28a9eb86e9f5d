package job

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"golang.org/x/sync/errgroup"

	"segue/internal/excerpt"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// maxReasons is how many failures a job tells the reasons of.
const maxReasons = 10

// maxReason is how many characters of a reason are kept: the column takes 10,000.
const maxReason = 900

// progress is what was counted of a task, or of a job.
type progress struct {
	examined, changed, failed int64
	reasons                   []string
	counts                    map[string]int64
}

func (p *progress) add(q progress) {
	p.examined += q.examined
	p.changed += q.changed
	p.failed += q.failed
	p.reasons = append(p.reasons, q.reasons...)
	p.reasons = p.reasons[:min(len(p.reasons), maxReasons)]
	for count, n := range q.counts {
		if p.counts == nil {
			p.counts = map[string]int64{}
		}
		p.counts[count] += n
	}
}

// progressOf reads the columns that a job and a task have in common; nil is none.
func progressOf(row *rows.Row) (progress, error) {
	if row == nil {
		return progress{}, nil
	}
	p := progress{
		examined: row.Int(name.SegueRowsexamined), changed: row.Int(name.SegueRowschanged), failed: row.Int(name.SegueRowsfailed),
	}
	if text := row.Text(name.SegueReason); text != "" {
		p.reasons = strings.Split(text, "\n")
	}
	if text := row.Text(name.SegueTally); text != "" {
		if err := json.Unmarshal([]byte(text), &p.counts); err != nil {
			return p, fmt.Errorf("%v: stored %s: %w", row.Ref(), name.SegueTally, err)
		}
	}
	return p, nil
}

// write sets the columns that progressOf reads.
func (p progress) write(row *rows.Row) error {
	row.Set(name.SegueRowsexamined, schema.Int(p.examined))
	row.Set(name.SegueRowschanged, schema.Int(p.changed))
	row.Set(name.SegueRowsfailed, schema.Int(p.failed))
	setText(row, name.SegueReason, strings.Join(p.reasons, "\n"))
	if len(p.counts) == 0 {
		row.Set(name.SegueTally, schema.Null())
		return nil
	}
	text, err := json.Marshal(p.counts)
	if err != nil {
		return fmt.Errorf("%v: %s: %w", row.Ref(), name.SegueTally, err)
	}
	row.Set(name.SegueTally, schema.Text(string(text)))
	return nil
}

func setText(row *rows.Row, column, text string) {
	if text == "" {
		row.Set(column, schema.Null())
		return
	}
	row.Set(column, schema.Text(text))
}

// pass is one visit of a task: what it found, and what it has done since.
type pass struct {
	message message
	task    int
	ref     rows.Ref
	version int64    // of the task's row when the pass began; 0: there was none
	cursor  string   // after which the next row is read
	did     progress // in this pass
	done    bool     // nothing is left to be read
	stopped error    // why it cannot go on for now
}

// overtaken reports whether the task's row, nil for none, is no longer as the pass
// found it.
func (p *pass) overtaken(row *rows.Row) bool {
	if row == nil {
		return p.version != 0
	}
	return row.Version != p.version
}

// cursorOf reads how far a task has come in a round; a row of an earlier round
// says nothing.
func cursorOf(row *rows.Row, round int64) string {
	if row == nil || row.Int(name.SegueRound) != round {
		return ""
	}
	return row.Text(name.SegueCursor)
}

// visit is one call of the handler for one job.
type visit struct {
	jobs   *Jobs
	job    sales.Job
	kind   kind
	scans  []sales.Scan
	work   work // nil: there is nothing left to do
	budget *budget
}

// run works on the rows of a task until they end, the budget does, or something
// cannot be done for now. Its error is that the task cannot be worked on at all.
func (v *visit) run(ctx context.Context, p *pass) error {
	if v.work == nil {
		p.done = true
		return nil
	}
	where, err := find(v.jobs.db.Schema(), v.job, v.scans, p.task)
	if err != nil {
		return err
	}
	for !p.done && !v.budget.spent() {
		list, err := v.work(ctx, v.jobs.db, where, p.cursor, cmp.Or(v.kind.Chunk, v.jobs.options.Chunk))
		var did progress
		if err == nil {
			did, err = v.workOn(ctx, list)
		}
		switch {
		case err == nil:
		case sales.Transient(err):
			p.stopped = err
			return nil
		default:
			return err
		}
		v.budget.rows -= max(list.seen, 1)
		p.did.add(did)
		p.cursor, p.done = list.next, list.next == ""
	}
	return nil
}

// workOn works on the rows of a piece, several at once. Its error is one that
// another try can mend; then nothing of the piece counts.
func (v *visit) workOn(ctx context.Context, part piece) (progress, error) {
	list := part.refs
	did, tally := progress{examined: int64(len(list) + len(part.broken))}, &sales.JobTally{}
	changed, failed := make([]bool, len(list)), make([]error, len(list))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(v.atOnce())
	for i, ref := range list {
		group.Go(func() (err error) {
			err = sales.Contain(func() (err error) {
				changed[i], err = part.do(groupCtx, i, tally)
				return err
			})
			if err != nil && sales.Transient(err) {
				return fmt.Errorf("%v: %w", ref, err)
			}
			failed[i] = err
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return progress{}, err
	}
	for _, broken := range part.broken {
		tally.Add(sales.JobUnreadable, 1)
		did.fail(ctx, broken.Ref, broken.Err)
	}
	for i, ref := range list {
		if changed[i] {
			did.changed++
		}
		if failed[i] != nil {
			tally.Add(sales.JobUndone, 1)
			did.fail(ctx, ref, failed[i])
		}
	}
	did.counts = tally.Counts()
	return did, nil
}

// fail counts a row that cannot be worked on, and logs why.
func (p *progress) fail(ctx context.Context, ref rows.Ref, err error) {
	p.add(progress{failed: 1, reasons: []string{reason(ref, err)}})
	slog.ErrorContext(ctx, "a job cannot work on a row", "table", ref.Table, "id", ref.ID, "reason", err, "stack", stackOf(err))
}

// stackOf is where a panic came from, "" for any other error.
func stackOf(err error) string {
	if panicked, ok := errors.AsType[*sales.PanicError](err); ok {
		return string(panicked.Stack)
	}
	return ""
}

func (v *visit) atOnce() int {
	if v.kind.AtOnce > 0 {
		return min(v.kind.AtOnce, v.jobs.options.AtOnce)
	}
	return v.jobs.options.AtOnce
}

// reason is a line of the column segue_reason.
func reason(ref rows.Ref, err error) string {
	return strings.ReplaceAll(fmt.Sprintf("%v: %s", ref, excerpt.Runes(rows.Readable(err.Error()), maxReason)), "\n", " ")
}
