package statistics

import (
	"context"
	"slices"
	"strconv"
	"time"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// MaxVersions is how many versions a report covers, the newest ones.
const MaxVersions = 50

// Report is what has become of the connections of a sequence.
type Report struct {
	AsOf      time.Time
	Reporting bool // all sequences are counted
	Targets   map[sequence.Status]int64
	Reasons   map[sequence.Reason]int64
	Steps     []Step // in the order of the newest version, then those of older ones
	Tests     []Test
}

// Step is what has become of a step.
type Step struct {
	ID                                       sequence.StepID
	Name                                     string
	Type                                     sequence.StepType
	Version                                  int64 // the newest one that has it
	InProgress, Completed, Skipped, Canceled int64
	Seconds                                  int64 // that those completed or skipped were open, together
}

// Mean is how long those completed or skipped were open on average; ok is false for none.
func (s Step) Mean() (mean time.Duration, ok bool) {
	done := s.Completed + s.Skipped
	if done == 0 {
		return 0, false
	}
	return time.Duration(s.Seconds/done) * time.Second, true
}

// Test is how an A/B test stands, or as what it ended.
type Test struct {
	ID      sequence.StepID
	Name    string
	Metric  string
	State   sequence.TestState
	Sides   [2]sequence.Side // as counted by now
	P       float64
	Enough  bool // records on each side, to claim something
	Verdict *sequence.TestVerdict
}

// Of returns the report of a sequence whose row the caller has read: of one version, or with 0 of
// the newest [MaxVersions] together. Counts are read as they are; they follow the changes of
// connections within seconds.
func (s *Statistics) Of(ctx context.Context, row *rows.Row, version int64) (Report, error) {
	view := sequence.Sequence{Row: row}
	id, newest := name.SequenceID(row.ID), view.Version()
	if view.IsVersion() {
		id, newest, version = view.Definition(), view.Version(), view.Version()
	}
	versions := versionsUpTo(newest)
	if version != 0 {
		if version < 1 || version > newest {
			return Report{}, sales.Refuse(sales.Invalid, "sequence %q has no version %d; the newest one is %d", view.Name(), version, newest)
		}
		versions = []int64{version}
	}
	values, err := s.settings.Get(ctx)
	if err != nil {
		return Report{}, err
	}
	byVersion, err := s.totals(ctx, id, versions)
	if err != nil {
		return Report{}, err
	}
	known, err := s.sequences.Read(ctx, id)
	if err != nil {
		return Report{}, err
	}
	counts := sum(byVersion)
	r := Report{AsOf: s.db.Now(), Reporting: values.Reporting, Targets: map[sequence.Status]int64{}, Reasons: map[sequence.Reason]int64{}}
	for kind, n := range counts[ofTargets] {
		status, _ := strconv.ParseInt(kind, 10, 64)
		r.Targets[sequence.Status(status)] = n
	}
	for kind, n := range counts[ofReasons] {
		reason, _ := strconv.ParseInt(kind, 10, 64)
		r.Reasons[sequence.Reason(reason)] = n
	}
	return r, s.addSteps(ctx, &r, known, id, versions, counts)
}

// addSteps adds the steps and tests that the versions have, the newest first.
func (s *Statistics) addSteps(ctx context.Context, r *Report, known authoring.Sequence, id name.SequenceID, versions []int64, counts Counts) error {
	seen := map[sequence.StepID]bool{}
	for _, version := range versions {
		def, err := s.definition(ctx, id, version)
		if err != nil {
			return err
		}
		if def == nil { // nothing keeps what it was
			continue
		}
		for _, step := range def.Steps {
			if seen[step.ID] {
				continue
			}
			seen[step.ID] = true
			if step.Test != nil {
				r.Tests = append(r.Tests, testOf(step, known, counts))
				continue
			}
			kinds := counts[keyOf(step.ID)]
			of := func(status sequence.StepStatus) int64 { return kinds[strconv.FormatInt(int64(status), 10)] }
			r.Steps = append(r.Steps, Step{
				ID: step.ID, Name: step.Name, Type: step.Type, Version: version, Seconds: kinds[secondsOf],
				InProgress: of(sequence.StepOpen), Completed: of(sequence.StepCompleted), Skipped: of(sequence.StepSkipped), Canceled: of(sequence.StepCancelled),
			})
		}
	}
	return nil
}

func testOf(step sequence.Step, known authoring.Sequence, counts Counts) Test {
	t := Test{ID: step.ID, Name: step.Name, Metric: step.Test.Metric, State: sequence.TestInProgress, Sides: sidesOf(counts, step.ID)}
	c := Conclude(t.Sides, significance)
	t.P, t.Enough = c.P, c.Enough
	if verdict, ended := known.Verdicts[step.ID]; ended {
		t.State, t.Verdict = verdict.State, &verdict
	} else if !known.Active {
		t.State = sequence.TestDraft
	}
	return t
}

// versionsUpTo are the newest versions, the newest first.
func versionsUpTo(newest int64) (versions []int64) {
	for v := newest; v > max(0, newest-MaxVersions); v-- {
		versions = append(versions, v)
	}
	return versions
}

// totals adds up the counts of versions of a sequence.
func (s *Statistics) totals(ctx context.Context, id name.SequenceID, versions []int64) (map[int64]Counts, error) {
	found, err := s.db.Get(ctx, epochsRef())
	if err != nil {
		return nil, err
	}
	e, err := readEpochs(found[0])
	if err != nil {
		return nil, err
	}
	return s.totalsIn(ctx, e.Current, id, versions)
}

// totalsIn is totals in an epoch.
func (s *Statistics) totalsIn(ctx context.Context, epoch int64, id name.SequenceID, versions []int64) (map[int64]Counts, error) {
	all := map[int64]Counts{}
	for some := range slices.Chunk(versions, 6) { // 96 rows a request
		var refs []rows.Ref
		for _, version := range some {
			for shard := range schema.Shards {
				refs = append(refs, place{epoch, id, version}.in(shard))
			}
		}
		found, err := s.db.Get(ctx, refs...)
		if err != nil {
			return nil, err
		}
		for i, row := range found {
			counts, err := readCounts(row)
			if err != nil {
				return nil, err
			}
			version := some[i/schema.Shards]
			if all[version] == nil {
				all[version] = Counts{}
			}
			all[version].addAll(counts, 1)
		}
	}
	return all, nil
}

// sum adds up versions.
func sum(byVersion map[int64]Counts) Counts {
	all := Counts{}
	for _, counts := range byVersion {
		all.addAll(counts, 1)
	}
	return all
}
