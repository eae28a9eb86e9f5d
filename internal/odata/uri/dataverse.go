package uri

import (
	"strings"
	"unicode"

	"segue/internal/filter"
)

// operatorOf returns the operator of a function of Dataverse, false where there is none.
// Their names follow from those of the operators, except a few.
func operatorOf(function string) (filter.Operator, bool) {
	switch function {
	case "In", "NotIn", "Between", "NotBetween", "On", "OnOrAfter", "OnOrBefore", "Today", "Yesterday", "Tomorrow":
		return filter.Operator(hyphened(function)), true
	case "Last7Days":
		return filter.LastSevenDays, true
	case "Next7Days":
		return filter.NextSevenDays, true
	case "EqualUserId":
		return filter.EqUserID, true
	case "NotEqualUserId":
		return filter.NeUserID, true
	case "EqualBusinessId":
		return filter.EqBusinessID, true
	case "NotEqualBusinessId":
		return filter.NeBusinessID, true
	case "EqualUserTeams":
		return filter.EqUserTeams, true
	case "EqualUserOrUserTeams":
		return filter.EqUserOrUserTeams, true
	case "Above", "Under", "NotUnder":
		return filter.Operator(hyphened(function)), true
	case "AboveOrEqual":
		return filter.EqOrAbove, true
	case "UnderOrEqual":
		return filter.EqOrUnder, true
	}
	name := strings.Replace(hyphened(function), "older-than-", "olderthan-", 1)
	for _, op := range filter.DateOperators() {
		if string(op) == name && op != filter.LastSevenDays && op != filter.NextSevenDays {
			return op, true
		}
	}
	return "", false
}

// FunctionOf returns the name of the function of Dataverse, without its namespace, that
// is an operator on the wire, "" where there is none.
func FunctionOf(op filter.Operator) string {
	switch op {
	case filter.LastSevenDays:
		return "Last7Days"
	case filter.NextSevenDays:
		return "Next7Days"
	case filter.EqUserID:
		return "EqualUserId"
	case filter.NeUserID:
		return "NotEqualUserId"
	case filter.EqBusinessID:
		return "EqualBusinessId"
	case filter.NeBusinessID:
		return "NotEqualBusinessId"
	case filter.EqUserTeams:
		return "EqualUserTeams"
	case filter.EqUserOrUserTeams:
		return "EqualUserOrUserTeams"
	case filter.EqOrAbove:
		return "AboveOrEqual"
	case filter.EqOrUnder:
		return "UnderOrEqual"
	default:
	}
	var b strings.Builder
	for word := range strings.SplitSeq(strings.Replace(string(op), "olderthan", "older-than", 1), "-") {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	if back, ok := operatorOf(b.String()); !ok || back != op {
		return ""
	}
	return b.String()
}

// hyphened writes LastXDays as last-x-days.
func hyphened(function string) string {
	var b strings.Builder
	for i, r := range function {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('-')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
