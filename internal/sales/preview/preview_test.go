package preview_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/preview"
	"segue/internal/sales/salestest"
	"segue/internal/sales/sequence"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

type values = salestest.Values

// world is a Segue whose clock can be moved.
type world struct {
	*salestest.World
	now *clock.Manual
}

func newWorld(t *testing.T) world {
	now := clock.NewManual(salestest.Now())
	return world{salestest.NewOn(t, salestest.OpenEmbedded(t), now.Now, boot.Options{}), now}
}

// of previews a record as lines: the closed steps, the open one, and those to come.
func (w world) of(sequenceID string, record rows.Ref) (lines []string) {
	w.T.Helper()
	p, err := w.Previews.Of(w.T.Context(), salestest.Manager(), name.SequenceID(sequenceID), record)
	if err != nil {
		w.T.Fatal(err)
	}
	return shown(p)
}

func shown(p preview.Preview) (lines []string) {
	const form = "Mon 15:04"
	for _, row := range p.Passed {
		lines = append(lines, fmt.Sprintf("passed %s %d", row.Text("msdyn_name"), row.Int("statuscode")))
	}
	if p.Current != nil {
		line := "open " + p.Current.Row.Text("msdyn_name") + " " + sequence.TargetStep{Row: p.Current.Row}.Due().Format(form)
		for _, reason := range p.Current.Reasons {
			line += ", " + string(reason.Kind)
		}
		lines = append(lines, line)
	}
	for _, c := range p.Coming {
		line := c.Name + " " + c.Due.Due.Format(form)
		for _, reason := range c.Due.Reasons() {
			line += ", " + string(reason.Kind)
		}
		lines = append(lines, line)
	}
	return lines
}

// A record is previewed before it is connected, while it goes its way and when it is late;
// the version of the sequence is its own.
func TestOf(t *testing.T) {
	w := newWorld(t) // it is a Friday, 03:04
	record := w.Lead(1, nil)
	sequenceID := w.Draft(1, salestest.Steps)
	check := func(what string, want ...string) {
		t.Helper()
		if d := cmp.Diff(want, w.of(sequenceID, record)); d != "" {
			t.Errorf("%s (-want +got):\n%s", what, d)
		}
	}
	check("a draft", "Call Fri 03:04", "Two days Sun 03:04, wait", "Mail Sun 03:04")
	if err := w.Activate(sequenceID); err != nil {
		t.Fatal(err)
	}
	w.Connect(record, sequenceID)
	check("connected", "open Call Fri 03:04", "Two days Sun 03:04, wait", "Mail Sun 03:04")
	w.now.Advance(24 * time.Hour)
	check("late", "open Call Fri 03:04", "Two days Mon 03:04, wait", "Mail Mon 03:04")
	w.Finish(w.Target(record), 2)
	check("the wait", "passed Call 2", "open Two days Mon 03:04, wait", "Mail Mon 03:04")
	w.Finish(w.Target(record), 3)
	check("skipped", "passed Call 2", "passed Two days 3", "open Mail Sat 03:04")
}

// A record that goes by an earlier version is previewed by that one, a new one by the newest.
func TestOf_5_1_TheVersionOfTheRecord(t *testing.T) {
	w := newWorld(t)
	old, fresh := w.Lead(1, nil), w.Lead(2, nil)
	sequenceID := w.Sequence(1, "lead")
	w.Connect(old, sequenceID)
	w.Update("msdyn_sequence", sequenceID, values{"statuscode": int64(3), "msdyn_definition": `[{"type":"phonecall","name":"Call"},{"type":"task","name":"Visit"}]`})
	w.Update("msdyn_sequence", sequenceID, values{"statuscode": int64(2)})
	w.Connect(fresh, sequenceID)
	for record, want := range map[rows.Ref][]string{
		old:   {"open Call Fri 03:04", "Two days Sun 03:04, wait", "Mail Sun 03:04"},
		fresh: {"open Call Fri 03:04", "Visit Fri 03:04"},
	} {
		if d := cmp.Diff(want, w.of(sequenceID, record)); d != "" {
			t.Errorf("%v (-want +got):\n%s", record, d)
		}
	}
}

// The owner's calendar counts, that of the record; and what the calendar of another day said
// is no reason for a due time today.
func TestCalendarOfTheOwner(t *testing.T) {
	w := newWorld(t)
	ref := rows.RefTo(name.Organization, w.Principals.Organization().ID)
	set := schematest.Row(values{"segue_selleravailability": true})
	if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), ref, set, entity.If{Exists: true}); err != nil {
		t.Fatal(err)
	}
	seller := w.User(7)
	record := w.Lead(1, values{"ownerid": seller})
	sequenceID := w.Sequence(1, "lead")
	w.Connect(record, sequenceID)
	w.Create("segue_calendar", "", values{"ownerid": seller})
	want := []string{"open Call Fri 03:04", "Two days Mon 08:00, wait, working hours", "Mail Mon 08:00"}
	if d := cmp.Diff(want, w.of(sequenceID, record)); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t)
	record, other := w.Lead(1, nil), w.Opportunity(1, nil)
	sequenceID, broken := w.Sequence(1, "lead"), w.Draft(2, `[{"type":"wait","name":"w","wait":{"days":1}}]`)
	for _, test := range []struct {
		name     string
		sequence string
		record   rows.Ref
		kind     sales.Kind
		names    string
	}{
		{"another table", sequenceID, other, sales.Precondition, "lead"},
		{"no sequence", salestest.ID("sequence", 9), record, sales.NotFound, salestest.ID("sequence", 9)},
		{"no record", sequenceID, rows.Ref{Table: "lead", ID: salestest.ID("lead", 9)}, sales.NotFound, salestest.ID("lead", 9)},
		{"a definition that could not be activated", broken, record, sales.Invalid, "step"},
	} {
		w.Refuses(t, test.kind, func() error {
			_, err := w.Previews.Of(context.Background(), salestest.Manager(), name.SequenceID(test.sequence), test.record)
			return err
		}, test.names)
	}
}
