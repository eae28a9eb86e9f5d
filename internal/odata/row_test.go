package odata_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"

	"segue/internal/odata"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

func TestReadRow(t *testing.T) {
	account := schema.Lookup{Table: "account", ID: idI}
	values := func(pairs ...any) odata.Input {
		in := odata.Input{Values: map[string]schema.Value{}}
		for i := 0; i < len(pairs); i += 2 {
			in.Values[fmt.Sprint(pairs[i])] = schematest.Of(pairs[i+1])
		}
		return in
	}
	tests := []struct {
		name, table, body string
		want              odata.Input
	}{
		{"dynamics-web-api", "lead", `{"subject":"S \u00e9","parentaccountid@odata.bind":"/accounts(` + idI + `)"}`, values("subject", "S é", "parentaccountid", account)},
		{"dataverse-ify: a string of JSON", "lead", ` "{\"subject\":\"a\"}" `, values("subject", "a")},
		{"nothing", "lead", `{}`, values()},
		{"key given", "lead", `{"leadid":"{` + strings.ToUpper(idI) + `}","subject":"a"}`, odata.Input{ID: idI, Values: map[string]schema.Value{"subject": schema.Text("a")}}},
		{"annotations", "lead", `{"@odata.type":"#Microsoft.Dynamics.CRM.lead","@odata.context":{"a":[1]},"@odata.etag":"x","subject@x.y":1}`, values()},
		{"type without #", "lead", `{"@odata.type":"Microsoft.Dynamics.CRM.lead"}`, values()},
		{"every JSON type", "lead", `{"revenue":12.5,"numberofemployees":3,"donotemail":true,"leadsourcecode":8,"address1_latitude":1e1,"schedulefollowup_qualify":"2026-01-02T03:04:05.000+01:00","estimatedclosedate":"2026-01-02"}`,
			values("revenue", decimal.RequireFromString("12.5"), "numberofemployees", int64(3), "donotemail", true, "leadsourcecode", int64(8), "address1_latitude", 10.0,
				"schedulefollowup_qualify", time.Date(2026, 1, 2, 2, 4, 5, 0, time.UTC), "estimatedclosedate", time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC))},
		{"null clears", "lead", `{"description":null}`, values("description", nil)},
		{"created-on of an import", "lead", `{"overriddencreatedon":"2020-01-02T03:04:05Z"}`, values("overriddencreatedon", time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC))},
		{"what Segue sets, for the row to be compared with", "lead", `{"createdon":"2020-01-02T03:04:05Z","createdby@odata.bind":"/systemusers(` + idI + `)"}`,
			values("createdon", time.Date(2020, 1, 2, 3, 4, 5, 0, time.UTC), "createdby", schema.Lookup{Table: "systemuser", ID: idI})},
		{"bind without slash", "lead", `{"parentaccountid@odata.bind":"accounts(` + idI + `)"}`, values("parentaccountid", account)},
		{"bind absolute", "lead", `{"parentaccountid@odata.bind":"https://h/api/data/v9.2/accounts(` + idI + `)"}`, values("parentaccountid", account)},
		{"bind broken (xrm-webapi)", "lead", `{"parentaccountid@odata.bind":"https:/h/api/data/v9.2/accounts(` + idI + `)"}`, values("parentaccountid", account)},
		{"bind by named key, upper case", "lead", `{"parentaccountid@odata.bind":"/accounts(accountid=` + strings.ToUpper(idI) + `)"}`, values("parentaccountid", account)},
		{"bind null", "lead", `{"parentaccountid@odata.bind":null}`, values("parentaccountid", nil)},
		{"navigation property null", "lead", `{"parentaccountid":null}`, values("parentaccountid", nil)},
		{"owner is a team", "lead", `{"ownerid@odata.bind":"/teams(` + idI + `)"}`, values("ownerid", schema.Lookup{Table: "team", ID: idI})},
		{"polymorphic", "task", `{"regardingobjectid_lead_task@odata.bind":"/leads(` + idI + `)"}`, values("regardingobjectid", schema.Lookup{Table: "lead", ID: idI})},
		{"polymorphic, others cleared after", "task", `{"regardingobjectid_lead_task@odata.bind":"/leads(` + idI + `)","regardingobjectid_account_task":null}`, values("regardingobjectid", schema.Lookup{Table: "lead", ID: idI})},
		{"polymorphic, others cleared before", "task", `{"regardingobjectid_account_task@odata.bind":null,"regardingobjectid_lead_task@odata.bind":"/leads(` + idI + `)"}`, values("regardingobjectid", schema.Lookup{Table: "lead", ID: idI})},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := odata.Bodies{Schema: s}.Row(s.Table(test.table), []byte(test.body))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

func TestReadRowRefuses(t *testing.T) {
	const payload = "400 0x80048d19 Error identified in Payload provided by the user for Entity :'leads', "
	tests := []struct{ name, body, want string }{
		{"no body", ``, "400 0x80048d19 the body must be a JSON object"},
		{"array", `[]`, "400 0x80048d19 the body must be a JSON object"},
		{"null", `null`, "400 0x80048d19 the body must be a JSON object"},
		{"string of a string", `"\"{}\""`, "400 0x80048d19 the body must be a JSON object"},
		{"cut off", `{"subject":`, "400 0x80048d19 the body is not JSON, at byte 11: EOF"},
		{"not closed", `{"subject":"a"`, "400 0x80048d19 the body is not JSON, at byte 14: EOF"},
		{"more after it", `{} {}`, "400 0x80048d19 the body has more text after its JSON object, at byte 4"},
		{"not UTF-8", "{\"subject\":\"\xff\"}", "400 0x80048d19 the body is not UTF-8"},
		{"twice", `{"subject":"a","subject":"b"}`, "400 0x80048d19 the body has the property 'subject' twice"},
		{"unknown property", `{"x":1}`, payload + "property 'x' does not exist on type 'Microsoft.Dynamics.CRM.lead'"},
		{"hidden", `{"segue_live":"a"}`, payload + "property 'segue_live' does not exist on type 'Microsoft.Dynamics.CRM.lead'"},
		{"percent sign in a name", `{"%s%d":1}`, payload + "property '%s%d' does not exist on type 'Microsoft.Dynamics.CRM.lead'"},
		{"lookup value", `{"_ownerid_value":"` + idI + `"}`, payload + "property '_ownerid_value' is read-only: bind the row through 'ownerid@odata.bind'"},
		{"key is no GUID", `{"leadid":"7"}`, payload + "the key 'leadid' must be a GUID, not '7'"},
		{"key is null", `{"leadid":null}`, payload + "the key 'leadid' must be a GUID, not ''"},
		{"wrong table", `{"@odata.type":"Microsoft.Dynamics.CRM.task"}`, payload + "@odata.type must be 'Microsoft.Dynamics.CRM.lead', not 'Microsoft.Dynamics.CRM.task'"},
		{"type is not a string", `{"@odata.type":1}`, payload + "@odata.type must be 'Microsoft.Dynamics.CRM.lead', not ''"},
		{"object in a column", `{"subject":{"a":1}}`, payload + "property 'subject' is a string and cannot be an object or array"},
		{"number for text", `{"subject":5}`, `400 0x80048d19 lead.subject: type: must be a JSON string, got "5"`},
		{"text for number", `{"numberofemployees":"5"}`, `400 0x80048d19 lead.numberofemployees: type: must be a JSON number, got "5"`},
		{"too long", `{"lastname":"` + strings.Repeat("x", 51) + `"}`, `400 0x80044331 lead.lastname: length: must have at most 50 characters (UTF-16 code units), has 51, got "` + strings.Repeat("x", 51) + `"`},
		{"no option", `{"leadqualitycode":9}`, `400 0x8004431a lead.leadqualitycode: option: must be one of 1 Hot, 2 Warm, 3 Cold, got "9"`},
		{"integer range", `{"numberofemployees":-1}`, `400 0x8004432f lead.numberofemployees: range: must be at least 0, got "-1"`},
		{"money range", `{"revenue":-1}`, `400 0x80044330 lead.revenue: range: must be at least 0, got "-1"`},
		{"bad date", `{"estimatedclosedate":"2026-02-30"}`, `400 0x80040239 lead.estimatedclosedate: type: must be a date such as 2006-01-02, got "2026-02-30"`},
		{"year 1", `{"estimatedclosedate":"0001-01-01"}`, `400 0x80040239 lead.estimatedclosedate: range: must be in the years 1753 to 9999, got "0001-01-01T00:00:00Z"`},
		{"unknown navigation property", `{"x@odata.bind":"/accounts(1)"}`, payload + "navigation property 'x' does not exist on type 'Microsoft.Dynamics.CRM.lead'"},
		{"bind a column", `{"subject@odata.bind":"a"}`, payload + "navigation property 'subject' does not exist on type 'Microsoft.Dynamics.CRM.lead'"},
		{"bind no string", `{"parentaccountid@odata.bind":5}`, payload + `'parentaccountid@odata.bind' must be a string like "/accounts(<id>)"`},
		{"bind an object", `{"parentaccountid@odata.bind":{}}`, payload + `'parentaccountid@odata.bind' must be a string like "/accounts(<id>)"`},
		{"bind no URL", `{"parentaccountid@odata.bind":"acme"}`, payload + "'parentaccountid@odata.bind': a row is referred to as <set>(<id>), not as 'acme'"},
		{"bind unknown set", `{"parentaccountid@odata.bind":"/x(` + idI + `)"}`, payload + "'parentaccountid@odata.bind': '/x(" + idI + ")' refers to the unknown set 'x'"},
		{"bind another table", `{"parentaccountid@odata.bind":"/contacts(` + idI + `)"}`, payload + "'parentaccountid@odata.bind' must refer to a row of account, not of contact"},
		{"bind no GUID", `{"parentaccountid@odata.bind":"/accounts(7)"}`, "400 0x80060888 the key '7' of 'accounts' is not a GUID"},
		{"text under a navigation property", `{"parentaccountid":"a"}`, payload + "property 'parentaccountid' is a navigation property: it takes null or a new row; bind an existing row through 'parentaccountid@odata.bind'"},
		{"bind by alternate key that is none", `{"parentaccountid@odata.bind":"/accounts(sic='1')"}`, "400 0x80060890 The specified key attributes are not a defined key for the account entity: 'sic'"},
		{"bind to a later request", `{"parentaccountid@odata.bind":"$1"}`, "400 0x80060888 Content-ID Reference: '$1' does not exist in the batch context."},
		{"bind a lookup to many", `{"parentaccountid@odata.bind":["/accounts(` + idI + `)"]}`, payload + "'parentaccountid@odata.bind' must be a string like \"/accounts(<id>)\""},
		{"bind a collection to one", `{"Lead_Tasks@odata.bind":"/tasks(` + idI + `)"}`, payload + "'Lead_Tasks@odata.bind' must be an array"},
		{"bind a collection to no text", `{"Lead_Tasks@odata.bind":[1]}`, payload + "'Lead_Tasks@odata.bind' must be an array of strings like \"/leads(<id>)\""},
		{"bind a collection to another table", `{"Lead_Tasks@odata.bind":["/leads(` + idI + `)"]}`, payload + "'Lead_Tasks@odata.bind' must refer to rows of task, not of lead"},
		{"bind a collection to what is no URL", `{"Lead_Tasks@odata.bind":["x"]}`, payload + "'Lead_Tasks@odata.bind': a row is referred to as <set>(<id>), not as 'x'"},
		{"nested rows that are one", `{"Lead_Tasks":{}}`, payload + "'Lead_Tasks' must be an array"},
		{"nested row that is many", `{"parentaccountid":[]}`, payload + "property 'parentaccountid' is a navigation property: it takes null or a new row; bind an existing row through 'parentaccountid@odata.bind'"},
		{"nested row that is wrong", `{"parentaccountid":{"x":1}}`, "400 0x80048d19 Error identified in Payload provided by the user for Entity :'accounts', property 'x' does not exist on type 'Microsoft.Dynamics.CRM.account'"},
		{"nested row of another table", `{"parentaccountid":{"@odata.type":"#Microsoft.Dynamics.CRM.contact"}}`, payload + "property 'parentaccountid' does not lead to rows of 'contact'"},
		{"nested row of one of several tables", `{"ownerid":{}}`, payload + "property 'ownerid' leads to rows of several tables: the row needs '@odata.type'"},
		{"nested row that points elsewhere", `{"Lead_Tasks":[{"regardingobjectid_lead_task@odata.bind":"leads(` + idI + `)"}]}`, payload + "'Lead_Tasks': a row in it must not have 'regardingobjectid', which is the row around it"},
		{"nested too deep", strings.Repeat(`{"parentaccountid":`, 1) + strings.Repeat(`{"parentaccountid":`, 8) + "{}" + strings.Repeat("}", 9), "400 0x80048d19 Error identified in Payload provided by the user for Entity :'accounts', rows are nested deeper than 8"},
		{"bound twice, by an id and a key", `{"parentaccountid@odata.bind":"accounts(accountnumber='1')","parentaccountid":{}}`, payload + "lookup 'parentaccountid' is bound to two rows"},
		{"very deep", `{"subject":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "400 0x80048d19 the body is not JSON, at byte 11: invalid character '[' exceeded max depth"},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := odata.Bodies{Schema: s}.Row(s.Table("lead"), []byte(test.body))
			if got := outcome(t, err); got != test.want {
				t.Errorf("error =\n%s\nwant\n%s", got, test.want)
			}
		})
	}
	two := `{"regardingobjectid_lead_task@odata.bind":"/leads(` + idI + `)","regardingobjectid_account_task@odata.bind":"/accounts(` + idI + `)"}`
	_, err := odata.Bodies{Schema: s}.Row(s.Table("task"), []byte(two))
	want := "400 0x80048d19 Error identified in Payload provided by the user for Entity :'tasks', lookup 'regardingobjectid' is bound to two rows"
	if got := outcome(t, err); got != want {
		t.Errorf("bound to two rows: error = %q, want %q", got, want)
	}
}

func FuzzReadRow(f *testing.F) {
	for _, seed := range []string{
		`{"subject":"a","revenue":1.5,"parentaccountid@odata.bind":"/accounts(` + idI + `)"}`,
		`"{\"leadid\":\"` + idI + `\"}"`, `{"revenue":1e999999999}`, `{"@odata.type":"x","ownerid":null}`, `[[[`,
	} {
		f.Add([]byte(seed))
	}
	s := tables(f)
	lead := s.Table("lead")
	f.Fuzz(func(t *testing.T, body []byte) {
		in, err := odata.Bodies{Schema: s}.Row(lead, body)
		if message := outcome(t, err); len(message) > 2000 {
			t.Errorf("the message has %d bytes", len(message))
		}
		if err != nil {
			return
		}
		for name, v := range in.Values {
			if column := lead.Column(name); column == nil || column.Check(v) != nil {
				t.Errorf("%s = %v passed", name, v)
			}
		}
		again, err := odata.Bodies{Schema: s}.Row(lead, mustQuote(t, body))
		if diff := cmp.Diff(in, again); err == nil && diff != "" && body[0] == '{' {
			t.Errorf("encoded twice it reads differently:\n%s", diff)
		}
	})
}

// mustQuote is a body as a JSON string.
func mustQuote(t *testing.T, body []byte) []byte {
	t.Helper()
	quoted, err := json.Marshal(string(body))
	if err != nil {
		t.Fatal(err)
	}
	return quoted
}
