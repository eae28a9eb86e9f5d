package schema

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"segue/internal/strictjson"
)

//go:embed tables/*.json traits/*.json optionsets/*.json
var embedded embed.FS

// Files returns the tables, traits and option sets of this package, for [Load].
func Files() fs.FS { return embedded }

//go:generate go run ./generate ready.go

// Default returns the schema of [Files], as it was when ready.go was generated from
// them: a function has no time to read files at each cold start. Each call makes it
// again.
func Default() (*Schema, error) {
	s := newSchema()
	for _, t := range ready() {
		s.tables = append(s.tables, t)
		s.byName[t.Name] = t
		if t.Set != "" {
			s.bySet[t.Set] = t
		}
		t.byName = make(map[string]*Column, len(t.Columns))
		for _, c := range t.Columns {
			t.byName[c.Name] = c
		}
		if err := t.checkShape(); err != nil {
			return nil, fmt.Errorf("%s: table %s: %w", fileOf(t), t.Name, err)
		}
	}
	if err := s.link(); err != nil {
		return nil, err
	}
	return s, nil
}

func newSchema() *Schema {
	return &Schema{byName: map[string]*Table{}, bySet: map[string]*Table{}, bySide: map[side]Relation{}, byBack: map[side]Relation{}, referrers: map[string][]Referrer{}}
}

// Load reads tables/*.json, traits/*.json and optionsets/*.json of all file
// systems together. A table's file may leave out what follows by itself: the
// primary key column, the columns of its traits, statecode and statuscode, the
// labels of booleans, the bounds of numbers, and of a lookup's target the
// navigation property (the column, followed by the table where there are
// several) and the relationship. A lookup that names a trait as a target points
// at every table with it, so that a new record needs no change of the tables
// that point at records. An inconsistency is an error that names the file, table
// and column.
func Load(files ...fs.FS) (*Schema, error) {
	s := newSchema()
	l := &loader{files: files, schema: s, traits: map[string]*Trait{}, sets: map[string]*OptionSet{}}
	for _, read := range []func() error{l.readOptionSets, l.readTraits, l.readTables} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	if len(s.tables) == 0 {
		return nil, fmt.Errorf("list the table files: no tables/*.json: %w", fs.ErrNotExist)
	}
	slices.SortFunc(s.tables, func(a, b *Table) int { return strings.Compare(a.Name, b.Name) })
	for _, t := range s.tables {
		if err := l.complete(t); err != nil {
			return nil, fmt.Errorf("%s: table %s: %w", fileOf(t), t.Name, err)
		}
	}
	if err := s.checkIndexNames(); err != nil {
		return nil, err
	}
	if err := s.link(); err != nil {
		return nil, err
	}
	return s, nil
}

// loader holds what Load has read so far.
type loader struct {
	files  []fs.FS
	schema *Schema
	traits map[string]*Trait
	every  []*Trait // traits of every table
	sets   map[string]*OptionSet
}

// each calls read for each of the files folder/*.json. read returns the name of what
// the file describes, which must be the name of the file.
func (l *loader) each(folder string, read func(files fs.FS, name string) (string, error)) error {
	seen := map[string]bool{}
	for _, files := range l.files {
		names, err := fs.Glob(files, folder+"/*.json")
		if err != nil {
			return fmt.Errorf("list %s: %w", folder, err)
		}
		for _, name := range names {
			stem := strings.TrimSuffix(path.Base(name), ".json")
			if seen[stem] {
				return fmt.Errorf("%s: %q is described twice", name, stem)
			}
			seen[stem] = true
			given, err := read(files, name)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			if given != stem {
				return fmt.Errorf("%s: it describes %q, but the name of the file is %q", name, given, stem)
			}
		}
	}
	return nil
}

// readFile parses one file strictly.
func readFile(files fs.FS, name string, into any) error {
	data, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	if err := strictjson.Decode(data, into); err != nil {
		return fmt.Errorf("parse: %w", err)
	}
	return nil
}

// fileOf returns the name of the file that describes a table.
func fileOf(t *Table) string { return "tables/" + t.Name + ".json" }

func (l *loader) readTables() error {
	s := l.schema
	return l.each("tables", func(files fs.FS, name string) (string, error) {
		t := &Table{}
		if err := readFile(files, name, t); err != nil {
			return "", err
		}
		s.tables = append(s.tables, t)
		s.byName[t.Name] = t
		if t.Set == "" {
			return t.Name, nil
		}
		if other := s.bySet[t.Set]; other != nil {
			return "", fmt.Errorf("table %s: set %q is also that of table %s", t.Name, t.Set, other.Name)
		}
		s.bySet[t.Set] = t
		return t.Name, nil
	})
}

// complete adds what the file of a table left out, then checks the table.
func (l *loader) complete(t *Table) error {
	if err := t.checkHead(); err != nil {
		return err
	}
	traits, err := l.traitsOf(t)
	if err != nil {
		return err
	}
	if err := t.addOwn(); err != nil {
		return err
	}
	for _, c := range l.schema.commonColumns(t, traits) {
		if t.byName[c.Name] == nil {
			t.add(c)
		}
	}
	if err := t.addTallies(); err != nil {
		return err
	}
	for _, trait := range traits {
		t.Indexes = append(t.Indexes, trait.indexesFor()...)
	}
	for _, c := range t.Columns {
		if err := l.optionsFor(c); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if err := l.targetsFor(c); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		c.fill(t)
		if err := t.checkColumn(c); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
	}
	return t.checkShape()
}

// addOwn registers the primary key column and the columns of the table's file.
func (t *Table) addOwn() error {
	t.byName = map[string]*Column{}
	id := &Column{Name: t.ID, Label: t.Label, Type: GUID, Need: System, Write: OnCreate}
	own := append([]*Column{id}, t.Columns...)
	t.Columns = nil
	for _, c := range own {
		if c == nil {
			return fmt.Errorf("column %d is null", len(t.Columns))
		}
		if t.byName[c.Name] != nil {
			return fmt.Errorf("column %s is declared twice", c.Name)
		}
		t.add(c)
	}
	return nil
}

func (t *Table) add(c *Column) {
	c.table = t.Name
	t.Columns = append(t.Columns, c)
	t.byName[c.Name] = c
}

// fill derives what a column's declaration left out.
func (c *Column) fill(t *Table) {
	if t.EngineMade && c.Write == OnCreate {
		c.Write = Engine // nobody else creates a row
	}
	if len(c.Options) == 0 {
		c.Options = t.impliedOptions(c.Type)
	}
	if c.Type == State && c.Preset == nil && len(t.States) > 0 {
		c.Preset = json.Number(fmt.Sprint(t.States[0].Value))
	}
	if c.Expires {
		c.Attribute = ExpiresAttribute
	}
	c.fillRollup()
	low, high := bounds(c.Type)
	if c.Min == nil {
		c.Min = low
	}
	if c.Max == nil {
		c.Max = high
	}
	for i := range c.Targets {
		c.fillTarget(&c.Targets[i])
	}
}

// fillTarget derives the names that a lookup's target was not given.
func (c *Column) fillTarget(target *Target) {
	if target.Nav == "" {
		target.Nav = c.Name
		if len(c.Targets) > 1 {
			target.Nav += "_" + target.Table
		}
	}
	if target.Relationship == "" {
		target.Relationship = target.Table + "_" + c.table + "_" + c.Name
	}
	if target.Collection == "" {
		target.Collection = target.Relationship
	}
}

// impliedOptions returns the options of a column that lists none.
func (t *Table) impliedOptions(kind Type) []Option {
	var options []Option
	switch kind {
	case Boolean:
		return []Option{{0, "No"}, {1, "Yes"}}
	case State:
		for _, s := range t.States {
			options = append(options, Option{s.Value, s.Label})
		}
	case Status:
		for _, s := range t.States {
			options = append(options, s.Statuses...)
		}
	default:
	}
	return options
}

// link resolves the lookups of all tables against each other.
func (s *Schema) link() error {
	for _, t := range s.tables {
		t.byNav = map[string][]Nav{}
		for _, c := range t.Columns {
			for _, target := range c.Targets {
				if err := s.linkTarget(t, c, target); err != nil {
					return fmt.Errorf("%s: table %s: column %s: target %s: %w", fileOf(t), t.Name, c.Name, target.Table, err)
				}
			}
		}
	}
	for _, t := range s.tables {
		s.linkReferrers(t)
		if err := s.checkRollups(t); err != nil {
			return fmt.Errorf("%s: table %s: %w", fileOf(t), t.Name, err)
		}
		if err := s.linkBack(t); err != nil {
			return fmt.Errorf("%s: table %s: %w", fileOf(t), t.Name, err)
		}
	}
	return nil
}

// linkTarget registers a target under its navigation property and, where it is
// another name, under the column's own, and both sides of its relationship.
func (s *Schema) linkTarget(t *Table, c *Column, target Target) error {
	to := s.byName[target.Table]
	if to == nil {
		return fmt.Errorf("the table does not exist")
	}
	nav := Nav{Column: c, Target: target}
	for _, name := range slices.Compact([]string{target.Nav, c.Name}) {
		if taken := t.byNav[name]; len(taken) > 0 && taken[0].Column != c {
			return fmt.Errorf("navigation property %q is also that of column %s", name, taken[0].Column.Name)
		}
		if other := t.byName[name]; other != nil && other != c {
			return fmt.Errorf("navigation property %q is also a column", name)
		}
		t.byNav[name] = append(t.byNav[name], nav)
	}
	for _, at := range []string{t.Name, to.Name} {
		if _, taken := s.bySide[side{at, target.Relationship}]; taken {
			return fmt.Errorf("relationship %q is declared twice at table %s", target.Relationship, at)
		}
	}
	back := Relation{Name: target.Relationship, Table: t, Column: c, Many: true}
	s.bySide[side{t.Name, target.Relationship}] = Relation{Name: target.Relationship, Table: to, Column: c}
	s.bySide[side{to.Name, target.Relationship}] = back // of a table with itself, this is the side that counts
	s.byBack[side{to.Name, target.Collection}] = back
	return nil
}

// linkBack checks that the name by which a target refers back to a table is not taken
// in the target's table.
func (s *Schema) linkBack(t *Table) error {
	for _, c := range t.Columns {
		for _, target := range c.Targets {
			to := s.byName[target.Table]
			if to.byName[target.Collection] != nil || to.byNav[target.Collection] != nil {
				return fmt.Errorf("column %s: collection %q is also a column or lookup of table %s", c.Name, target.Collection, to.Name)
			}
		}
	}
	return nil
}
