package sales_test

import (
	"os"
	"testing"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// A change of a table that a version of the program does not know is parked by it
// and taken up by the version that does: two boots over one store.
func TestUnknownTableIsTakenUpByTheVersionThatKnowsIt(t *testing.T) {
	older := newWorld(t, boot.Options{Program: "v1"})
	tables, err := schema.Load(os.DirFS("../api/testdata/visit"), schema.Files())
	if err != nil {
		t.Fatal(err)
	}
	newer := boot.Assemble(rows.New(older.Store, tables, clock.Of(salestest.Now)), boot.Options{Program: "v2"})
	create := func(table, id string, v values) {
		t.Helper()
		if _, err := newer.Entities.Create(t.Context(), manager(), table, id, schematest.Row(v)); err != nil {
			t.Fatal(err)
		}
	}
	create("msdyn_segment", id("segment", 1), values{
		"msdyn_name": "Roofs", "msdyn_objecttype": "visit",
		"msdyn_entityfilter": salestest.Where(`{"attribute":"topic","operator":"eq","values":["Roof"]}`),
	})
	ref := rows.Ref{Table: "msdyn_segment", ID: id("segment", 1)}
	if _, _, err := newer.Entities.Update(t.Context(), manager(), ref, schematest.Row(values{"statecode": int64(0)}), entity.If{}); err != nil {
		t.Fatal(err)
	}
	create("visit", id("visit", 1), values{"topic": "Roof"})
	create("account", id("account", 1), values{"name": "Kern AG"})

	older.Settle()
	parked := older.Parked()
	if len(parked) != 1 || parked[0].Subject() != (rows.Ref{Table: "visit", ID: id("visit", 1)}) || parked[0].Program() != "v1" || parked[0].Tries() != 1 {
		t.Fatalf("parked %v, want the visit, by v1, after one try", parked)
	}

	if begun, err := newer.BeginRedrive(t.Context(), ""); !begun || err != nil {
		t.Fatalf("begun %t, %v", begun, err)
	}
	if err := older.Store.Drain(t.Context(), "evaluate", newer.Changes); err != nil {
		t.Fatal(err)
	}
	if err := newer.Local.Drain(t.Context(), newer.Jobs.Handle); err != nil {
		t.Fatal(err)
	}
	visit, err := newer.Entities.Retrieve(t.Context(), manager(), rows.Ref{Table: "visit", ID: id("visit", 1)})
	if err != nil {
		t.Fatal(err)
	}
	if got := visit.Lookup("msdyn_segmentid").ID; got != id("segment", 1) {
		t.Errorf("the visit is in segment %q", got)
	}
	if left := older.Parked(); len(left) > 0 {
		t.Errorf("left parked: %v", left)
	}
}
