package segmentation_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales/segmentation"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// catchUp brings the indexes up to date and lets the time pass in which they may lag.
func catchUp(t *testing.T, w *world, c *clock.Manual) {
	t.Helper()
	w.Probe.Lag(0)
	w.Settle()
	for range 2 {
		c.Advance(segmentation.Lag + time.Minute)
		pass(t, w)
	}
}

const openCall = `{"relationship":"Lead_Phonecalls","mode":"contains","filter":{"type":"and","items":[{"attribute":"statecode","operator":"eq","values":[0]}]}}`

func call(w *world, n int, about rows.Ref) {
	w.Create("phonecall", id("call", n), values{"subject": "Call", "regardingobjectid": lookup(about)})
}

// The row that has changed is in hand, so an index that does not show it yet decides
// nothing; what else it does not show is decided again when it does.
func TestRelate_IndexLags(t *testing.T) {
	w, c := timed(t)
	both := w.Segment(1, urgentTask+","+openCall, "", nil)
	lead := w.Lead(1, nil)
	w.Settle()
	w.Probe.Lag(probe.Forever)
	task(w, 1, lead, values{"prioritycode": int64(2)})
	w.Settle()
	w.Member(lead, "", false)
	call(w, 1, lead)
	w.Settle()
	w.Member(lead, "", false) // the task is not in hand, and not in the index
	catchUp(t, w, c)
	w.Member(lead, both, false)
	if row := w.Row("lead", lead.ID); !row.Time(name.SegueDecideon).IsZero() || !row.Time(name.SegueSettleson).IsZero() {
		t.Error("it is to be decided again without end")
	}
}

// A record that has just been pointed at a row is not found by the index when that row
// changes.
func TestRelate_WayBackLags(t *testing.T) {
	w, c := timed(t)
	seg := contacts(w, richFirm)
	firm, person := account(w, 1, values{"name": "A"}), contact(w, 1, rows.Ref{})
	w.Settle()
	w.Probe.Lag(probe.Forever)
	w.Update("contact", person.ID, values{"parentcustomerid": lookup(firm)})
	w.Settle()
	w.Update("account", firm.ID, values{"revenue": money(5000)})
	w.Settle()
	w.Member(person, "", false)
	catchUp(t, w, c)
	w.Member(person, seg, false)
}

// relatedClause is a condition on related rows, and what a reader of all rows says of it.
type relatedClause struct {
	table, text string
	holds       func(w *world, record *rows.Row) bool
}

func relatedClauses() []relatedClause {
	about := func(w *world, table string, record schema.Lookup) []*rows.Row {
		return slices.DeleteFunc(w.List(table, nil), func(row *rows.Row) bool { return row.Lookup("regardingobjectid") != record })
	}
	urgent := func(row *rows.Row) bool { return row.Int("prioritycode") == 2 }
	open := func(row *rows.Row) bool { return row.Int("statecode") == 0 }
	firmOf := func(w *world, record *rows.Row) *rows.Row {
		for _, firm := range w.List("account", nil) {
			if record.Lookup("parentcustomerid") == lookup(firm.Ref()) {
				return firm
			}
		}
		return nil
	}
	return []relatedClause{
		{"lead", urgentTask, func(w *world, r *rows.Row) bool {
			return slices.ContainsFunc(about(w, "task", lookup(r.Ref())), urgent)
		}},
		{"lead", noOpenTask, func(w *world, r *rows.Row) bool { return !slices.ContainsFunc(about(w, "task", lookup(r.Ref())), open) }},
		{"lead", openCall, func(w *world, r *rows.Row) bool {
			return slices.ContainsFunc(about(w, "phonecall", lookup(r.Ref())), open)
		}},
		{"lead", urgentTask + "," + openCall, func(w *world, r *rows.Row) bool {
			return slices.ContainsFunc(about(w, "task", lookup(r.Ref())), urgent) && slices.ContainsFunc(about(w, "phonecall", lookup(r.Ref())), open)
		}},
		{"lead", web, func(_ *world, r *rows.Row) bool { return r.Int(sources) == 8 }},
		{"contact", richFirm, func(w *world, r *rows.Row) bool {
			firm := firmOf(w, r)
			if firm == nil {
				return false
			}
			v, _ := firm.Value("revenue")
			revenue, ok := v.Dec()
			return ok && revenue.IntPart() >= 1000
		}},
		{"contact", `{"path":["parentcustomerid_account"],"attribute":"name","operator":"null"}`, func(w *world, r *rows.Row) bool {
			firm := firmOf(w, r)
			return firm == nil || firm.Text("name") == ""
		}},
		{"contact", `{"relationship":"contact_customer_accounts","mode":"notContains","filter":{"type":"and","items":[
			{"relationship":"Account_Tasks","mode":"contains","filter":{"type":"and","items":[{"attribute":"prioritycode","operator":"eq","values":[2]}]}}]}}`,
			func(w *world, r *rows.Row) bool {
				firm := firmOf(w, r)
				return firm == nil || !slices.ContainsFunc(about(w, "task", lookup(firm.Ref())), urgent)
			}},
	}
}

// Whatever happens to records and the rows around them, with faults, repeats and indexes
// that lag: once all is quiet, each record is in the first segment that it matches, for all
// segments take records from others and one takes what is left.
func TestRelate_AtRestIsARecomputation(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w, c := timed(t)
		drawn := rapid.SliceOfNDistinct(rapid.IntRange(0, len(relatedClauses())-1), 2, len(relatedClauses()), rapid.ID).Draw(r, "segments")
		takes := values{"msdyn_isresegmentationenabled": true}
		for n, which := range drawn {
			w.Segment(n, relatedClauses()[which].text, "", values{"msdyn_objecttype": relatedClauses()[which].table, "msdyn_isresegmentationenabled": true, "segue_priority": int64(99)})
		}
		rest := map[string]string{} // default segments
		for _, row := range w.List("msdyn_segment", nil) {
			if row.Is("segue_isdefault") {
				rest[row.Text("msdyn_objecttype")] = row.ID
				w.Update("msdyn_segment", row.ID, takes)
				w.Update("msdyn_segment", row.ID, values{"statecode": int64(0)})
			}
		}
		w.Settle()
		w.Fresh()
		happen(r, w, func() { catchUp(t, w, c) }, nil)
		catchUp(t, w, c)
		for _, table := range []string{"lead", "contact"} {
			for _, record := range w.List(table, nil) {
				want := rest[table]
				for n, which := range slices.Backward(drawn) {
					if of := relatedClauses()[which]; of.table == table && of.holds(w, record) {
						want = id("segment", n)
					}
				}
				if got := record.Lookup("msdyn_segmentid").ID; got != want {
					r.Errorf("%v is in segment %q, want %q", record.Ref(), got, want)
				}
			}
		}
	})
}

// happen makes and changes rows, and lets what follows happen now and then; more happens
// beside it.
func happen(r *rapid.T, w *world, quiet func(), more map[string]func(*rapid.T)) {
	some := func(label string, of ...string) rows.Ref {
		table := rapid.SampledFrom(of).Draw(r, label)
		return rows.Ref{Table: table, ID: id(table, rapid.IntRange(1, 2).Draw(r, "number"))}
	}
	for _, table := range []string{"lead", "contact", "account"} { // which do not go
		for n := 1; n <= 2; n++ {
			w.Create(table, id(table, n), values{map[string]string{"lead": "subject", "contact": "lastname", "account": "name"}[table]: "A"})
		}
	}
	child := func(r *rapid.T) {
		child, about := some("child", "task", "task", "phonecall"), some("about", "lead", "lead", "account")
		v := values{
			"subject": "A", "prioritycode": rapid.Int64Range(1, 2).Draw(r, "priority"),
			"statecode": rapid.Int64Range(0, 1).Draw(r, "state"), "regardingobjectid": lookup(about),
		}
		w.Put(child, v)
	}
	follow := func(*rapid.T) { w.Settle() }
	steps := map[string]func(*rapid.T){
		"child": child, "child too": child, "another child": child, "follow": follow,
		"quiet": func(*rapid.T) { quiet() }, // nothing is left that would be decided again anyway
		"child goes": func(*rapid.T) {
			child := some("child", "task", "phonecall")
			if len(w.List(child.Table, values{"activityid": child.ID})) > 0 {
				w.Remove(child.Table, child.ID)
			}
		},
		"lead": func(r *rapid.T) {
			w.Update("lead", some("lead", "lead").ID, values{sources: rapid.SampledFrom([]int64{1, 8}).Draw(r, "source")})
		},
		"contact": func(r *rapid.T) {
			var to any
			if rapid.Bool().Draw(r, "points") {
				to = lookup(some("firm", "account"))
			}
			w.Update("contact", some("contact", "contact").ID, values{"parentcustomerid": to})
		},
		"account": func(r *rapid.T) {
			var called any
			if rapid.Bool().Draw(r, "named") {
				called = "B"
			}
			w.Update("account", some("account", "account").ID, values{"name": called, "revenue": money(rapid.Int64Range(999, 1001).Draw(r, "revenue"))})
		},
		"lag": func(r *rapid.T) {
			w.Probe.Lag(rapid.SampledFrom([]int{1, 5, probe.Forever}).Draw(r, "calls"))
		},
		"settle": func(r *rapid.T) {
			faults := rapid.SliceOfN(rapid.SampledFrom([]probe.Fault{probe.None, probe.None, probe.Before, probe.After}), 0, 20).Draw(r, "faults")
			w.Probe.Inject(func(probe.Call) probe.Fault {
				if len(faults) == 0 {
					return probe.None
				}
				next := faults[0]
				faults = faults[1:]
				return next
			})
			w.Settle()
			w.Probe.Inject(nil)
		},
		"again": func(*rapid.T) { w.Deliver(w.Fresh()) },
	}
	maps.Copy(steps, more)
	r.Repeat(steps)
}

// What tells when a record is decided on next is asked of the indexes too: where they lag,
// it is asked again.
func TestRelate_NextLags(t *testing.T) {
	w, c := timed(t)
	lead := w.Lead(1, values{"schedulefollowup_qualify": c.Now().AddDate(0, 0, 3), sources: int64(8)})
	w.Settle()
	w.Probe.Lag(probe.Forever)
	task(w, 1, lead, values{"prioritycode": int64(2)})
	w.Settle()
	w.Segment(1, web, "", nil) // which the lead matches, and nobody has decided on it since
	both := w.Segment(2, day(`"today"`)+","+urgentTask+","+openCall, "", values{"msdyn_isresegmentationenabled": true, "segue_priority": int64(1)})
	w.Settle()
	w.Member(lead, "", false)
	call(w, 1, lead)
	w.Settle()
	catchUp(t, w, c)
	c.Advance(72 * time.Hour)
	pass(t, w)
	w.Member(lead, both, false)
}
