package segmentation_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// breakSegment makes a segment of leads one that no longer compiles.
func breakSegment(w *world, segment string) {
	w.Corrupt("msdyn_segment", segment, func(row *rows.Row) {
		row.Set("msdyn_entityfilter", schema.Text(`{"type":"and","items":[{"attribute":"new_gone","operator":"null"}]}`))
	})
	w.Restart()
}

// redrives counts the jobs that took up what was parked.
func redrives(t *testing.T, w *world) int {
	t.Helper()
	page, err := w.Entities.List(t.Context(), sales.Engine(), name.Job, query.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, row := range page.Rows {
		if (sales.Job{Row: row}).Kind() == sales.RedriveKind {
			n++
		}
	}
	return n
}

// Each way to mend a segment takes up what was parked because of it, and an edit
// that mends nothing leaves it parked with one more try.
func TestMendedSegmentTakesUpWhatItParked(t *testing.T) {
	conditions := values{"msdyn_entityfilter": salestest.Where(salestest.Web)}
	remove := func(w *world, segment string) {
		if err := w.Entities.Delete(t.Context(), salestest.Manager(), rows.Ref{Table: "msdyn_segment", ID: segment}, entity.If{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		name  string
		mend  func(w *world, segment string)
		tries int64  // of what is left parked; 0: nothing is
		in    string // segment of the leads then
	}{
		{"its conditions change", func(w *world, segment string) { w.Update("msdyn_segment", segment, conditions) }, 0, id("segment", 1)},
		{"it is deactivated", func(w *world, segment string) { w.Update("msdyn_segment", segment, values{"statecode": int64(1)}) }, 0, id("segment", 2)},
		{"it is deleted", remove, 0, id("segment", 2)},
		{"it is deleted and made again", func(w *world, segment string) {
			remove(w, segment)
			w.Segment(1, salestest.Web, "", nil)
		}, 0, id("segment", 1)},
		{"another one changes", func(w *world, _ string) { w.Update("msdyn_segment", id("segment", 2), values{"msdyn_name": "Other"}) }, 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			const leads = 30
			w := newWorld(t, boot.Options{})
			w.Segment(2, salestest.Web, "", nil)
			w.Update("msdyn_segment", id("segment", 2), values{"msdyn_isresegmentationenabled": true})
			segment := w.Segment(1, salestest.Web, "", values{"segue_priority": int64(1), "msdyn_isresegmentationenabled": true})
			w.Settle()
			breakSegment(w, segment)
			for n := range leads {
				w.Lead(n, values{salestest.Sources: int64(8)})
			}
			w.Settle()
			if parked := w.Parked(); len(parked) != leads {
				t.Fatalf("%d changes are parked, want %d", len(parked), leads)
			}
			test.mend(w, segment)
			w.Settle()
			left := w.Parked()
			if test.tries == 0 && len(left) > 0 || test.tries > 0 && (len(left) != leads || left[0].Tries() != test.tries) {
				t.Errorf("left parked: %d, the first %v", len(left), left[0])
			}
			for n := range leads {
				if got, _ := w.On(rows.Ref{Table: "lead", ID: id("lead", n)}); got != test.in {
					t.Errorf("lead %d is in segment %q, want %q", n, got, test.in)
				}
			}
		})
	}
}

// So does each mend of a segment that breaks again and again.
func TestMendedSegmentBreaksAgain(t *testing.T) {
	w := newWorld(t, boot.Options{})
	segment := w.Segment(1, salestest.Web, "", nil)
	w.Settle()
	for n := range 3 {
		breakSegment(w, segment)
		lead := w.Lead(n+1, values{salestest.Sources: int64(8)})
		w.Settle()
		if parked := w.Parked(); len(parked) != 1 {
			t.Fatalf("%d changes are parked, want 1", len(parked))
		}
		w.Update("msdyn_segment", segment, values{"msdyn_entityfilter": salestest.Where(salestest.Web)})
		w.Settle()
		w.Member(lead, segment, false)
		if left := w.Parked(); len(left) > 0 {
			t.Errorf("mend %d leaves %d parked", n+1, len(left))
		}
	}
}

// A unit of work that edits a segment twice begins one job, and so does one that is
// tried again because somebody else has edited the segment: that edit has a job too.
func TestMendedInOneUnitOfWork(t *testing.T) {
	w := newWorld(t, boot.Options{})
	segment := rows.Ref{Table: name.Segment, ID: w.Segment(1, salestest.Web, "", nil)}
	w.Settle()
	breakSegment(w, segment.ID)
	lead := w.Lead(1, values{salestest.Sources: int64(8)})
	w.Settle()
	mend, tries := values{"msdyn_entityfilter": salestest.Where(salestest.Web)}, 0
	err := w.DB.Do(t.Context(), salestest.Manager().ID, func(tx *rows.Tx) error {
		for _, edit := range []values{mend, {"msdyn_name": "Mended"}} {
			if _, _, err := w.Entities.UpdateIn(t.Context(), tx, salestest.Manager(), segment, schematest.Row(edit), entity.If{Exists: true}); err != nil {
				return err
			}
		}
		if tries++; tries == 1 {
			w.Update(segment.Table, segment.ID, mend)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if n := redrives(t, w); tries != 2 || n != 2 {
		t.Errorf("%d jobs after %d tries, want 2 after 2", n, tries)
	}
	if left := w.Parked(); len(left) > 0 {
		t.Errorf("%d left parked", len(left))
	}
	w.Member(lead, segment.ID, false)
}

// What is parked because of the order of segments is taken up when that is mended, and
// what is parked because of the segment that is mended with it too.
func TestMendedOrderTakesUpWhatItParked(t *testing.T) {
	w := newWorld(t, boot.Options{})
	segment := w.Segment(1, salestest.Web, "", nil)
	w.Settle()
	order := guid.Derive("order", "lead")
	was := w.Row("msdyn_segmentattribute", order).Text("msdyn_segmentpriorityorder")
	breakSegment(w, segment)
	leads := []rows.Ref{w.Lead(1, values{salestest.Sources: int64(8)})}
	w.Settle()
	w.Corrupt("msdyn_segmentattribute", order, func(row *rows.Row) { row.Set("msdyn_segmentpriorityorder", schema.Text("broken")) })
	w.Restart()
	leads = append(leads, w.Lead(2, values{salestest.Sources: int64(8)}))
	w.Settle()
	causes := map[rows.Ref]rows.Ref{}
	for _, p := range w.Parked() {
		causes[p.Subject()] = p.Cause()
	}
	want := map[rows.Ref]rows.Ref{leads[0]: {Table: "msdyn_segment", ID: segment}, leads[1]: {Table: "msdyn_segmentattribute", ID: order}}
	if d := cmp.Diff(want, causes); d != "" {
		t.Fatalf("causes (-want +got):\n%s", d)
	}
	w.Corrupt("msdyn_segmentattribute", order, func(row *rows.Row) { row.Set("msdyn_segmentpriorityorder", schema.Text(was)) })
	w.Update("msdyn_segment", segment, values{"msdyn_entityfilter": salestest.Where(salestest.Web)})
	w.Settle()
	for _, lead := range leads {
		w.Member(lead, segment, false)
	}
	if parked := w.Parked(); len(parked) > 0 {
		t.Errorf("left parked: %v", parked)
	}
}

// An edit begins no job while nothing is parked because of the segment.
func TestEditWithoutParkedBeginsNoJob(t *testing.T) {
	w := newWorld(t, boot.Options{})
	segment := w.Segment(1, salestest.Web, "", nil)
	for n := range 3 {
		w.Update("msdyn_segment", segment, values{"msdyn_name": fmt.Sprint("Name ", n)})
	}
	w.Settle()
	if n := redrives(t, w); n > 0 {
		t.Errorf("%d jobs", n)
	}
}
