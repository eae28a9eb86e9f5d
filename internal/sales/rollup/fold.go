package rollup

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/shopspring/decimal"

	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Lag is how long an index may not show what was written.
const Lag = time.Minute

// How many counted rows are read at most: by a change, to find another extreme, and to prove
// the roll-ups of one row.
const (
	MaxRead  = 1000
	MaxProve = 50_000
)

const atOnce = 100 // rows that are read at once

// total is what some values add up to.
type total struct {
	count   int64
	sum     decimal.Decimal
	extreme schema.Value
}

// put adds a value, and take takes one away that was added. Null is none.
func (t *total) put(v schema.Value)  { t.add(v, 1) }
func (t *total) take(v schema.Value) { t.add(v, -1) }

func (t *total) add(v schema.Value, times int64) {
	if v.IsNull() {
		return
	}
	t.count += times
	t.sum = t.sum.Add(number(v).Mul(decimal.NewFromInt(times)))
}

// number returns the number that a value is, 0 for another kind.
func number(v schema.Value) decimal.Decimal {
	if n, ok := v.Int(); ok {
		return decimal.NewFromInt(n)
	}
	d, _ := v.Dec()
	return d
}

// total returns what the column of a row says; of an average only its hidden column does. A
// count or sum that nobody has counted yet is 0.
func (c *column) total(parent *rows.Row) total {
	v := parent.Columns()[c.Name]
	switch c.Rollup.Function {
	case schema.CountRows:
		n, _ := v.Int()
		return total{count: n}
	case schema.Average:
		count, sum, _ := strings.Cut(parent.Text(c.Tally()), " ")
		n, _ := strconv.ParseInt(count, 10, 64)
		d, _ := decimal.NewFromString(sum)
		return total{count: n, sum: d}
	default:
		return total{sum: number(v), extreme: v}
	}
}

// places are the decimal places of an average.
func (c *column) places() int32 {
	if c.Type == schema.Money {
		return 4
	}
	return 10
}

// value returns what the column shows of a total. Its error is that of a value that the
// column cannot hold.
func (c *column) value(t total) (v schema.Value, err error) {
	switch {
	case c.extreme():
		v = t.extreme
	case c.Rollup.Function == schema.CountRows:
		v = schema.Int(t.count)
	case c.Rollup.Function == schema.Average && t.count <= 0:
	case c.Rollup.Function == schema.Average:
		v = schema.Dec(t.sum.DivRound(decimal.NewFromInt(t.count), c.places()))
	case c.Type.Kind() == schema.KindInt && !t.sum.BigInt().IsInt64():
		v = schema.Int(math.MaxInt64)
		return v, fmt.Errorf("%s: the sum %s does not fit", c.Name, t.sum)
	case c.Type.Kind() == schema.KindInt:
		v = schema.Int(t.sum.IntPart())
	default:
		v = schema.Dec(t.sum)
	}
	return v, c.Check(v)
}

// set makes the column of a row that of a total.
func (c *column) set(parent *rows.Row, t total) error {
	v, err := c.value(t)
	if err != nil {
		return err
	}
	parent.Set(c.Name, v)
	if c.Rollup.Function == schema.Average {
		parent.Set(c.Tally(), c.tally(t))
	}
	return nil
}

// tally is the value of the hidden column of an average.
func (*column) tally(t total) schema.Value {
	if t.count <= 0 {
		return schema.Null()
	}
	return schema.Text(fmt.Sprintf("%d %s", t.count, t.sum))
}

// shows reports whether the column of a row is what a total makes of it.
func (c *column) shows(parent *rows.Row, t total) (bool, error) {
	v, err := c.value(t)
	if err != nil {
		return false, err
	}
	if c.Rollup.Function == schema.Average && parent.Columns()[c.Tally()] != c.tally(t) {
		return false, nil
	}
	return parent.Columns()[c.Name] == v, nil
}

// fold adds up what is counted at a row, but for one row of segue_counted, by the index of
// those. What it shows too long counts for nothing, for the rows themselves are read; what
// it does not show yet is missing. ok is false where more than most are listed.
func (r *Rollups) fold(ctx context.Context, parent rows.Ref, except string, most int) (totals map[string]total, ok bool, err error) {
	t := r.db.Schema().Table(name.CountedRow)
	partitions, _ := rows.IndexPartitions(t, t.IndexOf(name.SegueParent), map[string]schema.Value{name.SegueParent: schema.Text(parent.ID)})
	totals = map[string]total{}
	for _, p := range partitions {
		for after, more := "", true; more; {
			part, err := r.db.Read(ctx, t, p, after, atOnce)
			if err != nil {
				return nil, false, err
			}
			if most -= part.Seen; most < 0 {
				return nil, false, nil
			}
			for _, row := range part.Rows {
				if row.ID != except {
					r.declared.foldIn(totals, parent, r.declared.counted(row))
				}
			}
			after, more = part.Next, part.Next != ""
		}
	}
	return totals, true, nil
}

// foldIn adds what one row counts for.
func (d Declared) foldIn(totals map[string]total, parent rows.Ref, s share) {
	if s.parent != parent {
		return
	}
	for called, v := range s.values {
		t := totals[called]
		if c := d.columns[parent.Table][called]; c.extreme() {
			t.extreme = c.further(v, t.extreme)
		} else {
			t.put(v)
		}
		totals[called] = t
	}
}

// again has the roll-ups of a row looked at once more when the index shows what was counted
// up to now: at the next full minute after that, so that it is once a minute at most. It
// notes the extremes of now: one that is the same then has been overtaken by nobody.
func (r *Rollups) again(tx *rows.Tx, parent *rows.Row) error {
	noted := map[string]string{}
	for _, c := range r.declared.sortedColumns(parent.Table.Name) {
		if c.extreme() {
			noted[c.Name] = c.Text(parent.Columns()[c.Name])
		}
	}
	text, err := json.Marshal(noted)
	if err != nil {
		return err
	}
	due := r.db.Now().Add(Lag + time.Minute - time.Second).Truncate(time.Minute)
	tx.Replace(tx.Schema().Table(name.Recount), guid.Derive("recount", parent.Table.Name, parent.ID, due.Format(time.RFC3339)), map[string]schema.Value{
		name.SegueTable: schema.Text(parent.Table.Name), name.SegueRow: schema.Text(parent.ID),
		name.SegueValues: schema.Text(string(text)), name.SegueDueon: schema.Time(due),
	})
	return nil
}

// TakeUp is a [sales.DueHandler] of the rows that again makes.
func (r *Rollups) TakeUp(ctx context.Context, due *rows.Row) error {
	if r.err != nil {
		return r.err
	}
	return r.db.Do(ctx, "", func(tx *rows.Tx) error {
		ref := rows.Ref{Table: due.Text(name.SegueTable), ID: due.Text(name.SegueRow)}
		if tx.Schema().Table(ref.Table) == nil { // of a folder that is no more
			tx.Delete(due)
			return nil
		}
		found, err := tx.Load(ctx, due.Ref(), ref)
		if err != nil || found[0] == nil {
			return err
		}
		tx.Delete(found[0])
		if found[1] == nil {
			return nil
		}
		var noted map[string]string
		if err := json.Unmarshal([]byte(found[0].Text(name.SegueValues)), &noted); err != nil {
			return fmt.Errorf("%v: stored %s: %w", due.Ref(), name.SegueValues, err)
		}
		_, open, err := r.prove(ctx, tx, found[1], noted)
		if err == nil && open {
			err = r.again(tx, found[1])
		}
		return err
	})
}

// prove compares the roll-ups of a row, held by a unit of work, with what is counted there,
// mends them and returns how many were not right. A row that somebody has written within the
// last minute may count more than the index shows: then only an extreme is changed, to one
// that is further, or one that nobody has overtaken since it was noted, and open says that
// it must be looked at again.
func (r *Rollups) prove(ctx context.Context, tx *rows.Tx, parent *rows.Row, noted map[string]string) (wrong int, open bool, err error) {
	totals, ok, err := r.fold(ctx, parent.Ref(), "", MaxProve)
	if err != nil {
		return 0, false, err
	}
	if !ok {
		return 0, false, fmt.Errorf("%v: more than %d rows are counted there; its roll-ups cannot be proved", parent.Ref(), MaxProve)
	}
	quiet := !parent.Time(name.Modifiedon).After(tx.Now().Add(-Lag))
	for _, c := range r.declared.sortedColumns(parent.Table.Name) {
		t := totals[c.Name]
		right, err := c.shows(parent, t)
		if err != nil {
			return 0, false, err
		}
		if right {
			continue
		}
		wrong++
		open = open || !quiet
		then, isNoted := noted[c.Name]
		now := parent.Columns()[c.Name]
		if quiet || c.extreme() && (c.beyond(t.extreme, now) || isNoted && then == c.Text(now)) {
			if err := c.set(parent, t); err != nil {
				return 0, false, err
			}
		}
	}
	return wrong, open, nil
}
