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
		{"unknown property", "$select=subject,x", "400 0x80060888 Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.lead'. ($select at position 8 in 'subject,x')"},
		{"lookup by its name", "$select=ownerid", "400 0x80060888 Could not find a property named 'ownerid' on type 'Microsoft.Dynamics.CRM.lead'. ($select at position 0 in 'ownerid')"},
		{"value of no lookup", "$select=_subject_value", "400 0x80060888 Could not find a property named '_subject_value' on type 'Microsoft.Dynamics.CRM.lead'. ($select at position 0 in '_subject_value')"},
		{"hidden", "$select=segue_live", "400 0x80060888 Could not find a property named 'segue_live' on type 'Microsoft.Dynamics.CRM.lead'. ($select at position 0 in 'segue_live')"},
		{"empty select", "$select=", "400 0x80060888 Could not find a property named '' on type 'Microsoft.Dynamics.CRM.lead'. ($select at position 0 in '')"},
		{"negative top", "$top=-1", "400 0x80060888 $top must be a whole number of 0 or more, not '-1'"},
		{"twice", "$top=1&%24top=2", "400 0x80060888 the query option '$top' is given twice"},
		{"upper case", "$Top=1", "400 0x80060888 the query option '$Top' is not supported"},
		{"skip", "$skip=3", "400 0x80060888 Skip Clause is not supported in CRM"},
		{"format", "$format=json", "400 0x80060888 the query option '$format' is not supported"},
		{"bad escape", "$filter=%zz", "400 0x80060888 the query option '$filter=%zz' is not percent-encoded correctly"},
		{"too long", strings.Repeat("a", odata.MaxBatchURL+1), "400 0x80060888 the query string has 65537 bytes; the limit is 65536"},
		{"count", "$count=yes", "400 0x80060888 $count must be true or false, not 'yes'"},
		{"orderby", "$orderby=x%20desc", "400 0x80060888 Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.lead'. ($orderby at position 0 in 'x desc')"},
		{"expand", "$expand=subject", "400 0x80060888 Could not find a property named 'subject' on type 'Microsoft.Dynamics.CRM.lead'. ($expand at position 0 in 'subject')"},
		{"fetchXml", "fetchXml=%3Cfetch%3E", "501 0x80040219 the query option is not supported in this version: 'fetchXml'"},
		{"filter", "$filter=statecode eq Open", "400 0x80060888 Could not find a property named 'Open' on type 'Microsoft.Dynamics.CRM.lead'. ($filter at position 13 in 'statecode eq Open')"},
		{"filter that is not served", "$filter=length(subject) eq 1", "501 0x80040219 $filter: function 'length' is not supported in this version at position 0 in 'length(subject) eq 1'"},
		{"sql", "sql=SELECT", "501 0x80040219 the query option is not supported in this version: 'sql'"},
		{"alias twice", "@p1=%27subject%27&@p1=1", "400 0x80060888 the query option '@p1' is given twice"},
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

func TestSelectOnly(t *testing.T) {
	s := tables(t)
	for query, want := range map[string]string{
		"$select=subject":        "",
		"$top=0":                 "400 0x80060888 only $select and $expand may be used in a request for one row",
		"$filter=statecode eq 0": "400 0x80060888 only $select and $expand may be used in a request for one row",
		"$skiptoken=x":           "400 0x80060888 only $select and $expand may be used in a request for one row",
	} {
		q, err := odata.ParseQuery(s, s.BySet("leads"), query)
		if err != nil {
			t.Fatal(err)
		}
		if got := outcome(t, odata.SelectOnly(q)); got != want {
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
