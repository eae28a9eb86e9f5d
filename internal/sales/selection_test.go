package sales_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/rows"
	"segue/internal/sales"
)

// result is an Outcome in short.
type result struct {
	Connected, Already bool
	Refused            sales.Kind
}

func results(outcomes []sales.Outcome) []result {
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

// domain.md §17.10: one closed record does not hold up the others.
func TestSelection_7_2_ResultsPerRecord(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	records := []rows.Ref{
		w.lead(1, nil),
		w.lead(2, values{"statuscode": leadQualified}),
		{Table: "lead", ID: id("lead", 99)},
		w.opportunity(1, nil),
		w.lead(3, nil),
	}
	outcomes, err := w.ConnectSelection(t.Context(), manager(), seq, records, false)
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
	w.sound(false)
}

func TestSelection_7_2_MixedIsRefusedAsAWhole(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq, other := w.sequence(1, "lead"), w.sequence(2, "lead")
	on, off, elsewhere := w.lead(1, nil), w.lead(2, nil), w.lead(3, nil)
	w.connect(on, seq)
	w.connect(elsewhere, other)
	mixed := []rows.Ref{on, off, elsewhere}
	w.refuses(t, sales.Precondition, func() error {
		_, err := w.ConnectSelection(t.Context(), manager(), seq, mixed, false)
		return err
	}, "mixes 2 connected and 1 unconnected", "SkipConnected")
	w.refuses(t, sales.Precondition, func() error {
		_, err := w.DisconnectSelection(t.Context(), manager(), "", mixed, false)
		return err
	}, "mixes 2 connected and 1 unconnected")

	outcomes, err := w.ConnectSelection(t.Context(), manager(), seq, mixed, true)
	if err != nil {
		t.Fatal(err)
	}
	want := []result{{Connected: true, Already: true}, {Connected: true}, {Refused: sales.Precondition}}
	if d := cmp.Diff(want, results(outcomes)); d != "" {
		t.Errorf("skipping the connected ones:\n%s", d)
	}
	w.sound(false)
}

func TestSelection_OfConnectedRecordsIsNotMixed(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	both := []rows.Ref{w.lead(1, nil), w.lead(2, nil)}
	connect := func(already bool) {
		outcomes, err := w.ConnectSelection(t.Context(), manager(), seq, both, false)
		if err != nil {
			t.Fatal(err)
		}
		one := result{Connected: true, Already: already}
		if d := cmp.Diff([]result{one, one}, results(outcomes)); d != "" {
			t.Error(d)
		}
	}
	connect(false)
	w.untouched(t, func() { connect(true) })
}

func TestSelection_7_4_Disconnect(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	a, b, free := w.lead(1, nil), w.lead(2, nil), w.lead(3, nil)
	w.connect(a, seq)
	w.connect(b, seq)
	gone := rows.Ref{Table: "lead", ID: id("lead", 99)}
	outcomes, err := w.DisconnectSelection(t.Context(), manager(), seq, []rows.Ref{a, gone, b, free}, true)
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
	w.member(a, "", false)
	w.member(b, "", false)
	w.sound(false)
}

func already(outcomes []sales.Outcome) []bool {
	var all []bool
	for _, o := range outcomes {
		all = append(all, o.Already && o.Err == nil)
	}
	return all
}

func TestSelection_OneToAThousand(t *testing.T) {
	w := newWorld(t, sales.Options{})
	seq := w.sequence(1, "lead")
	records := make([]rows.Ref, sales.MaxSelection+1)
	for i := range records {
		records[i] = rows.Ref{Table: "lead", ID: id("missing", i)}
	}
	for name, wrong := range map[string]struct {
		records []rows.Ref
		text    string
	}{
		"none":             {nil, "0 entries"},
		"1001":             {records, "1001 entries; it takes 1 to 1000"},
		"one twice":        {append(records[:2:2], records[0]), "twice"},
		"no record table":  {[]rows.Ref{{Table: "task", ID: "x"}}, "task"},
		"no table at all":  {[]rows.Ref{{Table: "leda", ID: "x"}}, `no table "leda"`},
		"1000 and no task": {append(records[:999:999], rows.Ref{Table: "task", ID: "x"}), "task"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := w.ConnectSelection(t.Context(), manager(), seq, wrong.records, true)
			refused(t, err, sales.Invalid, wrong.text)
			_, err = w.DisconnectSelection(t.Context(), manager(), "", wrong.records, true)
			refused(t, err, sales.Invalid, wrong.text)
		})
	}
	outcomes, err := w.ConnectSelection(t.Context(), manager(), seq, records[:sales.MaxSelection], false)
	if err != nil || len(outcomes) != sales.MaxSelection {
		t.Errorf("1000 records: %d results, %v", len(outcomes), err)
	}
}
