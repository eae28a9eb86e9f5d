package statistics

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// pause is how long a test is left alone after it was looked at: what it costs to look does not
// grow with the records that are drawn.
const pause = 10 * time.Minute

// idle is the pause of a test that the sequence does not go by at present.
const idle = 24 * time.Hour

// experiment is a test that is under way. Its row of segue_experiment is due until it is decided.
type experiment struct {
	sequence name.SequenceID
	test     sequence.StepID
}

func (e experiment) ref() rows.Ref {
	return rows.Ref{Table: name.Experiment, ID: guid.Derive("experiment", string(e.sequence), string(e.test))}
}

// begin makes the rows of the tests that connections have drawn from, where they are not there
// and not decided.
func (u *unit) begin(ctx context.Context) error {
	tests := slices.SortedFunc(maps.Keys(u.experiments), func(a, b experiment) int {
		return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.test, b.test))
	})
	for _, e := range tests {
		known, err := u.sequences.Sequence(ctx, e.sequence)
		if err != nil {
			return err
		}
		if _, decided := known.Verdicts[e.test]; decided || known.ID == "" {
			continue
		}
		found, err := u.tx.Load(ctx, e.ref())
		if err != nil {
			return err
		}
		if found[0] != nil {
			continue
		}
		u.tx.Create(u.tx.Schema().Table(name.Experiment), e.ref().ID, map[string]schema.Value{
			name.SegueOf: schema.Text(string(e.sequence)), name.SegueStep: schema.Text(string(e.test)), name.SegueDueon: schema.Time(u.tx.Now().Add(pause)),
		})
	}
	return nil
}

// TakeUp looks at a test that is due, as a [sales.DueHandler]: it ends when its day has come, or
// where it has none, when one side wins.
func (s *Statistics) TakeUp(ctx context.Context, due *rows.Row) error {
	e := experiment{name.SequenceID(due.Text(name.SegueOf)), sequence.StepID(due.Text(name.SegueStep))}
	known, err := s.sequences.Read(ctx, e.sequence)
	if err != nil {
		return err
	}
	_, decided := known.Verdicts[e.test]
	if known.ID == "" || decided {
		return s.over(ctx, e, nil)
	}
	at, there := known.Definition.Find(e.test)
	if !known.Active || !there || known.Definition.Steps[at].Test == nil {
		return s.putOff(ctx, e, idle, 0)
	}
	test := *known.Definition.Steps[at].Test
	sides, err := s.sides(ctx, known, e.test)
	if err != nil {
		return err
	}
	now := s.db.Now()
	verdict := sequence.TestVerdict{State: sequence.TestEnded, Sides: sides, On: now, Branch: test.Default}
	level := significance
	if test.Until.IsZero() {
		var look bool
		if look, level = lookAt(sides, due.Int(name.SegueLooks)); !look {
			return s.putOff(ctx, e, pause, 0)
		}
	} else if !test.Over(now) {
		return s.putOff(ctx, e, min(pause, test.Until.Sub(now)), 0)
	}
	found := Conclude(sides, level)
	verdict.P, verdict.Winner = found.P, found.Winner
	switch {
	case found.Winner != "":
		verdict.Branch = branchOf(found.Winner)
	case test.Until.IsZero(): // it goes on
		return s.putOff(ctx, e, pause, 1)
	}
	return s.over(ctx, e, &verdict)
}

// branchOf is the branch of a test by its name.
func branchOf(called string) sequence.Branch {
	if called == sequence.ABTest.Branch(sequence.B) {
		return sequence.B
	}
	return sequence.A
}

// putOff has a test looked at later; looks is how many looks it has had now.
func (s *Statistics) putOff(ctx context.Context, e experiment, wait time.Duration, looks int64) error {
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, e.ref())
		if err != nil || found[0] == nil {
			return err
		}
		found[0].Set(name.SegueDueon, schema.Time(tx.Now().Add(wait)))
		if looks > 0 {
			found[0].Set(name.SegueLooks, schema.Int(found[0].Int(name.SegueLooks)+looks))
		}
		return nil
	})
}

// over ends a test, with a verdict where it has none yet.
func (s *Statistics) over(ctx context.Context, e experiment, verdict *sequence.TestVerdict) error {
	return s.db.Do(ctx, "", func(tx *rows.Tx) error {
		found, err := tx.Load(ctx, e.ref(), rows.RefTo(name.Sequence, e.sequence))
		if err != nil {
			return err
		}
		if found[0] != nil {
			tx.Delete(found[0])
		}
		if verdict == nil || found[1] == nil || authoring.Deleting(found[1]) {
			return nil
		}
		return setVerdict(found[1], e.test, *verdict)
	})
}

// setVerdict writes the verdict of a test into the row of its sequence, where there is none.
func setVerdict(row *rows.Row, test sequence.StepID, verdict sequence.TestVerdict) error {
	verdicts, err := sequence.ReadVerdicts(row.Text(name.SegueTestverdicts))
	if err != nil {
		return err
	}
	if _, decided := verdicts[test]; decided {
		return nil
	}
	verdicts[test] = verdict
	text, err := json.Marshal(verdicts)
	if err != nil {
		return fmt.Errorf("verdict of %s: %w", test, err)
	}
	row.Set(name.SegueTestverdicts, schema.Text(string(text)))
	return nil
}

// sides is how the sides of a test stand, of all versions of its sequence.
func (s *Statistics) sides(ctx context.Context, known authoring.Sequence, test sequence.StepID) ([2]sequence.Side, error) {
	byVersion, err := s.totals(ctx, known.ID, versionsUpTo(known.Definition.Version))
	if err != nil {
		return [2]sequence.Side{}, err
	}
	return sidesOf(sum(byVersion), test), nil
}

// sidesOf reads the sides of a test from counts.
func sidesOf(counts Counts, test sequence.StepID) (sides [2]sequence.Side) {
	kinds := counts[keyOf(test)]
	for _, branch := range []sequence.Branch{sequence.A, sequence.B} {
		called := sequence.ABTest.Branch(branch)
		sides[branch] = sequence.Side{Records: kinds[called], Successes: kinds[wonBy(called)]}
	}
	return sides
}

// StopIn ends a test by hand, in a unit of work that holds the row of its sequence: who comes
// later takes the branch given, or with "" the default.
func (s *Statistics) StopIn(ctx context.Context, row *rows.Row, test sequence.StepID, branch string) error {
	known, err := s.sequences.Read(ctx, name.SequenceID(row.ID))
	if err != nil {
		return err
	}
	at, there := known.Definition.Find(test)
	if !there || known.Definition.Steps[at].Test == nil {
		return sales.Refuse(sales.Invalid, "sequence %q (%s) has no A/B test %s in the version in use", known.Name, row.ID, test)
	}
	if _, decided := known.Verdicts[test]; decided {
		return sales.Refuse(sales.Precondition, "the test %q has ended", known.Definition.Steps[at].Name)
	}
	sides, err := s.sides(ctx, known, test)
	if err != nil {
		return err
	}
	verdict := sequence.TestVerdict{State: sequence.TestStopped, Branch: known.Definition.Steps[at].Test.Default, P: Fisher(sides[sequence.A], sides[sequence.B]), Sides: sides, On: s.db.Now()}
	switch branch {
	case "":
	case sequence.ABTest.Branch(sequence.A), sequence.ABTest.Branch(sequence.B):
		verdict.Branch = branchOf(branch)
	default:
		return sales.Refuse(sales.Invalid, "the branch %q is neither a nor b", branch)
	}
	return setVerdict(row, test, verdict)
}
