package right_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"segue/internal/doctest"
	"segue/internal/sales"
	"segue/internal/sales/right"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// rights are the privileges by their letters.
var rights = []struct {
	letter string
	p      sales.Privilege
}{
	{"C", sales.Create}, {"R", sales.Read}, {"W", sales.Write}, {"D", sales.Delete},
	{"A", sales.Append}, {"T", sales.AppendTo}, {"G", sales.Assign},
}

var roles = []string{sales.SystemAdministrator, sales.SequenceManager, sales.SalesManager, sales.Salesperson}

// privileges is docs/domain.md §12.2 as it was decided, a table a line and the roles
// in the order of roles; of each right, in the order C R W D A T G, the level: none
// (.), own (o), business unit (u) or organization (O).
const privileges = `
	msdyn_sequence            OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	msdyn_sequencetarget      OOOOOOO  OOO.OOO  OOO.OOO  oOo.ooo
	msdyn_sequencetargetstep  OOOOOOO  OOO.O.O  OOO.O.O  oOo.o.o
	msdyn_segment             OOOOOOO  OOOOOO.  OOOOOO.  .O.....
	msdyn_segmentattribute    OOOOOOO  OOOOOO.  OOOOOO.  .O.....
	systemuser                OOOOOOO  .O...O.  .O...O.  .O...O.
	team                      OOOOOOO  .O...O.  .O...O.  .O...O.
	teammembership            OOOOOOO  .O.....  .O.....  .O.....
	businessunit              OOOOOOO  .O...O.  .O...O.  .O...O.
	organization              OOOOOOO  .O.....  .O.....  .O.....
	msdyn_salesroutingrun     .O.....  .O.....  .O.....  .O.....
	segue_parkedchange        .O.O...  .......  .......  .......
	segue_erasure             OO.....  .......  .......  .......
	segue_job                 .OO....  .......  .OO....  .......
	segue_calendar            OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	segue_absence             OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	segue_holiday             OOOOOOO  OOOOOOO  OOOOOOO  .O...O.
	segue_send                OO.....  .O.....  .O.....  .O.....
	segue_suppression         OOOOOOO  OOOO...  OOOO...  .O.....
	template                  OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	userquery                 OOOOOOO  ooooooo  ooooooo  ooooooo
	savedquery                OOOOOOO  OOOOOOO  OOOOOOO  .O...O.
	lead                      OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	opportunity               OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	account                   OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	contact                   OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	task                      OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	email                     OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	opportunityclose          OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	phonecall                 OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	campaign                  OOOOOOO  OOOOOOO  OOOOOOO  oOoooOo
	pricelevel                OOOOOOO  OOOOOOO  OOOOOOO  .O...O.
	transactioncurrency       OOOOOOO  OOOOOOO  OOOOOOO  .O...O.
`

var levels = map[byte]right.Level{'.': right.None, 'o': right.Own, 'u': right.Unit, 'O': right.Organization}

// decided reads privileges: the level of a role's right on a table, and the tables.
func decided(t *testing.T) (level func(table, role string, n int) right.Level, tables []string) {
	t.Helper()
	cells := map[string][]string{}
	for line := range strings.Lines(strings.TrimSpace(privileges)) {
		fields := strings.Fields(line)
		if len(fields) != 1+len(roles) {
			t.Fatalf("%q", line)
		}
		cells[fields[0]], tables = fields[1:], append(tables, fields[0])
	}
	return func(table, role string, n int) right.Level {
		for i, r := range roles {
			if r == role {
				return levels[cells[table][i][n]]
			}
		}
		return right.None
	}, tables
}

func defaultSchema(t *testing.T) *schema.Schema {
	t.Helper()
	return schematest.Tables(t)
}

// Every cell of the matrix is as it was decided, and every table on the wire is in it.
func TestMatrix_12_2(t *testing.T) {
	s, matrix := defaultSchema(t), right.DefaultMatrix()
	want, tables := decided(t)
	for _, table := range s.Tables() {
		if table.Set == "" {
			continue
		}
		as := table.Name
		if prefix, _, ok := strings.Cut(as, "_"); ok && prefix != "msdyn" && prefix != "segue" { // it was added to the product's own
			as = name.Lead
		}
		if !slices.Contains(tables, as) {
			t.Errorf("nobody decided who may do what with %s", table.Name)
			continue
		}
		for _, role := range roles {
			c := sales.Caller{ID: name.UserID(id("user", 1)), Roles: []string{role}}
			for i, each := range rights {
				if got := matrix.Level(c, table, each.p); got != want(as, role, i) {
					t.Errorf("%s, %s, %v: level %v, want %v", role, table.Name, each.p, got, want(as, role, i))
				}
			}
		}
	}
	if err := matrix.Check(s); err != nil {
		t.Error(err)
	}
}

// Several roles count together, an unknown one for nothing, the engine for all.
func TestMatrix_Roles(t *testing.T) {
	matrix, lead := right.DefaultMatrix(), defaultSchema(t).Table(name.Lead)
	for _, test := range []struct {
		roles []string
		want  right.Level
	}{
		{nil, right.None},
		{[]string{"System Customizer"}, right.None},
		{[]string{"System Customizer", sales.Salesperson}, right.Own},
		{[]string{sales.Salesperson, sales.SalesManager}, right.Organization},
	} {
		if got := matrix.Level(sales.Caller{Roles: test.roles}, lead, sales.Write); got != test.want {
			t.Errorf("%q: %v, want %v", test.roles, got, test.want)
		}
	}
	if got := matrix.Level(sales.Engine(), lead, sales.Write); got != right.Organization {
		t.Errorf("the engine: %v", got)
	}
}

// Whoever acts for a user does what both may do, and administrators alone act.
func TestMatrix_Acting(t *testing.T) {
	matrix, s := right.DefaultMatrix(), defaultSchema(t)
	lead, users := s.Table(name.Lead), s.Table(name.User)
	level := func(role, actor string) right.Level {
		return matrix.Level(sales.Caller{Roles: []string{role}, Actor: &sales.Actor{Roles: []string{actor}}}, lead, sales.Write)
	}
	for _, role := range roles {
		if got, want := level(role, sales.SystemAdministrator), matrix.Level(sales.Caller{Roles: []string{role}}, lead, sales.Write); got != want {
			t.Errorf("an administrator for a %s: %v, want %v", role, got, want)
		}
		acts := matrix.Level(sales.Caller{Roles: []string{role}}, users, sales.ActOnBehalf)
		if (acts == right.Organization) != (role == sales.SystemAdministrator) {
			t.Errorf("%s acts at level %v", role, acts)
		}
	}
	if got := level(sales.SystemAdministrator, sales.Salesperson); got != right.Own {
		t.Errorf("a salesperson for an administrator: %v", got)
	}
	if got := level(sales.SystemAdministrator, "System Customizer"); got != right.None {
		t.Errorf("somebody without rights for an administrator: %v", got)
	}
}

// A matrix that cannot mean what it says is refused at the start.
func TestMatrix_CheckRefuses(t *testing.T) {
	s := defaultSchema(t)
	for _, test := range []struct {
		name  string
		line  right.Line
		parts []string
	}{
		{"a table that is not there", right.Line{Tables: sales.OfTable("leda")}, []string{"leda"}},
		{"own users", right.Line{Tables: sales.OfTable(name.User), Salesperson: right.Grant{Own: sales.Write}}, []string{name.User, "own", "organization"}},
		{"segment orders of a unit", right.Line{Tables: sales.OfTable(name.SegmentAttribute), SalesManager: right.Grant{Unit: sales.Read}}, []string{name.SegmentAttribute}},
	} {
		err := right.Matrix{test.line}.Check(s)
		if err == nil {
			t.Errorf("%s: accepted", test.name)
			continue
		}
		for _, part := range test.parts {
			if !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %q does not say %q", test.name, err, part)
			}
		}
	}
}

// docs/domain.md prints the matrix that is in force.
func TestMatrixIsPublished(t *testing.T) {
	var table strings.Builder
	fmt.Fprintf(&table, "| table | %s |\n|---|---|---|---|---|\n", strings.Join(roles, " | "))
	for _, line := range right.DefaultMatrix() {
		label := line.Tables.String()
		switch line.Tables {
		case sales.OfTrait(name.UserOwnedTrait):
			label = "every other table whose rows have owners"
		case sales.EveryTable():
			label = "every other table"
		default:
			label = "`" + label + "`"
		}
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", label,
			cell(line.Administrator), cell(line.SequenceManager), cell(line.SalesManager), cell(line.Salesperson))
	}
	doctest.Block(t, "../../../docs/domain.md", "privileges", table.String())
}

// cell is the rights of a role on a table, by level.
func cell(g right.Grant) string {
	var parts []string
	for _, level := range []right.Level{right.Organization, right.Unit, right.Own} {
		letters := ""
		for _, each := range rights {
			if g.Level(each.p) == level {
				letters += " " + each.letter
			}
		}
		if letters != "" {
			parts = append(parts, level.String()+":"+letters)
		}
	}
	if parts == nil {
		return "–"
	}
	return strings.Join(parts, "; ")
}
