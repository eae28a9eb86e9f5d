package odata_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/odata"
	"segue/internal/schema"
)

func where(items ...filter.Node) *filter.Group { return &filter.Group{Logic: filter.And, Items: items} }

func eq(column string, v schema.Value) *filter.Condition {
	return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}
}

func TestParseQuery(t *testing.T) {
	top := func(n int) *int { return &n }
	subject := func(text string) *filter.Group { return where(eq("subject", schema.Text(text))) }
	tests := []struct {
		name, query string
		want        odata.Query
	}{
		{"nothing", "", odata.Query{}},
		{"select", "$select=subject,createdon", odata.Query{Select: []string{"subject", "createdon"}}},
		{"select a lookup, blanks, twice", "$select=subject,%20_ownerid_value,subject", odata.Query{Select: []string{"subject", "ownerid"}}},
		{"o.js", "%24select=subject&%24filter=subject%20eq%20%27a%20b%27&%24top=3",
			odata.Query{Select: []string{"subject"}, Filter: subject("a b"), Top: top(3)}},
		{"Python SDK", "%24select=subject&%24filter=statecode+eq+0&%24top=3",
			odata.Query{Select: []string{"subject"}, Filter: where(eq("statecode", schema.Int(0))), Top: top(3)}},
		{"dynamics-web-api with a tag", "$select=subject&tag=my%20tag", odata.Query{Select: []string{"subject"}}},
		{"next page of xrm-webapi", "$select=subject&$skiptoken=x/", odata.Query{Select: []string{"subject"}, SkipToken: "x"}},
		{"top 0", "$top=0", odata.Query{Top: top(0)}},
		{"count false", "$count=false", odata.Query{}},
		{"empty pairs", "&&$top=1&", odata.Query{Top: top(1)}},
		{"own names may repeat", "tag=a&tag=b", odata.Query{}},
		{"plus sign", "$filter=subject eq 'a%2Bb+c'", odata.Query{Filter: subject("a+b c")}},
		{"doubled quote", "$filter=subject eq 'O''B'''", odata.Query{Filter: subject("O'B'")}},
		{"empty string", "$filter=subject eq ''", odata.Query{Filter: subject("")}},
		{"word in quotes", "$filter=subject eq 'null'", odata.Query{Filter: subject("null")}},
		{"text longer than the column", "$filter=subject eq '" + strings.Repeat("x", 400) + "'", odata.Query{Filter: subject(strings.Repeat("x", 400))}},
		{"and", "$filter=statecode eq 0 and segue_connected eq false", odata.Query{Filter: where(eq("statecode", schema.Int(0)), eq("segue_connected", schema.Bool(false)))}},
		{"brackets (odata-query)", "$filter=((statecode eq 1) and (subject eq null and(donotemail eq true)))",
			odata.Query{Filter: where(eq("statecode", schema.Int(1)), &filter.Condition{Column: "subject", Operator: filter.Null}, eq("donotemail", schema.Bool(true)))}},
		{"key", "$filter=leadid eq " + strings.ToUpper(idI), odata.Query{Filter: where(eq("leadid", schema.Text(idI)))}},
		{"lookup", "$filter=_parentaccountid_value eq " + idI, odata.Query{Filter: where(eq("parentaccountid", schema.Ref(schema.Lookup{Table: "account", ID: idI})))}},
		{"lookup, quoted", "$filter=_parentaccountid_value eq '" + idI + "'", odata.Query{Filter: where(eq("parentaccountid", schema.Ref(schema.Lookup{Table: "account", ID: idI})))}},
		{"lookup at several tables", "$filter=_ownerid_value eq " + idI, odata.Query{Filter: where(&filter.Condition{Column: "ownerid", Operator: filter.In,
			Values: []schema.Value{schema.Ref(schema.Lookup{Table: "systemuser", ID: idI}), schema.Ref(schema.Lookup{Table: "team", ID: idI})}})}},
		{"lookup null", "$filter=_ownerid_value eq null", odata.Query{Filter: where(&filter.Condition{Column: "ownerid", Operator: filter.Null})}},
		{"money", "$filter=revenue eq 1.5e3", odata.Query{Filter: where(eq("revenue", schema.Dec(decimal.NewFromInt(1500))))}},
		{"number out of the column's range", "$filter=numberofemployees eq -5", odata.Query{Filter: where(eq("numberofemployees", schema.Int(-5)))}},
		{"number with a plus", "$filter=numberofemployees eq %2B5", odata.Query{Filter: where(eq("numberofemployees", schema.Int(5)))}},
		{"date-time (odata-query)", "$filter=createdon eq 2026-01-02T00:00:00.000Z", odata.Query{Filter: where(eq("createdon", schema.Time(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))))}},
		{"date-time with an offset", "$filter=createdon eq 2026-01-02T01:00:00%2B01:00", odata.Query{Filter: where(eq("createdon", schema.Time(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))))}},
		{"date-time as a date", "$filter=createdon eq 2026-01-02", odata.Query{Filter: where(eq("createdon", schema.Time(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))))}},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := odata.ParseQuery(s, s.BySet("leads"), test.query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("query (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseQueryRefuses(t *testing.T) {
	tests := []struct{ name, query, want string }{
		{"unknown property", "$select=subject,x", "400 0x80060888 Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"lookup by its name", "$select=ownerid", "400 0x80060888 Could not find a property named 'ownerid' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"value of no lookup", "$select=_subject_value", "400 0x80060888 Could not find a property named '_subject_value' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"hidden", "$select=segue_live", "400 0x80060888 Could not find a property named 'segue_live' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"empty select", "$select=", "400 0x80060888 Could not find a property named '' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"negative top", "$top=-1", "400 0x80060888 $top must be a whole number of 0 or more, not '-1'"},
		{"twice", "$top=1&%24top=2", "400 0x80060888 the query option '$top' is given twice"},
		{"upper case", "$Top=1", "400 0x80060888 the query option '$Top' is not supported"},
		{"skip", "$skip=3", "400 0x80060888 Skip Clause is not supported in CRM"},
		{"format", "$format=json", "400 0x80060888 the query option '$format' is not supported"},
		{"bad escape", "$filter=%zz", "400 0x80060888 the query option '$filter=%zz' is not percent-encoded correctly"},
		{"too long", strings.Repeat("a", odata.MaxURL+1), "400 0x80060888 the query string has 32769 bytes, the limit is 32768"},
		{"count", "$count=true", "501 0x80040219 the query option is not supported in this version: '$count=true'"},
		{"orderby", "$orderby=createdon%20desc", "501 0x80040219 the query option is not supported in this version: '$orderby'"},
		{"expand", "$expand=parentaccountid($select=name)", "501 0x80040219 the query option is not supported in this version: '$expand'"},
		{"apply", "$apply=groupby((statuscode))", "501 0x80040219 the query option is not supported in this version: '$apply'"},
		{"fetchXml", "fetchXml=%3Cfetch%3E", "501 0x80040219 the query option is not supported in this version: 'fetchXml'"},
		{"sql", "sql=SELECT", "501 0x80040219 the query option is not supported in this version: 'sql'"},
		{"alias", "@p1=%27subject%27", "501 0x80040219 the parameter alias is not supported in this version: '@p1'"},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := odata.ParseQuery(s, s.BySet("leads"), test.query)
			if got := outcome(t, err); got != test.want {
				t.Errorf("error = %q, want %q", got, test.want)
			}
		})
	}
}

func TestParseFilterRefuses(t *testing.T) {
	tests := []struct{ filter, want string }{
		{"", "400 0x80060888 $filter: a property expected at position 0 in ''"},
		{"subject", "400 0x80060888 $filter: an operator expected at position 7 in 'subject'"},
		{"subject eq", "400 0x80060888 $filter: a value expected at position 10 in 'subject eq'"},
		{"subject eq a", "400 0x80060888 $filter: a string in quotes expected at position 11 in 'subject eq a'"},
		{"subject eq 'O'B' and statecode eq 0", "400 0x80060888 $filter: 'and' or the end expected at position 14 in 'subject eq 'O'B' and statecode eq 0'"},
		{"subject eq 'O", "400 0x80060888 $filter: quote not closed at position 11 in 'subject eq 'O'"},
		{"(statecode eq 0", "400 0x80060888 $filter: 'and' or ')' expected at position 15 in '(statecode eq 0'"},
		{"statecode eq 0)", "400 0x80060888 $filter: 'and' or the end expected at position 14 in 'statecode eq 0)'"},
		{"statecode eq 0\x00", "400 0x80060888 $filter: lead.statecode: type: must be a number, got \"0\\x00\" at position 13 in 'statecode eq 0\x00'"},
		{"statecode eq 0 and", "400 0x80060888 $filter: a property expected at position 18 in 'statecode eq 0 and'"},
		{"statecode eq '0'", "400 0x80060888 $filter: a number expected at position 13 in 'statecode eq '0''"},
		{"statecode eq Open", "400 0x80060888 $filter: lead.statecode: type: must be a number, got \"Open\" at position 13 in 'statecode eq Open'"},
		{"statecode is 0", "400 0x80060888 $filter: an operator expected at position 10 in 'statecode is 0'"},
		{"x eq 1", "400 0x80060888 $filter: Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.lead'. at position 0 in 'x eq 1'"},
		{"segue_live eq 'a'", "400 0x80060888 $filter: Could not find a property named 'segue_live' on type 'Microsoft.Dynamics.CRM.lead'. at position 0 in 'segue_live eq 'a''"},
		{"donotemail eq 1", "400 0x80060888 $filter: true or false expected at position 14 in 'donotemail eq 1'"},
		{"_ownerid_value eq 'Jo'", "400 0x80060888 $filter: a GUID expected at position 18 in '_ownerid_value eq 'Jo''"},
		{"createdon eq soon", "400 0x80060888 $filter: lead.createdon: type: must be a datetime such as 2006-01-02T15:04:05Z07:00, got \"soon\" at position 13 in 'createdon eq soon'"},
		{"createdon eq ''", "400 0x80060888 $filter: a date expected at position 13 in 'createdon eq '''"},
		{strings.Repeat("(", 40) + "statecode eq 0" + strings.Repeat(")", 40),
			"400 0x80060888 $filter: brackets are nested deeper than 32 at position 33 in '" + strings.Repeat("(", 40) + "statecode eq 0" + strings.Repeat(")", 40) + "'"},

		{"statecode eq 0 or statecode eq 1", "501 0x80040219 $filter: operator 'or' is not supported in this version at position 15 in 'statecode eq 0 or statecode eq 1'"},
		{"not (statecode eq 0)", "501 0x80040219 $filter: operator 'not' is not supported in this version at position 0 in 'not (statecode eq 0)'"},
		{"statecode ne 0", "501 0x80040219 $filter: operator 'ne' is not supported in this version at position 10 in 'statecode ne 0'"},
		{"statecode in (0,1)", "501 0x80040219 $filter: operator 'in' is not supported in this version at position 10 in 'statecode in (0,1)'"},
		{"contains(subject,'a & b')", "501 0x80040219 $filter: function 'contains' is not supported in this version at position 0 in 'contains(subject,'a & b')'"},
		{"Microsoft.Dynamics.CRM.In(PropertyName=@p1)", "501 0x80040219 $filter: function 'Microsoft.Dynamics.CRM.In' is not supported in this version at position 0 in 'Microsoft.Dynamics.CRM.In(PropertyName=@p1)'"},
		{"Lead_Tasks/any(t:t/statecode eq 1)", "501 0x80040219 $filter: function 'Lead_Tasks/any' is not supported in this version at position 0 in 'Lead_Tasks/any(t:t/statecode eq 1)'"},
		{"parentaccountid/name eq 'a'", "501 0x80040219 $filter: a path or parameter alias ('parentaccountid/name') is not supported in this version at position 0 in 'parentaccountid/name eq 'a''"},
		{"subject eq @p1", "501 0x80040219 $filter: parameter alias '@p1' is not supported in this version at position 11 in 'subject eq @p1'"},
		{"subject eq lastname", "501 0x80040219 $filter: comparing with another property ('lastname') is not supported in this version at position 11 in 'subject eq lastname'"},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.filter, func(t *testing.T) {
			escaped := strings.NewReplacer("%", "%25", "&", "%26").Replace(test.filter)
			_, err := odata.ParseQuery(s, s.BySet("leads"), "$filter="+escaped)
			if got := outcome(t, err); got != test.want {
				t.Errorf("error =\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

func TestSelectOnly(t *testing.T) {
	s := tables(t)
	for query, want := range map[string]string{
		"$select=subject":        "",
		"$top=0":                 "400 0x80060888 only $select may be used in a request for one row",
		"$filter=statecode eq 0": "400 0x80060888 only $select may be used in a request for one row",
		"$skiptoken=x":           "400 0x80060888 only $select may be used in a request for one row",
	} {
		q, err := odata.ParseQuery(s, s.BySet("leads"), query)
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(t, q.SelectOnly()); got != want {
			t.Errorf("%s: error = %q, want %q", query, got, want)
		}
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, seed := range []string{
		"$filter=(statecode eq 0) and subject eq 'O''B'&$top=3", "%24select=subject,_ownerid_value&a=b",
		"$filter=revenue eq 1e999999999", "$filter=_ownerid_value eq " + idI + "&$skiptoken=x/", "$filter='",
	} {
		f.Add(seed)
	}
	s := tables(f)
	f.Fuzz(func(t *testing.T, query string) {
		q, err := odata.ParseQuery(s, s.BySet("leads"), query)
		if message := outcome(t, err); len(message) > 2000 {
			t.Errorf("the message has %d bytes", len(message))
		}
		if err == nil && q.Filter != nil {
			again, err := filter.Parse(s, "lead", q.Filter.String())
			if err != nil || again.String() != q.Filter.String() {
				t.Errorf("the filter does not print and parse: %v", err)
			}
		}
	})
}
