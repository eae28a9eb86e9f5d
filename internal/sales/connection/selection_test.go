package connection_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/boot"
	"segue/internal/embed"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/connection"
	"segue/internal/sales/salestest"
	"segue/internal/schema/name"
	"segue/internal/store"
)

// result is an Outcome in short.
type result struct {
	Connected, Already bool
	Refused            sales.Kind
}

func results(outcomes []connection.Outcome) []result {
	var all []result
	for _, o := range outcomes {
		r := result{Connected: o.Target != "", Already: o.Already}
		if refusal, ok := errors.AsType[*sales.Error](o.Err); ok {
			r.Refused = refusal.Kind
		}
		all = append(all, r)
	}
	return all
}

// docs/domain.md §17.10: one closed record does not hold up the others.
func TestSelection_7_2_ResultsPerRecord(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	records := []rows.Ref{
		w.Lead(1, nil),
		w.Lead(2, values{"statuscode": leadQualified}),
		{Table: "lead", ID: id("lead", 99)},
		w.Opportunity(1, nil),
		w.Lead(3, nil),
	}
	outcomes, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), records, false)
	if err != nil {
		t.Fatal(err)
	}
	want := []result{
		{Connected: true}, {Refused: sales.Precondition}, {Refused: sales.NotFound}, {Refused: sales.Precondition}, {Connected: true},
	}
	if d := cmp.Diff(want, results(outcomes)); d != "" {
		t.Error(d)
	}
	for i, o := range outcomes {
		if o.Record != records[i] {
			t.Errorf("result %d is of %v, want %v", i, o.Record, records[i])
		}
	}
	w.Sound(false)
}

func TestSelection_7_2_MixedIsRefusedAsAWhole(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq, other := w.Sequence(1, "lead"), w.Sequence(2, "lead")
	on, off, elsewhere := w.Lead(1, nil), w.Lead(2, nil), w.Lead(3, nil)
	w.Connect(on, seq)
	w.Connect(elsewhere, other)
	mixed := []rows.Ref{on, off, elsewhere}
	w.Refuses(t, sales.Precondition, func() error {
		_, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), mixed, false)
		return err
	}, "mixes 2 connected and 1 unconnected", "SkipConnected")
	w.Refuses(t, sales.Precondition, func() error {
		_, err := w.Connections.DisconnectSelection(t.Context(), manager(), "", mixed, false)
		return err
	}, "mixes 2 connected and 1 unconnected")

	outcomes, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), mixed, true)
	if err != nil {
		t.Fatal(err)
	}
	want := []result{{Connected: true, Already: true}, {Connected: true}, {Refused: sales.Precondition}}
	if d := cmp.Diff(want, results(outcomes)); d != "" {
		t.Errorf("skipping the connected ones:\n%s", d)
	}
	w.Sound(false)
}

func TestSelection_OfConnectedRecordsIsNotMixed(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	both := []rows.Ref{w.Lead(1, nil), w.Lead(2, nil)}
	connect := func(already bool) {
		outcomes, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), both, false)
		if err != nil {
			t.Fatal(err)
		}
		one := result{Connected: true, Already: already}
		if d := cmp.Diff([]result{one, one}, results(outcomes)); d != "" {
			t.Error(d)
		}
	}
	connect(false)
	w.Untouched(t, func() { connect(true) })
}

func TestSelection_7_4_Disconnect(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	a, b, free := w.Lead(1, nil), w.Lead(2, nil), w.Lead(3, nil)
	w.Connect(a, seq)
	w.Connect(b, seq)
	gone := rows.Ref{Table: "lead", ID: id("lead", 99)}
	outcomes, err := w.Connections.DisconnectSelection(t.Context(), manager(), name.SequenceID(seq), []rows.Ref{a, gone, b, free}, true)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]bool{false, false, false, true}, already(outcomes)); d != "" {
		t.Errorf("already free (-want +got):\n%s", d)
	}
	for i, o := range outcomes {
		if i == 1 {
			refused(t, o.Err, sales.NotFound, gone.ID)
		} else if o.Err != nil {
			t.Errorf("%v: %v", o.Record, o.Err)
		}
	}
	w.Member(a, "", false)
	w.Member(b, "", false)
	w.Sound(false)
}

func already(outcomes []connection.Outcome) []bool {
	var all []bool
	for _, o := range outcomes {
		all = append(all, o.Already && o.Err == nil)
	}
	return all
}

func TestSelection_OneToAThousand(t *testing.T) {
	w := newWorld(t, boot.Options{})
	seq := w.Sequence(1, "lead")
	records := make([]rows.Ref, connection.MaxSelection+1)
	for i := range records {
		records[i] = rows.Ref{Table: "lead", ID: id("missing", i)}
	}
	for what, wrong := range map[string]struct {
		records []rows.Ref
		text    string
	}{
		"none":             {nil, "0 entries"},
		"1001":             {records, "1001 entries; it takes 1 to 1000"},
		"one twice":        {append(records[:2:2], records[0]), "twice"},
		"no record table":  {[]rows.Ref{{Table: "task", ID: "x"}}, "task"},
		"no table at all":  {[]rows.Ref{{Table: "leda", ID: "x"}}, `table "leda" does not exist`},
		"1000 and no task": {append(records[:999:999], rows.Ref{Table: "task", ID: "x"}), "task"},
	} {
		t.Run(what, func(t *testing.T) {
			_, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), wrong.records, true)
			refused(t, err, sales.Invalid, wrong.text)
			_, err = w.Connections.DisconnectSelection(t.Context(), manager(), "", wrong.records, true)
			refused(t, err, sales.Invalid, wrong.text)
		})
	}
	outcomes, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), records[:connection.MaxSelection], false)
	if err != nil || len(outcomes) != connection.MaxSelection {
		t.Errorf("1000 records: %d results, %v", len(outcomes), err)
	}
}

// explosive is a store with which a write of one row panics.
type explosive struct {
	salestest.ChangeStore
	id string
}

func (s *explosive) Inner() salestest.ChangeStore { return s.ChangeStore }

func (s *explosive) Write(ctx context.Context, ops ...store.Op) error {
	for _, op := range ops {
		if op.Key.SK == s.id {
			panic("out of range")
		}
	}
	return s.ChangeStore.Write(ctx, ops...)
}

// A panic ends one record of a selection.
func TestSelection_PanicEndsOneRecord(t *testing.T) {
	s := &explosive{ChangeStore: salestest.OpenEmbedded(t, embed.NoSync())}
	w := salestest.NewOn(t, s, salestest.Now, boot.Options{})
	seq := w.Sequence(1, "lead")
	records := []rows.Ref{w.Lead(1, nil), w.Lead(2, nil), w.Lead(3, nil)}
	s.id = records[1].ID
	outcomes, err := w.Connections.ConnectSelection(t.Context(), manager(), name.SequenceID(seq), records, false)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]result{{Connected: true}, {}, {Connected: true}}, results(outcomes)); d != "" {
		t.Error(d)
	}
	panicked, ok := errors.AsType[*sales.PanicError](outcomes[1].Err)
	if !ok || !strings.Contains(string(panicked.Stack), "explosive") || outcomes[1].Record != records[1] {
		t.Errorf("outcome %+v, want the panic with its stack", outcomes[1])
	}
	w.Sound(false)
}
