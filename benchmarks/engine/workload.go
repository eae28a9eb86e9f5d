package main

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing/fstest"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/schema"
)

const segments = 250

// column is one of the 64 of a lead.
type column struct {
	name    string
	kind    schema.Type
	options int     // of a choice
	present float64 // share of the leads that have a value
}

// columnsOf returns the 64 columns, present in 47 of them on average: a few in all leads,
// most in many, some in few.
func columnsOf() []column {
	var all []column
	add := func(kind schema.Type, prefix string, count int) {
		for n := range count {
			all = append(all, column{name: fmt.Sprintf("%s%02d", prefix, n), kind: kind, options: 3 + n%8})
		}
	}
	add(schema.String, "company_text", 18)
	add(schema.Memo, "description", 2)
	add(schema.Integer, "employees_", 6)
	add(schema.BigInt, "visits_", 2)
	add(schema.Money, "budget_amount", 6)
	add(schema.Decimal, "score_", 3)
	add(schema.Double, "latitude_", 3)
	add(schema.Boolean, "donotcontact", 5)
	add(schema.Choice, "sourcecode_", 9)
	add(schema.DateTime, "lastseenon_", 5)
	add(schema.Date, "renewalon_", 2)
	add(schema.LookupTo, "campaignid_", 3)
	for n := range all {
		// 1 down to 0.3, slowly at first; the columns of each kind are spread over it.
		x := float64(n*37%len(all)) / float64(len(all)-1)
		all[n].present = 1 - 0.77*math.Pow(x, 1.9)
	}
	return all
}

// loadSchema returns the product's tables and that of leads with these columns.
func loadSchema(columns []column) (*schema.Schema, error) {
	type option struct {
		Value int    `json:"value"`
		Label string `json:"label"`
	}
	var list []map[string]any
	for _, c := range columns {
		of := map[string]any{"name": c.name, "label": c.name, "type": c.kind}
		switch c.kind {
		case schema.String, schema.Memo:
			of["maxLength"] = 2000
		case schema.Choice:
			var options []option
			for n := range c.options {
				options = append(options, option{n + 1, fmt.Sprint("Option ", n+1)})
			}
			of["options"] = options
		case schema.LookupTo:
			of["targets"] = []map[string]string{{"table": "account"}}
		}
		list = append(list, of)
	}
	text, err := json.Marshal(map[string]any{
		"name": "bench_lead", "set": "bench_leads", "label": "Lead", "id": "bench_leadid", "primaryName": columns[0].name, "columns": list,
	})
	if err != nil {
		return nil, err
	}
	return schema.Load(schema.Files(), fstest.MapFS{"tables/bench_lead.json": {Data: text}})
}

// lead is a record: of each column its value, null where it has none.
type lead []schema.Value

// drawLeads draws leads whose values are skewed: a few are frequent.
func drawLeads(r *rand.Rand, columns []column, leads int) []lead {
	words := strings.Fields("Nordwind Contoso Fabrikam Alpine Energy Logistics Health Systems Group Partners Digital Retail Foods Insurance Steel Paper Media Cloud Travel Robotics")
	frequent := rand.NewZipf(r, 1.3, 2, 199)
	all := make([]lead, leads)
	for n := range all {
		all[n] = make(lead, len(columns))
		for i, c := range columns {
			if r.Float64() < c.present {
				all[n][i] = drawValue(r, c, frequent, words)
			}
		}
	}
	return all
}

func drawValue(r *rand.Rand, c column, frequent *rand.Zipf, words []string) schema.Value {
	place := int(frequent.Uint64())
	size := math.Exp(r.NormFloat64()*1.2 + 4)
	switch c.kind {
	case schema.String:
		return schema.Text(fmt.Sprintf("%s-%s-%d", words[place%len(words)], words[place/7%len(words)], place))
	case schema.Memo:
		return schema.Text(fmt.Sprintf("Met-at-the-%s-fair,-wants-an-offer-for-%d-seats-of-%s.", words[place%len(words)], place, words[r.IntN(len(words))]))
	case schema.Integer, schema.BigInt:
		return schema.Int(int64(size))
	case schema.Money, schema.Decimal:
		return schema.Dec(decimal.New(int64(size*100), -2))
	case schema.Double:
		return schema.Float(math.Round(r.NormFloat64()*9000) / 256)
	case schema.Boolean:
		return schema.Bool(r.Float64() < 0.3)
	case schema.Choice:
		return schema.Int(int64(min(place, c.options-1) + 1))
	case schema.DateTime:
		return schema.Time(time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC).Add(-time.Duration(size*float64(24*time.Hour)) / 3))
	case schema.Date:
		return schema.Time(time.Date(2026, 1, 1+int(size), 0, 0, 0, 0, time.UTC))
	default: // a lookup
		return schema.Ref(schema.Lookup{Table: "account", ID: fmt.Sprintf("00000000-0000-4000-8000-%012d", place)})
	}
}
