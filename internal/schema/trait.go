package schema

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"
)

// tablePlaceholder stands in a trait for the name of the table that has it: in
// the names of relationships, and as a part of an index's partition.
const tablePlaceholder = "{table}"

// Trait is what several tables have in common, one file traits/NAME.json: columns
// and indexes that each table with the trait gets. A column of the table's own
// file takes the place of the trait's column of the same name.
type Trait struct {
	Name    string    `json:"name"`
	About   string    `json:"about"` // what having it means, for people
	Every   bool      `json:"every"` // every table has it without naming it
	Columns []*Column `json:"columns"`
	Indexes []*Index  `json:"indexes"`
}

// Is reports whether the table has a trait.
func (t *Table) Is(trait string) bool {
	for _, name := range t.Traits {
		if name == trait {
			return true
		}
	}
	return false
}

// traitsOf returns the traits of a table in the order in which their columns
// follow the table's own: those that it names, then those of every table.
func (l *loader) traitsOf(t *Table) ([]*Trait, error) {
	var traits []*Trait
	named := map[string]bool{}
	for _, name := range t.Traits {
		trait := l.traits[name]
		switch {
		case trait == nil:
			return nil, fmt.Errorf("trait %q does not exist", name)
		case trait.Every:
			return nil, fmt.Errorf("every table has the trait %q; it must not be named", name)
		case named[name]:
			return nil, fmt.Errorf("trait %q is declared twice", name)
		}
		named[name] = true
		traits = append(traits, trait)
	}
	for _, trait := range l.every {
		t.Traits = append(t.Traits, trait.Name)
		traits = append(traits, trait)
	}
	return traits, nil
}

// columnsFor returns copies of the trait's columns for a table, which differ
// from table to table in the names of their relationships.
func (trait *Trait) columnsFor(table string) []*Column {
	columns := make([]*Column, len(trait.Columns))
	for i, c := range trait.Columns {
		own := *c
		own.inherited = true
		own.Targets = append([]Target(nil), c.Targets...)
		for j := range own.Targets {
			own.Targets[j].Relationship = strings.ReplaceAll(own.Targets[j].Relationship, tablePlaceholder, table)
		}
		columns[i] = &own
	}
	return columns
}

// indexesFor returns copies of the trait's indexes for a table.
func (trait *Trait) indexesFor() []*Index {
	indexes := make([]*Index, len(trait.Indexes))
	for i, x := range trait.Indexes {
		own := *x
		own.trait = trait.Name
		indexes[i] = &own
	}
	return indexes
}

// targetsFor puts the tables of a trait in the place of a lookup's target that
// names it: those that the column does not name itself, by name.
func (l *loader) targetsFor(c *Column) error {
	var targets []Target
	for _, target := range c.Targets {
		if target.Trait == "" {
			targets = append(targets, target)
			continue
		}
		trait := l.traits[target.Trait]
		switch {
		case trait == nil:
			return fmt.Errorf("trait %q does not exist", target.Trait)
		case trait.Every:
			return fmt.Errorf("every table has the trait %q; a lookup cannot point at every table", target.Trait)
		case target != Target{Trait: target.Trait}:
			return fmt.Errorf("a target of all tables with the trait %q has no other names", target.Trait)
		}
		for _, t := range l.schema.tables {
			named := slices.ContainsFunc(c.Targets, func(other Target) bool { return other.Table == t.Name })
			if t.Is(target.Trait) && !named {
				targets = append(targets, Target{Table: t.Name})
			}
		}
	}
	c.Targets = targets
	return nil
}

// OptionSet is a named list of options, one file optionsets/NAME.json; columns of
// several tables may use it.
type OptionSet struct {
	Name    string   `json:"name"`
	Label   string   `json:"label"`
	Options []Option `json:"options"`
}

// optionsFor fills in the options of a column that names a set.
func (l *loader) optionsFor(c *Column) error {
	if c.OptionSet == "" {
		return nil
	}
	set := l.sets[c.OptionSet]
	switch {
	case set == nil:
		return fmt.Errorf("option set %q does not exist", c.OptionSet)
	case len(c.Options) > 0:
		return fmt.Errorf("it has options of its own besides the option set %q", c.OptionSet)
	}
	c.Options = set.Options
	return nil
}

func (l *loader) readTraits() error {
	return l.each("traits", func(files fs.FS, name string) (string, error) {
		trait := &Trait{}
		if err := readFile(files, name, trait); err != nil {
			return "", err
		}
		if trait.About == "" {
			return "", fmt.Errorf("about is missing; it must say what having the trait means")
		}
		if l.traits[trait.Name] = trait; trait.Every {
			l.every = append(l.every, trait)
		}
		return trait.Name, nil
	})
}

func (l *loader) readOptionSets() error {
	return l.each("optionsets", func(files fs.FS, name string) (string, error) {
		set := &OptionSet{}
		if err := readFile(files, name, set); err != nil {
			return "", err
		}
		if len(set.Options) == 0 {
			return "", fmt.Errorf("options are missing")
		}
		l.sets[set.Name] = set
		return set.Name, checkOptions(set.Options)
	})
}
