package stack

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/rows"
	"segue/internal/schema"
	"segue/internal/store"
)

// none is the value of the parameter Schema where a template adds nothing.
const none = "none"

// Template is a template of the stack: template.yaml, what `sam build` makes of it, or
// what CloudFormation has of a stack.
type Template struct{ document yaml.Node }

// Parse reads a template.
func Parse(text []byte) (*Template, error) {
	var t Template
	if err := yaml.Unmarshal(text, &t.document); err != nil {
		return nil, fmt.Errorf("parse the template: %w", err)
	}
	if len(t.document.Content) != 1 {
		return nil, errors.New("parse the template: it is empty")
	}
	return &t, nil
}

// Text returns the template as YAML.
func (t *Template) Text() ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(&t.document); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}

// Add puts the tables and columns of a schema folder into the template: the filters that
// let their changes through, the files, and, as the only value that the parameter Schema
// may have, their hash. So CloudFormation itself refuses a template with other files for
// as long as nobody gives the parameter another value.
func (t *Template) Add(folder schema.Folder) error {
	tables, err := folder.Schema()
	if err != nil {
		return err
	}
	if err := boot.Check(tables); err != nil {
		return err
	}
	filters, err := Filters(boot.Assemble(rows.New(noStore{}, tables, clock.System()), boot.Options{}))
	if err != nil {
		return err
	}
	list := make([]map[string]string, len(filters))
	for i, pattern := range filters {
		list[i] = map[string]string{"Pattern": pattern}
	}
	files := map[string]string{}
	for name, text := range folder {
		files[name] = ascii(text)
	}
	hash := Hash(folder)
	return errors.Join(
		t.set(list, "Resources", "EvaluateFunction", "Properties", "Events", "Changes", "Properties", "FilterCriteria", "Filters"),
		t.set(files, "Metadata", "OwnSchema"),
		t.set(hash, "Parameters", "Schema", "Default"),
		t.set([]string{hash}, "Parameters", "Schema", "AllowedValues"),
	)
}

// ErrUnrecorded is the error for a template that does not say which tables and columns are
// the user's own, because it is older than that record.
var ErrUnrecorded = errors.New("the template does not say which tables and columns are own ones")

// Folder returns the schema files that the template says are the user's own.
func (t *Template) Folder() (schema.Folder, error) {
	node := t.at("Metadata", "OwnSchema")
	if node == nil {
		return nil, ErrUnrecorded
	}
	var files map[string]string
	if err := node.Decode(&files); err != nil {
		return nil, fmt.Errorf("the template's Metadata.OwnSchema: %w", err)
	}
	folder := schema.Folder{}
	for name, text := range files {
		folder[name] = []byte(text)
	}
	return folder, nil
}

// Parameter returns the default of the parameter Schema, and the values that it may have.
func (t *Template) Parameter() (value string, allowed []string) {
	var parameter struct {
		Default       string   `yaml:"Default"`
		AllowedValues []string `yaml:"AllowedValues"`
	}
	if node := t.at("Parameters", "Schema"); node != nil {
		_ = node.Decode(&parameter) // of another shape it has no value
	}
	return parameter.Default, parameter.AllowedValues
}

// FunctionFolders returns the folders of the functions' code, relative to the template.
func (t *Template) FunctionFolders() (folders []string, err error) {
	resources := t.at("Resources")
	if resources == nil {
		return nil, errors.New("the template has no Resources")
	}
	var all map[string]struct {
		Type       string `yaml:"Type"`
		Properties struct {
			CodeURI string `yaml:"CodeUri"`
		} `yaml:"Properties"`
	}
	if err := resources.Decode(&all); err != nil {
		return nil, fmt.Errorf("the Resources of the template: %w", err)
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if all[name].Type == "AWS::Serverless::Function" {
			folders = append(folders, all[name].Properties.CodeURI)
		}
	}
	return folders, nil
}

// Hash returns the value of the parameter Schema for a folder.
func Hash(folder schema.Folder) string {
	if len(folder) == 0 {
		return none
	}
	var whole strings.Builder
	for _, name := range slices.Sorted(maps.Keys(folder)) {
		text := ascii(folder[name])
		fmt.Fprintf(&whole, "%s %d\n%s", name, len(text), text)
	}
	sum := sha256.Sum256([]byte(whole.String()))
	return hex.EncodeToString(sum[:6])
}

// at returns the node at a path of keys, nil when there is none.
func (t *Template) at(path ...string) *yaml.Node {
	node := t.document.Content[0]
	for _, key := range path {
		if node = member(node, key); node == nil {
			return nil
		}
	}
	return node
}

// member returns the value of a key of a mapping.
func member(node *yaml.Node, key string) *yaml.Node {
	for i := 0; node.Kind == yaml.MappingNode && i+1 < len(node.Content); i += 2 {
		if node.Content[i].Value == key {
			return node.Content[i+1]
		}
	}
	return nil
}

// set gives what is at a path another value.
func (t *Template) set(value any, path ...string) error {
	node := t.at(path...)
	if node == nil {
		return fmt.Errorf("the template has no %s", strings.Join(path, "."))
	}
	var fresh yaml.Node
	if err := fresh.Encode(value); err != nil {
		return err
	}
	*node = fresh
	return nil
}

// ascii returns JSON with its other characters escaped: CloudFormation gives a template
// back with question marks in their place.
func ascii(text []byte) string {
	var b strings.Builder
	for _, r := range string(text) {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
			continue
		}
		for _, unit := range utf16.Encode([]rune{r}) {
			fmt.Fprintf(&b, `\u%04x`, unit)
		}
	}
	return b.String()
}

// noStore is a store that nobody asks: the product is put together to see what it
// follows.
type noStore struct{ store.Store }
