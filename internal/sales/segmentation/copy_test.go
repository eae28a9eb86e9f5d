package segmentation_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// copied makes a copy of a segment.
func copied(t *testing.T, w *world, segment, called string) *rows.Row {
	t.Helper()
	var made *rows.Row
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		source, err := w.Entities.RetrieveIn(t.Context(), tx, manager(), rows.Ref{Table: "msdyn_segment", ID: segment})
		if err != nil {
			return err
		}
		values, err := w.Segments.CopyOf(t.Context(), tx, source, called)
		if err != nil {
			return err
		}
		made, err = w.Entities.CreateIn(t.Context(), tx, manager(), "msdyn_segment", "", values)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return w.Row("msdyn_segment", made.ID)
}

// docs/domain.md §13.10: a copy is a draft with all that its segment says, right below it.
func TestCopy(t *testing.T) {
	w := newWorld(t, boot.Options{})
	attached := w.Sequence(1, "lead")
	source := w.Segment(1, web, attached, values{"msdyn_name": "Trade shows", "msdyn_description": "By hand", "msdyn_isresegmentationenabled": true, "segue_priority": int64(1)})
	w.Segment(2, hot, "", values{"segue_priority": int64(2)})
	made := copied(t, w, source, "")
	want := values{
		"msdyn_name": "Trade shows (copy)", "msdyn_description": "By hand", "msdyn_entityfilter": where(web), "msdyn_isresegmentationenabled": true,
		"msdyn_sequence": link("msdyn_sequence", attached), "statecode": int64(1), "statuscode": int64(2), "segue_priority": int64(2), "segue_isdefault": false,
	}
	got := values{}
	for column, v := range want {
		switch v.(type) {
		case string:
			got[column] = made.Text(column)
		case bool:
			got[column] = made.Is(column)
		case int64:
			got[column] = made.Int(column)
		case schema.Lookup:
			got[column] = made.Lookup(column)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if owner := made.Lookup("ownerid").ID; owner != string(manager().ID) {
		t.Errorf("it belongs to %s", owner)
	}
	if at := w.Row("msdyn_segment", id("segment", 2)).Int("segue_priority"); at != 3 {
		t.Errorf("the segment that was below is at %d, want 3", at)
	}
	w.Sound(false)
}

func TestCopy_Names(t *testing.T) {
	w := newWorld(t, boot.Options{})
	source := w.Inactive(1, values{"msdyn_name": "A"})
	for _, want := range []string{"A (copy)", "A (copy 2)", "A (copy 3)"} {
		if got := copied(t, w, source, "").Text("msdyn_name"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got := copied(t, w, source, "Given").Text("msdyn_name"); got != "Given" {
		t.Errorf("got %q", got)
	}
	long := w.Inactive(2, values{"msdyn_name": strings.Repeat("😀", 50)}) // 100 UTF-16 code units
	for _, want := range []string{strings.Repeat("😀", 46) + " (copy)", strings.Repeat("😀", 45) + " (copy 2)"} {
		if got := copied(t, w, long, "").Text("msdyn_name"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// The default segment can be copied; it stays the last one, and what is made is none.
func TestCopy_OfTheDefaultSegment(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Inactive(1, nil)
	made := copied(t, w, w.DefaultSegment().ID, "")
	if made.Is("segue_isdefault") || made.Int("segue_priority") != 2 || w.Row("msdyn_segment", w.DefaultSegment().ID).Int("segue_priority") != 3 {
		t.Errorf("got %v, the default segment is %d", made.Values(), w.Row("msdyn_segment", w.DefaultSegment().ID).Int("segue_priority"))
	}
}

// A copy has to keep the limits that there are when it is made.
func TestCopy_Limits(t *testing.T) {
	w := newWorld(t, boot.Options{})
	source := w.Inactive(1, values{"msdyn_entityfilter": where(web, hot)})
	setLimits(t, w, values{"segue_maxsegmentconditions": int64(1)})
	w.Refuses(t, sales.Limit, func() error {
		return w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
			row, err := w.Entities.RetrieveIn(t.Context(), tx, manager(), rows.Ref{Table: name.Segment, ID: source})
			if err != nil {
				return err
			}
			columns, err := w.Segments.CopyOf(t.Context(), tx, row, "")
			if err == nil {
				_, err = w.Entities.CreateIn(t.Context(), tx, manager(), name.Segment, "", columns)
			}
			return err
		})
	}, "SegmentConditions")
}
