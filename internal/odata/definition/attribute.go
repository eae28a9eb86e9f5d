package definition

import (
	"encoding/json"
	"slices"

	"github.com/shopspring/decimal"

	"segue/internal/schema"
	"segue/internal/schema/name"
)

// attributeBase is the name of what the types of all columns derive from.
const attributeBase = "AttributeMetadata"

// attributes is the columns of a table.
func (m *Model) attributes(t *schema.Table) collection {
	c := collection{kind: attributeBase, key: logicalName}
	for i, column := range visible(t) {
		c.items = append(c.items, m.attribute(t, column, i+1))
	}
	c.shape = &object{layers: []layer{base("column", t.Name), common(t, &schema.Column{Type: schema.String}, 0)}}
	return c
}

// attribute is the definition of a column.
func (m *Model) attribute(t *schema.Table, c *schema.Column, number int) *object {
	o := &object{layers: []layer{base("column", t.Name, c.Name), common(t, c, number)}}
	o.layers = append(o.layers, m.typed(t, c)...)
	return o
}

// AttributeType returns what the definitions call the type of columns, their
// AttributeType; lookups of owners and customers have others.
func AttributeType(t schema.Type) string {
	code, _, _ := attributeType(&schema.Column{Type: t})
	return code
}

// attributeType is the type of a column: AttributeTypeCode, AttributeTypeName and the
// name of its metadata type, whose first parts are mostly the same.
func attributeType(c *schema.Column) (code, typeName, kind string) {
	switch c.Type {
	case schema.String:
		code = "String"
	case schema.Memo:
		code = "Memo"
	case schema.Integer:
		code = "Integer"
	case schema.BigInt:
		code = "BigInt"
	case schema.Decimal:
		code = "Decimal"
	case schema.Money:
		code = "Money"
	case schema.Double:
		code = "Double"
	case schema.Boolean:
		code = "Boolean"
	case schema.Choice:
		code = "Picklist"
	case schema.State:
		code = "State"
	case schema.Status:
		code = "Status"
	case schema.DateTime, schema.Date:
		code = "DateTime"
	case schema.GUID:
		return "Uniqueidentifier", "UniqueidentifierType", "UniqueIdentifier" + attributeBase
	case schema.LookupTo:
		code = lookupType(c)
		return code, code + "Type", "Lookup" + attributeBase
	}
	return code, code + "Type", code + attributeBase
}

// lookupType tells lookups of owners and of customers from others.
func lookupType(c *schema.Column) string {
	targets := func(names ...string) bool {
		return len(c.Targets) == len(names) && !slices.ContainsFunc(c.Targets, func(t schema.Target) bool { return !slices.Contains(names, t.Table) })
	}
	switch {
	case targets(name.User, name.Team):
		return "Owner"
	case targets(name.Account, name.Contact):
		return "Customer"
	}
	return "Lookup"
}

// common is what columns of all types have.
func common(t *schema.Table, c *schema.Column, position int) layer {
	code, typeName, _ := attributeType(c)
	creates := !t.EngineMade && (c.Write == schema.Always || c.Write == schema.OnCreate)
	return layer{kind: attributeBase, properties: []property{
		text(logicalName, c.Name), text("SchemaName", schemaName(c.Name, c.Label)), text("EntityLogicalName", t.Name),
		choice("AttributeType", "AttributeTypeCode", code), valued("AttributeTypeName", "AttributeTypeDisplayName", typeName),
		label("DisplayName", c.Label, t.Name, c.Name), label("Description", ""),
		inner("RequiredLevel", complexOf("AttributeRequiredLevelManagedProperty",
			choice("Value", "AttributeRequiredLevel", requiredLevel(c)), boolean("CanBeChanged", false),
			text("ManagedPropertyLogicalName", "canmodifyrequirementlevelsettings"),
		)),
		boolean("IsPrimaryId", c.Name == t.ID), boolean("IsPrimaryName", c.Name == t.PrimaryName),
		boolean("IsValidForCreate", creates), boolean("IsValidForRead", true), boolean("IsValidForUpdate", c.Write == schema.Always),
		boolean("IsValidODataAttribute", true), boolean("IsCustomAttribute", c.Custom), boolean("IsManaged", true),
		boolean("IsFilterable", !c.Shown), boolean("IsSearchable", false), boolean("IsRetrievable", true), boolean("IsLogical", c.Shown || c.Derived != ""),
		boolean("IsSecured", false), boolean("CanBeSecuredForCreate", false), boolean("CanBeSecuredForRead", false), boolean("CanBeSecuredForUpdate", false),
		boolean("IsValidForForm", true), boolean("IsValidForGrid", true), boolean("IsRequiredForForm", c.Need != schema.Optional), boolean("IsDataSourceSecret", false),
		managed("IsAuditEnabled", false), managed("IsCustomizable", false), managed("IsRenameable", false), managed("IsValidForAdvancedFind", !c.Shown),
		managed("IsGlobalFilterEnabled", false), managed("IsSortableEnabled", !c.Shown), managed("CanModifyAdditionalSettings", false),
		number("ColumnNumber", position), number("SourceType", 0),
		null("AttributeOf", edmString), null("AutoNumberFormat", edmString), null("DeprecatedVersion", edmString), null("ExternalName", edmString),
		null("InheritsFrom", edmString), null("IntroducedVersion", edmString), null("LinkedAttributeId", edmGUID),
	}}
}

// requiredLevel is whether a row needs a value.
func requiredLevel(c *schema.Column) string {
	switch c.Need {
	case schema.System:
		return "SystemRequired"
	case schema.Application:
		return "ApplicationRequired"
	case schema.Optional:
	}
	return "None"
}

// typed is what the columns of one type have beside what all have.
func (m *Model) typed(t *schema.Table, c *schema.Column) []layer {
	_, _, kind := attributeType(c)
	own := layer{kind: kind}
	switch c.Type {
	case schema.String:
		own.properties = []property{
			number("MaxLength", c.MaxLength), number("DatabaseLength", 2*c.MaxLength), choice("Format", "StringFormat", "Text"),
			valued("FormatName", "StringFormatName", "Text"), choice("ImeMode", "ImeMode", "Auto"), boolean("IsLocalizable", false),
			null("YomiOf", edmString), null("FormulaDefinition", edmString), number("SourceTypeMask", 0),
		}
	case schema.Memo:
		own.properties = []property{
			number("MaxLength", c.MaxLength), choice("Format", "StringFormat", "TextArea"), valued("FormatName", "MemoFormatName", "TextArea"),
			choice("ImeMode", "ImeMode", "Auto"), boolean("IsLocalizable", false),
		}
	case schema.Integer:
		own.properties = []property{
			bound("MinValue", edmInt32, c.Min), bound("MaxValue", edmInt32, c.Max), choice("Format", "IntegerFormat", "None"), null("FormulaDefinition", edmString),
		}
	case schema.BigInt:
		own.properties = []property{bound("MinValue", edmInt64, c.Min), bound("MaxValue", edmInt64, c.Max)}
	case schema.Decimal, schema.Money, schema.Double:
		own.properties = numeric(c)
	case schema.DateTime, schema.Date:
		format, behavior := "DateAndTime", "UserLocal"
		if c.Type == schema.Date {
			format, behavior = "DateOnly", "DateOnly"
		}
		own.properties = []property{
			choice("Format", "DateTimeFormat", format), valued("DateTimeBehavior", "DateTimeBehavior", behavior), choice("ImeMode", "ImeMode", "Auto"),
		}
	case schema.LookupTo:
		own.properties = []property{{"Targets", "Collection(" + edmString + ")", m.targets(c)}, choice("Format", "LookupFormat", "None")}
	case schema.Boolean:
		return []layer{m.booleanLayer(t, c, own)}
	case schema.Choice, schema.State, schema.Status:
		return m.enumLayers(t, c, own)
	case schema.GUID:
	}
	return []layer{own}
}

// targets is the tables that a lookup points at, of those on the wire.
func (m *Model) targets(c *schema.Column) []string {
	tables := []string{}
	for _, target := range c.Targets {
		if m.onWire(target.Table) {
			tables = append(tables, target.Table)
		}
	}
	return tables
}

// numeric is the properties of a column of numbers with decimal places.
func numeric(c *schema.Column) []property {
	typ, places := edmDouble, 5
	switch c.Type {
	case schema.Decimal:
		typ, places = edmDecimal, 10
	case schema.Money:
		places = 4
	default:
	}
	properties := []property{
		bound("MinValue", typ, c.Min), bound("MaxValue", typ, c.Max), number("Precision", places), choice("ImeMode", "ImeMode", "Disabled"),
	}
	if c.Type == schema.Money {
		properties = append(properties, number("PrecisionSource", 0), null("CalculationOf", edmString), boolean("IsBaseCurrency", false))
	}
	return properties
}

// bound is the least or the greatest number that a column takes.
func bound(name, typ string, d *decimal.Decimal) property {
	if d == nil {
		return null(name, typ)
	}
	return property{name, typ, json.Number(d.String())}
}

// booleanLayer is what boolean columns have.
func (m *Model) booleanLayer(t *schema.Table, c *schema.Column, own layer) layer {
	preset, _ := c.Default.Bool()
	own.properties = []property{boolean("DefaultValue", preset), null("FormulaDefinition", edmString)}
	set := booleanSet(t.Name+"_"+c.Name, c)
	own.navs = []nav{optionSetNav("OptionSet", "BooleanOptionSetMetadata", set, set), optionSetNav("GlobalOptionSet", "BooleanOptionSetMetadata", nil, set)}
	return own
}

// enumLayers is what choices, states and statuses have. The options of a global set stand
// under both properties: clients look for them under the first.
func (m *Model) enumLayers(t *schema.Table, c *schema.Column, own layer) []layer {
	called := t.Name + "_" + c.Name
	var set, shared *object
	switch {
	case c.Type == schema.State:
		set = stateSet(called, t, c)
	case c.Type == schema.Status:
		set = statusSet(called, t, c)
	case c.OptionSet != "":
		set = global(c)
		shared = set
	default:
		set = optionSet(called, c.Label, "Picklist", false, c.Options)
	}
	preset := null("DefaultFormValue", edmInt32)
	if n, ok := c.Default.Int(); ok {
		preset = number("DefaultFormValue", int(n))
	}
	return []layer{
		{kind: "Enum" + attributeBase, abstract: true, properties: []property{preset}, navs: []nav{
			optionSetNav("OptionSet", "OptionSetMetadata", set, set), optionSetNav("GlobalOptionSet", "OptionSetMetadata", shared, set),
		}},
		own,
	}
}

// optionSetNav is the property that leads to an option set, nil for none.
func optionSetNav(name, kind string, set, shape *object) nav {
	return nav{name: name, get: func() collection {
		c := collection{kind: kind, key: "Name", shape: shape}
		if set != nil {
			c.items = []*object{set}
		}
		return c
	}}
}
