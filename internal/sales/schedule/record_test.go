package schedule_test

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/schematest"
	"segue/internal/store"
)

// recordKinds are what workers do with leads and opportunities.
func recordKinds() map[string]kind {
	return map[string]kind{
		"create a record":              {6, func(w *worker) { w.create(w.record(), w.newRecord) }},
		"change what segments read":    {14, func(w *worker) { ref := w.record(); w.update(ref, w.interests(ref)) }},
		"change it twice":              {6, changeTwice},
		"change what no segment reads": {6, func(w *worker) { w.update(w.record(), nil) }},
		"close a record":               {3, func(w *worker) { w.update(w.record(), values{"statecode": int64(2)}) }},
		"open a record again":          {4, func(w *worker) { w.update(w.record(), values{"statecode": int64(0)}) }},
		"open and change a record": {2, func(w *worker) {
			ref := w.record()
			w.update(ref, with(values{"statecode": int64(0)}, w.interests(ref)))
		}},
		"delete a record":                  {3, func(w *worker) { w.remove(w.record()) }},
		"delete a record and make it anew": {2, func(w *worker) { ref := w.record(); w.remove(ref); w.create(ref, w.newRecord) }},
		"make a record anew and change it": {4, makeAndChange},
		"contact a lead":                   {3, func(w *worker) { w.update(w.lead(), values{"statuscode": int64(1 + w.random.IntN(2))}) }},
		"assign a record":                  {3, func(w *worker) { w.update(w.record(), values{"ownerid": w.user()}) }},
		"write a record that may be there": {4, upsert},
		"change a record if it is as seen": {3, updateSeen},
	}
}

func (w *worker) lead() rows.Ref {
	if ref, ok := w.rival("lead"); ok {
		return ref
	}
	return lead(w.random.IntN(w.crowd.leads))
}

func (w *worker) record() rows.Ref {
	if w.random.IntN(6) == 0 {
		return opportunity(w.random.IntN(opportunities))
	}
	return w.lead()
}

func (w *worker) user() schema.Lookup {
	return salestest.Link("systemuser", salestest.ID("user", w.random.IntN(users)))
}

// interests are random values of columns that segments read.
func (w *worker) interests(ref rows.Ref) values {
	if ref.Table == "opportunity" {
		return values{"name": one(w.random, []string{"Apex", "Box", "Cell", "Amber"})}
	}
	v := values{
		salestest.Sources: int64(7 + w.random.IntN(2)), salestest.Quality: int64(1 + w.random.IntN(3)),
		"address1_city": one(w.random, []string{"Zug", "Bern", "Zürich"}),
	}
	for _, column := range slices.Sorted(maps.Keys(v)) {
		if w.random.IntN(3) == 0 {
			delete(v, column)
		}
	}
	return v
}

// newRecord is the columns of a new record.
func (w *worker) newRecord(ref rows.Ref) values {
	if ref.Table == "opportunity" {
		return with(values{"description": w.token()}, w.interests(ref))
	}
	return with(values{"subject": w.token(), "lastname": w.token()}, w.interests(ref))
}

func with(v, more values) values {
	all := values{}
	maps.Copy(all, v)
	maps.Copy(all, more)
	return all
}

// create makes a row.
func (w *worker) create(ref rows.Ref, columns func(ref rows.Ref) values) {
	v, c := columns(ref), w.caller()
	d := deed{name: "create " + nameOf(ref), makes: map[rows.Ref]bool{ref: true}, effects: []*effect{shows(ref, v)}}
	w.try(d, func(ctx context.Context, _ *deed) error {
		_, err := w.p.Entities.Create(ctx, c, ref.Table, ref.ID, schematest.Row(v))
		return err
	})
}

// update changes a row that is there; a token makes it differ from what it was.
func (w *worker) update(ref rows.Ref, v values) { w.updateIf(ref, v, entity.If{Exists: true}) }

func (w *worker) updateIf(ref rows.Ref, v values, cond entity.If) {
	switch ref.Table {
	case "lead":
		v = with(v, values{"jobtitle": w.token()})
	case "opportunity":
		v = with(v, values{"description": w.token()})
	}
	c := w.caller()
	w.try(changes(ref, v), func(ctx context.Context, _ *deed) error {
		_, _, err := w.p.Entities.Update(ctx, c, ref, schematest.Row(v), cond)
		return err
	})
}

// changes is the deed of changing columns of a row.
func changes(ref rows.Ref, v values) deed {
	return deed{
		ends: ofRecord(ref), // by closing it
		name: fmt.Sprintf("update %s %v", nameOf(ref), v), intends: map[rows.Ref][]string{ref: written(v)},
		effects: []*effect{shows(ref, v)},
	}
}

// written are the columns that writing these values may change.
func written(v values) []string {
	columns := slices.Collect(maps.Keys(v))
	if slices.Contains(columns, "statecode") || slices.Contains(columns, "statuscode") {
		columns = append(columns, "statecode", "statuscode")
	}
	return columns
}

// shows is that a row has these values.
func shows(ref rows.Ref, v values) *effect {
	want := store.Item{}
	for column, literal := range v {
		switch literal := literal.(type) {
		case string:
			want[column] = store.S(literal)
		case int64:
			want[column] = store.Int(literal)
		case bool:
			want[column] = store.B(literal)
		case schema.Lookup:
			want[column] = store.S(literal.ID)
		case nil:
			want[column] = store.Value{}
		}
	}
	return &effect{
		name: fmt.Sprintf("%s has %v", nameOf(ref), v), ref: ref,
		holds: func(h *history) bool {
			item := h.items[ref]
			for column, v := range want {
				if column == "segue_priority" { // never stored
					continue
				}
				if got := item[column]; got != v && (got.Kind() != store.String || lookup(item, column) != v.Text()) {
					return false
				}
			}
			return item != nil
		},
	}
}

// remove deletes a row.
func (w *worker) remove(ref rows.Ref) {
	c := w.caller()
	d := deed{
		name: "delete " + nameOf(ref), makes: map[rows.Ref]bool{ref: true},
		intends: map[rows.Ref][]string{ref: {"statecode", "statuscode"}}, // of a sequence that is still ending
		ends:    ofRecord(ref),
		effects: []*effect{{name: nameOf(ref) + " is gone", ref: ref, holds: func(h *history) bool {
			return h.items[ref] == nil || h.items[ref]["segue_phase"].Text() != ""
		}}},
	}
	w.try(d, func(ctx context.Context, _ *deed) error { return w.p.Entities.Delete(ctx, c, ref, entity.If{}) })
}

func changeTwice(w *worker) {
	ref := w.record()
	w.update(ref, w.interests(ref))
	w.update(ref, w.interests(ref))
}

func makeAndChange(w *worker) {
	ref := w.record()
	w.remove(ref)
	w.create(ref, w.newRecord)
	w.update(ref, w.interests(ref))
}

func upsert(w *worker) {
	ref := w.record()
	v, c := w.newRecord(ref), w.caller()
	d := changes(ref, v)
	d.makes = map[rows.Ref]bool{ref: true}
	w.try(d, func(ctx context.Context, _ *deed) error {
		_, _, err := w.p.Entities.Update(ctx, c, ref, schematest.Row(v), entity.If{})
		return err
	})
}

// updateSeen changes a record under the version that was seen, as a client with
// If-Match does.
func updateSeen(w *worker) {
	ref := w.record()
	seen := w.item(ref)
	if seen == nil || w.pause(0) != nil {
		return
	}
	w.updateIf(ref, w.interests(ref), entity.If{Version: seen["versionnumber"].Int(), Exists: true})
}

func nameOf(ref rows.Ref) string {
	if name := known()[ref.ID]; name != "" {
		return name
	}
	return ref.String()
}
