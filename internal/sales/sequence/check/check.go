// Package check says what a definition would be refused for at activation (docs/domain.md
// §6.1): all of it, each with the step that it is about. What it must know beside the
// definition it is given as values: the tables, and the templates and sequences that the
// definition names.
//
// Invariant: a definition without a fault names nothing that is not there, every step of it
// can be reached, and every path of it ends.
package check

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"segue/internal/sales/sequence"
	"segue/internal/sales/sequence/language"
	"segue/internal/schema"
	"segue/internal/schema/name"
)

// World is what a definition is checked against.
type World struct {
	Schema    *schema.Schema
	Table     string                       // of the records of the sequence
	Templates map[string]Template          // by id: those that the definition names, as far as they are there
	Sequences map[name.SequenceID]Sequence // those to which the definition leads, over others too, as far as they are there
}

// Template is a template that a definition names.
type Template struct {
	Table string // of the records that it is for, "" for any
}

// Sequence is another sequence.
type Sequence struct {
	Name     string
	Table    string // of its records
	Active   bool
	Advances []name.SequenceID // to which its definition in use leads
}

// Templates returns the ids of the templates that a definition names, each once.
func Templates(d sequence.Definition) (ids []string) {
	for _, step := range d.Steps {
		if step.Template != "" && !slices.Contains(ids, step.Template) {
			ids = append(ids, step.Template)
		}
	}
	return ids
}

// Advances returns the sequences to which a definition leads, each once.
func Advances(d sequence.Definition) (ids []name.SequenceID) {
	for _, step := range d.Steps {
		if step.Advance != "" && !slices.Contains(ids, step.Advance) {
			ids = append(ids, step.Advance)
		}
	}
	return ids
}

// Text reads and checks the definition that the row of a sequence holds. The world is asked
// for what the definition names once it can be read. The faults are in the order of the
// steps, those of the whole at the end.
func Text(s *schema.Schema, id name.SequenceID, row schema.Columns, world func(sequence.Definition) (World, error)) (sequence.Definition, language.Errors, error) {
	text := row.Text(name.MsdynDefinition)
	if language.Foreign(text) {
		return sequence.Definition{Sequence: id}, language.Errors{{Detail: `is not in the format of Segue, which is {"segue":1,"steps":[…]} or a list of steps; it is kept as it is and cannot be activated`}}, nil
	}
	def, err := language.Read(s, id, row)
	if unread, ok := errors.AsType[language.Errors](err); ok {
		return def, unread, nil
	}
	known, err := world(def)
	if err != nil {
		return def, nil, err
	}
	faults := Definition(def, known)
	if _, fault := language.ParseExit(row.Text(name.MsdynSequenceexitcriterion)); fault != nil {
		faults = append(faults, fault)
	}
	return def, faults, nil
}

// Definition returns all that is wrong with a definition.
func Definition(d sequence.Definition, world World) language.Errors {
	c := &checker{Definition: d, world: world, table: world.Schema.Table(world.Table), before: before(d)}
	c.reached, c.leads = c.reach(), c.works()
	seen := map[sequence.StepID]bool{}
	for i, step := range d.Steps {
		if step.Name == "" {
			c.bad(i, "has no name")
		}
		if seen[step.ID] {
			c.bad(i, "has the id %s of an earlier step", step.ID)
		}
		seen[step.ID] = true
		c.flow(i)
		c.step(i)
	}
	c.whole()
	return c.faults
}

// checker gathers the faults of a definition.
type checker struct {
	sequence.Definition
	world   World
	table   *schema.Table
	before  []*sequence.Step // of each step the only one that can come before it, nil where there is none such
	reached []bool           // of each step, whether a target can come to it
	leads   []bool           // of each step, whether a step that does something can come after it
	faults  language.Errors
}

func (c *checker) bad(i int, format string, args ...any) {
	step := c.Steps[i]
	c.faults = append(c.faults, &language.Error{Path: step.Path, ID: step.ID, Detail: fmt.Sprintf(format, args...)})
}

// flow checks where a step stands.
func (c *checker) flow(i int) {
	step := c.Steps[i]
	advances := step.Type == sequence.AutoAction && step.Subtype == sequence.AdvanceToOther
	switch {
	case !c.reached[i]:
		c.bad(i, "is never reached: all that comes before it advances to other sequences; nothing may follow that")
	case advances && i == 0:
		c.bad(i, "is the first; advancing to another sequence may not be")
	case step.Type == sequence.Wait && step.Next == sequence.PathEnd:
		c.bad(i, "is a wait, and a wait may not be the last step")
	case step.Type == sequence.Wait && !c.leads[i]:
		c.bad(i, "is a wait after which nothing is done: all branches after it are empty, and a wait may not be the last step")
	}
}

// step checks what a step says by itself.
func (c *checker) step(i int) {
	step := c.Steps[i]
	switch step.Type {
	case sequence.Wait:
		if step.Wait.IsZero() {
			c.bad(i, "waits for nothing; a wait lasts from 1 hour to 30 days")
		}
	case sequence.Email, sequence.AutomatedEmail, sequence.TextMessage, sequence.AutomatedText:
		c.template(i)
	case sequence.Condition:
		c.question(i)
	case sequence.ABTest:
		c.test(i)
	case sequence.AutoAction:
		if step.Subtype == sequence.AdvanceToOther {
			c.advance(i)
		} else {
			c.set(i)
		}
	case sequence.PhoneCall, sequence.Task, sequence.LinkedIn:
	}
}

// whole checks what is about no single step.
func (c *checker) whole() {
	switch n := c.Tasks(); {
	case n == 0:
		c.faults = append(c.faults, &language.Error{Detail: "has no step that is not a wait"})
	case n > sequence.MaxSteps:
		c.faults = append(c.faults, language.TooMany("SequenceSteps", sequence.MaxSteps, n, fmt.Sprintf("has %d steps that are not waits; the limit is %d", n, sequence.MaxSteps)))
	}
	if n := len(c.world.Sequences); n > MaxChain {
		c.faults = append(c.faults, language.TooMany("AdvancedSequences", MaxChain, n, fmt.Sprintf("leads over %d other sequences or more; the limit is %d", n, MaxChain)))
	}
	if c.Exit.Replied && !slices.ContainsFunc(c.Steps, email) {
		c.faults = append(c.faults, &language.Error{Column: name.MsdynSequenceexitcriterion, Detail: "ends the sequence when an email is replied to, and there is no email step"})
	}
	c.owner()
}

// owner checks whose the steps are.
func (c *checker) owner() {
	bad := func(column, format string, args ...any) {
		c.faults = append(c.faults, &language.Error{Column: column, Detail: fmt.Sprintf(format, args...)})
	}
	switch c.Ownership {
	case sequence.RecordOwner, sequence.OwnerTeam, sequence.CurrentUser:
		return
	case sequence.AccessTeam:
		// It would fall to the record's owner, and nobody would learn that the team does nothing.
		bad(name.MsdynAssignsequencetype, "is %d, the access team of the record, and no record has one here; use %d for the owner of the record, %d for a column of it that names a user or a team, or %d for who connects it",
			c.Ownership, sequence.RecordOwner, sequence.RecordField, sequence.CurrentUser)
		return
	case sequence.RecordField:
	default:
		bad(name.MsdynAssignsequencetype, "is %d, which says not whose the steps are", c.Ownership)
		return
	}
	column := c.table.Column(c.OwnerField)
	switch {
	case c.OwnerField == "":
		bad(name.MsdynAssignsequencefieldname, "is empty, and the steps are those of a column of the record (%s %d)", name.MsdynAssignsequencetype, c.Ownership)
	case column == nil || column.Write == schema.Hidden:
		bad(name.MsdynAssignsequencefieldname, "is %q, which is no column of %s", c.OwnerField, c.table.Name)
	case column.Type != schema.LookupTo || !slices.ContainsFunc(column.Targets, func(t schema.Target) bool { return t.Table == name.User || t.Table == name.Team }):
		bad(name.MsdynAssignsequencefieldname, "is %q, which points at no users or teams", c.OwnerField)
	}
}

func email(step sequence.Step) bool {
	return step.Type == sequence.Email || step.Type == sequence.AutomatedEmail
}

// template checks the template of what is sent.
func (c *checker) template(i int) {
	step := c.Steps[i]
	found, ok := c.world.Templates[step.Template]
	switch {
	case step.Template == "" && step.Type.BySystem():
		c.bad(i, "has no template; what the system sends needs one")
	case step.Template == "":
	case !ok:
		c.bad(i, "has template %s, which is not there", step.Template)
	case found.Table != "" && found.Table != c.table.Name:
		c.bad(i, "has template %s, which is for records of %s; those of the sequence are of %s", step.Template, found.Table, c.table.Name)
	}
}

// set checks the column and the value of an "update field" step.
func (c *checker) set(i int) {
	set := c.Steps[i].Set
	column := c.table.Column(set.Column)
	switch {
	case column == nil || column.Write == schema.Hidden:
		c.bad(i, "sets %q, which is no column of %s", set.Column, c.table.Name)
		return
	case column.Type != schema.Boolean && column.Type != schema.Choice:
		c.bad(i, "sets %s, which is of type %s; it may be of type %s or %s", set.Column, column.Type, schema.Boolean, schema.Choice)
		return
	case column.Write != schema.Always || column.Derived != "" || len(column.Sources()) > 0 || column.Rollup != nil || column.Shown:
		c.bad(i, "sets %s, which cannot be written", set.Column)
		return
	}
	if detail := wrongValue(column, set.Value); detail != "" {
		c.bad(i, "sets %s to %s: %s", set.Column, strings.TrimSpace(string(set.Value)), detail)
	}
}
