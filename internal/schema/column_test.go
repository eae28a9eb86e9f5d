package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/shopspring/decimal"
	"pgregory.net/rapid"
)

// column finds "table.column".
func column(t *testing.T, s *Schema, name string) *Column {
	t.Helper()
	table, column, _ := strings.Cut(name, ".")
	c := s.Table(table).Column(column)
	if c == nil {
		t.Fatalf("no column %s", name)
	}
	return c
}

// sameRule checks that err is an *Error of the rule, or nil where rule is "".
func sameRule(t *testing.T, err error, rule Rule) {
	t.Helper()
	var got *Error
	switch {
	case rule == "" && err != nil:
		t.Errorf("error is %v, want none", err)
	case rule != "" && !errors.As(err, &got):
		t.Errorf("error is %v, want rule %q", err, rule)
	case rule != "" && (got.Rule != rule || got.Table == "" || got.Column == "" || got.Detail == ""):
		t.Errorf("error is %+v, want rule %q and every field", *got, rule)
	}
}

func TestCheck(t *testing.T) {
	s := mustDefault(t)
	day := time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)
	tests := []struct {
		name, column string
		value        Value
		rule         Rule
	}{
		{"null", "lead.subject", Null(), ""},
		{"longest", "lead.subject", Text(strings.Repeat("x", 300)), ""},
		{"too long", "lead.subject", Text(strings.Repeat("x", 301)), RuleLength},
		{"two units a character", "lead.subject", Text(strings.Repeat("😀", 150)), ""},
		{"two units a character, too long", "lead.subject", Text(strings.Repeat("😀", 150) + "x"), RuleLength},
		{"no UTF-8", "lead.subject", Text("\xff"), RuleType},
		{"number for text", "lead.subject", Int(1), RuleType},
		{"integer", "lead.numberofemployees", Int(1000000), ""},
		{"integer too large", "lead.numberofemployees", Int(1000001), RuleRange},
		{"integer too small", "lead.numberofemployees", Int(-1), RuleRange},
		{"float for integer", "lead.numberofemployees", Float(1), RuleType},
		{"32 bits", "lead.msdyn_leadscore", Int(math.MaxInt32), ""},
		{"33 bits", "lead.msdyn_leadscore", Int(math.MaxInt32 + 1), RuleRange},
		{"64 bits", "lead.versionnumber", Int(math.MaxInt64), ""},
		{"money", "lead.revenue", Dec(decimal.RequireFromString("99.1234")), ""},
		{"money of five digits", "lead.revenue", Dec(decimal.RequireFromString("99.12345")), RuleRange},
		{"money of trailing zeros", "lead.revenue", Dec(decimal.RequireFromString("99.100000")), ""},
		{"money too large", "lead.revenue", Dec(decimal.RequireFromString("100000000000001")), RuleRange},
		{"default money range", "opportunity.estimatedvalue", Dec(decimal.RequireFromString("-922337203685477")), ""},
		{"below default money range", "opportunity.estimatedvalue", Dec(decimal.RequireFromString("-922337203685477.0001")), RuleRange},
		{"number that cannot be written out", "lead.revenue", Dec(decimal.New(1, math.MaxInt32)), RuleRange},
		{"fraction that cannot be written out", "lead.revenue", Dec(decimal.New(1, math.MinInt32)), RuleRange},
		{"decimal", "transactioncurrency.exchangerate", Dec(decimal.RequireFromString("0.0000000001")), ""},
		{"decimal of eleven digits", "transactioncurrency.exchangerate", Dec(decimal.RequireFromString("0.00000000001")), RuleRange},
		{"double", "lead.address1_latitude", Float(-89.5), ""},
		{"double too small", "lead.address1_latitude", Float(-90.5), RuleRange},
		{"not a number", "lead.address1_latitude", Float(math.NaN()), RuleRange},
		{"infinite", "lead.address1_latitude", Float(math.Inf(1)), RuleRange},
		{"tiny", "lead.address1_latitude", Float(1e-200), RuleRange},
		{"option", "lead.leadqualitycode", Int(3), ""},
		{"no option", "lead.leadqualitycode", Int(4), RuleOption},
		{"state", "msdyn_segment.statecode", Int(2), ""},
		{"no state", "msdyn_sequence.statecode", Int(2), RuleOption},
		{"boolean", "lead.donotemail", Bool(true), ""},
		{"number for boolean", "lead.donotemail", Int(1), RuleType},
		{"date", "lead.estimatedclosedate", Time(day), ""},
		{"date with a time", "lead.estimatedclosedate", Time(day.Add(time.Hour)), RuleType},
		{"time", "task.scheduledend", Time(day.Add(time.Second)), ""},
		{"time of fractions", "task.scheduledend", Time(day.Add(time.Millisecond)), ""},
		{"time elsewhere", "task.scheduledend", Time(day.In(time.FixedZone("", 3600))), ""},
		{"first year", "task.scheduledend", Time(time.Date(1753, 1, 1, 0, 0, 0, 0, time.UTC)), ""},
		{"too early", "task.scheduledend", Time(time.Date(1752, 12, 31, 0, 0, 0, 0, time.UTC)), RuleRange},
		{"too late", "task.scheduledend", Time(time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)), RuleRange},
		{"guid", "lead.leadid", Text(idA), ""},
		{"guid in upper case", "lead.leadid", Text(strings.ToUpper(idA)), RuleType},
		{"guid cut", "lead.leadid", Text(idA[1:]), RuleType},
		{"guid of other characters", "lead.leadid", Text("g" + idA[1:]), RuleType},
		{"guid without dashes", "lead.leadid", Text(strings.ReplaceAll(idA, "-", "0")), RuleType},
		{"lookup", "lead.ownerid", Ref(Lookup{"team", idA}), ""},
		{"lookup elsewhere", "lead.ownerid", Ref(Lookup{"lead", idA}), RuleLookupTarget},
		{"lookup of no guid", "lead.ownerid", Ref(Lookup{"team", "x"}), RuleType},
		{"text for lookup", "lead.ownerid", Text(idA), RuleType},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			sameRule(t, column(t, s, test.column).Check(test.value), test.rule)
		})
	}
}

func TestSignificantDigits(t *testing.T) {
	low, high := decimal.New(-1, 40), decimal.New(1, 40)
	c := &Column{Name: "n", table: "t", Type: Decimal, Min: &low, Max: &high}
	sameRule(t, c.Check(Dec(decimal.RequireFromString("1234567890123456789012345678.0123456789"))), "")
	sameRule(t, c.Check(Dec(decimal.RequireFromString("12345678901234567890123456789.0123456789"))), RuleRange)
}

func TestFromJSON(t *testing.T) {
	s := mustDefault(t)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	tests := []struct {
		name, column, json string
		want               Value
		rule               Rule
	}{
		{"null", "lead.subject", `null`, Null(), ""},
		{"text", "lead.subject", `"x"`, Text("x"), ""},
		{"empty text", "lead.subject", `""`, Text(""), ""},
		{"number for text", "lead.subject", `1`, Null(), RuleType},
		{"object", "lead.subject", `{}`, Null(), RuleType},
		{"integer", "lead.numberofemployees", `12`, Int(12), ""},
		{"fraction for integer", "lead.numberofemployees", `12.0`, Null(), RuleType},
		{"text for integer", "lead.numberofemployees", `"12"`, Null(), RuleType},
		{"out of range", "lead.numberofemployees", `-1`, Null(), RuleRange},
		{"more than 64 bits", "lead.versionnumber", `9223372036854775808`, Null(), RuleType},
		{"choice", "lead.leadsourcecode", `8`, Int(8), ""},
		{"label for choice", "lead.leadsourcecode", `"Web"`, Null(), RuleType},
		{"no option", "lead.leadsourcecode", `99`, Null(), RuleOption},
		{"money", "lead.revenue", `20000.10`, Dec(decimal.RequireFromString("20000.1")), ""},
		{"money with an exponent", "lead.revenue", `2e4`, Dec(decimal.RequireFromString("20000")), ""},
		{"huge exponent", "lead.revenue", `1e1000`, Null(), RuleRange},
		{"huger exponent", "lead.revenue", `1e99999999999`, Null(), RuleType},
		{"long number", "lead.revenue", strings.Repeat("9", 101), Null(), RuleType},
		{"double", "lead.address1_latitude", `-0.0`, Float(0.0), ""},
		{"double too large for 64 bits", "lead.address1_latitude", `1e999`, Null(), RuleType},
		{"boolean", "lead.donotemail", `true`, Bool(true), ""},
		{"number for boolean", "lead.donotemail", `1`, Null(), RuleType},
		{"boolean for text", "lead.subject", `true`, Null(), RuleType},
		{"time", "task.scheduledend", `"2026-01-02T03:04:05Z"`, Time(at), ""},
		{"fractions are dropped", "task.scheduledend", `"2026-01-02T03:04:05.999Z"`, Time(at), ""},
		{"offset", "task.scheduledend", `"2026-01-02T05:04:05+02:00"`, Time(at), ""},
		{"time without zone", "task.scheduledend", `"2026-01-02T03:04:05"`, Null(), RuleType},
		{"no such day", "task.scheduledend", `"2026-02-30T00:00:00Z"`, Null(), RuleType},
		{"offset into the year 10000", "task.scheduledend", `"9999-12-31T23:30:00-01:00"`, Null(), RuleRange},
		{"date", "lead.estimatedclosedate", `"2026-01-02"`, Time(time.Date(2026, 1, 2, 0, 0, 0, 0, time.UTC)), ""},
		{"time for date", "lead.estimatedclosedate", `"2026-01-02T00:00:00Z"`, Null(), RuleType},
		{"guid", "lead.leadid", `"{` + strings.ToUpper(idA) + `}"`, Text(idA), ""},
		{"no guid", "lead.leadid", `"x"`, Null(), RuleType},
		{"lookup", "lead.parentaccountid", `"` + idA + `"`, Null(), RuleType},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			d := json.NewDecoder(strings.NewReader(test.json))
			d.UseNumber()
			var v any
			if err := d.Decode(&v); err != nil {
				t.Fatal(err)
			}
			got, err := column(t, s, test.column).FromJSON(v)
			sameRule(t, err, test.rule)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFromText(t *testing.T) {
	s := mustDefault(t)
	at := time.Date(2026, 1, 2, 3, 4, 0, 0, time.UTC)
	tests := []struct {
		name, column, text string
		want               Value
		rule               Rule
	}{
		{"empty", "lead.subject", "", Null(), ""},
		{"text keeps its blanks", "lead.subject", " x ", Text(" x "), ""},
		{"blank number", "lead.numberofemployees", "  ", Null(), ""},
		{"number", "lead.numberofemployees", " 12 ", Int(12), ""},
		{"separators", "lead.numberofemployees", "1,200", Null(), RuleType},
		{"separators of money", "lead.revenue", "1,200.00", Null(), RuleType},
		{"hexadecimal", "lead.address1_latitude", "0x10", Null(), RuleType},
		{"not a number", "lead.address1_latitude", "NaN", Null(), RuleType},
		{"label", "lead.leadsourcecode", "word of mouth", Int(9), ""},
		{"number of an option", "lead.leadsourcecode", "9", Int(9), ""},
		{"no label", "lead.leadsourcecode", "Rumour", Null(), RuleOption},
		{"no option", "lead.leadsourcecode", "99", Null(), RuleOption},
		{"state label", "msdyn_segment.statecode", "pause", Int(2), ""},
		{"yes", "account.creditonhold", "YES", Bool(true), ""},
		{"zero", "account.creditonhold", "0", Bool(false), ""},
		{"own label", "lead.donotemail", "do not allow", Bool(true), ""},
		{"yes despite own labels", "lead.donotemail", "yes", Bool(true), ""},
		{"no despite own labels", "lead.donotemail", "No", Bool(false), ""},
		{"no boolean", "lead.donotemail", "maybe", Null(), RuleType},
		{"date for time", "task.scheduledend", "2026-01-02", Time(at.Add(-3*time.Hour - 4*time.Minute)), ""},
		{"minutes", "task.scheduledend", "2026-01-02 03:04", Time(at), ""},
		{"seconds", "task.scheduledend", "2026-01-02 03:04:05", Time(at.Add(5 * time.Second)), ""},
		{"offset", "task.scheduledend", "2026-01-02T04:04:00+01:00", Time(at), ""},
		{"American date", "task.scheduledend", "1/2/2026", Null(), RuleType},
		{"guid", "lead.leadid", strings.ToUpper(idA), Text(idA), ""},
		{"bare lookup", "lead.parentaccountid", "{" + idA + "}", Ref(Lookup{"account", idA}), ""},
		{"lookup with its table", "lead.ownerid", "team:" + idA, Ref(Lookup{"team", idA}), ""},
		{"bare lookup of two tables", "lead.ownerid", idA, Null(), RuleLookupTarget},
		{"lookup elsewhere", "lead.ownerid", "lead:" + idA, Null(), RuleLookupTarget},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := column(t, s, test.column).FromText(test.text)
			sameRule(t, err, test.rule)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("value (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLabelsLikeNumbers(t *testing.T) {
	c := &Column{Name: "n", table: "t", Type: Choice, Options: []Option{{1, "2"}, {2, "3"}}}
	for text, want := range map[string]Value{"1": Int(1), "2": Int(2), "3": Int(2)} {
		got, err := c.FromText(text)
		if err != nil || !got.Equal(want) {
			t.Errorf("%q is read as %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestFormat(t *testing.T) {
	s := mustDefault(t)
	at := time.Date(2023, 4, 7, 14, 59, 30, 0, time.UTC)
	zone := time.FixedZone("", int((5*time.Hour+30*time.Minute)/time.Second))
	tests := []struct {
		name, column string
		value        Value
		want         string
	}{
		{"null", "lead.revenue", Null(), ""},
		{"text", "lead.subject", Text("x"), "x"},
		{"money", "lead.revenue", Dec(decimal.RequireFromString("20000")), "$20,000.00"},
		{"debt", "opportunity.estimatedvalue", Dec(decimal.RequireFromString("-1234.565")), "-$1,234.57"},
		{"debt below a cent", "opportunity.estimatedvalue", Dec(decimal.RequireFromString("-0.001")), "$0.00"},
		{"number", "lead.numberofemployees", Int(1000000), "1,000,000"},
		{"small number", "lead.numberofemployees", Int(999), "999"},
		{"negative number", "lead.msdyn_leadscore", Int(-1000), "-1,000"},
		{"decimal", "transactioncurrency.exchangerate", Dec(decimal.RequireFromString("1234.5")), "1,234.5"},
		{"double", "lead.address1_longitude", Float(-0.25), "-0.25"},
		{"choice", "lead.leadsourcecode", Int(8), "Web"},
		{"status", "lead.statuscode", Int(6), "No Longer Interested"},
		{"boolean", "account.creditonhold", Bool(true), "Yes"},
		{"own label", "lead.donotemail", Bool(false), "Allow"},
		{"time", "task.scheduledend", Time(at), "4/7/2023 8:29 PM"},
		{"date", "lead.estimatedclosedate", Time(at.Truncate(24 * time.Hour)), "4/7/2023"},
		{"lookup", "lead.ownerid", Ref(Lookup{"team", idA}), ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := column(t, s, test.column).Format(test.value, zone); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestErrorText(t *testing.T) {
	c := column(t, mustDefault(t), "lead.leadqualitycode")
	want := `lead.leadqualitycode: option: must be one of 1 Hot, 2 Warm, 3 Cold, got "4"`
	if err := c.Check(Int(4)); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// TestTextRoundTrip holds FromText(Text(v)) == v and Check(v) for random values
// of every column of every table.
func TestTextRoundTrip(t *testing.T) {
	for _, table := range mustDefault(t).Tables() {
		rapid.Check(t, func(t *rapid.T) {
			for _, c := range table.Columns {
				v := valueOf(c).Draw(t, c.Name)
				if err := c.Check(v); err != nil {
					t.Fatalf("Check(%v): %v", v, err)
				}
				got, err := c.FromText(c.Text(v))
				if err != nil {
					t.Fatalf("%s.%s: FromText(%q): %v", table.Name, c.Name, c.Text(v), err)
				}
				if diff := cmp.Diff(v, got); diff != "" {
					t.Fatalf("%s.%s: %q reads back otherwise (-want +got):\n%s", table.Name, c.Name, c.Text(v), diff)
				}
			}
		})
	}
}

// valueOf generates values of a column, null among them.
func valueOf(c *Column) *rapid.Generator[Value] {
	return rapid.Custom(func(t *rapid.T) Value {
		if rapid.IntRange(0, 9).Draw(t, "null") == 0 {
			return Null()
		}
		switch c.Type {
		case String, Memo:
			return Text(rapid.StringN(1, min(c.MaxLength/2, 30), -1).Draw(t, "text"))
		case Integer:
			return Int(rapid.Int64Range(c.Min.IntPart(), c.Max.IntPart()).Draw(t, "integer"))
		case BigInt:
			least, most := int64(math.MinInt64), int64(math.MaxInt64)
			if c.Min != nil {
				least = c.Min.IntPart()
			}
			if c.Max != nil {
				most = c.Max.IntPart()
			}
			return Int(rapid.Int64Range(least, most).Draw(t, "bigint"))
		case Decimal, Money:
			whole := rapid.Int64Range(c.Min.IntPart(), c.Max.IntPart()-1).Draw(t, "whole")
			behind := rapid.Int64Range(0, 9999).Draw(t, "behind")
			return Dec(decimal.NewFromInt(whole).Add(decimal.New(behind, -4)))
		case Double:
			f := rapid.Float64Range(c.Min.InexactFloat64(), c.Max.InexactFloat64()).Draw(t, "double")
			if math.Abs(f) < tiniest {
				return Float(0.0)
			}
			return Float(f)
		case Boolean:
			return Bool(rapid.Bool().Draw(t, "boolean"))
		case Choice, State, Status:
			return Int(rapid.SampledFrom(c.Options).Draw(t, "option").Value)
		case DateTime, Date:
			at := time.Unix(rapid.Int64Range(-6_847_804_800, 253_402_300_799).Draw(t, "seconds"), 0).UTC()
			if c.Type == Date {
				return Time(at.Truncate(24 * time.Hour))
			}
			return Time(at)
		case GUID:
			return Text(drawGUID(t))
		case LookupTo:
			return Ref(Lookup{
				Table: rapid.SampledFrom(c.Targets).Draw(t, "target").Table,
				ID:    drawGUID(t),
			})
		}
		t.Fatalf("no values for type %q", c.Type)
		return Null()
	})
}

func drawGUID(t *rapid.T) string {
	a, b := rapid.Uint64().Draw(t, "high"), rapid.Uint64().Draw(t, "low")
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", a>>32, a>>16&0xffff, a&0xffff, b>>48, b&0xffffffffffff)
}
