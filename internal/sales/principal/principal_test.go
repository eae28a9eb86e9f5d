package principal_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/odata/call"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/principal"
	"segue/internal/sales/salestest"
	"segue/internal/sales/salestest/both"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

type values = salestest.Values

func someone(n int, full, login string) sales.Caller {
	return sales.Caller{ID: name.UserID(salestest.ID("user", n)), Name: full, Login: login, Roles: []string{sales.Salesperson}}
}

// create makes a lead on behalf of a caller.
func create(t testing.TB, parts *boot.Parts, c sales.Caller) error {
	t.Helper()
	_, err := parts.Entities.Create(t.Context(), c, "lead", "", schematest.Row(values{"subject": "A", "lastname": "B"}))
	return err
}

// redriveAll is a write that no use case of entity or connection makes.
func redriveAll(t testing.TB, parts *boot.Parts, c sales.Caller) error {
	t.Helper()
	_, err := parts.Operations().Do(t.Context(), c, operation.Action{Name: "segue_Redrive", Given: call.Arguments{"All": true}})
	return err
}

// A caller becomes a user by the first write, in the root unit, with what the
// token says.
func TestAdmit_MakesTheUser(t *testing.T) {
	for _, test := range []struct {
		name, full, login string
		want              values
	}{
		{"two words", "Ann Bee", "ann@example.com", values{"firstname": "Ann", "lastname": "Bee", "fullname": "Ann Bee", "domainname": "ann@example.com"}},
		{"three words", " Ann  van Bee ", "", values{"firstname": "Ann van", "lastname": "Bee", "fullname": "Ann van Bee", "domainname": "Ann van Bee"}},
		{"one word", "Import", "", values{"firstname": nil, "lastname": "Import", "fullname": "Import", "domainname": "Import"}},
		{"nothing", "", "", values{"firstname": nil, "lastname": salestest.ID("user", 5), "fullname": salestest.ID("user", 5), "domainname": salestest.ID("user", 5)}},
		{"very long", strings.Repeat("é", 400) + " " + strings.Repeat("ö", 400), "", values{
			"firstname": strings.Repeat("é", 128), "lastname": strings.Repeat("ö", 128), "fullname": strings.Repeat("é", 128) + " " + strings.Repeat("ö", 128),
			"domainname": strings.Repeat("é", 400) + " " + strings.Repeat("ö", 111),
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := salestest.New(t, boot.Options{})
			if err := create(t, w.Parts, someone(5, test.full, test.login)); err != nil {
				t.Fatal(err)
			}
			own := w.Principals.Organization()
			test.want["businessunitid"] = salestest.Link("businessunit", string(own.Root))
			test.want["isdisabled"] = false
			row := w.Row("systemuser", salestest.ID("user", 5))
			for column, want := range schematest.Row(test.want) {
				if v, _ := row.Value(column); v != want {
					t.Errorf("%s is %v, want %v", column, v, want)
				}
			}
			if unit := w.Row("businessunit", string(own.Root)); unit.Text("name") != "segue" || unit.Lookup("parentbusinessunitid").ID != "" {
				t.Errorf("the root unit is %v", unit.Values())
			}
			if organization := w.Row("organization", string(own.ID)); organization.Text("name") != "segue" {
				t.Errorf("the organization is %v", organization.Values())
			}
		})
	}
}

// So does an administrator whose first write is the action.
func TestAdmit_ByAnAction(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	admin := someone(5, "Ann Bee", "")
	admin.Roles = []string{sales.SystemAdministrator}
	if err := redriveAll(t, w.Parts, admin); err != nil {
		t.Fatal(err)
	}
	if row := w.Row("systemuser", salestest.ID("user", 5)); row.Text("fullname") != "Ann Bee" {
		t.Errorf("the user is %v", row.Values())
	}
}

// A user who is there stays as it is.
func TestAdmit_KeepsTheUser(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	user := w.User(5)
	before := w.Row(user.Table, user.ID).Values()
	if err := create(t, w.Parts, someone(5, "Ann Bee", "")); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(before, w.Row(user.Table, user.ID).Values()); d != "" {
		t.Error(d)
	}
}

// A user whom the process knows costs no read, one that it does not know one,
// whatever the caller does.
func TestAdmit_Cost(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	c := someone(5, "Ann Bee", "")
	w.Admit(c)
	for _, test := range []struct {
		name string
		gets int
		from func()
	}{
		{"warm", 0, func() {}},
		{"cold", 1, w.Restart},
		{"warm again", 0, func() {}},
	} {
		test.from()
		w.Probe.Reset()
		if err := create(t, w.Parts, c); err != nil {
			t.Fatal(err)
		}
		if n := w.Probe.Counts(); n.Gets+n.Queries != test.gets || n.Ops != 1 {
			t.Errorf("%s: %+v, want %d reads and the write of the lead", test.name, n, test.gets)
		}
	}
}

// Many requests of many new users at once, in several processes: each user, the
// unit and the organization are made once, and everything that was wanted is done.
func TestAdmit_AtOnce(t *testing.T) {
	both.Run(t, func(t *testing.T, place both.Place) {
		w := salestest.NewOn(t, place.Open(t), salestest.Now, boot.Options{Organization: "other"})
		processes := []*boot.Parts{w.Plain(boot.Options{}), w.Plain(boot.Options{})} // of an organization that has no rows yet
		salestest.Crowd(16, func(worker int) {
			if err := create(t, processes[worker%2], someone(10+worker%4, "Ann Bee", "")); err != nil {
				t.Error(err)
			}
		})
		for table, want := range map[string]int{"systemuser": 5, "businessunit": 2, "organization": 2, "lead": 16} {
			if got := len(w.List(table, nil)); got != want {
				t.Errorf("%d rows of %s, want %d", got, table, want)
			}
		}
	})
}

// A refused write leaves the user, a caller without any privilege leaves nothing.
func TestAdmit_OfRefusals(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	nobody := someone(6, "Nobody", "")
	nobody.Roles = nil
	w.Refuses(t, sales.Forbidden, func() error { return create(t, w.Parts, nobody) })
	ann := someone(5, "Ann Bee", "")
	err := w.Entities.Delete(t.Context(), ann, rows.Ref{Table: "lead", ID: salestest.ID("lead", 9)}, entity.If{})
	salestest.Refused(t, err, sales.NotFound)
	w.Row("systemuser", string(ann.ID))
}

// A response that gets lost, before or after the user was made, is a failure that
// the next try mends.
func TestAdmit_LostResponses(t *testing.T) {
	for name, fault := range map[string]probe.Fault{"before": probe.Before, "after": probe.After} {
		t.Run(name, func(t *testing.T) {
			w := salestest.New(t, boot.Options{})
			failed := false
			w.Probe.Inject(func(call probe.Call) probe.Fault {
				if call.Method == probe.Write && !failed {
					failed = true
					return fault
				}
				return probe.None
			})
			ann := someone(5, "Ann Bee", "")
			salestest.Refused(t, create(t, w.Parts, ann), sales.Unavailable)
			if err := create(t, w.Parts, ann); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A disabled user does nothing: at once in the process that disabled it, within
// Known in the others.
func TestAdmit_DisabledUser(t *testing.T) {
	now := clock.NewManual(salestest.Now())
	options := boot.Options{Freshness: sales.Freshness{For: time.Second, Clock: now}}
	w := salestest.New(t, options)
	other := w.Plain(options)
	ann := someone(5, "Ann Bee", "")
	for _, parts := range []*boot.Parts{w.Parts, other} {
		if err := create(t, parts, ann); err != nil {
			t.Fatal(err)
		}
	}
	admin := sales.Caller{ID: name.UserID(salestest.ID("user", 1)), Roles: []string{sales.SystemAdministrator}}
	if _, _, err := w.Entities.Update(t.Context(), admin, rows.RefTo(name.User, ann.ID), schematest.Row(values{"isdisabled": true}), entity.If{}); err != nil {
		t.Fatal(err)
	}
	w.Refuses(t, sales.Forbidden, func() error { return create(t, w.Parts, ann) }, string(ann.ID), "is disabled")
	now.Advance(principal.Known)
	w.Refuses(t, sales.Forbidden, func() error { return create(t, other, ann) }, string(ann.ID), "is disabled")
	ann.Roles = []string{sales.SystemAdministrator}
	w.Refuses(t, sales.Forbidden, func() error { return redriveAll(t, other, ann) }, string(ann.ID), "is disabled")
}
