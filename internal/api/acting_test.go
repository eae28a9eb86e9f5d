package api_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"segue/internal/rows"
	"segue/internal/sales/principal"
)

// Users of these tests: a seller who has signed in, and one who never has.
const (
	sellerID = "05e40000-0000-4000-8000-0000000000a1"
	absentID = "05e40000-0000-4000-8000-0000000000a9"
)

// tokenOf is a token of a user with roles.
func (w *world) tokenOf(user, full string, roles ...string) string {
	w.t.Helper()
	token, err := w.issuer.Issue(user, full, roles, time.Hour)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

// signIn makes a user known with roles.
func (w *world) signIn(user, full string, roles ...string) {
	w.t.Helper()
	w.expect(http.StatusOK, "GET ~/WhoAmI\nAuthorization: Bearer "+w.tokenOf(user, full, roles...))
}

// acting are the headers of an administrator who acts for a user.
func acting(header, user string) string { return "\nAs: System Administrator\n" + header + ": " + user }

// TestActing_webapi_2: an administrator acts for a user: with the rights that both have,
// and with the user's name on what is written, beside the administrator's.
func TestActing_webapi_2(t *testing.T) {
	w := newWorld(t)
	w.signIn(sellerID, "Ann Seller", "Salesperson")
	for _, header := range []string{"MSCRMCallerID", "CallerObjectId"} {
		var who struct{ UserID string }
		w.expect(http.StatusOK, "GET ~/WhoAmI"+acting(header, "{"+strings.ToUpper(sellerID)+"}")).value(t, &who)
		if who.UserID != sellerID {
			t.Errorf("%s: the caller is %s", header, who.UserID)
		}
	}
	type stamps struct {
		LeadID             string
		Owner              string `json:"_ownerid_value"`
		CreatedBy          string `json:"_createdby_value"`
		CreatedOnBehalfBy  string `json:"_createdonbehalfby_value"`
		ModifiedBy         string `json:"_modifiedby_value"`
		ModifiedOnBehalfBy string `json:"_modifiedonbehalfby_value"`
		CreatedName        string `json:"_createdby_value@OData.Community.Display.V1.FormattedValue"`
	}
	var made stamps
	w.expect(http.StatusCreated, "POST ~/leads"+acting("MSCRMCallerID", sellerID)+"\nPrefer: return=representation,odata.include-annotations=\"*\"\n\n"+`{"lastname":"L"}`).value(t, &made)
	if made.Owner != sellerID || made.CreatedBy != sellerID || made.ModifiedBy != sellerID || made.CreatedOnBehalfBy != userID || made.ModifiedOnBehalfBy != userID || made.CreatedName != "Ann Seller" {
		t.Errorf("created: %+v", made)
	}
	read := func() (now stamps) {
		t.Helper()
		w.expect(http.StatusOK, "GET ~/leads("+made.LeadID+")").value(t, &now)
		return now
	}
	w.expect(http.StatusNoContent, "PATCH ~/leads("+made.LeadID+")\nAuthorization: Bearer "+w.tokenOf(sellerID, "Ann Seller", "Salesperson")+"\n\n"+`{"subject":"Own"}`)
	if now := read(); now.ModifiedBy != sellerID || now.ModifiedOnBehalfBy != "" || now.CreatedOnBehalfBy != userID {
		t.Errorf("changed by the seller: %+v", now)
	}
	w.expect(http.StatusNoContent, "PATCH ~/leads("+made.LeadID+")"+acting("MSCRMCallerID", sellerID)+"\n\n"+`{"subject":"Again"}`)
	if now := read(); now.ModifiedBy != sellerID || now.ModifiedOnBehalfBy != userID {
		t.Errorf("changed for the seller: %+v", now)
	}

	// A salesperson may not change the lead of somebody else, and the administrator acts as one.
	a := w.send("PATCH ~/leads(" + leadID + ")" + acting("MSCRMCallerID", sellerID) + "\n\n" + `{"subject":"Foreign"}`)
	if a.status != http.StatusForbidden || a.code() != "0x80040220" || !strings.Contains(a.body, "prvWritelead") {
		t.Errorf("a lead of somebody else: %v", a)
	}
}

// TestActingRefused_webapi_2: who may not act for others, and for whom nobody can act.
func TestActingRefused_webapi_2(t *testing.T) {
	w := newWorld(t)
	w.signIn(sellerID, "Ann Seller", "Salesperson")
	disabled := "05e40000-0000-4000-8000-0000000000a2"
	w.signIn(disabled, "Bo Gone", "Salesperson")
	w.expect(http.StatusNoContent, "PATCH ~/systemusers("+disabled+")\nAs: System Administrator\n\n"+`{"isdisabled":true}`)
	for name, test := range map[string]struct {
		headers string
		status  int
		code    string
		text    string
	}{
		"no privilege":          {"\nAs: Sales Manager\nMSCRMCallerID: " + sellerID, http.StatusForbidden, "0x8004a110", "prvActOnBehalfOfAnotherUser"},
		"no role":               {"\nAs: no role\nMSCRMCallerID: " + sellerID, http.StatusForbidden, "0x8004a110", "prvActOnBehalfOfAnotherUser"},
		"unknown, no privilege": {"\nAs: Salesperson\nMSCRMCallerID: " + absentID, http.StatusForbidden, "0x8004a110", "prvActOnBehalfOfAnotherUser"},
		"unknown":               {acting("MSCRMCallerID", absentID), http.StatusNotFound, "0x80040217", "systemuser With Id = " + absentID + " Does Not Exist"},
		"unknown object id":     {acting("CallerObjectId", absentID), http.StatusNotFound, "0x80040217", absentID},
		"no GUID":               {acting("MSCRMCallerID", "ann"), http.StatusBadRequest, "0x80060888", "MSCRMCallerID"},
		"disabled":              {acting("MSCRMCallerID", disabled), http.StatusForbidden, "0x8004a110", "is disabled"},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			for _, request := range []string{"GET ~/leads?$top=1", "POST ~/leads"} {
				a := w.send(request + test.headers + "\n\n{}")
				if a.status != test.status || a.code() != test.code || !strings.Contains(a.body, test.text) {
					t.Errorf("%s: %v", request, a)
				}
			}
		})
	}
	w.t = t
	w.expect(http.StatusOK, "GET ~/WhoAmI\nMSCRMCallerID: "+userID) // whoever may act for themselves
	w.expect(http.StatusOK, "GET ~/WhoAmI\nMSCRMCallerID: null")
}

// TestActingRoles: a user who has not signed in has no roles; one whose token has other
// ones has those, and the row is written once for it.
func TestActingRoles(t *testing.T) {
	w := newWorld(t)
	w.expect(http.StatusNoContent, "PATCH ~/systemusers("+sellerID+")\nAs: System Administrator\n\n"+`{"firstname":"Ann","lastname":"Seller"}`)
	list := "GET ~/leads?$top=1&$select=subject" + acting("MSCRMCallerID", sellerID)
	if a := w.send(list); a.status != http.StatusForbidden || a.code() != "0x80040220" {
		t.Errorf("for one who has not signed in: %v", a)
	}
	roles := func() string {
		t.Helper()
		found, err := w.parts.DB.Get(t.Context(), rows.Ref{Table: "systemuser", ID: sellerID})
		if err != nil {
			t.Fatal(err)
		}
		return found[0].Text("segue_roles")
	}
	w.signIn(sellerID, "Ann Seller", "Salesperson", "Something else")
	if got := roles(); got != "Salesperson" {
		t.Errorf("the roles are %q", got)
	}
	w.expect(http.StatusOK, list)
	w.probe.Reset()
	for range 10 {
		w.signIn(sellerID, "Ann Seller", "Salesperson")
	}
	w.expect(http.StatusOK, list)
	if n := w.probe.Counts(); n.Ops != 0 || n.Gets != 0 {
		t.Errorf("a user and an actor who are known cost %+v", n)
	}
	w.now.Advance(principal.Known)
	w.probe.Reset()
	for range 10 {
		w.signIn(sellerID, "Ann Seller", "Sales Manager", "Salesperson")
		w.signIn(sellerID, "Ann Seller")
	}
	if n := w.probe.Counts(); n.Ops != 1 || roles() != "Sales Manager,Salesperson" {
		t.Errorf("roles that change all the time cost %+v, and are %q", n, roles())
	}
	if a := w.send("PATCH ~/systemusers(" + sellerID + ")\nAs: System Administrator\n\n" + `{"segue_roles":"System Administrator"}`); a.code() != "0x80048d19" {
		t.Errorf("roles are written: %v", a)
	}
}

// TestActingInBatches_webapi_12: each request of a batch may be for another user, those of
// a change set for one.
func TestActingInBatches_webapi_12(t *testing.T) {
	w := newWorld(t)
	w.signIn(sellerID, "Ann Seller", "Salesperson")
	as := "\nMSCRMCallerID: " + sellerID
	create := "POST leads" + as + "\nPrefer: return=representation\n\n" + `{"lastname":"L"}`
	own := "POST leads\nPrefer: return=representation\n\n" + `{"lastname":"L"}`
	for i, part := range w.expectParts(w.batch("As: System Administrator", plain(create, own), set(create, create)), http.StatusOK, "201", "201", "set 201 #1", "set 201 #2") {
		by := sellerID
		if i == 1 {
			by = userID
		}
		if !strings.Contains(part.body, `"_createdby_value":"`+by+`"`) {
			t.Errorf("part %d: %s", i, part.body)
		}
	}
	before := len(w.dump())
	w.expectParts(w.batch("As: System Administrator", set(create, own)), http.StatusBadRequest, "set 400 #2 0x80060888")
	w.expectParts(w.batch("As: Sales Manager", plain(create)), http.StatusForbidden, "403 0x8004a110")
	w.expectParts(w.batch("As: System Administrator"+as, plain(own)), http.StatusOK, "201")
	if after := len(w.dump()); after != before+1 {
		t.Errorf("%d items were made, want 1", after-before)
	}
}
