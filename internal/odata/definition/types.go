package definition

// Type describes a type of the definitions, for $metadata.
type Type struct {
	Name, Base string // Base: the type that it derives from, "" for none
	Complex    bool   // of values; else of definitions, which have the key MetadataId
	Abstract   bool
	Properties []Property
	Navs       []Nav
}

// Property is a property of a type: Edm.String, mscrm.Label, Collection(…).
type Property struct{ Name, Type string }

// Nav is a navigation property.
type Nav struct {
	Name, Type string // Type: of what it leads to
	Many       bool
}

// Enums lists the enumerations of the definitions: the name of each and its members.
func Enums() [][]string {
	return [][]string{
		{"OwnershipTypes", "None", "UserOwned", "TeamOwned", "BusinessOwned", "OrganizationOwned", "BusinessParented"},
		{
			"AttributeTypeCode", "Boolean", "Customer", "DateTime", "Decimal", "Double", "Integer", "Lookup", "Memo", "Money", "Owner", "PartyList",
			"Picklist", "State", "Status", "String", "Uniqueidentifier", "CalendarRules", "Virtual", "BigInt", "ManagedProperty", "EntityName",
		},
		{"AttributeRequiredLevel", "None", "SystemRequired", "ApplicationRequired", "Recommended"},
		{"StringFormat", "Email", "Text", "TextArea", "Url", "TickerSymbol", "PhoneticGuide", "VersionNumber", "Phone", "Json", "RichText"},
		{"IntegerFormat", "None", "Duration", "TimeZone", "Language", "Locale"},
		{"DateTimeFormat", "DateOnly", "DateAndTime"},
		{"LookupFormat", "None", "Connection", "Regarding", "Text"},
		{"ImeMode", "Auto", "Inactive", "Active", "Disabled"},
		{"OptionSetType", "Picklist", "State", "Status", "Boolean"},
		{"RelationshipType", "OneToManyRelationship", "ManyToManyRelationship"},
		{"SecurityTypes", "None", "Append", "ParentChild", "Pointer", "Inheritance"},
		{"CascadeType", "NoCascade", "Cascade", "Active", "UserOwned", "RemoveLink", "Restrict"},
		{"AssociatedMenuBehavior", "UseCollectionName", "UseLabel", "DoNotDisplay"},
		{"AssociatedMenuGroup", "Details", "Sales", "Service", "Marketing"},
		{"EntityKeyIndexStatus", "Pending", "InProgress", "Active", "Failed"},
	}
}

// Types lists the types of the definitions, and of the values in them, as samples of
// all of them have them.
func Types() []Type {
	var list []Type
	seen := map[string]bool{}
	entities := samples()
	for values := false; len(entities) > 0; values = true {
		var inner []*object
		for _, o := range entities {
			base := ""
			for _, l := range o.layers {
				if !seen[l.kind] {
					seen[l.kind] = true
					list = append(list, typeOf(l, base, values))
				}
				base = l.kind
				for _, p := range l.properties {
					inner = append(inner, objectsIn(p.value)...)
				}
			}
		}
		entities = inner
	}
	return list
}

// objectsIn returns the complex values of a property.
func objectsIn(v any) []*object {
	switch v := v.(type) {
	case *object:
		if v != nil {
			return []*object{v}
		}
	case []*object:
		return v
	}
	return nil
}

// typeOf describes the type of a layer.
func typeOf(l layer, base string, value bool) Type {
	t := Type{Name: l.kind, Base: base, Complex: value, Abstract: l.abstract}
	for _, p := range l.properties {
		t.Properties = append(t.Properties, Property{p.name, p.typ})
	}
	for _, n := range l.navs {
		t.Navs = append(t.Navs, Nav{n.name, n.get().kind, n.many})
	}
	return t
}
