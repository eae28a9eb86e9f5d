package filter

import (
	"slices"

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

// Operators returns the operators that apply to columns of type t, nil for a type
// that does not exist.
func Operators(t schema.Type) []Operator {
	equality := []Operator{Eq, Ne}
	order := []Operator{Gt, Ge, Lt, Le, Between, NotBetween}
	set := []Operator{In, NotIn}
	text := []Operator{Like, NotLike, Contains, NotContains, BeginsWith, NotBeginWith, EndsWith, NotEndWith}
	presence := []Operator{Null, NotNull}
	switch t {
	case schema.String, schema.Memo:
		return slices.Concat(equality, order, set, text, presence)
	case schema.Integer, schema.BigInt, schema.Decimal, schema.Money, schema.Double:
		return slices.Concat(equality, order, set, presence)
	case schema.DateTime, schema.Date:
		return slices.Concat(equality, order, presence)
	case schema.Boolean, schema.Choice, schema.State, schema.Status, schema.GUID, schema.LookupTo:
		return slices.Concat(equality, set, presence)
	}
	return nil
}

// positive returns the operator that o negates and true, or o itself and false.
func (o Operator) positive() (op Operator, negated bool) {
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
	default:
		return o, false
	}
}

// takesPattern reports whether o compares a text with a part or a pattern of it
// rather than with a whole value.
func (o Operator) takesPattern() bool {
	switch op, _ := o.positive(); op {
	case Like, Contains, BeginsWith, EndsWith:
		return true
	default:
		return false
	}
}

// arity returns the least and the greatest number of values that o takes.
func (o Operator) arity() (least, most int) {
	switch op, _ := o.positive(); op {
	case Null:
		return 0, 0
	case Between:
		return 2, 2
	case In:
		return 1, MaxValues
	default:
		return 1, 1
	}
}
