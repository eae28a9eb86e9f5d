package schedule_test

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// definitions are those that sequences of the schedule have. One step is in both,
// at another place, so that a step taken for one of the other definition shows.
func definitions() []string {
	call := `{"type":"phonecall","name":"Call","id":"` + salestest.ID("step", 1) + `"}`
	wait := `{"type":"wait","name":"Wait","wait":{"days":2},"id":"` + salestest.ID("step", 2) + `"}`
	mail := `{"type":"email","name":"Mail","id":"` + salestest.ID("step", 3) + `"}`
	task := `{"type":"task","name":"Task","id":"` + salestest.ID("step", 4) + `"}`
	return []string{"[" + call + "," + wait + "," + mail + "]", "[" + mail + "," + task + "," + call + "," + wait + "," + task5() + "]"}
}

func task5() string { return `{"type":"task","name":"Last","id":"` + salestest.ID("step", 5) + `"}` }

// sequenceKinds are what workers do with sequences.
func sequenceKinds() map[string]kind {
	return map[string]kind{
		"create a sequence":                  {2, func(w *worker) { w.create(w.anySequence(), w.newSequence) }},
		"activate a sequence":                {6, func(w *worker) { w.update(w.anySequence(), values{"statecode": int64(1)}) }},
		"deactivate a sequence":              {4, func(w *worker) { w.update(w.anySequence(), values{"statecode": int64(0)}) }},
		"edit a sequence":                    {2, func(w *worker) { w.update(w.anySequence(), values{"msdyn_definition": one(w.random, definitions())}) }},
		"deactivate, edit and activate":      {3, deactivateEditActivate},
		"delete a sequence":                  {1, func(w *worker) { w.remove(w.anySequence()) }},
		"delete a sequence and make it anew": {1, remakeSequence},
	}
}

func (w *worker) anySequence() rows.Ref {
	if w.random.IntN(6) == 0 {
		return sequenceRef(sequences - 1)
	}
	if ref, ok := w.rival(name.Sequence); ok {
		return ref
	}
	if w.random.IntN(2) == 0 {
		if ref, _, ok := w.liveTarget(); ok { // one that is in use
			return rows.Ref{Table: name.Sequence, ID: lookup(w.item(ref), "msdyn_parentsequence")}
		}
	}
	return sequenceRef(w.random.IntN(w.crowd.sequences))
}

func (w *worker) newSequence(ref rows.Ref) values {
	table := "lead"
	if ref == sequenceRef(sequences-1) {
		table = "opportunity"
	}
	return values{"msdyn_name": w.token(), "msdyn_regardingentityname": table, "msdyn_definition": one(w.random, definitions())}
}

func deactivateEditActivate(w *worker) {
	ref := w.anySequence()
	w.update(ref, values{"statecode": int64(0)})
	w.update(ref, values{"msdyn_definition": one(w.random, definitions())})
	w.update(ref, values{"statecode": int64(1)})
}

func remakeSequence(w *worker) {
	ref := w.anySequence()
	w.remove(ref)
	w.create(ref, w.newSequence)
	w.update(ref, values{"statecode": int64(1)})
}

// segmentKinds are what workers do with segments and their order.
func segmentKinds() map[string]kind {
	return map[string]kind{
		"create a segment":     {2, func(w *worker) { w.create(w.anySegment(), w.newSegment) }},
		"activate a segment":   {5, func(w *worker) { w.update(w.anySegment(), values{"statecode": int64(0)}) }},
		"deactivate a segment": {2, func(w *worker) { w.update(w.anySegment(), values{"statecode": int64(1 + w.random.IntN(2))}) }},
		"edit a segment":       {3, func(w *worker) { ref := w.anySegment(); w.update(ref, values{"msdyn_entityfilter": w.condition(ref)}) }},
		"let a segment take from others": {2, func(w *worker) {
			w.update(w.anySegment(), values{"msdyn_isresegmentationenabled": w.random.IntN(2) == 0})
		}},
		"attach a sequence":          {4, attach},
		"detach a sequence":          {3, func(w *worker) { w.update(w.anySegment(), values{"msdyn_sequence": nil}) }},
		"attach between two changes": {4, attachBetween},
		"give a segment a priority": {2, func(w *worker) {
			w.update(w.anySegment(), values{"segue_priority": int64(1 + w.random.IntN(segments))})
		}},
		"order the segments":                {2, reorder},
		"delete a segment":                  {2, func(w *worker) { w.remove(w.anySegment()) }},
		"delete a segment and make it anew": {2, remakeSegment},
		"turn the default segment":          {1, turnDefault},
		"end what a write builds on":        {8, pullTheRug},
	}
}

func (w *worker) anySegment() rows.Ref {
	if w.random.IntN(6) == 0 {
		return segmentRef(segments - 1)
	}
	if ref, ok := w.rival(name.Segment); ok {
		return ref
	}
	if used := lookup(w.item(w.lead()), "msdyn_segmentid"); used != "" && known()[used] != "" && w.random.IntN(2) == 0 {
		return rows.Ref{Table: name.Segment, ID: used}
	}
	return segmentRef(w.random.IntN(w.crowd.segments))
}

func (w *worker) condition(ref rows.Ref) string {
	table := tableOfSegment(ref)
	var texts []string
	for _, c := range conditions() {
		if c.table == table {
			texts = append(texts, c.text)
		}
	}
	return one(w.random, texts)
}

func tableOfSegment(ref rows.Ref) string {
	if ref == segmentRef(segments-1) {
		return "opportunity"
	}
	return "lead"
}

func (w *worker) newSegment(ref rows.Ref) values {
	table := tableOfSegment(ref)
	v := values{
		"msdyn_name": w.token(), "msdyn_objecttype": table, "msdyn_entityfilter": w.condition(ref),
		"msdyn_isresegmentationenabled": w.random.IntN(2) == 0,
	}
	if w.random.IntN(2) == 0 {
		v["msdyn_sequence"] = salestest.Link(name.Sequence, w.sequenceFor(rows.Ref{Table: table}).ID)
	}
	return v
}

func attach(w *worker) {
	ref := w.anySegment()
	w.attach(ref)
}

func (w *worker) attach(ref rows.Ref) {
	to := w.sequenceFor(rows.Ref{Table: tableOfSegment(ref)})
	w.update(ref, values{"msdyn_sequence": salestest.Link(name.Sequence, to.ID)})
}

// attachBetween makes a record anew, changes it at once, and attaches a sequence to a
// segment that may take it, perhaps between the evaluations of the two.
func attachBetween(w *worker) {
	record, ref := w.lead(), segmentRef(w.random.IntN(w.crowd.segments))
	w.update(ref, values{"msdyn_sequence": nil})
	w.remove(record)
	w.create(record, w.newRecord)
	w.update(record, w.interests(record))
	if w.pause(time.Duration(w.random.IntN(500))*time.Millisecond) == nil {
		w.attach(ref)
	}
}

// reorder writes the order of all segments of leads at once.
func reorder(w *worker) {
	ref := w.history.orderOf("lead")
	list := listed(w.item(ref))
	if len(list) == 0 {
		return
	}
	w.random.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	text, err := json.Marshal(list)
	if err != nil {
		w.t.Error(err)
		return
	}
	c := w.caller()
	w.try(deed{name: "order the segments of leads", effects: []*effect{{
		name: "the order is as asked", ref: ref, holds: func(h *history) bool {
			is := func(id string) bool { return h.items[rows.Ref{Table: name.Segment, ID: id}]["segue_isdefault"].True() }
			got := slices.DeleteFunc(listed(h.items[ref]), is)
			return slices.Equal(got, slices.DeleteFunc(slices.Clone(list), is))
		},
	}}}, func(ctx context.Context, _ *deed) error {
		_, _, err := w.p.Entities.Update(ctx, c, ref, schematest.Row(values{"msdyn_segmentpriorityorder": string(text)}), entity.If{Exists: true})
		return err
	})
}

func remakeSegment(w *worker) {
	ref := w.anySegment()
	w.remove(ref)
	w.create(ref, w.newSegment)
	w.update(ref, values{"statecode": int64(0)})
}

// pullTheRug waits for a write that has been decided and holds it back. In the
// meantime it ends a sequence or segment that it was decided by, and most of the
// time lets all that follows from that be done first.
func pullTheRug(w *worker) {
	late, ref := w.victim()
	for n := 0; late == nil; late, ref = w.victim() {
		if n++; n == 100 || w.pause(2*time.Millisecond) != nil {
			return
		}
	}
	late.frozen = time.Now().Add(time.Minute)
	defer func() { late.frozen = time.Time{} }()
	switch end := w.random.IntN(3); {
	case end == 0:
		w.remove(ref)
	case ref.Table == name.Segment:
		w.update(ref, values{"statecode": int64(1)})
	default:
		w.update(ref, values{"statecode": int64(0)})
	}
	for n := 20 * w.random.IntN(10); n > 0 && !w.settled(ref); n-- {
		if w.pause(50*time.Millisecond) != nil {
			return
		}
	}
}

// settled reports whether all that follows from the end of a sequence or segment has
// been done.
func (w *worker) settled(ref rows.Ref) bool {
	for _, other := range w.history.rows {
		if item := w.item(other); other.Table == name.Job && item[name.SegueState].Int() < 2 && item[name.SegueSubjectid].Text() == ref.ID {
			return false
		}
	}
	return w.item(ref)["segue_phase"].Text() == ""
}

// victim draws a task that is about to write, and what its write begins to point at.
func (w *worker) victim() (*task, rows.Ref) {
	var tasks []*task
	var refs []rows.Ref
	for _, st := range w.writes(w.task) {
		for _, op := range st.ops {
			for _, ref := range w.builtOn(op) {
				tasks, refs = append(tasks, st.task), append(refs, ref)
			}
		}
	}
	if len(refs) == 0 {
		return nil, rows.Ref{}
	}
	n := w.random.IntN(len(refs))
	return tasks[n], refs[n]
}

// builtOn is the sequence or segment that an operation begins to point at.
func (w *worker) builtOn(op store.Op) []rows.Ref {
	var refs []rows.Ref
	before := w.item(rows.Ref{Table: salestest.TableOf(op.Key), ID: op.Key.SK})
	for _, points := range [][2]string{
		{name.MsdynParentsequence, name.Sequence}, {name.MsdynSegmentid, name.Segment}, {name.MsdynSequence, name.Sequence},
	} {
		column, table := points[0], points[1]
		if id := lookup(op.Item, column); known()[id] != "" && op.Item[column] != before[column] {
			refs = append(refs, rows.Ref{Table: table, ID: id})
		}
	}
	return refs
}

// turnDefault activates or deactivates the default segment of leads.
func turnDefault(w *worker) {
	for _, ref := range w.history.rows {
		if item := w.item(ref); ref.Table == name.Segment && item["segue_isdefault"].True() && item["msdyn_objecttype"].Text() == "lead" {
			w.update(ref, values{"statecode": int64(w.random.IntN(2))})
			return
		}
	}
}
