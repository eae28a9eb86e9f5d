package definition

import (
	"hash/fnv"
	"strings"

	"segue/internal/schema"
	"segue/internal/schema/name"
)

// Names of the sets of definitions.
const (
	tableSet        = "EntityDefinitions"
	relationshipSet = "RelationshipDefinitions"
	optionSetSet    = "GlobalOptionSetDefinitions"

	tableKind     = "EntityMetadata"
	optionSetKind = "OptionSetMetadataBase"

	logicalName = "LogicalName"
)

// Sets lists the entity sets of definitions: of each its name and, as Type, the type of
// its definitions.
func Sets() []Nav {
	return []Nav{
		{Name: tableSet, Type: tableKind, Many: true}, {Name: relationshipSet, Type: relationshipBase, Many: true},
		{Name: optionSetSet, Type: optionSetKind, Many: true},
	}
}

// definitions returns a set of definitions by its name.
func (m *Model) definitions(set string) (collection, bool) {
	switch set {
	case tableSet:
		return m.tableDefinitions(), true
	case relationshipSet:
		return m.relationshipDefinitions(), true
	case optionSetSet:
		return m.optionSetDefinitions(), true
	}
	return collection{}, false
}

func (m *Model) tableDefinitions() collection {
	c := collection{kind: tableKind, key: logicalName}
	for _, t := range m.tables {
		c.items = append(c.items, m.table(t))
	}
	c.shape = c.items[0]
	return c
}

// table is the definition of a table.
func (m *Model) table(t *schema.Table) *object {
	owned := "OrganizationOwned"
	if t.Is(name.UserOwnedTrait) {
		owned = "UserOwned"
	}
	activity, custom := t.Is(name.ActivityTrait), strings.Contains(t.Name, "_")
	own := layer{kind: tableKind, properties: []property{
		text(logicalName, t.Name), text("SchemaName", schemaName(t.Name, t.Label)),
		text("LogicalCollectionName", t.Set), text("CollectionSchemaName", schemaName(t.Set, schema.Plural(t.Label))), text("EntitySetName", t.Set),
		text("PrimaryIdAttribute", t.ID), text("PrimaryNameAttribute", t.PrimaryName), null("PrimaryImageAttribute", edmString),
		number("ObjectTypeCode", objectTypeCode(t.Name)),
		label("DisplayName", t.Label, t.Name), label("DisplayCollectionName", schema.Plural(t.Label), t.Name), label("Description", ""),
		choice("OwnershipType", "OwnershipTypes", owned),
		{"TableType", edmString, "Standard"},
		number("ActivityTypeMask", activityMask(activity)),
		boolean("IsActivity", activity), boolean("IsActivityParty", false), boolean("HasActivities", m.hasActivities(t)),
		boolean("HasNotes", false), boolean("HasFeedback", false), boolean("HasEmailAddresses", t.Column(name.Emailaddress1) != nil),
		boolean("IsCustomEntity", custom), boolean("IsManaged", true), boolean("IsIntersect", false), boolean("IsPrivate", false),
		boolean("IsLogicalEntity", false), boolean("IsChildEntity", false), boolean("IsBusinessProcessEnabled", false),
		boolean("IsOptimisticConcurrencyEnabled", true), boolean("ChangeTrackingEnabled", t.Track),
		boolean("IsValidForAdvancedFind", true), boolean("IsStateModelAware", len(t.States) > 0), boolean("EnforceStateTransitions", false),
		boolean("IsImportable", !t.EngineMade), boolean("IsAvailableOffline", false), boolean("IsEnabledForCharts", false),
		boolean("IsKnowledgeManagementEnabled", false), boolean("IsDocumentManagementEnabled", false), boolean("IsOneNoteIntegrationEnabled", false),
		boolean("IsInteractionCentricEnabled", false), boolean("IsSLAEnabled", false), boolean("IsBPFEntity", false),
		boolean("IsReadingPaneEnabled", false), boolean("IsQuickCreateEnabled", false), boolean("AutoCreateAccessTeams", false),
		boolean("AutoRouteToOwnerQueue", false), boolean("CanTriggerWorkflow", false), boolean("EntityHelpUrlEnabled", false),
		boolean("UsesBusinessDataLabelTable", false), boolean("IsSolutionAware", false),
		managed("IsAuditEnabled", false), managed("IsValidForQueue", false), managed("IsConnectionsEnabled", false),
		managed("IsCustomizable", false), managed("IsRenameable", false), managed("IsMappable", true), managed("IsDuplicateDetectionEnabled", false),
		managed("CanCreateAttributes", false), managed("CanCreateForms", false), managed("CanCreateViews", false), managed("CanCreateCharts", false),
		managed("CanBeRelatedEntityInRelationship", false), managed("CanBePrimaryEntityInRelationship", false), managed("CanBeInManyToMany", false),
		managed("CanModifyAdditionalSettings", false), managed("CanChangeTrackingBeEnabled", false),
		null("EntityColor", edmString), null("EntityHelpUrl", edmString), null("ReportViewName", edmString), null("ExternalName", edmString),
		null("IntroducedVersion", edmString), null("RecurrenceBaseEntityLogicalName", edmString), null("DataProviderId", edmGUID),
		null("IconSmallName", edmString), null("IconMediumName", edmString), null("IconLargeName", edmString), null("IconVectorName", edmString),
	}, navs: []nav{
		{name: "Attributes", many: true, get: func() collection { return m.attributes(t) }},
		{name: "Keys", many: true, get: func() collection { return m.keys(t) }},
		{name: "ManyToOneRelationships", many: true, get: func() collection { return m.manyToOne(t) }},
		{name: "OneToManyRelationships", many: true, get: func() collection { return m.oneToMany(t) }},
		{name: "ManyToManyRelationships", many: true, get: m.manyToMany},
	}}
	return &object{layers: []layer{base("table", t.Name), own}}
}

// activityMask is 1 for activities that people see in lists of activities.
func activityMask(activity bool) int {
	if activity {
		return 1
	}
	return 0
}

// hasActivities reports whether activities can be about rows of a table.
func (m *Model) hasActivities(t *schema.Table) bool {
	for _, other := range m.tables {
		regarding := other.Column(name.Regardingobjectid)
		if regarding == nil || !other.Is(name.ActivityTrait) {
			continue
		}
		for _, target := range regarding.Targets {
			if target.Table == t.Name {
				return true
			}
		}
	}
	return false
}

// objectTypeCode is the number by which old clients know a table: that of Dataverse, or
// one from the name, at 10,000 and above as custom tables have it.
func objectTypeCode(table string) int {
	switch table {
	case name.Account:
		return 1
	case name.Contact:
		return 2
	case name.Opportunity:
		return 3
	case name.Lead:
		return 4
	case name.User:
		return 8
	case name.Team:
		return 9
	case name.BusinessUnit:
		return 10
	case name.TeamMembership:
		return 23
	case name.Organization:
		return 1019
	case name.Email:
		return 4202
	case name.PhoneCall:
		return 4210
	case name.Task:
		return 4212
	case name.Campaign:
		return 4400
	case name.PriceList:
		return 1022
	case name.Currency:
		return 9105
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(table)) // never fails
	return 10_000 + int(h.Sum32()%1_000_000)
}

// keys is the alternate keys of a table.
func (m *Model) keys(t *schema.Table) collection {
	found := collection{kind: "EntityKeyMetadata", key: logicalName, shape: key(t, &schema.Key{Name: "key", Label: "Key", Columns: []string{t.ID}})}
	for _, k := range t.Keys {
		found.items = append(found.items, key(t, k))
	}
	return found
}

// key is the definition of an alternate key.
func key(t *schema.Table, k *schema.Key) *object {
	return &object{layers: []layer{base("key", t.Name+"."+k.Name), {kind: "EntityKeyMetadata", properties: []property{
		text(logicalName, k.Name), text("SchemaName", k.Name), text("EntityLogicalName", t.Name), label("DisplayName", t.Name+"."+k.Name, k.Label),
		{"KeyAttributes", "Collection(" + edmString + ")", k.Columns}, choice("EntityKeyIndexStatus", "EntityKeyIndexStatus", "Active"),
		boolean("IsManaged", true), boolean("IsSynchronous", true), managed("IsCustomizable", false), null("IntroducedVersion", edmString),
	}}}}
}
