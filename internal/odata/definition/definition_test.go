package definition_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/odata"
	"segue/internal/odata/definition"
	"segue/internal/schema"
)

// Each table and column on the wire has a definition, and a MetadataId of its own.
func TestDefinitions_All(t *testing.T) {
	m := model(t)
	ids := map[string]string{}
	take := func(what string, o map[string]any) {
		t.Helper()
		id, _ := o["MetadataId"].(string)
		if other, taken := ids[id]; taken || len(id) != 36 {
			t.Errorf("%s has the id %q, as has %s", what, id, other)
		}
		ids[id] = what
	}
	want, codes := map[string]bool{}, map[any]string{}
	for _, table := range tables(t).Tables() {
		if table.Set == "" {
			continue
		}
		want[table.Name] = true
		for _, column := range table.Columns {
			want[table.Name+"."+column.Name] = column.Write != schema.Hidden
		}
	}
	list, _ := get(t, m, "EntityDefinitions", "$expand=Attributes($select=LogicalName)")["value"].([]any)
	for _, one := range list {
		o, _ := one.(map[string]any)
		name, _ := o["LogicalName"].(string)
		take(name, o)
		if other, taken := codes[o["ObjectTypeCode"]]; taken {
			t.Errorf("%s has the ObjectTypeCode of %s", name, other)
		}
		codes[o["ObjectTypeCode"]] = name
		if !want[name] {
			t.Errorf("%s is defined", name)
		}
		delete(want, name)
		attributes, _ := o["Attributes"].([]any)
		for _, a := range attributes {
			a, _ := a.(map[string]any)
			key := fmt.Sprint(name, ".", a["LogicalName"])
			take(key, a)
			if !want[key] {
				t.Errorf("%s is defined", key)
			}
			delete(want, key)
		}
	}
	for key, visible := range want {
		if visible {
			t.Errorf("%s has no definition", key)
		}
	}
	relationships, _ := get(t, m, "RelationshipDefinitions", "")["value"].([]any)
	for _, r := range relationships {
		r, _ := r.(map[string]any)
		take(fmt.Sprint("relationship ", r["SchemaName"]), r)
	}
}

// What clients ask, as they send it (docs/webapi.md §13, and Microsoft's own samples).
func TestDefinitions(t *testing.T) {
	m := model(t)
	lead, _ := get(t, m, "EntityDefinitions(LogicalName='lead')", "")["MetadataId"].(string)
	industry, _ := get(t, m, "GlobalOptionSetDefinitions(Name='rating')", "")["MetadataId"].(string)
	for _, test := range []struct {
		name, path, query string
		want              string // JSON, with LEAD and SET for the ids
	}{
		{
			"dataverse-ify", "EntityDefinitions(LogicalName='lead')", "$select=EntitySetName",
			`{"@odata.context":"~$metadata#EntityDefinitions(EntitySetName)/$entity","EntitySetName":"leads","MetadataId":"LEAD"}`,
		},
		{
			"Python SDK", "EntityDefinitions", "%24select=LogicalName%2CEntitySetName%2CPrimaryIdAttribute&%24filter=LogicalName+eq+%27lead%27",
			`{"@odata.context":"~$metadata#EntityDefinitions(LogicalName,EntitySetName,PrimaryIdAttribute)","value":[{"LogicalName":"lead","EntitySetName":"leads","PrimaryIdAttribute":"leadid","MetadataId":"LEAD"}]}`,
		},
		{
			"Python SDK, tables.get", "EntityDefinitions", "$select=MetadataId,SchemaName,PrimaryNameAttribute&$filter=LogicalName eq 'lead'",
			`{"@odata.context":"~$metadata#EntityDefinitions(MetadataId,SchemaName,PrimaryNameAttribute)","value":[{"MetadataId":"LEAD","SchemaName":"Lead","PrimaryNameAttribute":"fullname"}]}`,
		},
		{
			"by id", "EntityDefinitions(LEAD)", "$select=LogicalName,IsOptimisticConcurrencyEnabled,ChangeTrackingEnabled",
			`{"@odata.context":"~$metadata#EntityDefinitions(LogicalName,IsOptimisticConcurrencyEnabled,ChangeTrackingEnabled)/$entity","LogicalName":"lead","IsOptimisticConcurrencyEnabled":true,"ChangeTrackingEnabled":true,"MetadataId":"LEAD"}`,
		},
		{
			"dynamics-web-api retrieveEntity", "EntityDefinitions(LogicalName='transactioncurrency')", "$select=LogicalName&$expand=Attributes($select=LogicalName;$filter=IsPrimaryName eq true)",
			`{"@odata.context":"~$metadata#EntityDefinitions(LogicalName,Attributes(LogicalName))/$entity","LogicalName":"transactioncurrency","MetadataId":"*","Attributes@odata.context":"~$metadata#EntityDefinitions('transactioncurrency')/Attributes(LogicalName)","Attributes":[{"@odata.type":"#Microsoft.Dynamics.CRM.StringAttributeMetadata","LogicalName":"currencyname","MetadataId":"*"}]}`,
		},
		{
			"enumeration", "EntityDefinitions", "$select=LogicalName&$filter=OwnershipType eq Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' and IsActivity eq true",
			`{"@odata.context":"~$metadata#EntityDefinitions(LogicalName)","value":[{"LogicalName":"email","MetadataId":"*"},{"LogicalName":"opportunityclose","MetadataId":"*"},{"LogicalName":"phonecall","MetadataId":"*"},{"LogicalName":"task","MetadataId":"*"}]}`,
		},
		{
			"complex type", "EntityDefinitions(LogicalName='lead')/Attributes", "$select=SchemaName&$filter=RequiredLevel/Value eq Microsoft.Dynamics.CRM.AttributeRequiredLevel'ApplicationRequired'",
			`{"@odata.context":"~$metadata#EntityDefinitions('lead')/Attributes(SchemaName)","value":[{"@odata.type":"#Microsoft.Dynamics.CRM.StringAttributeMetadata","SchemaName":"Subject","MetadataId":"*"},{"@odata.type":"#Microsoft.Dynamics.CRM.StringAttributeMetadata","SchemaName":"LastName","MetadataId":"*"}]}`,
		},
		{
			"cast with a property of the type", "EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.MoneyAttributeMetadata", "$select=LogicalName,Precision&$top=1&$count=true",
			`{"@odata.context":"~$metadata#EntityDefinitions('lead')/Attributes/Microsoft.Dynamics.CRM.MoneyAttributeMetadata(LogicalName,Precision)","@odata.count":3,"value":[{"LogicalName":"budgetamount","Precision":4,"MetadataId":"*"}]}`,
		},
		{
			"an option set by its path", "EntityDefinitions(LogicalName='lead')/Attributes(LogicalName='leadqualitycode')/Microsoft.Dynamics.CRM.PicklistAttributeMetadata/OptionSet", "$select=Name",
			`{"@odata.context":"~$metadata#EntityDefinitions('lead')/Attributes('leadqualitycode')/Microsoft.Dynamics.CRM.PicklistAttributeMetadata/OptionSet(Name)/$entity","Name":"rating","MetadataId":"SET"}`,
		},
		{
			"global option set, cast", "GlobalOptionSetDefinitions(Name='rating')/Microsoft.Dynamics.CRM.OptionSetMetadata", "$select=Name",
			`{"@odata.context":"~$metadata#GlobalOptionSetDefinitions/Microsoft.Dynamics.CRM.OptionSetMetadata(Name)/$entity","Name":"rating","MetadataId":"SET"}`,
		},
		{
			"relationship", "RelationshipDefinitions(SchemaName='Lead_Tasks')/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata", "$select=ReferencingEntity,ReferencingAttribute,ReferencedEntity",
			`{"@odata.context":"~$metadata#RelationshipDefinitions/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata(ReferencingEntity,ReferencingAttribute,ReferencedEntity)/$entity","ReferencingEntity":"task","ReferencingAttribute":"regardingobjectid","ReferencedEntity":"lead","MetadataId":"*"}`,
		},
		{
			"one property", "EntityDefinitions(LogicalName='lead')/EntitySetName", "",
			`{"@odata.context":"~$metadata#EntityDefinitions('lead')/EntitySetName","value":"leads"}`,
		},
		{
			"no keys", "EntityDefinitions(LogicalName='lead')/Keys", "$select=KeyAttributes",
			`{"@odata.context":"~$metadata#EntityDefinitions('lead')/Keys(KeyAttributes)","value":[]}`,
		},
		{
			"keys", "EntityDefinitions(LogicalName='account')/Keys", "$select=LogicalName,KeyAttributes",
			`{"@odata.context":"~$metadata#EntityDefinitions('account')/Keys(LogicalName,KeyAttributes)","value":[{"LogicalName":"segue_accountnumber","KeyAttributes":["accountnumber"],"MetadataId":"*"}]}`,
		},
		{
			"no rows", "EntityDefinitions", "$select=LogicalName,&$filter=not startswith(LogicalName,'') and LogicalName ne null",
			`{"@odata.context":"~$metadata#EntityDefinitions(LogicalName)","value":[]}`,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			ids := strings.NewReplacer("LEAD", lead, "SET", industry, "~$", base+"$")
			got := get(t, m, ids.Replace(test.path), test.query)
			var want map[string]any
			if err := json.Unmarshal([]byte(ids.Replace(test.want)), &want); err != nil {
				t.Fatal(err)
			}
			anyID := cmp.FilterPath(func(p cmp.Path) bool { return strings.Contains(p.Last().String(), "MetadataId") }, cmp.Comparer(func(a, b any) bool {
				return a == b || a == "*" || b == "*"
			}))
			if diff := cmp.Diff(want, got, anyID); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// The options of a choice, with their labels.
func TestDefinitions_Options(t *testing.T) {
	list, _ := get(t, model(t), "EntityDefinitions(LogicalName='lead')/Attributes/Microsoft.Dynamics.CRM.PicklistAttributeMetadata",
		"$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)&$filter=LogicalName eq 'leadqualitycode'")["value"].([]any)
	text, err := json.Marshal(list)
	if err != nil || len(list) != 1 {
		t.Fatal(err, len(list))
	}
	var choices []struct {
		OptionSet, GlobalOptionSet struct {
			Options []struct {
				Value int
				Label struct{ UserLocalizedLabel struct{ Label string } }
			}
		}
	}
	if err := json.Unmarshal(text, &choices); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range choices[0].OptionSet.Options {
		got = append(got, fmt.Sprint(o.Value, " ", o.Label.UserLocalizedLabel.Label))
	}
	if diff := cmp.Diff([]string{"1 Hot", "2 Warm", "3 Cold"}, got); diff != "" || len(choices[0].GlobalOptionSet.Options) != 3 {
		t.Errorf("options (-want +got):\n%s", diff)
	}
}

// filters on tables, and which of a few they leave.
func TestDefinitions_Filter(t *testing.T) {
	m := model(t)
	for filter, want := range map[string]string{
		"LogicalName eq 'lead' or LogicalName eq 'task'":                                           "lead task",
		"LogicalName in ('lead','task','nothing')":                                                 "lead task",
		"LogicalName eq 'lead' or LogicalName eq 'task' and IsActivity eq false":                   "lead",
		"(LogicalName eq 'lead' or LogicalName eq 'task') and IsActivity eq true":                  "task",
		"not (IsActivity eq false)":                                                                "email opportunityclose phonecall task",
		"not IsActivity eq false":                                                                  "email opportunityclose phonecall task",
		"contains(LogicalName,'EAD')":                                                              "lead",
		"endswith(EntitySetName,'ies') and startswith(LogicalName,'o')":                            "opportunity",
		"ObjectTypeCode le 4 and ObjectTypeCode gt 1":                                              "contact lead opportunity",
		"ObjectTypeCode ge 3 and ObjectTypeCode lt 4":                                              "opportunity",
		"IntroducedVersion eq null and LogicalName eq 'lead'":                                      "lead",
		"IntroducedVersion ne null":                                                                "",
		"OwnershipType ne Microsoft.Dynamics.CRM.OwnershipTypes'UserOwned' and LogicalName lt 'c'": "businessunit",
		"CanCreateAttributes/Value eq true":                                                        "",
		"IsMappable/Value eq true and LogicalName eq 'account'":                                    "account",
		"MetadataId eq 00000000-0000-4000-8000-000000000001":                                       "",
		"LogicalName eq 'it''s'":                                                                   "",
	} {
		list, _ := get(t, m, "EntityDefinitions", "$select=LogicalName&$filter="+strings.ReplaceAll(filter, " ", "+"))["value"].([]any)
		var names []string
		for _, one := range list {
			one, _ := one.(map[string]any)
			names = append(names, fmt.Sprint(one["LogicalName"]))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: %q, want %q", filter, got, want)
		}
	}
}

// outcome is status, code and text of a refusal.
func outcome(t testing.TB, err error) string {
	t.Helper()
	e, ok := errors.AsType[*odata.Error](err)
	if !ok {
		t.Fatalf("%v is no *odata.Error", err)
	}
	return fmt.Sprintf("%d %s %s", e.Status, e.Code, e.Message)
}

func TestDefinitions_Refusals(t *testing.T) {
	m := model(t)
	const lead = "EntityDefinitions(LogicalName='lead')"
	for _, test := range []struct{ path, query, want string }{
		{"EntityDefinitions(LogicalName='nothing')", "", "404 0x80040217 EntityMetadata With LogicalName = nothing Does Not Exist"},
		{"EntityDefinitions(00000000-0000-4000-8000-000000000001)", "", "404 0x80040217 EntityMetadata With MetadataId = 00000000-0000-4000-8000-000000000001 Does Not Exist"},
		{"EntityDefinitions(SchemaName='Lead')", "", "400 0x80060890 the key 'SchemaName='Lead'' must be <MetadataId> or LogicalName='<name>'"},
		{"EntityDefinitions(LogicalName=lead)", "", "400 0x80060890 the key 'LogicalName=lead' must be"},
		{"EntityDefinitions(", "", "400 0x80060888 the path 'EntityDefinitions(' has a quote or bracket that is not closed"},
		{"EntityDefinitions()", "", "400 0x80060888 the key '' must be"},
		{lead + "/Nothing", "", "404 0x80060888 Resource not found for the segment 'Nothing'."},
		{lead + "/Attributes/Nothing", "", "404 0x80060888 Resource not found for the segment 'Nothing'."},
		{lead + "/Attributes/Microsoft.Dynamics.CRM.Nothing", "", "404 0x80060888 Resource not found for the segment 'Microsoft.Dynamics.CRM.Nothing'."},
		{lead + "/Attributes/Microsoft.Dynamics.CRM.EntityMetadata", "", "404 0x80060888 Resource not found for the segment 'Microsoft.Dynamics.CRM.EntityMetadata'."},
		{lead + "/Attributes(LogicalName='subject')/Microsoft.Dynamics.CRM.MemoAttributeMetadata", "", "404 0x80040217 the definition is of type Microsoft.Dynamics.CRM.StringAttributeMetadata"},
		{lead + "/EntitySetName/x", "", "404 0x80060888 Resource not found for the segment 'x'."},
		{lead, "$select=Nothing", "400 0x80060888 Could not find a property named 'Nothing' on type 'Microsoft.Dynamics.CRM.EntityMetadata'."},
		{lead + "/Attributes", "$select=MaxLength", "400 0x80060888 Could not find a property named 'MaxLength' on type 'Microsoft.Dynamics.CRM.AttributeMetadata'."},
		{lead + "/Attributes", "$expand=OptionSet", "400 0x80060888 Could not find a property named 'OptionSet' on type 'Microsoft.Dynamics.CRM.AttributeMetadata'."},
		{lead, "$expand=Attributes($select=LogicalName", "400 0x80060888 $expand: a quote or bracket is not closed in"},
		{lead, "$filter=LogicalName eq 'x'", "400 0x80060888 only $select and $expand may be used"},
		{"EntityDefinitions", "$filter=Nothing eq 1", "400 0x80060888 Could not find a property named 'Nothing'"},
		{"EntityDefinitions", "$filter=LogicalName eq 1", "400 0x80060888 $filter: a value of type Edm.String expected at position 15"},
		{"EntityDefinitions", "$filter=LogicalName eq 'x", "400 0x80060888 $filter: the end of a quote expected"},
		{"EntityDefinitions", "$filter=LogicalName like 'x'", "400 0x80060888 $filter: an operator expected at position 12"},
		{"EntityDefinitions", "$filter=LogicalName eq 'x' and", "400 0x80060888 $filter: a property expected"},
		{"EntityDefinitions", "$filter=(LogicalName eq 'x'", "400 0x80060888 $filter: ')' expected"},
		{"EntityDefinitions", "$filter=LogicalName eq 'x')", "400 0x80060888 $filter: 'and', 'or' or the end expected"},
		{"EntityDefinitions", "$filter=OwnershipType eq 'UserOwned'", "400 0x80060888 $filter: a value of type Microsoft.Dynamics.CRM.OwnershipTypes expected"},
		{"EntityDefinitions", "$filter=DisplayName eq 'x'", "400 0x80060888 $filter: 'DisplayName' is of type mscrm.Label, which cannot be compared"},
		{"EntityDefinitions", "$filter=" + strings.Repeat("(", 40) + "IsActivity eq true" + strings.Repeat(")", 40), "400 0x80060888 $filter: brackets are nested deeper than 32"},
		{"EntityDefinitions", "$orderby=LogicalName", "400 0x80060888 The query parameter $orderby is not supported"},
		{lead + "/Attributes", "$select=LogicalName&$orderby=LogicalName desc", "400 0x80060888 The query parameter $orderby is not supported"},
		{lead, "$expand=Attributes($orderby=LogicalName)", "400 0x80060888 The query parameter $orderby is not supported"},
		{"EntityDefinitions", "$skip=1", "400 0x80060888 The query parameter $skip is not supported"},
		{"EntityDefinitions", "$nothing=1", "400 0x80060888 The query parameter $nothing is not supported"},
		{"EntityDefinitions", "$top=x", "400 0x80060888 $top must be a whole number"},
		{"EntityDefinitions", "$select=LogicalName&$select=SchemaName", "400 0x80060888 the query option '$select' is given twice"},
	} {
		_, err := m.Serve(base, test.path, strings.ReplaceAll(test.query, " ", "+"))
		if got := outcome(t, err); !strings.HasPrefix(got, test.want) {
			t.Errorf("%s?%s: %s, want %s", test.path, test.query, got, test.want)
		}
	}
}

func TestDefinitions_Count(t *testing.T) {
	got, err := model(t).Serve(base, "EntityDefinitions/$count", "")
	n := 0
	for _, table := range tables(t).Tables() {
		if table.Set != "" {
			n++
		}
	}
	if err != nil || !got.Plain || string(got.Body) != fmt.Sprint(n) {
		t.Errorf("%+v, %v, want %d", got, err, n)
	}
}

func TestDefines(t *testing.T) {
	for path, want := range map[string]bool{
		"EntityDefinitions": true, "EntityDefinitions(LogicalName='lead')/Attributes": true, "RelationshipDefinitions": true,
		"GlobalOptionSetDefinitions(Name='x')": true, "leads": false, "": false, "EntityDefinitionsX": false, "$metadata": false,
	} {
		if definition.Defines(path) != want {
			t.Errorf("%q: %v", path, !want)
		}
	}
}

// Whatever is asked, the response is JSON or an *odata.Error that is not long.
func FuzzDefinitions(f *testing.F) {
	for _, seed := range [][2]string{
		{"EntityDefinitions", "$filter=LogicalName eq 'a' or not (IsActivity eq true)"},
		{"EntityDefinitions(LogicalName='lead')/Attributes", "$select=LogicalName,&$expand=Keys($select=MetadataId)"},
		{"EntityDefinitions", "$filter=contains(LogicalName,'''') and ObjectTypeCode in (1,2"},
		{"RelationshipDefinitions(SchemaName='Lead_Tasks')/Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata", ""},
	} {
		f.Add(seed[0], seed[1])
	}
	m := model(f)
	f.Fuzz(func(t *testing.T, path, query string) {
		got, err := m.Serve(base, path, query)
		if err != nil {
			if message := outcome(t, err); len(message) > 2000 {
				t.Errorf("the message has %d bytes", len(message))
			}
			return
		}
		if !json.Valid(got.Body) {
			t.Errorf("%s?%s: %s", path, query, got.Body)
		}
	})
}
