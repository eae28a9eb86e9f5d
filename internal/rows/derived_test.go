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

// A derived column repeats another where it may point there: owninguser and
// owningteam the owner. It reads like any other and is not stored.
func TestDerived(t *testing.T) {
	f := newFixture(t)
	user, team := schema.Lookup{Table: "systemuser", ID: rowstest.ID("user", 1)}, schema.Lookup{Table: "team", ID: rowstest.ID("team", 1)}
	ref := f.Put(t, "lead", values{"ownerid": schema.Ref(user)})[0]
	stored := func() store.Item {
		t.Helper()
		for shard := range schema.Shards {
			page, err := f.Store.Query(t.Context(), store.Query{Partition: fmt.Sprintf("lead#%d", shard)})
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Items) == 1 {
				return page.Items[0]
			}
		}
		t.Fatal("the lead is not stored")
		return nil
	}
	check := func(row *rows.Row, owner schema.Lookup) {
		t.Helper()
		want := map[string]schema.Lookup{"owninguser": {}, "owningteam": {}}
		want["owning"+map[string]string{"systemuser": "user", "team": "team"}[owner.Table]] = owner
		for column, to := range want {
			v, err := row.Value(column)
			if got := row.Lookup(column); got != to || err != nil || v != row.Values()[column] {
				t.Errorf("%s is %v, %v, want %v", column, v, err, to)
			}
		}
	}
	check(f.Row(t, ref), user)
	err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), ref)
		if err != nil {
			return err
		}
		found[0].Set("ownerid", schema.Ref(team))
		check(found[0], team)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	check(f.Row(t, ref), team)
	for _, column := range []string{"owninguser", "owningteam"} {
		if v, ok := stored()[column]; ok {
			t.Errorf("%s is stored as %v", column, v)
		}
	}
	changes := f.changes(t)
	for i, want := range []schema.Lookup{user, team} {
		for _, column := range []string{"owninguser", "owningteam"} {
			v, err := changes[i].New.Value(column)
			if to, ok := v.Ref(); err != nil || ok != (f.Table("lead").Column(column).Targets[0].Table == want.Table) || ok && to != want {
				t.Errorf("image %d: %s is %v, %v", i, column, v, err)
			}
		}
	}
	// A list finds the row by it, and a program that reads it reads the owner.
	where := &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: "owningteam", Operator: filter.Eq, Values: []schema.Value{schema.Ref(team)}},
		&filter.Condition{Column: "owninguser", Operator: filter.Null},
	}}
	page, err := query.New(f.DB).Select(t.Context(), query.Query{Table: f.Table("lead"), Where: where, Limit: 10})
	if err != nil || len(page.Rows) != 1 {
		t.Errorf("%d rows, %v", len(page.Rows), err)
	}
	program, err := filter.Compile(f.Schema(), "lead", where)
	if err != nil || len(program.Columns()) != 1 || program.Columns()[0] != "ownerid" {
		t.Errorf("the program reads %v, %v", program.Columns(), err)
	}
	touches, err := changes[1].Touches(program.Columns())
	if !touches || err != nil {
		t.Errorf("a new owner touches it: %v, %v", touches, err)
	}
	// Nobody sets it by itself.
	err = f.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), ref)
		if err == nil {
			found[0].Set("owninguser", schema.Ref(user))
		}
		return err
	})
	if err == nil {
		t.Error("owninguser was set by itself")
	}
}
