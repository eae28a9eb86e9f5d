package schema

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Limits of a table file.
const (
	maxString = 4000      // UTF-16 code units of a string column
	maxMemo   = 1_048_576 // of a memo column
)

// logicalName is what tables and columns may be called.
var logicalName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,99}$`)

// checkHead checks what a table says about itself, apart from its columns.
func (t *Table) checkHead() error {
	switch {
	case !logicalName.MatchString(t.Name):
		return fmt.Errorf("name %q must be lower-case letters, digits and _", t.Name)
	case t.Set != "" && !logicalName.MatchString(t.Set):
		return fmt.Errorf("set %q must be lower-case letters, digits and _", t.Set)
	case t.Label == "":
		return errors.New("label is missing")
	}
	return t.checkStates()
}

// checkStates checks that a status belongs to one state and that labels tell
// options apart.
func (t *Table) checkStates() error {
	for _, s := range t.States {
		if len(s.Statuses) == 0 {
			return fmt.Errorf("state %d has no status", s.Value)
		}
	}
	if err := checkOptions(t.impliedOptions(State)); err != nil {
		return fmt.Errorf("states: %w", err)
	}
	if err := checkOptions(t.impliedOptions(Status)); err != nil {
		return fmt.Errorf("statuses: %w", err)
	}
	return nil
}

func checkOptions(options []Option) error {
	for i, o := range options {
		if o.Label == "" {
			return fmt.Errorf("option %d has no label", o.Value)
		}
		for _, other := range options[:i] {
			if other.Value == o.Value || strings.EqualFold(other.Label, o.Label) {
				return fmt.Errorf("option %d %q is declared twice", o.Value, o.Label)
			}
		}
	}
	return nil
}

// checkNamed checks the columns that the table's file names beside those that it declares.
func (t *Table) checkNamed() error {
	if c := t.Column(t.PrimaryName); c == nil || c.Type != String {
		return fmt.Errorf("primaryName %q is not a string column", t.PrimaryName)
	}
	if c := t.Column(t.Score); t.Score != "" && (c == nil || c.Type != Integer) {
		return fmt.Errorf("score %q is not an integer column", t.Score)
	}
	if c := t.Column(t.Grade); t.Grade != "" && (c == nil || c.Type != Choice) {
		return fmt.Errorf("grade %q is not a choice column", t.Grade)
	}
	return nil
}

// checkShape checks the table against its columns.
func (t *Table) checkShape() error {
	if err := t.checkNamed(); err != nil {
		return err
	}
	for _, c := range t.Columns {
		if err := t.checkCompose(c); err != nil {
			return fmt.Errorf("column %s: compose: %w", c.Name, err)
		}
		if c.Owner {
			t.owners = append(t.owners, c.Name)
		}
		if err := t.checkKind(c); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if err := t.checkReferential(c); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if err := t.checkStored(c); err != nil {
			return fmt.Errorf("column %s: %w", c.Name, err)
		}
		if c.Derived == "" {
			continue
		}
		if from := t.Column(c.Derived); c.Type != LookupTo || c.Write != Engine || from == nil || from.Type != LookupTo || from.Derived != "" {
			return fmt.Errorf("column %s: derived %q: it takes a lookup that Segue alone writes and one of the same table that is stored", c.Name, c.Derived)
		}
		t.derived = append(t.derived, c)
	}
	if err := t.checkListed(); err != nil {
		return err
	}
	if err := t.checkKeys(); err != nil {
		return err
	}
	return t.checkIndexes()
}

// checkListed checks the lookups by which rows are listed.
func (t *Table) checkListed() error {
	for i, name := range t.Listed {
		c := t.Column(name)
		switch {
		case c == nil || c.Type != LookupTo || c.Derived != "" || c.Write != Always && c.Write != OnCreate:
			return fmt.Errorf("listed: %q is not a lookup that callers set", name)
		case slices.Contains(t.Listed[:i], name) || t.IndexOf(name) != nil:
			return fmt.Errorf("listed: rows are listed by %s already", name)
		}
	}
	return nil
}

// checkKind checks the properties of a column that only some columns can have.
func (*Table) checkKind(c *Column) error {
	switch {
	case c.Shown && (c.Write != Engine || c.Default != Value{}):
		return errors.New("shown: it takes a column that Segue alone writes, without a default")
	case c.Personal && (len(c.Sources()) > 0 || len(c.Compose) > 0 || c.Derived != "" || c.Default != Value{}):
		return errors.New("personal: it takes a column with a value of its own and no default")
	case c.Person && c.Type != LookupTo:
		return errors.New("person: it takes a lookup")
	}
	return nil
}

// storedName is what a column may be stored as: no column, key or attribute of the
// program begins with a capital.
var storedName = regexp.MustCompile(`^[A-Z][a-z0-9]?$`)

// checkStored checks where the value of a column comes from and under which name it is
// stored, and registers it.
func (t *Table) checkStored(c *Column) error {
	if len(c.Sources()) > 0 {
		if err := t.checkSources(c); err != nil {
			return err
		}
		t.implied = append(t.implied, c)
	}
	if c.Attribute == "" {
		return nil
	}
	switch other := t.attribute[c.Attribute]; {
	case c.Expires && (c.Type != DateTime || len(c.Sources()) > 0):
		return errors.New("expires: it takes a date-time with a value of its own")
	case !c.Expires && !storedName.MatchString(c.Attribute):
		return fmt.Errorf("attribute %q must be a capital and a small letter or digit", c.Attribute)
	case other != nil:
		return fmt.Errorf("attribute %q is also that of column %s", c.Attribute, other.Name)
	case c.Derived != "" || c.Shown || c.Name == t.ID || c.Name == versionColumn:
		return errors.New("it is not stored as a column, so it has no attribute")
	}
	if t.attribute == nil {
		t.attribute = map[string]*Column{}
	}
	t.attribute[c.Attribute] = c
	if !c.Expires { // which has one form
		t.renamed = append(t.renamed, c)
	}
	return nil
}

// checkSources checks the columns from which a column follows.
func (t *Table) checkSources(c *Column) error {
	ways := 0
	for _, names := range [][]string{c.Compose, c.Joins, c.IDOf} {
		if len(names) > 0 {
			ways++
		}
	}
	if c.Write != Engine && c.Write != Hidden || c.Derived != "" || c.Shown || c.Follows != "" && ways > 0 || ways > 1 {
		return errors.New("a column that follows from others is one that Segue alone writes, and follows in one way")
	}
	if len(c.IDOf) > 0 && (c.Type != LookupTo || len(c.Targets) != 1) {
		return errors.New("idOf: it takes a lookup at one table")
	}
	for _, name := range c.Sources() {
		from := t.Column(name)
		switch {
		case from == nil || len(from.Sources()) > 0 || from.Derived != "" || from.Shown:
			return fmt.Errorf("it follows from %q, which is no column with a value of its own", name)
		case c.Follows != "" && (from.Type != c.Type || !sameTables(from, c)):
			return fmt.Errorf("it follows from %s, which is of another type or points at other tables", name)
		case len(c.IDOf) > 0 && !isJoined(from):
			return fmt.Errorf("idOf %s: ids are made of texts, whole numbers and lookups", name)
		case len(c.Joins) > 0 && (c.Type != String || !isJoined(from)):
			return fmt.Errorf("it joins %s: texts, whole numbers and lookups are joined to a string", name)
		}
	}
	return nil
}

// isJoined reports whether the values of a column can be joined to a text.
func isJoined(c *Column) bool {
	return c.Type.Kind() == KindText || c.Type.Kind() == KindInt || c.Type == LookupTo
}

// sameTables reports whether two lookups point at the same tables, so that one value is
// stored alike in both.
func sameTables(a, b *Column) bool {
	return slices.EqualFunc(a.Targets, b.Targets, func(a, b Target) bool { return a.Table == b.Table })
}

// checkColumn checks a column by itself and turns its default into its Go type.
func (t *Table) checkColumn(c *Column) error {
	checks := []func() error{
		c.checkNames, c.checkLengths, c.checkBounds, c.checkChoices, c.checkTargets,
		func() error { return t.checkStateColumn(c) }, c.checkDefault,
	}
	for _, check := range checks {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Column) checkNames() error {
	switch {
	case !logicalName.MatchString(c.Name):
		return errors.New("name must be lower-case letters, digits and _")
	case c.Label == "":
		return errors.New("label is missing")
	case !slices.Contains([]Need{Optional, System, Application}, c.Need):
		return fmt.Errorf("need %q is unknown", c.Need)
	case !slices.Contains([]Write{Always, OnCreate, Engine, Hidden}, c.Write):
		return fmt.Errorf("write %q is unknown", c.Write)
	}
	switch c.Type {
	case String, Memo, Integer, BigInt, Decimal, Money, Double, Boolean, Choice, State, Status, DateTime, Date, GUID, LookupTo:
		return nil
	}
	return fmt.Errorf("type %q is unknown", c.Type)
}

func (c *Column) checkLengths() error {
	longest := 0
	switch c.Type {
	case String:
		longest = maxString
	case Memo:
		longest = maxMemo
	default:
		if c.MaxLength != 0 {
			return fmt.Errorf("type %s has no maxLength", c.Type)
		}
		return nil
	}
	if c.MaxLength < 1 || c.MaxLength > longest {
		return fmt.Errorf("maxLength of a %s must be 1 to %d, not %d", c.Type, longest, c.MaxLength)
	}
	return nil
}

func (c *Column) checkBounds() error {
	switch c.Type {
	case Integer, BigInt, Decimal, Money, Double:
		if c.Min != nil && c.Max != nil && c.Min.GreaterThan(*c.Max) {
			return fmt.Errorf("min %s is more than max %s", c.Min, c.Max)
		}
	default:
		if c.Min != nil || c.Max != nil {
			return fmt.Errorf("type %s has no min or max", c.Type)
		}
	}
	return nil
}

func (c *Column) checkChoices() error {
	switch c.Type {
	case Choice, State, Status:
		if len(c.Options) == 0 {
			return errors.New("options are missing")
		}
	case Boolean:
		_, no := c.label(0)
		_, yes := c.label(1)
		if len(c.Options) != 2 || !no || !yes {
			return errors.New("options of a boolean must be 0 and 1")
		}
	default:
		if len(c.Options) != 0 {
			return fmt.Errorf("type %s has no options", c.Type)
		}
	}
	return checkOptions(c.Options)
}

func (c *Column) checkTargets() error {
	if (c.Type == LookupTo) != (len(c.Targets) > 0) {
		return errors.New("a lookup, and only a lookup, has targets")
	}
	if c.Owner && c.Type != LookupTo {
		return errors.New("an owner is a lookup")
	}
	for i, t := range c.Targets {
		same := func(other Target) bool { return other.Table == t.Table }
		if slices.ContainsFunc(c.Targets[:i], same) {
			return fmt.Errorf("target %s is declared twice", t.Table)
		}
	}
	return nil
}

// checkStateColumn checks that the types state and status go with the names
// statecode and statuscode, in both directions.
func (t *Table) checkStateColumn(c *Column) error {
	if (c.Type == State) != (c.Name == stateColumn) || (c.Type == Status) != (c.Name == statusColumn) {
		return fmt.Errorf("a %s cannot have this name: a state is named %s, a status %s, and no other column is", c.Type, stateColumn, statusColumn)
	}
	if c.Type == State || c.Type == Status {
		if !slices.Equal(c.Options, t.impliedOptions(c.Type)) {
			return errors.New("its options follow from states and must not be listed again")
		}
	}
	if c.Type == Status && c.Preset != nil {
		return errors.New("a status has no default of its own: the first status of its state is the default")
	}
	return nil
}

func (c *Column) checkDefault() error {
	v, err := c.FromJSON(c.Preset)
	if err != nil {
		return fmt.Errorf("default: %w", err)
	}
	c.Default = v
	return nil
}

func (t *Table) checkCompose(c *Column) error {
	if len(c.Compose) == 0 {
		return nil
	}
	if c.Type != String || c.Write != Engine {
		return errors.New("a composed column is a string that Segue alone writes")
	}
	longest := len(c.Compose) - 1
	for _, name := range c.Compose {
		part := t.Column(name)
		if part == nil || part.Type != String || len(part.Compose) > 0 {
			return fmt.Errorf("%q is not a string column with values of its own", name)
		}
		longest += part.MaxLength
	}
	if longest > c.MaxLength {
		return fmt.Errorf("its parts have up to %d characters together, maxLength is %d", longest, c.MaxLength)
	}
	return nil
}
