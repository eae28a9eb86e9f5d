package prove

import (
	"math"
	"slices"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/schema"
)

// values returns values of a column of which one is in each class that conditions on it
// tell apart: null, the constants, and what is next to them on either side, for between
// two constants nothing changes. Texts that fit patterns are guessed.
func values(c *schema.Column, conditions []*filter.Condition) []schema.Value {
	var constants []schema.Value
	for _, condition := range conditions {
		constants = append(constants, condition.Values...)
	}
	list := []schema.Value{}
	if c.Need != schema.System { // it may be empty
		list = append(list, schema.Null())
	}
	switch c.Type {
	case schema.Choice, schema.State, schema.Status:
		for _, o := range c.Options {
			list = append(list, schema.Int(o.Value))
		}
	case schema.Boolean:
		list = append(list, schema.Bool(false), schema.Bool(true))
	case schema.GUID:
		list = append(append(list, constants...), schema.Text(another(constants)))
	case schema.LookupTo:
		list = append(list, constants...)
		for _, target := range c.Targets {
			list = append(list, schema.RefTo(target.Table, another(constants)))
		}
	case schema.String, schema.Memo:
		list = append(list, texts(conditions)...)
	default:
		list = append(list, beside(c, constants)...)
	}
	return slices.DeleteFunc(list, func(v schema.Value) bool { return !v.IsNull() && c.Check(v) != nil })
}

// another returns an id that is none of the constants.
func another(constants []schema.Value) string {
	for n := 0; ; n++ {
		id := guid.Derive("prove", strings.Repeat("x", n))
		if !slices.ContainsFunc(constants, func(v schema.Value) bool {
			text, _ := v.Text()
			l, _ := v.Ref()
			return text == id || l.ID == id
		}) {
			return id
		}
	}
}

// beside returns constants of an ordered type, and the values next to them. The bounds of
// the column stand for what lies beyond all constants.
func beside(c *schema.Column, constants []schema.Value) []schema.Value {
	var list []schema.Value
	for _, v := range constants {
		list = append(list, v)
		switch v.Kind() {
		case schema.KindInt:
			n, _ := v.Int()
			list = append(list, schema.Int(n-1), schema.Int(n+1))
		case schema.KindDec:
			d, _ := v.Dec()
			step := smallest(c, d)
			list = append(list, schema.Dec(d.Sub(step)), schema.Dec(d.Add(step)))
		case schema.KindFloat:
			f, _ := v.Float()
			list = append(list, schema.Float(math.Nextafter(f, math.Inf(-1))), schema.Float(math.Nextafter(f, math.Inf(1))), schema.Float(f-1), schema.Float(f+1))
		case schema.KindTime:
			t, _ := v.Time()
			step := time.Second
			if c.Type == schema.Date {
				step = 24 * time.Hour
			}
			list = append(list, schema.Time(t.Add(-step)), schema.Time(t.Add(step)))
		default:
		}
	}
	list = append(list, bounds(c)...)
	switch c.Type.Kind() { // so that there is always one
	case schema.KindInt:
		return append(list, schema.Int(0))
	case schema.KindDec:
		return append(list, schema.Dec(decimal.Zero))
	case schema.KindFloat:
		return append(list, schema.Float(0))
	default:
		return append(list, schema.Time(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)))
	}
}

// bounds returns the least and the greatest value of a column of numbers that has them.
func bounds(c *schema.Column) []schema.Value {
	var list []schema.Value
	for _, d := range []*decimal.Decimal{c.Min, c.Max} {
		if d == nil {
			continue
		}
		switch c.Type.Kind() {
		case schema.KindInt:
			list = append(list, schema.Int(d.IntPart()))
		case schema.KindDec:
			list = append(list, schema.Dec(*d))
		case schema.KindFloat:
			list = append(list, schema.Float(d.InexactFloat64()))
		default:
		}
	}
	return list
}

// mostPlaces is more decimal places than a column has.
const mostPlaces = 12

// smallest returns the smallest step from a number to another one of the column.
func smallest(c *schema.Column, from decimal.Decimal) decimal.Decimal {
	for places := int32(mostPlaces); places > 0; places-- {
		step := decimal.New(1, -places)
		if c.Check(schema.Dec(from.Add(step))) == nil || c.Check(schema.Dec(from.Sub(step))) == nil {
			return step
		}
	}
	return decimal.New(1, 0)
}

// mostPairs is how many pairs of a beginning and an end are tried of a text.
const mostPairs = 64

// texts returns texts that conditions are about: their constants, texts that fit their
// patterns, alone and all at once, and one that none of them names.
func texts(conditions []*filter.Condition) []schema.Value {
	var list, begins, within, ends []string
	for _, c := range conditions {
		for _, v := range c.Values {
			text, _ := v.Text()
			switch c.Operator {
			case filter.Like:
				text = strings.NewReplacer("%", "", "_", "x").Replace(text)
				within = append(within, text)
			case filter.BeginsWith:
				begins = append(begins, text)
				list = append(list, text+"x")
			case filter.Contains:
				within = append(within, text)
				list = append(list, "x"+text+"x")
			case filter.EndsWith:
				ends = append(ends, text)
				list = append(list, "x"+text)
			default:
			}
			list = append(list, text, text+"x")
		}
	}
	middle := strings.Join(within, "")
	for i, pair := 0, 0; i <= len(begins); i++ {
		for k := 0; k <= len(ends) && pair < mostPairs; k, pair = k+1, pair+1 {
			begin, end := append(begins, "")[i], append(ends, "")[k]
			list = append(list, begin+middle+end, begin+end)
		}
	}
	list = append(list, "x"+strings.Join(list, ""), "!", "~", " ") // the last equals the empty text
	var all []schema.Value
	for _, text := range list {
		if text != "" { // it is kept as null
			all = append(all, schema.Text(text))
		}
	}
	return all
}
