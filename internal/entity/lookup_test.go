package entity_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// what a lead may point at and does not.
func nowhere() schema.Lookup { return link("account", id("account", 9)) }

// A lookup that a caller writes must point at a row that is there; the refusal
// names the column and the row.
func TestLookups_MustPointAtARow(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	for _, test := range []struct {
		name   string
		column string
		to     schema.Lookup
	}{
		{"an account", "parentaccountid", nowhere()},
		{"a user as owner", "ownerid", link("systemuser", id("user", 9))},
		{"a team as owner", "ownerid", link("team", id("team", 9))},
	} {
		v := values{"subject": "A", "lastname": "B", test.column: test.to}
		for name, call := range map[string]func() error{
			"create": func() error {
				_, err := w.Entities.Create(t.Context(), manager(), "lead", "", schematest.Row(v))
				return err
			},
			"update": func() error { return w.TryUpdate("lead", lead.ID, v) },
			"upsert": func() error {
				_, _, err := w.Entities.Update(t.Context(), manager(), rows.Ref{Table: "lead", ID: id("lead", 2)}, schematest.Row(v), entity.If{})
				return err
			},
		} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				w.Refuses(t, sales.NotFound, call, test.column, test.to.Table, test.to.ID, "Does Not Exist")
			})
		}
	}
	w.Refuses(t, sales.NotFound, func() error {
		return w.TryUpdate("lead", lead.ID, values{"parentaccountid": link("account", lead.ID)})
	}, "account", lead.ID)
}

// Only a lookup that changes is asked about: a row whose lookup dangles can be
// changed, and the lookup can be cleared.
func TestLookups_OnlyWhatChanges(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	w.Corrupt("lead", lead.ID, func(row *rows.Row) { row.Set("parentaccountid", schema.Ref(nowhere())) })
	w.Update("lead", lead.ID, values{"subject": "B", "parentaccountid": nowhere()})
	if got := w.Row("lead", lead.ID); got.Text("subject") != "B" || got.Lookup("parentaccountid") != nowhere() {
		t.Errorf("the lead is %v", got.Values())
	}
	w.Update("lead", lead.ID, values{"parentaccountid": nil})
}

// What the unit of work makes is there, what it deletes is not, and so is a row
// that is there only until what hangs on it has ended.
func TestLookups_InAUnitOfWork(t *testing.T) {
	w := newWorld(t, boot.Options{})
	e, c := w.Entities, manager()
	account := func(n int) schema.Lookup { return link("account", id("account", n)) }
	w.Create("account", account(1).ID, values{"name": "One"})
	create := func(tx *rows.Tx, n int, v values) error {
		_, err := e.CreateIn(t.Context(), tx, c, "lead", id("lead", n), schematest.Row(v))
		return err
	}
	err := w.DB.Do(t.Context(), c.ID, func(tx *rows.Tx) error {
		if _, err := e.CreateIn(t.Context(), tx, c, "account", account(2).ID, schematest.Row(values{"name": "Two"})); err != nil {
			return err
		}
		if err := create(tx, 1, values{"subject": "A", "lastname": "B", "parentaccountid": account(2)}); err != nil {
			return err
		}
		if err := e.DeleteIn(t.Context(), tx, c, rows.Ref{Table: "account", ID: account(1).ID}, entity.If{}); err != nil {
			return err
		}
		refused(t, create(tx, 2, values{"subject": "B", "lastname": "B", "parentaccountid": account(1)}), sales.NotFound, "parentaccountid", account(1).ID)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	seq := w.Sequence(1, "lead")
	w.EndSequence(seq, true)
	attach := func() error {
		return w.TryUpdate("msdyn_segment", id("segment", 1), values{"msdyn_sequence": link("msdyn_sequence", seq)})
	}
	w.Inactive(1, nil)
	w.Refuses(t, sales.NotFound, attach, "msdyn_sequence", seq)
}

// All lookups of a row are read together, each row once, the caller not at all.
func TestLookups_OneRead(t *testing.T) {
	w := newWorld(t, boot.Options{})
	account, contact, owner := id("account", 1), id("contact", 1), w.User(2)
	w.Create("account", account, values{"name": "A"})
	w.Create("contact", contact, values{"lastname": "C"})
	for _, test := range []struct {
		name       string
		v          values
		gets, keys int
	}{
		{"none", values{"subject": "A", "lastname": "B"}, 0, 0},
		{"three columns", values{"subject": "A", "lastname": "B", "parentaccountid": link("account", account), "parentcontactid": link("contact", contact), "ownerid": owner}, 1, 3},
		{"the caller", values{"subject": "A", "lastname": "B", "ownerid": link("systemuser", string(manager().ID))}, 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Probe.Reset()
			w.Create("lead", "", test.v)
			if c := w.Probe.Counts(); c.Gets != test.gets || c.GetKeys != test.keys || c.Queries != 0 {
				t.Errorf("%+v, want %d reads of %d rows", c, test.gets, test.keys)
			}
		})
	}
	w.Probe.Reset()
	w.Create("opportunity", "", values{"name": "D", "customerid": link("account", account), "parentaccountid": link("account", account)})
	if c := w.Probe.Counts(); c.GetKeys != 1 {
		t.Errorf("two columns that point at one row: %+v, want one read", c)
	}
}

// What Segue itself writes is not checked.
func TestLookups_OfTheEngine(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Probe.Reset()
	if _, err := w.Entities.Create(t.Context(), sales.Engine(), "lead", "", schematest.Row(values{"subject": "A", "lastname": "B", "parentaccountid": nowhere()})); err != nil {
		t.Fatal(err)
	}
	if c := w.Probe.Counts(); c.Gets != 0 {
		t.Errorf("%+v, want no read", c)
	}
}
