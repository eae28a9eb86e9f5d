package rows_test

import (
	"fmt"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

type values = rowstest.Values

type fixture struct{ *rowstest.Fixture }

func newFixture(t *testing.T) *fixture {
	t.Helper()
	return &fixture{rowstest.New(t)}
}

func TestGetAnswersInOrder(t *testing.T) {
	f := newFixture(t)
	all := make([]values, 100)
	for i := range all {
		all[i] = values{"subject": schema.Text(fmt.Sprint("lead ", i))}
	}
	refs := f.Put(t, "lead", all...)
	refs = append([]rows.Ref{{Table: "lead", ID: rowstest.ID("missing", 0)}}, refs...)
	refs[1], refs[100] = refs[100], refs[1]

	f.Probe.Reset()
	found, err := f.Get(t.Context(), refs...)
	if err != nil {
		t.Fatal(err)
	}
	if calls := f.Probe.Counts().Gets; calls != 2 {
		t.Errorf("%d requests for 101 rows, want 2", calls)
	}
	if found[0] != nil {
		t.Errorf("found %v, which was never made", found[0].Ref())
	}
	for i, row := range found[1:] {
		if row.Ref() != refs[i+1] {
			t.Fatalf("row %d is %v, want %v", i+1, row.Ref(), refs[i+1])
		}
	}
	if _, err := f.Get(t.Context(), rows.Ref{Table: "leda", ID: "x"}); err == nil {
		t.Error("read a row of a table that the schema lacks")
	}
}

// A read of a column that the table does not declare, or declares with another
// type, is null, but not in silence: it is reported, and the row is not written.
func TestMisreadsAreCaught(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{"subject": schema.Text("A"), "numberofemployees": schema.Int(7)})[0]
	for _, test := range []struct {
		name string
		read func(*rows.Row) any
		zero any
	}{
		{"undeclared text", func(r *rows.Row) any { return r.Text("subjekt") }, ""},
		{"text as a number", func(r *rows.Row) any { return r.Int("subject") }, int64(0)},
		{"text as a boolean", func(r *rows.Row) any { return r.Is("subject") }, false},
		{"number as text", func(r *rows.Row) any { return r.Text("numberofemployees") }, ""},
		{"number as a time", func(r *rows.Row) any { return r.Time("numberofemployees") }, time.Time{}},
		{"number as a lookup", func(r *rows.Row) any { return r.Lookup("numberofemployees") }, schema.Lookup{}},
	} {
		t.Run(test.name, func(t *testing.T) {
			var reports []error
			db := rows.New(f.Store, f.Schema(), clock.Of(rowstest.Clock))
			db.OnMisread(func(err error) { reports = append(reports, err) })
			tx := db.Begin("")
			found, err := tx.Load(t.Context(), ref)
			if err != nil {
				t.Fatal(err)
			}
			if got := test.read(found[0]); got != test.zero {
				t.Errorf("read %v, want %v", got, test.zero)
			}
			found[0].Set("subject", schema.Text("B"))
			err = tx.Commit(t.Context())
			if err == nil || len(reports) != 1 || err.Error() != reports[0].Error() {
				t.Errorf("commit: %v; reported %v", err, reports)
			}
			if got := f.Row(t, ref).Text("subject"); got != "A" {
				t.Errorf("subject is %q: the row was written", got)
			}
		})
	}
}

func TestRowRemembersWhatChanged(t *testing.T) {
	f := newFixture(t)
	ref := f.Put(t, "lead", values{
		"subject": schema.Text("A"), "revenue": schema.Dec(decimal.RequireFromString("1.50")), "estimatedclosedate": schema.Time(rowstest.Clock().Truncate(24 * time.Hour)),
		"ownerid": schema.Ref(schema.Lookup{Table: "systemuser", ID: rowstest.ID("user", 1)}), "numberofemployees": schema.Int(7), "donotemail": schema.Bool(true),
	})[0]
	for _, test := range []struct {
		name   string
		change func(*rows.Row)
		want   bool
	}{
		{"nothing", func(*rows.Row) {}, false},
		{"same text", func(r *rows.Row) { r.Set("subject", schema.Text("A")) }, false},
		{"same number written otherwise", func(r *rows.Row) { r.Set("revenue", schema.Dec(decimal.RequireFromString("1.5"))) }, false},
		{"same moment", func(r *rows.Row) { r.Set("estimatedclosedate", schema.Time(rowstest.Clock().Truncate(24*time.Hour))) }, false},
		{"same lookup", func(r *rows.Row) {
			r.Set("ownerid", schema.Ref(schema.Lookup{Table: "systemuser", ID: rowstest.ID("user", 1)}))
		}, false},
		{"null to null", func(r *rows.Row) { r.Set("companyname", schema.Null()) }, false},
		{"another text", func(r *rows.Row) { r.Set("subject", schema.Text("a")) }, true},
		{"another number", func(r *rows.Row) { r.Set("revenue", schema.Dec(decimal.RequireFromString("1.51"))) }, true},
		{"another moment", func(r *rows.Row) {
			r.Set("estimatedclosedate", schema.Time(rowstest.Clock().Truncate(24*time.Hour).Add(24*time.Hour)))
		}, true},
		{"another table's id", func(r *rows.Row) {
			r.Set("ownerid", schema.Ref(schema.Lookup{Table: "team", ID: rowstest.ID("user", 1)}))
		}, true},
		{"to null", func(r *rows.Row) { r.Set("subject", schema.Null()) }, true},
		{"lookup to null", func(r *rows.Row) { r.Set("ownerid", schema.Null()) }, true},
		{"from null", func(r *rows.Row) { r.Set("companyname", schema.Text("C")) }, true},
		{"touched", func(r *rows.Row) { r.Touch() }, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			row := f.Row(t, ref)
			test.change(row)
			if row.Changed() != test.want {
				t.Errorf("changed is %t, want %t", row.Changed(), test.want)
			}
		})
	}
	row := f.Row(t, ref)
	if row.Int("numberofemployees") != 7 || !row.Is("donotemail") || row.Text("companyname") != "" {
		t.Errorf("typed reads of %v", row.Values())
	}
}

// everyType is a schema with a table that has a column of each type.
func everyType(t *testing.T) *schema.Schema {
	t.Helper()
	s, err := schema.Load(schema.Files(), fstest.MapFS{"tables/thing.json": {Data: []byte(`{
		"name": "thing", "set": "things", "label": "Thing", "id": "thingid", "primaryName": "a_string",
		"states": [{"value": 0, "label": "Open", "statuses": [{"value": 1, "label": "New"}, {"value": 2, "label": "Old"}]},
			{"value": 1, "label": "Closed", "statuses": [{"value": 3, "label": "Done"}]}],
		"columns": [
			{"name": "a_string", "label": "A", "type": "string", "maxLength": 100},
			{"name": "a_memo", "label": "A", "type": "memo", "maxLength": 2000},
			{"name": "an_integer", "label": "A", "type": "integer"},
			{"name": "a_bigint", "label": "A", "type": "bigint"},
			{"name": "a_decimal", "label": "A", "type": "decimal"},
			{"name": "a_money", "label": "A", "type": "money"},
			{"name": "a_double", "label": "A", "type": "double"},
			{"name": "a_boolean", "label": "A", "type": "boolean"},
			{"name": "a_choice", "label": "A", "type": "choice", "options": [{"value": 1, "label": "One"}, {"value": 200, "label": "Two"}]},
			{"name": "a_datetime", "label": "A", "type": "datetime"},
			{"name": "a_date", "label": "A", "type": "date"},
			{"name": "a_guid", "label": "A", "type": "guid"},
			{"name": "a_lookup", "label": "A", "type": "lookup", "targets": [{"table": "thing"}]},
			{"name": "a_choice_of_lookups", "label": "A", "type": "lookup", "targets": [{"table": "thing"}, {"table": "other"}]}
		]}`)}, "tables/other.json": {Data: []byte(`{
		"name": "other", "set": "others", "label": "Other", "id": "otherid", "primaryName": "name",
		"columns": [{"name": "name", "label": "Name", "type": "string", "maxLength": 100}]}`)}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sameValues compares values as the product does: a decimal by its number.
func sameValues() cmp.Option {
	return cmp.Comparer(func(a, b decimal.Decimal) bool { return a.Equal(b) })
}
