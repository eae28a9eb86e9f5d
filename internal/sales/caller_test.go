package sales_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// may is what a caller with some roles gets to do, as letters: C create, R read,
// W write, D delete, G assign (write of the owner).
func may(w *world, table string, roles ...string) string {
	w.T.Helper()
	caller := sales.Caller{ID: name.UserID(id("user", 1)), Roles: roles}
	ref := rows.Ref{Table: table, ID: id("nothing", 1)}
	owner := values{"ownerid": link("systemuser", id("user", 2))}
	update := func(v values) error {
		_, _, err := w.Entities.Update(w.T.Context(), caller, ref, schematest.Row(v), entity.If{Exists: true})
		return err
	}
	var letters strings.Builder
	for _, right := range []struct {
		letter string
		call   func() error
	}{
		{"C", func() error {
			_, err := w.Entities.Create(w.T.Context(), caller, table, "", schematest.Row(values{"": nil}))
			return err
		}},
		{"R", func() error { _, err := w.Entities.Retrieve(w.T.Context(), caller, ref); return err }},
		{"W", func() error { return update(nil) }},
		{"D", func() error { return w.Entities.Delete(w.T.Context(), caller, ref, entity.If{}) }},
		{"G", func() error { return update(owner) }},
	} {
		err := right.call()
		if err == nil {
			w.T.Fatalf("%s of nothing on %s succeeded", right.letter, table)
		}
		if !errors.Is(err, sales.Forbidden) {
			letters.WriteString(right.letter)
		}
	}
	return letters.String()
}

// TestPrivileges_12_2 is the matrix as it is read: the least that each task
// needs.
func TestPrivileges_12_2(t *testing.T) {
	w := newWorld(t, boot.Options{})
	want := map[string]map[string]string{}
	got := map[string]map[string]string{}
	for _, role := range []struct {
		name                                                       string
		sequence, target, step, segment, order, lead, user, parked string
	}{
		{sales.SystemAdministrator, "CRWDG", "CRWDG", "CRWDG", "CRWDG", "CRWDG", "CRWDG", "CRWDG", "RD"},
		{sales.SequenceManager, "CRWDG", "CRWG", "CRWG", "CRWD", "CRWD", "CRWDG", "R", ""},
		{sales.SalesManager, "CRWDG", "CRWG", "CRWG", "CRWD", "CRWD", "CRWDG", "R", ""},
		{sales.Salesperson, "CRWDG", "CRWG", "CRWG", "R", "R", "CRWDG", "R", ""},
		{"System Customizer", "", "", "", "", "", "", "", ""},
		{"", "", "", "", "", "", "", "", ""},
	} {
		want[role.name] = map[string]string{
			"msdyn_sequence": role.sequence, "msdyn_sequencetarget": role.target, "msdyn_sequencetargetstep": role.step,
			"msdyn_segment": role.segment, "msdyn_segmentattribute": role.order, "lead": role.lead, "systemuser": role.user,
			"segue_parkedchange": role.parked,
		}
		got[role.name] = map[string]string{}
		for table := range want[role.name] {
			got[role.name][table] = may(w, table, role.name)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := may(w, "msdyn_segment"); got != "" {
		t.Errorf("without a role: %q", got)
	}
	if got := may(w, "msdyn_segment", "System Customizer", sales.Salesperson, sales.SalesManager); got != "CRWD" {
		t.Errorf("the best of several roles: %q", got)
	}
}

// The row "Connect / disconnect record" of §12.2; §20.10: no role by name.
func TestPrivileges_12_2_Connect(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, values{"ownerid": w.User(9)})
	in := connection.Request{Record: lead, Sequence: name.SequenceID(seq)}
	for _, roles := range [][]string{nil, {"System Customizer"}} {
		caller := sales.Caller{ID: name.UserID(id("user", 9)), Roles: roles}
		for name, call := range map[string]func() error{
			"connect":    func() error { _, err := w.Connections.Connect(t.Context(), caller, in); return err },
			"disconnect": func() error { _, err := w.Connections.Disconnect(t.Context(), caller, lead, ""); return err },
			"connect many": func() error {
				_, err := w.Connections.ConnectSelection(t.Context(), caller, name.SequenceID(seq), []rows.Ref{lead}, true)
				return err
			},
			"disconnect many": func() error {
				_, err := w.Connections.DisconnectSelection(t.Context(), caller, name.SequenceID(seq), []rows.Ref{lead}, true)
				return err
			},
		} {
			t.Run(fmt.Sprint(name, roles), func(t *testing.T) {
				w.Refuses(t, sales.Forbidden, call, id("user", 9), "prvCreatemsdyn_sequence")
			})
		}
	}
	for _, role := range []string{sales.SystemAdministrator, sales.SequenceManager, sales.SalesManager, sales.Salesperson} {
		caller := sales.Caller{ID: name.UserID(id("user", 9)), Roles: []string{role}}
		if _, err := w.Connections.Connect(t.Context(), caller, in); err != nil {
			t.Errorf("%s: %v", role, err)
		}
		if n, err := w.Connections.Disconnect(t.Context(), caller, lead, ""); n != 1 || err != nil {
			t.Errorf("%s: ended %d, %v", role, n, err)
		}
	}
}

func TestPrivileges_SellerSetsUpNoSegment(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seller := sales.Caller{ID: name.UserID(id("user", 9)), Roles: []string{sales.Salesperson}}
	w.Refuses(t, sales.Forbidden, func() error {
		_, err := w.Entities.Create(t.Context(), seller, "msdyn_segment", "", schematest.Row(values{"msdyn_name": "A", "msdyn_objecttype": "lead"}))
		return err
	}, "prvCreatemsdyn_segment", `"Salesperson"`)
	seg := w.Inactive(1, nil)
	w.Refuses(t, sales.Forbidden, func() error {
		_, _, err := w.Entities.Update(t.Context(), seller, rows.Ref{Table: "msdyn_segment", ID: seg}, schematest.Row(values{"msdyn_name": "B"}), entity.If{})
		return err
	}, "prvWritemsdyn_segment")
	w.Refuses(t, sales.Forbidden, func() error {
		_, _, err := w.Entities.Update(t.Context(), manager(), rows.Ref{Table: "msdyn_segment", ID: seg}, schematest.Row(values{"ownerid": link("systemuser", string(seller.ID))}), entity.If{})
		return err
	}, "prvAssignmsdyn_segment")
	if page, err := w.Entities.List(t.Context(), seller, "msdyn_segment", query.Query{Limit: 10}); err != nil || len(page.Rows) != 2 {
		t.Errorf("%d segments, %v", len(page.Rows), err)
	}
	_, err := w.Entities.List(t.Context(), sales.Caller{}, "msdyn_segment", query.Query{Limit: 10})
	refused(t, err, sales.Forbidden, "prvReadmsdyn_segment")
}

func TestPrivileges_EngineMayDoEverything(t *testing.T) {
	w := newWorld(t, boot.Options{})
	row, err := w.Entities.Create(t.Context(), sales.Engine(), "lead", "", schematest.Row(values{"subject": "A", "lastname": "B"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range []string{"createdby", "modifiedby", "ownerid"} {
		if v := row.Values()[column]; !v.IsNull() {
			t.Errorf("%s is %v, want nobody", column, v)
		}
	}
}
