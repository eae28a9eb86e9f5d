package stack

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"segue/internal/schema"
)

// Unknown is the name by which [RefuseLoss] is told that nobody knows the own tables and
// columns of a stack.
const Unknown = "unknown"

// Loss is the refusal of a build that takes own tables or columns away.
type Loss struct {
	reason string
	names  []string // of all that goes
	kept   []string // that nobody said may go

	// Before is what the stack has, nil if that cannot be read; Now is what the build has.
	Before, Now *schema.Schema
}

// Error implements error.
func (l *Loss) Error() string {
	return fmt.Sprintf("%s: %s.\nTheir rows and values would stay in the table, where no request and no evaluation finds them. "+
		"Build with SCHEMA=folder, or say that they may go: DROP=%s", l.reason, strings.Join(l.kept, ", "), strings.Join(l.names, ","))
}

// RefuseLoss refuses, with a [Loss], a build that takes own tables or columns away which a stack has, or
// declares them so that their values may be none any more, but for those that drop names:
// a table, a column as table.column, or [Unknown] for all that cannot be read of the
// stack. A name in drop for what stays is refused too, so that none is given for ever.
func RefuseLoss(deployed, built *Template, drop []string) error {
	loss, err := losses(deployed, built)
	if err != nil {
		return err
	}
	for _, name := range loss.names {
		if table, _, _ := strings.Cut(name, "."); !slices.Contains(drop, name) && !slices.Contains(drop, table) {
			loss.kept = append(loss.kept, name)
		}
	}
	if len(loss.kept) > 0 {
		return loss
	}
	for _, name := range drop {
		if !slices.ContainsFunc(loss.names, func(l string) bool { return l == name || strings.HasPrefix(l, name+".") }) {
			return fmt.Errorf("DROP=%s: the build does not take %s away from the stack; leave it out", strings.Join(drop, ","), name)
		}
	}
	return nil
}

// losses names what a build takes away from a stack, and says why that matters.
func losses(deployed, built *Template) (*Loss, error) {
	fresh, err := built.Folder()
	if err != nil {
		return nil, err
	}
	now, err := fresh.Schema()
	if err != nil {
		return nil, err
	}
	unknown := func(reason string) *Loss { return &Loss{reason: reason, names: []string{Unknown}, Now: now} }
	folder, err := deployed.Folder()
	if errors.Is(err, ErrUnrecorded) {
		return unknown("the stack was deployed by a version that kept no record of own tables and columns; those that it has are"), nil
	}
	if err != nil {
		return nil, err
	}
	before, err := folder.Schema()
	if err != nil {
		return unknown(fmt.Sprintf("this version cannot read the own tables and columns of the stack (%v); they are", err)), nil
	}
	return &Loss{
		reason: "this build does not have what the stack has, or declares it otherwise",
		names:  taken(before, now), Before: before, Now: now,
	}, nil
}

// taken names the tables, and of those that stay the columns, that a schema takes away
// from another one. A table whose set goes is taken away from requests. A lookup that has lost nothing but a table that goes is not named
// besides the table.
func taken(before, now *schema.Schema) (names []string) {
	gone := func(t schema.Target) bool { return now.Table(t.Table) == nil }
	for _, change := range before.Changes(now) {
		name := change.Table.Name
		if now.Table(name) != nil {
			left := *change.Column
			left.Targets = slices.DeleteFunc(slices.Clone(left.Targets), gone)
			if change.Now != nil && change.Now.Takes(&left) {
				continue
			}
			name += "." + change.Column.Name
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	for _, t := range before.Hidden(now) {
		if !slices.Contains(names, t.Name) {
			names = append(names, t.Name)
		}
	}
	return names
}
