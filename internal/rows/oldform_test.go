package rows_test

import (
	"fmt"
	"testing"

	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// TestOldFreeKeys: the index of free records was sorted by createdon, and accounts and
// contacts were in it (docs/decisions/0023). Rows with such keys are listed, and lose
// or keep them as they are written.
func TestOldFreeKeys(t *testing.T) {
	f := newFixture(t)
	open := values{"statecode": schema.Int(0), "segue_connected": schema.Bool(false)}
	lead, account := f.Put(t, "lead", open)[0], f.Put(t, "account", open)[0]
	old := func(ref rows.Ref) (partition, sort string) {
		shard := rowstest.Stored(t, f.Store, ref)[store.PK].Text()
		return "free#" + shard, "20260102030405#" + ref.ID
	}
	for _, ref := range []rows.Ref{lead, account} {
		partition, sort := old(ref)
		plant(t, f, ref, store.Item{"g1pk": store.S(partition), "g1sk": store.S(sort)})
	}
	listed := func(table string, want ...rows.Ref) {
		t.Helper()
		equal := func(column string, v schema.Value) filter.Node {
			return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}
		}
		where := &filter.Group{Logic: filter.And, Items: []filter.Node{equal("statecode", schema.Int(0)), equal("segue_connected", schema.Bool(false))}}
		page, err := query.New(f.DB).Select(t.Context(), query.Query{Table: f.Table(table), Where: where, Limit: 10})
		var got []rows.Ref
		for _, row := range page.Rows {
			got = append(got, row.Ref())
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("free rows of %s: %v, %v, want %v", table, got, err, want)
		}
	}
	listed("lead", lead)
	listed("account", account)
	set := func(column string, v schema.Value) {
		t.Helper()
		err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
			for _, ref := range []rows.Ref{lead, account} {
				load(t, tx, ref).Set(column, v)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set("telephone1", schema.Text("1"))
	partition, sort := old(account)
	for ref, want := range map[rows.Ref][2]string{lead: {"free#" + rowstest.Stored(t, f.Store, lead)[store.PK].Text(), lead.ID}, account: {partition, sort}} {
		if item := rowstest.Stored(t, f.Store, ref); item["g1pk"].Text() != want[0] || item["g1sk"].Text() != want[1] {
			t.Errorf("keys of %v: %v and %v, want %v", ref, item["g1pk"], item["g1sk"], want)
		}
	}
	set("segue_connected", schema.Bool(true))
	listed("lead")
	listed("account")
	if _, in := rowstest.Stored(t, f.Store, lead)["g1pk"]; in {
		t.Error("a connected lead keeps its keys")
	}
}
