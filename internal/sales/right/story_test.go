package right_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/entity"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/right"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// does changes a row for good.
func (c company) does(who sales.Caller, ref rows.Ref, v values) error {
	_, _, err := c.Entities.Update(c.T.Context(), who, ref, schematest.Row(v), entity.If{Exists: true})
	return err
}

func member(n int, roles ...string) sales.Caller {
	return sales.Caller{ID: name.UserID(id("user", n)), Roles: roles}
}

// A salesperson connects own records, and those of a team, to any sequence, and
// nobody else's; the same holds for disconnecting.
func TestRights_12_2_Connect(t *testing.T) {
	c := newCompany(t, nil)
	seller := caller(sales.Salesperson)
	sequence := c.Sequence(1, "lead") // the manager's
	for relation, owner := range c.owners {
		t.Run(relation, func(t *testing.T) {
			lead := c.Lead(len(relation), values{"ownerid": owner})
			connect := func() error {
				_, err := c.Connections.Connect(t.Context(), seller, connection.Request{Record: lead, Sequence: name.SequenceID(sequence)})
				return err
			}
			disconnect := func() error {
				_, err := c.Connections.Disconnect(t.Context(), seller, lead, "")
				return err
			}
			disconnectTarget := func(target string) func() error {
				return func() error {
					_, err := c.Connections.DisconnectTarget(t.Context(), seller, lead, name.SequenceTargetID(target), "")
					return err
				}
			}
			if allows(right.Own, relation) {
				for _, do := range []func() error{connect, disconnect, connect} {
					if err := do(); err != nil {
						t.Error(err)
					}
				}
				target := c.List("msdyn_sequencetarget", values{"msdyn_target": salestest.Lookup(lead), "statecode": int64(0)})[0]
				if err := disconnectTarget(target.ID)(); err != nil {
					t.Error(err)
				}
				return
			}
			c.Refuses(t, sales.Forbidden, connect, "missing prvWritelead at level ")
			target := c.Connect(lead, sequence)
			c.Refuses(t, sales.Forbidden, disconnect, "missing prvWritelead at level ")
			c.Refuses(t, sales.Forbidden, disconnectTarget(target.ID), "missing prvWritelead at level ")
		})
	}
}

// In a selection each record is refused by itself.
func TestRights_12_2_Selection(t *testing.T) {
	c := newCompany(t, nil)
	seller := caller(sales.Salesperson)
	sequence := name.SequenceID(c.Sequence(1, "lead"))
	own, other := c.Lead(1, values{"ownerid": c.owners[mine]}), c.Lead(2, values{"ownerid": c.owners[unit]})
	check := func(outcomes []connection.Outcome, err error) {
		t.Helper()
		if err != nil || len(outcomes) != 2 || outcomes[0].Err != nil {
			t.Fatalf("%+v, %v", outcomes, err)
		}
		refused(t, outcomes[1].Err, sales.Forbidden, "prvWritelead at level business unit")
	}
	check(c.Connections.ConnectSelection(t.Context(), seller, sequence, []rows.Ref{own, other}, false))
	c.Connect(other, string(sequence))
	check(c.Connections.DisconnectSelection(t.Context(), seller, sequence, []rows.Ref{own, other}, false))
	if target := c.Target(other); target.Int("statecode") != 0 {
		t.Error("a colleague's record was disconnected")
	}
}

// Steps are worked on by their owner and by the owner of the record, whoever has
// which; nobody else completes, skips, renames or takes one.
func TestRights_12_2_Steps(t *testing.T) {
	c := newCompany(t, nil)
	sequence := c.Sequence(1, "lead")
	step := func(n int) rows.Ref {
		return c.Step(c.Connect(c.Lead(n, values{"ownerid": c.owners[mine]}), sequence)).Ref()
	}
	helper, thief := member(colleague, sales.Salesperson), member(stranger, sales.Salesperson)
	n := 0
	for what, v := range map[string]values{
		"complete": {"statuscode": int64(2)}, "skip": {"statuscode": int64(3)}, "rename": {"msdyn_name": "N"}, "take": {"ownerid": c.owners[others]},
		"take and complete": {"ownerid": c.owners[others], "statuscode": int64(2)},
	} {
		t.Run(what, func(t *testing.T) {
			n++
			open := step(n)
			c.Refuses(t, sales.Forbidden, func() error { return c.does(thief, open, v) }, "missing prvWritemsdyn_sequencetargetstep at level organization")
		})
	}
	given := step(100)
	if err := c.does(caller(sales.Salesperson), given, values{"ownerid": c.owners[unit]}); err != nil {
		t.Fatalf("give a step to somebody: %v", err)
	}
	if err := c.does(helper, given, values{"msdyn_description": "I do it"}); err != nil {
		t.Errorf("whom the step was given to: %v", err)
	}
	if err := c.does(caller(sales.Salesperson), given, values{"statuscode": int64(2)}); err != nil {
		t.Errorf("the owner of the record: %v", err)
	}
	// The record goes to somebody else: the open step stays, and both may do it.
	lead := c.Lead(101, values{"ownerid": c.owners[mine]})
	open := c.Step(c.Connect(lead, sequence)).Ref()
	if err := c.does(caller(sales.Salesperson), lead, values{"ownerid": c.owners[unit]}); err != nil {
		t.Fatalf("give a record to somebody: %v", err)
	}
	c.Refuses(t, sales.Forbidden, func() error { return c.does(caller(sales.Salesperson), lead, values{"subject": "Still mine?"}) }, "prvWritelead at level business unit")
	if err := c.does(helper, open, values{"msdyn_description": "My record"}); err != nil {
		t.Errorf("the new owner of the record: %v", err)
	}
	if err := c.does(caller(sales.Salesperson), open, values{"statuscode": int64(2)}); err != nil {
		t.Errorf("the owner of the step: %v", err)
	}
}

// belongs is what a row says of whom it belongs to.
func belongs(row *rows.Row) [4]schema.Lookup {
	return [4]schema.Lookup{row.Lookup("ownerid"), row.Lookup("owninguser"), row.Lookup("owningteam"), row.Lookup("owningbusinessunit")}
}

// The columns that follow from the owner do so wherever a row comes from.
func TestRights_12_2_OwningColumns(t *testing.T) {
	c := newCompany(t, nil)
	unitOf := map[string]schema.Lookup{mine: link("businessunit", id("unit", 1)), team: link("businessunit", id("unit", 3)), child: link("businessunit", id("unit", 2))}
	want := func(relation string) [4]schema.Lookup {
		owner := c.owners[relation]
		w := [4]schema.Lookup{owner, owner, {}, unitOf[relation]}
		if owner.Table == "team" {
			w[1], w[2] = w[2], w[1]
		}
		return w
	}
	check := func(what string, ref rows.Ref, relation string) {
		t.Helper()
		if d := cmp.Diff(want(relation), belongs(c.Row(ref.Table, ref.ID))); d != "" {
			t.Errorf("%s: owner, user, team, unit (-want +got):\n%s", what, d)
		}
	}
	seller := caller(sales.Salesperson)
	row, err := c.Entities.Create(t.Context(), seller, "lead", id("lead", 1), schematest.Row(values{"subject": "A", "lastname": "B"}))
	if err != nil {
		t.Fatal(err)
	}
	lead := row.Ref()
	check("the caller's", lead, mine)
	check("a team's", c.Lead(2, values{"ownerid": c.owners[team]}), team)
	check("made by Segue", c.engine("lead", id("lead", 3), values{"subject": "A", "lastname": "B", "ownerid": c.owners[child]}), child)
	target := c.Connect(lead, c.Sequence(1, "lead"))
	check("target", target.Ref(), mine)
	first := c.Step(target).Ref()
	check("step", first, mine)
	c.Update("lead", lead.ID, values{"ownerid": c.owners[team]})
	check("assigned", lead, team)
	check("target of an assigned record", target.Ref(), team)
	check("its open step", first, mine)
	target = c.Finish(target, 2)
	second := c.Step(target).Ref()
	check("the step after it", second, team)
	c.Update("msdyn_sequencetargetstep", second.ID, values{"ownerid": c.owners[child]})
	check("a step that is given to somebody", second, child)
	third := c.Step(c.Finish(target, 3)).Ref()
	check("the step after that", third, team)
}

// What the rights of a caller depend on costs no read where it does not matter, and
// one for all where it does.
func TestRights_Cost(t *testing.T) {
	c := newCompany(t, nil)
	sequence := c.Sequence(1, "lead")
	seller := caller(sales.Salesperson)
	n := 0
	for _, test := range []struct {
		name     string
		relation string
		warm     bool
		reads    int
	}{
		{"own record", mine, false, 1}, // the record
		{"own record, again", mine, true, 1},
		{"record of a team", team, true, 2}, // and the teams, whose rows an index names
		{"record of a team, again", team, true, 1},
	} {
		n++
		lead := c.Lead(n, values{"ownerid": c.owners[test.relation]})
		if !test.warm {
			c.Restart()
			c.Admit(manager())
			c.Admit(seller)
			if _, err := c.Calendars.Schedule(t.Context(), schema.Lookup{}, false); err != nil { // reads the settings
				t.Fatal(err)
			}
			if _, err := c.Sequences.Sequence(t.Context(), name.SequenceID(sequence)); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Settings.Get(t.Context()); err != nil { // those of time
				t.Fatal(err)
			}
		}
		c.Probe.Reset()
		if _, err := c.Connections.Connect(t.Context(), seller, connection.Request{Record: lead, Sequence: name.SequenceID(sequence)}); err != nil {
			t.Fatal(err)
		}
		counts := c.Probe.Counts()
		if got := counts.Gets + counts.Queries; test.reads == 1 && got != 1 || test.reads == 2 && got != 3 || counts.Transactions != 1 {
			t.Errorf("%s: %+v", test.name, counts)
		}
		step := c.Step(c.Target(lead)).ID
		c.Probe.Reset()
		if err := c.does(seller, rows.Ref{Table: "msdyn_sequencetargetstep", ID: step}, values{"statuscode": int64(2)}); err != nil {
			t.Fatal(err)
		}
		if counts := c.Probe.Counts(); counts.Gets != 1 || counts.Queries != 0 {
			t.Errorf("complete a step of %s: %+v, want one read", test.name, counts)
		}
	}
}

// A user who leaves a team or a unit loses what was reached by it, at once in the
// process that wrote it.
func TestRights_FollowTheUser(t *testing.T) {
	c := newCompany(t, at("lead", sales.Write, right.Unit))
	seller := caller(sales.Salesperson)
	ofTeam, ofUnit := c.Lead(1, values{"ownerid": c.owners[team]}), c.Lead(2, values{"ownerid": c.owners[unit]})
	v := values{"subject": "B"}
	for _, lead := range []rows.Ref{ofTeam, ofUnit} {
		if err := c.does(seller, lead, v); err != nil {
			t.Fatal(err)
		}
	}
	membership := c.List("teammembership", nil)[0].Ref()
	if err := c.Entities.Delete(t.Context(), sales.Engine(), membership, entity.If{}); err != nil {
		t.Fatal(err)
	}
	v = values{"subject": "C"}
	c.Refuses(t, sales.Forbidden, func() error { return c.does(seller, ofTeam, v) }, "level organization")
	if err := c.does(sales.Engine(), rows.Ref{Table: "systemuser", ID: id("user", me)}, values{"businessunitid": link("businessunit", id("unit", 3))}); err != nil {
		t.Fatal(err)
	}
	c.Refuses(t, sales.Forbidden, func() error { return c.does(seller, ofUnit, v) }, "level organization")
	if err := c.does(seller, ofTeam, v); err != nil {
		t.Errorf("a row of the unit that the user is in now: %v", err)
	}
}

// A membership is one row, whatever id a client would like.
func TestMembership(t *testing.T) {
	c := newCompany(t, nil)
	admin := caller(sales.SystemAdministrator)
	make := func(rowID string, v values) error {
		_, err := c.Entities.Create(t.Context(), admin, "teammembership", rowID, schematest.Row(v))
		return err
	}
	pair := values{"systemuserid": id("user", me), "teamid": id("team", 1)}
	for _, test := range []struct {
		name string
		call func() error
		want sales.Kind
	}{
		{"again", func() error { return make("", pair) }, sales.Duplicate},
		{"under another id", func() error { return make(id("x", 1), pair) }, sales.Invalid},
		{"in no team", func() error { return make("", values{"systemuserid": id("user", me), "teamid": id("team", 9)}) }, sales.NotFound},
		{"of nobody", func() error { return make("", values{"systemuserid": id("user", 9), "teamid": id("team", 1)}) }, sales.NotFound},
		{"of another user from now on", func() error {
			return c.does(admin, c.List("teammembership", nil)[0].Ref(), values{"systemuserid": id("user", colleague)})
		}, sales.Invalid},
	} {
		t.Run(test.name, func(t *testing.T) { c.Refuses(t, test.want, test.call) })
	}
	if err := make("", values{"systemuserid": id("user", colleague), "teamid": id("team", 1)}); err != nil {
		t.Error(err)
	}
	if got := len(c.List("teammembership", values{"teamid": id("team", 1)})); got != 2 {
		t.Errorf("the team has %d members", got)
	}
}

// Where the right to read does not reach all rows, lists show those that it reaches:
// each once, in full pages, and a page token is the caller's own.
func TestRights_ListsFilter(t *testing.T) {
	for _, test := range []struct {
		level right.Level
		want  []string
	}{
		{right.Own, []string{mine, team}},
		{right.Unit, []string{mine, team, unit}},
		{right.Organization, []string{mine, team, unit, child, others}},
	} {
		t.Run(test.level.String(), func(t *testing.T) {
			c := newCompany(t, at("lead", sales.Read, test.level))
			const each = 7
			want := map[string]bool{}
			for i, relation := range []string{mine, team, unit, child, others} {
				for n := range each {
					lead := c.engine("lead", id("lead", 100*i+n), values{"subject": "A", "lastname": "B", "ownerid": c.owners[relation]})
					if slices.Contains(test.want, relation) {
						want[lead.ID] = true
					}
				}
			}
			got := map[string]bool{}
			token := ""
			for {
				page, err := c.Entities.List(t.Context(), caller(sales.Salesperson), "lead", query.Query{Limit: 5, Token: token})
				if err != nil {
					t.Fatal(err)
				}
				for _, row := range page.Rows {
					if got[row.ID] {
						t.Errorf("%s comes twice", row.ID)
					}
					got[row.ID] = true
				}
				if page.Token == "" {
					break
				}
				if len(page.Rows) != 5 {
					t.Errorf("a page of %d rows with others after it", len(page.Rows))
				}
				if token == "" && test.level < right.Organization {
					_, err := c.Entities.List(t.Context(), member(stranger, sales.Salesperson), "lead", query.Query{Limit: 5, Token: page.Token})
					refused(t, err, sales.Invalid, "page token")
				}
				token = page.Token
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}
