package emf_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/emf"
	"segue/internal/probe"
	"segue/internal/sales/salestest"
	"segue/internal/store"
)

// line is a line as the specification of the embedded metric format has it.
type line struct {
	AWS struct {
		Timestamp         *int64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct{ Name, Unit string }
		}
	} `json:"_aws"`
}

// figures checks a log that must be one line of the format, and returns the metrics.
func figures(t *testing.T, log []byte) map[string]int64 {
	t.Helper()
	if bytes.Count(log, []byte("\n")) != 1 || !bytes.HasSuffix(log, []byte("\n")) || len(log) > 1<<20 {
		t.Fatalf("not one line of at most 1 MB: %s", log)
	}
	var said line
	strict := json.NewDecoder(bytes.NewReader(log))
	var members map[string]json.RawMessage
	if err := strict.Decode(&members); err != nil {
		t.Fatalf("%v in %s", err, log)
	}
	whole := json.NewDecoder(bytes.NewReader([]byte(`{"_aws":` + string(members["_aws"]) + `}`)))
	whole.DisallowUnknownFields() // objects of the specification have no other members
	if err := whole.Decode(&said); err != nil {
		t.Fatalf("%v in %s", err, log)
	}
	if said.AWS.Timestamp == nil || len(said.AWS.CloudWatchMetrics) != 1 {
		t.Fatalf("no Timestamp, or not one directive: %s", log)
	}
	directive, got := said.AWS.CloudWatchMetrics[0], map[string]int64{}
	if directive.Namespace != "Segue/test" || len(directive.Metrics) == 0 || len(directive.Metrics) > 100 {
		t.Errorf("namespace %q with %d metrics", directive.Namespace, len(directive.Metrics))
	}
	if diff := cmp.Diff([][]string{{}}, directive.Dimensions); diff != "" { // as the alarms have them
		t.Errorf("dimensions (-want +got):\n%s", diff)
	}
	for _, m := range directive.Metrics {
		var value int64
		if err := json.Unmarshal(members[m.Name], &value); err != nil {
			t.Errorf("the target of metric %q: %v", m.Name, err)
		}
		if !slices.Contains([]string{"Count", "Milliseconds"}, m.Unit) || strings.TrimSpace(m.Name) == "" {
			t.Errorf("metric %q has the unit %q", m.Name, m.Unit)
		}
		got[m.Name] = value
		delete(members, m.Name)
	}
	if delete(members, "_aws"); len(members) > 0 {
		t.Errorf("members that are no metrics: %v", members)
	}
	return got
}

// batch hands changes over and returns the figures of the line about them.
func batch(t *testing.T, handle store.Handler, changes []store.Change) map[string]int64 {
	t.Helper()
	var log bytes.Buffer
	writer := emf.Writer{Out: &log, Namespace: "Segue/test", Clock: clock.Of(func() time.Time { return salestest.Now().Add(1500 * time.Millisecond) })}
	if failures := writer.Batches(handle)(t.Context(), changes); len(failures) > 0 {
		t.Fatal(failures)
	}
	return figures(t, log.Bytes())
}

// want is the figures of a batch, those that are not 0 named.
func want(t *testing.T, got, counted map[string]int64) {
	t.Helper()
	all := map[string]int64{"Changes": 0, "Evaluated": 0, "Connected": 0, "Moved": 0, "Conflicts": 0, "ParkedChanges": 0, "Retries": 0, "WriteUnits": 0, "Freshness": 1500}
	for name, n := range counted {
		all[name] = n
	}
	if diff := cmp.Diff(all, got); diff != "" {
		t.Errorf("figures (-want +got):\n%s", diff)
	}
}

// at gives changes the time of the world, which the machine's clock of its store has not.
// It leaves out the log of changes and runs, as the filters of the event source do.
func at(changes []store.Change) []store.Change {
	changes = slices.DeleteFunc(changes, func(c store.Change) bool {
		return salestest.IsLog(c.Key) || salestest.TableOf(c.Key) == "msdyn_salesroutingrun"
	})
	for i := range changes {
		changes[i].At = salestest.Now()
	}
	return changes
}

func TestDueAge(t *testing.T) {
	var log bytes.Buffer
	writer := emf.Writer{Out: &log, Namespace: "Segue/test", Clock: clock.Of(salestest.Now)}
	writer.DueAge(t.Context(), 90*time.Second)
	if diff := cmp.Diff(map[string]int64{"DueAge": 90_000}, figures(t, log.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestBatches(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	w.Territory()

	taken := w.Lead(1, salestest.Values{salestest.Sources: int64(8)})
	w.Lead(2, salestest.Values{salestest.Sources: int64(1)})
	want(t, batch(t, w.Changes, at(w.Fresh())), map[string]int64{"Changes": 2, "Evaluated": 2, "Connected": 1})

	// What that has led to: the record, its target and its first step.
	led := at(w.Fresh())
	want(t, batch(t, w.Changes, led), map[string]int64{"Changes": int64(len(led)), "Evaluated": 0})

	w.Update("lead", taken.ID, salestest.Values{"subject": "another"})
	want(t, batch(t, w.Changes, at(w.Fresh())), map[string]int64{"Changes": 1})

	w.Update("lead", taken.ID, salestest.Values{salestest.Quality: int64(1)})
	moving := at(w.Fresh())
	w.Before(func(call probe.Call) bool { return call.Method == probe.Write }, func(other *salestest.World) {
		other.Update("lead", taken.ID, salestest.Values{"subject": "a third"})
	})
	want(t, batch(t, w.Changes, moving), map[string]int64{"Changes": 1, "Evaluated": 1, "Connected": 1, "Moved": 1, "Conflicts": 1})
	w.Settle()
	w.Fresh()

	if got := batch(t, w.Changes, nil); len(got) != 8 || got["Changes"] != 0 { // and nothing is fresh
		t.Errorf("figures of no change: %v", got)
	}
}

// A change that is parked is counted once for each reaction that could not read it, however
// often it comes.
func TestBatchesCountParked(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	w.Lead(1, nil)
	w.Segment(1, salestest.Web, "", nil)
	w.Settle()
	w.Fresh()
	w.Lead(2, nil)
	changes := at(w.Fresh())
	changes[0].New = broken{}
	for _, parked := range []int64{2, 0} {
		want(t, batch(t, w.Changes, changes), map[string]int64{"Changes": 1, "ParkedChanges": parked})
	}
	w.Parked()
}

// The alarm on parked changes goes by the name of the figure, in the namespace that the
// template gives the function.
func TestAlarmGoesByTheFigure(t *testing.T) {
	template, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"SEGUE_METRICS: !Sub Segue/${AWS::StackName}\n", "Namespace: !Sub 'Segue/${AWS::StackName}'\n      MetricName: ParkedChanges\n"} {
		if !strings.Contains(string(template), part) {
			t.Errorf("template.yaml lacks %q", part)
		}
	}
}

// broken is an image that cannot be read.
type broken struct{}

func (broken) Values(*store.Names, []store.Value) error { return errors.New("broken") }
func (broken) Item() (store.Item, error)                { return nil, errors.New("broken") }

// A line is written also about a batch that panics, and the panic goes on.
func TestBatchesThatPanic(t *testing.T) {
	var log bytes.Buffer
	h := emf.Writer{Out: &log, Namespace: "Segue/test", Clock: clock.Of(salestest.Now)}.Batches(
		func(context.Context, []store.Change) []store.Failure { panic("boom") })
	func() {
		defer func() {
			if recover() != "boom" {
				t.Error("the panic is gone")
			}
		}()
		h(t.Context(), []store.Change{{At: salestest.Now()}})
	}()
	if got := figures(t, log.Bytes()); got["Changes"] != 1 {
		t.Errorf("figures %v", got)
	}
}
