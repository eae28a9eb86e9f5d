// Package salestest is what the tests of the domain stand on: a [World] is a
// Segue on a store of its own, put together as the product is, with a probe
// between, and with the words in which a test tells what users do and what must
// be true then. Only tests import it.
//
// Size: it is the vocabulary of every test of the domain; what the tests of one
// room alone need stays in them.
package salestest

import (
	"fmt"
	"testing"
	"time"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/entity"
	"segue/internal/guid"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// Values is columns of a row, as Go literals.
type Values = map[string]any

// World is a Segue in one process on a store of its own. Its methods fail T when
// what must succeed does not.
type World struct {
	*boot.Parts
	T     testing.TB
	Store ChangeStore
	Probe *probe.Probe

	policy    sales.Policy
	begin     func() *boot.Parts
	versions  func(rows.Ref) int64 // of new rows, nil for random ones
	parks     bool                 // the test expects that changes are parked
	restarted bool                 // and nobody has queued the open jobs since
}

// Now stands still, so that runs can be compared.
func Now() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// New makes a world on the embedded store.
func New(t testing.TB, options boot.Options) *World {
	t.Helper()
	return NewOn(t, OpenEmbedded(t, embed.NoSync()), Now, options)
}

// NewOn makes a world on any store, empty or not; now stamps its rows.
func NewOn(t testing.TB, store ChangeStore, now func() time.Time, options boot.Options) *World {
	t.Helper()
	tables := schematest.Tables(t)
	w := &World{T: t, Store: store, Probe: probe.New(store, rows.Indexes()...), policy: options.Policy}
	w.begin = func() *boot.Parts {
		db := rows.New(w.Probe, tables, clock.Of(now))
		db.OnMisread(func(err error) { t.Error(err) })
		if w.versions != nil {
			db.FirstVersions(w.versions)
		}
		return boot.Assemble(db, options)
	}
	w.Parts = w.begin()
	w.Admit(Manager())
	w.Settle()
	w.Fresh()
	w.Probe.Reset()
	t.Cleanup(func() {
		if w.parks || t.Failed() {
			return
		}
		for _, parked := range w.Parked() {
			t.Errorf("%s of %v is parked: %s", parked.Handler(), parked.Subject(), parked.Reason())
		}
	})
	t.Cleanup(func() { w.Local.Close() })
	return w
}

// Watch returns a world that looks at the rows of a store, for a test that puts its
// processes together itself; parts is one of them.
func Watch(t testing.TB, store ChangeStore, parts *boot.Parts, policy sales.Policy) *World {
	return &World{Parts: parts, T: t, Store: store, policy: policy}
}

// Foretell makes the versions of rows, and the ids that follow from them, the same in
// each run of a test. It is for a world that is alone on its store, at its beginning.
func (w *World) Foretell() *World {
	w.versions = rowstest.FirstVersions()
	w.Restart()
	w.Admit(Manager())
	return w
}

// Admit makes the user of a caller, so that what is counted and compared after it
// is what the caller does.
func (w *World) Admit(c sales.Caller) {
	w.T.Helper()
	if _, err := w.Principals.Admit(w.T.Context(), c); err != nil {
		w.T.Fatal(err)
	}
}

// Restart ends the process and begins another, which knows nothing but what is
// in the store.
func (w *World) Restart() {
	w.Local.Close()
	w.Probe.Reset()
	w.Parts, w.restarted = w.begin(), true
}

// Plain is another process on the world's store, without the probe, which would
// read before every write.
func (w *World) Plain(options boot.Options) *boot.Parts {
	return boot.Assemble(rows.New(w.Store, w.DB.Schema(), clock.Of(Now)), options)
}

// Manager is a caller who may do what the domain lets a sales manager do.
func Manager() sales.Caller {
	return sales.Caller{ID: name.UserID(ID("user", 1)), Roles: []string{sales.SalesManager}}
}

// User makes a user, whom rows can belong to.
func (w *World) User(n int) schema.Lookup {
	w.T.Helper()
	return w.made("systemuser", ID("user", n), Values{"lastname": fmt.Sprintf("User %d", n)})
}

// Team makes a team, which rows can belong to.
func (w *World) Team(n int) schema.Lookup {
	w.T.Helper()
	return w.made("team", ID("team", n), Values{"name": fmt.Sprintf("Team %d", n)})
}

// made makes a row on behalf of Segue itself, unless it is there, and returns the
// lookup at it.
func (w *World) made(table, id string, v Values) schema.Lookup {
	w.T.Helper()
	if _, _, err := w.Entities.Update(w.T.Context(), sales.Engine(), rows.Ref{Table: table, ID: id}, schematest.Row(v), entity.If{}); err != nil {
		w.T.Fatalf("make %s %s: %v", table, id, err)
	}
	w.Admit(Manager()) // a user or team that is written makes the process forget those that it knows
	return Link(table, id)
}

// ID is a fixed GUID for a name and number.
func ID(name string, n int) string { return guid.FromName(fmt.Sprintf("%s%d", name, n)) }

// Lookup is the value of a lookup column that points at a row.
func Lookup(ref rows.Ref) schema.Lookup { return schema.Lookup{Table: ref.Table, ID: ref.ID} }

// Link is the value of a lookup column.
func Link(table, id string) schema.Lookup { return schema.Lookup{Table: table, ID: id} }

// Create makes a row.
func (w *World) Create(table, id string, v Values) *rows.Row {
	w.T.Helper()
	row, err := w.Entities.Create(w.T.Context(), Manager(), table, id, schematest.Row(v))
	if err != nil {
		w.T.Fatalf("create %s %s: %v", table, id, err)
	}
	return row
}

// Update changes a row.
func (w *World) Update(table, id string, v Values) {
	w.T.Helper()
	if err := w.TryUpdate(table, id, v); err != nil {
		w.T.Fatalf("update %s %s: %v", table, id, err)
	}
}

// TryUpdate is an update by the manager that may be refused.
func (w *World) TryUpdate(table, id string, v Values) error {
	_, _, err := w.Entities.Update(w.T.Context(), Manager(), rows.Ref{Table: table, ID: id}, schematest.Row(v), entity.If{Exists: true})
	return err
}

// Remove deletes a row.
func (w *World) Remove(table, id string) {
	w.T.Helper()
	if err := w.Entities.Delete(w.T.Context(), Manager(), rows.Ref{Table: table, ID: id}, entity.If{}); err != nil {
		w.T.Fatalf("delete %s %s: %v", table, id, err)
	}
}

// Row reads a row.
func (w *World) Row(table, id string) *rows.Row {
	w.T.Helper()
	row, err := w.Entities.Retrieve(w.T.Context(), Manager(), rows.Ref{Table: table, ID: id})
	if err != nil {
		w.T.Fatalf("read %s %s: %v", table, id, err)
	}
	return row
}

// Corrupt changes a row past all rules, as no use case does.
func (w *World) Corrupt(table, id string, change func(row *rows.Row)) {
	w.T.Helper()
	err := w.DB.Do(w.T.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(w.T.Context(), rows.Ref{Table: table, ID: id})
		if err == nil {
			change(found[0])
		}
		return err
	})
	if err != nil {
		w.T.Fatal(err)
	}
}

// Lead makes an open lead.
func (w *World) Lead(n int, v Values) rows.Ref {
	w.T.Helper()
	return w.Create("lead", ID("lead", n), with(v, Values{"subject": fmt.Sprintf("Topic %d", n), "lastname": fmt.Sprintf("Lead %d", n)})).Ref()
}

// Opportunity makes an open opportunity.
func (w *World) Opportunity(n int, v Values) rows.Ref {
	w.T.Helper()
	return w.Create("opportunity", ID("opportunity", n), with(v, Values{"name": "Opportunity"})).Ref()
}

// with are columns and, where they say nothing, their usual values.
func with(v, usual Values) Values {
	for column, value := range v {
		usual[column] = value
	}
	return usual
}

// TryConnect is a connect by the manager that may be refused.
func (w *World) TryConnect(record rows.Ref, sequence string) error {
	_, err := w.Connections.Connect(w.T.Context(), Manager(), connection.Request{Record: record, Sequence: name.SequenceID(sequence)})
	return err
}

// Connect connects a record and returns its target.
func (w *World) Connect(record rows.Ref, sequence string) *rows.Row {
	w.T.Helper()
	made, err := w.Connections.Connect(w.T.Context(), Manager(), connection.Request{Record: record, Sequence: name.SequenceID(sequence)})
	if err != nil {
		w.T.Fatalf("connect %v: %v", record, err)
	}
	return w.Row("msdyn_sequencetarget", string(made.Target))
}

// ConnectOnly connects a record and reads nothing afterwards.
func (w *World) ConnectOnly(record rows.Ref, sequence string) {
	w.T.Helper()
	if err := w.TryConnect(record, sequence); err != nil {
		w.T.Fatalf("connect %v: %v", record, err)
	}
}

// Disconnect ends all connections of a record.
func (w *World) Disconnect(record rows.Ref) {
	w.T.Helper()
	if _, err := w.Connections.Disconnect(w.T.Context(), Manager(), record, ""); err != nil {
		w.T.Fatalf("disconnect %v: %v", record, err)
	}
}

// Put changes a row, or makes it.
func (w *World) Put(ref rows.Ref, v Values) {
	w.T.Helper()
	if _, _, err := w.Entities.Update(w.T.Context(), Manager(), ref, schematest.Row(v), entity.If{}); err != nil {
		w.T.Fatalf("put %v: %v", ref, err)
	}
}
