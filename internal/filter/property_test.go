package filter_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/filter"
	"segue/internal/filter/filtertest"
	"segue/internal/schema"
)

// columns is those of thing that a filter may name.
func columns(s *schema.Schema) []*schema.Column { return filtertest.Usable(s.Table("thing")) }

func TestMatchAgreesWithOracle(t *testing.T) {
	s := loadSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		g := filtertest.Group(t, s, s.Table("thing"), filtertest.Tables(), 4)
		program, err := filter.Compile(s, "thing", g, filter.AsksAnything)
		if err != nil {
			t.Fatalf("compile %s: %v", g, err)
		}
		w, scope := filtertest.DrawWorld(t, s, filtertest.Tables()), filtertest.Scope(t)
		scope.Related = w.Related(scope)
		truth := filtertest.Oracle{Schema: s, World: w, Scope: scope}
		for _, row := range w.Tables["thing"] {
			checkRow(t, program, scope, row, truth.Holds(g, "thing", row), g)
		}
	})
}

// checkRow compares each way to evaluate a program with what the oracle says.
func checkRow(t *rapid.T, program *filter.Program, scope *filter.Scope, row filtertest.Entry, want bool, g fmt.Stringer) {
	got, err := program.MatchIn(row, scope)
	if err != nil || got != want {
		t.Fatalf("MatchIn = %v, %v; the oracle says %v\nfilter %s\nrow %q\nscope %+v", got, err, want, g, row.Values, scope)
	}
	verdict, err := program.ExplainIn(row, scope)
	if err != nil || verdict.Holds != want {
		t.Fatalf("ExplainIn = %+v, %v; the oracle says %v\nfilter %s\nrow %q", verdict, err, want, g, row.Values)
	}
	bound, err := program.Bind(scope)
	if err != nil {
		t.Fatalf("bind %s: %v", g, err)
	}
	if got, err := bound.MatchIn(row, &filter.Scope{Related: scope.Related}); err != nil || got != want {
		t.Fatalf("MatchIn of the bound program = %v, %v; the oracle says %v\nfilter %s\nrow %q\nscope %+v", got, err, want, g, row.Values, scope)
	}
	local, err := bound.Local().Match(row)
	if err != nil || want && !local {
		t.Fatalf("Match of the local program = %v, %v where the whole one holds\nfilter %s\nrow %q", local, err, g, row.Values)
	}
	if bound.Needs().Asks == 0 && local != want {
		t.Fatalf("the local program of one that asks for nothing = %v, want %v\nfilter %s\nrow %q", local, want, g, row.Values)
	}
}

// TestConditionAgreesWithOracle gives every operator of every column its share.
func TestConditionAgreesWithOracle(t *testing.T) {
	s := loadSchema(t)
	for _, c := range columns(s) {
		for _, op := range filter.Operators(c.Type) {
			t.Run(c.Name+" "+string(op), rapid.MakeCheck(func(t *rapid.T) {
				condition := filtertest.Condition(t, c, op)
				scope := filtertest.Scope(t)
				row := filtertest.Entry{Table: "thing", Values: filtertest.Row(t, []*schema.Column{c})}
				if c.Type.Kind() == schema.KindTime && rapid.IntRange(0, 3).Draw(t, "near now") > 0 {
					at := filtertest.Near(t, scope.Now, scope.Zone)
					if c.Type == schema.Date {
						y, m, d := at.In(scope.Zone).Date()
						at = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
					}
					row.Values[c.Name] = schema.Time(at)
				}
				program, err := filter.Compile(s, "thing", and(condition), filter.AsksAnything)
				if err != nil {
					t.Fatal(err)
				}
				truth := filtertest.Oracle{Schema: s, Scope: scope}
				checkRow(t, program, scope, row, truth.Holds(condition, "thing", row), condition)
			}))
		}
	}
}

// TestZoneAloneBinds: conditions that ask for the zone and not for the time are bound once
// and for all, as segments bind them, by a scope without a time.
func TestZoneAloneBinds(t *testing.T) {
	s := loadSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		c := s.Table("thing").Column(rapid.SampledFrom([]string{"seenon", "birthday"}).Draw(t, "column"))
		op := rapid.SampledFrom([]filter.Operator{
			filter.On, filter.OnOrAfter, filter.OnOrBefore, filter.InFiscalYear, filter.InFiscalPeriod,
			filter.InFiscalPeriodAndYear, filter.InOrAfterFiscalPeriodAndYear, filter.InOrBeforeFiscalPeriodAndYear,
		}).Draw(t, "operator")
		condition, scope := filtertest.Condition(t, c, op), filtertest.Scope(t)
		program, err := filter.Compile(s, "thing", and(condition), filter.AsksZone)
		if err != nil {
			t.Fatal(err)
		}
		bound, err := program.Bind(&filter.Scope{Zone: scope.Zone, Week: scope.Week, Fiscal: scope.Fiscal})
		if err != nil || bound.Needs().Asks != 0 {
			t.Fatalf("bind %s: %v, it asks %b", condition, err, bound.Needs().Asks)
		}
		at := filtertest.Near(t, scope.Now, scope.Zone)
		if c.Type == schema.Date {
			y, m, d := at.In(scope.Zone).Date()
			at = time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
		}
		row := filtertest.Entry{Table: "thing", Values: map[string]schema.Value{c.Name: schema.Time(at)}}
		want := filtertest.Oracle{Schema: s, Scope: scope}.Holds(condition, "thing", row)
		if got, err := bound.Match(row); err != nil || got != want {
			t.Fatalf("%s of %v = %v, %v; the oracle says %v in %+v", condition, at, got, err, want, scope)
		}
	})
}

// TestNegationSplitsRows: of each operator of each column and its negation exactly one
// holds, on whatever value, null included (docs/domain.md §9.4).
func TestNegationSplitsRows(t *testing.T) {
	s := loadSchema(t)
	split := map[filter.Operator]bool{}
	for _, c := range columns(s) {
		for _, negation := range filter.OperatorsOf(s, s.Table("thing"), c) {
			op, negated := negation.Positive()
			if !negated {
				continue
			}
			split[op] = true
			t.Run(c.Name+" "+string(negation), rapid.MakeCheck(func(t *rapid.T) { checkNegation(t, s, c, op, negation) }))
		}
	}
	for _, op := range []filter.Operator{
		filter.Eq, filter.In, filter.Between, filter.Like, filter.Contains, filter.BeginsWith, filter.EndsWith, filter.Null,
		filter.EqUserID, filter.EqBusinessID, filter.Under,
	} {
		if !split[op] {
			t.Errorf("no column has the negation of %s", op)
		}
	}
}

func checkNegation(t *rapid.T, s *schema.Schema, c *schema.Column, op, negation filter.Operator) {
	positive := filtertest.Condition(t, c, op)
	negative := &filter.Condition{Column: c.Name, Operator: negation, Values: positive.Values}
	program, err := filter.Compile(s, "thing", or(
		and(positive, negative), // never both
		or(positive, negative),  // always one
	), filter.AsksCaller|filter.AsksRows)
	if err != nil {
		t.Fatal(err)
	}
	row, scope := filtertest.Row(t, []*schema.Column{c}), filtertest.Scope(t)
	scope.Related = filtertest.DrawWorld(t, s, filtertest.Tables()).Related(scope)
	verdict, err := program.ExplainIn(mapRow{values: row}, scope)
	if err != nil || verdict.Items[0].Holds || !verdict.Items[1].Holds {
		t.Fatalf("%s and its negation on %q: %+v, %v", positive, row[c.Name], verdict, err)
	}
}

func TestParsePrintIdentity(t *testing.T) {
	s := loadSchema(t)
	rapid.Check(t, func(t *rapid.T) {
		g := filtertest.Group(t, s, s.Table("thing"), filtertest.Tables(), 4)
		again, err := filter.Parse(s, "thing", g.String())
		if err != nil {
			t.Fatalf("parse %s: %v", g, err)
		}
		if diff := cmp.Diff(g, again); diff != "" {
			t.Fatalf("parse(print(x)) (-x +got):\n%s", diff)
		}
	})
}

// Texts compare as their folded forms do, however they were folded.
func TestCompareFolded(t *testing.T) {
	s := loadSchema(t)
	text := rapid.Custom(func(t *rapid.T) string {
		v := filtertest.Value(t, s.Table("thing").Column("name"))
		text, _ := v.Text()
		return rapid.SampledFrom([]string{"", "a\xff", strings.Repeat("aÉ", 100)}).Draw(t, "start") + text
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := text.Draw(t, "a"), text.Draw(t, "b")
		if got, want := filter.CompareFolded(a, filter.Folded(b)), strings.Compare(filter.Folded(a), filter.Folded(b)); got != want {
			t.Errorf("%q and %q: %d, want %d", a, b, got, want)
		}
	})
}
