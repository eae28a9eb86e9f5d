// Package metadata is the documents in which Segue describes itself: the service
// document, $metadata and the OpenAPI document, made of the schema, of the types of
// definitions and of the signatures of functions and actions, and of nothing else.
//
// Invariant: what is described here is served, and hidden columns and tables that are
// not on the wire are in none of the documents.
package metadata

import (
	"encoding/json"
	"slices"
	"sync"

	"segue/internal/odata/call"
	"segue/internal/odata/definition"
	"segue/internal/schema"
)

// Model describes a schema and the operations on it. It is safe for concurrent use.
type Model struct {
	schema     *schema.Schema
	operations call.Registry
	tables     []*schema.Table // on the wire

	plain, annotated, api func() []byte
}

// New returns the model of a schema and its operations. Its documents are made when they
// are first asked for.
func New(s *schema.Schema, operations call.Registry) *Model {
	m := &Model{schema: s, operations: operations}
	for _, t := range s.Tables() {
		if t.Set != "" {
			m.tables = append(m.tables, t)
		}
	}
	m.plain = sync.OnceValue(func() []byte { return m.csdl(false) })
	m.annotated = sync.OnceValue(func() []byte { return m.csdl(true) })
	m.api = sync.OnceValue(m.openAPI)
	return m
}

// CSDL returns $metadata, with annotations or without.
func (m *Model) CSDL(annotations bool) []byte {
	if annotations {
		return m.annotated()
	}
	return m.plain()
}

// ServiceDocument returns the JSON of the list of entity sets.
func (m *Model) ServiceDocument(base string) []byte {
	type set struct {
		Name string `json:"name"`
		Kind string `json:"kind"`
		URL  string `json:"url"`
	}
	document := struct {
		Context string `json:"@odata.context"`
		Value   []set  `json:"value"`
	}{Context: base + "$metadata"}
	for _, t := range m.tables {
		document.Value = append(document.Value, set{t.Set, "EntitySet", t.Set})
	}
	for _, s := range definition.Sets() {
		document.Value = append(document.Value, set{s.Name, "EntitySet", s.Name})
	}
	text, _ := json.Marshal(document) // of texts: it cannot fail
	return text
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

const (
	edmString   = "Edm.String"
	edmGUID     = "Edm.Guid"
	edmBoolean  = "Edm.Boolean"
	edmInt32    = "Edm.Int32"
	edmInt64    = "Edm.Int64"
	edmDecimal  = "Edm.Decimal"
	edmDouble   = "Edm.Double"
	edmDate     = "Edm.Date"
	edmDateTime = "Edm.DateTimeOffset"

	alias = "mscrm."
)
