package definition

import "strings"

// english is the language of all labels.
const english = 1033

// label is a text for people, in the one language that there is.
func label(name, value string, about ...string) property {
	return inner(name, labelOf(value, about...))
}

// labelOf returns a label; about is what its id derives from.
func labelOf(value string, about ...string) *object {
	if value == "" {
		return complexOf("Label",
			property{"LocalizedLabels", "Collection(" + alias + "LocalizedLabel)", []*object{}},
			property{"UserLocalizedLabel", alias + "LocalizedLabel", nil},
		)
	}
	localized := complexOf("LocalizedLabel",
		text("Label", value), number("LanguageCode", english), boolean("IsManaged", true),
		id(Key, metadataIDOf(append([]string{"label", value}, about...)...)), null("HasChanged", edmBoolean),
	)
	return complexOf("Label",
		property{"LocalizedLabels", "Collection(" + alias + "LocalizedLabel)", []*object{localized}},
		inner("UserLocalizedLabel", localized),
	)
}

// managed is a setting that solutions may fix. None can be changed: the definitions are
// files.
func managed(name string, is bool) property {
	return inner(name, complexOf("BooleanManagedProperty",
		boolean("Value", is), boolean("CanBeChanged", false), text("ManagedPropertyLogicalName", strings.ToLower(name)),
	))
}

// base is what every definition begins with.
func base(names ...string) layer {
	return layer{kind: "MetadataBase", abstract: true, properties: []property{
		id(Key, metadataIDOf(names...)), null("HasChanged", edmBoolean),
	}}
}
