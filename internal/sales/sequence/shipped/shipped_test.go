package shipped

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/sales/sequence/check"
	"segue/internal/schema"
)

// docs/domain.md §6.6: record type, steps and days of each, and nothing is wrong with any.
func TestTemplates_6_6(t *testing.T) {
	tables, err := schema.Default()
	if err != nil {
		t.Fatal(err)
	}
	templates, err := Templates()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, template := range templates {
		def, err := template.Definition(tables, "5e900000-0000-4000-8000-000000000001")
		if err != nil {
			t.Fatalf("%s: %v", template.ID, err)
		}
		got = append(got, fmt.Sprintf("%s: %s, %s, %d steps, %d days", template.ID, template.Title, template.Table, def.Tasks(), def.Days()))
		for _, fault := range check.Definition(def, check.World{Schema: tables, Table: template.Table}) {
			t.Errorf("%s: %v", template.ID, fault)
		}
	}
	want := []string{
		"account-renewal: Account renewal, account, 13 steps, 50 days",
		"demo-request: Demo request, opportunity, 9 steps, 5 days",
		"event-invitation: Event invitation, contact, 6 steps, 5 days",
		"missed-meeting: Missed meeting, contact, 7 steps, 5 days",
		"outbound-prospecting: Outbound prospecting, lead, 7 steps, 9 days",
		"webinar-follow-up: Webinar follow-up, lead, 10 steps, 7 days",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}
