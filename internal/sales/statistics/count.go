package statistics

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales/mailing"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// place names a row of counts, but for its shard.
type place struct {
	epoch    int64
	sequence name.SequenceID
	version  int64
}

// in is the row of counts of a place in a shard.
func (p place) in(shard int) rows.Ref {
	return rows.Ref{Table: name.SequenceStatistic, ID: guid.Derive("statistic", fmt.Sprint(p.epoch), string(p.sequence), fmt.Sprint(p.version), fmt.Sprint(shard))}
}

// epochs is which counts are read, and which are being made.
type epochs struct {
	Current int64      `json:"current"`
	Next    int64      `json:"next,omitempty"`    // 0 where no recount is under way
	Job     name.JobID `json:"job,omitempty"`     // that makes the next one
	Counted int64      `json:"counted,omitempty"` // what the first round of the job has found
}

// epochsRef is the row that has them. It is of the table of counts, which is on no wire.
func epochsRef() rows.Ref {
	return rows.Ref{Table: name.SequenceStatistic, ID: guid.Derive("statistics", "epochs")}
}

func readEpochs(row *rows.Row) (e epochs, err error) {
	if row == nil {
		return e, nil
	}
	if err := json.Unmarshal([]byte(row.Text(name.SegueValues)), &e); err != nil {
		return e, fmt.Errorf("%v: stored %s: %w", row.Ref(), name.SegueValues, err)
	}
	return e, nil
}

// writing are the epochs that differences go to.
func (e epochs) writing() []int64 {
	if e.Next == 0 {
		return []int64{e.Current}
	}
	return []int64{e.Current, e.Next}
}

// count brings what connections are counted as up to what they are, in one transaction, and
// returns how many were not.
func (s *Statistics) count(ctx context.Context, subjects ...*subject) (wrong int, err error) {
	err = s.db.Do(ctx, "", func(tx *rows.Tx) error {
		u := unit{Statistics: s, tx: tx, deltas: map[place]Counts{}, experiments: map[experiment]bool{}}
		if err := u.load(ctx, subjects); err != nil {
			return err
		}
		wrong = 0
		for i, subject := range subjects {
			did, err := u.count(ctx, subject, u.marks[i])
			if err != nil {
				return err
			}
			if did {
				wrong++
			}
		}
		if err := u.begin(ctx); err != nil {
			return err
		}
		return u.write(ctx, shardOf(string(subjects[0].target)))
	})
	if err != nil {
		return 0, fmt.Errorf("count target %s and %d more: %w", subjects[0].target, len(subjects)-1, err)
	}
	return wrong, nil
}

// shardOf spreads over the rows of counts.
func shardOf(id string) int {
	h := fnv.New32a()
	_, _ = h.Write([]byte(id)) // never fails
	return int(h.Sum32() % schema.Shards)
}

// unit is one transaction of count.
type unit struct {
	*Statistics
	tx          *rows.Tx
	epochs      epochs
	marks       []*rows.Row
	deltas      map[place]Counts
	experiments map[experiment]bool // that connections have drawn from
}

// load reads marks, and after them what they tell of: whoever has counted something newer has
// then either been seen, or is in the way of the commit. The epochs come after the marks too, so
// that no mark is ahead of them.
func (u *unit) load(ctx context.Context, subjects []*subject) (err error) {
	var marks []rows.Ref
	refs := []rows.Ref{epochsRef()}
	for _, s := range subjects {
		marks = append(marks, rows.Ref{Table: name.CountedTarget, ID: string(s.target)})
		refs = append(append(refs, rows.RefTo(name.SequenceTarget, s.target)), s.steps...)
	}
	if u.marks, err = u.tx.Load(ctx, marks...); err != nil {
		return err
	}
	found, err := u.tx.Load(ctx, refs...)
	if err != nil {
		return err
	}
	u.epochs, err = readEpochs(found[0])
	return err
}

// count adds the difference of one connection, and reports whether it was not counted as it is.
func (u *unit) count(ctx context.Context, s *subject, row *rows.Row) (wrong bool, err error) {
	before, err := readMark(row)
	if err != nil {
		return false, err
	}
	after, of := before.clone(), s.sequence
	if row != nil {
		of = name.SequenceID(row.Text(name.SegueOf))
	}
	if target := u.tx.Held(rows.RefTo(name.SequenceTarget, s.target)); target != nil {
		view := sequence.Target{Row: target}
		after.setTarget(view)
		of = view.Sequence()
	}
	if of == "" || after.Status == 0 { // there neither is such a connection nor was it counted
		return false, nil
	}
	if err := u.setSteps(ctx, of, &after, s.steps); err != nil {
		return false, err
	}
	if err := u.judge(ctx, of, &after); err != nil {
		return false, err
	}
	text, err := json.Marshal(after)
	if err != nil {
		return false, fmt.Errorf("mark of %s: %w", s.target, err)
	}
	wrong = row == nil || row.Text(name.SegueValues) != string(text)
	writing := u.epochs.writing()
	newest := writing[len(writing)-1]
	if !wrong && row.Int(name.SegueEpoch) == newest {
		return false, nil
	}
	for _, epoch := range writing {
		// What is not in an epoch yet comes in as a whole.
		if row != nil && row.Int(name.SegueEpoch) >= epoch {
			u.add(epoch, of, before, -1)
		}
		u.add(epoch, of, after, 1)
	}
	values := map[string]schema.Value{
		name.SegueOf: schema.Text(string(of)), name.SegueEpoch: schema.Int(newest), name.SegueValues: schema.Text(string(text)),
	}
	if row == nil {
		u.tx.Create(u.tx.Schema().Table(name.CountedTarget), string(s.target), values)
	} else {
		row.SetAll(values)
	}
	return wrong, nil
}

// add adds what a mark counts for to the differences of an epoch, n times.
func (u *unit) add(epoch int64, of name.SequenceID, m mark, n int64) {
	for version, counts := range m.counts() {
		at := place{epoch, of, version}
		if u.deltas[at] == nil {
			u.deltas[at] = Counts{}
		}
		u.deltas[at].addAll(counts, n)
	}
}

// setSteps takes over what some steps of a connection are. What is not there stays as it was
// counted. Only where there is a test does it count what became of an email.
func (u *unit) setSteps(ctx context.Context, of name.SequenceID, m *mark, refs []rows.Ref) error {
	for _, ref := range refs {
		row := u.tx.Held(ref)
		if row == nil {
			continue
		}
		position := sequence.TargetStep{Row: row}.Position()
		facts := ""
		if position.Type == sequence.Email || position.Type == sequence.AutomatedEmail {
			tested, err := u.tested(ctx, of, position.Version)
			if err != nil {
				return err
			}
			if tested {
				send, err := u.tx.Load(ctx, rows.RefTo(name.SentEmail, mailing.SendID(name.SequenceTargetStepID(ref.ID))))
				if err != nil {
					return err
				}
				facts = factsOf(send[0])
			}
		}
		m.setStep(row, facts)
		for test := range (sequence.TargetStep{Row: row}).Picks() {
			u.experiments[experiment{of, test}] = true
		}
	}
	return nil
}

// factsOf is what the recipient of an email did, a letter each; row may be nil.
func factsOf(row *rows.Row) string {
	if row == nil {
		return ""
	}
	var facts strings.Builder
	for _, fact := range []struct{ column, letter string }{{name.SegueOpenedon, "o"}, {name.SegueClickedon, "c"}, {name.SegueRepliedon, "r"}} {
		if !row.Time(fact.column).IsZero() {
			facts.WriteString(fact.letter)
		}
	}
	return facts.String()
}

// judge notes which tests a connection has been a success of, by their metrics: that it came to
// the end of its path, or that an email in the branch that it drew was opened, clicked or replied
// to. A success stays one.
func (u *unit) judge(ctx context.Context, of name.SequenceID, m *mark) error {
	for _, at := range slices.Sorted(maps.Keys(m.Steps)) {
		drawn := m.Steps[at]
		if len(drawn.Picks) == 0 {
			continue
		}
		def, err := u.definition(ctx, of, drawn.Version)
		if err != nil {
			return err
		}
		if def == nil { // it is gone: what is known stays
			continue
		}
		for _, step := range def.Steps {
			branch, ok := drawn.Picks[keyOf(step.ID)]
			if ok && !slices.Contains(m.Won, keyOf(step.ID)) && m.meets(*def, step, branch) {
				m.Won = append(m.Won, keyOf(step.ID))
			}
		}
	}
	slices.Sort(m.Won)
	return nil
}

// meets reports whether a connection that has drawn a branch meets the metric of its test.
func (m mark) meets(def sequence.Definition, test sequence.Step, drawn string) bool {
	if test.Test == nil {
		return false
	}
	if test.Test.Metric == sequence.MetricCompleted {
		return m.Status == sequence.Completed
	}
	branch := sequence.A
	if drawn == sequence.ABTest.Branch(sequence.B) {
		branch = sequence.B
	}
	letter := test.Test.Metric[:1] // of opened, clicked, replied
	for _, step := range def.Steps {
		for _, marked := range m.Steps {
			if marked.Key == keyOf(step.ID) && strings.Contains(marked.Facts, letter) && def.Within(test.ID, branch, step.ID) {
				return true
			}
		}
	}
	return false
}

// write adds the differences to the rows of counts of a shard.
func (u *unit) write(ctx context.Context, shard int) error {
	var refs []rows.Ref
	var places []place
	for at, delta := range u.deltas {
		if len(delta) > 0 {
			places = append(places, at)
			refs = append(refs, at.in(shard))
		}
	}
	if len(refs) == 0 {
		return nil
	}
	found, err := u.tx.Load(ctx, refs...)
	if err != nil {
		return err
	}
	for i, at := range places {
		counts, err := readCounts(found[i])
		if err != nil {
			return err
		}
		counts.addAll(u.deltas[at], 1)
		text, err := json.Marshal(counts)
		if err != nil {
			return fmt.Errorf("counts of %s: %w", at.sequence, err)
		}
		if found[i] != nil {
			found[i].Set(name.SegueValues, schema.Text(string(text)))
			continue
		}
		u.tx.Create(u.tx.Schema().Table(name.SequenceStatistic), refs[i].ID, map[string]schema.Value{
			name.SegueOf: schema.Text(string(at.sequence)), name.SegueEpoch: schema.Int(at.epoch), name.SegueValues: schema.Text(string(text)),
		})
	}
	return nil
}

// definition returns a version of a sequence from the cache, nil where there is none to be had.
func (s *Statistics) definition(ctx context.Context, id name.SequenceID, version int64) (*sequence.Definition, error) {
	known, err := s.sequences.Sequence(ctx, id)
	if err != nil {
		return nil, err
	}
	if known.Active && (known.Definition.Version == version || version == 0) {
		return &known.Definition, nil
	}
	def, err := s.sequences.Version(ctx, id, version)
	if refused(err) {
		return nil, nil //nolint:nilnil // see above
	}
	return &def, err
}

// resolve finds the sequence of a connection of which only the target is known, and reports
// whether its version has a test.
func (s *Statistics) resolve(ctx context.Context, of *subject) (tested bool, err error) {
	found, err := s.db.Get(ctx, rows.RefTo(name.SequenceTarget, of.target))
	if err != nil || found[0] == nil {
		return false, err
	}
	target := sequence.Target{Row: found[0]}
	of.sequence = target.Sequence()
	return s.tested(ctx, of.sequence, target.Version())
}
