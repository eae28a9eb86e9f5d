package job_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"segue/internal/probe"
	"segue/internal/queue"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/job"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// Tasks of a kind that is set aside wait in a queue of their own, first and later ones.
func TestAside(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	beside := queue.NewLocal(p.time)
	t.Cleanup(beside.Close)
	s.SetAside(beside)
	s.Register("mark", mark{s.db, &p.mark}, job.Settings{Aside: true})
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if own, aside := s.queue.Len(), beside.Len(); own != 0 || aside != 16 {
		t.Errorf("%d messages wait with the others and %d aside, want 0 and 16", own, aside)
	}
	if err := beside.Drain(t.Context(), s.Handle); err != nil {
		t.Fatal(err)
	}
	p.isClean(t, s, accounts)
}

// A kind goes by its own number of rows where it has one.
func TestRowsOfAKind(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	s.Register("mark", mark{s.db, &p.mark}, job.Settings{Rows: 1000, Chunk: 500})
	s.run(t)
	p.isClean(t, s, accounts)
	for _, call := range p.probe.Calls() {
		for i, key := range call.Keys {
			if rows.RefOf(key).Table == name.JobTask && call.Method == probe.Write && call.Ops[i] != store.OpCheck {
				t.Errorf("it saves how far task %v is", key)
			}
		}
	}
}

// seen is a kind that looks at rows as they are stored.
type seen struct {
	look func(rows.Change) error
}

// PrepareImages implements [sales.JobImageKind].
func (s seen) PrepareImages(context.Context, sales.Job) (sales.JobImageWork, error) {
	return func(_ context.Context, present rows.Change, tally *sales.JobTally) (bool, error) {
		tally.Add("seen", 1)
		return false, s.look(present)
	}, nil
}

// Finish implements [sales.JobImageKind].
func (seen) Finish(context.Context, *rows.Tx, sales.Job, map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{}, nil
}

// A kind that is given rows as they are stored is given each, also those that cannot be
// read: whether it can do without is for it to say.
func TestImages(t *testing.T) {
	const accounts = 60
	p := newPlace(t, accounts)
	s := p.begin()
	names := make(chan string, accounts)
	s.RegisterImages("mark", seen{func(present rows.Change) error {
		v, err := present.New.Value(name.Name)
		text, _ := v.Text()
		names <- text
		return errors.Join(err, brokenOnly(present.Ref))
	}}, job.Settings{})
	s.run(t)
	close(names)
	got := map[string]bool{}
	for text := range names {
		got[text] = true
	}
	j := s.job(t)
	if examined, failed := j.Row.Int(name.SegueRowsexamined), j.Row.Int(name.SegueRowsfailed); len(got) != accounts || examined != accounts || failed != 1 {
		t.Errorf("%d rows were given, %d counted and %d failed", len(got), examined, failed)
	}
}

func brokenOnly(ref rows.Ref) error {
	if ref.ID == accountID(1) {
		return errBroken
	}
	return nil
}

// What a job's row shows while it runs: how fast it has been, how long it will take as it
// goes on, and what its kind has counted. Nothing of it is stored.
func TestShow(t *testing.T) {
	const accounts = 400
	p := newPlace(t, accounts)
	p.options = job.Options{Rows: 1000}
	s := p.begin()
	show := func() *rows.Row {
		t.Helper()
		row := s.job(t).Row
		if err := s.Rules().Show(t.Context(), []*rows.Row{row}); err != nil {
			t.Fatal(err)
		}
		return row
	}
	if err := s.start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.QueueOpen(t.Context()); err != nil {
		t.Fatal(err)
	}
	if row := show(); row.Int(name.SegueSecondsleft) != 0 || row.Text(name.SegueCounts) != "" {
		t.Errorf("before it has done anything it shows %v", row.Values())
	}
	p.time.Advance(10 * time.Second)
	batches := 0
	err := s.queue.Drain(t.Context(), func(ctx context.Context, messages []queue.Message) []queue.Failure {
		failures := s.Handle(ctx, messages)
		if batches++; batches > 1 {
			return failures
		}
		row := show()
		examined := row.Int(name.SegueRowsexamined)
		if got := row.Int(name.SegueRowspersecond); examined == 0 || got != examined/10 {
			t.Errorf("it shows %d rows a second after %d in 10 s", got, examined)
		}
		if got := row.Int(name.SegueSecondsleft); got != 6 { // of 16 tasks 10 are done
			t.Errorf("it shows %d s left, want 6", got)
		}
		if row.Text(name.SegueCounts) == "" {
			t.Error("it shows no counts")
		}
		return failures
	})
	if err != nil {
		t.Fatal(err)
	}
	if row := show(); row.Int(name.SegueSecondsleft) != 0 || row.Int(name.SegueRowspersecond) != accounts/10 {
		t.Errorf("at its end it shows %d s left, %d rows a second", row.Int(name.SegueSecondsleft), row.Int(name.SegueRowspersecond))
	}
}
