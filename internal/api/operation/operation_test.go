package operation_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/entity"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

type values = salestest.Values

func lead(n int) rows.Ref { return rows.Ref{Table: "lead", ID: salestest.ID("lead", n)} }

func connect(n int, sequence string) operation.Action {
	return operation.Action{Name: "msdyn_ConnectSequence", Given: call.Arguments{
		"RegardingEntityId": lead(n).ID, "RegardingEntityName": "lead", "SequenceId": sequence,
	}}
}

// Several operations are one commit, and each sees what the ones before it did.
func TestDo_OneCommitForAll(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	w.Lead(1, nil)
	w.Probe.Reset()
	outcomes, err := w.Operations().Do(t.Context(), salestest.Manager(),
		operation.Create{Table: "lead", ID: lead(2).ID, Values: schematest.Row(values{"subject": "A", "lastname": "B"})},
		connect(2, sequence),
		operation.Update{Ref: lead(2), Values: schematest.Row(values{"subject": "C"})},
		operation.Update{Ref: lead(3), Values: schematest.Row(values{"subject": "D", "lastname": "E"})},
		operation.Delete{Ref: lead(1)},
	)
	if err != nil {
		t.Fatal(err)
	}
	if c := w.Probe.Counts(); c.Transactions != 1 || c.Ops != 5 || c.Writes != 0 {
		t.Errorf("%+v, want one transaction of 5 items: 3 leads, a target, a step", c)
	}
	target := w.Target(lead(2))
	if diff := cmp.Diff(operation.Answer{Value: call.Result{"SequenceTargetId": target.ID}}, outcomes[1].Answer); diff != "" {
		t.Errorf("the action's answer (-want +got):\n%s", diff)
	}
	created := []bool{outcomes[0].Created, outcomes[2].Created, outcomes[3].Created}
	if diff := cmp.Diff([]bool{true, false, true}, created); diff != "" {
		t.Errorf("created (-want +got):\n%s", diff)
	}
	for i, ref := range map[int]rows.Ref{2: lead(2), 3: lead(3)} {
		stored, row := w.Row("lead", ref.ID), outcomes[i].Row
		if diff := cmp.Diff(stored.Values(), row.Values()); diff != "" || row.Version != stored.Version {
			t.Errorf("outcome %d is version %d, stored is %d (-stored +outcome):\n%s", i, row.Version, stored.Version, diff)
		}
	}
	if got := w.Row("lead", lead(2).ID).Text("subject"); got != "C" {
		t.Errorf("the subject is %q", got)
	}
	_, err = w.Entities.Retrieve(t.Context(), salestest.Manager(), lead(1))
	salestest.Refused(t, err, sales.NotFound, lead(1).ID)
	w.Settle()
	w.Sound(true)
}

// One that is refused refuses all: nothing is written.
func TestDo_OneRefusedRefusesAll(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence, existing := w.Sequence(1, "lead"), w.Lead(1, values{"ownerid": w.User(2)})
	seller := sales.Caller{ID: name.UserID(salestest.ID("user", 2)), Roles: []string{sales.Salesperson}}
	w.Admit(seller)
	create := operation.Create{Table: "lead", ID: lead(2).ID, Values: schematest.Row(values{"subject": "A", "lastname": "B"})}
	for _, test := range []struct {
		name   string
		second operation.Operation
		want   sales.Kind
		text   string
	}{
		{"create of a row that is there", operation.Create{Table: "lead", ID: existing.ID, Values: create.Values}, sales.Duplicate, existing.ID},
		{"create of the same row", create, sales.Duplicate, lead(2).ID},
		{"create without what is required", operation.Create{Table: "msdyn_sequence"}, sales.Invalid, "msdyn_regardingentityname"},
		{"update of a version", operation.Update{Ref: existing, Values: schematest.Row(values{"subject": "B"}), If: entity.If{Version: 1}}, sales.Stale, existing.ID},
		{"update of nothing", operation.Update{Ref: lead(9), If: entity.If{Exists: true}}, sales.NotFound, lead(9).ID},
		{"delete of nothing", operation.Delete{Ref: lead(9)}, sales.NotFound, lead(9).ID},
		{"delete without the right", operation.Delete{Ref: rows.Ref{Table: "msdyn_segment", ID: "x"}}, sales.Forbidden, "prvDeletemsdyn_segment"},
		{"connect of nothing", connect(9, sequence), sales.NotFound, lead(9).ID},
		{"connect to nothing", connect(1, salestest.ID("sequence", 9)), sales.NotFound, salestest.ID("sequence", 9)},
		{"an action without what is required", operation.Action{Name: "msdyn_ConnectSequence"}, sales.Invalid, "RegardingEntityId"},
		{"an action that is not declared", operation.Action{Name: "msdyn_Fly"}, sales.Invalid, "msdyn_Fly"},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Refuses(t, test.want, func() error {
				outcomes, err := w.Operations().Do(t.Context(), seller, create, test.second)
				if outcomes != nil {
					t.Errorf("outcomes of a refusal: %+v", outcomes)
				}
				return err
			}, test.text)
		})
	}
}

// What a change set does to a sequence counts for its later operations, and for
// nobody else before it is committed.
func TestDo_ConnectToASequenceActivatedWithIt(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Draft(1, salestest.Steps)
	w.Lead(1, nil)
	activate := operation.Update{Ref: rows.Ref{Table: "msdyn_sequence", ID: sequence}, Values: schematest.Row(values{"statecode": int64(1)})}
	w.Refuses(t, sales.NotFound, func() error {
		_, err := w.Operations().Do(t.Context(), salestest.Manager(), activate, connect(1, sequence), operation.Delete{Ref: lead(9)})
		return err
	}, lead(9).ID)
	w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(lead(1), sequence) }, "not active")
	if _, err := w.Operations().Do(t.Context(), salestest.Manager(), activate, connect(1, sequence)); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	w.Member(lead(1), "", true)
	w.Sound(true)
}

// Both actions, disconnecting by sequence and by target.
func TestActions(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	sequence := w.Sequence(1, "lead")
	w.Lead(1, nil)
	do := func(op operation.Operation) {
		t.Helper()
		if _, err := w.Operations().Do(t.Context(), salestest.Manager(), op); err != nil {
			t.Fatal(err)
		}
	}
	disconnect := func(parameter, value string) operation.Action {
		return operation.Action{Name: "msdyn_DisconnectSequence", Given: call.Arguments{
			"RegardingEntityId": lead(1).ID, "RegardingEntityName": "lead", parameter: value,
		}}
	}
	do(connect(1, sequence))
	first := w.Target(lead(1))
	w.Member(lead(1), "", true)
	do(disconnect("SequenceId", sequence))
	w.Member(lead(1), "", false)
	do(connect(1, sequence))
	do(disconnect("SequenceTargetId", first.ID)) // has ended
	w.Member(lead(1), "", true)
}
