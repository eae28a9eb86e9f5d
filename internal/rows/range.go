package rows

import (
	"strconv"

	"segue/internal/schema"
)

// What sort keys are compared with: after a part of a key come "#" and the next part, or
// the end of the key. No key has one of these.
const (
	afterPart = "$" // follows "#"
	afterAll  = "~" // follows whatever a part can begin with
)

// Range is the values of a column between two ends, null for none. The ends count,
// unless they are said to be open.
type Range struct {
	Low, High         schema.Value
	LowOpen, HighOpen bool
}

// Narrow returns the parts of an index's partitions that hold the rows whose sort columns
// have the values in equal and, in the column after those, a value of a range, as far
// as keys can tell; used is the columns that it went by.
func Narrow(t *schema.Table, x *schema.Index, all []Partition, equal map[string]schema.Value, ranges map[string]Range) (parts []Partition, used []string) {
	prefix := ""
	for _, name := range x.Sort {
		text, ok := keyText(x, t.Column(name), equal[name])
		if !ok {
			break
		}
		prefix, used = prefix+text+"#", append(used, name)
	}
	low, high := prefix, prefix+afterAll
	if len(used) < len(x.Sort) {
		next := x.Sort[len(used)]
		if r, ok := ranges[next]; ok {
			low, high = r.keys(x, t.Column(next), prefix)
			used = append(used, next)
		}
	}
	if len(used) == 0 {
		return all, nil
	}
	parts = make([]Partition, len(all))
	for i, p := range all {
		parts[i] = p.between(low, high)
	}
	return parts, used
}

// keys returns the sort keys between which the rows with a value of the range lie. Null
// is no such value.
func (r Range) keys(x *schema.Index, c *schema.Column, prefix string) (low, high string) {
	low, high = prefix+afterPart, prefix+afterAll
	if text, ok := boundText(x, c, r.Low); ok {
		low = prefix + text
		if r.LowOpen {
			low += afterPart
		}
	}
	if text, ok := boundText(x, c, r.High); ok {
		high = prefix + text
		if !r.HighOpen {
			high += afterPart
		}
	}
	return low, high
}

// boundText is keyText of the end of a range; ok is false also where the end lies beyond
// all values of the column, for which its keys have no place.
func boundText(x *schema.Index, c *schema.Column, v schema.Value) (text string, ok bool) {
	if n, isInt := v.Int(); isInt && (n < 0 || len(strconv.FormatInt(n, 10)) > c.KeyDigits()) {
		return "", false
	}
	return keyText(x, c, v)
}
