package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"segue/internal/doctest"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
)

// TestReadCosts counts what requests that read cost on DynamoDB: requests of the store and
// read units, where a process knows its caller. It writes the table of
// docs/operations.md:
//
//	go test ./internal/api -run TestReadCosts -update
func TestReadCosts(t *testing.T) {
	w := newWorld(t)
	w.someLeads(1000, 5)
	owner := rowstest.ID("systemuser", 1)
	lead := rowstest.ID("lead", 1)
	w.expect(http.StatusOK, "GET ~/WhoAmI()") // the caller is known
	var table strings.Builder
	table.WriteString("| request | store requests | read units |\n|---|---|---|\n")
	for _, test := range []struct {
		name, request string
		rows          int
		requests      int     // at most
		units         float64 // at most
	}{
		{"one row", "leads(" + lead + ")?$select=subject", -1, 1, 1},
		{"one row with its account", "leads(" + lead + ")?$select=subject&$expand=parentaccountid($select=name)", -1, 2, 2},
		{"50 rows of a table of 1,000", "leads?$select=subject&$top=50", 50, 1, 12},
		{"50 of the 200 of an owner, the newest first, by the index", "leads?$select=subject&$filter=_ownerid_value%20eq%20" + owner + "&$orderby=createdon%20desc&$top=50", 50, 17, 60},
		{"the same with their accounts", "leads?$select=subject&$expand=parentaccountid($select=name)&$filter=_ownerid_value%20eq%20" + owner + "&$orderby=createdon%20desc&$top=50", 50, 18, 70},
		{"the same with the tasks of each", "leads?$select=subject&$expand=Lead_Tasks($select=subject)&$filter=_ownerid_value%20eq%20" + owner + "&$orderby=createdon%20desc&$top=50", 50, 117, 140},
		{"the same with a count", "leads?$select=subject&$count=true&$filter=_ownerid_value%20eq%20" + owner + "&$orderby=createdon%20desc&$top=50", 50, 70, 220},
		{"the 200 of an owner, counted", "leads?$top=0&$count=true&$filter=_ownerid_value%20eq%20" + owner, 0, 32, 220},
		{"50 of 200 that no index has, of 1,000, by a column", "leads?$select=subject&$filter=leadsourcecode%20eq%202&$orderby=companyname,createdon%20desc&$top=50", 50, 16, 250},
		{"those of an account by its name, of 1,000", "leads?$select=subject&$filter=parentaccountid/name%20eq%20%27account%203%27&$top=50", 50, 32, 320},
	} {
		w.probe.Reset()
		a := w.expect(http.StatusOK, "GET ~/"+test.request)
		n := w.probe.Counts()
		if test.rows >= 0 {
			var list struct{ Value []any }
			if a.value(t, &list); len(list.Value) != test.rows {
				t.Errorf("%s: %d rows, want %d", test.name, len(list.Value), test.rows)
			}
		}
		if n.Writes+n.Transactions > 0 || n.Gets+n.Queries > test.requests || n.ReadUnits > test.units {
			t.Errorf("%s: %+v, want at most %d requests and %.1f units", test.name, n, test.requests, test.units)
		}
		fmt.Fprintf(&table, "| %s | %d | %.1f |\n", test.name, n.Gets+n.Queries, n.ReadUnits)
	}
	doctest.Block(t, "../../docs/operations.md", "read costs", table.String())
}

// someLeads makes leads of some owners, each with a task and one of ten accounts.
func (w *world) someLeads(n, owners int) {
	w.t.Helper()
	ref := func(table string, n int) schema.Value {
		return schema.Ref(schema.Lookup{Table: table, ID: rowstest.ID(table, n)})
	}
	put := func(table string, n int, values func(i int) map[string]schema.Value) {
		for start := 0; start < n; start += 100 {
			tx := w.parts.DB.Begin("")
			for i := start; i < min(start+100, n); i++ {
				tx.Create(w.tables.Table(table), rowstest.ID(table, i), values(i))
			}
			if err := tx.Commit(w.t.Context()); err != nil {
				w.t.Fatal(err)
			}
		}
	}
	put("account", 10, func(i int) map[string]schema.Value {
		return map[string]schema.Value{"name": schema.Text(fmt.Sprint("Account ", i))}
	})
	put("lead", n, func(i int) map[string]schema.Value {
		return map[string]schema.Value{
			"subject": schema.Text(fmt.Sprint("Topic ", i)), "lastname": schema.Text(fmt.Sprint("Person ", i)), "companyname": schema.Text(fmt.Sprint("Company ", i%37)),
			"emailaddress1": schema.Text(fmt.Sprint("person", i, "@example.com")), "telephone1": schema.Text("+1 555 0152"), "jobtitle": schema.Text("Buyer"),
			"leadsourcecode": schema.Int(int64(1 + i%5)), "parentaccountid": ref("account", i%10), "ownerid": ref("systemuser", i%owners),
			"createdon": schema.Time(time.Date(2026, 1, 1, 0, 0, i, 0, time.UTC)), "statecode": schema.Int(0), "statuscode": schema.Int(1), "segue_connected": schema.Bool(false),
		}
	})
	put("task", n, func(i int) map[string]schema.Value {
		return map[string]schema.Value{"subject": schema.Text("Call"), "regardingobjectid": ref("lead", i)}
	})
}
