package schema

import "testing"

// How Segue stores its own columns is not for a folder to say.
func TestExtensionOfStorage(t *testing.T) {
	load := func(column string) (*Schema, error) {
		return Extended(folder(map[string]string{"tables/lead.json": `{"name":"lead","columns":[` + column + `]}`}))
	}
	for _, column := range []string{
		`{"name":"new_a","label":"A","type":"integer","attribute":"Zz"}`,
		`{"name":"new_until","label":"Until","type":"datetime","expires":true}`,
		`{"name":"new_b","label":"B","type":"string","maxLength":10,"follows":"subject"}`,
	} {
		if _, err := load(column); err == nil {
			t.Errorf("accepted: %s", column)
		}
	}
}
