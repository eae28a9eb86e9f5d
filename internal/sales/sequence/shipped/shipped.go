// Package shipped has the sequences that come with Segue, to begin with one's own
// (docs/domain.md §6.6). Each is a file of definitions/, named by the id that a sequence's
// msdyn_template names it by.
//
// Invariant: each of them can be activated as it is.
package shipped

import (
	"embed"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/strictjson"
)

//go:embed definitions/*.json
var files embed.FS

// Template is a sequence to begin with.
type Template struct {
	ID    string // for programs, "missed-meeting"
	Title string
	About string
	Table string // of the records
	Text  string // of the definition
}

// file is a template as it is written.
type file struct {
	Title string          `json:"title"`
	About string          `json:"about"`
	Table string          `json:"table"`
	Steps json.RawMessage `json:"steps"`
}

// Templates returns all of them, by id.
func Templates() ([]Template, error) {
	entries, err := files.ReadDir("definitions")
	if err != nil {
		return nil, fmt.Errorf("read the shipped sequences: %w", err)
	}
	templates := make([]Template, len(entries))
	for i, entry := range entries {
		text, err := files.ReadFile(path.Join("definitions", entry.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the shipped sequences: %w", err)
		}
		var f file
		if err := strictjson.Decode(text, &f); err != nil {
			return nil, fmt.Errorf("read the shipped sequence %s: %w", entry.Name(), err)
		}
		templates[i] = Template{ID: strings.TrimSuffix(entry.Name(), ".json"), Title: f.Title, About: f.About, Table: f.Table, Text: string(f.Steps)}
	}
	return templates, nil
}

// Definition reads the definition of a template for a sequence, whose steps then have ids of
// their own.
func (t Template) Definition(s *schema.Schema, of name.SequenceID) (sequence.Definition, error) {
	return language.Parse(s, of, 1, t.Text)
}
