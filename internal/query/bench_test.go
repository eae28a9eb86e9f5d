package query_test

import (
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/embed"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// BenchmarkEach goes through all leads of a store with a condition on a column without an
// index, which none of them meets: what a row costs that is examined and left out. The
// leads are in memory, over the tables, or in the tables.
func BenchmarkEach(b *testing.B) {
	const leads = 20_000
	for _, where := range []string{"memory", "tables"} {
		b.Run(where, func(b *testing.B) {
			path := filepath.Join(b.TempDir(), "rows.db")
			open := func() *embed.Store {
				s, err := embed.Open(path, rows.Indexes(), embed.NoSync())
				if err != nil {
					b.Fatal(err)
				}
				return s
			}
			tables, err := schema.Default()
			if err != nil {
				b.Fatal(err)
			}
			s := open()
			db := rows.New(s, tables, clock.System())
			for from := 0; from < leads; from += 100 {
				tx := db.Begin("")
				for n := from; n < from+100; n++ {
					tx.Create(tables.Table("lead"), rowstest.ID("lead", n), lead(n))
				}
				if err := tx.Commit(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			if where == "tables" {
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				s = open()
				db = rows.New(s, tables, clock.System())
			}
			b.Cleanup(func() {
				if err := s.Close(); err != nil {
					b.Error(err)
				}
			})
			q := query.Query{Table: tables.Table("lead"), Where: eq(values{"address1_city": schema.Text("Nowhere")})}
			b.ReportAllocs()
			for b.Loop() {
				for row, err := range query.New(db).Each(b.Context(), q) {
					b.Fatal(row, err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*leads), "ns/row")
		})
	}
}

func lead(n int) values {
	return values{
		"subject": schema.Text("Topic"), "firstname": schema.Text("Ada"), "lastname": schema.Text(fmt.Sprint("Person ", n)),
		"companyname": schema.Text("Example Ltd"), "jobtitle": schema.Text("Buyer"),
		"emailaddress1": schema.Text(fmt.Sprint("person", n, "@example.com")), "telephone1": schema.Text("+41 31 000 00 00"),
		"address1_city": schema.Text(fmt.Sprint("City ", n%20)), "leadsourcecode": schema.Int(7),
		"statecode": schema.Int(0), "statuscode": schema.Int(1), "segue_connected": schema.Bool(false),
		"ownerid": schema.Ref(schema.Lookup{Table: "systemuser", ID: rowstest.ID("systemuser", 1)}),
	}
}

// BenchmarkList reads a page of 50 of 100,000 leads of 200 owners, with a filter and an
// order: by an index, the leads of an owner, the newest first; and without one, all leads
// of a city by company, with the bound raised to 200,000 rows. A single row is there to
// compare. It runs on both stores, on DynamoDB where SEGUE_DYNAMODB_ENDPOINT names one.
func BenchmarkList(b *testing.B) {
	const leads, owners = 100_000, 200
	stores := map[string]func(b *testing.B) store.Store{
		"embedded": func(b *testing.B) store.Store { return rowstest.Open(b, filepath.Join(b.TempDir(), "rows.db")) },
		"DynamoDB": func(b *testing.B) store.Store { return dynamotest.Open(b, rows.Indexes()) },
	}
	for _, name := range []string{"embedded", "DynamoDB"} {
		b.Run(name, func(b *testing.B) {
			tables, err := schema.Default()
			if err != nil {
				b.Fatal(err)
			}
			db := rows.New(stores[name](b), tables, clock.System())
			owner := func(n int) schema.Value { return schema.Ref(link("systemuser", n%owners)) }
			for from := 0; from < leads; from += 100 {
				tx := db.Begin("")
				for n := from; n < from+100; n++ {
					row := lead(n)
					row["ownerid"], row["createdon"] = owner(n), schema.Time(rowstest.Clock().Add(time.Duration(n)*time.Minute))
					tx.Create(tables.Table("lead"), rowstest.ID("lead", n), row)
				}
				if err := tx.Commit(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			list := query.New(db)
			list.Bound(200_000)
			q := query.Query{Table: tables.Table("lead"), Limit: 50}
			run := func(name string, rows int, read func() (query.Page, error)) {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						page, err := read()
						if err != nil || len(page.Rows) != rows {
							b.Fatalf("%d rows, %v", len(page.Rows), err)
						}
					}
				})
			}
			run("row", 0, func() (query.Page, error) {
				_, err := db.Get(b.Context(), rows.Ref{Table: "lead", ID: rowstest.ID("lead", 7)})
				return query.Page{}, err
			})
			run("index", 50, func() (query.Page, error) {
				q := q
				q.Where, q.Order = eq(values{"ownerid": owner(7)}), by("createdon desc")
				return list.Select(b.Context(), q)
			})
			run("unindexed", 50, func() (query.Page, error) {
				q := q
				q.Where, q.Order = eq(values{"address1_city": schema.Text("City 7")}), by("lastname desc", "createdon")
				return list.Select(b.Context(), q)
			})
		})
	}
}
