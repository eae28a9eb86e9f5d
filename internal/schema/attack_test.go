package schema

import "testing"

func TestAttackExtension(t *testing.T) {
	load := func(column string) (*Schema, error) {
		return Extended(folder(map[string]string{"tables/lead.json": `{"name":"lead","columns":[` + column + `]}`}))
	}
	a, err := load(`{"name":"new_a","label":"A","type":"integer","attribute":"Zz"}`)
	t.Logf("attribute: %v", err)
	if err == nil {
		b, err := load(`{"name":"new_a","label":"A","type":"integer"}`)
		if err != nil {
			t.Fatal(err)
		}
		if len(a.Changes(b)) == 0 {
			t.Error("values stored as Zz are not seen any more, and no change is reported")
		}
	}
	if _, err := load(`{"name":"new_until","label":"Until","type":"datetime","expires":true}`); err == nil {
		t.Error("a folder may make leads go by time to live, at a time that a client writes")
	}
}
