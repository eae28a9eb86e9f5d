package check

import (
	"encoding/json"
	"slices"
	"strings"

	"segue/internal/filter"
	"segue/internal/sales/sequence"
	"segue/internal/schema"
	"segue/internal/schema/name"
	"segue/internal/strictjson"
)

// The columns of a record that say where it is in a business process.
const (
	processColumn = "processid"
	stageColumn   = "stageid"
)

// mayAsk is what a condition may ask beyond the record, as those of segments do.
const mayAsk = filter.AsksZone | filter.AsksNow | filter.AsksRows

// MaxChain is how many other sequences a definition may lead over, by "advance": activation
// relies on all of them, and a commit has at most 100 rows.
const MaxChain = 50

// question checks what a condition asks.
func (c *checker) question(i int) {
	step, q := c.Steps[i], c.Steps[i].If
	previous := c.before[i]
	switch {
	case len(q.Emails) > 0 && (previous == nil || !email(*previous)):
		c.bad(i, "asks about an email and does not directly follow one")
	case len(q.Emails) > 0 && step.Wait.IsZero():
		c.bad(i, `asks about an email and has no limit ("within", for example {"days":2}): nothing can have come of the email by then, so its yes branch is never reached`)
	case len(q.Calls) > 0 && (previous == nil || previous.Type != sequence.PhoneCall):
		c.bad(i, "asks about a phone call and does not directly follow one")
	case q.Filter != "":
		c.filter(i)
	case q.Process != "" && (c.table.Column(processColumn) == nil || c.table.Column(stageColumn) == nil):
		c.bad(i, "asks for the stage of a business process, and %s has no columns %s and %s", c.table.Name, processColumn, stageColumn)
	}
	if q.Early && step.Wait.IsZero() {
		c.bad(i, `goes on early ("early") and has no limit ("within") before which it could`)
	}
}

// filter checks a condition on the record.
func (c *checker) filter(i int) {
	group, err := filter.Parse(c.world.Schema, c.table.Name, c.Steps[i].If.Filter)
	if err == nil {
		_, err = filter.Compile(c.world.Schema, c.table.Name, group, mayAsk)
	}
	switch {
	case err != nil:
		c.bad(i, "has a filter that cannot be evaluated: %v", err)
	case group.Conditions() == 0:
		c.bad(i, "has a filter without conditions, which every record meets: its no branch is never reached")
	}
}

// test checks the branches of an A/B test.
func (c *checker) test(i int) {
	step := c.Steps[i]
	for _, branch := range []sequence.Branch{sequence.A, sequence.B} {
		called := step.Type.Branch(branch)
		within := c.within(step, branch)
		switch {
		case !slices.ContainsFunc(within, func(s sequence.Step) bool { return s.Type.Counted() }):
			c.bad(i, "has no step in branch %s; a test compares two", called)
		case step.Test.Metric != sequence.MetricCompleted && !slices.ContainsFunc(within, email):
			c.bad(i, "is decided by emails that are %s, and has none in branch %s", step.Test.Metric, called)
		}
	}
}

// within returns the steps that are written in a branch.
func (c *checker) within(step sequence.Step, branch sequence.Branch) (steps []sequence.Step) {
	prefix := step.Path + "." + step.Type.Branch(branch) + "."
	for _, other := range c.Steps {
		if strings.HasPrefix(other.Path, prefix) {
			steps = append(steps, other)
		}
	}
	return steps
}

// advance checks the sequence to which a step leads.
func (c *checker) advance(i int) {
	to := c.Steps[i].Advance
	other, ok := c.world.Sequences[to]
	switch {
	case to == c.Sequence:
		c.bad(i, "advances to its own sequence")
	case !ok:
		c.bad(i, "advances to sequence %s, which is not there", to)
	case other.Table != c.table.Name:
		c.bad(i, "advances to sequence %q, which is for records of %s; those of this sequence are of %s", other.Name, other.Table, c.table.Name)
	case !other.Active:
		c.bad(i, "advances to sequence %q, which is not active", other.Name)
	default:
		if way, back := c.back([]name.SequenceID{to}, map[name.SequenceID]bool{}); back {
			c.bad(i, "advances to %s, which leads back to this sequence", c.names(way))
		}
	}
}

// back looks for a way from the last of some sequences to the one that is checked.
func (c *checker) back(way []name.SequenceID, seen map[name.SequenceID]bool) ([]name.SequenceID, bool) {
	last := way[len(way)-1]
	if seen[last] {
		return nil, false
	}
	seen[last] = true
	for _, next := range c.world.Sequences[last].Advances {
		if next == c.Sequence {
			return way, true
		}
		if found, back := c.back(append(slices.Clone(way), next), seen); back {
			return found, true
		}
	}
	return nil, false
}

func (c *checker) names(way []name.SequenceID) string {
	names := make([]string, len(way))
	for i, id := range way {
		names[i] = `"` + c.world.Sequences[id].Name + `"`
	}
	return strings.Join(names, " and then ")
}

// wrongValue says why a column cannot be set to a value, "" where it can.
func wrongValue(column *schema.Column, text json.RawMessage) string {
	var v any
	if err := strictjson.Decode(text, &v); err != nil {
		return err.Error()
	}
	if v == nil {
		return "it may be one of its options"
	}
	if _, err := column.FromJSON(v); err != nil {
		return err.Error()
	}
	return ""
}
