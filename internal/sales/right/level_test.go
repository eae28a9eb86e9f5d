package right_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/right"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// Users of a company: its unit East has a unit below it, North is beside it. Me and
// the colleague are in East; my team is in North.
const (
	me = iota + 20
	colleague
	below
	stranger
)

// company is a world with them.
type company struct {
	*world
	owners map[string]schema.Lookup // by what their rows are to me
}

// What a row is to me.
const (
	mine   = "own"
	team   = "of a team of mine"
	unit   = "same unit"
	child  = "child unit"
	others = "other"
	free   = "without an owner"
)

func newCompany(t *testing.T, matrix right.Matrix) company {
	t.Helper()
	c := company{world: newWorld(t, boot.Options{Rights: matrix})}
	c.owners = map[string]schema.Lookup{
		mine: link("systemuser", id("user", me)), unit: link("systemuser", id("user", colleague)),
		child: link("systemuser", id("user", below)), others: link("systemuser", id("user", stranger)), team: link("team", id("team", 1)),
	}
	for _, row := range []struct {
		table, id string
		v         values
	}{
		{"businessunit", id("unit", 1), values{"name": "East"}},
		{"businessunit", id("unit", 2), values{"name": "East, second floor", "parentbusinessunitid": link("businessunit", id("unit", 1))}},
		{"businessunit", id("unit", 3), values{"name": "North"}},
		{"systemuser", id("user", me), values{"lastname": "Me", "businessunitid": link("businessunit", id("unit", 1))}},
		{"systemuser", id("user", colleague), values{"lastname": "Colleague", "businessunitid": link("businessunit", id("unit", 1))}},
		{"systemuser", id("user", below), values{"lastname": "Below", "businessunitid": link("businessunit", id("unit", 2))}},
		{"systemuser", id("user", stranger), values{"lastname": "Stranger", "businessunitid": link("businessunit", id("unit", 3))}},
		{"team", id("team", 1), values{"name": "Mine", "businessunitid": link("businessunit", id("unit", 3))}},
		{"team", id("team", 2), values{"name": "Not mine", "businessunitid": link("businessunit", id("unit", 3))}},
		{"teammembership", "", values{"systemuserid": id("user", me), "teamid": id("team", 1)}},
	} {
		c.engine(row.table, row.id, row.v)
	}
	return c
}

// engine makes a row on behalf of Segue.
func (c company) engine(table, rowID string, v values) rows.Ref {
	c.T.Helper()
	row, err := c.Entities.Create(c.T.Context(), sales.Engine(), table, rowID, schematest.Row(v))
	if err != nil {
		c.T.Fatalf("create %s: %v", table, err)
	}
	return row.Ref()
}

// caller is me with some roles.
func caller(roles ...string) sales.Caller {
	return sales.Caller{ID: name.UserID(id("user", me)), Roles: roles}
}

// allows says whether a right of a level reaches a row.
func allows(level right.Level, relation string) bool {
	return level >= map[string]right.Level{
		mine: right.Own, team: right.Own, unit: right.Unit, child: right.Organization, others: right.Organization, free: right.Organization,
	}[relation]
}

// errUndo ends a unit of work that is only tried.
var errUndo = errors.New("undo")

// try does something in a unit of work that is not committed.
func (c company) try(do func(tx *rows.Tx) error) error {
	var outcome error
	err := c.DB.Do(c.T.Context(), caller().ID, func(tx *rows.Tx) error {
		outcome = do(tx)
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		c.T.Fatal(err)
	}
	return outcome
}

func (c company) update(who sales.Caller, ref rows.Ref, v values) error {
	return c.try(func(tx *rows.Tx) error {
		_, _, err := c.Entities.UpdateIn(c.T.Context(), tx, who, ref, schematest.Row(v), entity.If{Exists: true})
		return err
	})
}

func (c company) create(who sales.Caller, table string, v values) error {
	return c.try(func(tx *rows.Tx) error {
		_, err := c.Entities.CreateIn(c.T.Context(), tx, who, table, "", schematest.Row(v))
		return err
	})
}

func (c company) remove(who sales.Caller, ref rows.Ref) error {
	return c.try(func(tx *rows.Tx) error { return c.Entities.DeleteIn(c.T.Context(), tx, who, ref, entity.If{}) })
}

// read retrieves a row in three ways, which agree.
func (c company) read(who sales.Caller, ref rows.Ref) error {
	_, err := c.Entities.Retrieve(c.T.Context(), who, ref)
	in := c.try(func(tx *rows.Tx) error {
		_, err := c.Entities.RetrieveIn(c.T.Context(), tx, who, ref)
		return err
	})
	if fmt.Sprint(err) != fmt.Sprint(in) {
		c.T.Errorf("retrieve %v: %v, in a unit of work %v", ref, err, in)
	}
	t := c.DB.Schema().Table(ref.Table)
	page, listErr := c.Entities.List(c.T.Context(), who, ref.Table, query.Query{Limit: 10, Where: &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: t.ID, Operator: filter.Eq, Values: []schema.Value{schema.Text(ref.ID)}},
	}}})
	if listed := listErr == nil && len(page.Rows) == 1; listed != (err == nil) {
		c.T.Errorf("list of %v: %d rows, %v; retrieve: %v", ref, len(page.Rows), listErr, err)
	}
	return err
}

// at is a matrix in which a salesperson may do everything with everything, and one
// right on one table at a level.
func at(table string, p sales.Privilege, level right.Level) right.Matrix {
	var all sales.Privilege
	for _, each := range rights {
		all |= each.p
	}
	g := right.Grant{Organization: all &^ p}
	switch level {
	case right.Own:
		g.Own = p
	case right.Unit:
		g.Unit = p
	case right.Organization:
		g.Organization |= p
	case right.None:
	}
	return right.Matrix{
		{Tables: sales.OfTable(table), Salesperson: g, SalesManager: right.Grant{Organization: all}},
		{Tables: sales.EveryTable(), Salesperson: right.Grant{Organization: all}, SalesManager: right.Grant{Organization: all}},
	}
}

// TestRights_12_2_EachRightAtEachLevel lowers one right at a time and tries it on rows
// of each owner, so that no other right can hide what it does.
func TestRights_12_2_EachRightAtEachLevel(t *testing.T) {
	type attempt = func(c company, relation string) error
	lead := func(relation string) rows.Ref { return rows.Ref{Table: "lead", ID: salestest.ID(relation, 1)} }
	account := func(relation string) schema.Lookup { return link("account", salestest.ID(relation, 2)) }
	seller := caller(sales.Salesperson)
	relations := []string{mine, team, unit, child, others, free}
	for _, each := range []struct {
		table string
		p     sales.Privilege
		do    attempt
	}{
		{"lead", sales.Create, func(c company, relation string) error {
			if relation == free { // there is no such create: the caller is the owner by default
				return c.create(seller, "lead", values{"subject": "A", "lastname": "B", "ownerid": c.owners[others]})
			}
			return c.create(seller, "lead", values{"subject": "A", "lastname": "B", "ownerid": c.owners[relation]})
		}},
		{"lead", sales.Read, func(c company, relation string) error { return c.read(seller, lead(relation)) }},
		{"lead", sales.Write, func(c company, relation string) error {
			return c.update(seller, lead(relation), values{"subject": "B"})
		}},
		{"lead", sales.Delete, func(c company, relation string) error { return c.remove(seller, lead(relation)) }},
		{"lead", sales.Append, func(c company, relation string) error {
			return c.update(seller, lead(relation), values{"parentaccountid": account(others)})
		}},
		{"account", sales.AppendTo, func(c company, relation string) error {
			return c.update(seller, lead(others), values{"parentaccountid": account(relation)})
		}},
		{"lead", sales.Assign, func(c company, relation string) error {
			return c.update(seller, lead(relation), values{"ownerid": link("team", id("team", 2))})
		}},
	} {
		for _, level := range []right.Level{right.None, right.Own, right.Unit, right.Organization} {
			t.Run(fmt.Sprint(each.p, " at level ", level), func(t *testing.T) {
				c := newCompany(t, at(each.table, each.p, level))
				for _, relation := range relations {
					v := values{"subject": "A", "lastname": "B", "ownerid": c.owners[relation]}
					a := values{"name": "A", "ownerid": c.owners[relation]}
					if relation == free {
						delete(v, "ownerid")
						delete(a, "ownerid")
					}
					c.engine("lead", lead(relation).ID, v)
					c.engine("account", account(relation).ID, a)
				}
				for _, relation := range relations {
					err := each.do(c, relation)
					if allows(level, relation) {
						if err != nil {
							t.Errorf("%s: %v", relation, err)
						}
						continue
					}
					needed := "organization"
					switch relation {
					case unit:
						needed = "business unit"
					case mine, team:
						needed = "own"
					}
					if level == right.None && !strings.HasPrefix(each.p.String(), "Append") { // no row is asked about
						needed = "own"
					}
					refused(t, err, sales.Forbidden, fmt.Sprintf("is missing prv%v%s at level %s", each.p, each.table, needed), id("user", me))
				}
			})
		}
	}
}

// representatives are rows of each class of tables, by what they are to me; a table
// without owners has one.
func (c company) representatives() map[string]map[string]rows.Ref {
	c.T.Helper()
	byTable := map[string]map[string]rows.Ref{
		"msdyn_sequence": {}, "msdyn_sequencetarget": {}, "msdyn_sequencetargetstep": {}, "msdyn_segment": {}, "lead": {},
		"systemuser":     {others: {Table: "systemuser", ID: id("user", stranger)}},
		"team":           {others: {Table: "team", ID: id("team", 2)}},
		"teammembership": {others: c.List("teammembership", nil)[0].Ref()},
		"businessunit":   {others: {Table: "businessunit", ID: id("unit", 3)}},
		"organization":   {others: rows.RefTo(name.Organization, c.Principals.Organization().ID)},
		"transactioncurrency": {others: c.engine("transactioncurrency", "", values{"currencyname": "Franc", "isocurrencycode": "CHF", "currencysymbol": "Fr.",
			"currencyprecision": int64(2), "exchangerate": nil})},
	}
	sequence := c.Sequence(1, "lead")
	n := 100
	for relation, owner := range c.owners {
		n++
		lead := c.Lead(n, values{"ownerid": owner})
		target := c.Connect(lead, sequence)
		byTable["lead"][relation] = lead
		byTable["msdyn_sequencetarget"][relation] = target.Ref()
		byTable["msdyn_sequencetargetstep"][relation] = c.Step(target).Ref()
		byTable["msdyn_sequence"][relation] = c.Create("msdyn_sequence", id("sequence", n), values{"msdyn_name": "S", "msdyn_regardingentityname": "lead", "ownerid": owner}).Ref()
		byTable["msdyn_segment"][relation] = c.Create("msdyn_segment", id("segment", n), values{"msdyn_name": "S", "msdyn_objecttype": "lead", "ownerid": owner}).Ref()
	}
	byTable["msdyn_segmentattribute"] = map[string]rows.Ref{others: c.List("msdyn_segmentattribute", nil)[0].Ref()}
	return byTable
}

// harmless is a column of each table that a client may change, and a new value.
func harmless(table string) values {
	return map[string]values{
		"msdyn_sequence": {"msdyn_description": "new"}, "msdyn_sequencetarget": {}, "msdyn_sequencetargetstep": {"msdyn_description": "new"},
		"msdyn_segment": {"msdyn_description": "new"}, "msdyn_segmentattribute": {}, "lead": {"subject": "new"}, "systemuser": {"title": "new"},
		"team": {"description": "new"}, "teammembership": {}, "businessunit": {"name": "new"}, "organization": {"name": "new"},
		"transactioncurrency": {"currencyname": "new"},
	}[table]
}

// TestRights_12_2_EndToEnd tries every right of every role on rows of each class of
// tables, of each owner, through entity: what is refused for want of a privilege is
// what was decided.
func TestRights_12_2_EndToEnd(t *testing.T) {
	c := newCompany(t, nil)
	byTable := c.representatives()
	want, tables := decided(t)
	tried := 0
	for _, role := range append([]string{"System Customizer"}, roles...) {
		who := caller(role)
		for _, table := range tables {
			for relation, ref := range byTable[table] {
				for i, each := range rights {
					do := c.attempt(who, each.p, ref, relation)
					if do == nil {
						continue
					}
					tried++
					err := do()
					is, may := errors.Is(err, sales.Forbidden), allows(want(table, role, i), relation)
					if is == may {
						t.Errorf("%s, %v of %s, %s: %v, want it allowed: %t", role, each.p, table, relation, err, may)
					}
					alone := slices.Contains([]string{"C", "R", "W", "D"}, each.letter) // the others need W too, which may be named first
					if alone && is && !strings.Contains(err.Error(), "missing prv"+each.p.String()+table+" at level ") {
						t.Errorf("%s, %v of %s, %s: %v", role, each.p, table, relation, err)
					}
				}
			}
		}
	}
	if tried < 500 {
		t.Errorf("%d attempts", tried)
	}
	t.Logf("%d attempts", tried)
}

// attempt is the exercise of a right on a row, nil where there is none: rows that
// Segue alone makes are not created by anybody else, rows without owners not
// assigned, and not every table has a lookup that a client writes, or is pointed at
// by one that the role may write.
func (c company) attempt(who sales.Caller, p sales.Privilege, ref rows.Ref, relation string) func() error {
	t := c.DB.Schema().Table(ref.Table)
	owned := t.Is(name.UserOwnedTrait)
	switch p {
	case sales.Create:
		if owned && t.EngineMade {
			return nil
		}
		v := values{}
		for column, value := range (values{"ownerid": c.owners[relation], "msdyn_name": "N", "msdyn_regardingentityname": "lead", "msdyn_objecttype": "lead"}) {
			if t.Column(column) != nil {
				v[column] = value
			}
		}
		return func() error { return c.create(who, ref.Table, v) }
	case sales.Read:
		return func() error { return c.read(who, ref) }
	case sales.Write:
		return func() error { return c.update(who, ref, harmless(ref.Table)) }
	case sales.Delete:
		return func() error { return c.remove(who, ref) }
	case sales.Assign:
		if !owned {
			return nil
		}
		return func() error { return c.update(who, ref, values{"ownerid": link("team", id("team", 2))}) }
	case sales.Append:
		return c.attemptAppend(who, ref)
	case sales.AppendTo:
		return c.attemptAppendTo(who, ref)
	case sales.ActOnBehalf, sales.Everything: // of no row; no single right
	}
	return nil
}

// attemptAppend points the row at another, which everybody may append to.
func (c company) attemptAppend(who sales.Caller, ref rows.Ref) func() error {
	to, ok := map[string]values{
		"lead":           {"transactioncurrencyid": c.List("transactioncurrency", nil)[0]},
		"msdyn_sequence": {"msdyn_parentsequence": link("msdyn_sequence", id("sequence", 1))},
		"msdyn_segment":  {"msdyn_sequence": link("msdyn_sequence", id("sequence", 1))},
		"systemuser":     {"parentsystemuserid": c.owners[others]},
		"team":           {"administratorid": c.owners[others]},
		"businessunit":   {"parentbusinessunitid": link("businessunit", id("unit", 1))},
	}[ref.Table]
	if !ok {
		return nil
	}
	for column, v := range to {
		if row, ok := v.(*rows.Row); ok {
			to[column] = salestest.Lookup(row.Ref())
		}
	}
	return func() error { return c.update(who, ref, to) }
}

// attemptAppendTo points an own row at the row.
func (c company) attemptAppendTo(who sales.Caller, ref rows.Ref) func() error {
	to := salestest.Lookup(ref)
	switch ref.Table {
	case "lead":
		return func() error { return c.create(who, "task", values{"subject": "T", "regardingobjectid": to}) }
	case "transactioncurrency":
		return func() error {
			return c.create(who, "lead", values{"subject": "A", "lastname": "B", "transactioncurrencyid": to})
		}
	case "msdyn_sequence":
		return func() error {
			return c.create(who, "msdyn_sequence", values{"msdyn_name": "N", "msdyn_regardingentityname": "lead", "msdyn_parentsequence": to})
		}
	}
	return nil
}
