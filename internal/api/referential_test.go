package api_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/fstest"

	"segue/internal/entity"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
)

// newPlanWorld is a world with two tables beside the product's: plans, and items that point
// at a plan, and at an item, by lookups with each of the referential behaviors.
func newPlanWorld(t *testing.T) *world {
	t.Helper()
	table := func(name, more string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`{"name":"` + name + `","set":"` + name + `s","label":"` + name + `","id":"` + name + `id","primaryName":"title","traits":["userOwned"],` +
			more + `{"name":"title","label":"Title","type":"string","maxLength":100}]}`)}
	}
	lookup := func(name, target, onDelete string) string {
		return `{"name":"` + name + `","label":"` + name + `","type":"lookup","targets":[{"table":"` + target + `"}],"onDelete":"` + onDelete + `"},`
	}
	index := func(on, column, more string) string {
		return `{"name":"` + column + `","serves":"rows of ` + column + `","on":"` + on + `","partition":["` + column + `"]` + more + `}`
	}
	return newWorld(t, fstest.MapFS{
		"tables/plan.json": table("plan", `"columns":[`),
		"tables/item.json": table("item", `"indexes":[`+index("gsi1", "needs", "")+","+index("gsi2", "part", `,"shards":true`)+","+index("gsi3", "hint", "")+","+index("gsi4", "below", "")+`],"columns":[`+
			lookup("needs", "plan", "restrict")+lookup("part", "plan", "cascade")+lookup("hint", "plan", "removeLink")+lookup("below", "item", "cascade")),
	})
}

func planID(n int) string { return fmt.Sprintf("91a00000-0000-4000-8000-%012d", n) }

func itemID(n int) string { return fmt.Sprintf("17e00000-0000-4000-8000-%012d", n) }

// plan makes a plan, and item an item that points at a row by a lookup.
func (w *world) plan(n int) {
	w.t.Helper()
	w.expect(http.StatusNoContent, "PATCH ~/plans("+planID(n)+")\n\n"+`{"title":"P"}`)
}

func (w *world) item(n int, lookup, at string) {
	w.t.Helper()
	w.expect(http.StatusNoContent, "PATCH ~/items("+itemID(n)+")\n\n"+`{"title":"I","`+lookup+`@odata.bind":"`+at+`"}`)
}

// TestReferential_webapi_8: what points at a row that is deleted is deleted too, is unlinked, or
// keeps it, as its lookup says.
func TestReferential_webapi_8(t *testing.T) {
	w := newPlanWorld(t)
	w.plan(1)
	at := "plans(" + planID(1) + ")"
	w.item(1, "needs", at)
	w.item(2, "part", at)
	w.item(3, "hint", at)
	w.item(4, "below", "items("+itemID(2)+")")
	w.item(5, "below", "items("+itemID(4)+")")
	w.item(6, "below", "items("+itemID(3)+")")
	before := w.dump()
	refused := w.expect(http.StatusMethodNotAllowed, "DELETE ~/"+at)
	if refused.code() != "0x80040227" || !strings.Contains(refused.body, "item "+itemID(1)+" points at it by needs") {
		t.Errorf("%v", refused)
	}
	if len(w.dump()) != len(before) {
		t.Error("a delete that was refused changed the store")
	}
	w.expect(http.StatusNoContent, "DELETE ~/items("+itemID(1)+")")
	w.probe.Reset()
	w.expect(http.StatusNoContent, "DELETE ~/"+at)
	if n := w.probe.Counts(); n.Transactions != 1 || n.Ops != 5 {
		t.Errorf("the delete made %d transactions of %d items, want one of 5", n.Transactions, n.Ops)
	}
	for n, status := range map[int]int{2: http.StatusNotFound, 3: http.StatusOK, 4: http.StatusNotFound, 5: http.StatusNotFound, 6: http.StatusOK} {
		w.expect(status, "GET ~/items("+itemID(n)+")")
	}
	w.expect(http.StatusNoContent, "GET ~/items("+itemID(3)+")/hint/$ref")
}

// TestReferentialMany_webapi_8: many rows are left to a job that begins with the delete.
func TestReferentialMany_webapi_8(t *testing.T) {
	w := newPlanWorld(t)
	w.plan(1)
	w.plan(2)
	for n := range entity.MaxCascade + 1 {
		w.item(n, "part", "plans("+planID(1)+")")
		w.item(100+n, "hint", "plans("+planID(1)+")")
	}
	w.item(200, "part", "plans("+planID(2)+")")
	w.probe.Reset()
	w.expect(http.StatusNoContent, "DELETE ~/plans("+planID(1)+")")
	if n := w.probe.Counts(); n.Ops != 3 { // the row and two jobs
		t.Errorf("the delete wrote %d items", n.Ops)
	}
	salestest.Watch(t, w.store, w.parts, sales.Policy{}).Settle()
	var list struct {
		Value []struct {
			ItemID string
			Hint   *string `json:"_hint_value"`
		}
	}
	w.expect(http.StatusOK, "GET ~/items?$select=_hint_value").value(t, &list)
	if len(list.Value) != entity.MaxCascade+2 {
		t.Errorf("%d items are left", len(list.Value))
	}
	for _, item := range list.Value {
		if item.Hint != nil {
			t.Errorf("item %s points at what is not there", item.ItemID)
		}
	}
	for _, job := range salestest.Watch(t, w.store, w.parts, sales.Policy{}).List(name.Job, nil) {
		if state := (sales.Job{Row: job}).State(); state != sales.JobCompleted {
			t.Errorf("the job %s is %v", job.Text(name.SegueName), state)
		}
	}
}

// TestReferentialRights_webapi_8: who may not delete a row does not delete it by another one.
func TestReferentialRights_webapi_8(t *testing.T) {
	w := newPlanWorld(t)
	thief := w.thief()
	const mine = "91a00000-0000-4000-8000-0000000000aa"
	if a := thief("POST ~/plans\n\n" + `{"planid":"` + mine + `","title":"Mine"}`); a.status != http.StatusNoContent {
		t.Fatal(a)
	}
	w.item(1, "part", "plans("+mine+")")
	before := w.dump()
	if a := thief("DELETE ~/plans(" + mine + ")"); a.status != http.StatusForbidden || !strings.Contains(a.body, "prvDeleteitem") {
		t.Errorf("%v", a)
	}
	if len(w.dump()) != len(before) {
		t.Error("a delete that was refused changed the store")
	}
}
