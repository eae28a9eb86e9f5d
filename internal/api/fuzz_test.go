package api_test

import (
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// maxRequests is more requests of the store than one GET may take on the few rows of the
// fixture. The seeds take 33 at most; an expanded list and a condition on related rows
// each walk the 16 shards of a table.
const maxRequests = 1000

// FuzzGet: whatever a GET asks for, it changes nothing, takes bounded work, and the
// answer has the form of the Web API: what was asked for, a refusal, or that it is not
// served.
func FuzzGet(f *testing.F) {
	paths, err := filepath.Glob("../odata/uri/testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		f.Fatalf("no archives: %v", err)
	}
	for _, path := range paths {
		archive, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for i := 0; i < len(archive.Files); i += 2 {
			f.Add("leads", strings.ReplaceAll(strings.TrimSpace(string(archive.Files[i].Data)), "\n", "&"))
		}
	}
	lead, account := "leads(1ead0000-0000-4000-8000-000000000001)", "accounts(acc00000-0000-4000-8000-000000000001)"
	for _, path := range []string{
		"", "$metadata", lead, "leads/$count", lead + "/subject/$value", lead + "/parentaccountid/$ref", account + "/lead_parent_account",
		account + "/lead_parent_account/$ref", "accounts(accountnumber='a''b')", "leads(subject='", "WhoAmI()", "segue_Operators(Type='x')",
		"EntityDefinitions(LogicalName='lead')/Attributes", "RelationshipDefinitions", "GlobalOptionSetDefinitions",
	} {
		f.Add(path, "$select=subject")
		f.Add(path, "")
	}
	for _, fetch := range []string{
		`<fetch count="1" page="2"><entity name="lead"><attribute name="subject"/><order attribute="subject"/></entity></fetch>`,
		`<fetch distinct="true"><entity name="lead"><link-entity name="account" from="accountid" to="parentaccountid" link-type="outer" alias="a"><attribute name="name"/></link-entity></entity></fetch>`,
		`<fetch aggregate="true"><entity name="lead"><attribute name="leadid" aggregate="count" alias="n"/><attribute name="createdon" groupby="true" dategrouping="month" alias="m"/><order alias="n"/></entity></fetch>`,
		`<fetch returntotalrecordcount="true"><entity name="lead"><filter type="or"><condition attribute="createdon" operator="last-x-days" value="3"/></filter></entity></fetch>`,
	} {
		f.Add("leads", "fetchXml="+fetch)
	}
	w := newWorld(f)
	token := w.token("Sales Manager")
	f.Fuzz(func(t *testing.T, path, query string) {
		w.t = t
		w.probe.Reset()
		target := (&url.URL{Path: "/api/data/v9.2/" + path, RawQuery: printable(query)}).RequestURI()
		a := w.exchange(fmt.Sprintf("GET %s HTTP/1.1\r\nHost: segue.test\r\nConnection: close\r\nAuthorization: Bearer %s\r\n\r\n", target, token))
		w.invariants(a)
		if a.status < 200 || a.status > 499 && a.status != http.StatusNotImplemented {
			t.Errorf("%s: %v", target, a)
		}
		n := w.probe.Counts()
		if n.Writes+n.Transactions > 0 || n.Gets+n.Queries > maxRequests {
			t.Errorf("%s: %+v", target, n)
		}
	})
}

// printable returns a query string with what a request line cannot have percent-encoded.
func printable(query string) string {
	var b strings.Builder
	for i := range len(query) {
		if c := query[i]; c <= ' ' || c > '~' || c == '#' {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}
