package schema

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestLoadRefuses breaks a good file in one place at a time.
func TestLoadRefuses(t *testing.T) {
	const good = `{"name": "x", "set": "xs", "label": "X", "id": "xid", "primaryName": "name", "traits": ["sized"],
  "states": [{"value": 0, "label": "On", "statuses": [{"value": 1, "label": "On"}]}, {"value": 1, "label": "Off", "statuses": [{"value": 2, "label": "Off"}]}],
  "columns": [
    {"name": "name", "label": "Name", "type": "string", "maxLength": 20, "write": "engine", "compose": ["first"]},
    {"name": "first", "label": "First", "type": "string", "maxLength": 10},
    {"name": "size", "label": "Size", "type": "integer", "min": 0, "max": 9, "default": 3},
    {"name": "colour", "label": "Colour", "type": "choice", "options": [{"value": 1, "label": "Red"}, {"value": 2, "label": "Blue"}]},
    {"name": "done", "label": "Done", "type": "boolean"},
    {"name": "at", "label": "At", "type": "datetime"},
    {"name": "parentid", "label": "Parent", "type": "lookup", "targets": [{"table": "x"}]}
  ],
  "keys": [{"name": "first", "label": "First", "columns": ["first", "size"]}, {"name": "of_parent", "label": "Of a parent", "columns": ["parentid", "colour"]}],
  "indexes": [
    {"name": "child", "serves": "children", "on": "gsi1", "partition": ["parentid"], "sort": ["size"], "when": {"done": false}},
    {"name": "done", "serves": "what is done", "on": "gsi1", "partition": ["{table}"], "shards": true, "when": {"done": true}},
    {"name": "due", "serves": "what is due", "on": "gsi2", "partition": [], "shards": true, "sort": ["at"]}
  ]}`
	load := func(table string) error {
		_, err := Load(fstest.MapFS{"tables/x.json": {Data: []byte(table)}}, fstest.MapFS{
			"traits/sized.json":    {Data: []byte(`{"name": "sized", "about": "has a weight", "columns": [{"name": "weight", "label": "Weight", "type": "decimal"}]}`)},
			"traits/dated.json":    {Data: []byte(`{"name": "dated", "about": "has a date", "every": true, "columns": [{"name": "day", "label": "Day", "type": "date"}]}`)},
			"optionsets/unit.json": {Data: []byte(`{"name": "unit", "label": "Unit", "options": [{"value": 1, "label": "Metre"}]}`)},
		})
		return err
	}
	if err := load(good); err != nil {
		t.Fatalf("the good file: %v", err)
	}
	tests := []struct{ name, old, new, want string }{
		{"no JSON", `{"name": "x"`, `{"name" "x"`, "parse: invalid character"},
		{"two objects", `  ]}`, `  ]}{}`, "there is more text after the value"},
		{"unknown member", `"traits"`, `"trait"`, `unknown member "trait"`},
		{"other name", `{"name": "x"`, `{"name": "y"`, `it describes "y"`},
		{"bad set", `"xs"`, `"Xs"`, `set "Xs"`},
		{"no label", `"label": "X"`, `"label": ""`, "label is missing"},
		{"no such primary name", `"primaryName": "name"`, `"primaryName": "nam"`, `primaryName "nam"`},
		{"no such score", `"label": "X",`, `"label": "X", "score": "nam",`, `score "nam"`},
		{"grade no choice", `"label": "X",`, `"label": "X", "grade": "name",`, `grade "name"`},
		{"primary name no string", `"primaryName": "name"`, `"primaryName": "size"`, `primaryName "size"`},
		{"unknown trait", `["sized"]`, `["sizes"]`, `trait "sizes" does not exist`},
		{"trait twice", `["sized"]`, `["sized", "sized"]`, `trait "sized" is declared twice`},
		{"trait of every table named", `["sized"]`, `["dated"]`, `every table has the trait "dated"`},
		{"derived from nothing", `"type": "lookup", "targets"`, `"type": "lookup", "write": "engine", "derived": "mother", "targets"`, `column parentid: derived "mother"`},
		{"derived from what is no lookup", `"type": "lookup", "targets"`, `"type": "lookup", "write": "engine", "derived": "size", "targets"`, `column parentid: derived "size"`},
		{"derived from itself", `"type": "lookup", "targets"`, `"type": "lookup", "write": "engine", "derived": "parentid", "targets"`, `column parentid: derived "parentid"`},
		{"owner that is no lookup", `"type": "datetime"`, `"type": "datetime", "owner": true`, "column at: an owner is a lookup"},
		{"target of an unknown trait", `[{"table": "x"}]`, `[{"trait": "sizes"}]`, `column parentid: trait "sizes" does not exist`},
		{"target of a trait of every table", `[{"table": "x"}]`, `[{"trait": "dated"}]`, `column parentid: every table has the trait "dated"`},
		{"target of a trait with a name", `[{"table": "x"}]`, `[{"trait": "sized", "nav": "parent"}]`, "column parentid: a target of all tables"},
		{"unknown option set", `"options": [{"value": 1, "label": "Red"}, {"value": 2, "label": "Blue"}]`, `"optionSet": "units"`, `column colour: option set "units" does not exist`},
		{"option set and options", `"type": "choice", `, `"type": "choice", "optionSet": "unit", `, "column colour: it has options of its own"},
		{"option set of a number", `"default": 3`, `"optionSet": "unit"`, "type integer has no options"},
		{"key without a name", `{"name": "first", "label": "First", "columns": ["first"`, `{"name": "", "label": "First", "columns": ["first"`, `name "" must be`},
		{"key without a label", `"label": "First", "columns": ["first"`, `"label": "", "columns": ["first"`, "key first: label is missing"},
		{"key of nothing", `["first", "size"]}`, `[]}`, "key first: it has 0 columns"},
		{"key of no column", `["first", "size"]}`, `["first", "sizes"]}`, `key first: column "sizes" does not exist`},
		{"key of a column twice", `["first", "size"]}`, `["first", "first"]}`, "key first: column first comes twice"},
		{"key of a boolean", `["first", "size"]}`, `["first", "done"]}`, "column done: a boolean cannot be part of a key"},
		{"key of the primary key", `["first", "size"]}`, `["first", "xid"]}`, "column xid: a key takes columns"},
		{"two keys of the same columns", `["parentid", "colour"]}`, `["size", "first"]}`, "key of_parent: key first has its name or its columns"},
		{"two keys of one name", `"of_parent"`, `"first"`, "key first: key first has its name"},
		{"key of a table that is not on the wire", `"set": "xs"`, `"set": ""`, "the table is not on the wire"},
		{"onDelete that is none", `"type": "lookup", "targets"`, `"type": "lookup", "onDelete": "drop", "targets"`, `column parentid: onDelete "drop"`},
		{"onDelete of what is no lookup", `"type": "datetime"`, `"type": "datetime", "onDelete": "cascade"`, "column at: onDelete: it takes a lookup"},
		{"onDelete without an index of all rows", `"type": "lookup", "targets"`, `"type": "lookup", "onDelete": "cascade", "targets"`, `column parentid: onDelete: rows that point at one are found by an index`},
		{"onDelete of what must have a value", `"type": "lookup", "targets"`, `"type": "lookup", "need": "system", "onDelete": "removeLink", "targets"`, `column parentid: onDelete "removeLink": the column must keep a value`},
		{"index without a name", `"name": "child"`, `"name": ""`, `name "" must be`},
		{"index that serves nothing", `"serves": "children"`, `"serves": ""`, "index child: serves is missing"},
		{"index on another index", `"gsi1", "partition": ["parentid"]`, `"gsi5", "partition": ["parentid"]`, `index child: on "gsi5"`},
		{"index without partition", `["parentid"]`, `[]`, "index child: partition is missing"},
		{"due list on another index", `"on": "gsi2"`, `"on": "gsi3"`, `index due: on is "gsi3"; the due list is on gsi2`},
		{"due list of a partition", `"partition": [], "shards"`, `"partition": ["{table}"], "shards"`, "index due: the due list has shards and no partition columns"},
		{"due list without shards", `"shards": true, "sort"`, `"sort"`, "index due: the due list has shards and no partition columns"},
		{"due list without a time", `["at"]`, `[]`, "index due: sort has 0 columns"},
		{"due list of two times", `["at"]`, `["at", "size"]`, "index due: sort has 2 columns"},
		{"due list by a number", `["at"]`, `["size"]`, "index due: column size is of type integer; a due time is a datetime"},
		{"due list by an unknown column", `["at"]`, `["on"]`, `index due: column "on" does not exist`},
		{"due list and another use", `"gsi1", "partition": ["parentid"]`, `"gsi2", "partition": ["parentid"]`, "a row can be in it and in index child, both on gsi2"},
		{"index of an unknown column", `["parentid"]`, `["parent"]`, `index child: column "parent" does not exist`},
		{"index sorted by an unknown column", `["size"]`, `["sizes"]`, `index child: column "sizes" does not exist`},
		{"index of a decimal", `["size"]`, `["weight"]`, "index child: column weight: a decimal cannot be part of a key"},
		{"index of a negative number", `"min": 0, "max": 9`, `"max": 9`, "index child: column size: a number in a key must have a min"},
		{"index of a string", `"sort": ["size"]`, `"sort": ["first"]`, "index child: column first: a string cannot be part of a key"},
		{"when of an unknown column", `{"done": false}`, `{"don": false}`, `index child: when: column "don" does not exist`},
		{"when of another type", `{"done": false}`, `{"done": 0}`, "index child: when: x.done: type"},
		{"two indexes live at once", `"when": {"done": true}`, `"when": {"size": 1}`, `index done: a row can be in it and in index child, both on gsi1`},
		{"two indexes without when", `, "when": {"done": true}`, ``, `both on gsi1; their "when" must differ on one column`},
		{"status twice", `"value": 2, "label": "Off"`, `"value": 1, "label": "Off"`, `option 1 "Off" is declared twice`},
		{"state without status", `[{"value": 2, "label": "Off"}]`, `[]`, "state 1 has no status"},
		{"column twice", `"name": "first"`, `"name": "size"`, "column size is declared twice"},
		{"column null", `"columns": [`, `"columns": [null,`, "is null"},
		{"bad column name", `"name": "colour"`, `"name": "Colour"`, "column Colour: name must be"},
		{"unknown type", `"integer"`, `"int"`, `column size: type "int" is unknown`},
		{"unknown need", `"type": "integer"`, `"type": "integer", "need": "much"`, `need "much"`},
		{"unknown write", `"write": "engine"`, `"write": "me"`, `write "me"`},
		{"no length", `"maxLength": 20, `, ``, "column name: maxLength"},
		{"length too large", `"maxLength": 10`, `"maxLength": 4001`, "column first: maxLength"},
		{"length of a number", `"min": 0`, `"maxLength": 5`, "column size: type integer has no maxLength"},
		{"range upside down", `"min": 0`, `"min": 10`, "min 10 is more than max 9"},
		{"range of a text", `"maxLength": 10`, `"maxLength": 10, "min": 1`, "has no min"},
		{"default out of range", `"default": 3`, `"default": 10`, "column size: default"},
		{"default of another type", `"default": 3`, `"default": "3"`, "column size: default"},
		{"choice without options", `[{"value": 1, "label": "Red"}, {"value": 2, "label": "Blue"}]`, `[]`, "column colour: options are missing"},
		{"option without label", `"Red"`, `""`, "option 1 has no label"},
		{"labels alike", `"Blue"`, `"RED"`, `option 2 "RED" is declared twice`},
		{"boolean of three", `"boolean"`, `"boolean", "options": [{"value": 0, "label": "a"}, {"value": 1, "label": "b"}, {"value": 2, "label": "c"}]`, "options of a boolean"},
		{"options of a number", `"default": 3`, `"options": [{"value": 1, "label": "b"}]`, "type integer has no options"},
		{"lookup without target", `[{"table": "x"}]`, `[]`, "column parentid: a lookup"},
		{"target twice", `[{"table": "x"}]`, `[{"table": "x"}, {"table": "x"}]`, "target x is declared twice"},
		{"unknown target", `[{"table": "x"}]`, `[{"table": "z"}]`, "target z: the table does not exist"},
		{"nav is a column", `[{"table": "x"}]`, `[{"table": "x", "nav": "first"}]`, `"first" is also a column`},
		{"nav twice", `"columns": [`, `"columns": [{"name": "aid", "label": "A", "type": "lookup", "targets": [{"table": "x", "nav": "parentid"}]},`, `"parentid" is also`},
		{"relationship twice", `"columns": [`, `"columns": [{"name": "aid", "label": "A", "type": "lookup", "targets": [{"table": "x", "relationship": "x_x_parentid"}]},`, `relationship "x_x_parentid" is declared twice`},
		{"collection is a column", `[{"table": "x"}]`, `[{"table": "x", "collection": "size"}]`, `collection "size"`},
		{"state of another name", `"type": "boolean"`, `"type": "state"`, "column done: a state cannot have this name"},
		{"statecode of another type", `"name": "done"`, `"name": "statecode"`, "column statecode: a boolean cannot have this name"},
		{"states listed again", `"columns": [`, `"columns": [{"name": "statecode", "label": "S", "type": "state", "options": [{"value": 5, "label": "Five"}]},`, "not be listed again"},
		{"default of a status", `"columns": [`, `"columns": [{"name": "statuscode", "label": "S", "type": "status", "default": 1},`, "a status has no default"},
		{"default state that is none", `"columns": [`, `"columns": [{"name": "statecode", "label": "S", "type": "state", "default": 7},`, "column statecode: default"},
		{"compose of a number", `["first"]`, `["size"]`, `compose: "size"`},
		{"compose too long", `"maxLength": 20`, `"maxLength": 9`, "compose: its parts"},
		{"compose written by callers", `"write": "engine", `, ``, "compose: a composed column"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if strings.Count(good, test.old) == 0 {
				t.Fatalf("the good file has no %q", test.old)
			}
			bad := strings.Replace(good, test.old, test.new, 1)
			err := load(bad)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), "tables/x.json: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q, want the file and %q", err, test.want)
			}
		})
	}
}

// Files of several systems are one schema, in which each name is there once.
func TestLoadOfSeveralSystems(t *testing.T) {
	one := fstest.MapFS{"tables/a.json": {Data: []byte(`{"name": "a", "set": "as", "label": "A", "id": "aid", "primaryName": "name", "columns": [{"name": "name", "label": "Name", "type": "string", "maxLength": 20}]}`)}}
	if _, err := Load(one, one); err == nil || !strings.Contains(err.Error(), `"a" is described twice`) {
		t.Errorf("a table in two systems: %v", err)
	}
	s, err := Load(Files(), one)
	if err != nil {
		t.Fatal(err)
	}
	if s.BySet("as") == nil || s.BySet("leads") == nil {
		t.Error("a table of one of the systems is not in the schema")
	}
}

// Several tables may be in the due list, each by a column of its own.
func TestDueListOfSeveralTables(t *testing.T) {
	file := func(name, index string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`{"name": "` + name + `", "label": "A", "id": "` + name + `id", "primaryName": "name", "indexes": [` + index + `],
			"columns": [{"name": "name", "label": "Name", "type": "string", "maxLength": 20}, {"name": "` + name + `at", "label": "At", "type": "datetime"}]}`)}
	}
	due := func(column string) string {
		return `{"name": "due", "serves": "what is due", "on": "gsi2", "shards": true, "sort": ["` + column + `"]}`
	}
	s, err := Load(fstest.MapFS{"tables/a.json": file("a", due("aat")), "tables/b.json": file("b", due("bat")), "tables/c.json": file("c", "")})
	if err != nil {
		t.Fatal(err)
	}
	for table, want := range map[string]string{"a": "aat", "b": "bat", "c": ""} {
		if got := s.Table(table).DueColumn(); got != want {
			t.Errorf("%s is due by column %q, want %q", table, got, want)
		}
	}
}

func TestLoadRefusesAmongFiles(t *testing.T) {
	file := func(name, set string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`{"name": "` + name + `", "set": "` + set + `", "label": "A", "id": "` + name + `id", "primaryName": "name",
			"columns": [{"name": "name", "label": "Name", "type": "string", "maxLength": 20}]}`)}
	}
	indexed := func(name string) *fstest.MapFile {
		plain := file(name, name+"s")
		return &fstest.MapFile{Data: []byte(strings.Replace(string(plain.Data), `"columns"`,
			`"indexes": [{"name": "all", "serves": "all", "on": "gsi1", "partition": ["`+name+`id"]}], "columns"`, 1))}
	}
	tests := []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"no files", fstest.MapFS{}, "no tables/*.json"},
		{"broken trait", fstest.MapFS{"traits/t.json": {Data: []byte(`{"name": "t"}`)}, "tables/a.json": file("a", "as")}, "traits/t.json: about is missing"},
		{"empty option set", fstest.MapFS{"optionsets/o.json": {Data: []byte(`{"name": "o", "label": "O"}`)}, "tables/a.json": file("a", "as")}, "optionsets/o.json: options are missing"},
		{"index of two tables", fstest.MapFS{"tables/a.json": indexed("a"), "tables/b.json": indexed("b")}, "tables/b.json: table b: index all on gsi1 is also one of a"},
		{"set twice", fstest.MapFS{"tables/a.json": file("a", "as"), "tables/b.json": file("b", "as")}, `tables/b.json: table b: set "as" is also that of table a`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if _, err := Load(test.files); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want %q", err, test.want)
			}
		})
	}
}
