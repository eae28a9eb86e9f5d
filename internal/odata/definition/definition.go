// Package definition is what clients ask of tables before they ask for rows:
// EntityDefinitions and what hangs on them (columns, option sets, relationships,
// keys), made of the schema, and the requests for them. It is pure: who may ask and
// how a response is sent is decided above.
//
// The definitions have complex values, enumerations and derived types, which no row
// has, and so query options of their own: package filter compares columns.
//
// Size: what a definition is and what can be asked of it share one form (object),
// whose parts nobody else may use.
//
// Invariant: hidden columns, and tables that are not on the wire, have no definition;
// a definition has the properties that [Types] lists, of the types that it says.
package definition

import (
	"slices"
	"strings"

	"segue/internal/guid"
	"segue/internal/schema"
)

// Model is the definitions of a schema. It is safe for concurrent use.
type Model struct {
	schema *schema.Schema
	tables []*schema.Table // on the wire
}

// New returns the definitions of a schema. They are made when they are asked for.
func New(s *schema.Schema) *Model {
	m := &Model{schema: s}
	for _, t := range s.Tables() {
		if t.Set != "" {
			m.tables = append(m.tables, t)
		}
	}
	return m
}

// visible returns the columns of a table that are on the wire.
func visible(t *schema.Table) []*schema.Column {
	return slices.DeleteFunc(slices.Clone(t.Columns), func(c *schema.Column) bool { return c.Write == schema.Hidden })
}

// onWire reports whether a table is on the wire.
func (m *Model) onWire(table string) bool {
	t := m.schema.Table(table)
	return t != nil && t.Set != ""
}

// metadataIDOf returns the id of a definition, which derives from its names: it is the
// same in every installation and version.
func metadataIDOf(names ...string) string {
	return guid.Derive(append([]string{"metadata"}, names...)...)
}

// schemaName returns the name of a table or column as Dataverse writes it in code: a
// logical name has lost its capitals, which the label still has if it is the same words.
func schemaName(logical, label string) string {
	if joined := strings.ReplaceAll(label, " ", ""); strings.EqualFold(joined, logical) {
		return joined
	}
	if strings.Contains(logical, "_") {
		return logical
	}
	return strings.ToUpper(logical[:1]) + logical[1:]
}
