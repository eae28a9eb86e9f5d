package simulation_test

import (
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/right"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Explain says whether a condition on related rows holds, and nothing of a row that the
// caller may not read: neither what it is called, nor a value of it.
func TestExplain_RelatedUnreadable(t *testing.T) {
	const all = sales.Create | sales.Read | sales.Write | sales.Delete | sales.Append | sales.AppendTo | sales.Assign
	everything := right.Grant{Organization: all}
	w := salestest.New(t, boot.Options{Rights: right.Matrix{
		{Tables: sales.OfTable("phonecall"), Salesperson: right.Grant{Own: all}, SalesManager: everything},
		{Tables: sales.OfTable("account"), Salesperson: right.Grant{Own: all}, SalesManager: everything},
		{Tables: sales.EveryTable(), Salesperson: everything, SalesManager: everything},
	}})
	seller := sales.Caller{ID: name.UserID(salestest.ID("user", 2)), Roles: []string{sales.Salesperson}}
	w.Admit(seller)
	firm := w.Create("account", salestest.ID("account", 1), values{"name": "Secret", "revenue": decimal.NewFromInt(777)}).Ref()
	person := w.Create("contact", salestest.ID("contact", 1), values{"lastname": "A", "parentcustomerid": salestest.Lookup(firm)}).Ref()
	lead := w.Lead(1, nil)
	theirs := w.Create("phonecall", salestest.ID("call", 1), values{"subject": "Secret", "regardingobjectid": salestest.Lookup(lead)}).Ref()
	w.Settle()
	called := w.Segment(1, openCall, "", nil)
	rich := w.Segment(2, `{"path":["parentcustomerid_account"],"attribute":"revenue","operator":"ge","values":[1]},
		{"relationship":"contact_customer_accounts","mode":"contains","filter":{"type":"and","items":[{"attribute":"revenue","operator":"ge","values":[1]}]}}`,
		"", values{"msdyn_objecttype": "contact"})
	w.Settle()
	told := func(c sales.Caller) (texts []string) {
		for _, e := range []struct {
			record  schema.Lookup
			segment string
		}{{salestest.Lookup(lead), called}, {salestest.Lookup(person), rich}} {
			explained, err := w.Simulation.Explain(t.Context(), c, rows.Ref{Table: e.record.Table, ID: e.record.ID}, name.SegmentID(e.segment))
			if err != nil {
				t.Fatal(err)
			}
			for _, clause := range explained.Segments[0].Clauses {
				if !clause.Holds {
					t.Errorf("%s does not hold", clause.Text)
				}
				if clause.Value != nil {
					texts = append(texts, *clause.Value)
				}
			}
		}
		return texts
	}
	if got := told(salestest.Manager()); len(got) != 3 {
		t.Errorf("who may read all is told %q", got)
	}
	if got := told(seller); strings.Contains(strings.Join(got, " "), "Secret") || strings.Contains(strings.Join(got, " "), "777") || len(got) != 0 {
		t.Errorf("who may not read them is told %q", got)
	}
	w.Update("phonecall", theirs.ID, values{"ownerid": schema.Lookup{Table: "systemuser", ID: string(seller.ID)}})
	if got := told(seller); len(got) != 1 || !strings.Contains(got[0], "Secret") {
		t.Errorf("the owner of the call is told %q", got)
	}
}
