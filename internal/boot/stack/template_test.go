package stack_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"segue/internal/boot/stack"
	"segue/internal/schema"
)

// plant is the file of a table of records.
const plant = `{"name":"new_plant","set":"new_plants","label":"Plant","id":"new_plantid","primaryName":"new_name","traits":["record","userOwned"],` +
	`"columns":[{"name":"new_name","label":"Name (größer \u2192 😀)","type":"string","maxLength":100}],` +
	`"states":[{"value":0,"label":"Open","statuses":[{"value":1,"label":"New"}]},{"value":1,"label":"Closed","statuses":[{"value":2,"label":"Closed"}]}]}`

// plants is a schema folder with a table of records, and a column more of leads.
func plants() schema.Folder {
	return schema.Folder{
		"tables/new_plant.json": []byte(plant),
		"tables/lead.json":      []byte(`{"name":"lead","columns":[{"name":"new_visits","label":"Visits","type":"integer"}]}`),
	}
}

// with is template.yaml as a build with a schema folder has it, written and read again.
func with(t *testing.T, folder schema.Folder) *stack.Template {
	t.Helper()
	template := templateYAML(t)
	if len(folder) > 0 {
		if err := template.Add(folder); err != nil {
			t.Fatal(err)
		}
	}
	text, err := template.Text()
	if err != nil {
		t.Fatal(err)
	}
	if i := slices.IndexFunc(text, func(b byte) bool { return b > 126 }); i >= 0 {
		t.Fatalf("the template has a character that CloudFormation loses, after %q", text[max(i-40, 0):i])
	}
	return parse(t, text)
}

// The template says which files were added, and CloudFormation takes it for no other hash
// than theirs.
func TestAdd(t *testing.T) {
	for name, folder := range map[string]schema.Folder{"nothing": nil, "own tables": plants()} {
		t.Run(name, func(t *testing.T) {
			template := with(t, folder)
			got, err := template.Folder()
			if err != nil {
				t.Fatal(err)
			}
			now, err := got.Schema()
			if err != nil {
				t.Fatal(err)
			}
			if added := now.Table("new_plant") != nil; len(got) != len(folder) || added != (len(folder) > 0) {
				t.Errorf("the template has %d files, want %d", len(got), len(folder))
			}
			if stack.Hash(got) != stack.Hash(folder) {
				t.Errorf("the hash is %s, that of the files read from the template %s", stack.Hash(folder), stack.Hash(got))
			}
			if value, allowed := template.Parameter(); value != stack.Hash(folder) || !slices.Equal(allowed, []string{value}) {
				t.Errorf("the parameter is %s of %v, want %s alone", value, allowed, stack.Hash(folder))
			}
		})
	}
	if stack.Hash(plants()) == stack.Hash(schema.Folder{"tables/lead.json": plants()["tables/lead.json"]}) {
		t.Error("two folders have the same hash")
	}
}

// Nothing is changed of the template but what Add says.
func TestAddLeavesTheRest(t *testing.T) {
	before, err := with(t, nil).Text()
	if err != nil {
		t.Fatal(err)
	}
	after, err := with(t, plants()).Text()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(string(before), "\n")
	added := 0
	for line := range strings.SplitSeq(string(after), "\n") {
		if !slices.Contains(lines, line) {
			added++
		}
	}
	if added != 7 { // the record with its two files, the filter of records, and the parameter
		t.Errorf("%d lines are other ones", added)
	}
}

func TestRefuseLoss(t *testing.T) {
	both := plants()
	column := schema.Folder{"tables/lead.json": both["tables/lead.json"]}
	shorter := plants()
	shorter["tables/new_plant.json"] = []byte(strings.Replace(plant, `"maxLength":100`, `"maxLength":10`, 1))
	declared := func(was, now string) *stack.Template {
		folder := plants()
		folder["tables/new_plant.json"] = []byte(strings.Replace(plant, was, now, 1))
		return with(t, folder)
	}
	old, err := stack.Parse([]byte("Resources: {}"))
	if err != nil {
		t.Fatal(err)
	}
	broken := with(t, nil)
	text, err := broken.Text()
	if err != nil {
		t.Fatal(err)
	}
	broken = parse(t, []byte(strings.Replace(string(text), "OwnSchema: {}", `OwnSchema: {tables/lead.json: '{"name":"lead","columns":[{"name":"plain"}]}'}`, 1)))
	for name, test := range map[string]struct {
		deployed, built *stack.Template
		drop            string
		want            []string // of the error; nil for none
	}{
		"the same":                       {with(t, both), with(t, both), "", nil},
		"more":                           {with(t, column), with(t, both), "", nil},
		"none before":                    {with(t, nil), with(t, both), "", nil},
		"none":                           {with(t, nil), with(t, nil), "", nil},
		"all of them forgotten":          {with(t, both), with(t, nil), "", []string{"new_plant", "lead.new_visits", "DROP=lead.new_visits,new_plant"}},
		"a table":                        {with(t, both), with(t, column), "", []string{": new_plant."}},
		"a column otherwise":             {with(t, both), with(t, shorter), "", []string{"new_plant.new_name"}},
		"all of them dropped":            {with(t, both), with(t, nil), "lead.new_visits,new_plant", nil},
		"a column by the table":          {with(t, both), with(t, shorter), "new_plant", nil},
		"one of two dropped":             {with(t, both), with(t, nil), "new_plant", []string{": lead.new_visits."}},
		"a name that stays":              {with(t, both), with(t, both), "new_plant", []string{"does not take new_plant away"}},
		"no record":                      {old, with(t, both), "", []string{"DROP=unknown"}},
		"no record, and said so":         {old, with(t, both), "unknown", nil},
		"the set of a table":             {with(t, both), declared(`"set":"new_plants",`, ``), "", []string{": new_plant.", "DROP=new_plant"}},
		"another set":                    {with(t, both), declared(`"set":"new_plants"`, `"set":"new_plantses"`), "", []string{": new_plant."}},
		"a table for Segue alone":        {with(t, both), declared(`"set":`, `"engineMade":true,"set":`), "", []string{": new_plant."}},
		"a set for a table":              {declared(`"set":"new_plants",`, ``), with(t, both), "", nil},
		"a table no more Segue's alone":  {declared(`"set":`, `"engineMade":true,"set":`), with(t, both), "", nil},
		"a set on purpose":               {with(t, both), declared(`"set":"new_plants",`, ``), "new_plant", nil},
		"unknown where all is known":     {with(t, both), with(t, nil), "unknown", []string{"new_plant"}},
		"a record that cannot be read":   {broken, with(t, both), "", []string{"plain", "DROP=unknown"}},
		"a build that is not this one's": {with(t, both), old, "", []string{"does not say"}},
	} {
		t.Run(name, func(t *testing.T) {
			var drop []string
			if test.drop != "" {
				drop = strings.Split(test.drop, ",")
			}
			err := stack.RefuseLoss(test.deployed, test.built, drop)
			if (err == nil) != (test.want == nil) {
				t.Fatal(err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want it to say %q", err, want)
				}
			}
		})
	}
	if _, err := old.Folder(); !errors.Is(err, stack.ErrUnrecorded) {
		t.Errorf("a template without the record: %v", err)
	}
}
