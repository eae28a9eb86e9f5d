package odata_test

import (
	"strings"
	"testing"

	"segue/internal/odata"
)

func TestParsePath(t *testing.T) {
	const upper = "7EB682F1-CA75-E511-80D4-00155D2A68D1"
	tests := []struct {
		name, path string
		want       string // kind set id name
		fails      string
	}{
		{name: "set", path: "leads", want: "collection leads"},
		{name: "bulk action", path: "leads/Microsoft.Dynamics.CRM.CreateMultiple", want: "bound leads CreateMultiple"},
		{name: "set with a slash", path: "leads/", want: "collection leads"},
		{name: "row", path: "leads(" + idI + ")", want: "entity leads " + idI},
		{name: "row, upper case", path: "leads(" + upper + ")", want: "entity leads " + idI},
		{name: "row, braces", path: "leads({" + upper + "})", want: "entity leads " + idI},
		{name: "row, quoted (@odata/client)", path: "leads('" + idI + "')", want: "entity leads " + idI},
		{name: "row, named key", path: "leads(leadid=" + idI + ")", want: "entity leads " + idI},
		{name: "row, named quoted key", path: "leads(leadid='" + idI + "')", want: "entity leads " + idI},
		{name: "row of an activity", path: "tasks(activityid=" + idI + ")", want: "entity tasks " + idI},
		{name: "batch", path: "$batch", want: "batch"},

		{name: "alternate key", path: "accounts(accountnumber='A/1''s, =')", want: "entity accounts segue_accountnumber A/1's, ="},
		{name: "below an alternate key", path: "accounts(accountnumber='A(1')/lead_parent_account", want: "related accounts lead.parentaccountid segue_accountnumber A(1"},
		{name: "count", path: "leads/$count", want: "collection leads $count"},
		{name: "bulk actions", path: "leads/Microsoft.Dynamics.CRM.UpdateMultiple", want: "bound leads UpdateMultiple"},
		{name: "property", path: "leads(" + idI + ")/subject", want: "property leads " + idI + " subject"},
		{name: "lookup value", path: "leads(" + idI + ")/_ownerid_value", want: "property leads " + idI + " ownerid"},
		{name: "raw property", path: "leads(" + idI + ")/subject/$value", want: "property leads " + idI + " subject $value"},
		{name: "lookup", path: "leads(" + idI + ")/parentaccountid", want: "lookup leads " + idI + " parentaccountid"},
		{name: "reference of a lookup", path: "leads(" + idI + ")/parentaccountid/$ref", want: "lookup leads " + idI + " parentaccountid $ref"},
		{name: "related rows", path: "accounts(" + idI + ")/lead_parent_account", want: "related accounts " + idI + " lead.parentaccountid"},
		{name: "number of related rows", path: "accounts(" + idI + ")/lead_parent_account/$count", want: "related accounts " + idI + " lead.parentaccountid $count"},
		{name: "references of related rows", path: "accounts(" + idI + ")/lead_parent_account/$ref", want: "related accounts " + idI + " lead.parentaccountid $ref"},
		{name: "one of related rows", path: "accounts(" + idI + ")/lead_parent_account(" + idJ + ")/$ref", want: "related accounts " + idI + " lead.parentaccountid $ref of " + idJ},

		{name: "one of related rows, to read", path: "accounts(" + idI + ")/lead_parent_account(" + idJ + ")", fails: "501 0x80040219 the path to one of related rows is not supported in this version: 'lead_parent_account(" + idJ + ")'"},
		{name: "bracket open in related rows", path: "accounts(" + idI + ")/lead_parent_account(" + idJ, fails: "400 0x80060888 the path 'accounts(" + idI + ")/lead_parent_account(0a1b2c3d-0000-4000-8000-00000000…' has a quote or bracket that is not closed"},
		{name: "past a lookup", path: "leads(" + idI + ")/parentaccountid/name", fails: "501 0x80040219 the path is not supported in this version: 'parentaccountid/name'"},
		{name: "past an ending", path: "leads(" + idI + ")/parentaccountid/$ref/x", fails: "404 0x80060888 Resource not found for the segment 'x'."},
		{name: "past the count", path: "leads/$count/x", fails: "404 0x80060888 Resource not found for the segment 'x'."},
		{name: "key with a column", path: "leads(" + idI + ")/subject(1)", fails: "404 0x80060888 Resource not found for the segment 'subject'."},
		{name: "unknown set", path: "xyz", fails: "404 0x80060888 Resource not found for the segment 'xyz'."},
		{name: "unknown set with a key", path: "xyz(1)", fails: "404 0x80060888 Resource not found for the segment 'xyz'."},
		{name: "upper-case set", path: "Leads", fails: "404 0x80060888 Resource not found for the segment 'Leads'."},
		{name: "logical name", path: "lead", fails: "404 0x80060888 Resource not found for the segment 'lead'."},
		{name: "internal table", path: "segue_ledger", fails: "404 0x80060888 Resource not found for the segment 'segue_ledger'."},
		{name: "no name", path: "(" + idI + ")", fails: "404 0x80060888 Resource not found for the segment ''."},
		{name: "empty segment", path: "//leads", fails: "404 0x80060888 Resource not found for the segment ''."},
		{name: "unknown action", path: "msdyn_Fly", fails: "404 0x80060888 Resource not found for the segment 'msdyn_Fly'."},
		{name: "below a row", path: "leads(" + idI + ")/nothing", fails: "404 0x80060888 Resource not found for the segment 'nothing'."},
		{name: "hidden column", path: "leads(" + idI + ")/segue_live", fails: "404 0x80060888 Resource not found for the segment 'segue_live'."},
		{name: "below a set", path: "leads/subject", fails: "404 0x80060888 Resource not found for the segment 'subject'."},

		{name: "key is no GUID", path: "leads(abc)", fails: "400 0x80060888 the key 'abc' of 'leads' is not a GUID"},
		{name: "no key", path: "leads()", fails: "400 0x80060888 the key '' of 'leads' is not a GUID"},
		{name: "half a brace", path: "leads({" + idI + ")", fails: "400 0x80060888 key of leads: name=value expected; '{" + idI + "' is not closed or not valid at position 0 in '{" + idI + "'"},
		{name: "bracket open", path: "leads(" + idI, fails: "400 0x80060888 the path 'leads(" + idI + "' has a quote or bracket that is not closed"},
		{name: "quote open", path: "leads('a", fails: "400 0x80060888 the path 'leads('a' has a quote or bracket that is not closed"},
		{name: "too long", path: strings.Repeat("a", odata.MaxBatchURL+1), fails: "400 0x80060888 the path has 65537 bytes; the limit is 65536"},

		{name: "alternate key that is none", path: "contacts(emailaddress1='a/b@c.d',firstname='Jo')", fails: "400 0x80060890 The specified key attributes are not a defined key for the contact entity: 'emailaddress1, firstname'"},
		{name: "part of no table in a key", path: "accounts(nothing='1')", fails: "400 0x80060888 Could not find a property named 'nothing' on type 'Microsoft.Dynamics.CRM.account'."},
		{name: "key value without quotes", path: "accounts(accountnumber=1)", fails: "400 0x80060888 key of accounts: accountnumber: a string in quotes expected at position 0 in 'accountnumber=1'"},
		{name: "key value of nothing", path: "accounts(accountnumber='')", fails: "400 0x80060888 key of accounts: accountnumber: a key has no null and no empty text at position 0 in 'accountnumber='''"},
		{name: "key value twice", path: "accounts(accountnumber='1',accountnumber='2')", fails: "400 0x80060888 key of accounts: 'accountnumber' is given twice at position 18 in 'accountnumber='1',accountnumber='2''"},
		{name: "bound action", path: "leads(" + idI + ")/Microsoft.Dynamics.CRM.X", fails: "501 0x80040219 the bound operation is not supported in this version: 'Microsoft.Dynamics.CRM.X'"},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r, err := odata.ParsePath(s, test.path)
			if got := outcome(t, err); got != test.fails {
				t.Fatalf("error = %q, want %q", got, test.fails)
			}
			if err == nil {
				if got := describe(r); got != test.want {
					t.Errorf("resource = %q, want %q", got, test.want)
				}
			}
		})
	}
}

func describe(r odata.Resource) string {
	set := ""
	if r.Table != nil {
		set = r.Table.Set
	}
	text := string(r.Kind) + " " + set + " " + r.ID + " " + r.Name
	switch {
	case r.Column != nil:
		text += r.Column.Name
	case r.Navs != nil:
		text += r.Navs[0].Column.Name
	case r.Relation.Table != nil:
		text += r.Relation.Table.Name + "." + r.Relation.Column.Name
	}
	for ending, has := range map[string]bool{" $value": r.Raw, " $ref": r.Ref, " $count": r.Count} {
		if has {
			text += ending // never two of them
		}
	}
	if r.Alternate != nil {
		text += " " + r.Alternate.Name
		for _, column := range r.Alternate.Columns {
			text += " " + r.Values[column].String()
		}
	}
	if r.Member != nil {
		text += " of " + r.Member.ID
	}
	return strings.Join(strings.Fields(text), " ")
}

func FuzzParsePath(f *testing.F) {
	for _, seed := range []string{"", "leads(" + idI + ")", "contacts(a='b/c')/d", "$batch", "WhoAmI()", "leads('",
		"accounts(accountnumber='a''b,c=(d)')/lead_parent_account(" + idJ + ")/$ref", "accounts(accountnumber=1,sic='2')", "accounts(=,=)", "leads/$count"} {
		f.Add(seed)
	}
	s := tables(f)
	f.Fuzz(func(t *testing.T, path string) {
		r, err := odata.ParsePath(s, path)
		if err == nil && r.Kind == "" {
			t.Errorf("%q: neither an error nor a resource", path)
		}
		if message := outcome(t, err); len(message) > 1000 {
			t.Errorf("the message has %d bytes", len(message))
		}
	})
}
