package segmentation

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"segue/internal/filter"
	"segue/internal/filter/calendar"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/sales/setting"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Definition names a segment as it was at a version of its row.
type Definition struct {
	Segment name.SegmentID
	Version int64
}

// Told is what can be told of a segment as it was at a version.
type Told struct {
	There bool // the segment is there, whatever it says now
	Name  string
	// Program is its conditions, nil where nobody knows them any more; Calendar is what they
	// reckon by.
	Program  *filter.Program
	Calendar calendar.Calendar
}

// Explain tells what the conditions said about a record at a time.
func (t Told) Explain(record filter.Row, at time.Time) (filter.Verdict, error) {
	return t.Program.ExplainIn(record, setting.Values{Calendar: t.Calendar}.Scope(at))
}

// Tell tells of a segment as it was at a version. Only where that is not the version that
// evaluations use now does it read, in one request.
func (s *Segmentation) Tell(ctx context.Context, of Definition, table string) (Told, error) {
	all, err := s.readCatalogues(ctx)
	if err != nil {
		return Told{}, err
	}
	if current := all[table]; current.broken == nil && current.Catalogue != nil {
		for _, e := range current.Segments {
			if e.ID == of.Segment && e.Version == of.Version {
				return Told{There: true, Name: e.Name, Program: e.Program, Calendar: current.calendar}, nil
			}
		}
	}
	found, err := s.db.Get(ctx, rows.RefTo(name.Segment, of.Segment), of.ref())
	if err != nil {
		return Told{}, fmt.Errorf("read segment %s as it was at version %d: %w", of.Segment, of.Version, err)
	}
	now, then := found[0], found[1]
	told := Told{There: now != nil}
	view := segment.Segment{Row: schema.Values{}}
	switch {
	case now != nil && now.Version == of.Version:
		view.Row = now
	case then != nil:
		view.Row = schema.Values{
			name.MsdynName: schema.Text(then.Text(name.SegueName)), name.MsdynObjecttype: schema.Text(table),
			name.MsdynEntityfilter: schema.Text(then.Text(name.MsdynEntityfilter)),
		}
	default:
		return told, nil
	}
	told.Name = view.Name()
	_, program, err := compileConditions(s.db.Schema(), view)
	if err != nil {
		return told, nil //nolint:nilerr // a column is gone since: what it said is not known
	}
	told.Program, err = s.reckon(ctx, program, &told.Calendar)
	return told, err
}

// keptFor is how long what an active segment said before an edit is kept: longer than a
// change waits to be followed.
const keptFor = 2 * 24 * time.Hour

// keepDefinition keeps what a held segment said before the unit of work changes it, if
// evaluations may have decided by it: whoever tells of them reads it. It is a write of one
// item an edit, which edits of segments are rare enough for.
func keepDefinition(tx *rows.Tx, row *rows.Row, before func(column string) schema.Value) {
	if before(name.Statecode) != schema.Int(int64(segment.Active)) {
		return
	}
	of := Definition{name.SegmentID(row.ID), row.Version}
	tx.Replace(tx.Schema().Table(name.SegmentVersion), of.ref().ID, map[string]schema.Value{
		name.SegueName:         before(name.MsdynName),
		name.MsdynEntityfilter: before(name.MsdynEntityfilter),
		name.SegueExpireson:    schema.Time(tx.Now().Add(keptFor)),
	})
}

func (d Definition) ref() rows.Ref {
	return rows.Ref{Table: name.SegmentVersion, ID: guid.Derive("segment version", string(d.Segment), strconv.FormatInt(d.Version, 10))}
}
