package workqueue_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	diff "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/sales/sequence"
	"segue/internal/sales/workqueue"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

type values = salestest.Values

// world is a Segue whose clock can be moved.
type world struct {
	*salestest.World
	now    *clock.Manual
	marked map[string][2]bool // by record: read, followed by the manager
}

func newWorld(t testing.TB) world {
	now := clock.NewManual(salestest.Now())
	return world{salestest.NewOn(t, salestest.OpenEmbedded(t), now.Now, boot.Options{}), now, map[string][2]bool{}}
}

// join makes a user a member of a team.
func (w world) join(user, team schema.Lookup) {
	w.T.Helper()
	member := schematest.Row(values{"systemuserid": user.ID, "teamid": team.ID})
	if _, err := w.Entities.Create(w.T.Context(), sales.Engine(), "teammembership", "", member); err != nil {
		w.T.Fatal(err)
	}
}

// due makes the open step of a record due at another time.
func (w world) due(record rows.Ref, at time.Time) {
	w.T.Helper()
	w.set(record, func(row *rows.Row) { row.Set("msdyn_duetime", schema.Time(at)) })
}

// set changes the open step of a record.
func (w world) set(record rows.Ref, change func(row *rows.Row)) {
	w.T.Helper()
	w.Corrupt("msdyn_sequencetargetstep", w.Step(w.Target(record)).ID, change)
}

func (w world) list(c sales.Caller, r workqueue.Request) workqueue.List {
	w.T.Helper()
	list, err := w.Queues.Of(w.T.Context(), c, request(r))
	if err != nil {
		w.T.Fatal(err)
	}
	return list
}

// request fills in what a request must have.
func request(r workqueue.Request) workqueue.Request {
	r.Sort, r.Top = cmp.Or(r.Sort, workqueue.ByScore), cmp.Or(r.Top, workqueue.DefaultTop)
	return r
}

// shown is items as lines.
func shown(items []workqueue.Item) (lines []string) {
	for _, item := range items {
		score := "-"
		if item.Score != nil {
			score = fmt.Sprint(*item.Score)
		}
		lines = append(lines, fmt.Sprintf("%s %s %s: %s, %s, %d of %d", item.Group, score, item.RecordName, item.Step.Name(), item.SequenceName, item.Done, item.Total))
	}
	return lines
}

// The score comes first, then the due time; the groups are of the caller's days.
func TestOf_15(t *testing.T) {
	w := newWorld(t)
	seq := w.Sequence(1, "lead")
	now := salestest.Now() // 03:04
	for n, lead := range []struct {
		score any
		due   time.Duration
	}{
		{nil, -48 * time.Hour}, {int64(10), 30 * time.Hour}, {int64(90), -4 * time.Hour}, {int64(10), -time.Hour}, {nil, -31 * 24 * time.Hour},
	} {
		record := w.Lead(n, values{"msdyn_leadscore": lead.score})
		w.Connect(record, seq)
		w.due(record, now.Add(lead.due))
	}
	check := func(what string, r workqueue.Request, want ...string) {
		t.Helper()
		if d := diff.Diff(want, shown(w.list(salestest.Manager(), r).Items), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	overdue, today := "Overdue 90 Lead 2: Call, Sequence 1, 0 of 2", "Today 10 Lead 3: Call, Sequence 1, 0 of 2"
	tomorrow, old := "FromTomorrow 10 Lead 1: Call, Sequence 1, 0 of 2", "Overdue - Lead 0: Call, Sequence 1, 0 of 2"
	check("all", workqueue.Request{}, overdue, today, tomorrow, old)
	check("in groups", workqueue.Request{Grouped: true}, overdue, old, today, tomorrow)
	check("the latest", workqueue.Request{Sort: workqueue.ByDue, Reverse: true}, tomorrow, today, overdue, old)
	check("overdue", workqueue.Request{Due: []workqueue.Group{workqueue.Overdue}}, overdue, old)
	check("opportunities", workqueue.Request{Records: []string{"opportunity"}})
	check("mails", workqueue.Request{Types: []sequence.StepType{sequence.Email}})
	list := w.list(salestest.Manager(), workqueue.Request{Due: []workqueue.Group{workqueue.Today}})
	if d := diff.Diff(map[workqueue.Group]int{workqueue.Overdue: 2, workqueue.Today: 1, workqueue.FromTomorrow: 1}, list.Groups); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}

	// In Honolulu it is still the day before, on which the first two are due.
	owner := salestest.Link("systemuser", string(salestest.Manager().ID))
	w.Create("segue_calendar", "", values{"segue_name": "Mine", "ownerid": owner, "segue_timezone": "Pacific/Honolulu"})
	if d := diff.Diff(map[workqueue.Group]int{workqueue.Overdue: 1, workqueue.Today: 2, workqueue.FromTomorrow: 1}, w.list(salestest.Manager(), workqueue.Request{}).Groups); d != "" {
		t.Errorf("counts in Honolulu (-want +got):\n%s", d)
	}
	w.now.Advance(30 * time.Hour)
	list = w.list(salestest.Manager(), workqueue.Request{})
	if list.Groups[workqueue.Overdue] != 3 || list.Groups[workqueue.Today] != 1 {
		t.Errorf("the next day: %v", list.Groups)
	}
}

// A step that is done, or that the system does, is in no list; one that the system could not
// do is.
func TestOf_15_OpenStepsOfPeople(t *testing.T) {
	w := newWorld(t)
	record := w.Lead(1, nil)
	w.Connect(record, w.Sequence(1, "lead"))
	w.Finish(w.Target(record), 2)
	if items := w.list(salestest.Manager(), workqueue.Request{}).Items; len(items) != 0 {
		t.Errorf("a wait: %v", shown(items))
	}
	w.set(record, func(row *rows.Row) { row.SetAll(sequence.Held(sequence.DueTimeUnknown, "why")) })
	if items := w.list(salestest.Manager(), workqueue.Request{}).Items; len(items) != 1 || items[0].Step.Error() != sequence.DueTimeUnknown {
		t.Errorf("a step that is held: %v", shown(items))
	}
}

// docs/domain.md §16: the steps of a team are every member's. The list of somebody else takes
// the right to read it.
func TestOf_16_Owners(t *testing.T) {
	w := newWorld(t)
	seq := w.Sequence(1, "lead")
	seller, team := w.User(2), w.Team(1)
	w.join(seller, team)
	for n, owner := range []schema.Lookup{seller, team} {
		record := w.Lead(n, values{"ownerid": owner})
		w.Connect(record, seq)
	}
	count := func(c sales.Caller, owner schema.Lookup) int {
		return len(w.list(c, workqueue.Request{Owner: owner}).Items)
	}
	own := sales.Caller{ID: name.UserID(seller.ID), Roles: []string{sales.Salesperson}}
	for what, got := range map[string][2]int{
		"the seller":                  {count(own, schema.Lookup{}), 2},
		"the seller, by name":         {count(own, seller), 2},
		"the seller's team":           {count(own, team), 1},
		"the manager":                 {count(salestest.Manager(), schema.Lookup{}), 0},
		"the manager, of the seller":  {count(salestest.Manager(), seller), 2},
		"the manager, of the team":    {count(salestest.Manager(), team), 1},
		"another seller, of the team": {count(sales.Caller{ID: name.UserID(salestest.ID("user", 9)), Roles: []string{sales.Salesperson}}, team), 1},
	} {
		if got[0] != got[1] {
			t.Errorf("%s sees %d steps, want %d", what, got[0], got[1])
		}
	}
	_, err := w.Queues.Of(t.Context(), sales.Caller{ID: "x"}, request(workqueue.Request{Owner: seller}))
	salestest.Refused(t, err, sales.Forbidden, "msdyn_sequencetargetstep")
	_, err = w.Queues.Of(t.Context(), sales.Caller{ID: "x"}, request(workqueue.Request{}))
	salestest.Refused(t, err, sales.Forbidden, "msdyn_sequencetargetstep")
	_, err = w.Queues.Of(t.Context(), salestest.Manager(), request(workqueue.Request{Owner: salestest.Link("team", salestest.ID("team", 7))}))
	salestest.Refused(t, err, sales.NotFound, salestest.ID("team", 7))
	for n := range workqueue.MaxTeams {
		w.join(seller, w.Team(n+2))
	}
	_, err = w.Queues.Of(t.Context(), own, request(workqueue.Request{}))
	salestest.Refused(t, err, sales.Limit, "51 teams", "50", "Owner")
}

func TestOf_Refusals(t *testing.T) {
	w := newWorld(t)
	for _, test := range []struct {
		name    string
		request workqueue.Request
		parts   []string
	}{
		{"none", workqueue.Request{Top: -1}, []string{"Top", "-1", "1 to 250"}},
		{"too many", workqueue.Request{Top: 251}, []string{"Top", "251", "1 to 250"}},
		{"no such table", workqueue.Request{Records: []string{"lead", "house"}}, []string{"RecordTypes", `"house"`, "connected"}},
		{"no record", workqueue.Request{Records: []string{"task"}}, []string{"RecordTypes", `"task"`, "connected"}},
		{"no such type", workqueue.Request{Types: []sequence.StepType{2}}, []string{"ActivityTypes", "2", "msdyn_type"}},
		{"no token", workqueue.Request{Token: "x"}, []string{"Token", "x", "Next"}},
		{"no base64", workqueue.Request{Token: "'"}, []string{"Token", "Next"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := w.Queues.Of(t.Context(), salestest.Manager(), request(test.request))
			salestest.Refused(t, err, sales.Invalid, test.parts...)
		})
	}
}

// territory is a world of many steps: of several types and owners, due at any time around now.
func territory(t *testing.T, n int) world {
	w := newWorld(t)
	random := rand.New(rand.NewPCG(1, 2))
	leads, opportunities := []string{w.Sequence(1, "lead"), w.Sequence(2, "lead")}, w.Sequence(3, "opportunity")
	manager := salestest.Link("systemuser", string(salestest.Manager().ID))
	team, other := w.Team(1), w.User(2)
	w.join(manager, team)
	types := []int64{4202, 4210, 4212, 4213, 5}
	for i := range n {
		owner := []schema.Lookup{manager, manager, manager, team, other}[random.IntN(5)]
		v := values{"ownerid": owner}
		record, seq := rows.Ref{}, opportunities
		if random.IntN(3) > 0 {
			if random.IntN(3) > 0 {
				v["msdyn_leadscore"] = int64(random.IntN(5))
			}
			v["lastname"] = string(rune('A'+random.IntN(4))) + string(rune('a'+random.IntN(2)))
			record, seq = w.Lead(i, v), leads[random.IntN(2)]
		} else {
			record = w.Opportunity(i, v)
		}
		w.Connect(record, seq)
		w.set(record, func(row *rows.Row) {
			row.Set("msdyn_duetime", schema.Time(salestest.Now().Add(time.Duration(random.IntN(35*24)-31*24)*time.Hour)))
			row.Set("msdyn_type", schema.Int(types[random.IntN(len(types))]))
			row.Set("msdyn_subtype", schema.Int(0))
		})
		if mark := random.IntN(6); mark < 4 {
			read, followed := mark%2 == 0, mark/2 == 0
			if err := w.mark(salestest.Manager(), record, workqueue.Marks{Read: &read, Followed: &followed}); err != nil {
				t.Fatal(err)
			}
			w.marked[record.ID] = [2]bool{read, followed}
		}
		if random.IntN(10) == 0 {
			w.Finish(w.Target(record), 2)
		}
	}
	return w
}

// entry is a step with what belongs to it.
type entry struct {
	row                       *rows.Row
	marked                    [2]bool
	id, name, sequence, table string
	group                     int
	score                     int64 // -1: none
	due                       time.Time
	kind                      int64
}

// facts is all steps that there are.
func facts(w world) (all []entry) {
	for _, row := range w.List("msdyn_sequencetargetstep", nil) {
		e := entry{row: row, id: row.ID, due: row.Time("msdyn_duetime"), kind: row.Int("msdyn_type"), score: -1}
		target := w.Row("msdyn_sequencetarget", row.Lookup("msdyn_sequencetarget").ID)
		record := w.Row(target.Lookup("msdyn_target").Table, target.Lookup("msdyn_target").ID)
		e.marked, e.table, e.name = w.marked[record.ID], record.Table.Name, record.Text(record.Table.PrimaryName)
		e.sequence = w.Row("msdyn_sequence", target.Lookup("msdyn_parentsequence").ID).Text("msdyn_name")
		if v, _ := record.Value("msdyn_leadscore"); !v.IsNull() {
			e.score = record.Int("msdyn_leadscore")
		}
		all = append(all, e)
	}
	return all
}

// oracle is the list in the plainest way: all steps are looked at, one property after another.
func oracle(w world, all []entry, r workqueue.Request) (ids []string, groups map[workqueue.Group]int) {
	var entries []entry
	groups = map[workqueue.Group]int{}
	mine := []string{string(salestest.Manager().ID), salestest.ID("team", 1)}
	for _, e := range all {
		row := e.row
		if r.Unopened && e.marked[0] || r.Followed && !e.marked[1] {
			continue
		}
		if row.Int("statecode") != 0 || row.Is("segue_system") || !slices.Contains(mine, row.Lookup("ownerid").ID) {
			continue
		}
		if w.now.Now().Sub(e.due) > 30*24*time.Hour {
			continue
		}
		if r.Records != nil && !slices.Contains(r.Records, e.table) || r.Types != nil && !slices.Contains(r.Types, sequence.StepType(e.kind)) {
			continue
		}
		group := []workqueue.Group{workqueue.Overdue, workqueue.Today, workqueue.FromTomorrow}
		switch today := w.now.Now().Format(time.DateOnly); strings.Compare(e.due.Format(time.DateOnly), today) {
		case 0:
			e.group = 1
		case 1:
			e.group = 2
		}
		groups[group[e.group]]++
		if r.Due == nil || slices.Contains(r.Due, group[e.group]) {
			entries = append(entries, e)
		}
	}
	key := map[workqueue.Sort]func(a, b entry) int{
		workqueue.ByScore:    func(a, b entry) int { return cmp.Compare(b.score, a.score) },
		workqueue.ByDue:      func(a, b entry) int { return a.due.Compare(b.due) },
		workqueue.ByType:     func(a, b entry) int { return cmp.Compare(a.kind, b.kind) },
		workqueue.ByName:     func(a, b entry) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) },
		workqueue.ByRecord:   func(a, b entry) int { return cmp.Compare(a.table, b.table) },
		workqueue.BySequence: func(a, b entry) int { return cmp.Compare(a.sequence, b.sequence) },
	}[r.Sort]
	slices.SortFunc(entries, func(a, b entry) int { return cmp.Or(a.due.Compare(b.due), cmp.Compare(a.id, b.id)) })
	slices.SortStableFunc(entries, func(a, b entry) int {
		if r.Sort == workqueue.ByScore && (a.score < 0) != (b.score < 0) {
			return cmp.Compare(b.score, a.score) // none is last, whichever comes first
		}
		if r.Reverse {
			return key(b, a)
		}
		return key(a, b)
	})
	if r.Grouped {
		slices.SortStableFunc(entries, func(a, b entry) int { return cmp.Compare(a.group, b.group) })
	}
	for _, e := range entries {
		ids = append(ids, e.id)
	}
	return ids, groups
}

// Any list, walked in pages of any size, is that of the oracle.
func TestOf_Property(t *testing.T) {
	w := territory(t, 150)
	all := facts(w)
	rapid.Check(t, func(t *rapid.T) {
		r := workqueue.Request{
			Due:      rapid.SliceOfN(rapid.SampledFrom(workqueue.Groups()), 0, 2).Draw(t, "due"),
			Records:  rapid.SliceOfN(rapid.SampledFrom([]string{"lead", "opportunity"}), 0, 1).Draw(t, "records"),
			Types:    rapid.SliceOfN(rapid.SampledFrom([]sequence.StepType{4202, 4210, 4212, 5}), 0, 3).Draw(t, "types"),
			Unopened: rapid.Bool().Draw(t, "unopened"), Followed: rapid.Bool().Draw(t, "followed"),
			Sort:    rapid.SampledFrom(workqueue.Sorts()).Draw(t, "sort"),
			Reverse: rapid.Bool().Draw(t, "reverse"), Grouped: rapid.Bool().Draw(t, "grouped"),
			Top: rapid.IntRange(7, 200).Draw(t, "top"),
		}
		if len(r.Due) == 0 {
			r.Due = nil
		}
		if len(r.Records) == 0 {
			r.Records = nil
		}
		if len(r.Types) == 0 {
			r.Types = nil
		}
		want, groups := oracle(w, all, r)
		var got []string
		for {
			list, err := w.Queues.Of(t.Context(), salestest.Manager(), r)
			if err != nil {
				t.Fatal(err)
			}
			if d := diff.Diff(groups, list.Groups); d != "" {
				t.Fatalf("groups (-want +got):\n%s", d)
			}
			for _, item := range list.Items {
				got = append(got, string(item.ID))
			}
			if r.Token = list.Next; r.Token == "" {
				break
			}
		}
		if d := diff.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("(-want +got):\n%s", d)
		}
	})
}

// What is done between two pages moves nothing off the second one.
func TestOf_PagesWhileItemsAreDone(t *testing.T) {
	w := newWorld(t)
	seq := w.Sequence(1, "lead")
	for n := range 4 {
		record := w.Lead(n, nil)
		w.Connect(record, seq)
		w.due(record, salestest.Now().Add(time.Duration(n)*time.Minute))
	}
	first := w.list(salestest.Manager(), workqueue.Request{Top: 2})
	for _, item := range first.Items {
		w.Update("msdyn_sequencetargetstep", string(item.ID), values{"statuscode": int64(2)})
	}
	second := w.list(salestest.Manager(), workqueue.Request{Top: 2, Token: first.Next})
	if len(second.Items) != 2 || second.Items[0].RecordName != "Lead 2" || second.Next != "" {
		t.Errorf("%v", shown(second.Items))
	}
	_, err := w.Queues.Of(t.Context(), salestest.Manager(), request(workqueue.Request{Sort: workqueue.ByDue, Token: first.Next}))
	salestest.Refused(t, err, sales.Invalid, "Token")
}
