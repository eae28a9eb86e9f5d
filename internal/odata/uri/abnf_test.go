package uri_test

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// TestABNF runs the cases of testdata/abnf.md. go test -update writes what they get.
func TestABNF(t *testing.T) {
	const path = "testdata/abnf.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := tables(t)
	lines := strings.Split(string(text), "\n")
	cases := 0
	for i, line := range lines {
		cells := strings.Split(strings.Trim(line, "|"), " | ")
		if len(cells) < 3 || cells[2] != "valid" && cells[2] != "invalid" {
			continue
		}
		cases++
		input := strings.TrimSpace(cells[1])
		got := outcomeOf(s, input)
		if cells[2] == "invalid" && got == "taken" && !strings.Contains(input, "$filter= ") { // blanks at its ends are not part of a condition
			t.Errorf("%s is taken, the suite refuses it", input)
		}
		if want := "|" + strings.Join(cells[:3], " | ") + " | " + got + " |"; *update {
			lines[i] = want
		} else if line != want {
			t.Errorf("got  %s\nwant %s", want, line)
		}
	}
	if cases < 170 {
		t.Errorf("%d cases, the file has more", cases)
	}
	if *update {
		if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// outcomeOf returns what a case gets: taken, or the error.
func outcomeOf(s *schema.Schema, input string) string {
	set, key, isKey := strings.Cut(input, ": (")
	var err error
	if isKey {
		key, alias, _ := strings.Cut(strings.TrimSuffix(key, ")"), ")&@key=")
		_, err = uri.ParseKey(s.BySet(set), key, map[string]string{"@key": alias})
	} else {
		var pairs []string
		for option := range strings.SplitSeq(strings.ReplaceAll(input, "$&(", "$%26("), "&") {
			name, value, equals := strings.Cut(option, "=")
			pair := url.QueryEscape(name)
			if equals {
				pair += "=" + strings.ReplaceAll(url.QueryEscape(value), "%2526", "%26")
			}
			pairs = append(pairs, pair)
		}
		_, err = uri.ParseQuery(s, s.BySet("leads"), strings.Join(pairs, "&"))
	}
	switch {
	case err != nil:
	case isKey || strings.HasPrefix(input, "$"):
		return "taken"
	default:
		return "ignored, as any name without $"
	}
	wrong := err.(*uri.Error) //nolint:errorlint // errors of this package are not wrapped
	text := "400"
	if wrong.Unsupported {
		text = "501"
	}
	return text + " " + wrong.Detail
}
