package schema

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
)

// mustDefault is the embedded tables.
func mustDefault(t *testing.T) *Schema {
	t.Helper()
	s, err := Default()
	if err != nil {
		t.Fatalf("Default: %v", err)
	}
	return s
}

func TestDefaultTables(t *testing.T) {
	var got []string
	for _, table := range mustDefault(t).Tables() {
		got = append(got, fmt.Sprintf("%s %s %s %s", table.Name, table.Set, table.ID, table.PrimaryName))
	}
	want := []string{
		"account accounts accountid name",
		"businessunit businessunits businessunitid name",
		"campaign campaigns campaignid name",
		"contact contacts contactid fullname",
		"email emails activityid subject",
		"lead leads leadid fullname",
		"msdyn_salesroutingrun msdyn_salesroutingruns msdyn_salesroutingrunid msdyn_name",
		"msdyn_segment msdyn_segments msdyn_segmentid msdyn_name",
		"msdyn_segmentattribute msdyn_segmentattributes msdyn_segmentattributeid msdyn_name",
		"msdyn_sequence msdyn_sequences msdyn_sequenceid msdyn_name",
		"msdyn_sequencetarget msdyn_sequencetargets msdyn_sequencetargetid msdyn_name",
		"msdyn_sequencetargetstep msdyn_sequencetargetsteps msdyn_sequencetargetstepid msdyn_name",
		"opportunity opportunities opportunityid name",
		"opportunityclose opportunitycloses activityid subject",
		"organization organizations organizationid name",
		"phonecall phonecalls activityid subject",
		"pricelevel pricelevels pricelevelid name",
		"savedquery savedqueries savedqueryid name",
		"segue_absence segue_absences segue_absenceid segue_name",
		"segue_calendar segue_calendars segue_calendarid segue_name",
		"segue_counted  segue_countedid segue_table",
		"segue_countedtarget  segue_countedtargetid segue_of",
		"segue_erasure segue_erasures segue_erasureid segue_name",
		"segue_experiment  segue_experimentid segue_of",
		"segue_generation  segue_generationid segue_name",
		"segue_health  segue_healthid segue_name",
		"segue_holiday segue_holidays segue_holidayid segue_name",
		"segue_job segue_jobs segue_jobid segue_name",
		"segue_jobtask  segue_jobtaskid segue_name",
		"segue_ledger  segue_ledgerid segue_name",
		"segue_link  segue_linkid segue_table",
		"segue_parkedchange segue_parkedchanges segue_parkedchangeid segue_name",
		"segue_recount  segue_recountid segue_table",
		"segue_segmentversion  segue_segmentversionid segue_name",
		"segue_send segue_sends segue_sendid segue_subject",
		"segue_statistic  segue_statisticid segue_of",
		"segue_suppression segue_suppressions segue_suppressionid segue_address",
		"segue_trackedchange  segue_trackedchangeid segue_rowid",
		"segue_uniquekey  segue_uniquekeyid segue_table",
		"segue_usage  segue_usageid segue_userid",
		"segue_workmark  segue_workmarkid segue_record",
		"systemuser systemusers systemuserid fullname",
		"task tasks activityid subject",
		"team teams teamid name",
		"teammembership teammemberships teammembershipid segue_name",
		"template templates templateid title",
		"transactioncurrency transactioncurrencies transactioncurrencyid currencyname",
		"userquery userqueries userqueryid name",
	}
	got = slices.DeleteFunc(got, func(table string) bool { // one that was added to the product's own
		prefix, _, added := strings.Cut(strings.Fields(table)[0], "_")
		return added && prefix != "msdyn" && prefix != "segue"
	})
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

// TestDefaultOptions holds the options of docs/domain.md §4 that a slip would be
// expensive in, in the order of the files; of a state the first status counts.
func TestDefaultOptions(t *testing.T) {
	s := mustDefault(t)
	const steps = "0 Wait, 1 Simple Condition, 3 Automated Email, 4 Auto action, 5 LinkedIn action, 6 Automated text message, 7 Automated Experimentation, 4202 Email, 4210 Phone call, 4212 Task, 4213 Text message"
	const subSteps = "0 Default, 1 LinkedInResearch, 2 LinkedInGetIntroduced, 3 LinkedInConnect, 4 LinkedInMail, 5 AdvanceToOtherSequence"
	tests := []struct{ table, column, want, preset string }{
		{"msdyn_sequence", "statecode", "0 Inactive, 1 Active", "0"},
		{"msdyn_sequence", "statuscode", "1 Inactive, 2 Active, 3 Revision", ""},
		{"msdyn_sequence", "msdyn_orchestratorversion", "1 V1, 2 V2", ""},
		{"msdyn_sequence", "msdyn_assignsequencetype", "0 RecordOwner, 1 RecordField, 2 OwnerTeam, 3 AccessTeam, 4 CurrentUser", "0"},
		{"msdyn_sequence", "msdyn_type", "0 Definition, 1 Activation", "0"},
		{"msdyn_sequence", "msdyn_cjodefinitionstate", "0 Not Updated, 1 Updated", "false"},
		{"msdyn_sequencetarget", "statecode", "0 Active, 1 Inactive", "0"},
		{"msdyn_sequencetarget", "statuscode", "1 Connecting…, 2 Connected, 3 Completed, 4 Error, 5 Disconnected", ""},
		{"msdyn_sequencetarget", "msdyn_currentsteptype", steps, "0"},
		{"msdyn_sequencetarget", "msdyn_currentstepsubtype", subSteps, "0"},
		{"msdyn_sequencetarget", "msdyn_deactivatereason", "0 User Disconnected, 1 Parent Sequence Deactivated, 2 Regarding Entity Deactivated, 3 Exit Criterion Met, 4 Sequence Completed, 5 Advanced To Other Sequence, 6 Left Segment, 7 Bounced, 8 Complained", "0"},
		{"msdyn_sequencetargetstep", "statecode", "0 Active, 1 Inactive", "0"},
		{"msdyn_sequencetargetstep", "statuscode", "1 Open, 2 Completed, 3 Skipped, 4 Cancelled", ""},
		{"msdyn_sequencetargetstep", "msdyn_type", steps, ""},
		{"msdyn_sequencetargetstep", "msdyn_subtype", subSteps, "0"},
		{"msdyn_sequencetargetstep", "msdyn_waitstate", "0 NA, 1 Waiting, 2 Skipped, 3 Waiting for update, 4 Waiting completed", "0"},
		{"msdyn_sequencetargetstep", "msdyn_advancedfromwaitstate", "0 NA, 1 None, 2 Waiting, 3 Waiting Completed", "0"},
		{"msdyn_sequencetargetstep", "msdyn_errorstate", "0 NA, 1 Field update failed, 2 Automated text message failed, 3 Use email template failed, 4 Due time not computable, 5 Condition failed, 6 Advance failed, 7 Email not sent, 8 Unknown whether sent", "0"},
		{"msdyn_segment", "statecode", "0 Active, 1 Inactive, 2 Pause", "1"},
		{"msdyn_segment", "statuscode", "1 Active, 2 Inactive, 3 Pause", ""},
		{"msdyn_segment", "msdyn_objecttypecode", "3 Opportunity, 4 Lead, 5 Other Entity", "4"},
		{"msdyn_segment", "msdyn_triggertype", "0 Entity Create, 1 FieldUpdate", "0"},
		{"lead", "leadsourcecode", "1 Advertisement, 2 Employee Referral, 3 External Referral, 4 Partner, 5 Public Relations, 6 Seminar, 7 Trade Show, 8 Web, 9 Word of Mouth, 10 Other", ""},
		{"lead", "leadqualitycode", "1 Hot, 2 Warm, 3 Cold", "2"},
		{"lead", "need", "0 Must have, 1 Should have, 2 Good to have, 3 No need", ""},
		{"lead", "purchaseprocess", "0 Individual, 1 Committee, 2 Unknown", ""},
		{"lead", "purchasetimeframe", "0 Immediate, 1 This Quarter, 2 Next Quarter, 3 This Year, 4 Unknown", ""},
		{"lead", "budgetstatus", "0 No Committed Budget, 1 May Buy, 2 Can Buy, 3 Will Buy", ""},
		{"lead", "preferredcontactmethodcode", "1 Any, 2 Email, 3 Phone, 4 Fax, 5 Mail", "1"},
		{"lead", "salesstage", "0 Qualify", ""},
		{"lead", "msdyn_salesassignmentresult", "0 Succeeded, 1 Failed", ""},
		{"lead", "msdyn_leadgrade", "0 A, 1 B, 2 C, 3 D", ""},
		{"lead", "statecode", "0 Open, 1 Qualified, 2 Disqualified", "0"},
		{"lead", "statuscode", "1 New, 2 Contacted, 3 Qualified, 4 Lost, 5 Cannot Contact, 6 No Longer Interested, 7 Canceled", ""},
		{"opportunity", "opportunityratingcode", "1 Hot, 2 Warm, 3 Cold", "2"},
		{"opportunity", "salesstage", "0 Qualify, 1 Develop, 2 Propose, 3 Close", ""},
		{"opportunity", "statecode", "0 Open, 1 Won, 2 Lost", "0"},
		{"opportunity", "statuscode", "1 In Progress, 2 On Hold, 3 Won, 4 Canceled, 5 Out-Sold", ""},
		{"task", "statuscode", "2 Not Started, 3 In Progress, 4 Waiting on someone else, 7 Deferred, 5 Completed, 6 Canceled", ""},
		{"phonecall", "statuscode", "1 Open, 2 Made, 4 Received, 3 Canceled", ""},
		{"email", "statuscode", "1 Draft, 8 Failed, 2 Completed, 3 Sent, 4 Received, 6 Pending Send, 7 Sending, 5 Canceled", ""},
	}
	for _, test := range tests {
		t.Run(test.table+"."+test.column, func(t *testing.T) {
			c := s.Table(test.table).Column(test.column)
			var options []string
			for _, o := range c.Options {
				options = append(options, fmt.Sprintf("%d %s", o.Value, o.Label))
			}
			if diff := cmp.Diff(test.want, strings.Join(options, ", ")); diff != "" {
				t.Errorf("options (-want +got):\n%s", diff)
			}
			if got := c.Text(c.Default); got != test.preset {
				t.Errorf("default is %q, want %q", got, test.preset)
			}
		})
	}
}

func TestWriters(t *testing.T) {
	s := mustDefault(t)
	writable := func(table string) []string {
		var names []string
		for _, c := range s.Table(table).Columns {
			if c.Write == Always || c.Write == OnCreate {
				names = append(names, c.Name)
			}
		}
		return names
	}
	tests := []struct {
		table string
		want  []string
	}{
		{"msdyn_sequencetarget", nil},
		{"msdyn_sequencetargetstep", []string{"msdyn_name", "msdyn_description", "msdyn_triggeroutcome", "statecode", "statuscode", "ownerid"}},
		{"segue_ledger", nil},
		{"msdyn_segmentattribute", []string{"msdyn_segmentattributeid", "msdyn_name", "msdyn_objecttype", "msdyn_segmentpriorityorder", "statecode", "statuscode", "overriddencreatedon", "importsequencenumber"}},
	}
	for _, test := range tests {
		t.Run(test.table, func(t *testing.T) {
			if diff := cmp.Diff(test.want, writable(test.table)); diff != "" {
				t.Errorf("writable columns (-want +got):\n%s", diff)
			}
		})
	}
}

func TestNavs(t *testing.T) {
	s := mustDefault(t)
	tests := []struct{ table, nav, want string }{
		{"lead", "parentaccountid", "parentaccountid→account"},
		{"lead", "ownerid", "ownerid→systemuser ownerid→team"},
		{"opportunity", "customerid_contact", "customerid→contact"},
		{"task", "regardingobjectid_lead_task", "regardingobjectid→lead"},
		{"msdyn_sequencetarget", "msdyn_target_lead", "msdyn_target→lead"},
		{"msdyn_sequencetarget", "msdyn_target", "msdyn_target→lead msdyn_target→opportunity msdyn_target→contact msdyn_target→account"},
		{"lead", "subject", ""},
	}
	for _, test := range tests {
		t.Run(test.table+"."+test.nav, func(t *testing.T) {
			table := s.Table(test.table)
			var got []string
			for _, n := range table.Navs(test.nav) {
				got = append(got, n.Column.Name+"→"+n.Target.Table)
			}
			if diff := cmp.Diff(test.want, strings.Join(got, " ")); diff != "" {
				t.Errorf("navs (-want +got):\n%s", diff)
			}
			first, ok := table.Nav(test.nav)
			if ok != (len(got) > 0) || ok && first.Column.Name+"→"+first.Target.Table != got[0] {
				t.Errorf("Nav answers %v, %v, the first of Navs is wanted", first, ok)
			}
		})
	}
}

func TestRelation(t *testing.T) {
	s := mustDefault(t)
	tests := []struct{ name, table, relation, want string }{
		{"from the lookup", "lead", "lead_parent_account", "account parentaccountid one"},
		{"from the target", "account", "lead_parent_account", "lead parentaccountid many"},
		{"to itself", "account", "account_parent_account", "account parentaccountid many"},
		{"activities", "lead", "Lead_Tasks", "task regardingobjectid many"},
		{"of others", "contact", "lead_parent_account", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if r, ok := s.Relation(test.table, test.relation); ok {
				count := map[bool]string{true: "many", false: "one"}[r.Many]
				got = r.Table.Name + " " + r.Column.Name + " " + count
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestCollection(t *testing.T) {
	s := mustDefault(t)
	tests := []struct{ name, table, collection, want string }{
		{"of activities", "lead", "Lead_Tasks", "task regardingobjectid Lead_Tasks"},
		{"of the same table", "account", "account_parent_account", "account parentaccountid account_parent_account"},
		{"the lookup's own side", "lead", "lead_parent_account", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got := ""
			if r, ok := s.Collection(test.table, test.collection); ok && r.Many {
				got = r.Table.Name + " " + r.Column.Name + " " + r.Name
			}
			if got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// withFiles is the embedded files, some of them replaced.
func withFiles(t *testing.T, more map[string]string) fs.FS {
	t.Helper()
	files := fstest.MapFS{}
	for _, folder := range []string{"tables", "traits", "optionsets"} {
		names, err := fs.Glob(embedded, folder+"/*.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			data, err := embedded.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files[name] = &fstest.MapFile{Data: data}
		}
	}
	for name, text := range more {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

// TestCustom adds a record table and a column to an existing one by files alone.
func TestCustom(t *testing.T) {
	lead, err := embedded.ReadFile("tables/lead.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := Load(withFiles(t, map[string]string{
		"tables/lead.json": strings.Replace(string(lead), `"columns": [`,
			`"columns": [{"name": "new_visitid", "label": "Visit", "type": "lookup", "custom": true, "targets": [{"table": "new_visit"}]},`, 1),
		"tables/new_visit.json": `{"name": "new_visit", "set": "new_visits", "label": "Visit", "id": "new_visitid", "primaryName": "new_name",
			"traits": ["record", "userOwned"],
			"states": [{"value": 0, "label": "Planned", "statuses": [{"value": 1, "label": "Planned"}]}], "columns": [
			{"name": "new_name", "label": "Name", "type": "string", "maxLength": 50, "need": "application", "custom": true},
			{"name": "new_place", "label": "Place", "type": "string", "maxLength": 50, "need": "system", "custom": true},
			{"name": "new_length", "label": "Length", "type": "decimal", "min": 0.5, "max": 8, "default": 1.5, "custom": true}]}`,
	}))
	if err != nil {
		t.Fatal(err)
	}
	visit := s.BySet("new_visits")
	_, err = visit.CheckCreate(map[string]Value{"new_name": Text("Fair"), "new_place": Text("")})
	if broken, ok := errors.AsType[*Error](err); !ok || broken.Column != "new_place" || broken.Rule != RuleRequired {
		t.Errorf("without a column that the system requires: %v, want %q of new_place", err, RuleRequired)
	}
	row, err := visit.CheckCreate(map[string]Value{"new_place": Text("Lyon")})
	if err != nil {
		t.Fatal(err)
	}
	length, _ := visit.Column("new_length").FromText("1.5")
	want := map[string]Value{"new_place": Text("Lyon"), "new_length": length, "segue_connected": Bool(false), "statecode": Int(0), "statuscode": Int(1)}
	if diff := cmp.Diff(want, row); diff != "" {
		t.Errorf("row (-want +got):\n%s", diff)
	}
	if r, ok := s.Relation("new_visit", "new_visit_lead_new_visitid"); !ok || r.Table.Name != "lead" || !r.Many {
		t.Errorf("the leads of a visit are not found: %v, %v", r, ok)
	}
	for from, relationship := range map[string]string{ // which point at records whatever these are
		"msdyn_sequencetarget": "new_visit_msdyn_sequencetarget_msdyn_target",
		"task":                 "new_visit_task_regardingobjectid",
	} {
		if r, ok := s.Relation("new_visit", relationship); !ok || r.Table.Name != from {
			t.Errorf("the rows of %s for a visit are not found: %v, %v", from, r, ok)
		}
	}
	if c := visit.Column("msdyn_segmentid"); c == nil || c.Write != Engine {
		t.Errorf("msdyn_segmentid of a custom record table is %v, want an engine column", c)
	}
}
