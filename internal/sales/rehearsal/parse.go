package rehearsal

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// Script is a text that was read.
type Script struct {
	start time.Time // on the wall of zone
	zone  *time.Location
	tests []test
}

// Names are the names of the tests.
func (s *Script) Names() []string {
	names := make([]string, len(s.tests))
	for i, t := range s.tests {
		names[i] = t.name
	}
	return names
}

// test is the lines of a test, those before the first one included.
type test struct {
	name  string
	line  int
	start time.Time
	zone  *time.Location
	lines []line
}

// line is what one line asks for.
type line struct {
	number int
	do     deed
}

// The moment at which a test begins that does not say: a Monday morning.
func usualStart() time.Time { return time.Date(2026, 1, 5, 9, 0, 0, 0, time.UTC) }

// Parse reads a text. The error is an [*Error], the first one in the text.
func Parse(text string) (*Script, error) {
	if len(text) > MaxBytes {
		return nil, &Error{1, "", "the tests of a sequence are at most 256 KB"}
	}
	p := parser{zone: time.UTC, start: usualStart()}
	number := 0
	for full := range strings.Lines(text) {
		number++
		if number > MaxLines {
			return nil, &Error{number, "", "the tests of a sequence are at most 2000 lines"}
		}
		content := strings.TrimSpace(strings.ReplaceAll(full, "\t", " "))
		if content == "" || strings.HasPrefix(content, "#") {
			continue
		}
		if err := p.line(number, &words{content}); err != nil {
			if e, ok := errors.AsType[*Error](err); ok {
				e.Line = number
			}
			return nil, err
		}
	}
	if len(p.tests) == 0 {
		return nil, &Error{max(number, 1), "", `there is no test; one begins with: test "its name"`}
	}
	return &Script{p.start, p.zone, p.tests}, nil
}

type parser struct {
	start  time.Time // of the tests that do not say
	zone   *time.Location
	common []line // before the first test
	tests  []test
}

// line reads a line.
func (p *parser) line(number int, w *words) error {
	word := w.next()
	switch word {
	case "test":
		return p.begin(number, w)
	case "at":
		return p.at(w)
	}
	read, known := verbs()[word]
	if !known {
		names := append(slices.Collect(maps.Keys(verbs())), "test", "at")
		return wrong(word, "a line begins with one of: %s", oneOf(names))
	}
	do, err := read(w)
	if err == nil {
		err = w.end()
	}
	if err != nil {
		return err
	}
	if len(p.tests) == 0 {
		p.common = append(p.common, line{number, do})
		return nil
	}
	t := &p.tests[len(p.tests)-1]
	t.lines = append(t.lines, line{number, do})
	return nil
}

// begin reads the first line of a test.
func (p *parser) begin(number int, w *words) error {
	name, err := w.text("the name of the test")
	if err == nil {
		err = w.end()
	}
	if err != nil {
		return err
	}
	if name == "" || len(name) > 200 {
		return wrong(name, "the name of a test has 1 to 200 bytes")
	}
	if slices.ContainsFunc(p.tests, func(t test) bool { return t.name == name }) {
		return wrong(name, "another test has this name")
	}
	if len(p.tests) == MaxTests {
		return wrong(name, "there are at most %d tests in a file", MaxTests)
	}
	p.tests = append(p.tests, test{name: name, line: number, start: p.start, zone: p.zone, lines: slices.Clone(p.common)})
	return nil
}

// at reads when a test begins, or all of them do, and in which zone moments are told.
func (p *parser) at(w *words) error {
	start, err := w.moment()
	if err != nil {
		return err
	}
	zone := p.zone
	if name := w.next(); name != "" {
		if zone, err = time.LoadLocation(name); err != nil || name == "Local" {
			return wrong(name, "a time zone stands here, such as Europe/Berlin")
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	if start.Year() < 2000 || start.Year() > 2099 {
		return wrong(start.Format(layout), "a test begins between 2000 and 2099")
	}
	switch {
	case len(p.tests) > 0 && len(p.tests[len(p.tests)-1].lines) > len(p.common), len(p.tests) == 0 && len(p.common) > 0:
		return wrong("at", "a test begins with it; the clock goes on by wait and jump to")
	case len(p.tests) == 0:
		p.start, p.zone = start, zone
	default:
		t := &p.tests[len(p.tests)-1]
		t.start, t.zone = start, zone
	}
	return nil
}

// verbs are the words that lines begin with, and how the rest is read.
func verbs() map[string]func(*words) (deed, error) {
	all := map[string]func(*words) (deed, error){
		"row":        readRow,
		"record":     readRecord,
		"update":     func(w *words) (deed, error) { o, err := w.object(); return update{o}, err },
		"connect":    func(*words) (deed, error) { return connect{}, nil },
		"disconnect": func(*words) (deed, error) { return disconnect{}, nil },
		"complete":   readComplete,
		"skip": func(w *words) (deed, error) {
			name, err := w.optional("the name of the step")
			return finish{name, true, ""}, err
		},
		"wait":   func(w *words) (deed, error) { d, err := w.span(); return wait{d}, err },
		"jump":   readJump,
		"expect": readExpectation,
	}
	for _, event := range Events() {
		all[string(event)] = func(w *words) (deed, error) {
			step, err := w.optional("the name of the step that sent the email")
			return hear{event, step}, err
		}
	}
	return all
}

// tableAnd reads a table and columns.
func tableAnd(w *words) (table string, columns json.RawMessage, err error) {
	table = w.next()
	if table == "" || strings.HasPrefix(table, "{") {
		return "", nil, wrong(table, "the name of a table stands here, such as lead")
	}
	columns, err = w.object()
	return table, columns, err
}

func readRow(w *words) (deed, error) {
	table, columns, err := tableAnd(w)
	return put{table, columns}, err
}

func readRecord(w *words) (deed, error) {
	table, columns, err := tableAnd(w)
	return record{table, columns}, err
}

func readComplete(w *words) (deed, error) {
	name, err := w.text("the name of the step")
	if err != nil || w.rest == "" {
		return finish{name, false, ""}, err
	}
	if word := w.next(); word != "with" {
		return nil, wrong(word, `what follows the step is: with "the outcome"`)
	}
	outcome, err := w.text("the outcome")
	return finish{name, false, outcome}, err
}

func readJump(w *words) (deed, error) {
	if word := w.next(); word != "to" {
		return nil, wrong(word, "it is: jump to 2026-03-02T09:00, or: jump to due")
	}
	if w.rest == "due" {
		w.next()
		return jump{due: true}, nil
	}
	to, err := w.moment()
	return jump{to: to}, err
}
