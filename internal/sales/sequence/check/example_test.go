package check_test

import (
	"fmt"

	"segue/internal/sales/sequence/check"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// What is wrong with a definition is said with the place of the step.
func ExampleDefinition() {
	tables, err := schema.Default()
	if err != nil {
		panic(err)
	}
	def, err := language.Parse(tables, "5e900000-0000-4000-8000-000000000001", 1,
		`[{"type":"task","name":"Research"},{"type":"updatefield","name":"Hot","set":{"leadqualitycode":9}},{"type":"wait","name":"A week","wait":{"days":7}}]`)
	fmt.Println(def.Tasks(), err)
	for _, fault := range check.Definition(def, check.World{Schema: tables, Table: name.Lead}) {
		fmt.Println(fault)
	}

	// Output:
	// 2 <nil>
	// msdyn_definition: step 2 sets leadqualitycode to 9: lead.leadqualitycode: option: must be one of 1 Hot, 2 Warm, 3 Cold, got "9"
	// msdyn_definition: step 3 is a wait, and a wait may not be the last step
}
