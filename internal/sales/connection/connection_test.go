package connection_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

func TestConnect_7_1_1_SequenceMustBeActive(t *testing.T) {
	w := newWorld(t, boot.Options{})
	lead := w.Lead(1, nil)
	w.Create("msdyn_sequence", id("draft", 1), values{"msdyn_name": "Draft", "msdyn_regardingentityname": "lead", "msdyn_definition": steps})
	w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(lead, id("draft", 1)) }, `"Draft"`, "not active")
	was := w.Sequence(2, "lead")
	w.Update("msdyn_sequence", was, values{"statecode": int64(0)})
	w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(lead, was) }, "not active")
	w.Refuses(t, sales.NotFound, func() error { return w.TryConnect(lead, id("nobody", 1)) }, "msdyn_sequence", id("nobody", 1))
}

func TestConnect_7_1_2_SequenceMustBeForTheTable(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	deal := w.Opportunity(1, nil)
	w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(deal, seq) }, "lead", "opportunity")
}

func TestConnect_7_1_3_LeadMustBeNew(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	w.Connect(w.Lead(1, nil), seq)
	for status, text := range map[int64]string{leadContacted: "only a lead in state New", leadQualified: "is closed", leadLost: "is closed"} {
		lead := w.Lead(int(status)+10, values{"statuscode": status})
		w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(lead, seq) }, text, lead.ID)
	}
}

func TestConnect_7_1_3_OpportunityMustBeOpen(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "opportunity")
	for status, open := range map[int64]bool{1: true, 2: true, 3: false, 4: false, 5: false} {
		deal := w.Opportunity(int(status), values{"statuscode": status})
		if open {
			w.Connect(deal, seq)
			continue
		}
		w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(deal, seq) }, "is closed")
	}
}

func TestConnect_20_1_AnyActiveTakesContactedLeads(t *testing.T) {
	w := newWorld(t, boot.Options{Policy: sales.Policy{AnyActive: true}})
	seq := w.Sequence(1, "lead")
	w.Connect(w.Lead(1, values{"statuscode": leadContacted}), seq)
	lead := w.Lead(2, values{"statuscode": leadQualified})
	w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(lead, seq) }, "is closed")
}

func TestConnect_7_1_4_OneSequenceAtATime(t *testing.T) {
	w := newWorld(t, boot.Options{})
	first, second, lead := w.Sequence(1, "lead"), w.Sequence(2, "lead"), w.Lead(1, nil)
	w.Connect(lead, first)
	w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(lead, second) }, `"Sequence 1"`, first, "disconnect it first")
	w.Disconnect(lead)
	w.Connect(lead, second)
	w.Sound(false)
}

func TestConnect_7_1_5_SeveralByPolicy(t *testing.T) {
	w := newWorld(t, boot.Options{Policy: sales.Policy{Several: true}})
	first, second, lead := w.Sequence(1, "lead"), w.Sequence(2, "lead"), w.Lead(1, nil)
	a, b := w.Connect(lead, first), w.Connect(lead, second)
	if a.ID == b.ID {
		t.Error("one target for two sequences")
	}
	if again := w.Connect(lead, first); again.ID != a.ID {
		t.Error("twice on one sequence")
	}
	if n, err := w.Connections.Disconnect(t.Context(), manager(), lead, name.SequenceID(first)); n != 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	w.Ended(a, disconnected, byUser, stepCancelled)
	if w.Row("msdyn_sequencetarget", b.ID).Int("statecode") != 0 {
		t.Error("disconnecting from one sequence ended the other connection")
	}
	w.Connect(lead, first)
	if n, err := w.Connections.Disconnect(t.Context(), manager(), lead, ""); n != 2 || err != nil {
		t.Errorf("ended %d of all, %v", n, err)
	}
}

func TestConnect_7_1_7_OnlyRecordTables(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	call := w.Create("phonecall", id("call", 1), values{"subject": "A"}).Ref()
	w.Refuses(t, sales.Invalid, func() error { return w.TryConnect(call, seq) }, "phonecall", "cannot be connected")
	w.Refuses(t, sales.Invalid, func() error { return w.TryConnect(rows.Ref{Table: "leda", ID: "x"}, seq) }, `table "leda" does not exist`)
	w.Connect(w.Create("account", id("account", 1), values{"name": "A"}).Ref(), w.Sequence(2, "account"))
	w.Connect(w.Create("contact", id("contact", 1), values{"lastname": "B"}).Ref(), w.Sequence(3, "contact"))
}

func TestConnect_7_3_WritesTargetStepAndGuard(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	lead := w.Lead(1, values{"ownerid": w.User(7)})
	w.Probe.Reset()
	made, err := w.Connections.Connect(t.Context(), manager(), connection.Request{Record: lead, Sequence: name.SequenceID(seq), Delay: 90 * time.Minute})
	if err != nil || made.Already {
		t.Fatalf("%+v, %v", made, err)
	}
	if c := w.Probe.Counts(); c.Transactions != 1 || c.Ops != 3 || c.Writes != 0 {
		t.Errorf("%+v, want one transaction of 3 items", c)
	}
	target := w.Target(lead)
	owner := link("systemuser", id("user", 7))
	for column, want := range map[string]schema.Value{
		"msdyn_parentsequence": schema.Ref(link("msdyn_sequence", seq)), "msdyn_target": schema.Ref(lookup(lead)), "ownerid": schema.Ref(owner),
		"statecode": schema.Int(0), "statuscode": schema.Int(2), "msdyn_totalstepcount": schema.Int(2), "msdyn_currentstepcount": schema.Int(0),
		"msdyn_name": schema.Text("Lead 1"), "msdyn_sequencetargetuniquekey": schema.Text(lead.ID + "|" + seq + "|1"),
		"msdyn_parentsequenceversion": schema.Int(1), "createdon": schema.Time(salestest.Now()),
	} {
		if d := cmp.Diff(want, target.Values()[column]); d != "" {
			t.Errorf("%s (-want +got):\n%s", column, d)
		}
	}
	step := w.Step(target)
	for column, want := range map[string]schema.Value{
		"msdyn_name": schema.Text("Call"), "msdyn_type": schema.Int(4210), "statuscode": schema.Int(int64(stepOpen)), "ownerid": schema.Ref(owner),
		"msdyn_duetime": schema.Time(salestest.Now().Add(90 * time.Minute)),
	} {
		if d := cmp.Diff(want, step.Values()[column]); d != "" {
			t.Errorf("step's %s (-want +got):\n%s", column, d)
		}
	}
	if _, connected := w.On(lead); !connected {
		t.Error("the record does not say that it is connected")
	}
	w.Sound(false)
}

// docs/domain.md §17.1.
func TestConnect_7_3_AgainIsSuccess(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	target := w.Connect(lead, seq)
	w.Untouched(t, func() {
		made, err := w.Connections.Connect(t.Context(), manager(), connection.Request{Record: lead, Sequence: name.SequenceID(seq)})
		if d := cmp.Diff(connection.Connection{Target: name.SequenceTargetID(target.ID), Already: true}, made); d != "" || err != nil {
			t.Errorf("%v\n%s", err, d)
		}
	})
	w.Update("lead", lead.ID, values{"statuscode": leadContacted})
	if again := w.Connect(lead, seq); again.ID != target.ID {
		t.Error("a contacted lead that is connected already is refused")
	}
}

func TestConnect_7_3_ReconnectMakesANewTarget(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	first := w.Connect(lead, seq)
	w.Disconnect(lead)
	second := w.Connect(lead, seq)
	if first.ID == second.ID || second.Text("msdyn_sequencetargetuniquekey") != lead.ID+"|"+seq+"|2" {
		t.Errorf("targets %s and %s with key %s", first.ID, second.ID, second.Text("msdyn_sequencetargetuniquekey"))
	}
	w.Ended(first, disconnected, byUser, stepCancelled)
	w.Sound(false)
}

func TestConnect_RecordAndSegmentMustBeThere(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	gone := rows.Ref{Table: "lead", ID: id("lead", 99)}
	w.Refuses(t, sales.NotFound, func() error { return w.TryConnect(gone, seq) }, "lead", gone.ID)
	w.Refuses(t, sales.NotFound, func() error {
		_, err := w.Connections.Connect(t.Context(), manager(), connection.Request{Record: lead, Sequence: name.SequenceID(seq), Segment: name.SegmentID(id("segment", 99))})
		return err
	}, "msdyn_segment", id("segment", 99))
	seg := w.Segment(1, web, "", nil)
	if _, err := w.Connections.Connect(t.Context(), manager(), connection.Request{Record: lead, Sequence: name.SequenceID(seq), Segment: name.SegmentID(seg)}); err != nil {
		t.Fatal(err)
	}
	if got := w.Target(lead).Lookup("msdyn_segment"); got != link("msdyn_segment", seg) {
		t.Errorf("the target's segment is %v", got)
	}
}

func TestDisconnect_7_4_EndsAndFreesTheRecord(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Sequence(1, "lead"), w.Lead(1, nil)
	target := w.Finish(w.Connect(lead, seq), stepCompleted)
	if n, err := w.Connections.Disconnect(t.Context(), manager(), lead, name.SequenceID(seq)); n != 1 || err != nil {
		t.Fatalf("ended %d, %v", n, err)
	}
	w.Ended(target, disconnected, byUser, stepCancelled)
	if got := w.Row("msdyn_sequencetarget", target.ID).Text("msdyn_disconnectedafterstepdefinitionid"); got == "" {
		t.Error("the target does not name the last step that was done")
	}
	w.Member(lead, "", false)
	w.Sound(false)
}

func TestDisconnect_20_9_OfNothingIsSuccess(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, other, lead := w.Sequence(1, "lead"), w.Sequence(2, "lead"), w.Lead(1, nil)
	for what, from := range map[string]string{"nothing, from all": "", "nothing, from one": seq} {
		w.Untouched(t, func() {
			if n, err := w.Connections.Disconnect(t.Context(), manager(), lead, name.SequenceID(from)); n != 0 || err != nil {
				t.Errorf("%s: ended %d, %v", what, n, err)
			}
		})
	}
	w.Connect(lead, seq)
	w.Untouched(t, func() {
		if n, err := w.Connections.Disconnect(t.Context(), manager(), lead, name.SequenceID(other)); n != 0 || err != nil {
			t.Errorf("from another: ended %d, %v", n, err)
		}
	})
	gone := rows.Ref{Table: "lead", ID: id("lead", 99)}
	_, err := w.Connections.Disconnect(t.Context(), manager(), gone, "")
	refused(t, err, sales.NotFound, gone.ID)
	_, err = w.Connections.Disconnect(t.Context(), manager(), rows.Ref{Table: "task", ID: "x"}, "")
	refused(t, err, sales.Invalid, "task")
}

func TestDisconnectTarget_13_2_EndsThatConnectionOnly(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead, other := w.Sequence(1, "lead"), w.Lead(1, nil), w.Lead(2, nil)
	first := w.Connect(lead, seq)
	_, err := w.Connections.DisconnectTarget(t.Context(), manager(), other, name.SequenceTargetID(first.ID), "")
	refused(t, err, sales.Invalid, first.ID, lead.ID)
	_, err = w.Connections.DisconnectTarget(t.Context(), manager(), lead, name.SequenceTargetID(first.ID), name.SequenceID(id("sequence", 9)))
	refused(t, err, sales.Invalid, seq)
	_, err = w.Connections.DisconnectTarget(t.Context(), manager(), lead, name.SequenceTargetID(id("target", 9)), "")
	refused(t, err, sales.NotFound, id("target", 9))
	if ended, err := w.Connections.DisconnectTarget(t.Context(), manager(), lead, name.SequenceTargetID(first.ID), name.SequenceID(seq)); ended != 1 || err != nil {
		t.Errorf("the live one: %d ended, %v; want 1", ended, err)
	}
	second := w.Connect(lead, seq)
	if ended, err := w.Connections.DisconnectTarget(t.Context(), manager(), lead, name.SequenceTargetID(first.ID), ""); ended != 0 || err != nil {
		t.Errorf("the one that has ended: %d ended, %v; want 0", ended, err)
	}
	if now := w.Row("msdyn_sequencetarget", second.ID); now.Int("statecode") != 0 {
		t.Error("the connection made since was ended")
	}
}

// A process that knows a sequence as inactive asks again: another one may have
// activated it since.
func TestConnect_SequenceActivatedByAnotherProcess(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, lead := w.Draft(1, steps), w.Lead(1, nil)
	w.Refuses(t, sales.Precondition, func() error { return w.TryConnect(lead, seq) }, "not active")
	here := w.Parts
	w.Parts = w.Plain(boot.Options{})
	if err := w.Activate(seq); err != nil {
		t.Fatal(err)
	}
	w.Parts = here
	w.ConnectOnly(lead, seq)
	w.Sound(false)
}
