package authoring

import (
	"slices"
	"strings"

	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/sales/sequence/shipped"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// fillFromTemplate gives a sequence that is created with a template and without a definition
// the one of the template (docs/domain.md §6.6). Its steps get ids that are made of this
// sequence, and keep them.
func fillFromTemplate(s *schema.Schema, row *rows.Row) error {
	view := sequence.Sequence{Row: row}
	asked := row.Text(name.MsdynTemplate)
	if asked == "" || view.Text() != "" {
		return nil
	}
	templates, err := shipped.Templates()
	if err != nil {
		return err
	}
	at := slices.IndexFunc(templates, func(t shipped.Template) bool { return t.ID == asked })
	if at < 0 {
		var ids []string
		for _, t := range templates {
			ids = append(ids, t.ID)
		}
		return sales.Refuse(sales.Invalid, "%s: %q is not a template; a sequence without a definition may have %s", name.MsdynTemplate, asked, strings.Join(ids, ", "))
	}
	if template := templates[at]; template.Table != view.RecordType() {
		return sales.Refuse(sales.Invalid, "%s: %q is for records of %s, and the sequence (%s) is for those of %s", name.MsdynTemplate, asked, template.Table, name.MsdynRegardingentityname, view.RecordType())
	}
	definition, err := templates[at].Definition(s, name.SequenceID(row.ID))
	if err != nil {
		return err
	}
	text, err := language.Print(definition)
	row.Set(name.MsdynDefinition, schema.Text(text))
	return err
}
