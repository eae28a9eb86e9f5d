package migration_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/boot"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/authoring"
	"segue/internal/sales/migration"
	"segue/internal/sales/salestest"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
	"segue/internal/store"
)

type values = salestest.Values

// definition is tasks, and waits of two days with names that begin with "Wait".
func definition(steps ...string) string {
	var list []string
	for _, step := range steps {
		detail := `"type":"task"`
		if strings.HasPrefix(step, "Wait") {
			detail = `"type":"wait","wait":{"days":2}`
		}
		list = append(list, fmt.Sprintf(`{%s,"name":%q,"id":%q}`, detail, step, guid.FromName(step)))
	}
	return "[" + strings.Join(list, ",") + "]"
}

func stepID(step string) sequence.StepID { return sequence.StepID(guid.FromName(step)) }

// begin makes an active sequence.
func begin(t testing.TB, w *salestest.World, steps ...string) string {
	t.Helper()
	seq := w.Draft(1, definition(steps...))
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	return seq
}

// revise makes the next version of it.
func revise(w *salestest.World, seq string, steps ...string) {
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(3), "msdyn_definition": definition(steps...)})
	w.Update("msdyn_sequence", seq, values{"statuscode": int64(2)})
}

func migrate(t testing.TB, w *salestest.World, c sales.Caller, request migration.Request) (answer migration.Answer, err error) {
	err = w.DB.DoBy(t.Context(), c.By(), func(tx *rows.Tx) error {
		answer, err = w.Migration.BeginIn(t.Context(), tx, c, request)
		return err
	})
	return answer, sales.Public(err)
}

// result is what a job came to.
func result(t testing.TB, w *salestest.World, id name.JobID) (result migration.Result) {
	t.Helper()
	job := sales.Job{Row: w.Row(name.Job, string(id))}
	if job.State() != sales.JobCompleted {
		t.Fatalf("the job is %v: %v", job.State(), job.Row.Values())
	}
	if err := json.Unmarshal([]byte(job.Result()), &result); err != nil {
		t.Fatal(err)
	}
	return result
}

func place(w *salestest.World, target *rows.Row) []any {
	row := w.Row("msdyn_sequencetarget", target.ID)
	step := w.Step(row)
	return []any{row.Int("msdyn_parentsequenceversion"), row.Text("msdyn_currentstepname"), step.Text("msdyn_name"), step.Text("msdyn_sequencestepid"), row.Int("msdyn_totalstepcount")}
}

func TestMigrate_KeepsTheStep(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	seq := begin(t, w, "Call", "Wait", "Mail")
	first, waits, mails := w.Connect(w.Lead(1, nil), seq), w.Connect(w.Lead(2, nil), seq), w.Connect(w.Lead(3, nil), seq)
	waits = w.Finish(waits, salestest.StepCompleted)
	mails = w.Finish(w.Finish(mails, salestest.StepCompleted), salestest.StepSkipped)
	due := w.Step(waits).Time("msdyn_duetime")
	revise(w, seq, "Research", "Call", "Wait", "Visit", "Letter")
	newest := w.Connect(w.Lead(4, nil), seq)
	request := migration.Request{Sequence: name.SequenceID(seq), Moved: map[sequence.StepID]sequence.StepID{stepID("Mail"): stepID("Letter")}}
	for range 2 { // the second has nothing left to do
		answer, err := migrate(t, w, salestest.Manager(), request)
		if err != nil {
			t.Fatal(err)
		}
		w.Settle()
		got := result(t, w, answer.Job)
		if want := int64(len(answer.Steps)); got.Done != want || got.Skipped != 0 || got.Failed != 0 {
			t.Errorf("the job did %+v, want %d", got, want)
		}
		for _, want := range []struct {
			target *rows.Row
			place  []any
		}{
			{first, []any{int64(2), "Call", "Call", guid.FromName("Call"), int64(3)}},
			{waits, []any{int64(2), "Wait", "Wait", guid.FromName("Wait"), int64(3)}},
			{mails, []any{int64(2), "Letter", "Letter", guid.FromName("Letter"), int64(2)}},
			{newest, []any{int64(2), "Research", "Research", guid.FromName("Research"), int64(4)}},
		} {
			if d := cmp.Diff(want.place, place(w, want.target)); d != "" {
				t.Errorf("version, step, its row, its id, all (-want +got):\n%s", d)
			}
		}
	}
	if got := w.Step(waits).Time("msdyn_duetime"); !got.Equal(due) || due.Before(salestest.Now().Add(47*time.Hour)) {
		t.Errorf("the wait is over at %v, was %v", got, due)
	}
	w.Sound(true)
	if next := w.Finish(waits, salestest.StepSkipped); next.Text("msdyn_currentstepname") != "Visit" {
		t.Errorf("after the wait comes %q", next.Text("msdyn_currentstepname"))
	}
	w.Ended(w.Finish(mails, salestest.StepCompleted), salestest.Completed, salestest.PathDone, salestest.StepCompleted)
	w.Sound(true)
}

func TestMigrate_PreviewWritesNothing(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	seq := begin(t, w, "Call", "Mail")
	w.Connect(w.Lead(1, nil), seq)
	w.Connect(w.Lead(2, nil), seq)
	w.Finish(w.Connect(w.Lead(3, nil), seq), salestest.StepCompleted)
	revise(w, seq, "Call", "Visit")
	w.Untouched(t, func() {
		answer, err := migrate(t, w, salestest.Manager(), migration.Request{Sequence: name.SequenceID(seq), Preview: true})
		want := migration.Answer{Version: 2, Steps: []migration.Step{
			{Version: 1, ID: stepID("Call"), Name: "Call", To: stepID("Call"), Targets: 2},
			{Version: 1, ID: stepID("Mail"), Name: "Mail", Why: fmt.Sprintf("version 2 has no step %s", stepID("Mail")), Targets: 1},
		}}
		if d := cmp.Diff(want, answer); err != nil || d != "" {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
	})
}

func TestMigrate_RefusesWhatIsNotSafe(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	seq := begin(t, w, "Call", "Wait", "Mail")
	w.Finish(w.Connect(w.Lead(1, nil), seq), salestest.StepCompleted)
	revise(w, seq, "Call", "Mail")
	off := w.Draft(2, definition("Call"))
	stranger := sales.Caller{ID: name.UserID(guid.FromName("stranger"))}
	for _, test := range []struct {
		name    string
		caller  sales.Caller
		request migration.Request
		kind    sales.Kind
		says    string
	}{
		{"a step without a place", salestest.Manager(), migration.Request{}, sales.Precondition, `1 connections are at step "Wait"`},
		{"a wait becomes a task", salestest.Manager(), migration.Request{Moved: map[sequence.StepID]sequence.StepID{stepID("Wait"): stepID("Mail")}}, sales.Invalid, "another type"},
		{"to an unknown step", salestest.Manager(), migration.Request{Moved: map[sequence.StepID]sequence.StepID{stepID("Call"): stepID("Nothing")}}, sales.Invalid, "has no step"},
		{"from an unknown step", salestest.Manager(), migration.Request{Moved: map[sequence.StepID]sequence.StepID{stepID("Nothing"): stepID("Call")}}, sales.Invalid, "none of the versions"},
		{"the version in use", salestest.Manager(), migration.Request{Versions: []int64{2}}, sales.Invalid, "version 2"},
		{"an inactive sequence", salestest.Manager(), migration.Request{Sequence: name.SequenceID(off)}, sales.Precondition, "not active"},
		{"no sequence", salestest.Manager(), migration.Request{Sequence: name.SequenceID(salestest.ID("sequence", 9))}, sales.NotFound, ""},
		{"no right", stranger, migration.Request{}, sales.Forbidden, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.request.Sequence == "" {
				test.request.Sequence = name.SequenceID(seq)
			}
			w.Refuses(t, test.kind, func() error { _, err := migrate(t, w, test.caller, test.request); return err }, test.says)
		})
	}
}

// Connections, steps, revisions and migrations in any order: each connection is on the version
// and at the step where a model has it, which knows versions as lists of names.
func TestMigrate_AnyOrder(t *testing.T) {
	names := []string{"A", "B", "C", "D", "E"}
	rapid.Check(t, func(rt *rapid.T) {
		w := salestest.New(t, boot.Options{})
		versions := [][]string{names}
		seq := begin(t, w, names...)
		type connection struct {
			target  *rows.Row
			version int
			step    string // "" when it has ended
		}
		var all []*connection
		indexOf := func(version int, step string) int {
			for i, other := range versions[version-1] {
				if other == step {
					return i
				}
			}
			return -1
		}
		for range rapid.IntRange(3, 12).Draw(rt, "deeds") {
			switch rapid.SampledFrom([]string{"connect", "finish", "revise", "draft", "migrate"}).Draw(rt, "deed") {
			case "connect":
				all = append(all, &connection{w.Connect(w.Lead(len(all), nil), seq), len(versions), versions[len(versions)-1][0]})
			case "finish":
				if len(all) == 0 {
					continue
				}
				c := rapid.SampledFrom(all).Draw(rt, "of")
				if c.step == "" {
					continue
				}
				w.Finish(w.Row("msdyn_sequencetarget", c.target.ID), salestest.StepCompleted)
				if at := indexOf(c.version, c.step) + 1; at < len(versions[c.version-1]) {
					c.step = versions[c.version-1][at]
				} else {
					c.step = ""
				}
			case "revise":
				next := rapid.Permutation(names).Draw(rt, "order")[:rapid.IntRange(1, len(names)).Draw(rt, "steps")]
				if now := versions[len(versions)-1]; cmp.Equal(now, next) {
					continue
				}
				revise(w, seq, next...)
				versions = append(versions, next)
			case "draft": // nothing runs by it
				w.Update("msdyn_sequence", seq, values{"statuscode": int64(3), "msdyn_definition": definition("Draft")})
				w.Update("msdyn_sequence", seq, values{"statuscode": int64(2), "msdyn_definition": definition(versions[len(versions)-1]...)})
			case "migrate":
				if len(versions) == 1 {
					continue
				}
				safe := true
				for _, c := range all {
					safe = safe && (c.step == "" || c.version == len(versions) || indexOf(len(versions), c.step) >= 0)
				}
				_, err := migrate(t, w, salestest.Manager(), migration.Request{Sequence: name.SequenceID(seq)})
				if (err == nil) != safe {
					rt.Fatalf("safe is %v, migrating: %v", safe, err)
				}
				w.Settle()
				for _, c := range all {
					if safe && c.step != "" {
						c.version = len(versions)
					}
				}
			}
			for _, c := range all {
				row := w.Row("msdyn_sequencetarget", c.target.ID)
				if ended := row.Int("statecode") != 0; ended != (c.step == "") || !ended && (row.Text("msdyn_currentstepname") != c.step || row.Int("msdyn_parentsequenceversion") != int64(c.version)) {
					rt.Fatalf("want version %d at %q, got %v", c.version, c.step, row.Values())
				}
			}
		}
		w.Settle()
		w.Sound(true)
	})
}

// More connections than a request counts are counted, and taken over, by a job, which leaves
// what has no place where it is.
func TestMigrate_ManyConnections(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	seq := begin(t, w, "Call", "Mail")
	var records []rows.Ref
	for n := range migration.MaxCounted {
		records = append(records, w.Lead(n, nil))
	}
	if _, err := w.Connections.ConnectSelection(t.Context(), salestest.Manager(), name.SequenceID(seq), records, false); err != nil {
		t.Fatal(err)
	}
	stays := w.Finish(w.Connect(w.Lead(migration.MaxCounted, nil), seq), salestest.StepCompleted)
	revise(w, seq, "Call", "Visit")
	for _, preview := range []bool{true, false} {
		answer, err := migrate(t, w, salestest.Manager(), migration.Request{Sequence: name.SequenceID(seq), Preview: preview})
		if err != nil || answer.Steps != nil {
			t.Fatalf("%+v, %v", answer, err)
		}
		w.Settle()
		got := result(t, w, answer.Job)
		if got.Done != migration.MaxCounted || got.Skipped != 1 || got.Failed != 0 || len(got.Steps) != 2 || got.Steps[1].To != "" || got.Steps[1].Targets != 1 {
			t.Errorf("preview %v: %+v", preview, got)
		}
		gone := len(w.List("msdyn_sequencetarget", values{"msdyn_parentsequenceversion": int64(2)}))
		if want := map[bool]int{true: 0, false: migration.MaxCounted}[preview]; gone != want {
			t.Errorf("preview %v: %d connections are on version 2, want %d", preview, gone, want)
		}
	}
	if d := cmp.Diff([]any{int64(1), "Mail"}, place(w, stays)[:2]); d != "" {
		t.Errorf("what has no place (-want +got):\n%s", d)
	}
	w.Sound(true)
}

// A step that is completed just before the job's commit is taken over at the next one.
func TestMigrate_StepCompletedMeanwhile(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	seq := begin(t, w, "Call", "Mail")
	target := w.Connect(w.Lead(1, nil), seq)
	revise(w, seq, "Mail", "Call", "Letter")
	answer, err := migrate(t, w, salestest.Manager(), migration.Request{Sequence: name.SequenceID(seq)})
	if err != nil {
		t.Fatal(err)
	}
	w.Before(func(call probe.Call) bool {
		return call.Method == probe.Write && slices.ContainsFunc(call.Keys, func(key store.Key) bool { return salestest.TableOf(key) == "msdyn_sequencetarget" })
	}, func(other *salestest.World) { other.Finish(target, salestest.StepCompleted) })
	w.Settle()
	if got := result(t, w, answer.Job); got.Done != 1 {
		t.Errorf("the job did %+v", got)
	}
	if d := cmp.Diff([]any{int64(2), "Mail", "Mail", guid.FromName("Mail"), int64(3 + 1)}, place(w, target)); d != "" {
		t.Errorf("version, step, its row, its id, all (-want +got):\n%s", d)
	}
	w.Sound(true)
}

// A version from before versions had rows, which nothing keeps, takes part in no migration.
func TestMigrate_VersionThatIsNotKept(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	seq := begin(t, w, "Call", "Mail")
	target := w.Connect(w.Lead(1, nil), seq)
	revise(w, seq, "Call")
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), rows.RefTo(name.Sequence, authoring.VersionID(name.SequenceID(seq), 1)))
		if err == nil {
			tx.Delete(found[0])
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	w.Restart()
	w.Refuses(t, sales.Precondition, func() error {
		_, err := migrate(t, w, salestest.Manager(), migration.Request{Sequence: name.SequenceID(seq)})
		return err
	}, "no version before")
	w.Ended(w.Finish(target, salestest.StepCompleted), salestest.Completed, salestest.PathDone, salestest.StepCompleted)
}
