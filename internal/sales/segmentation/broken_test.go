package segmentation_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/guid"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
)

// What is wrong with the order of one record type is that type's own.
func TestABrokenOrderIsOfItsTypeAlone(t *testing.T) {
	w := salestest.New(t, boot.Options{})
	segment := w.Segment(1, salestest.Web, "", nil)
	w.Create("msdyn_segment", salestest.ID("segment", 9), salestest.Values{"msdyn_name": "O", "msdyn_objecttype": "opportunity"})
	w.Settle()
	w.Corrupt("msdyn_segmentattribute", guid.Derive("order", "opportunity"), func(row *rows.Row) {
		row.Set("msdyn_segmentpriorityorder", schema.Text("broken"))
	})
	w.Restart()
	lead := w.Lead(1, salestest.Values{salestest.Sources: int64(8)})
	w.Settle()
	w.Member(lead, segment, false)
}
