package ingest

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"segue/internal/schema"
)

func TestCSVRefusesHeaders(t *testing.T) {
	for name, test := range map[string]struct {
		table, header string
		options       Options
		want          []string // parts of the error
	}{
		"empty file":              {"lead", "", Options{}, []string{"the file is empty"}},
		"spelled almost right":    {"lead", "lastname,Compny Name", Options{}, []string{`field 2 "Compny Name"`, "companyname (Company Name)"}},
		"like nothing":            {"lead", "lastname,Qqq", Options{}, []string{`field 2 "Qqq": no column has that name`}},
		"several things at once":  {"lead", "Qqq,Created On", Options{}, []string{`field 1 "Qqq"`, `field 2 "Created On": createdon is set by Segue alone`}},
		"hidden column":           {"lead", "segue_live", Options{}, []string{"no column has that name"}},
		"one column twice":        {"lead", "Topic,subject", Options{}, []string{"subject is already field 1"}},
		"label of two columns":    {"twin", "Size", Options{}, []string{"several columns have that label: a (Size), b (Size)"}},
		"mapped to nothing known": {"lead", "lastname,x", Options{Map: map[string]string{"x": "surname"}}, []string{`field 2 "x": it is mapped to "surname": no column has that name`}},
		"mapped, not in the file": {"lead", "lastname", Options{Map: map[string]string{"Phone": "telephone1"}}, []string{`"Phone" is mapped but is not in the header`}},
		"key not in the file":     {"lead", "lastname", Options{Key: []string{"emailaddress1"}}, []string{`key "emailaddress1": the file has no such column`}},
		"constant of no column":   {"lead", "lastname", Options{Set: map[string]string{"surname": "x"}}, []string{`set "surname": no column`}},
		"constant that is wrong":  {"lead", "lastname", Options{Set: map[string]string{"Lead Source": "Telepathy"}}, []string{`set "Lead Source": lead.leadsourcecode: option`}},
		"constant id":             {"lead", "lastname", Options{Set: map[string]string{"leadid": rowID(1)}}, []string{"an id is not the same for all rows"}},
		"options not in the file": {"lead", "lastname", Options{Translate: map[string]map[string]string{"leadsourcecode": {"x": "8"}}}, []string{`options of "leadsourcecode": the file has no such column`}},
		"option that is none":     {"lead", "Lead Source", Options{Translate: map[string]map[string]string{"leadsourcecode": {"x": "99"}}}, []string{`options of "leadsourcecode": "x": lead.leadsourcecode: option`}},
		"only mapped, mistyped":   {"lead", "lastname,x", Options{OnlyMapped: true, Map: map[string]string{"x": "surname"}}, []string{`field 2 "x": it is mapped to "surname": no column`}},
		"unknown key":             {"lead", "lastname", Options{Key: []string{"qqq"}}, []string{`key "qqq": the file has no such column`}},
		"id and key":              {"lead", "leadid,lastname", Options{Key: []string{"lastname"}}, []string{"the id column leadid already identifies a row"}},
		"table of Segue's own":    {"msdyn_sequencetarget", "msdyn_name", Options{}, []string{"made by Segue alone"}},
	} {
		t.Run(name, func(t *testing.T) {
			table := tables(t).Table(test.table)
			if test.table == "twin" {
				table = twin(t)
			}
			w := &written{}
			_, err := CSV(t.Context(), w, table, strings.NewReader(test.header+"\nx,y\n"), test.options)
			if test.header == "" {
				_, err = CSV(t.Context(), w, table, strings.NewReader(""), test.options)
			} else if !errors.Is(err, ErrHeader) {
				t.Errorf("error %v, want ErrHeader", err)
			}
			for _, part := range test.want {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("error %v, want it to say %q", err, part)
				}
			}
			if len(w.rows) > 0 {
				t.Errorf("written %v, want nothing", w.rows)
			}
		})
	}
}

// twin is a table with two columns of one label.
func twin(t *testing.T) *schema.Table {
	t.Helper()
	s, err := schema.Load(fstest.MapFS{"tables/twin.json": {Data: []byte(`{"name":"twin","set":"twins","label":"Twin","id":"twinid","primaryName":"a",
		"columns":[{"name":"a","label":"Size","type":"string","maxLength":9},{"name":"b","label":"Size","type":"string","maxLength":9}]}`)}})
	if err != nil {
		t.Fatal(err)
	}
	return s.Table("twin")
}
