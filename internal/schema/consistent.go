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

// checkShape checks the table against its columns.
func (t *Table) checkShape() error {
	if c := t.Column(t.PrimaryName); c == nil || c.Type != String {
		return fmt.Errorf("primaryName %q is not a string column", t.PrimaryName)
	}
	for _, c := range t.Columns {
		if err := t.checkCompose(c); err != nil {
			return fmt.Errorf("column %s: compose: %w", c.Name, err)
		}
		if c.Owner {
			t.owners = append(t.owners, c.Name)
		}
		if c.Derived == "" {
			continue
		}
		if from := t.Column(c.Derived); c.Type != LookupTo || c.Write != Engine || from == nil || from.Type != LookupTo || from.Derived != "" {
			return fmt.Errorf("column %s: derived %q: it takes a lookup that Segue alone writes and one of the same table that is stored", c.Name, c.Derived)
		}
		t.derived = append(t.derived, c)
	}
	return t.checkIndexes()
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
