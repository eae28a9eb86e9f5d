package segmentation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segue/internal/rows"
	"segue/internal/schema/name"
)

// drawConditions draws conditions on a record of a type, of its own columns, of the time and
// of related rows, one within another.
func drawConditions(r *rapid.T, table string, depth int) string {
	if depth == 0 || rapid.IntRange(0, 2).Draw(r, "leaf") == 0 {
		return rapid.SampledFrom(conditionsOn(table)).Draw(r, "condition")
	}
	var items []string
	for range rapid.IntRange(2, 3).Draw(r, "items") {
		items = append(items, drawConditions(r, table, depth-1))
	}
	return fmt.Sprintf(`{"type":%q,"items":[%s]}`, rapid.SampledFrom([]string{"and", "or"}).Draw(r, "logic"), strings.Join(items, ","))
}

func conditionsOn(table string) []string {
	const firm = `{"path":["parentcustomerid_account"],"attribute":`
	list := []string{urgentTask, noOpenTask, noUrgentTask, openCall, web}
	if table == "contact" {
		list = []string{
			richFirm, firm + `"name","operator":"null"}`, firm + `"createdon","operator":"last-x-days","values":[2]}`, firm + `"createdon","operator":"olderthan-x-days","values":[3]}`,
			`{"relationship":"contact_customer_accounts","mode":"contains","filter":{"type":"and","items":[{"attribute":"createdon","operator":"olderthan-x-hours","values":[30]}]}}`,
			`{"relationship":"contact_customer_accounts","mode":"notContains","filter":{"type":"and","items":[{"relationship":"Account_Tasks","mode":"contains","filter":{"type":"and","items":[{"attribute":"prioritycode","operator":"eq","values":[2]}]}}]}}`,
		}
	}
	for _, operator := range []string{`"today"`, `"tomorrow"`, `"olderthan-x-days","values":[2]`, `"last-x-days","values":[2]`, `"next-x-days","values":[2]`, `"this-week"`} {
		list = append(list, fmt.Sprintf(`{"attribute":%q,"operator":%s}`, dateOf(table), operator))
	}
	return list
}

func dateOf(table string) string {
	return map[string]string{"lead": "schedulefollowup_qualify", "contact": "birthdate"}[table]
}

// Whatever happens to records, to the rows around them and to the time, with faults, repeats
// and indexes that lag: once all is quiet, deciding on a record once more changes neither
// its membership nor when it is decided on next.
func TestEvaluate_AtRestDecidesNothing(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w, c := timed(t)
		for n := range rapid.IntRange(2, 5).Draw(r, "segments") {
			table, sequence := rapid.SampledFrom([]string{"lead", "contact"}).Draw(r, "table"), ""
			if rapid.Bool().Draw(r, "sequence") {
				sequence = w.Sequence(n, table)
			}
			w.Segment(n, drawConditions(r, table, 2), sequence, values{
				"msdyn_objecttype": table, "msdyn_isresegmentationenabled": rapid.Bool().Draw(r, "takes"), "segue_leaves": rapid.Bool().Draw(r, "leaves"),
			})
		}
		w.Settle()
		w.Fresh()
		quiet := func() {
			catchUp(t, w, c)
			for _, table := range []string{"lead", "contact"} {
				for _, record := range w.List(table, nil) {
					atRest(r, w, record.Ref())
				}
			}
			catchUp(t, w, c) // a redrive has no change, and so asks for it
		}
		dated := func(table string) func(*rapid.T) {
			return func(r *rapid.T) {
				at := c.Now().Add(time.Duration(rapid.IntRange(-90, 120).Draw(r, "hours")) * time.Hour)
				if table == "contact" {
					at = at.Truncate(24 * time.Hour)
				}
				v := values{dateOf(table): at}
				if rapid.IntRange(0, 5).Draw(r, "date") == 0 {
					v[dateOf(table)] = nil
				}
				w.Update(table, id(table, rapid.IntRange(1, 2).Draw(r, "number")), v)
			}
		}
		happen(r, w, quiet, map[string]func(*rapid.T){
			"date of a lead": dated("lead"), "date of a contact": dated("contact"),
			"time": func(r *rapid.T) {
				c.Advance(time.Duration(rapid.IntRange(1, 60).Draw(r, "hours")) * time.Hour)
			},
			"pass": func(r *rapid.T) {
				c.Advance(time.Duration(rapid.IntRange(1, 180).Draw(r, "seconds")) * time.Second)
				if _, err := w.Advance.Pass(t.Context()); err != nil {
					r.Fatal(err)
				}
			},
		})
		quiet()
	})
}

// atRest decides on a record once more.
func atRest(r *rapid.T, w *world, ref rows.Ref) {
	before := w.Row(ref.Table, ref.ID)
	if at := before.Time(name.SegueSettleson); !at.IsZero() {
		r.Errorf("%v is still to settle on %v", ref, at)
	}
	if err := w.Redrive(w.T.Context(), ref.Table, ref.ID); err != nil {
		r.Fatal(err)
	}
	after := w.Row(ref.Table, ref.ID)
	if was, is := before.Lookup(name.MsdynSegmentid).ID, after.Lookup(name.MsdynSegmentid).ID; was != is {
		r.Errorf("%v was in segment %q, want %q", ref, was, is)
	}
	// One that asks for related rows is told to decide again, by when it moved a lookup.
	if was, is := before.Time(name.SegueDecideon), after.Time(name.SegueDecideon); !was.Equal(is) && after.Time(name.SegueSettleson).IsZero() {
		r.Errorf("%v was to be decided on at %v, want %v", ref, was, is)
	}
}
