package filter

import (
	"strings"

	"segue/internal/schema"
)

// OperandKind is what the values of an operator are.
type OperandKind string

// The kinds of operands.
const (
	NoOperand      OperandKind = "none"
	ColumnOperand  OperandKind = "column"  // values of the column's type
	PatternOperand OperandKind = "pattern" // a text, or a part of one
	NumberOperand  OperandKind = "number"  // whole numbers, whatever the column's type is
)

// Description is what a program must know of an operator to let a person choose it and
// give it values.
type Description struct {
	Operator    Operator
	Label       string
	Least, Most int // number of values
	Operand     OperandKind
	Null        bool // it holds for a column without a value
}

// Describe describes the operators that apply to columns of a type, in the order of
// [Operators].
func Describe(t schema.Type) []Description { return describe(Operators(t)) }

// DescribeHierarchical describes the operators of [Hierarchical].
func DescribeHierarchical() []Description { return describe(Hierarchical()) }

func describe(operators []Operator) []Description {
	var list []Description
	for _, o := range operators {
		least, most := o.Arity()
		positive, negated := o.Positive()
		d := Description{Operator: o, Label: o.label(), Least: least, Most: most, Operand: ColumnOperand, Null: (positive == Null) != negated}
		switch {
		case most == 0:
			d.Operand = NoOperand
		case o.takesPattern():
			d.Operand = PatternOperand
		case o.takesNumbers():
			d.Operand = NumberOperand
		}
		list = append(list, d)
	}
	return list
}

// label is what people call the operator, after the name of a column.
func (o Operator) label() string {
	switch o {
	case Eq:
		return "equals"
	case Ne:
		return "does not equal"
	case Gt:
		return "is greater than"
	case Ge:
		return "is greater than or equal to"
	case Lt:
		return "is less than"
	case Le:
		return "is less than or equal to"
	case Between, In, Like, NotIn, NotBetween, NotLike:
		return "is " + strings.ReplaceAll(string(o), "-", " ")
	case NotContains:
		return "does not contain"
	case EqOrAbove, EqOrUnder:
		return "equals or is " + strings.TrimPrefix(string(o), "eq-or-")
	case Above, Under, NotUnder:
		return "is " + strings.ReplaceAll(string(o), "-", " ")
	case BeginsWith:
		return "begins with"
	case NotBeginWith:
		return "does not begin with"
	case EndsWith:
		return "ends with"
	case NotEndWith:
		return "does not end with"
	case Null:
		return "does not contain data"
	case NotNull:
		return "contains data"
	default:
		return strings.ReplaceAll(string(o), "-", " ")
	}
}
