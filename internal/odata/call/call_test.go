package call_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/odata"
	"segue/internal/odata/call"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

const (
	idI  = "7eb682f1-ca75-e511-80d4-00155d2a68d1"
	idJ  = "3f8d1b50-0000-4000-8000-00155d2a68d2"
	base = "http://host/api/data/v9.2/"
)

func tables(t testing.TB) *schema.Schema {
	t.Helper()
	return schematest.Tables(t)
}

// outcome is status, code and text of a refusal, "" for none.
func outcome(t testing.TB, err error) string {
	t.Helper()
	if err == nil {
		return ""
	}
	e, ok := errors.AsType[*odata.Error](err)
	if !ok {
		t.Fatalf("%v is no *odata.Error", err)
	}
	return fmt.Sprintf("%d %s %s", e.Status, e.Code, e.Message)
}

func TestCut(t *testing.T) {
	for _, test := range []struct {
		path string
		want call.Path
		bad  bool
	}{
		{path: "WhoAmI", want: call.Path{Name: "WhoAmI"}},
		{path: "WhoAmI()", want: call.Path{Name: "WhoAmI"}},
		{path: "WhoAmI()/", want: call.Path{Name: "WhoAmI"}},
		{path: "F(P1=@a,P2='x/y(z')", want: call.Path{Name: "F", Arguments: "P1=@a,P2='x/y(z'"}},
		{path: `F(T={"@odata.id":"leads(` + idI + `)"})`, want: call.Path{Name: "F", Arguments: `T={"@odata.id":"leads(` + idI + `)"}`}},
		{path: "leads(" + idI + ")/Microsoft.Dynamics.CRM.QualifyLead", want: call.Path{On: "leads(" + idI + ")", Name: "QualifyLead", Qualified: true}},
		{path: "leads/Microsoft.Dynamics.CRM.F(A=1)", want: call.Path{On: "leads", Name: "F", Qualified: true, Arguments: "A=1"}},
		{path: "contacts(emailaddress1='a/b')/F", want: call.Path{On: "contacts(emailaddress1='a/b')", Name: "F"}},
		{path: "F(", bad: true},
		{path: "F('a)", bad: true},
		{path: "F(A=1)x", bad: true},
		{path: "F)", bad: true},
	} {
		got, ok := call.Cut(test.path)
		if diff := cmp.Diff(test.want, got); diff != "" || ok == test.bad {
			t.Errorf("%s: ok %v (-want +got):\n%s", test.path, ok, diff)
		}
	}
}

// everything takes a parameter of each type.
func everything(kind call.Kind) call.Signature {
	return call.Signature{Kind: kind, Name: "F", Parameters: []call.Parameter{
		{Name: "Text", Type: schema.String}, {Name: "Id", Type: schema.GUID}, {Name: "N", Type: schema.Integer},
		{Name: "Big", Type: schema.BigInt}, {Name: "X", Type: schema.Double}, {Name: "Is", Type: schema.Boolean},
		{Name: "At", Type: schema.DateTime}, {Name: "Access", Type: schema.String, Enum: &call.Enum{Name: "T", Members: []string{"A", "B"}}},
		{Name: "Target", Type: schema.LookupTo}, {Name: "Lead", Type: schema.LookupTo, Tables: []string{"lead"}},
		{Name: "Row", Row: true}, {Name: "Task", Row: true, Tables: []string{"task"}},
		{Name: "Ids", Type: schema.GUID, Many: true}, {Name: "Rows", Row: true, Many: true},
	}}
}

func TestReadURL(t *testing.T) {
	lead := schema.Lookup{Table: "lead", ID: idI}
	for _, test := range []struct {
		name, text, query string
		want              call.Arguments
		fails             string
	}{
		{name: "nothing", want: call.Arguments{}},
		{name: "blanks", text: "  ", query: "&", want: call.Arguments{}},
		{name: "inline", text: "Text='O''B, (c',N=-3,Is=true,Id=" + idI, want: call.Arguments{"Text": "O'B, (c", "N": int64(-3), "Is": true, "Id": idI}},
		{name: "by alias (dynamics-web-api)", text: "Text=@p1,N=@p2", query: "@p1=%27Pacific%20Standard%20Time%27&@p2=1033", want: call.Arguments{"Text": "Pacific Standard Time", "N": int64(1033)}},
		{name: "alias twice used, one not used", text: "Id=@a,Text=@b", query: "@a=" + idI + "&@b='x'&@c=1", want: call.Arguments{"Id": idI, "Text": "x"}},
		{name: "plus is a blank", text: "Text=@a", query: "@a='a+b'", want: call.Arguments{"Text": "a b"}},
		{name: "more numbers", text: "Big=9007199254740993,X=1.5", want: call.Arguments{"Big": int64(9007199254740993), "X": 1.5}},
		{name: "GUID in quotes and upper case", text: "Id='" + strings.ToUpper(idI) + "'", want: call.Arguments{"Id": idI}},
		{name: "moment", text: "At=2026-01-02T04:04:05%2B01:00", want: nil, fails: "400 0x80040203 the parameter 'At' must be a date and time such as 2026-01-02T03:04:05Z, not \"2026-01-02T04:04:05%2B01:00\""},
		{name: "moment in UTC", text: "At=2026-01-02T03:04:05Z", want: call.Arguments{"At": time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}},
		{name: "enumeration", text: "Access=Microsoft.Dynamics.CRM.T'B'", want: call.Arguments{"Access": "B"}},
		{name: "enumeration by alias", text: "Access=@x", query: "@x=Microsoft.Dynamics.CRM.T%27A%27", want: call.Arguments{"Access": "A"}},
		{name: "reference by alias (dynamics-web-api)", text: "Target=@p1", query: "@p1={%22@odata.id%22:%22leads(" + idI + ")%22}", want: call.Arguments{"Target": lead}},
		{name: "reference inline, absolute", text: `Target={"@odata.id":"` + base + "leads(" + idI + `)"},N=1`, want: call.Arguments{"Target": lead, "N": int64(1)}},
		{name: "reference by key and type", text: "Target=@t", query: `@t={"@odata.type":"Microsoft.Dynamics.CRM.lead","leadid":"` + idI + `"}`, want: call.Arguments{"Target": lead}},
		{name: "list", text: "Ids=@l", query: `@l=["` + idI + `","` + idJ + `"]`, want: call.Arguments{"Ids": []any{idI, idJ}}},
		{name: "null is left out", text: "N=null,Text=@none", want: call.Arguments{}},
		{name: "an option of another service", text: "N=1", query: "tag=x", want: call.Arguments{"N": int64(1)}},

		{name: "unknown", text: "Q=1", fails: "400 0x80040203 F has no parameter 'Q'"},
		{name: "twice", text: "N=1,N=2", fails: "400 0x80040203 the parameter 'N' is given twice"},
		{name: "no value", text: "N", fails: "400 0x80060888 F(N): <parameter>=<value> expected, not 'N'"},
		{name: "text without quotes", text: "Text=abc", fails: "400 0x80040203 the parameter 'Text' cannot be abc; a string must be in quotes"},
		{name: "quote open", text: "Text='a'b'", fails: "400 0x80060888 the parameter 'Text' has a quote that is not closed: 'a'b'"},
		{name: "number for a text", text: "Text=1", fails: "400 0x80040203 the parameter 'Text' must be a string, not 1"},
		{name: "text for a number", text: "N='1'", fails: `400 0x80040203 the parameter 'N' must be a whole number of 32 bits, not "1"`},
		{name: "too large", text: "N=2147483648", fails: "400 0x80040203 the parameter 'N' must be a whole number of 32 bits, not 2147483648"},
		{name: "no GUID", text: "Id=abc", fails: `400 0x80040203 the parameter 'Id' must be a GUID, not "abc"`},
		{name: "no member", text: "Access=Microsoft.Dynamics.CRM.T'C'", fails: `400 0x80040203 the parameter 'Access' must be one of A, B, not "C"`},
		{name: "unknown set", text: "Target=@t", query: `@t={"@odata.id":"leeds(` + idI + `)"}`, fails: "400 0x80040203 'Target' refers to the unknown set 'leeds'"},
		{name: "no key", text: "Target=@t", query: `@t={"@odata.id":"leads"}`, fails: "400 0x80040203 'Target' must end with <set>(<id>), not 'leads'"},
		{name: "another table", text: "Lead=@t", query: `@t={"@odata.id":"tasks(` + idI + `)"}`, fails: `400 0x80040203 the parameter 'Lead' must be a row of lead, not {"@odata.id":"tasks(` + idI + `)"}`},
		{name: "more than a key", text: "Lead=@t", query: `@t={"leadid":"` + idI + `","subject":"a"}`, fails: `400 0x80040203 the parameter 'Lead' must be a reference: the key of a row and nothing else, not {"leadid":"` + idI + `","subject":"a"}`},
		{name: "an option", query: "$select=UserId", fails: "400 0x80060888 the query option '$select' is not supported on a function"},
		{name: "bad encoding", query: "@a=%zz", fails: "400 0x80060888 the query option '@a=%zz' is not percent-encoded correctly"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := everything(call.Function).ReadURL(tables(t), test.text, test.query)
			if failed := outcome(t, err); failed != test.fails {
				t.Fatalf("error = %q, want %q", failed, test.fails)
			}
			if diff := cmp.Diff(test.want, got); err == nil && diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}

// The body of the sequence actions, as clients send it.
func TestReadBody(t *testing.T) {
	action := call.Signature{Kind: call.Action, Name: "A", Parameters: []call.Parameter{
		{Name: "RegardingEntityId", Type: schema.GUID, Required: true},
		{Name: "RegardingEntityName", Type: schema.String, Required: true},
		{Name: "SequenceId", Type: schema.GUID},
	}}
	two := call.Arguments{"RegardingEntityId": idJ, "RegardingEntityName": "lead"}
	all := call.Arguments{"RegardingEntityId": idJ, "RegardingEntityName": "lead", "SequenceId": idI}
	const both = `"RegardingEntityId":"` + idJ + `","RegardingEntityName":"lead"`
	for _, test := range []struct {
		name, body string
		want       call.Arguments
		fails      string
	}{
		{name: "dynamics-web-api", body: `{"SequenceId":"` + idI + `",` + both + `}`, want: all},
		{name: "upper case", body: `{"SequenceId":"{` + strings.ToUpper(idI) + `}",` + both + `}`, want: all},
		{name: "a string of JSON", body: `"{\"RegardingEntityId\":\"` + idJ + `\",\"RegardingEntityName\":\"lead\"}"`, want: two},
		{name: "null is left out", body: `{` + both + `,"SequenceId":null}`, want: two},
		{name: "annotation", body: `{` + both + `,"@odata.type":"x"}`, want: two},
		{name: "no body", body: "", fails: "400 0x80040203 the parameter 'RegardingEntityId' is required"},
		{name: "null is missing", body: `{"RegardingEntityId":null,"RegardingEntityName":"lead"}`, fails: "400 0x80040203 the parameter 'RegardingEntityId' is required"},
		{name: "unknown", body: `{` + both + `,"B":1,"A":2}`, fails: "400 0x80040203 A has no parameter 'B'"},
		{name: "case", body: `{` + both + `,"sequenceid":"` + idI + `"}`, fails: "400 0x80040203 A has no parameter 'sequenceid'"},
		{name: "no GUID", body: `{` + both + `,"SequenceId":"first"}`, fails: `400 0x80040203 the parameter 'SequenceId' must be a GUID, not "first"`},
		{name: "no string", body: `{"RegardingEntityId":"` + idJ + `","RegardingEntityName":{"a":1}}`, fails: `400 0x80040203 the parameter 'RegardingEntityName' must be a string, not {"a":1}`},
		{name: "twice", body: `{` + both + `,` + both + `}`, fails: "400 0x80048d19 the body has the property 'RegardingEntityId' twice"},
		{name: "no object", body: `[1]`, fails: "400 0x80048d19 the body must be a JSON object"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := action.ReadBody(tables(t), []byte(test.body))
			if failed := outcome(t, err); failed != test.fails {
				t.Fatalf("error = %q, want %q", failed, test.fails)
			}
			if diff := cmp.Diff(test.want, got); err == nil && diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
			if err == nil {
				if err := action.Check(got); err != nil {
					t.Errorf("what was read is refused: %v", err)
				}
			}
		})
	}
	if got, err := (call.Signature{}).ReadBody(tables(t), nil); err != nil || len(got) != 0 {
		t.Errorf("no body, no parameters = %v, %v", got, err)
	}
}

func TestReadBody_Rows(t *testing.T) {
	s, tables := everything(call.Action), tables(t)
	body := `{"Task":{"subject":"a","regardingobjectid_lead_task@odata.bind":"/leads(` + idI + `)"},
		"Rows":[{"@odata.type":"#Microsoft.Dynamics.CRM.lead","subject":"b"},{"@odata.type":"Microsoft.Dynamics.CRM.task","activityid":"` + idJ + `"}]}`
	got, err := s.ReadBody(tables, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	task := got.Row("Task")
	lead := schema.Ref(schema.Lookup{Table: "lead", ID: idI})
	if task.Table.Name != "task" || task.Values["subject"] != schema.Text("a") || task.Values["regardingobjectid"] != lead {
		t.Errorf("the task is %+v", task)
	}
	list, _ := got["Rows"].([]any)
	if len(list) != 2 || list[0].(call.Row).Table.Name != "lead" || list[1].(call.Row).ID != idJ {
		t.Errorf("the rows are %+v", list)
	}
	if err := s.Check(got); err != nil {
		t.Error(err)
	}
	for body, want := range map[string]string{
		`{"Row":{"subject":"a"}}`:                                `must be a row of any table with its type, "@odata.type":"Microsoft.Dynamics.CRM.<table>"`,
		`{"Task":{"@odata.type":"Microsoft.Dynamics.CRM.lead"}}`: "must be a row of task with its type",
		`{"Task":{"subjekt":"a"}}`:                               "property 'subjekt' does not exist",
		`{"Task":"a"}`:                                           "must be a row, not",
		`{"Rows":{}}`:                                            "must be a list, not {}",
	} {
		if _, err := s.ReadBody(tables, []byte(body)); !strings.Contains(outcome(t, err), want) {
			t.Errorf("%s: %v, want %s", body, err, want)
		}
	}
}

// Arguments that no request gave are held to the same rules.
func TestCheck(t *testing.T) {
	s := everything(call.Action)
	s.Parameters[0].Required = true
	for _, given := range []call.Arguments{
		{}, {"Text": ""}, {"Text": 1}, {"Text": "a", "Q": "b"}, {"Text": "a", "N": 1}, {"Text": "a", "Is": "true"},
		{"Text": "a", "Target": idI}, {"Text": "a", "Ids": []any{int64(1)}}, {"Text": "a", "Task": "x"},
	} {
		if s.Check(given) == nil {
			t.Errorf("%v is taken", given)
		}
	}
	if err := s.Check(call.Arguments{"Text": "a", "Is": true, "At": time.Now(), "X": 1.0, "Ids": []any{idI}}); err != nil {
		t.Error(err)
	}
}

func TestEncode(t *testing.T) {
	inner := &call.Complex{Name: "Inner", Properties: []call.Property{{Name: "N", Type: schema.Integer}}}
	c := &call.Complex{Name: "T", Properties: []call.Property{
		{Name: "Id", Type: schema.GUID}, {Name: "Name", Type: schema.String, Nullable: true}, {Name: "At", Type: schema.DateTime, Nullable: true},
		{Name: "In", Of: inner}, {Name: "List", Of: inner, Many: true}, {Name: "Texts", Type: schema.String, Many: true},
		{Name: "Access", Type: schema.String, Enum: &call.Enum{Name: "E", Members: []string{"A"}}, Nullable: true},
	}}
	whole := call.Result{
		"Id": idI, "At": time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC), "In": call.Result{"N": int64(1)},
		"List": []call.Result{{"N": int64(2)}, {"N": int64(3)}}, "Texts": []string{"<&>"}, "Access": "A",
	}
	got, err := call.Encode(base, c, whole)
	want := `{"@odata.context":"http://host/api/data/v9.2/$metadata#Microsoft.Dynamics.CRM.T","Id":"` + idI +
		`","Name":null,"At":"2026-01-02T03:04:05Z","In":{"N":1},"List":[{"N":2},{"N":3}],"Texts":["<&>"],"Access":"A"}`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
	for name, v := range map[string]any{
		"Id": nil, "Name": 1, "In": "x", "List": call.Result{}, "Texts": []string(nil), "Access": "B", "Other": "x", "At": true,
	} {
		broken := call.Result{}
		for k, v := range whole {
			broken[k] = v
		}
		broken[name] = v
		text, err := call.Encode(base, c, broken)
		if fine := name == "Texts"; (err == nil) != fine {
			t.Errorf("%s = %v was written as %s, %v", name, v, text, err)
		}
	}
}

func TestEncodeRows(t *testing.T) {
	got, err := call.EncodeRows(base, tables(t), []schema.Lookup{{Table: "lead", ID: idI}})
	want := `{"@odata.context":"http://host/api/data/v9.2/$metadata#Collection(Microsoft.Dynamics.CRM.crmbaseentity)","value":[{"@odata.id":"http://host/api/data/v9.2/leads(` +
		idI + `)","@odata.type":"#Microsoft.Dynamics.CRM.lead","leadid":"` + idI + `"}]}`
	if diff := cmp.Diff(want, string(got)); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

// Whatever comes in a URL, the refusal is an *odata.Error that is not long.
func FuzzReadURL(f *testing.F) {
	for _, seed := range []string{"", "Text='a'", "N=@a", `Target={"@odata.id":"leads(` + idI + `)"}`, "Ids=[1,2]", "Text='''", "A=B=C,,("} {
		f.Add(seed, "@a=1&@b='x'")
	}
	s, known := everything(call.Function), tables(f)
	f.Fuzz(func(t *testing.T, text, query string) {
		given, err := s.ReadURL(known, text, query)
		if message := outcome(t, err); len(message) > 2000 {
			t.Errorf("the message has %d bytes", len(message))
		}
		if err == nil {
			if err := s.Check(given); err != nil && !strings.Contains(err.Error(), "is required") {
				t.Errorf("what was read is refused: %v", err)
			}
		}
	})
}
