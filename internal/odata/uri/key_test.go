package uri_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/odata/uri"
)

const (
	idI = "7eb682f1-ca75-e511-80d4-00155d2a68d1"
	idJ = "11111111-2222-3333-4444-555555555555"
)

// keyText prints a key: its columns with their values.
func keyText(key []uri.KeyPart) string {
	var parts []string
	for _, part := range key {
		var values []string
		for _, v := range part.Values {
			values = append(values, fmt.Sprintf("%s %s", v.Kind(), v))
		}
		parts = append(parts, part.Column.Name+" = "+strings.Join(values, " | "))
	}
	return strings.Join(parts, "; ")
}

func TestParseKey(t *testing.T) {
	aliases := map[string]string{"@p1": "'a'", "@p2": idI, "@p3": "@p1", "@p4": ""}
	tests := []struct{ name, set, text, want string }{
		{"GUID", "leads", idI, "leadid = text " + idI},
		{"GUID in capitals and braces", "leads", "{" + strings.ToUpper(idI) + "}", "leadid = text " + idI},
		{"GUID in quotes (@odata/client)", "leads", "'" + idI + "'", "leadid = text " + idI},
		{"GUID by name", "leads", "leadid=" + idI, "leadid = text " + idI},
		{"alternate key (dynamics-web-api)", "contacts", "emailaddress1='a@b.c',firstname='Jo'", "emailaddress1 = text a@b.c; firstname = text Jo"},
		{"text with a quote, a comma, a bracket and an equals sign", "contacts", "firstname='O''B, (x)=y'", "firstname = text O'B, (x)=y"},
		{"blanks", "contacts", " firstname = 'Jo' , lastname = 'X' ", "firstname = text Jo; lastname = text X"},
		{"lookup", "contacts", "_parentcustomerid_value=" + idI, "parentcustomerid = lookup account:" + idI + " | lookup contact:" + idI},
		{"numbers, truth and a moment", "leads", "numberofemployees=5,revenue=1.50,statecode=0,donotemail=true,createdon=2026-01-02T03:04:05Z",
			"numberofemployees = whole number 5; revenue = decimal number 1.5; statecode = whole number 0; donotemail = boolean true; createdon = time 2026-01-02T03:04:05Z"},
		{"aliases", "leads", "subject=@p1,leadid=@p2", "subject = text a; leadid = text " + idI},

		{"nothing", "leads", "", "the key '' of 'leads' is not a GUID"},
		{"no GUID", "leads", "5", "the key '5' of 'leads' is not a GUID"},
		{"no GUID by name", "leads", "leadid='x'", "the key 'x' of 'leads' is not a GUID"},
		{"two GUIDs", "leads", idI + "," + idJ, "key of leads: name=value expected at position 0 in '" + idI + "," + idJ + "'"},
		{"a name and a value alone", "leads", "subject='a'," + idJ, "key of leads: name=value expected at position 12 in 'subject='a'," + idJ + "'"},
		{"unknown property", "leads", "x='a'", "Could not find a property named 'x' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"hidden property", "leads", "segue_live='a'", "Could not find a property named 'segue_live' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"lookup by its name", "leads", "parentaccountid=" + idI, "Could not find a property named 'parentaccountid' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"name in another case", "leads", "Subject='a'", "Could not find a property named 'Subject' on type 'Microsoft.Dynamics.CRM.lead'."},
		{"a name twice", "leads", "subject='a',subject='b'", "key of leads: 'subject' is given twice at position 12 in 'subject='a',subject='b''"},
		{"null", "leads", "subject=null", "key of leads: subject: a key has no null and no empty text at position 0 in 'subject=null'"},
		{"empty text", "contacts", "firstname=''", "key of contacts: firstname: a key has no null and no empty text at position 0 in 'firstname='''"},
		{"text too long", "contacts", "firstname='" + strings.Repeat("x", 51) + "'", "key of contacts: firstname: contact.firstname: length: must have at most 50 characters (UTF-16 code units), has 51, got \"" + strings.Repeat("x", 51) + "\" at position 0 in 'firstname='" + strings.Repeat("x", 51) + "''"},
		{"null as text", "leads", "subject='null'", "subject = text null"},
		{"number for a text", "leads", "subject=5", "key of leads: subject: a string in quotes expected at position 0 in 'subject=5'"},
		{"text for a number", "leads", "statecode='0'", "key of leads: statecode: a number expected at position 0 in 'statecode='0''"},
		{"list", "leads", "subject=['a']", "key of leads: subject: a value expected at position 0 in 'subject=['a']'"},
		{"quote not closed", "leads", "subject='a", "key of leads: quote not closed at position 8 in 'subject='a'"},
		{"value missing", "leads", "subject=", "key of leads: a value expected at position 8 in 'subject='"},
		{"comma too many", "leads", "subject='a',", "key of leads: name=value expected at position 12 in 'subject='a','"},
		{"more text", "leads", "subject='a' 'b'", "key of leads: ',' or the end expected at position 12 in 'subject='a' 'b''"},
		{"alias of an alias", "leads", "subject=@p3", "@p3: a literal expected; an alias cannot stand for another one at position 0 in '@p1'"},
		{"alias of nothing", "leads", "subject=@p4", "@p4: a literal expected at position 0 in ''"},
		{"alias that is not given", "leads", "subject=@p9", "key of leads: subject: a key has no null and no empty text at position 0 in 'subject=@p9'"},
		{"columns without end", "leads", strings.Repeat("a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,", 2), "key of leads: 'a' is given twice at position 36 in '" + strings.Repeat("a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,", 2) + "'"},
	}
	s := tables(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			key, err := uri.ParseKey(s.BySet(test.set), test.text, aliases)
			got := keyText(key)
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("key (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseArguments(t *testing.T) {
	aliases := map[string]string{"@p1": `{"@odata.id":"leads(` + idI + `)"}`, "@p2": "1033", "@p3": `["a","b"]`}
	tests := []struct{ name, text, want string }{
		{"none", " ", ""},
		{"inline", "A=1,B='x y',C=null,D=true", "A 1; B 'x y'; C null; D true"},
		{"of Dataverse's documentation", "LocalizedStandardName=@p2,LocaleId=@p9", "LocalizedStandardName 1033; LocaleId null"},
		{"a reference to a row", "Target=@p1", `Target object {"@odata.id":"leads(` + idI + `)"}`},
		{"a list", "Names=@p3,More=['c']", `Names array ["a","b"]; More array ['c']`},
		{"a table by its name (dataverse-ify)", "LogicalName='lead'", "LogicalName 'lead'"},
		{"a value alone", "'lead'", " 'lead'"},
		{"too many", "a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1", "F: more than 16 arguments at position 64 in 'a=1,b=1,c=1,d=1,e=1,f=1,g=1,h=1,i=1,j=1,k=1,l=1,m=1,n=1,o=1,p=1,q=1'"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			list, err := uri.ParseArguments("F", test.text, aliases)
			var parts []string
			for _, a := range list {
				text := a.Text
				switch {
				case a.Quoted:
					text = "'" + text + "'"
				case a.Array:
					text = "array " + text
				case a.Object:
					text = "object " + text
				}
				parts = append(parts, a.Name+" "+text)
			}
			got := strings.Join(parts, "; ")
			if err != nil {
				got = err.Error()
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("arguments (-want +got):\n%s", diff)
			}
		})
	}
}
