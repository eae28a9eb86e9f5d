package organization_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

type values = salestest.Values

func administrator() sales.Caller {
	return sales.Caller{ID: name.UserID(salestest.ID("user", 1)), Roles: []string{sales.SystemAdministrator}}
}

// New users, teams and units are in the root unit unless they say otherwise.
func TestUnits(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	root := salestest.Link("businessunit", string(w.Principals.Organization().Root))
	make := func(table string, n int, v values) string {
		t.Helper()
		row, err := w.Entities.Create(t.Context(), administrator(), table, salestest.ID(table, n), schematest.Row(v))
		if err != nil {
			t.Fatal(err)
		}
		return row.ID
	}
	unit := func(table, id, column string, want schema.Lookup) {
		t.Helper()
		if got := w.Row(table, id).Lookup(column); got != want {
			t.Errorf("%s: %s is %v, want %v", table, column, got, want)
		}
	}
	east := salestest.Link("businessunit", make("businessunit", 1, values{"name": "East"}))
	unit("businessunit", east.ID, "parentbusinessunitid", root)
	north := make("businessunit", 2, values{"name": "North-East", "parentbusinessunitid": east})
	unit("businessunit", north, "parentbusinessunitid", east)
	unit("systemuser", make("systemuser", 1, values{"lastname": "A"}), "businessunitid", root)
	unit("systemuser", make("systemuser", 2, values{"lastname": "B", "businessunitid": east}), "businessunitid", east)
	unit("team", make("team", 1, values{"name": "A"}), "businessunitid", root)
	unit("team", make("team", 2, values{"name": "B", "businessunitid": east}), "businessunitid", east)
}

// The rows of the organization stay, and keep their place.
func TestRefusals(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	own := w.Principals.Organization()
	user, team := w.User(2), w.Team(1)
	remove := func(table, id string) func() error {
		return func() error {
			return w.Entities.Delete(t.Context(), administrator(), rows.Ref{Table: table, ID: id}, entity.If{})
		}
	}
	update := func(table, id string, v values) func() error {
		return func() error {
			_, _, err := w.Entities.Update(t.Context(), administrator(), rows.Ref{Table: table, ID: id}, schematest.Row(v), entity.If{})
			return err
		}
	}
	east := values{"name": "East"}
	if err := update("businessunit", salestest.ID("unit", 1), east)(); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name string
		call func() error
		want sales.Kind
	}{
		{"delete the organization", remove("organization", string(own.ID)), sales.Precondition},
		{"make another organization", update("organization", salestest.ID("organization", 1), values{"name": "A"}), sales.Invalid},
		{"delete the root unit", remove("businessunit", string(own.Root)), sales.Precondition},
		{"put the root unit below another", update("businessunit", string(own.Root), values{"parentbusinessunitid": salestest.Link("businessunit", salestest.ID("unit", 1))}), sales.Precondition},
		{"take a unit out of the tree", update("businessunit", salestest.ID("unit", 1), values{"parentbusinessunitid": nil}), sales.Precondition},
		{"delete a user", remove("systemuser", user.ID), sales.Precondition},
		{"take a user out of its unit", update("systemuser", user.ID, values{"businessunitid": nil}), sales.Precondition},
		{"take a team out of its unit", update("team", team.ID, values{"businessunitid": nil}), sales.Precondition},
		{"a user in a unit that is not there", update("systemuser", user.ID, values{"businessunitid": salestest.Link("businessunit", salestest.ID("unit", 9))}), sales.NotFound},
	} {
		t.Run(test.name, func(t *testing.T) { w.Refuses(t, test.want, test.call) })
	}
	for _, call := range []func() error{
		remove("businessunit", salestest.ID("unit", 1)), remove("team", team.ID), update("organization", string(own.ID), values{"name": "New name"}),
	} {
		if err := call(); err != nil {
			t.Error(err)
		}
	}
}
