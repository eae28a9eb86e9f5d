package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/api"
	"segue/internal/auth"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/filter"
	"segue/internal/guid"
	"segue/internal/ingest"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/segment"
	"segue/internal/sales/sequence/check"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// few is a demo that loads in no time.
func few() Demo { return newDemo(1, counts{sellers: 20, accounts: 10, leads: 150, opportunities: 30}) }

func everything(d Demo) []Row {
	var list []Row
	for _, part := range [][]Row{d.Sellers, d.Accounts, d.Sequences, d.Segments, d.Leads, d.Opportunities} {
		list = append(list, part...)
	}
	return list
}

func TestDemoIsDeterministic(t *testing.T) {
	if diff := cmp.Diff(few(), few()); diff != "" {
		t.Errorf("the same seed made other rows (-first +second):\n%s", diff)
	}
	d, other := New(42, 5000), New(43, 5000)
	got := []int{len(d.Sellers), len(d.Accounts), len(d.Sequences), len(d.Segments), len(d.Leads), len(d.Opportunities)}
	if diff := cmp.Diff([]int{20, 200, 5, 8, 5000, 500}, got); diff != "" {
		t.Errorf("counts (-want +got):\n%s", diff)
	}
	ids := map[string]bool{}
	for _, row := range append(everything(d), everything(other)...) {
		if ids[row.ID] || !guid.Canonical(row.ID) {
			t.Fatalf("%s id %s is there twice or is not a GUID", row.Table, row.ID)
		}
		ids[row.ID] = true
	}
	if cmp.Equal(d.Leads[0].Values, other.Leads[0].Values) {
		t.Error("another seed made the same lead")
	}
}

func TestDemoFitsTheSchema(t *testing.T) {
	s := tables(t)
	d := New(7, 5000)
	ids := map[schema.Lookup]bool{}
	for _, row := range everything(d) {
		ids[schema.Lookup{Table: row.Table, ID: row.ID}] = true
	}
	for _, row := range everything(d) {
		if _, err := s.Table(row.Table).CheckCreate(row.Values); err != nil {
			t.Errorf("%s %s: %v", row.Table, row.ID, err)
		}
		for name, v := range row.Values {
			if to, ok := v.Ref(); ok && !ids[to] {
				t.Errorf("%s %s: %s points at nothing: %v", row.Table, row.ID, name, to)
			}
			if text, ok := v.Text(); ok && strings.Contains(text, "@") && !strings.HasSuffix(text, "@example.com") && !strings.HasSuffix(text, "@example.org") {
				t.Errorf("%s %s: %s is %q", row.Table, row.ID, name, text)
			}
		}
	}
	for _, row := range d.Sequences {
		def, err := language.Read(tables(t), name.SequenceID(row.ID), schema.Values(row.Values))
		if err != nil {
			t.Errorf("sequence %v: %v", row.Values["msdyn_name"], err)
		}
		world := check.World{Schema: tables(t), Table: row.Values["msdyn_regardingentityname"].String()}
		for _, fault := range check.Definition(def, world) {
			t.Errorf("sequence %v: %v", row.Values["msdyn_name"], fault)
		}
	}
}

// record is a row of the demo as segments see it.
type record struct{ values values }

func (r record) Value(column string) (schema.Value, error) { return r.values[column], nil }

// shares is how many of a table's rows enter each segment, by its name, "" for
// none, if all segments were there first.
func shares(t *testing.T, d Demo, table string, list []Row) map[string]int {
	t.Helper()
	s := tables(t)
	var order []name.SegmentID
	var active []segment.Entry
	for _, row := range d.Segments {
		if row.Values["msdyn_objecttype"] != schema.Text(table) {
			continue
		}
		group, err := filter.Parse(s, table, row.Values["msdyn_entityfilter"].String())
		if err != nil {
			t.Fatal(err)
		}
		program, err := filter.Compile(s, table, group)
		if err != nil {
			t.Fatal(err)
		}
		order = append(order, name.SegmentID(row.ID))
		active = append(active, segment.Entry{ID: name.SegmentID(row.ID), Name: row.Values["msdyn_name"].String(), Program: program})
	}
	catalogue := segment.NewCatalogue(table, order, active, nil)
	in := map[string]int{}
	for _, row := range list {
		stored, err := s.Table(table).CheckCreate(row.Values)
		if err != nil {
			t.Fatal(err)
		}
		decision, err := catalogue.Decide(record{stored}, "", nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case stored["statecode"] != schema.Int(0):
		case decision.Segment == nil:
			in[""]++
		default:
			in[decision.Segment.Name]++
		}
	}
	return in
}

func TestDemoShares(t *testing.T) {
	for seed := range uint64(2) {
		d := New(seed, 5000)
		leads := shares(t, d, "lead", d.Leads)
		open := 0
		for _, n := range leads {
			open += n
		}
		matched, unsequenced := open-leads[""], leads["To be researched"]
		if share := float64(matched) / float64(len(d.Leads)); share < 0.60 || share > 0.75 {
			t.Errorf("seed %d: %.0f %% of the leads match a segment, want 60 to 75: %v", seed, 100*share, leads)
		}
		if unsequenced*4 > matched {
			t.Errorf("seed %d: %d of %d members are in a segment without a sequence", seed, unsequenced, matched)
		}
		if closed := len(d.Leads) - open; closed < 100 || closed > 400 {
			t.Errorf("seed %d: %d leads are closed", seed, closed)
		}
		for name, n := range leads {
			if n < 150 || n > 2000 || len(leads) != 7 {
				t.Errorf("seed %d: %d leads in %q", seed, n, name)
			}
		}
		deals := shares(t, d, "opportunity", d.Opportunities)
		if len(deals) != 3 || deals["Large deals"] < 20 || deals["Late stage"] < 20 {
			t.Errorf("seed %d: opportunities %v", seed, deals)
		}
	}
}

// The frequent values are much more frequent than the rare ones.
func TestDemoIsSkewed(t *testing.T) {
	d := New(3, 5000)
	for _, column := range []string{"leadsourcecode", "address1_country", "ownerid", "jobtitle"} {
		count := map[schema.Value]int{}
		for _, row := range d.Leads {
			count[row.Values[column]]++
		}
		delete(count, schema.Null())
		low, high := len(d.Leads), 0
		for _, n := range count {
			low, high = min(low, n), max(high, n)
		}
		if high < 5*low || len(count) < 9 {
			t.Errorf("%s: %d values, the most frequent %d times, the least %d", column, len(count), high, low)
		}
	}
}

func TestDemoLoad(t *testing.T) {
	w, d := newWorld(t), few()
	var last, total int
	load := func() Loaded {
		t.Helper()
		last = 0
		loaded, err := d.Load(t.Context(), w.direct(), w.DB.Schema(), func(done, of int) {
			if done != last+1 {
				t.Errorf("progress went from %d to %d", last, done)
			}
			last, total = done, of
		})
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	want := Loaded{Rows: map[string]int{"systemuser": 20, "account": 10, "msdyn_sequence": 5, "msdyn_segment": 8, "lead": 150, "opportunity": 30}}
	if diff := cmp.Diff(want, load()); diff != "" || last != 223 || total != 223 {
		t.Errorf("progress %d of %d (-want +got):\n%s", last, total, diff)
	}
	w.drain()
	w.checkLoaded(d)
	if diff := cmp.Diff(want, load()); diff != "" {
		t.Errorf("second time (-want +got):\n%s", diff)
	}
	if changes := w.drain(); changes != 0 {
		t.Errorf("loading again changed %d rows", changes)
	}
}

// checkLoaded looks at what the product made of the demo.
func (w world) checkLoaded(d Demo) {
	w.t.Helper()
	for i, row := range d.Segments {
		held, err := w.Entities.Retrieve(w.t.Context(), sales.Engine(), rows.Ref{Table: row.Table, ID: row.ID})
		if err != nil {
			w.t.Fatal(err)
		}
		want := int64(i + 1)
		if row.Values["msdyn_objecttype"] == schema.Text("opportunity") {
			want -= 6
		}
		if held.Int("segue_priority") != want || held.Int("statecode") != 0 {
			w.t.Errorf("segment %s has priority %d and state %d, want %d and 0", held.Text("msdyn_name"), held.Int("segue_priority"), held.Int("statecode"), want)
		}
	}
	for name, list := range map[string][]Row{"lead": d.Leads, "opportunity": d.Opportunities} {
		want, got, live := shares(w.t, d, name, list), map[string]int{}, 0
		segmentNames := map[string]string{}
		for _, row := range d.Segments {
			segmentNames[row.ID] = fmt.Sprint(row.Values["msdyn_name"])
		}
		for _, row := range w.all(name) {
			if row.Int("statecode") == 0 {
				got[segmentNames[row.Lookup("msdyn_segmentid").ID]]++
			}
			if row.Is("segue_connected") {
				live++
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			w.t.Errorf("members of segments of %s (-want +got):\n%s", name, diff)
		}
		if live < len(list)/4 {
			w.t.Errorf("%d of %d rows of %s are connected", live, len(list), name)
		}
	}
	w.checkLookups()
}

// checkLookups looks whether every lookup of every row points at a row.
func (w world) checkLookups() {
	w.t.Helper()
	var lookups []schema.Lookup
	exists := map[schema.Lookup]bool{}
	for _, table := range w.DB.Schema().Tables() {
		for _, row := range w.all(table.Name) {
			exists[schema.Lookup{Table: table.Name, ID: row.ID}] = true
			for column, v := range row.Values() {
				if to, ok := v.Ref(); ok {
					lookups = append(lookups, to)
				} else if table.Column(column).Type == schema.LookupTo {
					w.t.Errorf("%v: %s is %v", row.Ref(), column, v)
				}
			}
		}
	}
	for _, to := range lookups {
		if !exists[to] {
			w.t.Errorf("a row points at %v, which is not there", to)
		}
	}
	if len(lookups) < 500 { // the walk has gone blind
		w.t.Errorf("%d lookups", len(lookups))
	}
}

// Somebody has worked with the demo: loading it again goes on past the edits
// that a rule protects.
func TestDemoLoadAfterEdits(t *testing.T) {
	w, d := newWorld(t), few()
	load := func() Loaded {
		loaded, err := d.Load(t.Context(), w.direct(), w.DB.Schema(), nil)
		if err != nil {
			t.Fatal(err)
		}
		return loaded
	}
	load()
	w.drain()
	update := func(row Row, v values) {
		t.Helper()
		if _, _, err := w.Entities.Update(t.Context(), sales.Engine(), rows.Ref{Table: row.Table, ID: row.ID}, v, entity.If{Exists: true}); err != nil {
			t.Fatal(err)
		}
		w.drain()
	}
	edited := d.Sequences[0]
	update(edited, values{"statecode": schema.Int(0)})
	update(edited, values{"msdyn_name": schema.Text("Ours")})
	update(edited, values{"statecode": schema.Int(1)})
	update(d.Accounts[0], values{"name": schema.Text("Renamed")})
	loaded := load()
	if loaded.Refused != 1 || loaded.Because == nil || !strings.Contains(loaded.Because.Error(), "is active") {
		t.Errorf("loaded %+v, want the edited sequence refused", loaded)
	}
	held, err := w.DB.Get(t.Context(), rows.Ref{Table: "account", ID: d.Accounts[0].ID}, rows.Ref{Table: edited.Table, ID: edited.ID})
	if err != nil {
		t.Fatal(err)
	}
	if schema.Text(held[0].Text("name")) != d.Accounts[0].Values["name"] || held[1].Text("msdyn_name") != "Ours" || held[1].Int("statecode") != 1 {
		t.Errorf("account %q, sequence %q", held[0].Text("name"), held[1].Text("msdyn_name"))
	}
}

func TestDemoLoadStops(t *testing.T) {
	d := few()
	for name, id := range map[string]string{"at a definition": d.Segments[7].ID, "at a record": d.Leads[3].ID} {
		t.Run(name, func(t *testing.T) {
			w := failingAt{id, ingest.ErrUnavailable}
			loaded, err := d.Load(t.Context(), w, tables(t), nil)
			if !errors.Is(err, ingest.ErrUnavailable) || loaded.Refused == 0 || !errors.Is(loaded.Because, ingest.ErrUnavailable) {
				t.Errorf("loaded %+v, error %v", loaded, err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := d.Load(ctx, failingAt{}, tables(t), nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

// Over the real Web API the rows come out as they do in this process.
func TestDemoLoadOverTheWebAPI(t *testing.T) {
	w, d := newWorld(t), few()
	server := httptest.NewServer(api.New(api.Config{
		Operations: w.Operations(), Auth: administrator{}, Principals: w.Principals, Clock: clock.System(), Log: slog.New(slog.DiscardHandler),
	}).Mux())
	defer server.Close()
	remote := ingest.NewRemote(w.DB.Schema(), server.URL, "token", new(http.Transport))
	defer remote.Client.CloseIdleConnections()
	loaded, err := d.Load(t.Context(), remote, w.DB.Schema(), nil)
	if err != nil || loaded.Refused > 0 {
		t.Fatalf("loaded %+v, error %v", loaded, err)
	}
	w.drain()
	w.checkLoaded(d)
	if _, err := d.Load(t.Context(), w.direct(), w.DB.Schema(), nil); err != nil {
		t.Fatal(err)
	}
	if changes := w.drain(); changes != 0 {
		t.Errorf("loading in this process changed %d rows", changes)
	}
}

// administrator lets everybody in as one.
type administrator struct{}

func (administrator) Authenticate(context.Context, string) (auth.Caller, error) {
	return auth.Caller{ID: "00000000-0000-4000-8000-000000000001", Roles: []string{sales.SystemAdministrator}}, nil
}

// Demos that were loaded have these ids: they never change.
func TestDemoIDsAreFixed(t *testing.T) {
	if got := rowID(1, "lead", 0); got != "fd1f2fd8-7633-5d67-bb11-2b6768c6a279" {
		t.Errorf("the first lead of seed 1 is %s", got)
	}
}
