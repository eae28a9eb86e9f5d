package query

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/filter"
	"segue/internal/filter/calendar"
	"segue/internal/rows"
	"segue/internal/schema"
)

// Aggregation is what is asked about the tuples of a query instead of the tuples: a
// result for each group of them with the same keys, one for all where By is empty.
type Aggregation struct {
	By     []Key
	Values []Aggregate
}

// Key is a value by which tuples are grouped.
type Key struct {
	Field
	Part Part // of a date; "" for the value itself
}

// Part is the part of a date by which rows are grouped.
type Part string

// The parts of a date (docs/webapi.md §7). A week is that of ISO 8601; a fiscal year has
// the number of the year in which it starts.
const (
	Day          Part = "day"
	Week         Part = "week"
	Month        Part = "month"
	Quarter      Part = "quarter"
	Year         Part = "year"
	FiscalPeriod Part = "fiscal-period"
	FiscalYear   Part = "fiscal-year"
)

// Parts returns the parts of a date by which rows are grouped.
func Parts() []Part { return []Part{Day, Week, Month, Quarter, Year, FiscalPeriod, FiscalYear} }

// Aggregate is a value that is worked out for a group.
type Aggregate struct {
	Method Method
	Field  // without a Column, with Count: tuples are counted, not values
}

// Method is how an [Aggregate] is worked out. Null values do not take part.
type Method string

// The methods. Sum and Average take numbers, Least and Greatest what has an order.
const (
	Count         Method = "count"
	CountDistinct Method = "countdistinct"
	Sum           Method = "sum"
	Average       Method = "average"
	Least         Method = "min"
	Greatest      Method = "max"
)

// averagePlaces is how many decimal places an average has, as a column of decimals.
const averagePlaces = 10

// Group is the result for the rows with the same keys. Values are of the kind of
// [Aggregate.Kind], null where no row had one.
type Group struct {
	Keys, Values []schema.Value
}

// Kind returns the kind of the value of an aggregate.
func (a Aggregate) Kind() schema.Kind {
	switch {
	case a.Method == Count || a.Method == CountDistinct:
		return schema.KindInt
	case a.Method == Average && a.Column.Type.Kind() == schema.KindInt:
		return schema.KindDec
	}
	return a.Column.Type.Kind()
}

// Check refuses an aggregate that means nothing for its column, and a key that rows
// cannot be grouped by.
func (a Aggregation) Check() error {
	for _, key := range a.By {
		instant := key.Column.Type == schema.DateTime || key.Column.Type == schema.Date
		switch {
		case key.Part != "" && !instant:
			return fmt.Errorf("%s is not a date and cannot be grouped by %s", key.Column.Name, key.Part)
		case key.Part != "" && !slices.Contains(Parts(), key.Part):
			return fmt.Errorf("dates cannot be grouped by %q: use one of %v", key.Part, Parts())
		}
	}
	for _, v := range a.Values {
		if err := v.check(); err != nil {
			return err
		}
	}
	return nil
}

func (a Aggregate) check() error {
	if a.Column == nil {
		if a.Method != Count {
			return fmt.Errorf("%s needs a column", a.Method)
		}
		return nil
	}
	kind := a.Column.Type.Kind()
	ordered := kind != schema.KindText && slices.Contains(filter.Operators(a.Column.Type), filter.Gt)
	switch a.Method {
	case Count, CountDistinct:
		return nil
	case Sum, Average:
		ordered = ordered && kind != schema.KindTime // which has an order and no sum
	case Least, Greatest:
	default:
		return fmt.Errorf("aggregate method %q does not exist", a.Method)
	}
	if !ordered {
		return fmt.Errorf("%s of %s: a column of type %s has none", a.Method, a.Column.Name, a.Column.Type)
	}
	return nil
}

// Aggregate works an aggregation out over the rows of a query and those joined to them,
// dates by a calendar. Groups come in the order of their keys, null first. Errors
// are those of [Reader.Select].
func (r *Reader) Aggregate(ctx context.Context, q Query, joins []Join, a Aggregation, by calendar.Calendar) ([]Group, error) {
	groups := newAggregator(a, by)
	if len(joins) > 0 {
		tuples, err := r.Tuples(ctx, q, joins, nil)
		if err != nil {
			return nil, err
		}
		for _, tuple := range tuples {
			if err := groups.add(tuple); err != nil {
				return nil, err
			}
		}
		return groups.result(), nil
	}
	if q.Budget == nil {
		q.Budget = r.Budget()
	}
	if err := r.all(ctx, q, func(row *rows.Row) error { return groups.add(Tuple{row}) }); err != nil {
		return nil, err
	}
	return groups.result(), nil
}

// aggregator works an aggregation out, row by row.
type aggregator struct {
	aggregation Aggregation
	calendar    calendar.Calendar // of dates by parts
	groups      map[string]*running
}

// running is a group of which not all rows have been seen.
type running struct {
	keys   []schema.Value
	values []accumulator
}

// accumulator is the state of one aggregate of a group.
type accumulator struct {
	n        int64
	sum      decimal.Decimal
	float    float64
	extreme  schema.Value
	distinct map[schema.Value]bool
}

func newAggregator(a Aggregation, by calendar.Calendar) *aggregator {
	return &aggregator{aggregation: a, calendar: by, groups: map[string]*running{}}
}

// add takes a tuple into its group.
func (a *aggregator) add(tuple Tuple) error {
	keys, err := a.keysOf(tuple)
	if err != nil {
		return err
	}
	id := idOf(keys)
	group := a.groups[id]
	if group == nil {
		group = &running{keys: keys, values: make([]accumulator, len(a.aggregation.Values))}
		a.groups[id] = group
	}
	for i, aggregate := range a.aggregation.Values {
		if aggregate.Column == nil {
			group.values[i].n++
			continue
		}
		v, err := aggregate.value(tuple)
		if err != nil {
			return err
		}
		if !v.IsNull() {
			group.values[i].add(aggregate.Method, v)
		}
	}
	return nil
}

func (a *aggregator) keysOf(tuple Tuple) ([]schema.Value, error) {
	keys := make([]schema.Value, len(a.aggregation.By))
	for i, key := range a.aggregation.By {
		v, err := key.value(tuple)
		if err != nil {
			return nil, err
		}
		if at, ok := v.Time(); ok && key.Part != "" {
			if key.Column.Type == schema.DateTime {
				at = a.calendar.DateOf(at)
			}
			v = schema.Int(key.Part.of(at, a.calendar))
		}
		keys[i] = v
	}
	return keys, nil
}

// idOf returns the same text for keys that count as the same: texts as filters compare
// them.
func idOf(keys []schema.Value) string {
	var id []byte
	for _, v := range keys {
		text := v.String()
		if _, ok := v.Text(); ok {
			text = filter.Folded(text)
		}
		id = append(fmt.Appendf(id, "%d:%d:", v.Kind(), len(text)), text...)
	}
	return string(id)
}

// of returns the number of the part of a date, given as midnight UTC, in which it lies.
func (p Part) of(at time.Time, by calendar.Calendar) int64 {
	switch p {
	case Day:
		return int64(at.Day())
	case Week:
		_, week := at.ISOWeek()
		return int64(week)
	case Month:
		return int64(at.Month())
	case Quarter:
		return int64(at.Month()+2) / 3
	case FiscalPeriod:
		return int64(by.Period(at))
	case FiscalYear:
		return int64(by.FiscalYear(at))
	default:
		return int64(at.Year())
	}
}

func (c *accumulator) add(method Method, v schema.Value) {
	c.n++
	switch method {
	case Count: // n is all
	case CountDistinct:
		if text, ok := v.Text(); ok {
			v = schema.Text(filter.Folded(text))
		}
		if c.distinct == nil {
			c.distinct = map[schema.Value]bool{}
		}
		c.distinct[v] = true
	case Sum, Average:
		if f, ok := v.Float(); ok {
			c.float += f
			return
		}
		d, ok := v.Dec()
		if n, isInt := v.Int(); !ok && isInt {
			d = decimal.NewFromInt(n)
		}
		c.sum = c.sum.Add(d)
	case Least:
		if c.extreme.IsNull() || v.Compare(c.extreme) < 0 {
			c.extreme = v
		}
	case Greatest:
		if c.extreme.IsNull() || v.Compare(c.extreme) > 0 {
			c.extreme = v
		}
	}
}

// value returns what an accumulator has come to.
func (c *accumulator) value(a Aggregate) schema.Value {
	switch {
	case a.Method == Count:
		return schema.Int(c.n)
	case a.Method == CountDistinct:
		return schema.Int(int64(len(c.distinct)))
	case c.n == 0:
		return schema.Null()
	case a.Method == Least || a.Method == Greatest:
		return c.extreme
	case a.Kind() == schema.KindFloat && a.Method == Average:
		return schema.Float(c.float / float64(c.n))
	case a.Kind() == schema.KindFloat:
		return schema.Float(c.float)
	case a.Method == Average:
		return schema.Dec(c.sum.DivRound(decimal.NewFromInt(c.n), averagePlaces))
	case a.Kind() == schema.KindInt:
		return schema.Int(c.sum.IntPart())
	}
	return schema.Dec(c.sum)
}

// result returns the groups in the order of their keys, null first.
func (a *aggregator) result() []Group {
	if len(a.aggregation.By) == 0 && len(a.groups) == 0 { // of no rows: they are counted too
		a.groups[""] = &running{values: make([]accumulator, len(a.aggregation.Values))}
	}
	groups := make([]Group, 0, len(a.groups))
	for _, group := range a.groups {
		values := make([]schema.Value, len(group.values))
		for i := range group.values {
			values[i] = group.values[i].value(a.aggregation.Values[i])
		}
		groups = append(groups, Group{Keys: group.keys, Values: values})
	}
	slices.SortFunc(groups, func(g, h Group) int {
		for i := range g.Keys {
			if c := CompareValues(g.Keys[i], h.Keys[i]); c != 0 {
				return c
			}
		}
		return 0
	})
	return groups
}
