package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"segue/internal/strictjson"
)

// Folder is the schema files of a folder, by their path in it, such as
// tables/lead.json. An empty one adds nothing.
type Folder map[string][]byte

// ReadFolder returns the files of tables/ and optionsets/ in a folder.
func ReadFolder(folder fs.FS) (Folder, error) {
	files := Folder{}
	for _, kind := range []string{"tables", "optionsets"} {
		names, err := fs.Glob(folder, kind+"/*.json")
		if err != nil {
			return nil, fmt.Errorf("list %s: %w", kind, err)
		}
		for _, name := range names {
			if files[name], err = fs.ReadFile(folder, name); err != nil {
				return nil, err
			}
		}
	}
	return files, nil
}

// Equal reports whether two folders have the same files.
func (f Folder) Equal(other Folder) bool { return maps.EqualFunc(f, other, bytes.Equal) }

// Schema returns the schema of [Files] with those of the folder; see [Extended].
func (f Folder) Schema() (*Schema, error) {
	if len(f) == 0 {
		return Default()
	}
	files, err := f.over(embedded)
	if err != nil {
		return nil, err
	}
	return Load(files)
}

// over returns the files of base, with those of the folder added to them.
func (f Folder) over(base fs.FS) (fs.FS, error) {
	files := overlay{FS: base, added: map[string][]byte{}}
	for _, name := range slices.Sorted(maps.Keys(f)) { // in order, so that of several mistakes the same one is told
		data, err := addTo(base, name, f[name])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		files.added[name] = data
	}
	return files, nil
}

// Extended returns the schema of [Files] with the files of a folder: a file of
// tables/ or optionsets/ that has the name of one there adds columns, alternate keys, listed
// lookups or options to it and has nothing else; any other adds a table or an option set. What is added has a
// prefix of its own, such as new_score, so that it never meets what a later version of
// Segue brings. A folder without such files is refused.
func Extended(folder fs.FS) (*Schema, error) {
	files, err := ReadFolder(folder)
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no tables/*.json and no optionsets/*.json: %w", fs.ErrNotExist)
	}
	return files.Schema()
}

// addTo returns the content of a file that stands in the place of one of base, or beside
// those of base.
func addTo(base fs.FS, name string, data []byte) ([]byte, error) {
	stem := strings.TrimSuffix(path.Base(name), ".json")
	own, err := fs.ReadFile(base, name)
	added := errors.Is(err, fs.ErrNotExist)
	switch {
	case added && !prefixed(stem):
		return nil, fmt.Errorf("%q needs a prefix of your own, such as new_%s", stem, stem)
	case added:
		return data, nil
	case err != nil:
		return nil, err
	case strings.HasPrefix(name, "tables/"):
		return withColumns(own, data)
	}
	return withOptions(own, data)
}

// prefixed reports whether a name has a prefix that is not Segue's or Dataverse's.
func prefixed(name string) bool {
	prefix, rest, ok := strings.Cut(name, "_")
	return ok && prefix != "" && rest != "" && !slices.Contains([]string{"segue", "msdyn"}, prefix)
}

// withColumns adds the columns, keys and listed lookups of an extension to the file of a table.
func withColumns(own, extension []byte) ([]byte, error) {
	var added struct {
		Name    string            `json:"name"`
		Columns []json.RawMessage `json:"columns"`
		Keys    []json.RawMessage `json:"keys"`
		Listed  []json.RawMessage `json:"listed"`
	}
	if err := strictjson.Decode(extension, &added); err != nil {
		return nil, fmt.Errorf("parse (a file that extends a table has name, columns, keys and listed): %w", err)
	}
	for i, text := range added.Columns {
		var c Column
		if err := strictjson.Decode(text, &c); err != nil {
			return nil, fmt.Errorf("column %d: %w", i, err)
		}
		switch {
		case !prefixed(c.Name):
			return nil, fmt.Errorf("column %q needs a prefix of your own, such as new_%s", c.Name, c.Name)
		case c.Need == System:
			return nil, fmt.Errorf("column %s: need: rows that exist have no value for it; it may be %q", c.Name, Application)
		case c.Write != Always && c.Write != OnCreate && (c.Rollup == nil || c.Write != Engine):
			return nil, fmt.Errorf("column %s: write: %q is for columns that Segue sets", c.Name, c.Write)
		case c.Attribute != "" || c.Expires || c.Shown || len(c.Sources()) > 0:
			return nil, fmt.Errorf("column %s: attribute, expires, shown, follows and joins are how Segue stores its own columns", c.Name)
		}
	}
	for i, text := range added.Keys {
		var k Key
		if err := strictjson.Decode(text, &k); err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		if !prefixed(k.Name) {
			return nil, fmt.Errorf("key %q needs a prefix of your own, such as new_%s", k.Name, k.Name)
		}
	}
	own, err := appended(own, "columns", added.Columns)
	if err != nil {
		return nil, err
	}
	if own, err = appended(own, "keys", added.Keys); err != nil {
		return nil, err
	}
	return appended(own, "listed", added.Listed)
}

// withOptions adds the options of an extension to the file of an option set.
func withOptions(own, extension []byte) ([]byte, error) {
	var added struct {
		Name    string            `json:"name"`
		Options []json.RawMessage `json:"options"`
	}
	if err := strictjson.Decode(extension, &added); err != nil {
		return nil, fmt.Errorf("parse (a file that extends an option set has name and options): %w", err)
	}
	return appended(own, "options", added.Options)
}

// appended adds elements to a list of a JSON object.
func appended(object []byte, member string, elements []json.RawMessage) ([]byte, error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(object, &members); err != nil {
		return nil, err
	}
	var list []json.RawMessage
	if text, has := members[member]; has {
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, err
		}
	}
	if len(elements) == 0 {
		return object, nil
	}
	text, err := json.Marshal(append(list, elements...))
	if err != nil {
		return nil, err
	}
	members[member] = text
	return json.Marshal(members)
}

// overlay is files of which some are replaced or added.
type overlay struct {
	fs.FS
	added map[string][]byte
}

// ReadFile implements [fs.ReadFileFS].
func (o overlay) ReadFile(name string) ([]byte, error) {
	if data, ok := o.added[name]; ok {
		return data, nil
	}
	return fs.ReadFile(o.FS, name)
}

// Glob implements [fs.GlobFS].
func (o overlay) Glob(pattern string) ([]string, error) {
	names, err := fs.Glob(o.FS, pattern)
	if err != nil {
		return nil, err
	}
	for name := range o.added {
		if ok, err := path.Match(pattern, name); err == nil && ok && !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

// Change is a column that another schema declares otherwise, or not at all.
type Change struct {
	Table  *Table
	Column *Column
	Now    *Column // nil: it is gone
}

// Breaks reports whether a value of the column cannot be one any more.
func (c Change) Breaks(v Value) bool {
	return !v.IsNull() && (c.Now == nil || c.Now.Check(v) != nil)
}

// Changes lists the stored columns of a schema that another one declares otherwise, by
// table.
func (s *Schema) Changes(now *Schema) []Change {
	var changes []Change
	for _, t := range s.tables {
		other := now.Table(t.Name)
		for _, c := range t.Columns {
			change := Change{Table: t, Column: c}
			if other != nil {
				change.Now = other.Column(c.Name)
			}
			if change.Now == nil || !change.Now.Takes(c) {
				changes = append(changes, change)
			}
		}
	}
	return changes
}

// Hidden lists the tables of a schema whose rows requests do not find by the same set any
// more under another one, or can make none.
func (s *Schema) Hidden(now *Schema) []*Table {
	var hidden []*Table
	for _, t := range s.tables {
		other := now.Table(t.Name)
		if other == nil || t.Set != "" && (other.Set != t.Set || other.EngineMade && !t.EngineMade) {
			hidden = append(hidden, t)
		}
	}
	return hidden
}

// Takes reports whether a column takes all values of another, as far as can be told
// without looking at them.
func (c *Column) Takes(other *Column) bool {
	for _, option := range other.Options {
		if _, ok := c.label(option.Value); !ok {
			return false
		}
	}
	for _, target := range other.Targets {
		if !slices.ContainsFunc(c.Targets, func(t Target) bool { return t.Table == target.Table }) {
			return false
		}
	}
	return c.Type == other.Type && c.MaxLength >= other.MaxLength &&
		(c.Min == nil || other.Min != nil && c.Min.LessThanOrEqual(*other.Min)) &&
		(c.Max == nil || other.Max != nil && c.Max.GreaterThanOrEqual(*other.Max))
}
