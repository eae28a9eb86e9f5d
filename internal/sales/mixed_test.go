package sales_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/schema/schematest"
)

// newer is the schema of a later version of the program: leads have columns and an
// index more, and there are two more tables, one of which shares an index with
// activities.
func newer(t *testing.T) *schema.Schema {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(schema.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		data, err := fs.ReadFile(schema.Files(), path)
		files[path] = &fstest.MapFile{Data: data}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	// The index is where the leads of this version are in the due list, which the newer
	// version has left.
	record := map[string]any{}
	if err := json.Unmarshal(files["traits/record.json"].Data, &record); err != nil {
		t.Fatal(err)
	}
	record["indexes"] = slices.DeleteFunc(record["indexes"].([]any), func(x any) bool { return x.(map[string]any)["name"] == schema.DueIndex })
	if files["traits/record.json"].Data, err = json.Marshal(record); err != nil {
		t.Fatal(err)
	}
	lead := map[string]any{}
	if err := json.Unmarshal(files["tables/lead.json"].Data, &lead); err != nil {
		t.Fatal(err)
	}
	grades := []any{values{"value": 1, "label": "A"}, values{"value": 2, "label": "B"}, values{"value": 3, "label": "C"}}
	lead["columns"] = append(lead["columns"].([]any),
		values{"name": "new_grade", "label": "Grade", "type": "choice", "options": grades},
		values{"name": "new_reviewon", "label": "Review On", "type": "datetime"},
		values{"name": "new_note", "label": "Note", "type": "string", "maxLength": 100})
	lead["indexes"] = []any{values{
		"name": "grade", "serves": "leads of a grade by their review", "on": "gsi2",
		"partition": []any{"new_grade"}, "sort": []any{"new_reviewon"},
	}}
	if files["tables/lead.json"].Data, err = json.Marshal(lead); err != nil {
		t.Fatal(err)
	}
	s, err := schema.Load(files, os.DirFS("../api/testdata/visit"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// mixed is two versions of the program over one store, and what the newer one has
// written into it that the older one does not know.
type mixed struct {
	*world
	newer  *boot.Parts
	random *rand.Rand
	leads  map[string]map[string]schema.Value // the newer columns of each lead that is there
	about  map[string]map[string]bool         // inspections of each lead, by id
	made   int
}

// TestMixedVersions lets an older and a newer version of the program write the same
// leads by turns: nothing that the newer one wrote is lost, and its lists are right.
func TestMixedVersions(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			salestest.CaptureLog(t) // the older version parks changes of tables that it lacks
			m := &mixed{
				world: newWorld(t, boot.Options{}), random: rand.New(rand.NewPCG(seed, 3)),
				leads: map[string]map[string]schema.Value{}, about: map[string]map[string]bool{},
			}
			m.newer = boot.Assemble(rows.New(m.Store, newer(t), clock.Of(salestest.Now)), boot.Options{Queue: m.Local})
			m.Territory()
			for n := range 3 {
				m.User(n)
			}
			m.Parked()
			for n := range 5 {
				m.create(n)
			}
			for range 250 {
				m.step()
			}
			m.check()
			m.Settle()
			m.check()
			m.Sound(true)
		})
	}
}

func (m *mixed) parts() *boot.Parts {
	if m.random.IntN(2) == 0 {
		return m.Parts
	}
	return m.newer
}

func (m *mixed) create(n int) {
	v := schematest.Row(values{"subject": "Topic", "lastname": fmt.Sprint(n), sources: int64(7 + n%2)})
	if _, err := m.parts().Entities.Create(m.T.Context(), manager(), "lead", id("lead", n), v); err != nil {
		m.T.Fatal(err)
	}
	m.leads[id("lead", n)] = map[string]schema.Value{}
	if m.about[id("lead", n)] == nil { // they outlive the lead
		m.about[id("lead", n)] = map[string]bool{}
	}
}

// step is something that either version does, or the newer one alone.
func (m *mixed) step() {
	m.T.Helper()
	n := m.random.IntN(5)
	ref := rows.Ref{Table: "lead", ID: id("lead", n)}
	if m.leads[ref.ID] == nil {
		m.create(n)
		return
	}
	switch m.random.IntN(10) {
	case 0, 1, 2:
		m.grade(ref)
	case 3:
		m.inspect(ref)
	case 4:
		m.write(ref)
	case 5:
		changes := m.Fresh()
		if failures := m.parts().Changes(m.T.Context(), changes); len(failures) > 0 {
			m.T.Fatal(failures)
		}
		if err := m.Local.Drain(m.T.Context(), m.parts().Jobs.Handle); err != nil {
			m.T.Fatal(err)
		}
	case 6:
		if m.random.IntN(4) > 0 {
			return
		}
		if err := m.parts().Entities.Delete(m.T.Context(), manager(), ref, entity.If{}); err != nil {
			m.T.Fatal(err)
		}
		m.leads[ref.ID] = nil
	default:
		u := user{m.parts(), m.T.Context(), m.random}
		err := u.act(ref.ID)
		if err != nil && !errors.Is(err, sales.Precondition) && !errors.Is(err, sales.Unavailable) { // a sequence may be ending

			m.T.Fatal(err)
		}
	}
}

// grade changes the newer columns of a lead.
func (m *mixed) grade(ref rows.Ref) {
	m.T.Helper()
	set := map[string]schema.Value{
		"new_grade":    schema.Int(1 + m.random.Int64N(3)),
		"new_reviewon": schema.Time(salestest.Now().AddDate(0, 0, m.random.IntN(30))),
		"new_note":     schema.Text(fmt.Sprint("note ", m.random.IntN(100))),
	}
	for column := range set {
		if m.random.IntN(4) == 0 {
			set[column] = schema.Null()
		}
	}
	_, _, err := m.newer.Entities.Update(m.T.Context(), manager(), ref, set, entity.If{Exists: true})
	if errors.Is(err, sales.Precondition) { // it is closed
		return
	}
	if err != nil {
		m.T.Fatal(err)
	}
	for column, v := range set {
		m.leads[ref.ID][column] = v
		if v.IsNull() {
			delete(m.leads[ref.ID], column)
		}
	}
}

// inspect makes rows of the newer tables.
func (m *mixed) inspect(ref rows.Ref) {
	m.T.Helper()
	m.made++
	for table, v := range map[string]values{
		"visit":      {"topic": "Roof"},
		"inspection": {"subject": "Roof", "regardingobjectid": salestest.Lookup(ref)},
		"task":       {"subject": "Roof", "regardingobjectid": salestest.Lookup(ref)}, // shares an index with inspections
	} {
		if _, err := m.newer.Entities.Create(m.T.Context(), manager(), table, id(table, m.made), schematest.Row(v)); err != nil {
			m.T.Fatal(err)
		}
	}
	m.about[ref.ID][id("inspection", m.made)] = true
}

// write changes a lead below the use cases, in each way that there is.
func (m *mixed) write(ref rows.Ref) {
	m.T.Helper()
	way, db := m.random.IntN(3), m.parts().DB
	err := db.Do(m.T.Context(), "", func(tx *rows.Tx) error {
		set := map[string]schema.Value{"jobtitle": schema.Text(fmt.Sprint("job ", m.random.IntN(100)))}
		if way == 0 {
			tx.Patch(db.Schema().Table("lead"), ref.ID, set, nil)
			return nil
		}
		found, err := tx.Load(m.T.Context(), ref)
		if err != nil {
			return err
		}
		if found[0].Touch(); way == 1 {
			found[0].SetAll(set)
		}
		return nil
	})
	if err != nil {
		m.T.Fatal(err)
	}
}

// check compares the store with what the newer version has written, and its index with
// the rows.
func (m *mixed) check() {
	m.T.Helper()
	graded := map[int64][]string{}
	for leadID, want := range m.leads {
		found, err := m.newer.DB.Get(m.T.Context(), rows.Ref{Table: "lead", ID: leadID})
		if err != nil {
			m.T.Fatal(err)
		}
		if want == nil {
			continue
		}
		got := found[0].Values()
		maps.DeleteFunc(got, func(column string, _ schema.Value) bool { return column[:4] != "new_" })
		if d := cmp.Diff(want, got); d != "" {
			m.T.Errorf("lead %s (-written +stored):\n%s", leadID, d)
		}
		if grade, ok := want["new_grade"].Int(); ok {
			graded[grade] = append(graded[grade], leadID)
		}
		var inspections []string
		for _, row := range m.read("inspection", "regarding", map[string]schema.Value{"regardingobjectid": schema.Ref(salestest.Link("lead", leadID))}) {
			inspections = append(inspections, row.ID)
		}
		if d := cmp.Diff(slices.Sorted(maps.Keys(m.about[leadID])), slices.Sorted(slices.Values(inspections)), cmpopts.EquateEmpty()); d != "" {
			m.T.Errorf("inspections of %s (-made +listed):\n%s", leadID, d)
		}
	}
	for grade := int64(1); grade <= 3; grade++ {
		var got []string
		var last time.Time
		for _, row := range m.read("lead", "grade", map[string]schema.Value{"new_grade": schema.Int(grade)}) {
			got = append(got, row.ID)
			if row.Time("new_reviewon").Before(last) {
				m.T.Errorf("leads of grade %d are not in the order of their reviews", grade)
			}
			last = row.Time("new_reviewon")
		}
		if d := cmp.Diff(slices.Sorted(slices.Values(graded[grade])), slices.Sorted(slices.Values(got)), cmpopts.EquateEmpty()); d != "" {
			m.T.Errorf("leads of grade %d (-written +listed):\n%s", grade, d)
		}
	}
	for leadID := range m.leads { // the older version's lists are not disturbed
		m.List("task", values{"regardingobjectid": salestest.Link("lead", leadID)})
	}
	m.List(name.SequenceTarget, nil)
}

// read reads an index of the newer version.
func (m *mixed) read(table, index string, equal map[string]schema.Value) []*rows.Row {
	m.T.Helper()
	of := m.newer.DB.Schema().Table(table)
	at := slices.IndexFunc(of.Indexes, func(x *schema.Index) bool { return x.Name == index })
	partitions, ok := rows.IndexPartitions(of, of.Indexes[at], equal)
	if !ok {
		m.T.Fatalf("index %s has no partition for %v", index, equal)
	}
	part, err := m.newer.DB.Read(m.T.Context(), of, partitions[0], "", 0)
	if err != nil {
		m.T.Fatal(err)
	}
	return part.Rows
}
