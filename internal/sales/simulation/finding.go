package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// The kinds of findings that are not about the conditions alone.
const (
	NearLimit segment.FindingKind = "NearLimit" // with the segment active a limit is used to 80 % or more
	Unusable  segment.FindingKind = "Unusable"  // as it is the segment cannot be activated
)

// FindingKinds lists all kinds of findings.
func FindingKinds() []segment.FindingKind { return append(segment.FindingKinds(), NearLimit, Unusable) }

// Finding is one thing that is found out about a segment without a record: a warning, or
// what comes of looking for one. None keeps a segment from being saved.
type Finding struct {
	segment.Finding

	Use     sales.Use // of NearLimit
	Because string    // of Unusable
}

// findings returns what can be told of a segment at its place, as if it were active.
func (s *Simulation) findings(ctx context.Context, c segmentation.Catalogue, place int) ([]Finding, error) {
	examined, err := c.Examine(s.db.Schema(), place)
	if err != nil {
		return nil, err
	}
	var findings []Finding
	for _, f := range examined {
		findings = append(findings, Finding{Finding: f})
	}
	uses, err := s.segments.Uses(ctx, c.Segments[place])
	if err != nil {
		return nil, err
	}
	for _, use := range uses {
		if use.Near() {
			findings = append(findings, Finding{Finding: segment.Finding{Kind: NearLimit}, Use: use})
		}
	}
	return findings, nil
}

// maxAnswered is how many segments a request may select segue_findings of: each may take
// some tenths of a second.
const maxAnswered = 10

// FindingRules work out segue_findings of segments, for whoever selects it: a list, or the
// response to a write, which a client asks for by Prefer: return=representation.
func (s *Simulation) FindingRules() entity.Rules { return findingRules{simulation: s} }

type findingRules struct {
	entity.Plain
	simulation *Simulation
}

var _ entity.Answering = findingRules{}

// Answer implements [entity.Answering].
func (r findingRules) Answer(ctx context.Context, list []*rows.Row, selected []string) error {
	if !slices.Contains(selected, name.SegueFindings) {
		return nil
	}
	if len(list) > maxAnswered {
		return sales.Use{Name: "ExaminedSegments", Used: len(list), Most: maxAnswered}.Exceeded(sales.Invalid,
			"%s is worked out for at most %d segments in one request, not for %d; ask for smaller pages (Prefer: odata.maxpagesize=%d)",
			name.SegueFindings, maxAnswered, len(list), maxAnswered)
	}
	for _, row := range list {
		findings, err := r.simulation.findingsOf(ctx, row)
		if err != nil {
			return err
		}
		text, err := textOf(r.simulation.db.Schema().Table((segment.Segment{Row: row}).RecordType()), findings)
		if err != nil {
			return fmt.Errorf("%v: write %s: %w", row.Ref(), name.SegueFindings, err)
		}
		row.Set(name.SegueFindings, schema.Text(text))
	}
	return nil
}

// findingsOf returns what can be told of a saved segment, as if it were active.
func (s *Simulation) findingsOf(ctx context.Context, row *rows.Row) ([]Finding, error) {
	values := row.Values()
	delete(values, name.SeguePriority) // it stays where it is
	c, place, err := s.segments.Draft(ctx, name.SegmentID(row.ID), segment.Segment{Row: schema.Values(values)})
	if refusal, ok := errors.AsType[*sales.Error](err); ok && refusal.Kind != sales.Unavailable {
		return []Finding{{Finding: segment.Finding{Kind: Unusable}, Because: refusal.Text}}, nil //nolint:nilerr // that it is refused is what is found
	}
	if err != nil {
		return nil, err
	}
	return s.findings(ctx, c, place)
}

// written is a finding in segue_findings.
type written struct {
	Kind       segment.FindingKind
	SegmentIDs []name.SegmentID `json:"SegmentIds,omitempty"`
	Witness    []value          `json:",omitempty"`
	Limit      string           `json:",omitempty"`
	Used, Most int              `json:",omitempty"`
	Because    string           `json:",omitempty"`
}

// value is a column of a witness.
type value struct{ Column, Value string }

// textOf writes findings about segments of the records of a table as a JSON array.
func textOf(t *schema.Table, findings []Finding) (string, error) {
	list := []written{}
	for _, f := range findings {
		w := written{Kind: f.Kind, SegmentIDs: f.Others, Limit: f.Use.Name, Used: f.Use.Used, Most: f.Use.Most, Because: f.Because}
		for _, column := range slices.Sorted(maps.Keys(f.Witness)) {
			w.Witness = append(w.Witness, value{column, t.Column(column).Text(f.Witness[column])})
		}
		list = append(list, w)
	}
	text, err := json.Marshal(list)
	return string(text), err
}
