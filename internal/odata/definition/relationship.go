package definition

import (
	"segue/internal/schema"
	"segue/internal/schema/name"
)

const (
	relationshipBase = "RelationshipMetadataBase"
	oneToManyKind    = "OneToManyRelationshipMetadata"
	schemaNameKey    = "SchemaName"
)

// relationshipDefinitions is all relationships.
func (m *Model) relationshipDefinitions() collection {
	c := collection{kind: relationshipBase, key: schemaNameKey}
	for _, t := range m.tables {
		c.items = append(c.items, m.manyToOne(t).items...)
	}
	c.shape = relationship("lead", &schema.Column{}, &schema.Table{Name: "lead"}, schema.Target{}).as(relationshipBase)
	return c
}

// manyToOne is the relationships of a table's lookups.
func (m *Model) manyToOne(t *schema.Table) collection {
	return m.related(func(from *schema.Table, _ schema.Target) bool { return from == t })
}

// oneToMany is the relationships of the lookups that point at a table.
func (m *Model) oneToMany(t *schema.Table) collection {
	return m.related(func(_ *schema.Table, to schema.Target) bool { return to.Table == t.Name })
}

// manyToMany is the relationships by rows of a table between two: there are none.
func (m *Model) manyToMany() collection {
	return collection{kind: "ManyToManyRelationshipMetadata", key: schemaNameKey, shape: &object{layers: []layer{
		base("relationship", ""), relationshipLayer("", "ManyToManyRelationship", false),
		{kind: "ManyToManyRelationshipMetadata", properties: []property{
			text("Entity1LogicalName", ""), text("Entity2LogicalName", ""), text("IntersectEntityName", ""),
			text("Entity1IntersectAttribute", ""), text("Entity2IntersectAttribute", ""),
		}},
	}}}
}

// related is the relationships of the lookups on the wire that is says.
func (m *Model) related(is func(from *schema.Table, to schema.Target) bool) collection {
	c := collection{kind: oneToManyKind, key: schemaNameKey}
	for _, from := range m.tables {
		for _, column := range visible(from) {
			for _, target := range column.Targets {
				to := m.schema.Table(target.Table)
				if m.onWire(target.Table) && is(from, target) {
					c.items = append(c.items, relationship(from.Name, column, to, target))
				}
			}
		}
	}
	c.shape = relationship("lead", &schema.Column{}, &schema.Table{}, schema.Target{})
	return c
}

// relationshipLayer is what relationships of all kinds have.
func relationshipLayer(called, kind string, custom bool) layer {
	return layer{kind: relationshipBase, abstract: true, properties: []property{
		text(schemaNameKey, called), choice("RelationshipType", "RelationshipType", kind), boolean("IsCustomRelationship", custom),
		boolean("IsValidForAdvancedFind", true), boolean("IsManaged", true), managed("IsCustomizable", false),
		choice("SecurityTypes", "SecurityTypes", "Append"), null("IntroducedVersion", edmString),
	}}
}

// relationship is what a lookup makes between two tables.
func relationship(from string, c *schema.Column, to *schema.Table, target schema.Target) *object {
	cascade := func(name string) property { return choice(name, "CascadeType", "NoCascade") }
	return &object{layers: []layer{
		base("relationship", target.Relationship), relationshipLayer(target.Relationship, "OneToManyRelationship", c.Custom),
		{kind: oneToManyKind, properties: []property{
			text("ReferencedEntity", to.Name), text("ReferencedAttribute", to.ID), text("ReferencingEntity", from), text("ReferencingAttribute", c.Name),
			text("ReferencedEntityNavigationPropertyName", target.Collection), text("ReferencingEntityNavigationPropertyName", target.Nav),
			boolean("IsHierarchical", from == to.Name && to.Name != name.User), number("RelationshipBehavior", 1), boolean("IsRelationshipAttributeDenormalized", false),
			null("EntityKey", edmString),
			inner("CascadeConfiguration", complexOf("CascadeConfiguration",
				cascade("Assign"), choice("Delete", "CascadeType", "RemoveLink"), cascade("Archive"), cascade("Merge"),
				cascade("Reparent"), cascade("Share"), cascade("Unshare"), cascade("RollupView"),
			)),
			inner("AssociatedMenuConfiguration", complexOf("AssociatedMenuConfiguration",
				choice("Behavior", "AssociatedMenuBehavior", "DoNotDisplay"), choice("Group", "AssociatedMenuGroup", "Details"),
				label("Label", ""), null("Order", edmInt32), boolean("IsCustomizable", false), null("Icon", edmString),
				boolean("AvailableOffline", false), null("MenuId", edmString), null("QueryApi", edmString), null("ViewId", edmGUID),
			)),
		}},
	}}
}
