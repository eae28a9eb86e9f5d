package mailing

import (
	"context"
	"errors"
	"fmt"

	"segue/internal/entity"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/letter"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// plainText is the mimetype of a template whose body is no HTML.
const plainText = "text/plain"

// TemplateRules are the rules of email templates: one is readable, and shows columns that
// there are (docs/domain.md §4.16).
func (m *Mailing) TemplateRules() entity.Rules { return templateRules{m: m} }

type templateRules struct {
	entity.Plain
	m *Mailing
}

// Create implements [entity.Rules].
func (r templateRules) Create(_ context.Context, _ *rows.Tx, row *rows.Row) error {
	return sales.InvalidInput(check(r.m.db.Schema(), row))
}

// Update implements [entity.Rules].
func (r templateRules) Update(_ context.Context, _ *rows.Tx, row *rows.Row, _ map[string]schema.Value) error {
	return sales.InvalidInput(check(r.m.db.Schema(), row))
}

// read reads the template of a row.
func read(row *rows.Row) (*letter.Template, error) {
	source := letter.Source{Subject: row.Text(name.Subject), HTML: row.Text(name.Safehtml)}
	switch row.Text(name.Mimetype) {
	case plainText:
		source.Plain = row.Text(name.Body)
	case "", "text/html":
		if source.HTML == "" {
			source.HTML = row.Text(name.Body)
		}
	default:
		return nil, fmt.Errorf("%s is %q; it is text/html (default) or %s", name.Mimetype, row.Text(name.Mimetype), plainText)
	}
	template, err := letter.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("template %q: %w", row.Text(name.Title), err)
	}
	return template, nil
}

// check returns what is wrong with a template: with its text, or a column that the records
// of its type do not have; of one without a type, that no record has.
func check(s *schema.Schema, row *rows.Row) error {
	template, err := read(row)
	if err != nil {
		return err
	}
	if of := row.Text(name.Templatetypecode); of != "" {
		t := s.Table(of)
		if t == nil || !t.Is(name.RecordTrait) {
			return fmt.Errorf("%s is %q, which is no table of records", name.Templatetypecode, of)
		}
		return template.Check(s, t)
	}
	var all []error
	for _, t := range s.Tables() {
		if t.Is(name.RecordTrait) {
			err := template.Check(s, t)
			if err == nil {
				return nil
			}
			all = append(all, err)
		}
	}
	return fmt.Errorf("no table of records has the columns of template %q: %w", row.Text(name.Title), errors.Join(all...))
}
