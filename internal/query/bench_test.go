package query_test

import (
	"fmt"
	"path/filepath"
	"testing"

	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
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
