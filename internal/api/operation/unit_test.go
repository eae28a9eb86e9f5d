package operation_test

import (
	"errors"
	"testing"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
)

// complete finishes a step.
func complete(stepID string) operation.Update {
	return operation.Update{
		Ref: rows.Ref{Table: "msdyn_sequencetargetstep", ID: stepID}, If: entity.If{Exists: true},
		Values: schematest.Row(values{"statecode": int64(1), "statuscode": int64(2)}),
	}
}

// skip passes over a step.
func skip(stepID string) operation.Update {
	op := complete(stepID)
	op.Values = schematest.Row(values{"statecode": int64(1), "statuscode": int64(3)})
	return op
}

// assign gives a lead another owner.
func assign(n int, owner schema.Lookup) operation.Update {
	return operation.Update{Ref: lead(n), If: entity.If{Exists: true}, Values: schematest.Row(values{"ownerid": owner})}
}

// Completing a step changes the target without reading it, assigning the record
// changes the open step so. Together, in whichever order, they meet each row
// twice, and each row is written once.
func TestDo_CompleteAndAssign(t *testing.T) {
	const current = "segue_currentstep"
	for _, test := range []struct {
		name  string
		order func(complete, assign operation.Operation) []operation.Operation
	}{
		{"complete first", func(complete, assign operation.Operation) []operation.Operation {
			return []operation.Operation{complete, assign}
		}},
		{"assign first", func(complete, assign operation.Operation) []operation.Operation {
			return []operation.Operation{assign, complete}
		}},
		{"assign twice", func(complete, assign operation.Operation) []operation.Operation {
			return []operation.Operation{assign, complete, assign}
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := salestest.New(t, boot.Options{})
			sequence := w.Sequence(1, "lead")
			target := w.Connect(w.Lead(1, nil), sequence)
			first := target.Lookup(current).ID
			owner := w.User(2)
			w.Probe.Reset()
			if _, err := w.Operations().Do(t.Context(), salestest.Manager(), test.order(complete(first), assign(1, owner))...); err != nil {
				t.Fatal(err)
			}
			if c := w.Probe.Counts(); c.Transactions != 1 || c.Ops != 4 || c.GetKeys != 4 {
				t.Errorf("%+v, want one transaction of 4 items: lead, target, two steps; 3 of them read, and the new owner; the next step is new", c)
			}
			target = w.Target(lead(1))
			next := w.Row("msdyn_sequencetargetstep", target.Lookup(current).ID)
			if next.ID == first || next.Int("statecode") != 0 {
				t.Errorf("the open step is %v, statecode %d", next.Ref(), next.Int("statecode"))
			}
			if got := target.Lookup("ownerid"); got != owner {
				t.Errorf("the target's owner is %v", got)
			}
			if got := next.Lookup("segue_owner"); got != owner {
				t.Errorf("the owner of later steps is %v", got)
			}
			if done := w.Row("msdyn_sequencetargetstep", first); done.Int("statuscode") != 2 {
				t.Errorf("the first step has statuscode %d", done.Int("statuscode"))
			}
			w.Settle()
			w.Sound(true)
		})
	}
}

// A step is completed and the one after it, or the record is taken off: the
// second operation works on what the first has left.
func TestDo_CompleteAndGoOn(t *testing.T) {
	next := func(t *testing.T) string { // the id of the second step, which follows from the target
		w := salestest.New(t, boot.Options{}).Foretell()
		target := w.Connect(w.Lead(1, nil), w.Sequence(1, "lead"))
		w.Update("msdyn_sequencetargetstep", target.Lookup("segue_currentstep").ID, values{"statecode": int64(1), "statuscode": int64(2)})
		return w.Target(lead(1)).Lookup("segue_currentstep").ID
	}(t)
	for _, test := range []struct {
		name   string
		second operation.Operation
		live   bool
	}{
		{"skip the wait after it", skip(next), true},
		{"disconnect", operation.Action{Name: "msdyn_DisconnectSequence", Given: call.Arguments{
			"RegardingEntityId": lead(1).ID, "RegardingEntityName": "lead",
		}}, false},
		{"delete the record", operation.Delete{Ref: lead(1)}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := salestest.New(t, boot.Options{}).Foretell()
			target := w.Connect(w.Lead(1, nil), w.Sequence(1, "lead"))
			if _, err := w.Operations().Do(t.Context(), salestest.Manager(), complete(target.Lookup("segue_currentstep").ID), test.second); err != nil {
				t.Fatal(err)
			}
			if got := w.Row("msdyn_sequencetargetstep", next).Int("statecode"); got != 1 {
				t.Errorf("the second step has statecode %d", got)
			}
			after := w.Row("msdyn_sequencetarget", target.ID)
			if live := after.Int("statecode") == 0; live != test.live {
				t.Errorf("the target is live: %v", live)
			}
			w.Settle()
			w.Sound(true)
		})
	}
}

// What somebody else did to a row that is patched makes the request be tried
// again, whether the row is loaded afterwards or not.
func TestDo_SomebodyElseCompletes(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	target := w.Connect(w.Lead(1, nil), w.Sequence(1, "lead"))
	first := target.Lookup("segue_currentstep").ID
	owner := w.User(2)
	tries := 0
	err := w.DB.Do(t.Context(), salestest.Manager().ID, func(tx *rows.Tx) error {
		e := w.Operations()
		if _, err := e.In(t.Context(), tx, salestest.Manager(), assign(1, owner)); err != nil {
			return err
		}
		if tries++; tries == 1 {
			w.Update("msdyn_sequencetargetstep", first, values{"statecode": int64(1), "statuscode": int64(2)})
		}
		_, err := e.In(t.Context(), tx, salestest.Manager(), skip(first)) // loads the step that assign has patched
		return err
	})
	if tries != 2 || !errors.Is(err, sales.Precondition) {
		t.Errorf("%d tries, then %v; want a second one that finds the step done", tries, err)
	}
	w.Settle()
	w.Sound(true)
}
