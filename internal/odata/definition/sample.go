package definition

import (
	"slices"

	"segue/internal/schema"
)

// samples returns an object of each type of definition: the types of all of them are
// the same, whatever the schema has.
func samples() []*object {
	t := &schema.Table{Name: "sample", Label: "Sample", ID: "sampleid", Set: "samples", States: []schema.StatePair{{Statuses: []schema.Option{{}}}}}
	options := []schema.Option{{Value: 0, Label: "No"}, {Value: 1, Label: "Yes"}}
	m := &Model{}
	list := []*object{
		m.table(t), key(&schema.Table{Name: "sample"}, &schema.Key{Name: "sample", Label: "Sample", Columns: []string{"sampleid"}}), m.manyToMany().shape,
		relationship(t.Name, &schema.Column{}, t, schema.Target{}),
		optionSet("sample", "Sample", "Picklist", true, options), booleanSet("sample", &schema.Column{Options: options}),
		stateSet("sample", t, &schema.Column{}), statusSet("sample", t, &schema.Column{Options: options}),
	}
	for _, kind := range schema.Types() {
		list = append(list, m.attribute(t, &schema.Column{Name: "sample", Label: "Sample", Type: kind, Options: options}, 1))
	}
	return list
}

// sample returns an object of a type, nil when there is none of that name. Abstract
// types are no types to cast to.
func sample(kind string) *object {
	list := samples()
	i := slices.IndexFunc(list, func(o *object) bool { return o.kind() == kind })
	if i < 0 {
		return nil
	}
	return list[i]
}
