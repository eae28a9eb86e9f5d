package payload_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"

	"segue/internal/odata"
	"segue/internal/odata/payload"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// The root of links, and two GUIDs for the tests' rows, as in docs/webapi.md §17.
const (
	base = "http://host/api/data/v9.2/"
	idI  = "7eb682f1-ca75-e511-80d4-00155d2a68d1"
	idJ  = "0a1b2c3d-0000-4000-8000-0000000000ff"
)

var lead = payload.Row{ID: idI, Version: 112430907, Values: map[string]schema.Value{
	"subject":                  schema.Text(`S <é> & "q"`),
	"statecode":                schema.Int(0),
	"donotemail":               schema.Bool(false),
	"numberofemployees":        schema.Int(1200),
	"revenue":                  schema.Dec(decimal.RequireFromString("20000.1000")),
	"address1_latitude":        schema.Float(-1.5),
	"estimatedclosedate":       schema.Time(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)),
	"schedulefollowup_qualify": schema.Time(time.Date(2023, 4, 7, 14, 59, 8, 0, time.UTC)),
	"ownerid":                  schema.Ref(schema.Lookup{Table: "team", ID: idJ}),
	"segue_live":               schema.Text("hidden"),
}}

func TestEntity(t *testing.T) {
	tests := []struct {
		name   string
		asked  odata.Annotations
		sel    []string
		want   []string // members
		noName bool
	}{
		{name: "key and tag always", sel: []string{"subject", "statecode"}, want: []string{
			`"@odata.context":"http://host/api/data/v9.2/$metadata#leads(subject,statecode)/$entity"`,
			`"@odata.etag":"W/\"112430907\""`, `"subject":"S <é> & \"q\""`, `"statecode":0`, `"leadid":"` + idI + `"`}},
		{name: "key selected", sel: []string{"leadid", "versionnumber", "description"}, want: []string{
			`"@odata.context":"http://host/api/data/v9.2/$metadata#leads(leadid,versionnumber,description)/$entity"`,
			`"@odata.etag":"W/\"112430907\""`, `"leadid":"` + idI + `"`, `"versionnumber":112430907`, `"description":null`}},
		{name: "types", sel: []string{"ownerid", "donotemail", "revenue", "address1_latitude", "estimatedclosedate", "schedulefollowup_qualify"}, want: []string{
			`"@odata.context":"http://host/api/data/v9.2/$metadata#leads(_ownerid_value,donotemail,revenue,address1_latitude,estimatedclosedate,schedulefollowup_qualify)/$entity"`,
			`"@odata.etag":"W/\"112430907\""`, `"_ownerid_value":"` + idJ + `"`, `"donotemail":false`, `"revenue":20000.1`, `"address1_latitude":-1.5`,
			`"estimatedclosedate":"2026-01-02"`, `"schedulefollowup_qualify":"2023-04-07T14:59:08Z"`, `"_transactioncurrencyid_value":null`, `"leadid":"` + idI + `"`}},
		{name: "all annotations", asked: odata.Annotations{"*"},
			sel: []string{"subject", "statecode", "donotemail", "numberofemployees", "revenue", "transactioncurrencyid", "schedulefollowup_qualify", "ownerid"}, want: []string{
				`"@odata.context":"http://host/api/data/v9.2/$metadata#leads(subject,statecode,donotemail,numberofemployees,revenue,_transactioncurrencyid_value,schedulefollowup_qualify,_ownerid_value)/$entity"`,
				`"@odata.etag":"W/\"112430907\""`, `"subject":"S <é> & \"q\""`,
				`"statecode@OData.Community.Display.V1.FormattedValue":"Open"`, `"statecode":0`,
				`"donotemail@OData.Community.Display.V1.FormattedValue":"Allow"`, `"donotemail":false`,
				`"numberofemployees@OData.Community.Display.V1.FormattedValue":"1,200"`, `"numberofemployees":1200`,
				`"revenue@OData.Community.Display.V1.FormattedValue":"$20,000.10"`, `"revenue":20000.1`, `"_transactioncurrencyid_value":null`,
				`"schedulefollowup_qualify@OData.Community.Display.V1.FormattedValue":"4/7/2023 2:59 PM"`, `"schedulefollowup_qualify":"2023-04-07T14:59:08Z"`,
				`"_ownerid_value@OData.Community.Display.V1.FormattedValue":"West"`,
				`"_ownerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty":"ownerid"`,
				`"_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"team"`, `"_ownerid_value":"` + idJ + `"`, `"leadid":"` + idI + `"`}},
		{name: "some annotations, name not known", asked: odata.Annotations{"OData.Community.Display.V1.FormattedValue", "Microsoft.Dynamics.CRM.lookup*"}, noName: true,
			sel: []string{"ownerid"}, want: []string{
				`"@odata.context":"http://host/api/data/v9.2/$metadata#leads(_ownerid_value)/$entity"`, `"@odata.etag":"W/\"112430907\""`,
				`"_ownerid_value@Microsoft.Dynamics.CRM.lookuplogicalname":"team"`, `"_ownerid_value":"` + idJ + `"`, `"leadid":"` + idI + `"`}},
	}
	s := schematest.Tables(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := payload.Encoder{Base: base, Annotations: test.asked}
			if !test.noName {
				e.Names = map[schema.Lookup]string{{Table: "team", ID: idJ}: "West"}
			}
			got, err := e.Entity(s.Table("lead"), lead, test.sel)
			if err != nil {
				t.Fatal(err)
			}
			want := "{" + strings.Join(test.want, ",") + "}"
			if diff := cmp.Diff(want, string(got)); diff != "" {
				t.Errorf("entity (-want +got):\n%s", diff)
			}
			if !json.Valid(got) {
				t.Error("not JSON")
			}
		})
	}
}

func TestEntityWithoutSelect(t *testing.T) {
	s := schematest.Tables(t)
	got, err := payload.Encoder{Base: base}.Entity(s.Table("lead"), lead, nil)
	if err != nil {
		t.Fatal(err)
	}
	names := memberNames(t, got)
	want := []string{"@odata.context", "@odata.etag"}
	for _, c := range s.Table("lead").Columns {
		switch {
		case c.Write == schema.Hidden:
		case c.Type == schema.LookupTo:
			want = append(want, "_"+c.Name+"_value")
		default:
			want = append(want, c.Name)
		}
	}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	if context := `"@odata.context":"http://host/api/data/v9.2/$metadata#leads/$entity"`; !bytes.Contains(got, []byte(context)) {
		t.Errorf("%s lacks %s", got, context)
	}
}

// memberNames is the names of an object's members in their order.
func memberNames(t *testing.T, object []byte) []string {
	t.Helper()
	in := json.NewDecoder(bytes.NewReader(object))
	if _, err := in.Token(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for in.More() {
		name, err := in.Token()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, fmt.Sprint(name))
		var value any
		if err := in.Decode(&value); err != nil {
			t.Fatal(err)
		}
	}
	return names
}

func TestCollection(t *testing.T) {
	s := schematest.Tables(t)
	two := []payload.Row{{ID: idI, Version: 1, Values: map[string]schema.Value{"subject": schema.Text("a")}}, {ID: idJ, Version: 2}}
	const rows = `[{"@odata.etag":"W/\"1\"","subject":"a","leadid":"` + idI + `"},{"@odata.etag":"W/\"2\"","subject":null,"leadid":"` + idJ + `"}]`
	tests := []struct {
		name  string
		asked odata.Annotations
		rows  []payload.Row
		next  string
		want  string
	}{
		{name: "no rows", want: `{"@odata.context":"http://host/api/data/v9.2/$metadata#leads(subject)","value":[]}`},
		{name: "rows", rows: two, want: `{"@odata.context":"http://host/api/data/v9.2/$metadata#leads(subject)","value":` + rows + `}`},
		{name: "next page", rows: two, next: base + "leads?$select=subject&$skiptoken=x",
			want: `{"@odata.context":"http://host/api/data/v9.2/$metadata#leads(subject)","value":` + rows + `,"@odata.nextLink":"http://host/api/data/v9.2/leads?$select=subject&$skiptoken=x"}`},
		{name: "annotations", asked: odata.Annotations{"*"},
			want: `{"@odata.context":"http://host/api/data/v9.2/$metadata#leads(subject)","@Microsoft.Dynamics.CRM.totalrecordcount":-1,"@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded":false,"value":[]}`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := payload.Encoder{Base: base, Annotations: test.asked}.Collection(s.Table("lead"), slices.Values(test.rows), []string{"subject"}, func(n int) string {
				if n != len(test.rows) {
					t.Errorf("%d rows were written, want %d", n, len(test.rows))
				}
				return test.next
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, string(got)); diff != "" {
				t.Errorf("collection (-want +got):\n%s", diff)
			}
		})
	}
}

// A list ends before the row that would make it too large, but has one row.
func TestCollectionEnds(t *testing.T) {
	s := schematest.Tables(t)
	for _, test := range []struct {
		name             string
		bytes, rows, fit int
	}{
		{"rows that fit", payload.MaxPageBytes / 4, 3, 3},
		{"one too many", payload.MaxPageBytes / 4, 4, 3},
		{"many too many", payload.MaxPageBytes / 4, 9, 3},
		{"one that does not fit", 2 * payload.MaxPageBytes, 1, 1},
		{"several that do not fit", 2 * payload.MaxPageBytes, 2, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			row := payload.Row{ID: idI, Values: map[string]schema.Value{"subject": schema.Text(strings.Repeat("x", test.bytes))}}
			asked, taken := 0, 0
			rows := func(yield func(payload.Row) bool) {
				for taken < test.rows {
					taken++
					if !yield(row) {
						return
					}
				}
			}
			got, err := payload.Encoder{}.Collection(s.Table("lead"), rows, []string{"subject"}, func(n int) string { asked = n; return "next" })
			if err != nil {
				t.Fatal(err)
			}
			if n := bytes.Count(got, []byte(idI)); n != test.fit || asked != test.fit || !json.Valid(got) {
				t.Errorf("%d rows, the link follows %d; want %d", n, asked, test.fit)
			}
			if taken > test.fit+1 {
				t.Errorf("%d rows were encoded for %d", taken, test.fit)
			}
		})
	}
}

func TestEncodeRefusesWrongValues(t *testing.T) {
	s := schematest.Tables(t)
	for name, v := range map[string]schema.Value{"subject": schema.Int(5), "address1_latitude": schema.Float(math.NaN())} {
		row := payload.Row{ID: idI, Values: map[string]schema.Value{name: v}}
		if text, err := (payload.Encoder{}).Collection(s.Table("lead"), slices.Values([]payload.Row{row}), []string{name}, nil); err == nil {
			t.Errorf("%s = %v was written as %s", name, v, text)
		}
	}
}

func TestWrittenRowReadsBack(t *testing.T) {
	s := schematest.Tables(t)
	var names []string
	for _, table := range s.Tables() {
		if table.Set != "" && !table.EngineMade {
			names = append(names, table.Name)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		table := s.Table(rapid.SampledFrom(names).Draw(r, "table"))
		values := map[string]schema.Value{}
		for _, c := range table.Columns {
			if c.Name != table.ID && (c.Write == schema.Always || c.Write == schema.OnCreate) && rapid.Bool().Draw(r, "has "+c.Name) {
				values[c.Name] = drawValue(r, c)
			}
		}
		encoder := payload.Encoder{Base: base, Annotations: odata.Annotations{"*"}}
		text, err := encoder.Entity(table, payload.Row{ID: idI, Version: 3, Values: values}, nil)
		if err != nil {
			r.Fatal(err)
		}
		got, err := odata.Bodies{Schema: s}.Row(table, asInput(r, s, table, values, text))
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(odata.Input{ID: idI, Values: values}, got); diff != "" {
			r.Errorf("row (-written +read):\n%s", diff)
		}
	})
}

// drawValue is any value of a column.
func drawValue(r *rapid.T, c *schema.Column) schema.Value {
	switch c.Type {
	case schema.String, schema.Memo:
		return schema.Text(rapid.StringN(0, min(c.MaxLength, 50)/2, -1).Draw(r, c.Name))
	case schema.Choice, schema.State, schema.Status:
		return schema.Int(rapid.SampledFrom(c.Options).Draw(r, c.Name).Value)
	case schema.Boolean:
		return schema.Bool(rapid.Bool().Draw(r, c.Name))
	case schema.DateTime:
		return schema.Time(time.Unix(rapid.Int64Range(-6e9, 2e11).Draw(r, c.Name), 0).UTC())
	case schema.Date:
		return schema.Time(time.Unix(86400*rapid.Int64Range(-79000, 2900000).Draw(r, c.Name), 0).UTC())
	case schema.GUID:
		return schema.Text(idJ)
	case schema.LookupTo:
		return schema.Ref(schema.Lookup{Table: rapid.SampledFrom(c.Targets).Draw(r, c.Name).Table, ID: idJ})
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Money, schema.Double:
		return drawNumber(r, c)
	}
	r.Fatalf("column %s has the unknown type %q", c.Name, c.Type)
	return schema.Null()
}

// drawNumber is a number within the bounds of its column.
func drawNumber(r *rapid.T, c *schema.Column) schema.Value {
	low, high := int64(-100), int64(100)
	if c.Min != nil {
		low = c.Min.IntPart()
	}
	if c.Max != nil {
		high = c.Max.IntPart()
	}
	n := rapid.Int64Range(low, high-1).Draw(r, c.Name)
	fraction := rapid.Int64Range(0, 9999).Draw(r, c.Name+" fraction")
	if c.Type == schema.Decimal || c.Type == schema.Money {
		return schema.Dec(decimal.NewFromInt(n).Add(decimal.New(fraction, -4)))
	}
	if c.Type == schema.Double {
		return schema.Float(float64(n) + float64(fraction)/10000)
	}
	return schema.Int(n)
}

// asInput is what a client makes of an answer to write it: annotations and
// read-only properties left out, lookups bound through the property that their
// annotation names.
func asInput(r *rapid.T, s *schema.Schema, table *schema.Table, values map[string]schema.Value, answer []byte) []byte {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(answer, &members); err != nil {
		r.Fatal(err)
	}
	text := func(name string) (text string) {
		if err := json.Unmarshal(members[name], &text); err != nil {
			r.Fatalf("%s: %v", name, err)
		}
		return text
	}
	input := map[string]any{table.ID: members[table.ID]}
	for name := range values {
		if table.Column(name).Type != schema.LookupTo {
			input[name] = members[name]
			continue
		}
		value := "_" + name + "_value"
		set := s.Table(text(value + "@Microsoft.Dynamics.CRM.lookuplogicalname")).Set
		nav := text(value + "@Microsoft.Dynamics.CRM.associatednavigationproperty")
		input[nav+"@odata.bind"] = "/" + set + "(" + text(value) + ")"
	}
	body, err := json.Marshal(input)
	if err != nil {
		r.Fatal(err)
	}
	return body
}
