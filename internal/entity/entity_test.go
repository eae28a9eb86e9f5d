package entity_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

func TestCreate_FillsInWhatIsLeftOut(t *testing.T) {
	w := newWorld(t, boot.Options{NewID: func() string { return id("made", 1) }})
	row, err := w.Entities.Create(t.Context(), manager(), "lead", "", schematest.Row(values{"subject": "A", "firstname": "Ann", "lastname": "Bee"}))
	if err != nil {
		t.Fatal(err)
	}
	me := link("systemuser", string(manager().ID))
	for column, want := range map[string]schema.Value{
		"leadid": schema.Text(id("made", 1)), "fullname": schema.Text("Ann Bee"), "ownerid": schema.Ref(me), "createdby": schema.Ref(me), "modifiedby": schema.Ref(me),
		"createdon": schema.Time(salestest.Now()), "modifiedon": schema.Time(salestest.Now()), "statecode": schema.Int(0), "statuscode": schema.Int(1), "leadqualitycode": schema.Int(2),
		"segue_connected": schema.Bool(false),
	} {
		if got, err := row.Value(column); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s is %v, %v, want %v", column, got, err, want)
		}
	}
	if d := cmp.Diff(row.Values(), w.Row("lead", row.ID).Values()); d != "" {
		t.Errorf("answered and stored differ:\n%s", d)
	}
}

// A row that is moved here keeps the moment at which it was made, also for the
// lists in its order, and says when it came (docs/domain.md §4).
func TestCreate_OverriddenCreatedOn(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	made := func(day int) time.Time { return time.Date(2019, 5, day, 8, 0, 0, 0, time.UTC) }
	var want []string
	for day := 3; day > 0; day-- {
		row := w.Create("task", id("task", day), values{"subject": "T", "regardingobjectid": lookup(lead), "overriddencreatedon": made(day)})
		if got := row.Time("createdon"); !got.Equal(made(day)) {
			t.Errorf("createdon is %v, want %v", got, made(day))
		}
		if got := row.Time("overriddencreatedon"); !got.Equal(salestest.Now()) {
			t.Errorf("overriddencreatedon is %v, want %v", got, salestest.Now())
		}
		want = append([]string{row.ID}, want...)
	}
	var got []string
	for _, row := range w.List("task", values{"regardingobjectid": lookup(lead)}) {
		got = append(got, row.ID)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("tasks by createdon (-want +got):\n%s", d)
	}
	w.Untouched(t, func() {
		for _, same := range []time.Time{made(2), salestest.Now()} { // as it was given, as it reads
			if err := w.TryUpdate("task", id("task", 2), values{"subject": "T", "overriddencreatedon": same}); err != nil {
				t.Errorf("overriddencreatedon again as %v: %v", same, err)
			}
		}
		err := w.TryUpdate("task", id("task", 2), values{"overriddencreatedon": made(3)})
		if broken, ok := errors.AsType[*schema.Error](err); !ok || broken.Rule != schema.RuleReadOnly {
			t.Errorf("overriddencreatedon changed: %v, want rule %q", err, schema.RuleReadOnly)
		}
	})
}

// What a client has read it may send back (docs/webapi.md §8).
func TestUpdate_OfWhatNobodyMaySet(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, values{"importsequencenumber": int64(7)})
	row := w.Row("lead", lead.ID)
	all := values{"leadid": row.ID, "versionnumber": row.Version, "createdby": row.Lookup("createdby"), "createdonbehalfby": nil}
	for column, v := range row.Values() {
		if row.Table.Column(column).Write != schema.Hidden {
			all[column] = v
		}
	}
	w.Untouched(t, func() {
		if err := w.TryUpdate("lead", lead.ID, all); err != nil {
			t.Error(err)
		}
	})
	all["subject"] = "New"
	w.Update("lead", lead.ID, all)
	if got := w.Row("lead", lead.ID).Text("subject"); got != "New" {
		t.Errorf("the subject is %q", got)
	}
	all["subject"] = "Newer" // with the version that was
	w.Untouched(t, func() {
		err := w.TryUpdate("lead", lead.ID, all)
		if broken, ok := errors.AsType[*schema.Error](err); !ok || broken.Column != "versionnumber" {
			t.Errorf("an old version: %v, want it refused", err)
		}
	})
}

func TestCreate_OwnerNamed(t *testing.T) {
	w := newWorld(t, boot.Options{})
	team := w.Team(1)
	if got := w.Row("lead", w.Lead(1, values{"ownerid": team}).ID).Lookup("ownerid"); got != team {
		t.Errorf("the owner is %v", got)
	}
}

func TestCreate_TwiceIsADuplicate(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	w.Refuses(t, sales.Duplicate, func() error {
		_, err := w.Entities.Create(t.Context(), manager(), "lead", lead.ID, schematest.Row(values{"subject": "B", "lastname": "B"}))
		return err
	}, lead.ID)
}

// wrong is input that the schema refuses, and the rule.
func wrong() map[string]struct {
	v    values
	rule schema.Rule
} {
	return map[string]struct {
		v    values
		rule schema.Rule
	}{
		"unknown column":       {values{"colour": "red"}, schema.RuleUnknown},
		"hidden column":        {values{"segue_live": "{}"}, schema.RuleUnknown},
		"column of Segue's":    {values{"msdyn_segmentid": link("msdyn_segment", id("segment", 1))}, schema.RuleReadOnly},
		"unknown option":       {values{"leadsourcecode": int64(77)}, schema.RuleOption},
		"type":                 {values{"subject": int64(1)}, schema.RuleType},
		"length":               {values{"lastname": fmt.Sprintf("%051d", 1)}, schema.RuleLength},
		"range":                {values{"numberofemployees": int64(-1)}, schema.RuleRange},
		"broken id":            {values{"ownerid": link("systemuser", "7")}, schema.RuleType},
		"lookup of the wrong":  {values{"ownerid": link("lead", id("lead", 1))}, schema.RuleLookupTarget},
		"status of no state":   {values{"statuscode": int64(99)}, schema.RuleOption},
		"status of another":    {values{"statecode": int64(0), "statuscode": int64(3)}, schema.RuleStatusPair},
		"state that is none":   {values{"statecode": int64(9)}, schema.RuleOption},
		"connected by columns": {values{"segue_connected": true}, schema.RuleReadOnly},
	}
}

func TestCreateAndUpdate_RefuseWhatTheSchemaRefuses(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	for name, test := range wrong() {
		t.Run(name, func(t *testing.T) {
			for _, call := range []func() error{
				func() error {
					all := values{"subject": "A", "lastname": "B"}
					for column, v := range test.v {
						all[column] = v
					}
					_, err := w.Entities.Create(t.Context(), manager(), "lead", "", schematest.Row(all))
					return err
				},
				func() error { return w.TryUpdate("lead", lead.ID, test.v) },
			} {
				w.Untouched(t, func() {
					err := call()
					broken, ok := errors.AsType[*schema.Error](err)
					if !ok || broken.Rule != test.rule || !errors.Is(err, sales.Invalid) {
						t.Errorf("got %v, want rule %q", err, test.rule)
					}
				})
			}
		})
	}
}

func TestUnknownTables(t *testing.T) {
	w := newWorld(t, boot.Options{})
	for _, table := range []string{"leda", "segue_ledger"} { // the second is not on the wire
		ref := rows.Ref{Table: table, ID: id("x", 1)}
		for name, call := range map[string]func() error{
			"create": func() error { _, err := w.Entities.Create(t.Context(), manager(), table, "", nil); return err },
			"update": func() error {
				_, _, err := w.Entities.Update(t.Context(), manager(), ref, nil, entity.If{})
				return err
			},
			"delete":   func() error { return w.Entities.Delete(t.Context(), manager(), ref, entity.If{}) },
			"retrieve": func() error { _, err := w.Entities.Retrieve(t.Context(), manager(), ref); return err },
			"list": func() error {
				_, err := w.Entities.List(t.Context(), manager(), table, query.Query{Limit: 1})
				return err
			},
		} {
			t.Run(name+" "+table, func(t *testing.T) { w.Refuses(t, sales.NotFound, call, table) })
		}
	}
}

// TestConditions_webapi_10 is the table of docs/webapi.md §10.
func TestConditions_webapi_10(t *testing.T) {
	const there, gone = true, false
	for _, test := range []struct {
		name   string
		delete bool
		row    bool
		cond   func(version int64) entity.If
		want   sales.Kind // "": done
	}{
		{"update", false, there, func(int64) entity.If { return entity.If{} }, ""},
		{"update of nothing creates", false, gone, func(int64) entity.If { return entity.If{} }, ""},
		{"update, If-Match: *", false, there, func(int64) entity.If { return entity.If{Exists: true} }, ""},
		{"update of nothing, If-Match: *", false, gone, func(int64) entity.If { return entity.If{Exists: true} }, sales.NotFound},
		{"update, same version", false, there, func(v int64) entity.If { return entity.If{Version: v} }, ""},
		{"update, another version", false, there, func(v int64) entity.If { return entity.If{Version: v - 1} }, sales.Stale},
		{"update of nothing, a version", false, gone, func(v int64) entity.If { return entity.If{Version: v} }, sales.NotFound},
		{"update, If-None-Match: *", false, there, func(int64) entity.If { return entity.If{Absent: true} }, sales.Duplicate},
		{"update of nothing, If-None-Match: *", false, gone, func(int64) entity.If { return entity.If{Absent: true} }, ""},
		{"delete", true, there, func(int64) entity.If { return entity.If{} }, ""},
		{"delete of nothing", true, gone, func(int64) entity.If { return entity.If{} }, sales.NotFound},
		{"delete, same version", true, there, func(v int64) entity.If { return entity.If{Version: v} }, ""},
		{"delete, another version", true, there, func(v int64) entity.If { return entity.If{Version: v - 1} }, sales.Stale},
		{"delete of nothing, a version", true, gone, func(v int64) entity.If { return entity.If{Version: v} }, sales.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			lead := w.Lead(1, nil)
			version := w.Row("lead", lead.ID).Version
			if test.row == gone {
				lead.ID = id("lead", 2)
			}
			changes := values{"subject": "B", "lastname": "B"}
			before := scan(t, w.Store)
			var row *rows.Row
			var created bool
			var err error
			if test.delete {
				err = w.Entities.Delete(t.Context(), manager(), lead, test.cond(version))
			} else {
				row, created, err = w.Entities.Update(t.Context(), manager(), lead, schematest.Row(changes), test.cond(version))
			}
			switch {
			case test.want != "":
				refused(t, err, test.want, lead.ID)
				if d := cmp.Diff(before, scan(t, w.Store)); d != "" {
					t.Error(d)
				}
			case err != nil:
				t.Error(err)
			case test.delete:
				_, err := w.Entities.Retrieve(t.Context(), manager(), lead)
				refused(t, err, sales.NotFound)
			default:
				if d := cmp.Diff(row.Values(), w.Row("lead", lead.ID).Values()); d != "" || created == test.row || test.row && row.Version == version {
					t.Errorf("created %t, version %d, was %d, answered and stored:\n%s", created, row.Version, version, d)
				}
			}
		})
	}
}

func TestUpdate_OfNothingChangedIsNotWritten(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	w.Untouched(t, func() { w.Update("lead", lead.ID, values{"subject": "Topic 1"}) })
	w.Untouched(t, func() { w.Update("lead", lead.ID, nil) })
}

func TestUpdate_StateAndStatusFollowEachOther(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	for _, test := range []struct {
		v    values
		want [2]int64
	}{
		{values{"statuscode": int64(2)}, [2]int64{0, 2}},
		{values{"statecode": int64(0)}, [2]int64{0, 2}}, // the state it is in keeps its status
		{values{"statuscode": int64(5)}, [2]int64{2, 5}},
		{values{"statecode": int64(0)}, [2]int64{0, 1}},
		{values{"statecode": int64(1)}, [2]int64{1, 3}},
	} {
		w.Update("lead", lead.ID, test.v)
		row := w.Row("lead", lead.ID)
		if got := [2]int64{row.Int("statecode"), row.Int("statuscode")}; got != test.want {
			t.Fatalf("%v: state and status %v, want %v", test.v, got, test.want)
		}
	}
}

func TestUpdate_ClearsAColumn(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, values{"companyname": "C"})
	w.Update("lead", lead.ID, values{"companyname": nil})
	if v, there := w.Row("lead", lead.ID).Values()["companyname"]; there {
		t.Errorf("it is %v", v)
	}
}

func TestList_PagesAndRefusesForeignTokens(t *testing.T) {
	w := newWorld(t, boot.Options{})
	for n := range 5 {
		w.Lead(n, nil)
	}
	seen := map[string]bool{}
	token := ""
	for range 3 {
		page, err := w.Entities.List(t.Context(), manager(), "lead", query.Query{Limit: 2, Token: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Rows {
			seen[row.ID] = true
		}
		token = page.Token
	}
	if len(seen) != 5 || token != "" {
		t.Errorf("%d leads in three pages, then %q", len(seen), token)
	}
	_, err := w.Entities.List(t.Context(), manager(), "lead", query.Query{Limit: 2, Token: "made up"})
	refused(t, err, sales.Invalid, "page token")
}

func TestNames(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := lookup(w.Lead(1, nil))
	got, err := w.Entities.Names(t.Context(), []schema.Lookup{lead, lead, link("lead", id("lead", 9)), link("leda", id("lead", 1))})
	if d := cmp.Diff(map[schema.Lookup]string{lead: "Lead 1"}, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

// A table without rules of its own obeys the schema alone.
func TestRows_OfAPlainTable(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := lookup(w.Lead(1, nil))
	call := w.Create("phonecall", id("call", 1), values{"subject": "A", "regardingobjectid": lead}).Ref()
	w.Update("phonecall", call.ID, values{"statecode": int64(1)})
	w.Update("phonecall", call.ID, values{"subject": "B"}) // nothing here makes a closed one read-only
	found := w.List("phonecall", values{"regardingobjectid": lead})
	if len(found) != 1 || found[0].Text("subject") != "B" {
		t.Errorf("found %d", len(found))
	}
	if err := w.Entities.Delete(t.Context(), manager(), call, entity.If{}); err != nil {
		t.Fatal(err)
	}
	if found := w.List("phonecall", values{"regardingobjectid": lead}); len(found) != 0 {
		t.Errorf("%d are left", len(found))
	}
}
