package store

import (
	"fmt"
	"strings"
	"testing"
)

// other reads a value that must be read.
func other(t testing.TB, text string) Value {
	t.Helper()
	v, err := ParseJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestParseJSON(t *testing.T) {
	for _, test := range []struct {
		name, json string
		kind       Kind
		text       string // the JSON again, in canonical form, where the kind is Other
		size       int
	}{
		{"string", `{"S":"é\u00e9\n"}`, String, "éé\n", 5},
		{"empty string", ` { "S" : "" } `, String, "", 0},
		{"number", `{"N":"-12.5"}`, Number, "-12.5", 4},
		{"true", `{"BOOL":true}`, Bool, "true", 1},
		{"false", `{"BOOL":false}`, Bool, "false", 1},
		{"null", `{"NULL":true}`, Null, "", 1},
		{"binary", `{"B":"AAEC"}`, Other, `{"B":"AAEC"}`, 3},
		{"empty list", `{"L": []}`, Other, `{"L":[]}`, 3},
		{"empty map", `{"M":{ }}`, Other, `{"M":{}}`, 3},
		{"list", `{"L":[{"S":"ab"},{"N":"123"},{"NULL":true},{"BOOL":false}]}`, Other,
			`{"L":[{"S":"ab"},{"N":"123"},{"NULL":true},{"BOOL":false}]}`, 3 + 1 + 2 + 1 + 3 + 1 + 1 + 1 + 1},
		{"map by name", `{"M":{"b":{"S":"x"},"a":{"B":"AA=="}}}`, Other, `{"M":{"a":{"B":"AA=="},"b":{"S":"x"}}}`, 3 + 3 + 3},
		{"set in byte order", `{"SS":["b","é","a"]}`, Other, `{"SS":["a","b","é"]}`, 4},
		{"set of numbers", `{"NS":["2","1"]}`, Other, `{"NS":["1","2"]}`, 4},
		{"set of binary", `{"BS":["Ag==","AQ=="]}`, Other, `{"BS":["AQ==","Ag=="]}`, 2},
		{"nested", `{"L":[{"M":{"s":{"SS":["y","x"]}}}]}`, Other, `{"L":[{"M":{"s":{"SS":["x","y"]}}}]}`, 3 + 1 + 3 + 1 + 1 + 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			v := other(t, test.json)
			if v.Kind() != test.kind || v.Text() != test.text || v.Size() != test.size {
				t.Errorf("got kind %d, %q of %d bytes, want kind %d, %q of %d bytes", v.Kind(), v.Text(), v.Size(), test.kind, test.text, test.size)
			}
			if test.kind == Other && !v.Equal(other(t, v.Text())) {
				t.Error("its text is another value")
			}
		})
	}
}

func TestParseJSONRefuses(t *testing.T) {
	nested := func(levels int) string {
		return strings.Repeat(`{"L":[`, levels) + `{"S":"x"}` + strings.Repeat("]}", levels)
	}
	for name, test := range map[string]struct{ json, want string }{
		"32 levels":          {nested(31), fine},
		"33 levels":          {nested(32), tooLarge},
		"nothing":            {"", broken},
		"null":               {"null", broken},
		"no type":            {"{}", broken},
		"two types":          {`{"S":"x","N":"1"}`, broken},
		"unknown type":       {`{"X":"x"}`, broken},
		"string of a number": {`{"S":1}`, broken},
		"string of null":     {`{"S":null}`, broken},
		"text as a number":   {`{"N":"seven"}`, broken},
		"nested bad number":  {`{"L":[{"N":"007"}]}`, broken},
		"set of bad numbers": {`{"NS":["x"]}`, broken},
		"boolean of text":    {`{"BOOL":"true"}`, broken},
		"null that is not":   {`{"NULL":false}`, broken},
		"binary of text":     {`{"B":"?"}`, broken},
		"list of nothing":    {`{"L":null}`, broken},
		"list of no values":  {`{"L":["x"]}`, broken},
		"map of nothing":     {`{"M":null}`, broken},
		"entry without name": {`{"M":{"":{"S":"x"}}}`, broken},
		"map of no values":   {`{"M":{"a":"x"}}`, broken},
		"empty set":          {`{"SS":[]}`, broken},
		"element twice":      {`{"SS":["a","b","a"]}`, broken},
		"cut short":          {`{"S":"x`, broken},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := ParseJSON([]byte(test.json))
			if got := verdict(err); got != test.want {
				t.Errorf("got %s and %v, want %s", got, v, test.want)
			}
		})
	}
}

// Values of kinds that this version does not use compare by what they are.
func TestEqual(t *testing.T) {
	texts := []string{
		`{"S":"1"}`, `{"N":"1"}`, `{"BOOL":true}`, `{"S":"true"}`, `{"NULL":true}`, `{"S":""}`, `{"B":"AQ=="}`, `{"L":[]}`, `{"M":{}}`,
		`{"L":[{"N":"1"},{"N":"2"}]}`, `{"L":[{"N":"2"},{"N":"1"}]}`, `{"NS":["1","2"]}`, `{"SS":["1","2"]}`,
	}
	for i, a := range texts {
		for j, b := range texts {
			if got := other(t, a).Equal(other(t, b)); got != (i == j) {
				t.Errorf("%s and %s equal: %t", a, b, got)
			}
		}
	}
	if !other(t, `{"M":{"a":{"SS":["1","2"]},"b":{"S":"x"}}}`).Equal(other(t, `{"M":{"b":{"S":"x"},"a":{"SS":["2","1"]}}}`)) {
		t.Error("the order of a map or set counts")
	}
}

func ExampleParseJSON() {
	tags, err := ParseJSON([]byte(`{"SS": ["warm", "new"]}`))
	fmt.Println(tags.Text(), tags.Size(), err)
	// Output: {"SS":["new","warm"]} 7 <nil>
}
