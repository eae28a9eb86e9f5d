package deletion_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"segue/internal/boot"
	"segue/internal/filter"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/deletion"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// begin begins a deletion and carries it out to its end; it returns the job.
func begin(t *testing.T, w *salestest.World, c sales.Caller, r deletion.Request) sales.Job {
	t.Helper()
	id := w.Deletion.NewID()
	if err := w.DB.Do(t.Context(), c.ID, func(tx *rows.Tx) error { return w.Deletion.BeginIn(t.Context(), tx, c, id, r) }); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	found, err := w.DB.Get(t.Context(), rows.RefTo(name.Job, id))
	if err != nil {
		t.Fatal(err)
	}
	job := sales.Job{Row: found[0]}
	if job.State() != sales.JobCompleted {
		t.Fatalf("the job is %v", job.State())
	}
	return job
}

// subjects returns the subjects of all leads, sorted.
func subjects(w *salestest.World) (list []string) {
	for _, row := range w.List("lead", nil) {
		list = append(list, row.Text("subject"))
	}
	slices.Sort(list)
	return list
}

func leads(w *salestest.World, n int) {
	for i := range n {
		w.Lead(i, map[string]any{"subject": fmt.Sprintf("Lead %d", i)})
	}
	w.Settle()
}

func begins(text string) *filter.Group {
	return &filter.Group{Logic: filter.And, Items: []filter.Node{
		&filter.Condition{Column: "subject", Operator: filter.BeginsWith, Values: []schema.Value{schema.Text(text)}},
	}}
}

// TestDelete: the rows that are named, or for which a condition holds, are deleted, and no others.
func TestDelete(t *testing.T) {
	ids := func(n ...int) (list []string) {
		for _, i := range n {
			list = append(list, salestest.ID("lead", i))
		}
		return list
	}
	for _, test := range []struct {
		name    string
		request deletion.Request
		left    []string
	}{
		{"by ids", deletion.Request{Table: "lead", IDs: ids(0, 2, 2, 9)}, []string{"Lead 1", "Lead 3"}},
		{"by ids and a condition", deletion.Request{Table: "lead", IDs: ids(0, 2), Where: begins("Lead 2")}, []string{"Lead 0", "Lead 1", "Lead 3"}},
		{"by a condition", deletion.Request{Table: "lead", Where: begins("Lead 3")}, []string{"Lead 0", "Lead 1", "Lead 2"}},
		{"all", deletion.Request{Table: "lead"}, nil},
		{"of another table", deletion.Request{Table: "task"}, []string{"Lead 0", "Lead 1", "Lead 2", "Lead 3"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := salestest.New(t, boot.Options{})
			leads(w, 4)
			job := begin(t, w, salestest.Manager(), test.request)
			if left := subjects(w); !slices.Equal(left, test.left) {
				t.Errorf("left are %q, want %q", left, test.left)
			}
			if n := job.Row.Int(name.SegueRowschanged); n != int64(4-len(test.left)) {
				t.Errorf("%d rows changed", n)
			}
		})
	}
}

// TestRightsPerRow: a row that the caller may not delete stays, and is counted with the reason.
func TestRightsPerRow(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	leads(w, 3)
	seller := sales.Caller{ID: name.UserID(salestest.ID("seller", 1)), Name: "Ann", Roles: []string{sales.Salesperson}}
	w.Admit(seller)
	w.Lead(7, map[string]any{"subject": "Mine", "ownerid": schema.Lookup{Table: name.User, ID: string(seller.ID)}})
	job := begin(t, w, seller, deletion.Request{Table: "lead"})
	if left := subjects(w); len(left) != 3 || slices.Contains(left, "Mine") {
		t.Errorf("left are %q", left)
	}
	if job.Row.Int(name.SegueRowsfailed) != 3 || job.Row.Int(name.SegueRowschanged) != 1 || job.Row.Text(name.SegueReason) == "" {
		t.Errorf("%d rows failed, %d changed: %s", job.Row.Int(name.SegueRowsfailed), job.Row.Int(name.SegueRowschanged), job.Row.Text(name.SegueReason))
	}
}

// TestRightsOfWhoActs: a job that somebody begins for another user has the rights of both.
func TestRightsOfWhoActs(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	leads(w, 2)
	acted := salestest.Manager()
	acted.Actor = &sales.Actor{ID: name.UserID(w.User(1).ID), Roles: []string{sales.Salesperson}}
	own := w.Lead(7, map[string]any{"subject": "Mine", "ownerid": schema.Lookup{Table: name.User, ID: string(acted.ID)}})
	w.Lead(8, map[string]any{"subject": "Theirs", "ownerid": w.User(9)})
	job := begin(t, w, acted, deletion.Request{Table: "lead", IDs: []string{own.ID, salestest.ID("lead", 8)}})
	if left := subjects(w); slices.Contains(left, "Mine") || !slices.Contains(left, "Theirs") || job.Row.Int(name.SegueRowsfailed) != 1 {
		t.Errorf("left are %q, %d failed", left, job.Row.Int(name.SegueRowsfailed))
	}
}

// TestManyIDs: a list of ids goes in pieces, and each row once.
func TestManyIDs(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	list := make([]string, deletion.MaxIDs)
	for i := range list {
		list[i] = salestest.ID("nobody", i)
	}
	leads(w, 2)
	list[7], list[3999] = salestest.ID("lead", 0), salestest.ID("lead", 1)
	begin(t, w, salestest.Manager(), deletion.Request{Table: "lead", IDs: list})
	if left := subjects(w); len(left) != 0 {
		t.Errorf("left are %q", left)
	}
}

// TestRefused: what is not begun.
func TestRefused(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	for _, test := range []struct {
		name    string
		caller  sales.Caller
		request deletion.Request
		kind    sales.Kind
	}{
		{"no such table", salestest.Manager(), deletion.Request{Table: "leda"}, sales.NotFound},
		{"a table that is not on the wire", salestest.Manager(), deletion.Request{Table: "segue_ledger"}, sales.NotFound},
		{"without the right", sales.Caller{ID: "x"}, deletion.Request{Table: "lead"}, sales.Forbidden},
		{"no ids, which is not all", salestest.Manager(), deletion.Request{Table: "lead", IDs: []string{}}, sales.Invalid},
		{"too many ids", salestest.Manager(), deletion.Request{Table: "lead", IDs: make([]string, deletion.MaxIDs+1)}, sales.Invalid},
		{"a condition that is wrong", salestest.Manager(), deletion.Request{Table: "task", Where: &filter.Group{Logic: filter.And, Items: []filter.Node{&filter.Condition{Column: "nothing", Operator: filter.Null}}}}, sales.Invalid},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := w.DB.Do(t.Context(), test.caller.ID, func(tx *rows.Tx) error {
				return w.Deletion.BeginIn(t.Context(), tx, test.caller, w.Deletion.NewID(), test.request)
			})
			if !errors.Is(err, test.kind) {
				t.Errorf("error %v, want %s", err, test.kind)
			}
		})
	}
}
