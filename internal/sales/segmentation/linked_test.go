package segmentation_test

import (
	"context"
	"path/filepath"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"segue/internal/boot"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales/related"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// listed has the worlds of a test list leads and opportunities by the accounts and contacts
// that they point at, which no index of theirs does (testdata/listed).
func listed(t *testing.T) {
	t.Helper()
	folder, err := filepath.Abs("testdata/listed")
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("SEGUE_SCHEMA", folder)
}

const (
	leadOfRich = `{"path":["parentaccountid"],"attribute":"revenue","operator":"ge","values":[1000]}`
	openDeal   = `{"relationship":"opportunity_parent_account","mode":"contains","filter":{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}}`
	noDeal     = `{"relationship":"opportunity_parent_account","mode":"notContains"}`
	webLeadOf  = `{"relationship":"lead_parent_contact","mode":"contains","filter":{"type":"and","items":[` + web + `]}}`
)

func links(w *world) (list []*rows.Row) {
	w.T.Helper()
	for row, err := range query.New(w.DB).Each(w.T.Context(), query.Query{Table: w.DB.Schema().Table(name.Link)}) {
		if err != nil {
			w.T.Fatal(err)
		}
		list = append(list, row)
	}
	return list
}

// The account that leads point at decides on all of them, and the deals of an account on it.
func TestLinked(t *testing.T) {
	listed(t)
	w := newWorld(t, boot.Options{})
	ofRich := w.Segment(1, leadOfRich, "", nil)
	dealing := w.Segment(2, openDeal, "", values{"msdyn_objecttype": "account", "segue_leaves": true})
	firm, other := account(w, 1, values{"name": "A", "revenue": money(10)}), account(w, 2, values{"name": "B"})
	one, two := w.Lead(1, values{"parentaccountid": lookup(firm)}), w.Lead(2, values{"parentaccountid": lookup(other)})
	w.Settle()
	w.Member(one, "", false)
	w.Update("account", firm.ID, values{"revenue": money(5000)})
	w.Settle()
	w.Member(one, ofRich, false)
	w.Member(two, "", false)
	w.Update("lead", two.ID, values{"parentaccountid": lookup(firm)})
	w.Settle()
	w.Member(two, ofRich, false)

	deal := w.Opportunity(1, values{"parentaccountid": lookup(firm), "customerid": lookup(other)})
	w.Settle()
	w.Member(firm, dealing, false)
	w.Member(other, "", false)
	w.Update("opportunity", deal.ID, values{"parentaccountid": lookup(other)})
	w.Settle()
	w.Member(other, dealing, false)
	w.Member(firm, "", false)
	w.Update("opportunity", deal.ID, values{"statecode": int64(2)})
	w.Settle()
	w.Member(other, "", false)
	if got := len(links(w)); got != 4 {
		t.Errorf("%d links, want one of each lead and two of the deal", got)
	}
	for _, gone := range []rows.Ref{one, two, deal} {
		w.Remove(gone.Table, gone.ID)
	}
	w.Settle()
	if left := links(w); len(left) > 0 {
		t.Errorf("%d links are left of rows that are gone", len(left))
	}
}

// More records than a change takes on are evaluated by a job, which goes by the links.
func TestLinked_ManyRecords(t *testing.T) {
	listed(t)
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, leadOfRich, "", nil)
	firm := account(w, 1, values{"name": "A"})
	w.Opportunity(1, values{"parentaccountid": lookup(firm)}) // is listed beside them
	var leads []rows.Ref
	for n := range related.MaxRecords + 1 {
		leads = append(leads, w.Lead(n, values{"parentaccountid": lookup(firm)}))
	}
	w.Settle()
	w.Update("account", firm.ID, values{"revenue": money(1000)})
	w.Settle()
	for _, one := range leads {
		if in, _ := w.On(one); in != seg {
			t.Fatalf("%v is in segment %q", one, in)
		}
	}
}

// Rows that were there before their lookup was listed are listed by the job that gives rows
// their index keys.
func TestLinked_Reindex(t *testing.T) {
	listed(t)
	w := newWorld(t, boot.Options{})
	firm := account(w, 1, values{"name": "A"})
	lead := w.Lead(1, values{"parentaccountid": lookup(firm)})
	if err := w.Store.Drain(t.Context(), "evaluate", func(context.Context, []store.Change) []store.Failure { return nil }); err != nil { // nobody has followed it
		t.Fatal(err)
	}
	seg := w.Segment(1, leadOfRich, "", nil)
	for range 2 {
		if err := w.BeginReindex(t.Context(), []string{"lead"}); err != nil {
			t.Fatal(err)
		}
		w.Settle()
	}
	var changed []int64
	for _, job := range w.List("segue_job", values{"segue_kind": "reindex"}) {
		changed = append(changed, job.Int("segue_rowschanged"))
	}
	if slices.Sort(changed); !slices.Equal(changed, []int64{0, 1}) {
		t.Errorf("the jobs have changed %d rows", changed)
	}
	w.Update("account", firm.ID, values{"revenue": money(1000)})
	w.Settle()
	w.Member(lead, seg, false)
}

// What a link costs: one put for a row and lookup, when it is made and when that changes, and
// nothing for what is not listed or has not changed.
func TestLinked_Costs(t *testing.T) {
	listed(t)
	w := newWorld(t, boot.Options{})
	firm, other := account(w, 1, values{"name": "A"}), account(w, 2, values{"name": "B"})
	lead := w.Lead(1, values{"parentaccountid": lookup(firm)})
	w.Settle()
	w.Fresh()
	for _, test := range []struct {
		name         string
		do           func()
		gets, writes int
	}{
		{"a new lead that points at nothing", func() { w.Lead(2, nil) }, 0, 0},
		{"a new lead that points at an account", func() { w.Lead(3, values{"parentaccountid": lookup(firm)}) }, 2, 1},
		{"another column", func() { w.Update("lead", lead.ID, values{"subject": "B"}) }, 0, 0},
		{"another account", func() { w.Update("lead", lead.ID, values{"parentaccountid": lookup(other)}) }, 2, 1},
		{"none", func() { w.Update("lead", lead.ID, values{"parentaccountid": nil}) }, 2, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.do()
			changes := w.Fresh()
			for _, again := range []bool{false, true} {
				w.Probe.Reset()
				w.Deliver(changes)
				n := salestest.WithoutLog(t, w.Probe)
				if again {
					test.writes = 0
				}
				if n.Gets != test.gets || n.Queries != 0 || n.Transactions != 0 || n.Writes != test.writes {
					t.Errorf("again: %t: %d reads, %d queries, %d transactions, %d writes; want %d, 0, 0, %d", again, n.Gets, n.Queries, n.Transactions, n.Writes, test.gets, test.writes)
				}
			}
			w.Fresh()
		})
	}
	w.Settle()
}

// Whatever happens, with faults, repeats and indexes that lag: once all is quiet, each record
// is in the first segment that it matches.
func TestLinked_AtRestIsARecomputation(t *testing.T) {
	listed(t)
	deals := func(w *world, firm *rows.Row, open bool) (n int) {
		for _, o := range w.List("opportunity", values{"parentaccountid": lookup(firm.Ref())}) {
			if !open || o.Int("statecode") == 0 {
				n++
			}
		}
		return n
	}
	clauses := []relatedClause{
		{"lead", leadOfRich, func(w *world, r *rows.Row) bool {
			firm := r.Lookup("parentaccountid")
			if firm.ID == "" {
				return false
			}
			revenue, ok := w.Row("account", firm.ID).Values()["revenue"].Dec()
			return ok && revenue.IntPart() >= 1000
		}},
		{"account", openDeal, func(w *world, r *rows.Row) bool { return deals(w, r, true) > 0 }},
		{"account", noDeal, func(w *world, r *rows.Row) bool { return deals(w, r, false) == 0 }},
		{"contact", webLeadOf, func(w *world, r *rows.Row) bool {
			return len(w.List("lead", values{"parentcontactid": lookup(r.Ref()), sources: int64(8)})) > 0
		}},
	}
	rapid.Check(t, func(r *rapid.T) {
		w, c := timed(t)
		for n, of := range clauses {
			w.Segment(n, of.text, "", values{"msdyn_objecttype": of.table, "msdyn_isresegmentationenabled": true, "segue_leaves": true, "segue_priority": int64(99)})
		}
		w.Settle()
		w.Fresh()
		to := func(r *rapid.T, table string) any {
			if rapid.IntRange(0, 2).Draw(r, "nowhere") == 0 {
				return nil
			}
			return salestest.Link(table, id(table, rapid.IntRange(1, 2).Draw(r, "to")))
		}
		number := rapid.IntRange(1, 2)
		lead := func(r *rapid.T) {
			w.Update("lead", id("lead", number.Draw(r, "lead")), values{"parentaccountid": to(r, "account"), "parentcontactid": to(r, "contact")})
		}
		deal := func(r *rapid.T) {
			ref := rows.Ref{Table: "opportunity", ID: id("deal", number.Draw(r, "deal"))}
			if known := w.List(ref.Table, values{"opportunityid": ref.ID}); len(known) > 0 && known[0].Int("statecode") != 0 {
				w.Update(ref.Table, ref.ID, values{"statecode": int64(0)})
			}
			w.Put(ref, values{"name": "D", "parentaccountid": to(r, "account"), "statecode": rapid.SampledFrom([]int64{0, 2}).Draw(r, "state")})
		}
		happen(r, w, func() { catchUp(t, w, c) }, map[string]func(*rapid.T){
			"lead points": lead, "lead points again": lead, "deal": deal, "deal too": deal,
			"deal goes": func(r *rapid.T) {
				if ref := id("deal", number.Draw(r, "deal")); len(w.List("opportunity", values{"opportunityid": ref})) > 0 {
					w.Remove("opportunity", ref)
				}
			},
		})
		w.Probe.Lag(0)
		catchUp(t, w, c)
		for _, table := range []string{"lead", "account", "contact"} {
			for _, record := range w.List(table, nil) {
				want := ""
				for n, of := range slices.Backward(clauses) {
					if of.table == table && of.holds(w, record) {
						want = id("segment", n)
					}
				}
				if got := record.Lookup("msdyn_segmentid").ID; got != want {
					r.Errorf("%v is in segment %q, want %q", record.Ref(), got, want)
				}
			}
		}
	})
}
