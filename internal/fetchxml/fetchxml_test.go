package fetchxml_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"segue/internal/fetchxml"
	"segue/internal/filter"
	"segue/internal/schema"
)

func load(t testing.TB) *schema.Schema {
	t.Helper()
	s, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// text prints what was read, in one line.
func text(f *fetchxml.Fetch) string {
	var b strings.Builder
	fmt.Fprintf(&b, "top=%d count=%d page=%d cookie=%q", f.Top, f.Count, f.Page, f.Cookie)
	for name, set := range map[string]bool{"total": f.Total, "distinct": f.Distinct, "aggregate": f.Aggregate} {
		if set {
			b.WriteString(" " + name)
		}
	}
	b.WriteString(entity(f.Entity))
	return b.String()
}

func entity(e fetchxml.Entity) string {
	var b strings.Builder
	fmt.Fprintf(&b, " %s(", e.Table.Name)
	if e.All {
		b.WriteString("*")
	}
	for _, a := range e.Attributes {
		fmt.Fprintf(&b, " %s", a.Column.Name)
		switch {
		case a.GroupBy:
			fmt.Fprintf(&b, "/group%s", a.Part)
		case a.Aggregate != "":
			fmt.Fprintf(&b, "/%s", a.Aggregate)
		}
		if a.Distinct {
			b.WriteString("/distinct")
		}
		if a.Alias != "" {
			b.WriteString(" as " + a.Alias)
		}
	}
	fmt.Fprintf(&b, " where %s", e.Where)
	for _, o := range e.Order {
		name := o.Alias
		if o.Column != nil {
			name = o.Column.Name
		}
		fmt.Fprintf(&b, " order %s desc=%v", name, o.Descending)
	}
	for _, l := range e.Links {
		fmt.Fprintf(&b, " link %s outer=%v many=%v by %s%s", l.Alias, l.Outer, l.Many, l.Lookup.Name, entity(l.Entity))
	}
	return b.String() + ")"
}

const and = `{"type":"and","items":[]}`

// example is a query and what it is read into.
type example struct{ name, in, want string }

func examples() []example {
	condition := func(c string) string {
		return `{"type":"and","items":[{"type":"and","items":[` + c + `]}]}`
	}
	return []example{
		{"least", `<fetch><entity name="lead"/></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + and + `)`},
		{"paging", `<?xml version="1.0"?><!-- a --><fetch mapping="logical" count="50" page="2" paging-cookie="c" returntotalrecordcount="true"><entity name="lead"><all-attributes/></entity></fetch>`, `top=0 count=50 page=2 cookie="c" total lead(* where ` + and + `)`},
		{"hierarchy", `<fetch><entity name="account"><filter><condition attribute="accountid" operator="eq-or-under" value="{7EB682F1-CA75-E511-80D4-00155D2A68D1}"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" account( where ` + condition(`{"attribute":"accountid","operator":"eq-or-under","values":["7eb682f1-ca75-e511-80d4-00155d2a68d1"]}`) + `)`},
		{"columns and order", `<fetch top="3" distinct="1"><entity name="lead"><attribute name="subject" alias="s"/><attribute name="createdon"/><order attribute="createdon" descending="true"/></entity></fetch>`, `top=3 count=0 page=0 cookie="" distinct lead( subject as s createdon where ` + and + ` order createdon desc=true)`},
		{"text", `<fetch><entity name="lead"><filter><condition attribute="subject" operator="like" value="%a &amp; b%"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + condition(`{"attribute":"subject","operator":"like","values":["%a & b%"]}`) + `)`},
		{"values", `<fetch><entity name="lead"><filter><condition attribute="leadsourcecode" operator="in"><value>1</value><value> 8 </value></condition></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + condition(`{"attribute":"leadsourcecode","operator":"in","values":[1,8]}`) + `)`},
		{"units", `<fetch><entity name="lead"><filter><condition attribute="createdon" operator="last-x-days" value="3"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + condition(`{"attribute":"createdon","operator":"last-x-days","values":[3]}`) + `)`},
		{"a day, at a time", `<fetch><entity name="lead"><filter><condition attribute="createdon" operator="on" value="2026-01-02 10:30:00"/><condition attribute="createdon" operator="on-or-before" value="2026-01-03T00:00:00-05:00"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + condition(`{"attribute":"createdon","operator":"on","values":["2026-01-02"]},{"attribute":"createdon","operator":"on-or-before","values":["2026-01-03"]}`) + `)`},
		{"out of range", `<fetch><entity name="lead"><filter><condition attribute="numberofemployees" operator="lt" value="-5"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + condition(`{"attribute":"numberofemployees","operator":"lt","values":[-5]}`) + `)`},
		{"neq", `<fetch><entity name="lead"><filter type="or"><condition attribute="statecode" operator="neq" value="0"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where {"type":"and","items":[{"type":"or","items":[{"attribute":"statecode","operator":"ne","values":[0]}]}]})`},
		{"lookup with several tables", `<fetch><entity name="lead"><filter><condition attribute="ownerid" operator="eq" value="{11111111-1111-4111-8111-111111111111}"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + condition(`{"attribute":"ownerid","operator":"in","values":["systemuser:11111111-1111-4111-8111-111111111111","team:11111111-1111-4111-8111-111111111111"]}`) + `)`},
		{"valueof", `<fetch><entity name="lead"><filter><condition attribute="firstname" operator="eq" valueof="lastname"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + condition(`{"attribute":"firstname","operator":"eq","values":[],"other":"lastname"}`) + `)`},
		{"link to one", `<fetch><entity name="lead"><link-entity name="account" from="accountid" to="parentaccountid" link-type="outer" alias="a"><attribute name="name"/></link-entity></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + and + ` link a outer=true many=false by parentaccountid account( name where ` + and + `))`},
		{"link to many", `<fetch><entity name="account"><link-entity name="lead" from="parentaccountid" to="accountid"><filter><condition attribute="statecode" operator="eq" value="0"/></filter></link-entity></entity></fetch>`, `top=0 count=0 page=0 cookie="" account( where ` + and + ` link lead1 outer=false many=true by parentaccountid lead( where ` + condition(`{"attribute":"statecode","operator":"eq","values":[0]}`) + `))`},
		{"any", `<fetch><entity name="account"><filter><link-entity name="lead" from="parentaccountid" to="accountid" link-type="not any"><filter><condition attribute="statecode" operator="eq" value="0"/></filter></link-entity></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" account( where ` + condition(`{"relationship":"lead_parent_account","mode":"notContains","filter":{"type":"and","items":[{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}]}}`) + `)`},
		{"empty filters", `<fetch><entity name="lead"><filter type="or"/><filter/><filter type="or"><filter type="or"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where ` + and + `)`},
		{"empty filter among conditions", `<fetch><entity name="lead"><filter type="or"><filter/><condition attribute="statecode" operator="eq" value="0"/></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" lead( where {"type":"and","items":[{"type":"or","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}]})`},
		{"empty filter of related rows", `<fetch><entity name="account"><filter><link-entity name="lead" from="parentaccountid" to="accountid" link-type="any"><filter type="or"/></link-entity></filter></entity></fetch>`, `top=0 count=0 page=0 cookie="" account( where ` + condition(`{"relationship":"lead_parent_account","mode":"contains","filter":`+and+`}`) + `)`},
		{"aggregate", `<fetch aggregate="true"><entity name="lead"><attribute name="leadid" aggregate="count" alias="n"/><attribute name="createdon" groupby="true" dategrouping="month" alias="m"/><attribute name="companyname" aggregate="countcolumn" distinct="true" alias="c"/><order alias="n" descending="true"/></entity></fetch>`, `top=0 count=0 page=0 cookie="" aggregate lead( leadid/count as n createdon/groupmonth as m companyname/countcolumn/distinct as c where ` + and + ` order n desc=true)`},
	}
}

func TestParse(t *testing.T) {
	s := load(t)
	for _, test := range examples() {
		t.Run(test.name, func(t *testing.T) {
			f, err := fetchxml.Parse(s, test.in)
			if err != nil {
				t.Fatal(err)
			}
			if got := text(f); got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

func TestParse_Refuses(t *testing.T) {
	s := load(t)
	deep := strings.Repeat("<filter>", fetchxml.MaxDepth) + strings.Repeat("</filter>", fetchxml.MaxDepth)
	in := func(inner string) string { return `<fetch><entity name="lead">` + inner + `</entity></fetch>` }
	for _, test := range []struct {
		name, in string
		reason   fetchxml.Reason
		names    string
	}{
		{"nothing", ``, fetchxml.Malformed, "fetch"},
		{"not XML", `{"a":1}`, fetchxml.Malformed, ""},
		{"not closed", `<fetch><entity name="lead">`, fetchxml.Malformed, ""},
		{"two queries", `<fetch><entity name="lead"/></fetch><fetch/>`, fetchxml.Malformed, "fetch"},
		{"another element", `<select/>`, fetchxml.Malformed, "select"},
		{"no entity", `<fetch/>`, fetchxml.Malformed, "entity"},
		{"unknown table", `<fetch><entity name="nosuch"/></fetch>`, fetchxml.NoEntity, "nosuch"},
		{"table that is not on the wire", `<fetch><entity name="segue_ledger"/></fetch>`, fetchxml.NoEntity, "segue_ledger"},
		{"unknown column", in(`<attribute name="nosuch"/>`), fetchxml.NoAttribute, "nosuch"},
		{"hidden column", in(`<attribute name="segue_live"/>`), fetchxml.NoAttribute, "segue_live"},
		{"column of a condition", in(`<filter><condition attribute="nosuch" operator="null"/></filter>`), fetchxml.NoAttribute, "nosuch"},
		{"unknown operator", in(`<filter><condition attribute="subject" operator="sounds-like" value="a"/></filter>`), fetchxml.Malformed, "sounds-like"},
		{"operator of another type", in(`<filter><condition attribute="statecode" operator="like" value="0"/></filter>`), fetchxml.Malformed, "like"},
		{"operator that is not served", in(`<filter><condition attribute="ownerid" operator="eq-useroruserhierarchy"/></filter>`), fetchxml.NotServed, "eq-useroruserhierarchy"},
		{"operator of a hierarchy on a table without one", in(`<filter><condition attribute="leadid" operator="under" value="7eb682f1-ca75-e511-80d4-00155d2a68d1"/></filter>`), fetchxml.Malformed, "under"},
		{"no value", in(`<filter><condition attribute="subject" operator="eq"/></filter>`), fetchxml.Malformed, "subject"},
		{"wrong value", in(`<filter><condition attribute="numberofemployees" operator="eq" value="many"/></filter>`), fetchxml.Malformed, "many"},
		{"wrong units", in(`<filter><condition attribute="createdon" operator="last-x-days" value="few"/></filter>`), fetchxml.Malformed, "few"},
		{"no units", in(`<filter><condition attribute="createdon" operator="last-x-days" value="0"/></filter>`), fetchxml.Malformed, "0"},
		{"wrong logic", in(`<filter type="xor"/>`), fetchxml.Malformed, "xor"},
		{"top", `<fetch top="0"><entity name="lead"/></fetch>`, fetchxml.Malformed, "top"},
		{"top of nothing", `<fetch top="x"><entity name="lead"/></fetch>`, fetchxml.Malformed, "top"},
		{"top and page", `<fetch top="1" page="2"><entity name="lead"/></fetch>`, fetchxml.Malformed, "page"},
		{"flag", `<fetch distinct="yes"><entity name="lead"/></fetch>`, fetchxml.Malformed, "distinct"},
		{"attribute that is not served", `<fetch datasource="retained"><entity name="lead"/></fetch>`, fetchxml.NotServed, "datasource"},
		{"element that is not served", in(`<savedquery/>`), fetchxml.NotServed, "savedquery"},
		{"join of anything", in(`<link-entity name="contact" from="lastname" to="lastname"/>`), fetchxml.NotServed, "lastname"},
		{"join of another kind", in(`<link-entity name="account" from="accountid" to="parentaccountid" link-type="natural"/>`), fetchxml.NotServed, "natural"},
		{"alias used twice", in(`<attribute name="subject" alias="a"/><attribute name="fax" alias="a"/>`), fetchxml.Malformed, "a"},
		{"group without aggregate", in(`<attribute name="subject" groupby="true" alias="a"/>`), fetchxml.Malformed, "groupby"},
		{"aggregate without alias", `<fetch aggregate="true"><entity name="lead"><attribute name="leadid" aggregate="count"/></entity></fetch>`, fetchxml.Malformed, "alias"},
		{"too deep", in(deep), fetchxml.Malformed, "deeper"},
		{"too long", in(`<!--` + strings.Repeat("a", fetchxml.MaxText) + `-->`), fetchxml.Malformed, "limit"},
		{"entities of its own", `<!DOCTYPE a [<!ENTITY b "c">]><fetch><entity name="&b;"/></fetch>`, fetchxml.Malformed, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := fetchxml.Parse(s, test.in)
			refused, ok := errors.AsType[*fetchxml.Error](err)
			if !ok || refused.Reason != test.reason || !strings.Contains(refused.Detail, test.names) {
				t.Errorf("got %v (%+v), want reason %q and %q named", err, refused, test.reason, test.names)
			}
		})
	}
}

// FuzzParse: whatever the text, it is read or refused, and what is read is bounded and
// valid.
func FuzzParse(f *testing.F) {
	s := load(f)
	for _, seed := range examples() {
		f.Add(seed.in)
	}
	f.Fuzz(func(t *testing.T, in string) {
		query, err := fetchxml.Parse(s, in)
		if err != nil {
			if refused, ok := errors.AsType[*fetchxml.Error](err); !ok || refused.Detail == "" || len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes: %#v", len(err.Error()), err)
			}
			return
		}
		if query.Table == nil {
			t.Fatal("a query without a table")
		}
		if links := check(t, s, query.Entity); links > fetchxml.MaxLinks {
			t.Errorf("%d links", links)
		}
	})
}

// check checks the conditions of an entity and of its links, and returns how many links
// there are.
func check(t *testing.T, s *schema.Schema, e fetchxml.Entity) (links int) {
	t.Helper()
	if e.Where != nil {
		if n := e.Where.Conditions(); n > fetchxml.MaxElements {
			t.Errorf("%d conditions", n)
		}
		again, err := filter.Parse(s, e.Table.Name, e.Where.String())
		if err != nil || again.String() != e.Where.String() {
			t.Errorf("the filter does not print and parse: %v\n%s", err, e.Where)
		}
	}
	for _, l := range e.Links {
		links += 1 + check(t, s, l.Entity)
	}
	return links
}
