package guid

import (
	"testing"

	"github.com/google/uuid"
)

func TestParse(t *testing.T) {
	const id = "7e57e400-0000-4000-8000-00000000000a"
	for _, test := range []struct {
		name, text, want string
		ok               bool
	}{
		{"canonical", id, id, true},
		{"upper case", "7E57E400-0000-4000-8000-00000000000A", id, true},
		{"braces", "{7E57e400-0000-4000-8000-00000000000a}", id, true},
		{"nil GUID", "00000000-0000-0000-0000-000000000000", "00000000-0000-0000-0000-000000000000", true},
		{"open brace only", "{" + id, "", false},
		{"close brace only", id + "}", "", false},
		{"two braces", "{{" + id + "}}", "", false},
		{"URN", "urn:uuid:" + id, "", false},
		{"no hyphens", "7e57e4000000400080000000000000aa", "", false},
		{"hyphen in another place", "7e57e40-00000-4000-8000-00000000000a", "", false},
		{"not hexadecimal", "7e57e400-0000-4000-8000-00000000000g", "", false},
		{"empty", "", "", false},
		{"blank before", " " + id, "", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, ok := Parse(test.text)
			if ok != test.ok || ok && got != test.want {
				t.Errorf("Parse(%q) = %q, %v; want %q, %v", test.text, got, ok, test.want, test.ok)
			}
		})
	}
}

// What is stored depends on these ids: they never change.
func TestDerivedIDsAreFixed(t *testing.T) {
	want := uuid.NewSHA1(uuid.NameSpaceURL, []byte(`segue:["target" "a" "b"]`)).String()
	if got := Derive("target", "a", "b"); got != want {
		t.Errorf("Derive = %s, want %s", got, want)
	}
	if Derive("a b", "c") == Derive("a", "b c") || Derive("a", "b") == Derive("a b") {
		t.Error("different names have one id")
	}
}

func TestParseAny(t *testing.T) {
	const id = "7e57e400-0000-4000-8000-0000000000aa"
	for _, text := range []string{id, "{7E57E400-0000-4000-8000-0000000000AA}", "7e57e40000004000800000000000" + "00aa", "urn:uuid:" + id} {
		if got, ok := ParseAny(text); !ok || got != id {
			t.Errorf("ParseAny(%q) = %q, %v", text, got, ok)
		}
	}
	if got, ok := ParseAny("one"); ok {
		t.Errorf("ParseAny reads %q", got)
	}
}

func TestNewIsCanonicalAndNew(t *testing.T) {
	a, b := New(), New()
	if a == b || !Canonical(a) || !Canonical(b) {
		t.Errorf("New gave %s and %s", a, b)
	}
}
