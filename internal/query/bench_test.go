package query_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/dynamo/dynamotest"
	"segue/internal/embed"
	"segue/internal/filter"
	"segue/internal/probe"
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

// BenchmarkList reads a row, and a page of 50 of 100,000 leads of 200 owners, with a filter
// and an order: by an index, the leads of an owner, the newest first; and without one, all
// leads of a city by name, with the bound raised to 200,000 rows. It runs on both stores, on
// DynamoDB where SEGUE_DYNAMODB_ENDPOINT names one. What each costs there, in requests and
// read units, is counted beside.
func BenchmarkList(b *testing.B) {
	stores := map[string]func(b *testing.B) store.Store{
		"embedded": func(b *testing.B) store.Store { return rowstest.Open(b, filepath.Join(b.TempDir(), "rows.db")) },
		"dynamodb": func(b *testing.B) store.Store { return dynamotest.Open(b, rows.Indexes()) },
	}
	for _, name := range []string{"embedded", "dynamodb"} {
		b.Run(name, func(b *testing.B) {
			tables, err := schema.Default()
			if err != nil {
				b.Fatal(err)
			}
			l := manyLeads{store: stores[name](b), tables: tables}
			l.fill(b)
			l.run(b, "read one", 1, func(ctx context.Context, db *rows.DB) (int, error) {
				found, err := db.Get(ctx, rows.Ref{Table: "lead", ID: rowstest.ID("lead", 7)})
				return len(found), err
			})
			of := func(where *filter.Group, order ...string) func(context.Context, *rows.DB) (int, error) {
				return func(ctx context.Context, db *rows.DB) (int, error) {
					reader := query.New(db)
					reader.Bound(2 * benchLeads)
					page, err := reader.Select(ctx, query.Query{Table: tables.Table("lead"), Where: where, Order: by(order...), Limit: 50})
					return len(page.Rows), err
				}
			}
			l.run(b, "page of 50 by an index", 50, of(eq(values{"ownerid": benchOwner(7)}), "createdon desc"))
			l.run(b, "page of 50 without an index", 50, of(eq(values{"address1_city": schema.Text("City 7")}), "lastname desc", "createdon"))
		})
	}
}

// What [BenchmarkList] reads.
const benchLeads, benchOwners = 100_000, 200

func benchOwner(n int) schema.Value { return schema.Ref(link("systemuser", n%benchOwners)) }

// manyLeads is a store with them.
type manyLeads struct {
	store  store.Store
	tables *schema.Schema
}

func (l manyLeads) fill(b *testing.B) {
	b.Helper()
	db := rows.New(l.store, l.tables, clock.System())
	for from := 0; from < benchLeads; from += 100 {
		tx := db.Begin("")
		for n := from; n < from+100; n++ {
			row := lead(n)
			row["ownerid"], row["createdon"] = benchOwner(n), schema.Time(rowstest.Clock().Add(time.Duration(n)*time.Minute))
			tx.Create(l.tables.Table("lead"), rowstest.ID("lead", n), row)
		}
		if err := tx.Commit(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

// run times a read of some rows, and counts what it costs.
func (l manyLeads) run(b *testing.B, name string, want int, read func(context.Context, *rows.DB) (int, error)) {
	b.Run(name, func(b *testing.B) {
		counted := probe.New(l.store, rows.Indexes()...)
		if _, err := read(b.Context(), rows.New(counted, l.tables, clock.System())); err != nil {
			b.Fatal(err)
		}
		db := rows.New(l.store, l.tables, clock.System())
		for b.Loop() {
			if n, err := read(b.Context(), db); err != nil || n != want {
				b.Fatalf("%d rows, %v", n, err)
			}
		}
		c := counted.Counts()
		b.ReportMetric(float64(c.Gets+c.Queries), "requests")
		b.ReportMetric(c.ReadUnits, "read-units")
	})
}
