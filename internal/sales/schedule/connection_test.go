package schedule_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"segue/internal/api/operation"
	"segue/internal/entity"
	"segue/internal/odata/call"
	"segue/internal/rows"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// connectionKinds are what workers do with connections and their steps.
func connectionKinds() map[string]kind {
	return map[string]kind{
		"connect a record":                  {10, connect},
		"disconnect a record":               {6, func(w *worker) { w.disconnect(w.record(), "") }},
		"disconnect from a sequence":        {5, func(w *worker) { ref := w.record(); w.disconnect(ref, w.sequenceFor(ref).ID) }},
		"disconnect a target":               {5, disconnectTarget},
		"connect a selection":               {3, connectSelection},
		"disconnect a selection":            {3, disconnectSelection},
		"complete a step":                   {8, func(w *worker) { w.finish(2) }},
		"skip a step":                       {8, func(w *worker) { w.finish(3) }},
		"describe a step":                   {3, describeStep},
		"make and connect in one unit":      {3, makeAndConnect},
		"change and reconnect in one unit":  {3, changeAndReconnect},
		"close one and make one in one go":  {2, closeAndMake},
		"delete one and make one in one go": {2, deleteAndMake},
	}
}

// sequenceFor draws a sequence for a record's table.
func (w *worker) sequenceFor(ref rows.Ref) rows.Ref {
	if ref.Table == "opportunity" {
		return sequenceRef(sequences - 1)
	}
	return sequenceRef(w.random.IntN(w.crowd.sequences))
}

// ofRecord is the connections of a record.
func ofRecord(ref rows.Ref) func(_, record rows.Ref, _ string) bool {
	return func(_, record rows.Ref, _ string) bool { return record == ref }
}

// isOn is that a record is on a sequence.
func isOn(ref rows.Ref, sequence string) *effect {
	return &effect{
		name: fmt.Sprintf("%s is on %s", nameOf(ref), sequence), ref: ref,
		holds: func(h *history) bool { return salestest.GuardOf(h.items[ref]["segue_live"].Text())[sequence] != "" },
	}
}

// isOff is that a record is not on a sequence, or with "" on none.
func isOff(ref rows.Ref, sequence string) *effect {
	return &effect{
		name: fmt.Sprintf("%s is off %s", nameOf(ref), sequence), ref: ref,
		holds: func(h *history) bool {
			guard := salestest.GuardOf(h.items[ref]["segue_live"].Text())
			return guard[sequence] == "" && (sequence != "" || len(guard) == 0)
		},
	}
}

func connect(w *worker) {
	ref := w.record()
	to, c := w.sequenceFor(ref).ID, w.caller()
	d := deed{name: fmt.Sprintf("connect %s to %s", nameOf(ref), known()[to]), effects: []*effect{isOn(ref, to)}, about: []rows.Ref{{Table: name.Sequence, ID: to}}}
	request := connection.Request{Record: ref, Sequence: name.SequenceID(to)}
	if w.random.IntN(2) == 0 {
		segment := w.anySegment()
		request.Segment = name.SegmentID(segment.ID)
		d.name, d.about = fmt.Sprintf("%s for %s", d.name, nameOf(segment)), append(d.about, segment)
	}
	w.try(d, func(ctx context.Context, _ *deed) error {
		_, err := w.p.Connections.Connect(ctx, c, request)
		return err
	})
}

func (w *worker) disconnect(ref rows.Ref, from string) {
	c := w.caller()
	d := deed{name: fmt.Sprintf("disconnect %s from %q", nameOf(ref), known()[from]), effects: []*effect{isOff(ref, from)}}
	d.ends = func(_, record rows.Ref, sequence string) bool {
		return record == ref && (from == "" || from == sequence)
	}
	w.try(d, func(ctx context.Context, _ *deed) error {
		_, err := w.p.Connections.Disconnect(ctx, c, ref, name.SequenceID(from))
		return err
	})
}

// liveTarget draws a live target of any record.
func (w *worker) liveTarget() (ref, record rows.Ref, ok bool) {
	var live []rows.Ref
	for _, ref := range w.history.rows {
		if item := w.item(ref); ref.Table == name.SequenceTarget && item != nil && isOpen(item) {
			live = append(live, ref)
		}
	}
	if len(live) == 0 {
		return ref, record, false
	}
	ref = one(w.random, live)
	return ref, recordOf(w.item(ref)), true
}

func disconnectTarget(w *worker) {
	ref, record, ok := w.liveTarget()
	if !ok {
		return
	}
	if w.random.IntN(3) == 0 && w.pause(time.Duration(w.random.IntN(2000))*time.Millisecond) != nil { // a page that is old
		return
	}
	c := w.caller()
	d := deed{
		ends: func(target, _ rows.Ref, _ string) bool { return target == ref }, name: fmt.Sprintf("disconnect %s by target %s", nameOf(record), ref.ID), effects: []*effect{{
			name: "the target has ended", ref: ref, holds: func(h *history) bool { return !isOpen(h.items[ref]) },
		}}}
	w.try(d, func(ctx context.Context, _ *deed) error {
		_, err := w.p.Connections.DisconnectTarget(ctx, c, record, name.SequenceTargetID(ref.ID), "")
		return err
	})
}

// selection draws a few leads.
func (w *worker) selection() []rows.Ref {
	var refs []rows.Ref
	for _, n := range w.random.Perm(leads)[:2+w.random.IntN(leads-2)] {
		refs = append(refs, lead(n))
	}
	return refs
}

func connectSelection(w *worker) {
	refs, to, c, skip := w.selection(), w.sequenceFor(lead(0)).ID, w.caller(), w.random.IntN(3) > 0
	d := deed{name: fmt.Sprintf("connect %d records to %s", len(refs), known()[to])}
	for _, ref := range refs {
		d.effects = append(d.effects, isOn(ref, to))
	}
	w.try(d, func(ctx context.Context, d *deed) error {
		outcomes, err := w.p.Connections.ConnectSelection(ctx, c, name.SequenceID(to), refs, skip)
		d.expect(outcomes)
		return err
	})
}

func disconnectSelection(w *worker) {
	refs, c, skip := w.selection(), w.caller(), w.random.IntN(3) > 0
	d := deed{name: fmt.Sprintf("disconnect %d records", len(refs))}
	d.ends = func(_, record rows.Ref, _ string) bool { return slices.Contains(refs, record) }
	for _, ref := range refs {
		d.effects = append(d.effects, isOff(ref, ""))
	}
	w.try(d, func(ctx context.Context, d *deed) error {
		outcomes, err := w.p.Connections.DisconnectSelection(ctx, c, "", refs, skip)
		d.expect(outcomes)
		return err
	})
}

// expect leaves of the effects of a selection those that were acknowledged.
func (d *deed) expect(outcomes []connection.Outcome) {
	for i, outcome := range outcomes {
		if outcome.Err != nil || outcome.Already && outcome.Target == "" {
			d.effects[i].held = true
		}
	}
}

// openStep draws the open step of a live target.
func (w *worker) openStep() (rows.Ref, bool) {
	ref, _, ok := w.liveTarget()
	if !ok {
		return ref, false
	}
	return rows.Ref{Table: name.SequenceTargetStep, ID: lookup(w.item(ref), "segue_currentstep")}, true
}

func (w *worker) finish(status int64) {
	ref, ok := w.openStep()
	if !ok {
		return
	}
	of, v, c := lookup(w.item(ref), "msdyn_sequencetarget"), values{"statuscode": status}, w.caller()
	d := changes(ref, v)
	d.ends = func(target, _ rows.Ref, _ string) bool { return target.ID == of }
	w.try(d, func(ctx context.Context, _ *deed) error {
		_, _, err := w.p.Entities.Update(ctx, c, ref, schematest.Row(v), entity.If{Exists: true})
		return err
	})
}

func describeStep(w *worker) {
	if ref, ok := w.openStep(); ok {
		w.update(ref, values{"msdyn_description": w.token()})
	}
}

// unit does several operations in one unit of work.
func (w *worker) unit(d deed, ops ...operation.Operation) {
	c := w.caller()
	all := d.effects
	d.effects = []*effect{{name: d.name, ref: all[0].ref, holds: func(h *history) bool { // all at once
		for _, e := range all {
			if !e.holds(h) {
				return false
			}
		}
		return true
	}}}
	w.try(d, func(ctx context.Context, _ *deed) error {
		_, err := w.p.Operations().Do(ctx, c, ops...)
		return err
	})
}

func connecting(ref rows.Ref, to string) operation.Action {
	return operation.Action{Name: "msdyn_ConnectSequence", Given: call.Arguments{
		"RegardingEntityId": ref.ID, "RegardingEntityName": ref.Table, "SequenceId": to,
	}}
}

func makeAndConnect(w *worker) {
	ref := w.record()
	to, v := w.sequenceFor(ref).ID, w.newRecord(ref)
	w.unit(deed{
		name: fmt.Sprintf("make %s and connect it to %s", nameOf(ref), known()[to]), makes: map[rows.Ref]bool{ref: true},
		effects: []*effect{shows(ref, v), isOn(ref, to)},
	}, operation.Create{Table: ref.Table, ID: ref.ID, Values: schematest.Row(v)}, connecting(ref, to))
}

func changeAndReconnect(w *worker) {
	ref := w.record()
	to, v := w.sequenceFor(ref).ID, w.interests(ref)
	w.unit(deed{
		ends: ofRecord(ref),
		name: fmt.Sprintf("change %s and connect it to %s instead", nameOf(ref), known()[to]), intends: map[rows.Ref][]string{ref: written(v)},
		effects: []*effect{shows(ref, v), isOn(ref, to)},
	}, operation.Update{Ref: ref, Values: schematest.Row(v), If: entity.If{Exists: true}},
		operation.Action{Name: "msdyn_DisconnectSequence", Given: call.Arguments{"RegardingEntityId": ref.ID, "RegardingEntityName": ref.Table}},
		connecting(ref, to))
}

func closeAndMake(w *worker) {
	closed, made := w.lead(), opportunity(w.random.IntN(opportunities))
	v, end := w.newRecord(made), values{"statecode": int64(1)}
	w.unit(deed{
		ends: ofRecord(closed),
		name: fmt.Sprintf("qualify %s into %s", nameOf(closed), nameOf(made)), intends: map[rows.Ref][]string{closed: written(end)},
		makes: map[rows.Ref]bool{made: true}, effects: []*effect{shows(made, v), shows(closed, end)},
	}, operation.Update{Ref: closed, Values: schematest.Row(end), If: entity.If{Exists: true}},
		operation.Create{Table: made.Table, ID: made.ID, Values: schematest.Row(v)})
}

func deleteAndMake(w *worker) {
	gone, made := w.lead(), w.lead()
	if gone == made {
		return
	}
	v := w.newRecord(made)
	w.unit(deed{
		ends: ofRecord(gone),
		name: fmt.Sprintf("delete %s and make %s", nameOf(gone), nameOf(made)), makes: map[rows.Ref]bool{gone: true, made: true},
		effects: []*effect{shows(made, v), {name: nameOf(gone) + " is gone", ref: gone, holds: func(h *history) bool { return h.items[gone] == nil }}},
	}, operation.Delete{Ref: gone}, operation.Create{Table: made.Table, ID: made.ID, Values: schematest.Row(v)})
}
