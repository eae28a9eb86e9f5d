package advance

import (
	"context"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/storetest"
)

// world is rows of three tables in the due list, and a process that passes over it.
type world struct {
	testing.TB
	*rows.DB
	*Advance

	model *storetest.Model
	probe *probe.Probe
	clock *clock.Manual
}

// start is when a world begins.
func start() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) }

// tables is a schema of tables in the due list, each by a column of its own.
func tables(t testing.TB, names ...string) *schema.Schema {
	t.Helper()
	files := fstest.MapFS{}
	for _, name := range names {
		files["tables/"+name+".json"] = &fstest.MapFile{Data: []byte(strings.ReplaceAll(`{
			"name": "NAME", "label": "NAME", "id": "NAMEid", "primaryName": "name",
			"indexes": [{"name": "due", "serves": "what is due", "on": "gsi2", "shards": true, "sort": ["NAMEdue"]}],
			"columns": [
				{"name": "name", "label": "Name", "type": "string", "maxLength": 50},
				{"name": "NAMEdue", "label": "Due", "type": "datetime"},
				{"name": "times", "label": "Times", "type": "integer", "min": 0, "max": 1000000}]}`, "NAME", name))}
	}
	s, err := schema.Load(schema.Files(), files)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newWorld(t testing.TB) *world {
	t.Helper()
	model := storetest.NewModel(rows.Indexes())
	return process(t, model, clock.NewManual(start()), tables(t, "alarm", "bill", "call"))
}

// process is another process on a store.
func process(t testing.TB, model *storetest.Model, c *clock.Manual, s *schema.Schema) *world {
	t.Helper()
	between := probe.New(model, rows.Indexes()...)
	db := rows.New(between, s, c)
	db.OnMisread(func(err error) { t.Error(err) })
	return &world{t, db, New(db, c), model, between, c}
}

// put makes rows of a table that are due in so many seconds from the start.
func (w *world) put(table string, seconds ...int) []rows.Ref {
	w.Helper()
	var refs []rows.Ref
	for i, s := range seconds {
		tx := w.Begin("")
		row := tx.Create(w.Schema().Table(table), rowstest.ID(table, i), rowstest.Values{})
		row.Set(table+"due", schema.Time(start().Add(time.Duration(s)*time.Second)))
		if err := tx.Commit(w.Context()); err != nil {
			w.Fatal(err)
		}
		refs = append(refs, row.Ref())
	}
	w.probe.Reset()
	return refs
}

// row is a row as it is in the store; the process does not see that it is read.
func (w *world) row(ref rows.Ref) *rows.Row {
	w.Helper()
	found, err := rows.New(w.model, w.Schema(), w.clock).Get(w.Context(), ref)
	if err != nil {
		w.Fatal(err)
	}
	return found[0]
}

// due is when a row is due, in seconds from the start.
func (w *world) due(ref rows.Ref) int {
	w.Helper()
	return int(w.row(ref).Time(ref.Table+"due").Sub(start()) / time.Second)
}

// pass must not fail.
func (w *world) pass() Summary {
	w.Helper()
	done, err := w.Pass(w.Context())
	if err != nil {
		w.Fatal(err)
	}
	return done
}

// moveOn is a handler that makes a row due again in an hour.
func (w *world) moveOn(ctx context.Context, row *rows.Row) error {
	return w.moveOnBy(ctx, row, time.Hour)
}

func (w *world) moveOnBy(ctx context.Context, row *rows.Row, by time.Duration) error {
	tx := w.Begin("")
	tx.Hold(row)
	column := row.Table.DueColumn()
	row.Set(column, schema.Time(row.Time(column).Add(by)))
	row.Set("times", schema.Int(row.Int("times")+1))
	return tx.Commit(ctx)
}
