package segmentation_test

import (
	"fmt"
	"testing"

	"segue/internal/api/operation"
	"segue/internal/boot"
	"segue/internal/sales/salestest"
	"segue/internal/schema/schematest"
)

// As many rows as may be created together are, of every table.
func TestCreateMultiple_MostRows(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	for table, more := range map[string]salestest.Values{
		"msdyn_segment":  {"msdyn_objecttype": "lead"},
		"msdyn_sequence": {"msdyn_regardingentityname": "lead"},
		"lead":           {"lastname": "x"},
	} {
		var ops []operation.Operation
		for n := range operation.MaxCreates {
			v := salestest.Values{}
			for k, x := range more {
				v[k] = x
			}
			if table != "lead" {
				v["msdyn_name"] = fmt.Sprint("N", n)
			}
			ops = append(ops, operation.Create{Table: table, Values: schematest.Row(v)})
		}
		_, err := w.Operations().Do(t.Context(), salestest.Manager(), ops...)
		if err != nil {
			t.Errorf("%s: %v", table, err)
		}
	}
}
