package related_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales/related"
	"segue/internal/schema"
)

// The event source lets through changes of these tables, so a new one is a cost that
// somebody has to want (docs/decisions/0035-related-rows.md).
func TestTables(t *testing.T) {
	s, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, table := range related.Tables(s) {
		got = append(got, table.Name)
	}
	want := []string{"account", "contact", "email", "lead", "opportunity", "opportunityclose", "phonecall", "task"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

const nested = `{"type":"and","items":[
	{"path":["parentcustomerid_account"],"attribute":"name","operator":"null"},
	{"relationship":"contact_customer_accounts","mode":"contains","filter":{"type":"and","items":[
		{"relationship":"Account_Tasks","mode":"contains","filter":{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}}]}},
	{"relationship":"Contact_Tasks","mode":"notContains","filter":{"type":"and","items":[
		{"path":["regardingobjectid_contact_task","parentcustomerid_contact"],"attribute":"lastname","operator":"null"}]}}]}`

// Each table that conditions ask for is watched, with the columns that they read and the
// way there, which is the same when it is written down and read again.
func TestWatches(t *testing.T) {
	s, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	group, err := filter.Parse(s, "contact", nested)
	if err != nil {
		t.Fatal(err)
	}
	if err := related.Check(s, "contact", group); err != nil {
		t.Fatal(err)
	}
	program, err := filter.Compile(s, "contact", group, filter.AsksRows)
	if err != nil {
		t.Fatal(err)
	}
	type watched struct {
		Way, Columns, Lookups []string
	}
	var got []watched
	for _, w := range related.Watches(s, s.Table("contact"), program) {
		one := watched{Columns: w.Columns, Lookups: w.Lookups}
		for _, step := range w.Way {
			one.Way = append(one.Way, step.Name)
		}
		got = append(got, one)
		rest := related.Rest{Row: rows.Ref{Table: w.Table().Name, ID: "1"}, Way: w.Way}
		text, err := rest.Argument()
		if err != nil {
			t.Fatal(err)
		}
		again, err := related.RestOf(s, rest.Row, text)
		if d := cmp.Diff(rest, again, cmp.Comparer(func(a, b related.Step) bool { return a == b })); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", text, err, d)
		}
	}
	want := []watched{
		{[]string{"contact_customer_accounts"}, []string{"name"}, nil},
		{[]string{"contact_customer_accounts", "Account_Tasks"}, []string{"statecode", "regardingobjectid"}, nil},
		{[]string{"Contact_Tasks"}, []string{"regardingobjectid"}, []string{"regardingobjectid"}},
		{[]string{"Contact_Tasks", "Contact_Tasks"}, []string{"parentcustomerid"}, []string{"parentcustomerid"}},
		{[]string{"Contact_Tasks", "Contact_Tasks", "contact_customer_contacts"}, []string{"lastname"}, nil},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, broken := range []string{"", "{}", `{"record":"contact","way":[{"relationship":"gone"}]}`, `{"record":"lead","way":[{"relationship":"lead_parent_account"}]}`} {
		if _, err := related.RestOf(s, rows.Ref{}, broken); err == nil {
			t.Errorf("%q is taken for a way", broken)
		}
	}
}
