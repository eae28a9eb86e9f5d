package filter

import (
	"slices"
	"strings"

	"segue/internal/schema"
)

// Operator is a comparison. The package comment defines each of them.
type Operator string

// The operators (docs/domain.md §9.2).
const (
	Eq           Operator = "eq"
	Ne           Operator = "ne" // "neq" in a text is read as ne
	Gt           Operator = "gt"
	Ge           Operator = "ge"
	Lt           Operator = "lt"
	Le           Operator = "le"
	Between      Operator = "between"
	NotBetween   Operator = "not-between"
	In           Operator = "in"
	NotIn        Operator = "not-in"
	Like         Operator = "like"
	NotLike      Operator = "not-like"
	Contains     Operator = "contains"
	NotContains  Operator = "not-contains"
	BeginsWith   Operator = "begins-with"
	NotBeginWith Operator = "not-begin-with"
	EndsWith     Operator = "ends-with"
	NotEndWith   Operator = "not-end-with"
	Null         Operator = "null"
	NotNull      Operator = "not-null"
)

// The operators of dates. Those that take no date are relative to [Scope.Now].
const (
	On         Operator = "on"
	OnOrAfter  Operator = "on-or-after"
	OnOrBefore Operator = "on-or-before"

	Today         Operator = "today"
	Yesterday     Operator = "yesterday"
	Tomorrow      Operator = "tomorrow"
	LastSevenDays Operator = "last-seven-days"
	NextSevenDays Operator = "next-seven-days"

	LastWeek         Operator = "last-week"
	ThisWeek         Operator = "this-week"
	NextWeek         Operator = "next-week"
	LastMonth        Operator = "last-month"
	ThisMonth        Operator = "this-month"
	NextMonth        Operator = "next-month"
	LastYear         Operator = "last-year"
	ThisYear         Operator = "this-year"
	NextYear         Operator = "next-year"
	LastFiscalPeriod Operator = "last-fiscal-period"
	ThisFiscalPeriod Operator = "this-fiscal-period"
	NextFiscalPeriod Operator = "next-fiscal-period"
	LastFiscalYear   Operator = "last-fiscal-year"
	ThisFiscalYear   Operator = "this-fiscal-year"
	NextFiscalYear   Operator = "next-fiscal-year"

	LastXHours         Operator = "last-x-hours"
	LastXDays          Operator = "last-x-days"
	LastXWeeks         Operator = "last-x-weeks"
	LastXMonths        Operator = "last-x-months"
	LastXYears         Operator = "last-x-years"
	LastXFiscalPeriods Operator = "last-x-fiscal-periods"
	LastXFiscalYears   Operator = "last-x-fiscal-years"
	NextXHours         Operator = "next-x-hours"
	NextXDays          Operator = "next-x-days"
	NextXWeeks         Operator = "next-x-weeks"
	NextXMonths        Operator = "next-x-months"
	NextXYears         Operator = "next-x-years"
	NextXFiscalPeriods Operator = "next-x-fiscal-periods"
	NextXFiscalYears   Operator = "next-x-fiscal-years"

	OlderThanXMinutes Operator = "olderthan-x-minutes"
	OlderThanXHours   Operator = "olderthan-x-hours"
	OlderThanXDays    Operator = "olderthan-x-days"
	OlderThanXWeeks   Operator = "olderthan-x-weeks"
	OlderThanXMonths  Operator = "olderthan-x-months"
	OlderThanXYears   Operator = "olderthan-x-years"

	InFiscalYear                  Operator = "in-fiscal-year"
	InFiscalPeriod                Operator = "in-fiscal-period"
	InFiscalPeriodAndYear         Operator = "in-fiscal-period-and-year" // values: the period, the year
	InOrAfterFiscalPeriodAndYear  Operator = "in-or-after-fiscal-period-and-year"
	InOrBeforeFiscalPeriodAndYear Operator = "in-or-before-fiscal-period-and-year"
)

// The operators that are relative to [Scope.Caller].
const (
	EqUserID          Operator = "eq-userid"
	NeUserID          Operator = "ne-userid"
	EqBusinessID      Operator = "eq-businessid"
	NeBusinessID      Operator = "ne-businessid"
	EqUserTeams       Operator = "eq-userteams"
	EqUserOrUserTeams Operator = "eq-useroruserteams"
)

// The operators of hierarchies: where a row is that the column names, from the row of the
// value (docs/domain.md §9.4).
const (
	Above     Operator = "above"
	Under     Operator = "under"
	NotUnder  Operator = "not-under"
	EqOrAbove Operator = "eq-or-above"
	EqOrUnder Operator = "eq-or-under"
)

// Hierarchical returns the operators that a column has besides those of its type where it
// names a row of a hierarchy ([schema.Schema.Hierarchy]).
func Hierarchical() []Operator { return []Operator{Above, Under, NotUnder, EqOrAbove, EqOrUnder} }

// OperatorsOf returns the operators that apply to a column of a table.
func OperatorsOf(s *schema.Schema, t *schema.Table, c *schema.Column) []Operator {
	return appendOperatorsOf(nil, s, t, c)
}

func appendOperatorsOf(into []Operator, s *schema.Schema, t *schema.Table, c *schema.Column) []Operator {
	into = appendOperators(into, c.Type)
	if s.Hierarchy(t, c) != nil {
		into = append(into, Hierarchical()...)
	}
	return into
}

// Operators returns the operators that apply to columns of type t, nil for a type
// that does not exist.
func Operators(t schema.Type) []Operator { return appendOperators(nil, t) }

func appendOperators(into []Operator, t schema.Type) []Operator {
	equality := []Operator{Eq, Ne}
	order := []Operator{Gt, Ge, Lt, Le, Between, NotBetween}
	set := []Operator{In, NotIn}
	text := []Operator{Like, NotLike, Contains, NotContains, BeginsWith, NotBeginWith, EndsWith, NotEndWith}
	presence := []Operator{Null, NotNull}
	switch t {
	case schema.String, schema.Memo:
		return appendAll(into, equality, order, set, text, presence)
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Money, schema.Double:
		return appendAll(into, equality, order, set, presence)
	case schema.DateTime:
		return appendAll(into, equality, order, presence, ofDates(), ofHours())
	case schema.Date:
		return appendAll(into, equality, order, presence, ofDates())
	case schema.Boolean, schema.Choice, schema.State, schema.Status:
		return appendAll(into, equality, set, presence)
	case schema.GUID:
		return appendAll(into, equality, set, presence, []Operator{EqUserID, NeUserID, EqBusinessID, NeBusinessID})
	case schema.LookupTo:
		return appendAll(into, equality, set, presence, []Operator{EqUserID, NeUserID, EqBusinessID, NeBusinessID, EqUserTeams, EqUserOrUserTeams})
	}
	return into
}

func appendAll(into []Operator, lists ...[]Operator) []Operator {
	for _, list := range lists {
		into = append(into, list...)
	}
	return into
}

// ofDates returns the operators that ask for the date of a moment.
func ofDates() []Operator {
	return []Operator{
		On, OnOrAfter, OnOrBefore, Today, Yesterday, Tomorrow, LastSevenDays, NextSevenDays,
		LastWeek, ThisWeek, NextWeek, LastMonth, ThisMonth, NextMonth, LastYear, ThisYear, NextYear,
		LastFiscalPeriod, ThisFiscalPeriod, NextFiscalPeriod, LastFiscalYear, ThisFiscalYear, NextFiscalYear,
		LastXDays, LastXWeeks, LastXMonths, LastXYears, LastXFiscalPeriods, LastXFiscalYears,
		NextXDays, NextXWeeks, NextXMonths, NextXYears, NextXFiscalPeriods, NextXFiscalYears,
		OlderThanXDays, OlderThanXWeeks, OlderThanXMonths, OlderThanXYears,
		InFiscalYear, InFiscalPeriod, InFiscalPeriodAndYear, InOrAfterFiscalPeriodAndYear, InOrBeforeFiscalPeriodAndYear,
	}
}

// ofHours returns the operators that ask for the time of day too, which a date does not
// have.
func ofHours() []Operator {
	return []Operator{LastXHours, NextXHours, OlderThanXMinutes, OlderThanXHours}
}

// DateOperators returns the operators that only columns of dates have.
func DateOperators() []Operator { return append(ofDates(), ofHours()...) }

// Comparable returns the operators that compare a column with another one
// ([Condition.Other]); they apply where both are of one type and it has them.
func Comparable() []Operator { return []Operator{Eq, Ne, Gt, Ge, Lt, Le} }

// asks returns what the operator must know beyond the values that it compares.
func (o Operator) asks() Asks {
	switch o {
	case Eq, Ne, Gt, Ge, Lt, Le, Between, NotBetween, In, NotIn, Null, NotNull, // most are one of these
		Like, NotLike, Contains, NotContains, BeginsWith, NotBeginWith, EndsWith, NotEndWith:
		return 0
	case EqUserID, NeUserID, EqBusinessID, NeBusinessID, EqUserTeams, EqUserOrUserTeams:
		return AsksCaller
	case Above, Under, NotUnder, EqOrAbove, EqOrUnder:
		return AsksRows
	case On, OnOrAfter, OnOrBefore, InFiscalYear, InFiscalPeriod,
		InFiscalPeriodAndYear, InOrAfterFiscalPeriodAndYear, InOrBeforeFiscalPeriodAndYear:
		return AsksZone
	default:
	}
	if slices.Contains(ofDates(), o) || slices.Contains(ofHours(), o) {
		return AsksNow
	}
	return 0
}

// Positive returns the operator that o negates and true, or o itself and false.
func (o Operator) Positive() (op Operator, negated bool) {
	switch o {
	case Ne:
		return Eq, true
	case NotBetween:
		return Between, true
	case NotIn:
		return In, true
	case NotLike:
		return Like, true
	case NotContains:
		return Contains, true
	case NotBeginWith:
		return BeginsWith, true
	case NotEndWith:
		return EndsWith, true
	case NotNull:
		return Null, true
	case NeUserID:
		return EqUserID, true
	case NeBusinessID:
		return EqBusinessID, true
	case NotUnder:
		return Under, true
	default:
		return o, false
	}
}

// takesPattern reports whether o compares a text with a part or a pattern of it
// rather than with a whole value.
func (o Operator) takesPattern() bool {
	switch op, _ := o.Positive(); op {
	case Like, Contains, BeginsWith, EndsWith:
		return true
	default:
		return false
	}
}

// Arity returns the least and the greatest number of values that o takes.
func (o Operator) Arity() (least, most int) {
	switch op, _ := o.Positive(); op {
	case Null, EqUserID, EqBusinessID, EqUserTeams, EqUserOrUserTeams:
		return 0, 0
	case Between, InFiscalPeriodAndYear, InOrAfterFiscalPeriodAndYear, InOrBeforeFiscalPeriodAndYear:
		return 2, 2
	case In:
		return 1, MaxValues
	case On, OnOrAfter, OnOrBefore, InFiscalYear, InFiscalPeriod:
		return 1, 1
	default:
		if o.asks()&AsksNow != 0 && !o.counts() {
			return 0, 0
		}
		return 1, 1
	}
}

// counts reports whether the value of the operator is a number of days, months or
// other units.
func (o Operator) counts() bool { return strings.Contains(string(o), "-x-") }

// takesNumbers reports whether the values of the operator are whole numbers, whatever
// the type of the column.
func (o Operator) takesNumbers() bool { return o.counts() || strings.HasPrefix(string(o), "in-") }
