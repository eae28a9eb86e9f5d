package schema

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestLoadRefuses breaks a good file in one place at a time.
func TestLoadRefuses(t *testing.T) {
	const good = `{"name": "x", "set": "xs", "label": "X", "id": "xid", "primaryName": "name", "shards": 1,
  "states": [{"value": 0, "label": "On", "statuses": [{"value": 1, "label": "On"}]}, {"value": 1, "label": "Off", "statuses": [{"value": 2, "label": "Off"}]}],
  "columns": [
    {"name": "name", "label": "Name", "type": "string", "maxLength": 20, "write": "engine", "compose": ["first"]},
    {"name": "first", "label": "First", "type": "string", "maxLength": 10},
    {"name": "size", "label": "Size", "type": "integer", "min": 0, "max": 9, "default": 3},
    {"name": "colour", "label": "Colour", "type": "choice", "options": [{"value": 1, "label": "Red"}, {"value": 2, "label": "Blue"}]},
    {"name": "done", "label": "Done", "type": "boolean"},
    {"name": "parentid", "label": "Parent", "type": "lookup", "targets": [{"table": "x"}]}
  ]}`
	if _, err := Load(fstest.MapFS{"tables/x.json": {Data: []byte(good)}}); err != nil {
		t.Fatalf("the good file: %v", err)
	}
	tests := []struct{ name, old, new, want string }{
		{"no JSON", `{"name": "x"`, `{"name" "x"`, "parse near byte"},
		{"two objects", `  ]}`, `  ]}{}`, "more follows"},
		{"unknown member", `"shards"`, `"shard"`, `unknown field "shard"`},
		{"other name", `{"name": "x"`, `{"name": "y"`, `named "y"`},
		{"bad set", `"xs"`, `"Xs"`, `set "Xs"`},
		{"no label", `"label": "X"`, `"label": ""`, "label is missing"},
		{"no shards", `"shards": 1`, `"shards": 0`, "shards must be"},
		{"no such primary name", `"primaryName": "name"`, `"primaryName": "nam"`, `primaryName "nam"`},
		{"primary name no string", `"primaryName": "name"`, `"primaryName": "size"`, `primaryName "size"`},
		{"activity without regarding", `"shards": 1`, `"shards": 1, "activity": true`, "regardingobjectid"},
		{"status twice", `"value": 2, "label": "Off"`, `"value": 1, "label": "Off"`, `option 1 "Off" is there twice`},
		{"state without status", `[{"value": 2, "label": "Off"}]`, `[]`, "state 1 has no status"},
		{"column twice", `"name": "first"`, `"name": "size"`, "column size is there twice"},
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
		{"labels alike", `"Blue"`, `"RED"`, `option 2 "RED" is there twice`},
		{"boolean of three", `"boolean"`, `"boolean", "options": [{"value": 0, "label": "a"}, {"value": 1, "label": "b"}, {"value": 2, "label": "c"}]`, "options of a boolean"},
		{"options of a number", `"default": 3`, `"options": [{"value": 1, "label": "b"}]`, "type integer has no options"},
		{"lookup without target", `[{"table": "x"}]`, `[]`, "column parentid: a lookup"},
		{"target twice", `[{"table": "x"}]`, `[{"table": "x"}, {"table": "x"}]`, "target x is there twice"},
		{"unknown target", `[{"table": "x"}]`, `[{"table": "z"}]`, "target z: there is no such table"},
		{"nav is a column", `[{"table": "x"}]`, `[{"table": "x", "nav": "first"}]`, `"first" is also a column`},
		{"nav twice", `"columns": [`, `"columns": [{"name": "aid", "label": "A", "type": "lookup", "targets": [{"table": "x", "nav": "parentid"}]},`, `"parentid" is also`},
		{"relationship twice", `"columns": [`, `"columns": [{"name": "aid", "label": "A", "type": "lookup", "targets": [{"table": "x", "relationship": "x_x_parentid"}]},`, `relationship "x_x_parentid" is there twice`},
		{"collection is a column", `[{"table": "x"}]`, `[{"table": "x", "collection": "size"}]`, `collection "size"`},
		{"state of another name", `"type": "boolean"`, `"type": "state"`, "column done: a state cannot be called so"},
		{"statecode of another type", `"name": "done"`, `"name": "statecode"`, "column statecode: a boolean cannot be called so"},
		{"states listed again", `"columns": [`, `"columns": [{"name": "statecode", "label": "S", "type": "state", "options": [{"value": 5, "label": "Five"}]},`, "not listed again"},
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
			_, err := Load(fstest.MapFS{"tables/x.json": {Data: []byte(bad)}})
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), "tables/x.json: ") || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %q, want the file and %q", err, test.want)
			}
		})
	}
}

func TestLoadRefusesAmongFiles(t *testing.T) {
	file := func(name, set string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(`{"name": "` + name + `", "set": "` + set + `", "label": "A", "id": "` + name + `id", "primaryName": "name", "shards": 1,
			"columns": [{"name": "name", "label": "Name", "type": "string", "maxLength": 20}]}`)}
	}
	tests := []struct {
		name  string
		files fstest.MapFS
		want  string
	}{
		{"no files", fstest.MapFS{}, "no tables/*.json"},
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
