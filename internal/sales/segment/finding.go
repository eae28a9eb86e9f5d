package segment

import (
	"slices"

	"segue/internal/filter"
	"segue/internal/filter/prove"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// FindingKind is what is found out about a segment without a record. Findings are
// warnings: none keeps a segment from being activated.
type FindingKind string

// The kinds.
const (
	NeverMatches  FindingKind = "NeverMatches"  // its conditions contradict each other
	AlwaysMatches FindingKind = "AlwaysMatches" // its conditions hold for every open record
	NeverWins     FindingKind = "NeverWins"     // segments of a higher priority match all that it matches
	CanWin        FindingKind = "CanWin"        // there may be a record that it gets: Witness
	NotProven     FindingKind = "NotProven"     // neither of these two was proven
	Duplicate     FindingKind = "Duplicate"     // another segment matches the same records
)

// FindingKinds lists the kinds.
func FindingKinds() []FindingKind {
	return []FindingKind{NeverMatches, AlwaysMatches, NeverWins, CanWin, NotProven, Duplicate}
}

// Finding is one thing that is found out.
type Finding struct {
	Kind    FindingKind
	Others  []name.SegmentID        // of NeverWins the segments that match all, of Duplicate the other one
	Witness map[string]schema.Value // columns of an open record
}

// Bounds of the search for one finding.
const (
	steps     = 2000
	winsSteps = 20_000
)

// work bounds the searches for each of three things together: whether a segment wins, which
// others keep it from that, which are duplicates. It takes some tenths of a second. What is
// not found within it is not told.
const work = 2_000_000

// Examine finds out about a segment at a place what can be told without a record.
func (c *Catalogue) Examine(s *schema.Schema, place int) ([]Finding, error) {
	x := examination{schema: s, table: c.Table, work: prove.NewWork(work)}
	own := &c.Segments[place]
	if own.Default { // it takes what is left, by design
		return nil, nil
	}
	switch {
	case x.find(steps, prove.Goal{Where: own.Where, Holds: true}) == prove.Impossible:
		return []Finding{{Kind: NeverMatches}}, x.err
	case x.find(steps, prove.Goal{Where: own.Where}) == prove.Impossible:
		x.findings = append(x.findings, Finding{Kind: AlwaysMatches})
	}
	x.wins(own, c.Segments[:place])
	x.work = prove.NewWork(work)
	for i := range c.Segments {
		if other := &c.Segments[i]; i != place && !other.Default && x.covers(own, other) && x.covers(other, own) {
			x.findings = append(x.findings, Finding{Kind: Duplicate, Others: []name.SegmentID{other.ID}})
		}
	}
	return x.findings, x.err
}

// examination is a segment that is examined. After an error it finds nothing.
type examination struct {
	schema   *schema.Schema
	table    string
	findings []Finding
	witness  prove.Row
	work     *prove.Work
	err      error
}

// find looks for an open record that meets goals.
func (x *examination) find(steps int, goals ...prove.Goal) prove.Answer {
	if x.err != nil {
		return prove.Unknown
	}
	isOpen := &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: name.Statecode, Operator: filter.Eq, Values: []schema.Value{schema.Int(0)}},
	}}
	var answer prove.Answer
	x.witness, answer, x.err = prove.Find(x.schema, x.table, append([]prove.Goal{{Where: isOpen, Holds: true}}, goals...), steps, x.work)
	return answer
}

// covers reports whether every record that a segment matches is matched by another one.
func (x *examination) covers(matched, other *Entry) bool {
	return x.find(steps, prove.Goal{Where: matched.Where, Holds: true}, prove.Goal{Where: other.Where}) == prove.Impossible
}

// wins finds out whether segments of a higher priority leave a segment any record.
func (x *examination) wins(own *Entry, higher []Entry) {
	all := make([]*Entry, len(higher))
	for i := range higher {
		all[i] = &higher[i]
	}
	switch x.findLeft(own, all) {
	case prove.Possible:
		delete(x.witness, name.Statecode) // it is open, as all that are evaluated
		x.findings = append(x.findings, Finding{Kind: CanWin, Witness: x.witness})
	case prove.Unknown:
		if one := x.coveredBy(own, all); one != "" { // which is easier than all of them together
			x.findings = append(x.findings, Finding{Kind: NeverWins, Others: []name.SegmentID{one}})
			return
		}
		x.findings = append(x.findings, Finding{Kind: NotProven})
	case prove.Impossible:
		x.findings = append(x.findings, Finding{Kind: NeverWins, Others: x.fewest(own, all)})
	}
}

// coveredBy returns the first of some segments that matches all that own matches, "" where
// none is found.
func (x *examination) coveredBy(own *Entry, others []*Entry) name.SegmentID {
	x.work = prove.NewWork(work)
	for _, other := range others {
		if x.covers(own, other) {
			return other.ID
		}
	}
	return ""
}

// findLeft looks for a record that a segment matches and none of the others.
func (x *examination) findLeft(own *Entry, others []*Entry) prove.Answer {
	goals := []prove.Goal{{Where: own.Where, Holds: true}}
	for _, other := range others {
		goals = append(goals, prove.Goal{Where: other.Where})
	}
	return x.find(winsSteps, goals...)
}

// fewest leaves out of segments that match all that own matches those that are not
// needed for it, as far as that is found out.
func (x *examination) fewest(own *Entry, others []*Entry) []name.SegmentID {
	if one := x.coveredBy(own, others); one != "" {
		return []name.SegmentID{one}
	}
	for i := len(others) - 1; i >= 0; i-- {
		if without := slices.Delete(slices.Clone(others), i, i+1); x.findLeft(own, without) == prove.Impossible {
			others = without
		}
	}
	ids := make([]name.SegmentID, len(others))
	for i, other := range others {
		ids[i] = other.ID
	}
	return ids
}
