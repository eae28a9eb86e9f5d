package entity_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// In one unit of work a use case sees what the ones before it did.
func TestIn_SeesWhatTheUnitOfWorkDid(t *testing.T) {
	w := newWorld(t, boot.Options{})
	old := w.Lead(1, nil)
	made := rows.Ref{Table: "lead", ID: id("lead", 2)}
	e, c := w.Entities, manager()
	w.Probe.Reset()
	err := w.DB.Do(t.Context(), c.ID, func(tx *rows.Tx) error {
		if _, err := e.CreateIn(t.Context(), tx, c, "lead", made.ID, schematest.Row(values{"subject": "A", "lastname": "B"})); err != nil {
			return err
		}
		_, err := e.CreateIn(t.Context(), tx, c, "lead", made.ID, schematest.Row(values{"subject": "A", "lastname": "B"}))
		refused(t, err, sales.Duplicate, made.ID)
		row, created, err := e.UpdateIn(t.Context(), tx, c, made, schematest.Row(values{"subject": "C"}), entity.If{})
		if err != nil || created || row.Text("subject") != "C" {
			t.Errorf("update of the new row: %v, created %v, %v", row, created, err)
		}
		if err := e.DeleteIn(t.Context(), tx, c, old, entity.If{}); err != nil {
			return err
		}
		refused(t, e.DeleteIn(t.Context(), tx, c, old, entity.If{}), sales.NotFound, old.ID)
		_, err = e.RetrieveIn(t.Context(), tx, c, old)
		refused(t, err, sales.NotFound, old.ID)
		_, err = e.CreateIn(t.Context(), tx, c, "lead", old.ID, schematest.Row(values{"subject": "A", "lastname": "B"}))
		refused(t, err, sales.Precondition, "is deleted by the same request")
		_, _, err = e.UpdateIn(t.Context(), tx, c, old, schematest.Row(values{"subject": "A", "lastname": "B"}), entity.If{})
		refused(t, err, sales.Precondition, "is deleted by the same request")
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if counts := w.Probe.Counts(); counts.Transactions != 1 || counts.Ops != 2 {
		t.Errorf("%+v, want one transaction of 2 items", counts)
	}
	if got := w.Row("lead", made.ID).Text("subject"); got != "C" {
		t.Errorf("the new row's subject is %q", got)
	}
}

// faster writes a row just before the first write of a call.
func faster(w *world, write func()) {
	done := false
	w.Probe.Inject(func(call probe.Call) probe.Fault {
		if call.Method == probe.Write && !done {
			done = true
			write()
		}
		return probe.None
	})
}

// A row that somebody else makes at the same moment is changed by an upsert and
// a duplicate for a create.
func TestUpsert_OfARowJustMade(t *testing.T) {
	mine := values{"subject": "Mine", "lastname": "B"}
	for _, test := range []struct {
		name string
		call func(w *world, ref rows.Ref) (created bool, err error)
		want sales.Kind
	}{
		{"upsert", func(w *world, ref rows.Ref) (bool, error) {
			_, created, err := w.Entities.Update(w.T.Context(), manager(), ref, schematest.Row(mine), entity.If{})
			return created, err
		}, ""},
		{"upsert, If-None-Match: *", func(w *world, ref rows.Ref) (bool, error) {
			_, created, err := w.Entities.Update(w.T.Context(), manager(), ref, schematest.Row(mine), entity.If{Absent: true})
			return created, err
		}, sales.Duplicate},
		{"create", func(w *world, ref rows.Ref) (bool, error) {
			_, err := w.Entities.Create(w.T.Context(), manager(), ref.Table, ref.ID, schematest.Row(mine))
			return err == nil, err
		}, sales.Duplicate},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := newWorld(t, boot.Options{})
			other := w.Plain(boot.Options{})
			ref := rows.Ref{Table: "lead", ID: id("lead", 1)}
			faster(w, func() {
				if _, err := other.Entities.Create(t.Context(), manager(), "lead", ref.ID, schematest.Row(values{"subject": "Theirs", "lastname": "C"})); err != nil {
					t.Error(err)
				}
			})
			created, err := test.call(w, ref)
			want := "Mine"
			if test.want != "" {
				refused(t, err, test.want, ref.ID)
				want = "Theirs"
			} else if err != nil || created {
				t.Errorf("created %v, %v; want the other's row changed", created, err)
			}
			if got := w.Row("lead", ref.ID).Text("subject"); got != want {
				t.Errorf("the subject is %q, want %q", got, want)
			}
		})
	}
}

// noted are rules that note what they were asked.
type noted struct {
	entity.Plain
	name   string
	asked  *[]string
	refuse error
}

func (n *noted) note(what string) { *n.asked = append(*n.asked, n.name+" "+what) }

func (n *noted) Create(context.Context, *rows.Tx, *rows.Row) error { n.note("create"); return n.refuse }

func (n *noted) Update(context.Context, *rows.Tx, *rows.Row, map[string]schema.Value) error {
	n.note("update")
	return n.refuse
}

func (n *noted) Delete(context.Context, *rows.Tx, *rows.Row) (bool, error) {
	n.note("delete")
	return false, n.refuse
}

func (n *noted) Show(context.Context, []*rows.Row) error { n.note("show"); return n.refuse }

func (n *noted) Committed(context.Context) error { n.note("committed"); return nil }

// Rules of every subject that matches are asked, in the order of registration;
// they learn of a commit once a unit of work.
func TestRegister(t *testing.T) {
	w := newWorld(t, boot.Options{})
	var asked []string
	e := entity.New(w.DB, w.Principals, w.Settings, func() string { return id("made", 1) })
	one, two := &noted{name: "one", asked: &asked}, &noted{name: "two", asked: &asked}
	e.Register(sales.OfTrait(name.RecordTrait), one)
	e.Register(sales.OfTable("lead"), two)
	e.Register(sales.OfTable("opportunity"), &noted{name: "other", asked: &asked})
	ref := rows.Ref{Table: "lead", ID: id("made", 1)}
	ask := func(want ...string) {
		t.Helper()
		if !slices.Equal(asked, want) {
			t.Errorf("asked %q, want %q", asked, want)
		}
		asked = nil
	}
	err := w.DB.Do(t.Context(), "", func(tx *rows.Tx) error {
		row, err := e.CreateIn(t.Context(), tx, manager(), "lead", "", schematest.Row(values{"subject": "A", "lastname": "B"}))
		if err != nil {
			return err
		}
		_, _, err = e.UpdateIn(t.Context(), tx, manager(), row.Ref(), schematest.Row(values{"subject": "B"}), entity.If{})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	ask("one create", "two create", "one update", "two update", "one committed", "two committed")
	if _, err := e.Retrieve(t.Context(), manager(), ref); err != nil {
		t.Fatal(err)
	}
	ask("one show", "two show")
	one.refuse = errors.New("no")
	if err := e.Delete(t.Context(), manager(), ref, entity.If{}); !errors.Is(err, one.refuse) {
		t.Errorf("delete: %v", err)
	}
	ask("one delete")
	one.refuse = nil
	if err := e.Delete(t.Context(), manager(), ref, entity.If{}); err != nil {
		t.Fatal(err)
	}
	ask("one delete", "two delete", "one committed", "two committed")
}
