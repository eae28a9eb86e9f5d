package job_test

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Rows that cannot be worked on are counted with their reasons and hold up nothing:
// a refusal, a panic, an item that no row can be read from.
func TestRowsThatFail(t *testing.T) {
	const accounts = 40
	p := newPlace(t, accounts)
	p.mark.before = func(row *rows.Row) error {
		switch row.ID {
		case accountID(1):
			return errBroken
		case accountID(2):
			panic("no such thing")
		}
		return nil
	}
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	rowstest.Spoil(t, p.probe, rows.Ref{Table: name.Account, ID: accountID(3)})
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	j := s.job(t)
	failed, examined := j.Row.Int(name.SegueRowsfailed), j.Row.Int(name.SegueRowsexamined)
	if j.State() != sales.JobCompleted || failed != 3 || examined != accounts || j.Result() != `{"seen":37}` {
		t.Errorf("the job is %v with %d of %d rows failed and result %s", j.State(), failed, examined, j.Result())
	}
	reasons := j.Row.Text(name.SegueReason)
	for n, want := range map[int]string{1: errBroken.Error(), 2: "panic: no such thing", 3: name.Createdon} {
		line := lineWith(reasons, accountID(n))
		if !strings.Contains(line, want) {
			t.Errorf("of account %d it says %q, want %q in it", n, line, want)
		}
	}
}

// Of many failures a job tells the first ten reasons and the number.
func TestReasonsAreBounded(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	p.mark.before = func(*rows.Row) error { return errBroken }
	s := p.begin()
	s.run(t)
	j := s.job(t)
	if lines := strings.Count(j.Row.Text(name.SegueReason), "\n") + 1; lines != 10 || j.Row.Int(name.SegueRowsfailed) != accounts {
		t.Errorf("it tells %d reasons of %d failures", lines, j.Row.Int(name.SegueRowsfailed))
	}
}

// What another try can mend stops a task, fails no row, and is tried again.
func TestOutage(t *testing.T) {
	const accounts = 40
	p := newPlace(t, accounts)
	var down atomic.Int64
	p.mark.before = func(row *rows.Row) error {
		if down.Add(1) <= 12 {
			return sales.Refuse(sales.Unavailable, "row %s is busy", row.ID)
		}
		return nil
	}
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	tries := 0
	for err := s.finish(t.Context()); err != nil; err = s.queue.Drain(t.Context(), s.Handle) {
		if tries++; tries > 20 || !errors.Is(err, sales.Unavailable) {
			t.Fatalf("after %d tries: %v", tries, err)
		}
	}
	if tries == 0 {
		t.Error("no message was reported as failed")
	}
	p.isClean(t, s, accounts)
}

// A kind of another version of the program is left to it: the message comes again.
func TestUnknownKind(t *testing.T) {
	p := newPlace(t, 1)
	s := p.begin()
	err := s.db.Do(t.Context(), "", func(tx *rows.Tx) error {
		return sales.BeginJob(t.Context(), tx, sales.NewJob{ID: jobID, Kind: "future", Scans: []sales.Scan{{Table: name.Account}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.QueueOpen(t.Context()); err != nil || s.queue.Len() > 0 {
		t.Errorf("queue what is open: %v, %d messages", err, s.queue.Len())
	}
	failures := s.Handle(t.Context(), []queue.Message{{Body: fmt.Sprintf(`{"job":%q,"task":0}`, jobID)}, {Body: "no JSON"}})
	if len(failures) != 2 || !strings.Contains(failures[0].Err.Error(), "future") {
		t.Errorf("failures %v, want the kind named", failures)
	}
	if got := s.job(t).State(); got != sales.JobQueued {
		t.Errorf("the job is %v", got)
	}
}

// So is a job over a table that only another version has: nothing of it is queued.
func TestUnknownTable(t *testing.T) {
	p := newPlace(t, 1)
	s := p.begin()
	err := s.db.Do(t.Context(), "", func(tx *rows.Tx) error {
		return sales.BeginJob(t.Context(), tx, sales.NewJob{ID: jobID, Kind: "mark", Scans: []sales.Scan{
			{Table: name.Account, Small: true}, {Table: "new_record", Small: true},
		}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.QueueOpen(t.Context()); err != nil || s.queue.Len() > 0 {
		t.Errorf("queue what is open: %v, %d messages", err, s.queue.Len())
	}
	if err := s.LookAfter(t.Context(), s.job(t).Row); err == nil || sales.Transient(err) || s.queue.Len() > 0 {
		t.Errorf("look after it: %v, %d messages", err, s.queue.Len())
	}
	failures := s.Handle(t.Context(), []queue.Message{{Body: fmt.Sprintf(`{"job":%q,"task":0}`, jobID)}})
	if len(failures) != 1 || !strings.Contains(failures[0].Err.Error(), "new_record") {
		t.Errorf("failures %v, want the table named", failures)
	}
	if got := s.job(t).State(); got != sales.JobQueued {
		t.Errorf("the job is %v", got)
	}
}

// A job that nobody can tell what is left of fails, with the reason, and holds up no
// start; a resume goes through all rows once more.
func TestUnreadableProgress(t *testing.T) {
	for _, column := range []string{name.SegueOpen, name.SegueTally} {
		t.Run(column, func(t *testing.T) {
			const accounts = 20
			p := newPlace(t, accounts)
			s := p.begin()
			if err := s.start(t.Context()); err != nil {
				t.Fatal(err)
			}
			change(t, s, func(row *rows.Row) { row.Set(column, schema.Text("broken")) })
			if err := s.finish(t.Context()); err != nil {
				t.Errorf("the start fails: %v", err)
			}
			j := s.job(t)
			if j.State() != sales.JobFailed || !strings.Contains(j.Row.Text(name.SegueReason), column) {
				t.Fatalf("the job is %v because %q", j.State(), j.Row.Text(name.SegueReason))
			}
			setState(t, s, sales.JobQueued)
			s.whenDue(t)
			p.isClean(t, s, accounts)
		})
	}
}

// Nor does one whose row cannot be read at all.
func TestUnreadableJob(t *testing.T) {
	p := newPlace(t, 1)
	s := p.begin()
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	rowstest.Spoil(t, p.probe, rows.RefTo(name.Job, jobID))
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Errorf("the start fails: %v", err)
	}
}

// A job whose end fails is failed, with the reason; a resume goes through all rows
// once more.
func TestFailedJob(t *testing.T) {
	const accounts = 20
	p := newPlace(t, accounts)
	p.mark.finish = func(*rows.Tx) error { return errBroken }
	s := p.begin()
	s.run(t)
	j := s.job(t)
	if j.State() != sales.JobFailed || !strings.Contains(j.Row.Text(name.SegueReason), errBroken.Error()) {
		t.Fatalf("the job is %v: %s", j.State(), j.Row.Text(name.SegueReason))
	}
	p.mark.finish = nil
	setState(t, s, sales.JobQueued)
	if err := s.finish(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := clean(accounts)
	want.Examined = j.Row.Int(name.SegueRowsexamined) + accounts
	if d := cmp.Diff(want, p.outcome(s, accounts)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func lineWith(text, part string) string {
	for line := range strings.Lines(text) {
		if strings.Contains(line, part) {
			return line
		}
	}
	return ""
}
