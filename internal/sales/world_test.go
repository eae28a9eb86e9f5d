package sales_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"

	"segue/internal/embed"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

// world is a Segue on a store of its own, with a probe between.
type world struct {
	t     testing.TB
	store changeStore
	probe *probe.Probe
	*sales.Service
	begin func() *sales.Service
}

// clock stands still, so that runs can be compared.
func clock() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// newWorld is a world on the embedded store.
func newWorld(t testing.TB, options sales.Options) *world {
	t.Helper()
	return newWorldOn(t, openEmbedded(t, embed.NoSync()), clock, options)
}

// newWorldOn is a world on any store, empty or not.
func newWorldOn(t testing.TB, store changeStore, now func() time.Time, options sales.Options) *world {
	t.Helper()
	tables, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	probe := probe.New(store, rows.Indexes()...)
	begin := func() *sales.Service { return sales.New(rows.New(probe, tables, now), options) }
	return &world{t, store, probe, begin(), begin}
}

// restart ends the process and begins another, which knows nothing but what is
// in the store.
func (w *world) restart() {
	w.probe.Reset()
	w.Service = w.begin()
}

// manager is a caller who may do what the domain lets a sales manager do.
func manager() sales.Caller {
	return sales.Caller{ID: id("user", 1), Roles: []string{sales.SalesManager}}
}

// id is a fixed GUID for a name and number.
func id(name string, n int) string {
	return uuid.NewSHA1(uuid.NameSpaceURL, fmt.Appendf(nil, "%s%d", name, n)).String()
}

type values = map[string]schema.Value

// create makes a row that must be accepted.
func (w *world) create(table, id string, v values) *rows.Row {
	w.t.Helper()
	row, err := w.Create(w.t.Context(), manager(), table, id, v)
	if err != nil {
		w.t.Fatalf("create %s %s: %v", table, id, err)
	}
	return row
}

// update changes a row, which must be accepted.
func (w *world) update(table, id string, v values) {
	w.t.Helper()
	if _, _, err := w.Update(w.t.Context(), manager(), rows.Ref{Table: table, ID: id}, v, sales.If{Exists: true}); err != nil {
		w.t.Fatalf("update %s %s: %v", table, id, err)
	}
}

// row reads a row that must be there.
func (w *world) row(table, id string) *rows.Row {
	w.t.Helper()
	row, err := w.Retrieve(w.t.Context(), manager(), rows.Ref{Table: table, ID: id})
	if err != nil {
		w.t.Fatalf("read %s %s: %v", table, id, err)
	}
	return row
}

// lead makes an open lead.
func (w *world) lead(n int, v values) rows.Ref {
	w.t.Helper()
	all := values{"subject": fmt.Sprintf("Topic %d", n), "lastname": fmt.Sprintf("Lead %d", n)}
	for column, value := range v {
		all[column] = value
	}
	return w.create("lead", id("lead", n), all).Ref()
}

const steps = `[{"type":"phonecall","name":"Call"},{"type":"wait","name":"Two days","wait":{"days":2}},{"type":"email","name":"Mail"}]`

// sequence makes an active sequence for a table.
func (w *world) sequence(n int, table string) string {
	w.t.Helper()
	w.create("msdyn_sequence", id("sequence", n), values{
		"msdyn_name": fmt.Sprintf("Sequence %d", n), "msdyn_regardingentityname": table, "msdyn_definition": steps,
	})
	w.update("msdyn_sequence", id("sequence", n), values{"statecode": int64(1)})
	return id("sequence", n)
}

// segment makes an active segment of leads; conditions is the JSON of the items
// of its root.
func (w *world) segment(n int, conditions, sequence string, more values) string {
	w.t.Helper()
	v := values{
		"msdyn_name": fmt.Sprintf("Segment %d", n), "msdyn_objecttype": "lead",
		"msdyn_entityfilter": fmt.Sprintf(`{"type":"and","items":[%s]}`, conditions),
	}
	if sequence != "" {
		v["msdyn_sequence"] = schema.Lookup{Table: "msdyn_sequence", ID: sequence}
	}
	for column, value := range more {
		v[column] = value
	}
	w.create("msdyn_segment", id("segment", n), v)
	w.update("msdyn_segment", id("segment", n), values{"statecode": int64(0)})
	return id("segment", n)
}

// settle evaluates all changes until there is none left.
func (w *world) settle() {
	w.t.Helper()
	if err := w.store.Drain(w.t.Context(), "evaluate", w.Evaluate); err != nil {
		w.t.Fatal(err)
	}
}

// connect connects a lead, which must be accepted, and answers its target.
func (w *world) connect(record rows.Ref, sequence string) *rows.Row {
	w.t.Helper()
	made, err := w.Connect(w.t.Context(), manager(), sales.ConnectInput{Record: record, Sequence: sequence})
	if err != nil {
		w.t.Fatalf("connect %v: %v", record, err)
	}
	return w.row("msdyn_sequencetarget", made.Target)
}
