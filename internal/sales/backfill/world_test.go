package backfill_test

import (
	"fmt"
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
)

// The words of the tests; salestest says what they mean.
type values = salestest.Values

const (
	web     = salestest.Web
	hot     = salestest.Hot
	sources = salestest.Sources
	quality = salestest.Quality
)

// world is a world in which segments are applied.
type world struct{ *salestest.World }

func newWorld(t testing.TB) *world { return &world{salestest.New(t, boot.Options{})} }

// begin begins a job for a segment, or for all leads if it is "".
func (w *world) begin(segment string) name.JobID {
	w.T.Helper()
	var id name.JobID
	err := w.DB.Do(w.T.Context(), "", func(tx *rows.Tx) (err error) {
		if segment == "" {
			id, err = w.Backfill.BeginTable(w.T.Context(), tx, name.Lead)
			return err
		}
		found, err := tx.Load(w.T.Context(), rows.RefTo(name.Segment, name.SegmentID(segment)))
		if err == nil {
			id, err = w.Backfill.BeginSegment(w.T.Context(), tx, found[0])
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
	return id
}

// apply begins a job and works until nothing is left to do.
func (w *world) apply(segment string) sales.Job {
	w.T.Helper()
	id := w.begin(segment)
	w.Settle()
	return w.job(id)
}

func (w *world) job(id name.JobID) sales.Job {
	w.T.Helper()
	return sales.Job{Row: w.Row(name.Job, string(id))}
}

// outcome is what a job has come to.
type outcome struct {
	State                     string
	Examined, Changed, Failed int64
	Result                    string
}

func outcomeOf(j sales.Job) outcome {
	return outcome{
		j.State().String(), j.Row.Int(name.SegueRowsexamined), j.Row.Int(name.SegueRowschanged), j.Row.Int(name.SegueRowsfailed), j.Result(),
	}
}

func counts(entered, moved, connected int) string {
	return fmt.Sprintf(`{"entered":%d,"moved":%d,"connected":%d}`, entered, moved, connected)
}
