package language_test

import (
	"fmt"

	"segue/internal/sales/sequence/language"
)

// What is wrong with a definition is said with the place in the list.
func ExampleValidate() {
	def, err := language.Parse("5e900000-0000-4000-8000-000000000001", 1,
		`[{"type":"task","name":"Research"},{"type":"wait","name":"A week","wait":{"days":7}}]`)
	fmt.Println(def.Tasks(), err)
	fmt.Println(language.Validate(def))

	// Output:
	// 1 <nil>
	// msdyn_definition: step 2 is a wait, and a wait may not be the last step
}
