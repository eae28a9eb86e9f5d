package salestest

import (
	"fmt"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/entity"
	"segue/internal/rows"
)

// Steps is the definition of the worlds' sequences: a call, a wait, a mail.
const Steps = `[{"type":"phonecall","name":"Call"},{"type":"wait","name":"Two days","wait":{"days":2}},{"type":"email","name":"Mail"}]`

// Columns that the worlds' segments read, and conditions on them.
const (
	Sources = "leadsourcecode"
	Quality = "leadqualitycode"
	Web     = `{"attribute":"leadsourcecode","operator":"eq","values":[8]}`
	Hot     = `{"attribute":"leadqualitycode","operator":"eq","values":[1]}`
)

// Where is the JSON of an and of conditions.
func Where(conditions ...string) string {
	return `{"type":"and","items":[` + strings.Join(conditions, ",") + `]}`
}

// Draft makes an inactive sequence of leads.
func (w *World) Draft(n int, definition string) string {
	w.T.Helper()
	w.Create("msdyn_sequence", ID("sequence", n), Values{
		"msdyn_name": fmt.Sprintf("Sequence %d", n), "msdyn_regardingentityname": "lead", "msdyn_definition": definition,
	})
	return ID("sequence", n)
}

// Activate activates a sequence, which may be refused.
func (w *World) Activate(sequence string) error {
	return w.TryUpdate("msdyn_sequence", sequence, Values{"statecode": int64(1)})
}

// Sequence makes an active sequence for a table.
func (w *World) Sequence(n int, table string) string {
	w.T.Helper()
	w.Create("msdyn_sequence", ID("sequence", n), Values{
		"msdyn_name": fmt.Sprintf("Sequence %d", n), "msdyn_regardingentityname": table, "msdyn_definition": Steps,
	})
	w.Update("msdyn_sequence", ID("sequence", n), Values{"statecode": int64(1)})
	return ID("sequence", n)
}

// EndSequence deactivates or deletes a sequence.
func (w *World) EndSequence(id string, deletes bool) {
	var err error
	if deletes {
		err = w.Entities.Delete(w.T.Context(), Manager(), rows.Ref{Table: "msdyn_sequence", ID: id}, entity.If{})
	} else {
		err = w.TryUpdate("msdyn_sequence", id, Values{"statecode": int64(0)})
	}
	if err != nil {
		w.T.Error(err)
	}
}

// Inactive makes a segment of leads that is not active.
func (w *World) Inactive(n int, v Values) string {
	w.T.Helper()
	w.Create("msdyn_segment", ID("segment", n), with(v, Values{"msdyn_name": fmt.Sprintf("Segment %d", n), "msdyn_objecttype": "lead"}))
	return ID("segment", n)
}

// Segment makes an active segment of leads; conditions is the JSON of the items
// of its root, sequence the id of the attached one or "".
func (w *World) Segment(n int, conditions, sequence string, more Values) string {
	w.T.Helper()
	v := Values{"msdyn_entityfilter": Where(conditions)}
	if sequence != "" {
		v["msdyn_sequence"] = Link("msdyn_sequence", sequence)
	}
	id := w.Inactive(n, with(more, v))
	w.Update("msdyn_segment", id, Values{"statecode": int64(0)})
	return id
}

// Territory is two segments with a sequence each, of which the second takes
// records from the first, and a third without a sequence.
func (w *World) Territory() {
	w.T.Helper()
	w.Segment(3, `{"attribute":"address1_city","operator":"eq","values":["Bern"]}`, "", nil)
	w.Segment(1, Web, w.Sequence(1, "lead"), nil)
	w.Segment(2, Hot, w.Sequence(2, "lead"), Values{"msdyn_isresegmentationenabled": true, "segue_priority": int64(1)})
	w.Settle()
	w.Fresh()
}

// priorities are the segments of leads by priority, as a client reads them; 0
// is the default segment.
func (w *World) priorities() []int {
	w.T.Helper()
	byPlace := map[int64]int{}
	for _, row := range w.List("msdyn_segment", nil) {
		if row.Text("msdyn_objecttype") != "lead" {
			continue
		}
		n := 0
		if !row.Is("segue_isdefault") {
			if _, err := fmt.Sscanf(row.Text("msdyn_name"), "Segment %d", &n); err != nil {
				w.T.Fatal(err)
			}
		}
		byPlace[row.Int("segue_priority")] = n
	}
	var order []int
	for place := int64(1); len(order) < len(byPlace); place++ {
		n, ok := byPlace[place]
		if !ok {
			w.T.Fatalf("no segment has priority %d of %v", place, byPlace)
		}
		order = append(order, n)
	}
	return order
}

// Ordered checks the order of the segments of leads by their numbers; 0 is the
// default segment.
func (w *World) Ordered(want ...int) {
	w.T.Helper()
	if d := cmp.Diff(want, w.priorities(), cmpopts.EquateEmpty()); d != "" {
		w.T.Errorf("segments by priority (-want +got):\n%s", d)
	}
}

// DefaultSegment is the default segment of leads.
func (w *World) DefaultSegment() *rows.Row {
	w.T.Helper()
	for _, row := range w.List("msdyn_segment", nil) {
		if row.Is("segue_isdefault") && row.Text("msdyn_objecttype") == "lead" {
			return row
		}
	}
	w.T.Fatal("there is no default segment")
	return nil
}
