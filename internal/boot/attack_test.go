package boot_test

import (
	"slices"
	"testing"
	"testing/fstest"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/store"
	"segue/internal/storetest"
)

// A table of records of a schema folder (that of TestExtended): its changes are followed,
// and no deployed filter lets them through.
func TestAttackFiltersOfOwnTables(t *testing.T) {
	folder := fstest.MapFS{"tables/new_plant.json": {Data: []byte(`{"name":"new_plant","set":"new_plants","label":"Plant","id":"new_plantid","primaryName":"new_name","traits":["record","userOwned"],"columns":[{"name":"new_name","label":"Name","type":"string","maxLength":100}],"states":[{"value":0,"label":"Open","statuses":[{"value":1,"label":"New"}]},{"value":1,"label":"Closed","statuses":[{"value":2,"label":"Closed"}]}]}`)}}
	tables, err := schema.Extended(folder)
	if err != nil {
		t.Fatal(err)
	}
	parts := boot.Assemble(rows.New(storetest.NewModel(nil), tables, clock.System()), boot.Options{})
	plant := tables.Table("new_plant")
	for _, kind := range []store.ChangeKind{store.Insert, store.Modify} {
		passes := slices.ContainsFunc(deployedPatterns(t), func(p pattern) bool { return p.matches(eventNames()[kind], rows.KeyPrefix(plant)+"3") })
		if parts.Reactions.Follows(plant, kind) && !passes {
			t.Errorf("a change %s of %s is followed and does not pass the deployed filters", eventNames()[kind], plant.Name)
		}
	}
}
