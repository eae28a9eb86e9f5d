package authoring

import (
	"segue/internal/excerpt"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// CloneOf returns the columns of a new sequence with the steps and settings of another, or of
// a version of one (docs/domain.md §5.1): what is seen in its row, so of one in revision the
// draft. Steps keep the ids that the definition gives them, for the text is the same byte
// for byte; nothing compares steps of two sequences by their ids.
func CloneOf(source *rows.Row, called string) map[string]schema.Value {
	const more = " (copy)"
	if called == "" {
		called = excerpt.Runes(source.Text(name.MsdynName), source.Table.Column(name.MsdynName).MaxLength-len(more)) + more
	}
	values := map[string]schema.Value{name.MsdynName: schema.Text(called)}
	for _, column := range append(versionColumns(), name.MsdynDescription, name.MsdynRegardingentityname, name.MsdynRegardingentitydisplayname, name.MsdynTemplate,
		name.MsdynCjodefinition, name.MsdynCjodefinitionstate, name.MsdynOrchestratorversion) {
		if v := source.Columns()[column]; !v.IsNull() {
			values[column] = v
		}
	}
	return values
}
