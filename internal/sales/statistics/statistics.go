// Package statistics counts what becomes of the connections of a sequence and of its steps, and
// tells which side of an A/B test does better.
//
// For each connection there is a row of segue_countedtarget, the mark, which says as what it and
// its steps have been counted. One transaction writes the marks of up to [together] connections
// and, by the difference, the counts of their sequences and versions, in one of 16 rows each. So a
// change that comes again finds nothing to do. Counts are monotonic sums, so any of the 16 may
// take any difference: a batch of changes takes one.
//
// Counts belong to an epoch. A recount begins the next one, brings each connection into it by
// the same transaction, while differences go to both, and then has everybody read it.
//
// Where to find what: the changes that are followed are here, marks and sums in mark.go, the
// transaction in count.go, the recount in job.go, what is asked for in report.go, tests in
// fisher.go and experiment.go.
//
// Size: marks, counts, the recount and what is reported are one pair of rows and how it is
// written; the tests are decided by these counts alone.
//
// Invariant: the counts of an epoch are what the marks in it add up to, at each of their
// versions, and what the rows add up to when all changes have been followed
// (docs/decisions/0051-sequence-reports.md).
package statistics

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/setting"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// together is how many connections one transaction counts: with two versions and two epochs
// each, 20 marks and 80 rows of counts.
const together = 20

// Statistics is the counts of the sequences of a store. It is safe for concurrent use.
type Statistics struct {
	db        *rows.DB
	settings  *setting.Settings
	sequences *authoring.Sequences
	newID     func() string
}

// New returns the counts of the sequences in db; newID makes the ids of jobs.
func New(db *rows.DB, settings *setting.Settings, sequences *authoring.Sequences, newID func() string) *Statistics {
	return &Statistics{db, settings, sequences, newID}
}

// subject is a connection that is to be counted as it is, with some of its steps.
type subject struct {
	sequence name.SequenceID
	target   name.SequenceTargetID
	steps    []rows.Ref
}

// Reaction is the reaction to changes of targets, steps and sent emails. A row that is gone stays
// counted, so it need not be told of removals.
func (s *Statistics) Reaction() sales.Reaction { return reaction{s} }

type reaction struct{ *Statistics }

// Prepare implements [sales.Reaction]. It puts what one transaction may count together.
func (r reaction) Prepare(ctx context.Context, batch []rows.Change) (sales.Follow, error) {
	byTarget := map[name.SequenceTargetID]*subject{}
	of := map[rows.Ref]*subject{}
	broken := map[rows.Ref]error{}
	for _, change := range batch {
		found, err := r.subjectOf(ctx, change)
		if err != nil {
			broken[change.Ref] = err
		}
		if found == nil || err != nil {
			continue
		}
		known := byTarget[found.target]
		if known == nil {
			known = found
			byTarget[found.target] = known
		}
		for _, step := range found.steps {
			if !slices.Contains(known.steps, step) {
				known.steps = append(known.steps, step)
			}
		}
		of[change.Ref] = known
	}
	if len(of) == 0 && len(broken) == 0 {
		return nil, nil //nolint:nilnil // nothing follows
	}
	return r.follow(of, broken, inGroups(byTarget)), nil
}

// errPanicked is what a group that did not come to its end has failed with.
var errPanicked = errors.New("counting a group of connections did not end")

// follow returns what counts the group of a change, once for all of its changes. Where that fails
// for a reason that another try may not mend, each connection is counted by itself, so that one
// that cannot be counted keeps no other from it.
func (r reaction) follow(of map[rows.Ref]*subject, broken map[rows.Ref]error, groups [][]*subject) sales.Follow {
	group := map[*subject]func(ctx context.Context) error{}
	for _, members := range groups {
		var once sync.Once
		var failure error
		all := func(ctx context.Context) error {
			once.Do(func() {
				failure = errPanicked // unless it returns
				_, failure = r.count(ctx, members...)
			})
			return failure
		}
		for _, member := range members {
			group[member] = all
		}
	}
	return func(ctx context.Context, change rows.Change) error {
		if err := broken[change.Ref]; err != nil {
			return err
		}
		member := of[change.Ref]
		if member == nil {
			return nil
		}
		err := group[member](ctx)
		if err == nil || sales.Transient(err) {
			return err
		}
		_, err = r.count(ctx, member)
		return err
	}
}

// inGroups puts connections of the same sequence together as far as possible: they share the
// rows of counts.
func inGroups(byTarget map[name.SequenceTargetID]*subject) [][]*subject {
	all := make([]*subject, 0, len(byTarget))
	for _, member := range byTarget {
		all = append(all, member)
	}
	slices.SortFunc(all, func(a, b *subject) int {
		return cmp.Or(cmp.Compare(a.sequence, b.sequence), cmp.Compare(a.target, b.target))
	})
	return slices.Collect(slices.Chunk(all, together))
}

// subjectOf returns what is to be counted because of a change, nil for nothing. It reads
// definitions and settings from the cache, and nothing else.
func (r reaction) subjectOf(ctx context.Context, change rows.Change) (*subject, error) {
	if change.New == nil {
		return nil, nil //nolint:nilnil // it stays counted
	}
	columns, sequenceColumn, versionColumn := counted(change.Ref.Table)
	touched, err := change.Touches(columns)
	if err != nil || !touched {
		return nil, err
	}
	get := func(column string) (v schema.Value) {
		if err == nil && column != "" {
			v, err = change.New.Value(column)
		}
		return v
	}
	found := &subject{}
	of, _ := get(sequenceColumn).Ref()
	version, _ := get(versionColumn).Int()
	found.sequence = name.SequenceID(of.ID)
	switch change.Ref.Table {
	case name.SequenceTarget:
		found.target = name.SequenceTargetID(change.Ref.ID)
	case name.SequenceTargetStep:
		target, _ := get(name.MsdynSequencetarget).Ref()
		found.target, found.steps = name.SequenceTargetID(target.ID), []rows.Ref{change.Ref}
	case name.SentEmail:
		target, _ := get(name.SegueTarget).Ref()
		step, _ := get(name.SegueStep).Ref()
		found.target, found.steps = name.SequenceTargetID(target.ID), []rows.Ref{{Table: step.Table, ID: step.ID}}
		if step.ID == "" { // a seller's own
			return nil, err
		}
	}
	if err != nil || found.target == "" {
		return nil, err
	}
	var wanted bool
	if change.Ref.Table == name.SentEmail { // what came of an email counts for tests alone
		wanted, err = r.resolve(ctx, found)
	} else {
		wanted, err = r.wanted(ctx, found.sequence, version)
	}
	if err != nil || !wanted {
		return nil, err
	}
	return found, nil
}

// counted returns the columns of a table that decide as what its rows are counted, and those that
// name the sequence and its version.
func counted(table string) (columns []string, sequence, version string) {
	switch table {
	case name.SequenceTarget:
		return []string{name.Statuscode, name.MsdynDeactivatereason, name.MsdynParentsequenceversion}, name.MsdynParentsequence, name.MsdynParentsequenceversion
	case name.SequenceTargetStep:
		return []string{name.Statuscode, name.MsdynSequencestepid, name.SegueVersion}, name.SegueSequence, name.SegueVersion
	}
	return []string{name.SegueOpenedon, name.SegueClickedon, name.SegueDownloadedon, name.SegueRepliedon}, "", ""
}

// wanted reports whether a sequence is counted: where the organization has said so, and where the
// version has a test, which is decided by what is counted.
func (s *Statistics) wanted(ctx context.Context, id name.SequenceID, version int64) (bool, error) {
	if id == "" {
		return false, nil
	}
	values, err := s.settings.Get(ctx)
	if err != nil || values.Reporting {
		return values.Reporting, err
	}
	return s.tested(ctx, id, version)
}

// tested reports whether a version of a sequence has a test.
func (s *Statistics) tested(ctx context.Context, id name.SequenceID, version int64) (bool, error) {
	def, err := s.definition(ctx, id, version)
	if def == nil || err != nil {
		return false, err
	}
	return def.Tested(), nil
}

// refused reports whether an error says that something is not to be had, now and later.
func refused(err error) bool {
	_, is := errors.AsType[*sales.Error](err)
	return is && !sales.Transient(err)
}
