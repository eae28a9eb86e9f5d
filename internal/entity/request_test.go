package entity_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/right"
	"segue/internal/schema"
)

// someone is a salesperson who reads the rows of this table as far as reads goes.
func someone(table string, reads right.Grant) (boot.Options, sales.Caller) {
	matrix := append(right.Matrix{{Tables: sales.OfTable(table), Administrator: right.Grant{Organization: sales.Everything}, SequenceManager: right.Grant{}, SalesManager: right.Grant{Organization: sales.Everything}, Salesperson: reads}}, right.DefaultMatrix()...)
	return boot.Options{Rights: matrix}, sales.Caller{ID: "5e11e500-0000-4000-8000-000000000001", Roles: []string{sales.Salesperson}}
}

// What comes with the rows of a page is read in batches, whatever the number of rows.
func TestExpand_ReadsInBatches(t *testing.T) {
	w := newWorld(t, boot.Options{})
	for i := range 3 {
		w.Create("account", id("account", i), values{"name": fmt.Sprint("Account ", i)})
	}
	for i := range 30 {
		lead := w.Lead(i, values{"parentaccountid": link("account", id("account", i%3))})
		if i%10 == 0 {
			w.Create("task", id("task", i), values{"subject": "T", "regardingobjectid": lookup(lead)})
		}
	}
	w.Settle()
	accounts := entity.Expand{Nav: "parentaccountid"}
	tasks := entity.Expand{Nav: "Lead_Tasks", Many: true, Table: "task", By: "regardingobjectid", Query: query.Query{Limit: 10}}
	leadsOf := entity.Expand{Nav: "lead_parent_account", Many: true, Table: "lead", By: "parentaccountid", Query: query.Query{Limit: 100}, With: []entity.Expand{tasks}}
	for name, test := range map[string]struct {
		table   string
		expand  entity.Expand
		gets    int
		queries int
		rows    int // that came, the inner ones too
	}{
		"accounts of leads":                       {"lead", accounts, 1, 0, 30},
		"tasks of leads, by index":                {"lead", tasks, 30, 30, 3},
		"leads of accounts, a walk, and of those": {"account", leadsOf, 30, 16 + 30, 30 + 3},
	} {
		r := w.Entities.Request(manager())
		page, err := r.List(t.Context(), test.table, query.Query{Limit: 100})
		if err != nil {
			t.Fatal(err)
		}
		w.Probe.Reset()
		with, err := r.Expand(t.Context(), page.Rows, []entity.Expand{test.expand})
		if err != nil {
			t.Fatal(err)
		}
		if n := w.Probe.Counts(); n.Gets > test.gets || n.Queries > test.queries {
			t.Errorf("%s: %d gets and %d queries, want at most %d and %d", name, n.Gets, n.Queries, test.gets, test.queries)
		}
		if got := count(with); got < test.rows {
			t.Errorf("%s: %d rows came, want %d", name, got, test.rows)
		}
	}
}

func count(with [][]entity.Expansion) (n int) {
	for _, of := range with {
		for _, x := range of {
			n += len(x.Rows) + count(x.With)
		}
	}
	return n
}

// Rows that the caller may not read do not come with others, and conditions and orders
// do not tell of them.
func TestRequest_LeavesOutWhatMayNotBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		reads right.Grant
		seen  []int // accounts
	}{
		"all of them":  {right.Grant{Organization: sales.Read}, []int{0, 1}},
		"own ones":     {right.Grant{Own: sales.Read}, []int{1}},
		"none of them": {right.Grant{}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			options, caller := someone("account", test.reads)
			w := newWorld(t, options)
			w.Admit(caller)
			owner := link("systemuser", string(caller.ID))
			w.Create("account", id("account", 0), values{"name": "Z"})
			w.Create("account", id("account", 1), values{"name": "A", "ownerid": owner})
			for i := range 2 {
				w.Lead(i, values{"parentaccountid": link("account", id("account", i)), "ownerid": owner})
				w.Create("contact", id("contact", i), values{"lastname": "C", "parentcustomerid": link("account", id("account", i))})
			}
			w.Settle()
			sees := func(n int) bool { return slices.Contains(test.seen, n) }
			r := w.Entities.Request(caller)
			page, err := r.List(t.Context(), "lead", query.Query{Limit: 10, Order: []query.Order{{Path: []string{"parentaccountid"}, Column: "name", Descending: true}}})
			if err != nil || len(page.Rows) != 2 {
				t.Fatalf("%d leads, %v", len(page.Rows), err)
			}
			with, err := r.Expand(t.Context(), page.Rows, []entity.Expand{{Nav: "parentaccountid"}})
			if err != nil {
				t.Fatal(err)
			}
			for i, row := range page.Rows {
				n := slices.Index([]string{id("account", 0), id("account", 1)}, row.Lookup("parentaccountid").ID)
				if got := len(with[i][0].Rows) == 1; got != sees(n) {
					t.Errorf("account %d came: %t", n, got)
				}
			}
			if first := page.Rows[0].Lookup("parentaccountid").ID; sees(0) != (first == id("account", 0)) && sees(1) {
				t.Errorf("the first by name is the lead of %s", first)
			}
			where := &filter.Group{Logic: filter.And, Items: []filter.Node{&filter.Condition{Path: []string{"parentaccountid"}, Column: "name", Operator: filter.NotNull}}}
			n, more, err := r.Count(t.Context(), "lead", where)
			if err != nil || more || n != len(test.seen) {
				t.Errorf("%d leads of an account with a name, %v, want %d", n, err, len(test.seen))
			}
			related := &filter.Group{Logic: filter.And, Items: []filter.Node{&filter.Related{Relationship: "account_primary_contact", Contains: true, Filter: &filter.Group{Logic: filter.And}}}}
			if n, _, err := r.Count(t.Context(), "contact", related); err != nil || n != 0 {
				t.Errorf("%d contacts are the first of an account, %v", n, err)
			}
			_, err = r.Expand(t.Context(), page.Rows[:1], []entity.Expand{{Nav: "x", Many: true, Table: "account", By: "parentaccountid", Query: query.Query{Limit: 1}}})
			if refusal, ok := errors.AsType[*sales.Error](err); (test.seen == nil) != (ok && refusal.Kind == sales.Forbidden) {
				t.Errorf("accounts that point at a row: %v", err)
			}
		})
	}
}

// What an expanded row shows beside its columns is worked out as for any row, once.
func TestExpand_ShowsWhatIsWorkedOut(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	w.Create("task", id("task", 1), values{"subject": "T", "regardingobjectid": lookup(lead)})
	w.Settle()
	if err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		found, err := tx.Load(t.Context(), lead)
		if err == nil {
			found[0].Set("segue_evaluation", schema.Text(`{"segmentation":1,"connection":1}`))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	r := w.Entities.Request(manager())
	page, err := r.List(t.Context(), "task", query.Query{Limit: 10})
	if err != nil {
		t.Fatal(err)
	}
	with, err := r.Expand(t.Context(), page.Rows, []entity.Expand{{Nav: "regardingobjectid_lead_task"}, {Nav: "regardingobjectid_account_task"}})
	if err != nil {
		t.Fatal(err)
	}
	found, err := w.Entities.Retrieve(t.Context(), manager(), rows.Ref{Table: "lead", ID: lead.ID})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(found.Values(), with[0][0].Rows[0].Values()); d != "" || found.Text("segue_because") == "" || len(with[0][1].Rows) != 0 {
		t.Errorf("alone and expanded (-want +got):\n%s\n%v", d, with[0][1])
	}
}
