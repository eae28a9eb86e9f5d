package rehearsal

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"segue/internal/excerpt"
)

// layout is how a moment is written, on the wall of the test's zone.
const layout = "2006-01-02T15:04"

// words takes a line apart, from its beginning.
type words struct {
	rest string // what has not been taken, without blanks around it
}

// next takes a word, "" at the end.
func (w *words) next() string {
	word, rest, _ := strings.Cut(w.rest, " ")
	w.rest = strings.TrimLeft(rest, " ")
	return word
}

// end refuses what is left of the line.
func (w *words) end() error {
	if w.rest == "" {
		return nil
	}
	return wrong(w.rest, "the line ends here")
}

// text takes a text in quotes, written as in JSON.
func (w *words) text(what string) (string, error) {
	if !strings.HasPrefix(w.rest, `"`) {
		return "", wrong(w.rest, "%s stands here, in quotes", what)
	}
	quoted, err := strconv.QuotedPrefix(w.rest)
	if err != nil {
		return "", wrong(w.rest, "the quotes around %s are not closed", what)
	}
	var text string
	if err := json.Unmarshal([]byte(quoted), &text); err != nil {
		return "", wrong(quoted, "%s is written as a string of JSON", what)
	}
	w.rest = strings.TrimLeft(w.rest[len(quoted):], " ")
	return text, nil
}

// optional takes a text in quotes if there is one.
func (w *words) optional(what string) (string, error) {
	if w.rest == "" {
		return "", nil
	}
	return w.text(what)
}

// object takes the rest of the line, an object of JSON.
func (w *words) object() (json.RawMessage, error) {
	text := w.rest
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(text), &members); err != nil || members == nil {
		return nil, wrong(text, `the columns stand here, as an object of JSON like {"subject":"Trial"}`)
	}
	w.rest = ""
	return json.RawMessage(text), nil
}

// value takes the rest of the line, a value of JSON.
func (w *words) value() (json.RawMessage, error) {
	text := w.rest
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		return nil, wrong(text, `a value stands here, written as in JSON: 3, true, null or "text"`)
	}
	switch v.(type) {
	case map[string]any, []any:
		return nil, wrong(text, "a column has one value, not an object or array")
	}
	w.rest = ""
	return json.RawMessage(text), nil
}

// moment takes a moment on the wall of the test's zone; it is returned as if that were UTC.
func (w *words) moment() (time.Time, error) {
	word := w.next()
	at, err := time.Parse(layout, word)
	if err != nil {
		return at, wrong(word, "a moment stands here, written like 2026-03-02T09:00")
	}
	return at, nil
}

// span takes the rest of the line, a time that passes: "2d", "3h 30m".
func (w *words) span() (time.Duration, error) {
	units := map[string]time.Duration{"d": 24 * time.Hour, "h": time.Hour, "m": time.Minute}
	var sum time.Duration
	if w.rest == "" {
		return 0, wrong("", "a time stands here, written like 2d, 3h or 1h 30m")
	}
	for w.rest != "" {
		word := w.next()
		digits := strings.TrimRight(word, "dhm")
		n, err := strconv.Atoi(digits)
		unit, known := units[word[len(digits):]]
		if err != nil || !known || n < 1 || n > int(MaxSpan/time.Minute) {
			return 0, wrong(word, "a time is written like 2d, 3h or 1h 30m")
		}
		if sum += time.Duration(n) * unit; sum > MaxSpan {
			return 0, wrong(word, "the clock of a test goes at most %d days", MaxSpan/(24*time.Hour))
		}
	}
	return sum, nil
}

// Error says what is wrong with a text and where.
type Error struct {
	Line int
	Word string // at which it goes wrong, "" at the end of a line
	Rule string
}

// Error names line, word and rule.
func (e *Error) Error() string {
	at := "the end of the line"
	if e.Word != "" {
		at = strconv.Quote(e.Word)
	}
	return fmt.Sprintf("line %d: at %s: %s", e.Line, at, e.Rule)
}

// wrong is an error whose line is not known yet.
func wrong(word, rule string, args ...any) error {
	return &Error{Word: excerpt.Of(word), Rule: fmt.Sprintf(rule, args...)}
}

// oneOf is a list of words for people.
func oneOf[W ~string](list []W) string {
	names := make([]string, len(list))
	for i, word := range list {
		names[i] = string(word)
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}
