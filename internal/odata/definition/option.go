package definition

import (
	"slices"
	"strings"

	"segue/internal/schema"
)

// optionSetDefinitions is the option sets that several columns may use.
func (m *Model) optionSetDefinitions() collection {
	c := collection{kind: optionSetKind, key: "Name"}
	seen := map[string]bool{}
	for _, t := range m.tables {
		for _, column := range visible(t) {
			if column.OptionSet != "" && !seen[column.OptionSet] {
				seen[column.OptionSet] = true
				c.items = append(c.items, global(column))
			}
		}
	}
	slices.SortFunc(c.items, func(a, b *object) int { return strings.Compare(a.text(c.key), b.text(c.key)) })
	c.shape = optionSet("", "", "Picklist", true, nil).as(c.kind)
	return c
}

// global is the option set that a column shares with others.
func global(c *schema.Column) *object {
	return optionSet(c.OptionSet, c.Label, "Picklist", true, c.Options)
}

// optionSet is an option set: that of one column, or a global one.
func optionSet(called, title, kind string, global bool, options []schema.Option) *object {
	list := make([]*object, len(options))
	for i, o := range options {
		list[i] = &object{layers: []layer{optionOf(called, o)}}
	}
	return &object{layers: []layer{base("optionset", called), optionSetBase(called, title, kind, global), {kind: "OptionSetMetadata", properties: []property{
		{"Options", "Collection(" + alias + "OptionMetadata)", list}, null("ParentOptionSetName", edmString),
	}}}}
}

func optionSetBase(called, title, kind string, global bool) layer {
	return layer{kind: optionSetKind, abstract: true, properties: []property{
		text("Name", called), choice("OptionSetType", "OptionSetType", kind), boolean("IsGlobal", global), boolean("IsCustomOptionSet", false),
		boolean("IsManaged", true), managed("IsCustomizable", false), label("DisplayName", title, called), label("Description", ""),
		null("ExternalTypeName", edmString), null("IntroducedVersion", edmString),
	}}
}

// optionOf is one option of a set.
func optionOf(set string, o schema.Option) layer {
	return layer{kind: "OptionMetadata", properties: []property{
		number("Value", int(o.Value)), label("Label", o.Label, set), label("Description", ""), null("Color", edmString), boolean("IsManaged", true),
		text("ExternalValue", ""), {"ParentValues", "Collection(" + edmInt32 + ")", []string{}}, null("Tag", edmString), boolean("IsHidden", false),
		null(Key, edmGUID), null("HasChanged", edmBoolean),
	}}
}

// booleanSet is the two options of a boolean column.
func booleanSet(called string, c *schema.Column) *object {
	of := func(value int64) *object {
		for _, o := range c.Options {
			if o.Value == value {
				return &object{layers: []layer{optionOf(called, o)}}
			}
		}
		return nil
	}
	return &object{layers: []layer{base("optionset", called), optionSetBase(called, c.Label, "Boolean", false), {kind: "BooleanOptionSetMetadata", properties: []property{
		inner("TrueOption", of(1)), inner("FalseOption", of(0)),
	}}}}
}

// stateSet is the states of a table, each with the status that it begins with.
func stateSet(called string, t *schema.Table, c *schema.Column) *object {
	set := optionSet(called, c.Label, "State", false, nil)
	var list []*object
	for _, s := range t.States {
		first, _ := t.DefaultStatus(s.Value)
		list = append(list, &object{layers: []layer{optionOf(called, schema.Option{Value: s.Value, Label: s.Label}), {kind: "StateOptionMetadata", properties: []property{
			number("DefaultStatus", int(first)), text("InvariantName", s.Label),
		}}}})
	}
	set.property("Options").value = list
	return set
}

// statusSet is the statuses of a table, each with its state.
func statusSet(called string, t *schema.Table, c *schema.Column) *object {
	set := optionSet(called, c.Label, "Status", false, nil)
	var list []*object
	for _, o := range c.Options {
		state, _ := t.StateOf(o.Value)
		list = append(list, &object{layers: []layer{optionOf(called, o), {kind: "StatusOptionMetadata", properties: []property{
			number("State", int(state)), null("TransitionData", edmString),
		}}}})
	}
	set.property("Options").value = list
	return set
}
