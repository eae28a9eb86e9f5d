package strictjson

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

type thing struct {
	Name  string `json:"name"`
	Count any    `json:"count"`
}

func TestDecode(t *testing.T) {
	var got thing
	if err := Decode([]byte(` {"name":"a","count":12345678901234567890} `), &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(thing{"a", json.Number("12345678901234567890")}, got); diff != "" {
		t.Error(diff)
	}
}

func TestDecodeRefuses(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"nothing", ``, "the text ends too early at byte 0"},
		{"half", `{"name":"a"`, "the text ends too early at byte 11"},
		{"unknown member", `{"nane":"a"}`, `unknown member "nane" at byte 12`},
		{"wrong type", `{"name":1}`, "name cannot be a JSON number at byte 9"},
		{"whole of a wrong type", `[]`, "the value cannot be a JSON array at byte 1"},
		{"text after it", `{} {}`, "there is more text after the value at byte 4"},
		{"not JSON", `{name:1}`, "invalid character 'n' looking for beginning of object key string at byte 2"},
	} {
		t.Run(test.name, func(t *testing.T) {
			err := Decode([]byte(test.text), &thing{})
			if refusal, ok := errors.AsType[*Error](err); !ok || refusal.Error() != test.want {
				t.Errorf("got %v, want %s", err, test.want)
			}
		})
	}
}
