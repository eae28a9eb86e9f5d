package segmentation

import (
	"context"
	"fmt"
	"strconv"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// UnlinkKind is the kind of the jobs that follow the deletion of a segment.
const UnlinkKind = "unlink"

// unlinkJob is the job that begins with the deletion of a segment. A segment that
// is made again under the id and deleted again is another life, with versions of
// its own, and so another job.
func unlinkJob(row *rows.Row) sales.NewJob {
	view := segment.Segment{Row: row}
	return sales.NewJob{
		ID:   name.JobID(guid.Derive("unlink segment", row.ID, strconv.FormatInt(row.Version, 10))),
		Kind: UnlinkKind, Name: excerpt.Runes(fmt.Sprintf("Unlink deleted segment %q", view.Name()), 200), Subject: row.Ref(),
		Scans: []sales.Scan{{Table: name.SequenceTarget}, {Table: view.RecordType()}, {Table: name.SalesRoutingRun}},
	}
}

// Unlink is the work of [UnlinkKind]: it empties the links to a deleted segment, of
// its members, of the targets that it made and of the runs that tell of it (docs/domain.md
// §8.6). The connections stay. A segment that has been made again meanwhile keeps what
// points at it.
func (s *Segmentation) Unlink() sales.JobKind { return unlink{s} }

type unlink struct{ segmentation *Segmentation }

// Prepare implements [sales.JobKind].
func (u unlink) Prepare(ctx context.Context, job sales.Job) (sales.JobWork, error) {
	subject := job.Subject()
	found, err := u.segmentation.db.Get(ctx, subject)
	if err != nil || found[0] != nil {
		return nil, err
	}
	return func(ctx context.Context, row *rows.Row, _ *sales.JobTally) (bool, error) {
		changed := false
		for _, column := range linksOf(row.Table.Name) {
			emptied, err := u.unlinkRow(ctx, row, column, subject)
			if err != nil {
				return false, err
			}
			changed = changed || emptied
		}
		return changed, nil
	}, nil
}

// linksOf returns the columns by which the rows of a table point at segments.
func linksOf(table string) []string {
	switch table {
	case name.SequenceTarget:
		return []string{name.MsdynSegment}
	case name.SalesRoutingRun:
		return []string{name.MsdynSegmentid, name.MsdynPrevioussegmentid}
	}
	return []string{name.MsdynSegmentid}
}

// Finish implements [sales.JobKind].
func (unlink) Finish(context.Context, *rows.Tx, sales.Job, map[string]int64) (sales.JobEnd, error) {
	return sales.JobEnd{}, nil
}

// LeaveDeleted is the reaction to a new target: it empties a link to a segment which
// is not there. The same is done for a record when it is evaluated.
func (s *Segmentation) LeaveDeleted() sales.Reaction {
	return sales.Follow(func(ctx context.Context, change rows.Change) error {
		linked, err := newLink(change, name.MsdynSegment)
		if err != nil || linked == "" {
			return err
		}
		all, err := s.readCatalogues(ctx)
		if err != nil {
			return err
		}
		for _, of := range all {
			if of.broken == nil && of.Known[linked] {
				return nil
			}
		}
		return s.leave(ctx, change, name.MsdynSegment, linked)
	})
}

// newLink returns the segment that a change has linked a row to, "" for none.
func newLink(change rows.Change, column string) (name.SegmentID, error) {
	value, err := change.New.Value(column)
	if err != nil || value.IsNull() {
		return "", err
	}
	if change.Old != nil {
		if before, err := change.Old.Value(column); err != nil || before == value {
			return "", err
		}
	}
	linked, _ := value.Ref()
	return name.SegmentID(linked.ID), nil
}

// leave empties the link of a row to a segment that no catalogue has, unless it is
// there all the same: the link was decided before the segment was deleted and written
// when the job had been over the row.
func (s *Segmentation) leave(ctx context.Context, change rows.Change, column string, linked name.SegmentID) error {
	row, err := change.New.Row()
	if err != nil {
		return err
	}
	_, err = unlink{s}.unlinkRow(ctx, row, column, rows.RefTo(name.Segment, linked))
	return err
}

// unlinkRow empties the link of a row to the segment.
func (u unlink) unlinkRow(ctx context.Context, listed *rows.Row, column string, segmentRef rows.Ref) (changed bool, err error) {
	link := schema.Lookup{Table: segmentRef.Table, ID: segmentRef.ID}
	if listed.Lookup(column) != link {
		return false, nil
	}
	err = u.segmentation.db.Do(ctx, "", func(tx *rows.Tx) error {
		changed = false
		found, err := tx.Load(ctx, listed.Ref(), segmentRef)
		if err != nil {
			return err
		}
		row := found[0]
		if row == nil || row.Lookup(column) != link || found[1] != nil {
			return nil
		}
		row.Set(column, schema.Null())
		tx.Rely(segmentRef) // it is not there
		changed = true
		return nil
	})
	return changed, err
}
