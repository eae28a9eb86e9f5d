package workqueue_test

import (
	"testing"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/sales/workqueue"
)

// mark sets marks, which may be refused.
func (w world) mark(c sales.Caller, record rows.Ref, m workqueue.Marks) error {
	return w.DB.DoBy(w.T.Context(), c.By(), func(tx *rows.Tx) error { return w.Queues.Mark(w.T.Context(), tx, c, record, m) })
}

// Marks are of one user; each is set by itself, and once is as often as twice.
func TestMark(t *testing.T) {
	w := newWorld(t)
	record, yes, no := w.Lead(1, nil), true, false
	w.Connect(record, w.Sequence(1, "lead"))
	seen := func(r workqueue.Request) (read, followed, there bool) {
		list := w.list(salestest.Manager(), r)
		if len(list.Items) == 0 {
			return false, false, false
		}
		if n := list.Groups[workqueue.Today]; n != 1 {
			t.Errorf("%d items are counted", n)
		}
		return list.Items[0].Read, list.Items[0].Followed, true
	}
	for _, test := range []struct {
		name           string
		marks          workqueue.Marks
		read, followed bool
		writes         int
	}{
		{"not read, as it is", workqueue.Marks{Read: &no}, false, false, 0},
		{"read", workqueue.Marks{Read: &yes}, true, false, 1},
		{"read again", workqueue.Marks{Read: &yes}, true, false, 0},
		{"followed", workqueue.Marks{Followed: &yes}, true, true, 1},
		{"unread", workqueue.Marks{Read: &no, Followed: &yes}, false, true, 1},
		{"nothing", workqueue.Marks{Read: &no, Followed: &no}, false, false, 1},
	} {
		w.Probe.Reset()
		if err := w.mark(salestest.Manager(), record, test.marks); err != nil {
			t.Fatal(err)
		}
		if n := w.Probe.Counts().Ops; n != test.writes {
			t.Errorf("%s: %d rows written, want %d", test.name, n, test.writes)
		}
		if read, followed, _ := seen(workqueue.Request{}); read != test.read || followed != test.followed {
			t.Errorf("%s: read %t, followed %t", test.name, read, followed)
		}
		if _, _, there := seen(workqueue.Request{Unopened: true}); there == test.read {
			t.Errorf("%s: among those unopened: %t", test.name, there)
		}
		if _, _, there := seen(workqueue.Request{Followed: true}); there != test.followed {
			t.Errorf("%s: among those followed: %t", test.name, there)
		}
	}
	// Somebody else's marks.
	other := sales.Caller{ID: "0e1f0000-0000-4000-8000-000000000001", Roles: []string{sales.SalesManager}}
	if err := w.mark(other, record, workqueue.Marks{Read: &yes, Followed: &yes}); err != nil {
		t.Fatal(err)
	}
	if read, followed, _ := seen(workqueue.Request{}); read || followed {
		t.Errorf("the marks of another user are shown")
	}
}

func TestMark_Refusals(t *testing.T) {
	w := newWorld(t)
	record, yes := w.Lead(1, nil), true
	none := w.mark(salestest.Manager(), record, workqueue.Marks{})
	salestest.Refused(t, none, sales.Invalid, "Read", "Followed")
	salestest.Refused(t, w.mark(sales.Engine(), record, workqueue.Marks{Read: &yes}), sales.Invalid, "no user")
	salestest.Refused(t, w.mark(salestest.Manager(), rows.Ref{Table: "task", ID: record.ID}, workqueue.Marks{Read: &yes}), sales.Invalid, "task")
	salestest.Refused(t, w.mark(salestest.Manager(), rows.Ref{Table: "lead", ID: salestest.ID("lead", 9)}, workqueue.Marks{Read: &yes}), sales.NotFound, salestest.ID("lead", 9))
	salestest.Refused(t, w.mark(sales.Caller{ID: salestest.Manager().ID}, record, workqueue.Marks{Read: &yes}), sales.Forbidden, "prvReadlead")
}
