package segmentation_test

import (
	"github.com/shopspring/decimal"

	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema/schematest"
)

const (
	urgentTask = `{"relationship":"Lead_Tasks","mode":"contains","filter":{"type":"and","items":[{"attribute":"prioritycode","operator":"eq","values":[2]}]}}`
	noOpenTask = `{"relationship":"Lead_Tasks","mode":"notContains","filter":{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}}`
	richFirm   = `{"relationship":"contact_customer_accounts","mode":"contains","filter":{"type":"and","items":[{"attribute":"revenue","operator":"ge","values":[1000]}]}}`
)

// task makes a task about a record.
func task(w *world, n int, about rows.Ref, more values) rows.Ref {
	v := values{"subject": "Task", "regardingobjectid": lookup(about)}
	for column, value := range more {
		v[column] = value
	}
	return w.Create("task", id("task", n), v).Ref()
}

// A record is evaluated when a row appears, changes, moves or goes that its segments ask
// for (docs/domain.md §8.3), without a change of its own.
func TestRelate_ChildAppears(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, urgentTask, w.Sequence(1, "lead"), nil)
	lead, other := w.Lead(1, nil), w.Lead(2, nil)
	task(w, 1, lead, values{"prioritycode": int64(1)})
	w.Settle()
	w.Member(lead, "", false)
	task(w, 2, lead, values{"prioritycode": int64(2)})
	w.Settle()
	w.Member(lead, seg, true)
	w.Member(other, "", false)
}

func TestRelate_ChildChanges(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, urgentTask, "", nil)
	lead := w.Lead(1, nil)
	one := task(w, 1, lead, nil)
	w.Settle()
	w.Member(lead, "", false)
	w.Update("task", one.ID, values{"prioritycode": int64(2)})
	w.Settle()
	w.Member(lead, seg, false)
}

func TestRelate_ChildMoves(t *testing.T) {
	w := newWorld(t, boot.Options{})
	none := w.Segment(1, noOpenTask, "", nil)
	from, to := w.Lead(1, nil), w.Lead(2, nil)
	one := task(w, 1, from, nil)
	two := task(w, 2, to, nil)
	w.Settle()
	seg := w.Segment(2, urgentTask, "", values{"segue_priority": int64(1), "msdyn_isresegmentationenabled": true})
	w.Update("task", one.ID, values{"prioritycode": int64(2)})
	w.Settle()
	w.Member(from, seg, false)
	w.Update("task", one.ID, values{"regardingobjectid": lookup(to)})
	w.Settle()
	w.Member(to, seg, false)
	w.Remove("task", two.ID)
	w.Settle()
	w.Member(to, seg, false)
	w.Member(from, seg, false) // a member that no longer matches stays (§8.4)
	_ = none
}

func TestRelate_ChildGoes(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, noOpenTask+`,`+web, "", nil)
	lead := w.Lead(1, nil)
	one, two := task(w, 1, lead, nil), task(w, 2, lead, nil)
	w.Settle()
	w.Update("lead", lead.ID, values{sources: int64(8)})
	w.Settle()
	w.Member(lead, "", false)
	w.Update("task", one.ID, values{"statecode": int64(1)})
	w.Settle()
	w.Member(lead, "", false)
	w.Remove("task", two.ID)
	w.Settle()
	w.Member(lead, seg, false)
}

// contacts makes a segment of contacts.
func contacts(w *world, n int, conditions string) string {
	return w.Segment(n, conditions, "", values{"msdyn_objecttype": "contact"})
}

func contact(w *world, n int, of rows.Ref) rows.Ref {
	v := values{"lastname": "C"}
	if of.ID != "" {
		v["parentcustomerid"] = lookup(of)
	}
	return w.Create("contact", id("contact", n), v).Ref()
}

func account(w *world, n int, v values) rows.Ref {
	return w.Create("account", id("account", n), v).Ref()
}

// The row that records point at decides on all of them.
func TestRelate_ParentChanges(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := contacts(w, 1, richFirm)
	poor, rich := account(w, 1, values{"name": "A", "revenue": money(10)}), account(w, 2, values{"name": "B", "revenue": money(2000)})
	one, two, three := contact(w, 1, poor), contact(w, 2, poor), contact(w, 3, rich)
	none := contact(w, 4, rows.Ref{})
	w.Settle()
	w.Member(one, "", false)
	w.Member(three, seg, false)
	w.Update("contact", two.ID, values{"parentcustomerid": lookup(rich)})
	w.Settle()
	w.Member(two, seg, false)
	w.Update("account", poor.ID, values{"revenue": money(1000)})
	w.Settle()
	w.Member(one, seg, false)
	w.Member(none, "", false)
}

// A path is such a condition too, and so is one inside another.
func TestRelate_Nested(t *testing.T) {
	w := newWorld(t, boot.Options{})
	// contacts of accounts with an open task about the account
	seg := contacts(w, 1, `{"relationship":"contact_customer_accounts","mode":"contains","filter":{"type":"and","items":[
		{"relationship":"Account_Tasks","mode":"contains","filter":{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}}]}}`)
	firm := account(w, 1, values{"name": "A"})
	one := contact(w, 1, firm)
	w.Settle()
	w.Member(one, "", false)
	task(w, 1, firm, nil)
	w.Settle()
	w.Member(one, seg, false)
}

// What no index lists is refused when it is saved, with the index that would help.
func TestSegment_9_1_Unlisted(t *testing.T) {
	w := newWorld(t, boot.Options{})
	save := func(table, conditions string) func() error {
		return func() error {
			_, err := w.Entities.Create(t.Context(), manager(), "msdyn_segment", "", schematest.Row(values{
				"msdyn_name": "S", "msdyn_objecttype": table, "msdyn_entityfilter": where(conditions),
			}))
			return err
		}
	}
	for _, test := range []struct {
		name, table, conditions string
		says                    []string
	}{
		{"one to many", "account", `{"relationship":"account_parent_account","mode":"contains"}`,
			[]string{"items[0]", "account_parent_account", `"partition": ["parentaccountid"]`, "gsi1"}},
		{"many to one", "lead", `{"attribute":"subject","operator":"null"},{"relationship":"lead_parent_account","mode":"contains"}`, []string{"items[1]", "lead_parent_account", "parentaccountid"}},
		{"path", "contact", `{"path":["originatingleadid"],"attribute":"subject","operator":"null"}`, []string{"items[0]", "contact_originating_lead"}},
		{"inside", "account", `{"relationship":"contact_customer_accounts","mode":"contains","filter":{"type":"and","items":[{"relationship":"contact_originating_lead","mode":"contains"}]}}`,
			[]string{"items[0].filter.items[0]", "contact_originating_lead"}},
		{"set by Segue", "lead", `{"relationship":"msdyn_lead_msdyn_sequencetarget_target","mode":"contains"}`, []string{"items[0]", "Segue itself sets msdyn_target"}},
		{"hierarchy", "account", `{"attribute":"parentaccountid","operator":"under","values":["` + id("account", 1) + `"]}`, []string{"items[0]", "under"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Refuses(t, sales.Invalid, save(test.table, test.conditions), test.says...)
		})
	}
	var many []string
	for range 11 {
		many = append(many, urgentTask)
	}
	w.Refuses(t, sales.Limit, save("lead", strings.Join(many, ",")), "items[10]")
}

func money(n int64) decimal.Decimal { return decimal.NewFromInt(n) }
