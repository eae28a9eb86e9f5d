package schema

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const (
	idA = "11111111-2222-3333-4444-55555555aaaa"
	idB = "11111111-2222-3333-4444-55555555bbbb"
)

func TestCheckCreate(t *testing.T) {
	s := mustDefault(t)
	tests := []struct {
		name, table string
		give, want  map[string]Value
	}{
		{"lead", "lead", map[string]Value{"subject": Text("Chairs"), "firstname": Text("Ann"), "lastname": Text("Lee"), "jobtitle": Null(), "companyname": Text("")}, map[string]Value{
			"subject": Text("Chairs"), "firstname": Text("Ann"), "lastname": Text("Lee"), "fullname": Text("Ann Lee"),
			"leadqualitycode": Int(2), "preferredcontactmethodcode": Int(1), "decisionmaker": Bool(false),
			"donotemail": Bool(false), "donotbulkemail": Bool(false), "donotphone": Bool(false), "donotfax": Bool(false), "donotpostalmail": Bool(false),
			"segue_connected": Bool(false), "statecode": Int(0), "statuscode": Int(1)}},
		{"a null beats a default", "msdyn_segment", map[string]Value{"msdyn_objecttype": Text("lead"), "msdyn_objecttypecode": Null(), "msdyn_triggertype": Int(1)}, map[string]Value{
			"msdyn_objecttype": Text("lead"), "msdyn_triggertype": Int(1), "msdyn_isresegmentationenabled": Bool(false),
			"msdyn_isroutingenabledforresegmentation": Bool(false), "msdyn_evaluateindataverse": Bool(false), "segue_isdefault": Bool(false),
			"statecode": Int(1), "statuscode": Int(2)}},
		{"status from state", "pricelevel", map[string]Value{"name": Text("P"), "statecode": Int(1)}, map[string]Value{
			"name": Text("P"), "statecode": Int(1), "statuscode": Int(100002)}},
		{"state from status", "pricelevel", map[string]Value{"name": Text("P"), "statuscode": Int(100002)}, map[string]Value{
			"name": Text("P"), "statecode": Int(1), "statuscode": Int(100002)}},
		{"columns that forms require are not required", "lead", map[string]Value{"subject": Text(""), "firstname": Text("Ann")}, map[string]Value{
			"firstname": Text("Ann"), "fullname": Text("Ann"),
			"leadqualitycode": Int(2), "preferredcontactmethodcode": Int(1), "decisionmaker": Bool(false),
			"donotemail": Bool(false), "donotbulkemail": Bool(false), "donotphone": Bool(false), "donotfax": Bool(false), "donotpostalmail": Bool(false),
			"segue_connected": Bool(false), "statecode": Int(0), "statuscode": Int(1)}},
		{"null for what nobody may set", "businessunit", map[string]Value{"name": Text("B"), "createdon": Null(), "createdby": Null()}, map[string]Value{"name": Text("B")}},
		{"own id", "businessunit", map[string]Value{"businessunitid": Text(idA), "name": Text("B")}, map[string]Value{"businessunitid": Text(idA), "name": Text("B")}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			table := s.Table(test.table)
			got, err := table.CheckCreate(test.give)
			if err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(got, func(name string, v Value) bool { // a column that was added to the product's own may have a default
				_, known := test.want[name]
				_, given := test.give[name]
				return !known && !given && v == table.Column(name).Default
			})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("row (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCheckUpdate(t *testing.T) {
	s := mustDefault(t)
	lead := map[string]Value{"leadid": Text(idA), "subject": Text("Chairs"), "firstname": Text("Ann"), "middlename": Text("B"), "lastname": Text("Lee"), "fullname": Text("Ann B Lee"), "statecode": Int(0), "statuscode": Int(2),
		"importsequencenumber": Int(7), "createdby": Ref(Lookup{"systemuser", idB}), "versionnumber": Int(12)}
	tests := []struct {
		name       string
		give, want map[string]Value
	}{
		{"nothing", map[string]Value{}, map[string]Value{}},
		{"clear", map[string]Value{"jobtitle": Null(), "companyname": Text("")}, map[string]Value{"jobtitle": Null(), "companyname": Null()}},
		{"name", map[string]Value{"firstname": Text("Eve"), "middlename": Null()}, map[string]Value{"firstname": Text("Eve"), "middlename": Null(), "fullname": Text("Eve Lee")}},
		{"new state", map[string]Value{"statecode": Int(2)}, map[string]Value{"statecode": Int(2), "statuscode": Int(4)}},
		{"same state keeps the status", map[string]Value{"statecode": Int(0)}, map[string]Value{"statecode": Int(0)}},
		{"status brings its state", map[string]Value{"statuscode": Int(6)}, map[string]Value{"statecode": Int(2), "statuscode": Int(6)}},
		{"pair", map[string]Value{"statecode": Int(2), "statuscode": Int(5)}, map[string]Value{"statecode": Int(2), "statuscode": Int(5)}},
		{"column that forms require", map[string]Value{"subject": Null(), "lastname": Text("")}, map[string]Value{"subject": Null(), "lastname": Null(), "fullname": Text("Ann B")}},
		{"what only a create sets, as it is", map[string]Value{"leadid": Text(idA), "importsequencenumber": Int(7), "subject": Text("Desks")}, map[string]Value{"subject": Text("Desks")}},
		{"what Segue sets, as it is", map[string]Value{"createdby": Ref(Lookup{"systemuser", idB}), "fullname": Text("Ann B Lee"), "versionnumber": Int(12), "msdyn_segmentid": Null()}, map[string]Value{}},
		{"owner", map[string]Value{"ownerid": Ref(Lookup{"team", idA})}, map[string]Value{"ownerid": Ref(Lookup{"team", idA})}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := s.Table("lead").CheckUpdate(lead, test.give)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("changes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestComposedToNothing(t *testing.T) {
	old := map[string]Value{"firstname": Text("Ann"), "fullname": Text("Ann")}
	got, err := mustDefault(t).Table("systemuser").CheckUpdate(old, map[string]Value{"firstname": Null()})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Value{"firstname": Null(), "fullname": Null()}, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	s := mustDefault(t)
	create := func(table string, values map[string]Value) func() error {
		return func() error { _, err := s.Table(table).CheckCreate(values); return err }
	}
	open := map[string]Value{"name": Text("O"), "statecode": Int(0), "statuscode": Int(1), "importsequencenumber": Int(7), "createdby": Ref(Lookup{"systemuser", idB})}
	update := func(values map[string]Value) func() error {
		return func() error { _, err := s.Table("opportunity").CheckUpdate(open, values); return err }
	}
	tests := []struct {
		name string
		do   func() error
		want Error // Detail is not compared
	}{
		{"required left out", create("msdyn_sequence", map[string]Value{"msdyn_name": Text("x")}), Error{Table: "msdyn_sequence", Column: "msdyn_regardingentityname", Rule: RuleRequired}},
		{"required empty", create("msdyn_segment", map[string]Value{"msdyn_objecttype": Text("")}), Error{Table: "msdyn_segment", Column: "msdyn_objecttype", Rule: RuleRequired}},
		{"unknown column", create("lead", map[string]Value{"colour": Text("x")}), Error{Table: "lead", Column: "colour", Rule: RuleUnknown}},
		{"hidden column", create("lead", map[string]Value{"segue_live": Text("x")}), Error{Table: "lead", Column: "segue_live", Rule: RuleUnknown}},
		{"read-only column", create("lead", map[string]Value{"fullname": Text("x")}), Error{Table: "lead", Column: "fullname", Value: "x", Rule: RuleReadOnly}},
		{"row of Segue's", create("msdyn_sequencetarget", nil), Error{Table: "msdyn_sequencetarget", Rule: RuleReadOnly}},
		{"row of Segue's with a writable column", create("msdyn_sequencetargetstep", map[string]Value{"msdyn_name": Text("x")}), Error{Table: "msdyn_sequencetargetstep", Rule: RuleReadOnly}},
		{"pair of a create", create("lead", map[string]Value{"subject": Text("x"), "lastname": Text("L"), "statecode": Int(0), "statuscode": Int(3)}), Error{Table: "lead", Column: "statuscode", Value: "3", Rule: RuleStatusPair}},
		{"bad value", create("lead", map[string]Value{"subject": Text(strings.Repeat("x", 301))}), Error{Table: "lead", Column: "subject", Value: strings.Repeat("x", 99) + "…", Rule: RuleLength, Length: 301, Most: 300}},
		{"set once", update(map[string]Value{"originatingleadid": Ref(Lookup{"lead", idA})}), Error{Table: "opportunity", Column: "originatingleadid", Value: "lead:" + idA, Rule: RuleReadOnly}},
		{"key of a row", update(map[string]Value{"opportunityid": Text(idA)}), Error{Table: "opportunity", Column: "opportunityid", Value: idA, Rule: RuleReadOnly}},
		{"set once and emptied", update(map[string]Value{"importsequencenumber": Null()}), Error{Table: "opportunity", Column: "importsequencenumber", Rule: RuleReadOnly}},
		{"Segue's to another value", update(map[string]Value{"createdby": Ref(Lookup{"systemuser", idA})}), Error{Table: "opportunity", Column: "createdby", Value: "systemuser:" + idA, Rule: RuleReadOnly}},
		{"owner cleared", update(map[string]Value{"ownerid": Null()}), Error{Table: "opportunity", Column: "ownerid", Rule: RuleRequired}},
		{"state cleared", update(map[string]Value{"statecode": Null()}), Error{Table: "opportunity", Column: "statecode", Rule: RuleRequired}},
		{"pair of an update", update(map[string]Value{"statecode": Int(1), "statuscode": Int(4)}), Error{Table: "opportunity", Column: "statuscode", Value: "4", Rule: RuleStatusPair}},
		{"state that is none", update(map[string]Value{"statecode": Int(9)}), Error{Table: "opportunity", Column: "statecode", Value: "9", Rule: RuleOption}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := test.do()
			var got *Error
			if !errors.As(err, &got) {
				t.Fatalf("error is %v, want a *schema.Error", err)
			}
			test.want.Detail = got.Detail
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Errorf("error (-want +got):\n%s", diff)
			}
		})
	}
}

func TestArgumentsStay(t *testing.T) {
	give := map[string]Value{"subject": Text("Chairs"), "lastname": Text("Lee"), "companyname": Text("")}
	if _, err := mustDefault(t).Table("lead").CheckCreate(give); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]Value{"subject": Text("Chairs"), "lastname": Text("Lee"), "companyname": Text("")}, give); diff != "" {
		t.Errorf("the caller's values changed (-want +got):\n%s", diff)
	}
}

func TestStates(t *testing.T) {
	s := mustDefault(t)
	tests := []struct {
		table         string
		state, status int64
	}{
		{"msdyn_sequence", 0, 1}, {"msdyn_sequence", 1, 2}, {"msdyn_sequencetarget", 1, 3}, {"msdyn_sequencetargetstep", 1, 2},
		{"msdyn_segment", 0, 1}, {"msdyn_segment", 1, 2}, {"msdyn_segment", 2, 3},
		{"lead", 0, 1}, {"lead", 1, 3}, {"lead", 2, 4}, {"opportunity", 0, 1}, {"opportunity", 1, 3}, {"opportunity", 2, 4},
		{"task", 0, 2}, {"task", 1, 5}, {"task", 2, 6}, {"phonecall", 1, 2}, {"email", 1, 2}, {"account", 1, 2}, {"contact", 0, 1},
	}
	for _, test := range tests {
		if got, ok := s.Table(test.table).DefaultStatus(test.state); !ok || got != test.status {
			t.Errorf("%s: default status of state %d is %d, %v, want %d", test.table, test.state, got, ok, test.status)
		}
		if got, ok := s.Table(test.table).StateOf(test.status); !ok || got != test.state {
			t.Errorf("%s: state of status %d is %d, %v, want %d", test.table, test.status, got, ok, test.state)
		}
	}
	if got, ok := s.Table("lead").DefaultStatus(3); ok {
		t.Errorf("a state that is none has default status %d", got)
	}
	if got, ok := s.Table("team").StateOf(1); ok {
		t.Errorf("a table without states has state %d", got)
	}
}
