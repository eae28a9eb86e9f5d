package segmentation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf16"

	"segue/internal/rows"
	"segue/internal/sales/segment"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// CopyOf returns the columns of a copy of a segment, which is to be created in the same
// unit of work: a draft with its conditions, sequence and switches, right below it in the
// order. Without a name it gets one that no other segment of the record type has.
func (s *Segmentation) CopyOf(ctx context.Context, tx *rows.Tx, source *rows.Row, called string) (map[string]schema.Value, error) {
	values := map[string]schema.Value{}
	for _, c := range source.Table.Columns {
		if v, _ := source.Value(c.Name); isCopied(c) && !v.IsNull() { // a row always has a value
			values[c.Name] = v
		}
	}
	view := segment.Segment{Row: source}
	_, order, err := loadOrder(ctx, tx, view.RecordType())
	if err != nil {
		return nil, err
	}
	if called == "" {
		if called, err = s.unusedName(ctx, view.Name(), order); err != nil {
			return nil, err
		}
	}
	below := slices.Index(order, name.SegmentID(source.ID)) + 2
	most := int(source.Table.Column(name.SeguePriority).Max.IntPart())
	values[name.MsdynName], values[name.SeguePriority] = schema.Text(called), schema.Int(int64(min(below, most)))
	return values, nil
}

// isCopied reports whether a copy has the value of a column: those that a client gives a
// new segment, but for what is of the row itself.
func isCopied(c *schema.Column) bool {
	switch c.Name {
	case name.Ownerid, name.Overriddencreatedon, name.Importsequencenumber, name.Statecode, name.Statuscode, name.MsdynSegmentid:
		return false
	}
	return (c.Write == schema.Always || c.Write == schema.OnCreate) && c.Derived == "" && !c.Shown
}

// unusedName returns a name for a copy that no segment of an order has. A segment that is
// renamed at the same moment may get it too: names need not be unique.
func (s *Segmentation) unusedName(ctx context.Context, original string, order []name.SegmentID) (string, error) {
	refs := make([]rows.Ref, len(order))
	for i, id := range order {
		refs[i] = rows.RefTo(name.Segment, id)
	}
	found, err := s.db.Get(ctx, refs...)
	if err != nil {
		return "", fmt.Errorf("read the names of segments: %w", err)
	}
	most := s.db.Schema().Table(name.Segment).Column(name.MsdynName).MaxLength
	for n := 1; ; n++ {
		suffix := " (copy)"
		if n > 1 {
			suffix = fmt.Sprintf(" (copy %d)", n)
		}
		candidate := cut(original, most-len(suffix)) + suffix
		if !slices.ContainsFunc(found, func(row *rows.Row) bool {
			return row != nil && strings.EqualFold(segment.Segment{Row: row}.Name(), candidate)
		}) {
			return candidate, nil
		}
	}
}

// cut cuts a text to so many UTF-16 code units, in which the length of a column is
// counted, and never within a character.
func cut(text string, most int) string {
	units := 0
	for i, r := range text {
		if units += utf16.RuneLen(r); units > most {
			return text[:i]
		}
	}
	return text
}
