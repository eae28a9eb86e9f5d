package rows_test

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"segue/internal/clock"
	"segue/internal/filter"
	"segue/internal/query"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/schema"
	"segue/internal/store"
)

// TestOldFreeKeys: the index of free records was sorted by createdon, and accounts and
// contacts were in it (docs/decisions/0023). Rows with such keys are listed, and lose
// or keep them as they are written.
func TestOldFreeKeys(t *testing.T) {
	f := newFixture(t)
	open := values{"statecode": schema.Int(0), "segue_connected": schema.Bool(false)}
	lead, account := f.Put(t, "lead", open)[0], f.Put(t, "account", open)[0]
	old := func(ref rows.Ref) (partition, sort string) {
		shard := rowstest.Stored(t, f.Store, ref)[store.PK].Text()
		return "free#" + shard, "20260102030405#" + ref.ID
	}
	for _, ref := range []rows.Ref{lead, account} {
		partition, sort := old(ref)
		plant(t, f, ref, store.Item{"g1pk": store.S(partition), "g1sk": store.S(sort)})
	}
	listed := func(table string, want ...rows.Ref) {
		t.Helper()
		equal := func(column string, v schema.Value) filter.Node {
			return &filter.Condition{Column: column, Operator: filter.Eq, Values: []schema.Value{v}}
		}
		where := &filter.Group{Logic: filter.And, Items: []filter.Node{equal("statecode", schema.Int(0)), equal("segue_connected", schema.Bool(false))}}
		page, err := query.New(f.DB).Select(t.Context(), query.Query{Table: f.Table(table), Where: where, Limit: 10})
		var got []rows.Ref
		for _, row := range page.Rows {
			got = append(got, row.Ref())
		}
		if err != nil || fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("free rows of %s: %v, %v, want %v", table, got, err, want)
		}
	}
	listed("lead", lead)
	listed("account", account)
	set := func(column string, v schema.Value) {
		t.Helper()
		err := f.Do(t.Context(), "", func(tx *rows.Tx) error {
			for _, ref := range []rows.Ref{lead, account} {
				load(t, tx, ref).Set(column, v)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	set("telephone1", schema.Text("1"))
	partition, sort := old(account)
	for ref, want := range map[rows.Ref][2]string{lead: {"free#" + rowstest.Stored(t, f.Store, lead)[store.PK].Text(), lead.ID}, account: {partition, sort}} {
		if item := rowstest.Stored(t, f.Store, ref); item["g1pk"].Text() != want[0] || item["g1sk"].Text() != want[1] {
			t.Errorf("keys of %v: %v and %v, want %v", ref, item["g1pk"], item["g1sk"], want)
		}
	}
	set("segue_connected", schema.Bool(true))
	listed("lead")
	listed("account")
	if _, in := rowstest.Stored(t, f.Store, lead)["g1pk"]; in {
		t.Error("a connected lead keeps its keys")
	}
}

// plainSchema is the schema as a program from before decision 0023 has it: every column
// has a value of its own, stored under its own name.
func plainSchema(t *testing.T) *schema.Schema {
	t.Helper()
	extra := regexp.MustCompile(`, "(attribute|follows)": "[^"]*"|, "(joins|compose|idOf)": \[[^]]*\]|, "shown": true`)
	entry := regexp.MustCompile(`(?m)^.*"segue_entry".*\n`)
	files := fstest.MapFS{}
	err := fs.WalkDir(schema.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(schema.Files(), path)
		files[path] = &fstest.MapFile{Data: entry.ReplaceAll(extra.ReplaceAll(text, nil), nil)}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	s, err := schema.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range s.Tables() {
		if len(table.Implied())+len(table.Renamed()) > 0 {
			t.Fatalf("%s is not plain", table.Name)
		}
	}
	return s
}

// TestForms: programs that write the compact form and the long one read what the others
// wrote, and what a program from before wrote. That program reads the long form as its
// own, and what it writes into a compact row counts.
func TestForms(t *testing.T) {
	f := newFixture(t)
	before := rows.New(f.Store, plainSchema(t), clock.Of(rowstest.Clock))
	long := rows.New(f.Store, f.Schema(), clock.Of(rowstest.Clock))
	long.Write(rows.Long)
	writers := map[string]*rows.DB{"before": before, "long": long, "compact": f.DB}
	columns := map[string]func(n int) schema.Value{
		"msdyn_name":                    func(n int) schema.Value { return schema.Text(fmt.Sprint("Name ", n)) },
		"msdyn_regarding":               func(n int) schema.Value { return schema.Text(fmt.Sprint("Regarding ", n)) },
		"msdyn_currentstepname":         func(n int) schema.Value { return schema.Text(fmt.Sprint("Step ", n)) },
		"msdyn_deactivatereason":        func(n int) schema.Value { return schema.Int(int64(n % 6)) },
		"msdyn_appliedsequenceinstance": func(n int) schema.Value { return link("msdyn_sequence", n) },
		"msdyn_target":                  func(n int) schema.Value { return link("lead", n) },
		"msdyn_sequencetargetuniquekey": func(n int) schema.Value { return schema.Text(fmt.Sprint("key ", n)) },
	}
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		id := rowstest.ID("target", n)
		ref := rows.Ref{Table: "msdyn_sequencetarget", ID: id}
		oldReads := false // the whole row has been written in the long form, and in no other since
		for step := range rapid.IntRange(1, 6).Draw(rt, "writes") {
			by := rapid.SampledFrom(slices.Sorted(maps.Keys(writers))).Draw(rt, "by")
			db := writers[by]
			blind := step > 0 && rapid.Bool().Draw(rt, "blind")
			set := values{}
			for _, column := range rapid.SliceOfNDistinct(rapid.SampledFrom(slices.Sorted(maps.Keys(columns))), 1, 4, rapid.ID).Draw(rt, "columns") {
				if blind && column != "msdyn_currentstepname" && column != "msdyn_deactivatereason" {
					continue // others follow from it
				}
				set[column] = columns[column](rapid.IntRange(1, 9).Draw(rt, column))
			}
			if by != "before" && step > 0 && len(set) > 0 && rapid.IntRange(0, 4).Draw(rt, "clear") == 0 {
				set["msdyn_currentstepname"] = schema.Null()
			}
			err := db.Do(t.Context(), "", func(tx *rows.Tx) error {
				table := db.Schema().Table(ref.Table)
				if step == 0 {
					tx.Create(table, id, set)
					return nil
				}
				if blind {
					tx.Patch(table, id, set, nil)
					return nil
				}
				row := load(t, tx, ref)
				row.SetAll(set)
				row.Touch()
				return nil
			})
			if err != nil {
				rt.Fatal(err)
			}
			oldReads = by == "long" && (!blind || oldReads)
			seen := f.Row(t, ref).Values()
			for column, v := range set {
				if got := seen[column]; got != v {
					rt.Fatalf("%s wrote %s = %v, read is %v", by, column, v, got)
				}
			}
			if d := cmp.Diff(seen, get(t, long, ref).Values()); d != "" {
				rt.Fatalf("the long form is read as another row (-compact +long):\n%s", d)
			}
			if oldReads {
				old := get(t, before, ref).Values()
				for _, column := range slices.Sorted(maps.Keys(columns)) {
					if old[column] != seen[column] {
						rt.Fatalf("a program from before reads %s = %v, it is %v", column, old[column], seen[column])
					}
				}
			}
			checkImage(t, rt, f, ref, seen)
		}
	})
}

// checkImage reads the columns of a stored row as an image.
func checkImage(t *testing.T, rt *rapid.T, f *fixture, ref rows.Ref, want values) {
	item := rowstest.Stored(t, f.Store, ref)
	change, err := f.Change(store.Change{Key: item.Key(), Kind: store.Insert, New: item})
	if err != nil {
		rt.Fatal(err)
	}
	columns := []string{"statecode", "msdyn_regarding", "msdyn_currentstepname", "msdyn_name", "msdyn_appliedsequenceinstance", "modifiedon"}
	if err := change.Read(rows.NewReading(change.Table, columns...)); err != nil {
		rt.Fatal(err)
	}
	for _, column := range append(columns, "msdyn_sequencetargetuniquekey", "msdyn_deactivatereason") {
		if v, err := change.New.Value(column); err != nil || v != want[column] {
			rt.Fatalf("the image has %s = %v, %v, the row %v", column, v, err, want[column])
		}
	}
}

func get(t *testing.T, db *rows.DB, ref rows.Ref) *rows.Row {
	t.Helper()
	found, err := db.Get(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	return found[0]
}

func link(table string, n int) schema.Value {
	return schema.Ref(schema.Lookup{Table: table, ID: rowstest.ID(table, n)})
}

// TestOldRowIsRead: a target as a store from before decision 0023 has it is read column
// by column, and is put into the compact form by the next write.
func TestOldRowIsRead(t *testing.T) {
	f := newFixture(t)
	id, sequence, lead := rowstest.ID("target", 1), rowstest.ID("sequence", 1), rowstest.ID("lead", 1)
	old := store.Item{
		"msdyn_name": store.S("Ann Lee"), "msdyn_regarding": store.S("Ann Lee"), "msdyn_target": store.S("lead:" + lead),
		"msdyn_parentsequence": store.S(sequence), "msdyn_appliedsequenceinstance": store.S(sequence),
		"msdyn_sequencetargetuniquekey": store.S(lead + "|" + sequence + "|2"), "msdyn_currentstepname": store.S("Call"),
		"msdyn_currentsteptype": store.Int(4210), "statecode": store.Int(0), "statuscode": store.Int(2),
		"createdon": store.S("2026-01-02T03:04:05Z"), "owningbusinessunit": store.S(rowstest.ID("unit", 1)),
	}
	ref := rows.Ref{Table: "msdyn_sequencetarget", ID: id}
	err := f.Do(t.Context(), "", func(tx *rows.Tx) error { tx.Create(f.Table(ref.Table), id, nil); return nil })
	if err != nil {
		t.Fatal(err)
	}
	plant(t, f, ref, old)
	texts := func() map[string]string {
		row, all := f.Row(t, ref), map[string]string{}
		for column := range old {
			v, err := row.Value(column)
			if err != nil {
				t.Fatal(err)
			}
			all[column] = v.String()
		}
		return all
	}
	was := texts()
	if was["msdyn_sequencetargetuniquekey"] != lead+"|"+sequence+"|2" || was["msdyn_currentstepname"] != "Call" {
		t.Errorf("read: %v", was)
	}
	err = f.Do(t.Context(), "", func(tx *rows.Tx) error {
		row := load(t, tx, ref)
		row.Set("segue_entry", schema.Int(2))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(was, texts()); d != "" {
		t.Errorf("the write changed what is read (-before +after):\n%s", d)
	}
	item := rowstest.Stored(t, f.Store, ref)
	if v := item["msdyn_appliedsequenceinstance"]; v.Text() != sequence { // that store had no rows of versions
		t.Errorf("msdyn_appliedsequenceinstance is stored as %v", v)
	}
	for _, gone := range []string{"msdyn_regarding", "msdyn_sequencetargetuniquekey", "msdyn_currentstepname", "createdon"} {
		if v, ok := item[gone]; ok {
			t.Errorf("%s is stored as %v", gone, v)
		}
	}
}
