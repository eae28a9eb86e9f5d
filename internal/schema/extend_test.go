package schema

import (
	"strings"
	"testing"
	"testing/fstest"
)

// folder is a folder of schema files.
func folder(files map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return fs
}

func TestExtended(t *testing.T) {
	s, err := Extended(folder(map[string]string{
		"tables/lead.json":            `{"name":"lead","columns":[{"name":"new_visits","label":"Visits","type":"integer"},{"name":"new_size","label":"Size","type":"choice","optionSet":"new_size"}],"keys":[{"name":"new_visitor","label":"Visitor","columns":["emailaddress1","new_visits"]}]}`,
		"tables/new_plant.json":       `{"name":"new_plant","set":"new_plants","label":"Plant","id":"new_plantid","primaryName":"new_name","traits":["record","userOwned"],"columns":[{"name":"new_name","label":"Name","type":"string","maxLength":100}],"states":[{"value":0,"label":"Open","statuses":[{"value":1,"label":"New"}]},{"value":1,"label":"Closed","statuses":[{"value":2,"label":"Closed"}]}]}`,
		"optionsets/new_size.json":    `{"name":"new_size","label":"Size","options":[{"value":1,"label":"Small"}]}`,
		"optionsets/lead_source.json": `{"name":"lead_source","options":[{"value":100,"label":"Chat"}]}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	lead := s.Table("lead")
	if c := lead.Column("new_visits"); c == nil || c.Type != Integer || c.Check(Int(3)) != nil {
		t.Errorf("new_visits is %+v", c)
	}
	if k := lead.Key([]string{"new_visits", "emailaddress1"}); k == nil || k.Name != "new_visitor" || !lead.InKey("new_visits") || lead.InKey("lastname") {
		t.Errorf("the key is %+v", k)
	}
	if lead.Key([]string{"new_visits"}) != nil || lead.Key([]string{"new_visits", "new_visits"}) != nil {
		t.Error("a part of a key is a key")
	}
	if err := lead.Column("leadsourcecode").Check(Int(100)); err != nil {
		t.Error(err)
	}
	if lead.Column("lastname") == nil || s.Table("new_plant") == nil || s.BySet("new_plants") == nil {
		t.Error("the tables of Segue and of the folder are not there together")
	}
	if err := lead.Column("new_size").Check(Int(2)); err == nil {
		t.Error("an option that is none is taken")
	}
}

func TestExtendedRefuses(t *testing.T) {
	column := func(text string) string { return `{"name":"lead","columns":[` + text + `]}` }
	for name, test := range map[string]struct {
		file, text string
		want       []string
	}{
		"nothing there":          {"readme.txt", "", []string{"no tables/*.json"}},
		"column without prefix":  {"tables/lead.json", column(`{"name":"visits","label":"Visits","type":"integer"}`), []string{"tables/lead.json", `"visits" needs a prefix of your own, such as new_visits`}},
		"Segue's own prefix":     {"tables/lead.json", column(`{"name":"segue_visits","label":"Visits","type":"integer"}`), []string{`"segue_visits" needs a prefix`}},
		"column that is there":   {"tables/lead.json", column(`{"name":"new_a","label":"A","type":"integer"},{"name":"new_a","label":"A","type":"integer"}`), []string{"lead", "new_a is declared twice"}},
		"type that is none":      {"tables/lead.json", column(`{"name":"new_a","label":"A","type":"number"}`), []string{"new_a", "number"}},
		"listed by no lookup":    {"tables/lead.json", `{"name":"lead","listed":["subject"]}`, []string{"table lead", `listed: "subject" is not a lookup`}},
		"listed by Segue's own":  {"tables/lead.json", `{"name":"lead","listed":["msdyn_segmentid"]}`, []string{"msdyn_segmentid"}},
		"listed twice":           {"tables/lead.json", `{"name":"lead","listed":["parentaccountid","parentaccountid"]}`, []string{"parentaccountid already"}},
		"listed by an index":     {"tables/contact.json", `{"name":"contact","listed":["parentcustomerid"]}`, []string{"parentcustomerid already"}},
		"required by the system": {"tables/lead.json", column(`{"name":"new_a","label":"A","type":"integer","need":"system"}`), []string{"new_a: need"}},
		"set by Segue alone":     {"tables/lead.json", column(`{"name":"new_a","label":"A","type":"integer","write":"engine"}`), []string{"new_a: write"}},
		"more than columns":      {"tables/lead.json", `{"name":"lead","label":"Prospect","columns":[]}`, []string{"tables/lead.json", "label"}},
		"key without prefix":     {"tables/lead.json", `{"name":"lead","columns":[],"keys":[{"name":"visitor","label":"V","columns":["lastname"]}]}`, []string{`key "visitor" needs a prefix`}},
		"table without prefix":   {"tables/plant.json", `{"name":"plant"}`, []string{`"plant" needs a prefix`}},
		"option that is there":   {"optionsets/lead_source.json", `{"name":"lead_source","options":[{"value":1,"label":"Chat"}]}`, []string{"optionsets/lead_source.json", "1"}},
		"no JSON":                {"tables/lead.json", `{`, []string{"tables/lead.json", "parse"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Extended(folder(map[string]string{test.file: test.text}))
			for _, want := range test.want {
				if err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("error %v, want it to say %q", err, want)
				}
			}
		})
	}
}

// What a schema takes away breaks the values that need it, and no others.
func TestChanges(t *testing.T) {
	load := func(columns string) *Schema {
		s, err := Extended(folder(map[string]string{"tables/lead.json": `{"name":"lead","columns":[` + columns + `]}`}))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	const other = `{"name":"new_other","label":"Other","type":"string","maxLength":9}`
	for name, test := range map[string]struct {
		before, after string
		breaks, fits  Value // of new_a
	}{
		"column that goes":    {`{"name":"new_a","label":"A","type":"integer"}`, other, Int(1), Null()},
		"shorter text":        {`{"name":"new_a","label":"A","type":"string","maxLength":9}`, `{"name":"new_a","label":"A","type":"string","maxLength":3}`, Text("long"), Text("abc")},
		"narrower range":      {`{"name":"new_a","label":"A","type":"integer","max":9}`, `{"name":"new_a","label":"A","type":"integer","max":3}`, Int(4), Int(3)},
		"another type":        {`{"name":"new_a","label":"A","type":"integer"}`, `{"name":"new_a","label":"A","type":"string","maxLength":9}`, Int(1), Null()},
		"option that goes":    {`{"name":"new_a","label":"A","type":"choice","options":[{"value":1,"label":"One"},{"value":2,"label":"Two"}]}`, `{"name":"new_a","label":"A","type":"choice","options":[{"value":1,"label":"One"}]}`, Int(2), Int(1)},
		"only the label goes": {`{"name":"new_a","label":"A","type":"integer"}`, `{"name":"new_a","label":"B","type":"integer"}`, Null(), Int(1)},
		"longer text":         {`{"name":"new_a","label":"A","type":"string","maxLength":3}`, `{"name":"new_a","label":"A","type":"string","maxLength":9}`, Null(), Text("abc")},
	} {
		t.Run(name, func(t *testing.T) {
			changes := load(test.before).Changes(load(test.after))
			if test.breaks.IsNull() {
				if len(changes) > 0 {
					t.Errorf("changes %+v, want none", changes)
				}
				return
			}
			if len(changes) != 1 || changes[0].Column.Name != "new_a" {
				t.Fatalf("changes %+v, want that of new_a", changes)
			}
			if !changes[0].Breaks(test.breaks) || changes[0].Breaks(test.fits) {
				t.Errorf("%v breaks: %v; %v breaks: %v", test.breaks, changes[0].Breaks(test.breaks), test.fits, changes[0].Breaks(test.fits))
			}
		})
	}
}
