package segmentation_test

import (
	"testing"

	"segue/internal/boot"
	"segue/internal/sales"
)

// docs/domain.md §9.1, §9.4: a condition may compare two columns of one type. A change of
// either makes the segment run, and where one is null only ne holds.
func TestSegment_9_1_TwoColumns(t *testing.T) {
	w := newWorld(t, boot.Options{})
	same := w.Segment(1, `{"attribute":"firstname","operator":"eq","other":"lastname"}`, "", values{"segue_priority": int64(1), "msdyn_isresegmentationenabled": true})
	different := w.Segment(2, `{"attribute":"firstname","operator":"ne","other":"lastname"}`, "", values{"segue_priority": int64(2), "msdyn_isresegmentationenabled": true})
	lead := w.Lead(1, values{"firstname": nil, "lastname": "Ann"})
	for _, step := range []struct {
		name string
		set  values
		want string
	}{
		{"one is null", nil, different},
		{"the left one changes", values{"firstname": "ANN "}, same},
		{"the right one changes", values{"lastname": "Bob"}, different},
		{"and back", values{"lastname": "ann"}, same},
		{"both are null", values{"firstname": nil, "lastname": nil}, different},
	} {
		if step.set != nil {
			w.Update("lead", lead.ID, step.set)
		}
		w.Settle()
		if got, _ := w.On(lead); got != step.want {
			t.Errorf("%s: the lead is in %s, want %s", step.name, got, step.want)
		}
	}
}

// What compares columns of different types, or asks for a caller, is refused with the
// columns, the operator and the reason.
func TestSegment_9_1_RefusesTwoColumnsAndCallers(t *testing.T) {
	w := newWorld(t, boot.Options{})
	draft := w.Inactive(1, nil)
	for _, test := range []struct {
		name, condition string
		says            []string
	}{
		{"types", `{"attribute":"estimatedamount","operator":"gt","other":"numberofemployees"}`, []string{"estimatedamount", "money", "numberofemployees", "integer"}},
		{"no order", `{"attribute":"leadsourcecode","operator":"gt","other":"leadqualitycode"}`, []string{"leadsourcecode", "gt"}},
		{"no such operator of two", `{"attribute":"firstname","operator":"begins-with","other":"lastname"}`, []string{"begins-with", "firstname"}},
		{"no such column", `{"attribute":"firstname","operator":"eq","other":"colour"}`, []string{"colour"}},
		{"values too", `{"attribute":"firstname","operator":"eq","other":"lastname","values":["A"]}`, []string{"firstname", "lastname", "values"}},
		{"eq-userid", `{"attribute":"ownerid","operator":"eq-userid"}`, []string{"eq-userid", "relative to the caller"}},
		{"ne-userid", `{"attribute":"ownerid","operator":"ne-userid"}`, []string{"ne-userid", "relative to the caller"}},
		{"eq-businessid", `{"attribute":"owningbusinessunit","operator":"eq-businessid"}`, []string{"eq-businessid", "relative to the caller"}},
		{"ne-businessid", `{"attribute":"owningbusinessunit","operator":"ne-businessid"}`, []string{"ne-businessid", "relative to the caller"}},
		{"eq-userteams", `{"attribute":"ownerid","operator":"eq-userteams"}`, []string{"eq-userteams", "relative to the caller"}},
		{"eq-useroruserteams", `{"attribute":"ownerid","operator":"eq-useroruserteams"}`, []string{"eq-useroruserteams", "relative to the caller"}},
		{"in related rows", `{"relationship":"lead_parent_account","mode":"contains","filter":{"type":"and","items":[{"attribute":"ownerid","operator":"eq-userid"}]}}`, []string{"eq-userid", "relative to the caller"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			w.Refuses(t, sales.Invalid, func() error {
				return w.TryUpdate("msdyn_segment", draft, values{"msdyn_entityfilter": where(test.condition)})
			}, append(test.says, "msdyn_entityfilter", "items[0]")...)
		})
	}
}
