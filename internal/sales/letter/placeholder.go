package letter

import (
	"fmt"
	"regexp"
	"strings"

	"segue/internal/schema"
)

// Placeholder is a place of a template that shows a column.
type Placeholder struct {
	Lookup  string // the column that leads to the row shown, "" for the record itself
	Column  string // of that row
	Default string // what stands there when the column is empty
}

// unsubscribe is the placeholder that is no column: the address that takes the recipient
// off the list.
const unsubscribe = "unsubscribe"

func (p *Placeholder) unsubscribes() bool { return p.Lookup == "" && p.Column == unsubscribe }

// Path names the column as the template does.
func (p Placeholder) Path() string {
	if p.Lookup == "" {
		return p.Column
	}
	return p.Lookup + "." + p.Column
}

// part is a piece of a text: what stands there, or a placeholder.
type part struct {
	literal     string
	placeholder *Placeholder
}

// split reads a text with placeholders.
func split(text string) (parts []part, err error) {
	for text != "" {
		before, rest, found := strings.Cut(text, "{{")
		if before != "" {
			parts = append(parts, part{literal: before})
		}
		if !found {
			return parts, nil
		}
		inner, after, closed := strings.Cut(rest, "}}")
		if !closed {
			return nil, fmt.Errorf("{{%.40s is not closed by }}", rest)
		}
		p, err := parsePlaceholder(inner)
		if err != nil {
			return nil, err
		}
		parts, text = append(parts, part{placeholder: p}), after
	}
	return parts, nil
}

func parsePlaceholder(inner string) (*Placeholder, error) {
	path, value, _ := strings.Cut(inner, "|")
	p := &Placeholder{Column: strings.TrimSpace(path), Default: strings.TrimSpace(value)}
	if lookup, column, ok := strings.Cut(p.Column, "."); ok {
		p.Lookup, p.Column = lookup, column
	}
	name := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	if !name.MatchString(p.Column) || p.Lookup != "" && !name.MatchString(p.Lookup) {
		return nil, fmt.Errorf("{{%.60s}} is no placeholder; one is {{column}} or {{lookup.column}}, each possibly with a default, {{column|default}}", inner)
	}
	return p, nil
}

// Check returns what is wrong with the placeholders of a template for records of a table,
// nil if nothing is: a column that is not there, by its name.
func (t *Template) Check(s *schema.Schema, table *schema.Table) error {
	for _, p := range t.Placeholders() {
		if err := p.check(s, table); err != nil {
			return err
		}
	}
	return nil
}

func (p Placeholder) check(s *schema.Schema, table *schema.Table) error {
	if p.Lookup == "" {
		return shown(table, p.Column, p)
	}
	lookup := table.Column(p.Lookup)
	if lookup == nil || lookup.Type != schema.LookupTo || lookup.Write == schema.Hidden {
		return fmt.Errorf("{{%s}}: table %s has no lookup %q", p.Path(), table.Name, p.Lookup)
	}
	var err error
	for _, target := range lookup.Targets { // one that may lead to several tables shows the column where there is one
		if err = shown(s.Table(target.Table), p.Column, p); err == nil {
			return nil
		}
	}
	return err
}

// shown refuses a column that the table does not show.
func shown(table *schema.Table, column string, p Placeholder) error {
	if c := table.Column(column); c == nil || c.Write == schema.Hidden {
		return fmt.Errorf("{{%s}}: table %s has no column %q", p.Path(), table.Name, column)
	}
	return nil
}
