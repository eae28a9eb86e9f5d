package sales_test

import (
	"testing"

	"segue/internal/sales"
)

func TestSmoke(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	seg := w.segment(1, `{"attribute":"leadsourcecode","operator":"eq","values":[8]}`, seq, nil)
	lead := w.lead(1, values{"leadsourcecode": int64(8)})
	w.settle()
	row := w.row("lead", lead.ID)
	t.Log(row.Values())
	if row.Lookup("msdyn_segmentid").ID != seg {
		t.Error("no segment")
	}
	l2 := w.lead(2, nil)
	target := w.connect(l2, seq)
	t.Log(target.Values())
	step := w.row("msdyn_sequencetargetstep", target.Lookup("segue_currentstep").ID)
	t.Log(step.Values())
	w.update("msdyn_sequencetargetstep", step.ID, values{"statecode": int64(1), "statuscode": int64(2)})
	target = w.row("msdyn_sequencetarget", target.ID)
	t.Log(target.Values())
	w.update("msdyn_sequencetargetstep", target.Lookup("segue_currentstep").ID, values{"statuscode": int64(3)})
	target = w.row("msdyn_sequencetarget", target.ID)
	w.update("msdyn_sequencetargetstep", target.Lookup("segue_currentstep").ID, values{"statuscode": int64(2)})
	target = w.row("msdyn_sequencetarget", target.ID)
	t.Log(target.Values())
	if n, err := w.Disconnect(t.Context(), manager(), lead, ""); n != 1 || err != nil {
		t.Error(n, err)
	}
	w.update("msdyn_sequence", seq, values{"statecode": int64(0)})
	w.settle()
	t.Log(w.row("msdyn_sequence", seq).Values())
	if err := w.Delete(t.Context(), manager(), w.row("msdyn_segment", seg).Ref(), sales.If{}); err != nil {
		t.Error(err)
	}
	w.settle()
	t.Log(w.row("lead", lead.ID).Values())
}
