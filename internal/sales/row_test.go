package sales_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
)

func TestCreate_FillsInWhatIsLeftOut(t *testing.T) {
	w := newWorld(t, sales.Options{NewID: func() string { return id("made", 1) }})
	row, err := w.Create(t.Context(), manager(), "lead", "", values{"subject": "A", "firstname": "Ann", "lastname": "Bee"})
	if err != nil {
		t.Fatal(err)
	}
	me := link("systemuser", manager().ID)
	for column, want := range map[string]schema.Value{
		"leadid": id("made", 1), "fullname": "Ann Bee", "ownerid": me, "createdby": me, "modifiedby": me,
		"createdon": clock(), "modifiedon": clock(), "statecode": int64(0), "statuscode": int64(1), "leadqualitycode": int64(2),
		"segue_connected": false,
	} {
		if got, err := row.Value(column); err != nil || !cmp.Equal(got, want) {
			t.Errorf("%s is %v, %v, want %v", column, got, err, want)
		}
	}
	if d := cmp.Diff(row.Values(), w.row("lead", row.ID).Values()); d != "" {
		t.Errorf("answered and stored differ:\n%s", d)
	}
}

func TestCreate_OwnerNamed(t *testing.T) {
	w := newWorld(t, sales.Options{})
	team := link("team", id("team", 1))
	if got := w.row("lead", w.lead(1, values{"ownerid": team}).ID).Lookup("ownerid"); got != team {
		t.Errorf("the owner is %v", got)
	}
}

func TestCreate_TwiceIsADuplicate(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := w.lead(1, nil)
	w.refuses(t, sales.Duplicate, func() error {
		_, err := w.Create(t.Context(), manager(), "lead", lead.ID, values{"subject": "B", "lastname": "B"})
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
		"required is null":     {values{"subject": nil}, schema.RuleRequired},
		"status of no state":   {values{"statuscode": int64(99)}, schema.RuleOption},
		"status of another":    {values{"statecode": int64(0), "statuscode": int64(3)}, schema.RuleStatusPair},
		"state that is none":   {values{"statecode": int64(9)}, schema.RuleOption},
		"connected by columns": {values{"segue_connected": true}, schema.RuleReadOnly},
	}
}

func TestCreateAndUpdate_RefuseWhatTheSchemaRefuses(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := w.lead(1, nil)
	for name, test := range wrong() {
		t.Run(name, func(t *testing.T) {
			for _, call := range []func() error{
				func() error {
					all := values{"subject": "A", "lastname": "B"}
					for column, v := range test.v {
						all[column] = v
					}
					_, err := w.Create(t.Context(), manager(), "lead", "", all)
					return err
				},
				func() error { return w.change("lead", lead.ID, test.v) },
			} {
				w.untouched(t, func() {
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
	w := newWorld(t, sales.Options{})
	for _, table := range []string{"leda", "segue_ledger"} { // the second is not on the wire
		ref := rows.Ref{Table: table, ID: id("x", 1)}
		for name, call := range map[string]func() error{
			"create":   func() error { _, err := w.Create(t.Context(), manager(), table, "", nil); return err },
			"update":   func() error { _, _, err := w.Update(t.Context(), manager(), ref, nil, sales.If{}); return err },
			"delete":   func() error { return w.Delete(t.Context(), manager(), ref, sales.If{}) },
			"retrieve": func() error { _, err := w.Retrieve(t.Context(), manager(), ref); return err },
			"list":     func() error { _, err := w.List(t.Context(), manager(), table, nil, 1, ""); return err },
		} {
			t.Run(name+" "+table, func(t *testing.T) { w.refuses(t, sales.NotFound, call, table) })
		}
	}
}

// TestConditions_webapi_10 is the table of webapi.md §10.
func TestConditions_webapi_10(t *testing.T) {
	const there, gone = true, false
	for _, test := range []struct {
		name   string
		delete bool
		row    bool
		cond   func(version int64) sales.If
		want   sales.Kind // "": done
	}{
		{"update", false, there, func(int64) sales.If { return sales.If{} }, ""},
		{"update of nothing creates", false, gone, func(int64) sales.If { return sales.If{} }, ""},
		{"update, If-Match: *", false, there, func(int64) sales.If { return sales.If{Exists: true} }, ""},
		{"update of nothing, If-Match: *", false, gone, func(int64) sales.If { return sales.If{Exists: true} }, sales.NotFound},
		{"update, same version", false, there, func(v int64) sales.If { return sales.If{Version: v} }, ""},
		{"update, another version", false, there, func(v int64) sales.If { return sales.If{Version: v - 1} }, sales.Stale},
		{"update of nothing, a version", false, gone, func(v int64) sales.If { return sales.If{Version: v} }, sales.NotFound},
		{"update, If-None-Match: *", false, there, func(int64) sales.If { return sales.If{Absent: true} }, sales.Duplicate},
		{"update of nothing, If-None-Match: *", false, gone, func(int64) sales.If { return sales.If{Absent: true} }, ""},
		{"delete", true, there, func(int64) sales.If { return sales.If{} }, ""},
		{"delete of nothing", true, gone, func(int64) sales.If { return sales.If{} }, sales.NotFound},
		{"delete, same version", true, there, func(v int64) sales.If { return sales.If{Version: v} }, ""},
		{"delete, another version", true, there, func(v int64) sales.If { return sales.If{Version: v - 1} }, sales.Stale},
		{"delete of nothing, a version", true, gone, func(v int64) sales.If { return sales.If{Version: v} }, sales.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, sales.Options{})
			lead := w.lead(1, nil)
			version := w.row("lead", lead.ID).Version
			if test.row == gone {
				lead.ID = id("lead", 2)
			}
			changes := values{"subject": "B", "lastname": "B"}
			before := scan(t, w.store)
			var row *rows.Row
			var created bool
			var err error
			if test.delete {
				err = w.Delete(t.Context(), manager(), lead, test.cond(version))
			} else {
				row, created, err = w.Update(t.Context(), manager(), lead, changes, test.cond(version))
			}
			switch {
			case test.want != "":
				refused(t, err, test.want, lead.ID)
				if d := cmp.Diff(before, scan(t, w.store)); d != "" {
					t.Error(d)
				}
			case err != nil:
				t.Error(err)
			case test.delete:
				_, err := w.Retrieve(t.Context(), manager(), lead)
				refused(t, err, sales.NotFound)
			default:
				if d := cmp.Diff(row.Values(), w.row("lead", lead.ID).Values()); d != "" || created == test.row || test.row && row.Version == version {
					t.Errorf("created %t, version %d, was %d, answered and stored:\n%s", created, row.Version, version, d)
				}
			}
		})
	}
}

func TestUpdate_OfNothingChangedIsNotWritten(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := w.lead(1, nil)
	w.untouched(t, func() { w.update("lead", lead.ID, values{"subject": "Topic 1"}) })
	w.untouched(t, func() { w.update("lead", lead.ID, nil) })
}

func TestUpdate_StateAndStatusFollowEachOther(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := w.lead(1, nil)
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
		w.update("lead", lead.ID, test.v)
		row := w.row("lead", lead.ID)
		if got := [2]int64{row.Int("statecode"), row.Int("statuscode")}; got != test.want {
			t.Fatalf("%v: state and status %v, want %v", test.v, got, test.want)
		}
	}
}

func TestUpdate_ClearsAColumn(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := w.lead(1, values{"companyname": "C"})
	w.update("lead", lead.ID, values{"companyname": nil})
	if v, there := w.row("lead", lead.ID).Values()["companyname"]; there {
		t.Errorf("it is %v", v)
	}
}

func TestList_PagesAndRefusesForeignTokens(t *testing.T) {
	w := newWorld(t, sales.Options{})
	for n := range 5 {
		w.lead(n, nil)
	}
	seen := map[string]bool{}
	token := ""
	for range 3 {
		page, err := w.List(t.Context(), manager(), "lead", nil, 2, token)
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
	_, err := w.List(t.Context(), manager(), "lead", nil, 2, "made up")
	refused(t, err, sales.Invalid, "page token")
}

func TestNames(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := lookup(w.lead(1, nil))
	got, err := w.Names(t.Context(), []schema.Lookup{lead, lead, link("lead", id("lead", 9)), link("leda", id("lead", 1))})
	if d := cmp.Diff(map[schema.Lookup]string{lead: "Lead 1"}, got); d != "" || err != nil {
		t.Errorf("%v\n%s", err, d)
	}
}

func TestCount(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	seg := w.segment(1, web, seq, nil)
	w.lead(1, values{sources: int64(8)})
	w.lead(2, values{sources: int64(8), "statuscode": leadContacted})
	w.lead(3, nil)
	w.settle()
	got, err := w.Count(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := sales.Census{
		Rows: map[string]int{
			"lead": 3, "msdyn_sequence": 1, "msdyn_segment": 2, "msdyn_segmentattribute": 1,
			"msdyn_sequencetarget": 1, "msdyn_sequencetargetstep": 1, "segue_ledger": 2,
		},
		Segments: []sales.Place{
			{Table: "lead", ID: seg, Name: "Segment 1", Records: 2},
			{Table: "lead", ID: w.defaultSegment().ID, Name: "Default segment"},
		},
		Sequences: []sales.Place{{Table: "lead", ID: seq, Name: "Sequence 1", Records: 1}},
	}
	if d := cmp.Diff(want, got, byName()); d != "" {
		t.Error(d)
	}
}

// byName compares places in any order.
func byName() cmp.Option {
	return cmpopts.SortSlices(func(a, b sales.Place) bool { return a.Name < b.Name })
}

// A table without rules of its own obeys the schema alone.
func TestRows_OfAPlainTable(t *testing.T) {
	w := newWorld(t, sales.Options{})
	lead := lookup(w.lead(1, nil))
	call := w.create("phonecall", id("call", 1), values{"subject": "A", "regardingobjectid": lead}).Ref()
	w.update("phonecall", call.ID, values{"statecode": int64(1)})
	w.update("phonecall", call.ID, values{"subject": "B"}) // nothing here makes a closed one read-only
	found := w.list("phonecall", values{"regardingobjectid": lead})
	if len(found) != 1 || found[0].Text("subject") != "B" {
		t.Errorf("found %d", len(found))
	}
	if err := w.Delete(t.Context(), manager(), call, sales.If{}); err != nil {
		t.Fatal(err)
	}
	if found := w.list("phonecall", values{"regardingobjectid": lead}); len(found) != 0 {
		t.Errorf("%d are left", len(found))
	}
}
