package rehearsal_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"segue/internal/excerpt"
	"segue/internal/sales/rehearsal"
)

// An error names the line, the word and the rule.
func TestParseRefuses(t *testing.T) {
	for _, test := range []struct {
		name, text string
		line       int
		word, rule string
	}{
		{"nothing", "", 1, "", "there is no test"},
		{"only comments", "# one\n\n# two\n", 3, "", "there is no test"},
		{"verb", "test \"T\"\n\ndance", 3, "dance", "complete"},
		{"name", "test T", 1, "T", "in quotes"},
		{"open quotes", `test "T`, 1, `"T`, "not closed"},
		{"no name", `test ""`, 1, "", "1 to 200 bytes"},
		{"same name", "test \"T\"\ntest \"T\"", 2, "T", "another test"},
		{"rest", `test "T" now`, 1, "now", "ends here"},
		{"moment", "at tomorrow", 1, "tomorrow", "2026-03-02T09:00"},
		{"zone", "at 2026-03-02T09:00 Berlin", 1, "Berlin", "time zone"},
		{"year", "at 1999-03-02T09:00", 1, "1999-03-02T09:00", "between 2000 and 2099"},
		{"at after the beginning", "test \"T\"\nconnect\nat 2026-03-02T09:00", 3, "at", "jump to"},
		{"object", `record lead {"a":`, 1, `{"a":`, "object of JSON"},
		{"table", `record {"a":1}`, 1, `{"a":1}`, "name of a table"},
		{"span", "wait soon", 1, "soon", "2d, 3h"},
		{"no span", "wait", 1, "", "2d, 3h"},
		{"long span", "wait 999d", 1, "999d", "at most 732 days"},
		{"huge span", "wait 99999999999999999999d", 1, "99999999999999999999d", "2d, 3h"},
		{"jump", "jump 2026-03-02T09:00", 1, "2026-03-02T09:00", "jump to due"},
		{"with", `complete "Call" as "Made"`, 1, "as", "with"},
		{"expect", "expect", 1, "", "what is expected"},
		{"expect what", `expect mail "A"`, 1, "mail", "nothing sent"},
		{"ended", "expect ended well", 1, "well", "completed, disconnected, error"},
		{"value", "expect firstname = Ada", 1, "Ada", "as in JSON"},
		{"array", "expect firstname = [1]", 1, "[1]", "one value"},
		{"to", `expect sent "A" to`, 1, "", "an address"},
		{"long word", "expect firstname = " + strings.Repeat("ä", 100), 1, excerpt.Of(strings.Repeat("ä", 100)), "as in JSON"},
		{"too long", strings.Repeat("x", rehearsal.MaxBytes+1), 1, "", "256 KB"},
		{"too many lines", strings.Repeat("\n", rehearsal.MaxLines) + "connect", rehearsal.MaxLines + 1, "", "2000 lines"},
		{"too many tests", manyTests(rehearsal.MaxTests + 1), rehearsal.MaxTests + 1, fmt.Sprint(rehearsal.MaxTests), "at most 100 tests"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := rehearsal.Parse(test.text)
			wrong, ok := errors.AsType[*rehearsal.Error](err)
			if !ok || wrong.Line != test.line || wrong.Word != test.word || !strings.Contains(wrong.Rule, test.rule) {
				t.Errorf("got %+v (%v), want line %d, word %q, rule %q", wrong, err, test.line, test.word, test.rule)
			}
		})
	}
}

func manyTests(n int) string {
	var text strings.Builder
	for i := range n {
		fmt.Fprintf(&text, "test %q\n", fmt.Sprint(i))
	}
	return text.String()
}

// Every text is read or refused with a line that it has.
func FuzzParse(f *testing.F) {
	f.Add("at 2026-03-02T09:00 Europe/Berlin\nrecord lead {\"a\":1}\nconnect\ntest \"T\"\nexpect step \"Call\" due 2026-03-02T09:00\nwait 2d 3h\njump to due\nexpect sent \"A\" to a@b.c\nexpect x = 1")
	f.Add(strings.Repeat("\x93", 61)) // no character begins where it is cut
	f.Add("test \"\\u00\"\nwait 1d1\ncomplete \"\" with \"")
	f.Fuzz(func(t *testing.T, text string) {
		script, err := rehearsal.Parse(text)
		if err == nil {
			if len(script.Names()) == 0 {
				t.Error("a script without tests")
			}
			return
		}
		wrong, ok := errors.AsType[*rehearsal.Error](err)
		if !ok || wrong.Line < 1 || wrong.Line > strings.Count(text, "\n")+1 || wrong.Rule == "" {
			t.Errorf("%v", err)
		}
	})
}
