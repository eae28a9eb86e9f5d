package segmentation_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/shopspring/decimal"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/reaction"
	"segue/internal/sales/related"
	"segue/internal/sales/salestest"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

const (
	urgentTask   = `{"relationship":"Lead_Tasks","mode":"contains","filter":{"type":"and","items":[{"attribute":"prioritycode","operator":"eq","values":[2]}]}}`
	noOpenTask   = `{"relationship":"Lead_Tasks","mode":"notContains","filter":{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}}`
	noUrgentTask = `{"relationship":"Lead_Tasks","mode":"notContains","filter":{"type":"and","items":[{"attribute":"prioritycode","operator":"eq","values":[2]}]}}`
	richFirm     = `{"relationship":"contact_customer_accounts","mode":"contains","filter":{"type":"and","items":[{"attribute":"revenue","operator":"ge","values":[1000]}]}}`
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
func contacts(w *world, conditions string) string {
	return w.Segment(1, conditions, "", values{"msdyn_objecttype": "contact"})
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
	seg := contacts(w, richFirm)
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
	seg := contacts(w, `{"relationship":"contact_customer_accounts","mode":"contains","filter":{"type":"and","items":[
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
			[]string{"items[0]", "account_parent_account", `"listed": ["parentaccountid"]`}},
		{"at no record", "account", `{"relationship":"transactioncurrency_account","mode":"contains"}`,
			[]string{"items[0]", "transactioncurrency_account", `"partition": ["transactioncurrencyid"]`, "gsi1"}},
		{"at no record, the index taken", "lead", `{"relationship":"campaign_leads","mode":"contains"}`, []string{"items[0]", "campaign_leads", "something else"}},
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

// More records than a change takes on are evaluated by a job, once, however often the
// change is delivered.
func TestRelate_ManyRecords(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := contacts(w, richFirm)
	firm := account(w, 1, values{"name": "A"})
	w.Settle()
	var people []rows.Ref
	for n := range related.MaxRecords + 1 {
		people = append(people, contact(w, n, firm))
	}
	w.Settle()
	w.Fresh()
	w.Update("account", firm.ID, values{"revenue": money(1000)})
	changes := w.Fresh()
	w.Settle()
	for _, one := range people {
		if in, _ := w.On(one); in != seg {
			t.Fatalf("%v is in segment %q", one, in)
		}
	}
	w.Again(changes)
	if jobs := w.List("segue_job", values{"segue_kind": segmentation.RelateKind}); len(jobs) != 1 || jobs[0].Int("segue_rowschanged") != int64(len(people)) {
		t.Errorf("%d jobs: %v", len(jobs), jobs)
	}
}

// A job parks what it cannot evaluate, as the change that began it would.
func TestRelate_ManyRecordsBroken(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := contacts(w, richFirm)
	broken := w.Segment(2, `{"attribute":"firstname","operator":"eq","values":["X"]}`, "", values{"msdyn_objecttype": "contact"})
	firm := account(w, 1, values{"name": "A"})
	w.Settle()
	var people []rows.Ref
	for n := range related.MaxRecords + 1 {
		people = append(people, contact(w, n, firm))
	}
	w.Settle()
	sound := w.Row("msdyn_segment", broken).Text("msdyn_entityfilter")
	w.Corrupt("msdyn_segment", broken, func(row *rows.Row) { row.Set(name.MsdynEntityfilter, schema.Text("{")) })
	w.Settle()
	w.Update("account", firm.ID, values{"revenue": money(1000)})
	w.Settle()
	if parked := w.Parked(); len(parked) != len(people) || parked[0].Handler() != segmentation.EvaluateReaction {
		t.Errorf("%d are parked, want %d", len(parked), len(people))
	}
	w.Update("msdyn_segment", broken, values{"msdyn_entityfilter": sound})
	w.Settle()
	for _, one := range people {
		if in, _ := w.On(one); in != seg {
			t.Fatalf("%v is in segment %q", one, in)
		}
	}
}

// A decision reads a bounded number of related rows. A record with more is parked, and
// taken up when it has fewer.
func TestRelate_TooManyRows(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg := w.Segment(1, urgentTask, "", nil)
	lead := w.Lead(1, nil)
	for n := range related.MaxRead + 1 {
		task(w, n, lead, nil)
	}
	w.Settle()
	w.Update("task", id("task", 0), values{"prioritycode": int64(2)})
	w.Settle()
	w.Member(lead, seg, false) // the row in hand decides
	other := w.Segment(2, noUrgentTask, "", values{"msdyn_isresegmentationenabled": true, "segue_priority": int64(1)})
	w.Update("task", id("task", 0), values{"prioritycode": int64(1)})
	w.Settle()
	w.Member(lead, seg, false)
	parked := w.Parked()
	if len(parked) != 1 || parked[0].Subject() != lead || parked[0].Handler() != segmentation.EvaluateReaction || !strings.Contains(parked[0].Reason(), "more than 1000 rows") {
		t.Fatalf("parked: %v", parked)
	}
	for n := range 2 {
		w.Remove("task", id("task", n))
	}
	w.Settle()
	if err := w.Redrive(t.Context(), lead.Table, lead.ID); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Member(lead, other, false)
	if parked := w.Parked(); len(parked) != 0 {
		t.Errorf("parked: %v", parked)
	}
}

// What related rows would do while a segment of the type is broken is parked with the
// record, that of a row that has gone too, and is done when the segment is mended.
func TestRelate_BrokenSegment(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seg, broken := w.Segment(1, noOpenTask, "", nil), w.Segment(2, web, "", nil)
	lead := w.Lead(1, nil)
	one := task(w, 1, lead, nil)
	w.Settle()
	w.Member(lead, "", false)
	w.Corrupt("msdyn_segment", broken, func(row *rows.Row) { row.Set(name.MsdynEntityfilter, schema.Text("{")) })
	w.Settle()
	w.Remove("task", one.ID)
	w.Settle()
	if parked := w.Parked(); len(parked) == 0 || slices.ContainsFunc(parked, func(p reaction.Parked) bool { return p.Subject().Table != "lead" }) {
		t.Errorf("parked: %v", parked)
	}
	w.Update("msdyn_segment", broken, values{"msdyn_entityfilter": where(web)})
	w.Settle()
	w.Member(lead, seg, false)
	if parked := w.Parked(); len(parked) != 0 {
		t.Errorf("parked: %v", parked)
	}
}

// What a change of a related row costs, for a process that has the definitions: nothing
// where it cannot matter, else one read of the record and the row, and the index only where
// the row does not decide.
func TestRelate_Costs(t *testing.T) {
	w := newWorld(t, boot.Options{})
	w.Segment(1, urgentTask, "", nil)
	lead := w.Lead(1, nil)
	one := task(w, 1, lead, nil)
	w.Settle()
	w.Fresh()
	for _, test := range []struct {
		name                  string
		change                values
		gets, queries, writes int
	}{
		{"a column that no condition reads", values{"subject": "B"}, 0, 0, 0},
		{"it does not match as before", values{"prioritycode": int64(0)}, 0, 0, 0},
		{"it matches, and the record enters", values{"prioritycode": int64(2)}, 1, 0, 1},
		{"it matches no longer, and the record is decided again later", values{"prioritycode": int64(1)}, 2, 1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Update("task", one.ID, test.change)
			changes := w.Fresh()
			w.Probe.Reset()
			w.Deliver(changes)
			n := salestest.WithoutLog(t, w.Probe)
			if n.Gets != test.gets || n.Queries != test.queries || n.Writes+n.Transactions != test.writes {
				t.Errorf("%d reads, %d queries, %d writes; want %d, %d, %d", n.Gets, n.Queries, n.Writes+n.Transactions, test.gets, test.queries, test.writes)
			}
			w.Fresh()
		})
	}
	w.Probe.Reset()
	w.Settle()
}
