package api_test

import (
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"segue/internal/api"
	"segue/internal/probe"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// uses is what functions were seen to ask of the table and the queue of jobs, by
// function: actions as IAM names them.
type uses map[string]map[string]bool

// note adds what was asked for since the last note in the world, or since its probe
// was last reset.
func (u uses) note(function string, w *world) {
	if u[function] == nil {
		u[function] = map[string]bool{}
	}
	queued := w.parts.Local.Len()
	if queued > w.queued {
		u[function]["sqs:SendMessage"] = true
	}
	w.queued = queued
	for _, call := range w.probe.Calls() {
		switch call.Method {
		case probe.Get:
			u[function]["dynamodb:GetItem"], u[function]["dynamodb:BatchGetItem"] = true, true
		case probe.Query:
			u[function]["dynamodb:Query"] = true
		case probe.Write:
			for _, op := range call.Ops {
				u[function][actionOf(op)] = true
			}
		}
	}
	w.probe.Reset()
}

// actionOf is what an operation needs, alone or in a transaction.
func actionOf(op store.OpKind) string {
	return "dynamodb:" + map[store.OpKind]string{
		store.OpPut: "PutItem", store.OpUpdate: "UpdateItem", store.OpDelete: "DeleteItem", store.OpCheck: "ConditionCheckItem",
	}[op]
}

// functionOf is the function whose route a request, as [world.send] has it, takes.
func functionOf(t *testing.T, request string) string {
	t.Helper()
	mux := http.NewServeMux()
	functions := map[string]string{}
	for _, route := range api.Routes() {
		pattern := strings.TrimPrefix(route.Method+" ", "ANY ") + route.Path
		mux.HandleFunc(pattern, http.NotFound)
		functions[pattern] = route.Function
	}
	line, _, _ := strings.Cut(request, "\n")
	method, target, _ := strings.Cut(line, " ")
	target = strings.Replace(target, "~/", "/api/data/v9.2/", 1)
	r, err := http.NewRequestWithContext(t.Context(), method, "http://segue.test"+target, http.NoBody)
	if err != nil {
		return "" // a script's broken request reaches no function
	}
	_, pattern := mux.Handler(r)
	return functions[pattern]
}

// settle runs the functions behind the API after a script and notes what each of them
// used: the reactions, the jobs that these begin, a pass of the schedule. Then it deletes
// the fixture's segment, which a job unlinks, and has every function that runs reactions
// follow an evaluation that was decided before the deletion.
func (u uses) settle(w *world) {
	w.t.Helper()
	w.probe.Reset()
	u.work(w)
	w.send("DELETE ~/msdyn_segments(" + segmentID + ")") // unless the script has done so
	u.note("data", w)
	u.redrive(w, name.Job, w.jobID())
	u.work(w)
	w.enterDeleted()
	u.work(w)
	w.enterDeleted()
	salestest.Park(w.t, w.parts.DB, rows.Ref{Table: "lead", ID: leadID}, "segmentation.evaluate")
	w.probe.Reset()
	if _, err := w.parts.Advance.Pass(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	u.note("advance", w)
	w.enterDeleted()
	u.redrive(w, "lead", leadID)
}

// redrive has the action take up a row.
func (u uses) redrive(w *world, table, id string) {
	w.t.Helper()
	w.probe.Reset()
	w.expect(http.StatusNoContent, "POST ~/segue_Redrive\nAs: System Administrator\n\n"+`{"Table":"`+table+`","Id":"`+id+`"}`)
	u.note("action", w)
}

// enterDeleted puts the fixture's lead into its segment, which is deleted.
func (w *world) enterDeleted() {
	w.t.Helper()
	err := w.parts.DB.Do(w.t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(w.t.Context(), rows.Ref{Table: "lead", ID: leadID})
		if err != nil {
			return err
		}
		lead := found[0]
		if lead == nil { // the script has deleted it
			lead = tx.Create(w.tables.Table("lead"), leadID, nil)
		}
		lead.Set(name.MsdynSegmentid, schema.Ref(schema.Lookup{Table: name.Segment, ID: segmentID}))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// jobID is the id of a job.
func (w *world) jobID() string {
	w.t.Helper()
	page, err := w.parts.Entities.List(w.t.Context(), sales.Engine(), name.Job, query.Query{Limit: 1})
	if err != nil || len(page.Rows) == 0 {
		w.t.Fatalf("%d jobs, %v", len(page.Rows), err)
	}
	return page.Rows[0].ID
}

// work follows changes and works on jobs until nothing is left to do.
func (u uses) work(w *world) {
	w.t.Helper()
	for {
		if err := w.store.Drain(w.t.Context(), "evaluate", w.parts.Changes); err != nil {
			w.t.Fatal(err)
		}
		u.note("evaluate", w)
		if w.parts.Local.Len() == 0 {
			return
		}
		if err := w.parts.Local.Drain(w.t.Context(), w.parts.Jobs.Handle); err != nil {
			w.t.Fatal(err)
		}
		u.note("job", w)
	}
}

// check compares what was asked for with what template.yaml allows. The emulator
// allows everything, and AWS does not.
func (u uses) check(t *testing.T) {
	t.Helper()
	text, err := os.ReadFile("../../template.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name := range readTemplate(t).events() {
		role := strings.ToUpper(name[:1]) + name[1:] + "Role:"
		_, after, _ := strings.Cut(string(text), "\n  "+role)
		allowed, _, _ := strings.Cut(after, "\n\n")
		if len(u[name]) == 0 {
			t.Errorf("%s was never seen at work", name)
		}
		for _, action := range slices.Sorted(maps.Keys(u[name])) {
			if !strings.Contains(allowed, action) {
				t.Errorf("%s does %s, which template.yaml does not allow", name, action)
			}
		}
	}
}
