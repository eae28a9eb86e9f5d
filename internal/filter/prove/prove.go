// Package prove finds out whether any row could meet conditions, and shows one that
// would: whether a segment can match at all, and whether others leave it anything.
//
// Conditions tell only a few classes of a column's values apart, those between and at the
// constants that they compare it with. One value of each class stands for all of it, so
// trying these values is trying everything ([values]). What is not a comparison of one
// column with constants (the time, related rows, two columns, patterns) may come out
// either way for all that is known.
//
// Invariant: what is called impossible is: no row meets the goals. A row that is shown
// meets them.
package prove

import (
	"maps"
	"slices"

	"segue/internal/filter"
	"segue/internal/schema"
)

// Goal is a filter and whether it is to hold.
type Goal struct {
	Where *filter.Group
	Holds bool
}

// Answer is what was found out.
type Answer int

// The answers.
const (
	Unknown    Answer = iota // neither was proven, within the steps given
	Possible                 // a row was found
	Impossible               // there is none
)

// String names the answer.
func (a Answer) String() string { return [...]string{"unknown", "possible", "impossible"}[a] }

// Row is the columns of a row that matter; any other has any value, and one that is not
// there is null.
type Row map[string]schema.Value

// Value implements [filter.Row].
func (r Row) Value(column string) (schema.Value, error) { return r[column], nil }

// Work is how much may be done, by several searches together, in conditions that are
// evaluated. It bounds their time, which steps alone do not: a step evaluates all goals,
// and before the first one each condition on a column is tried with all of its values.
type Work struct{ left int }

// NewWork returns work of a number of conditions.
func NewWork(conditions int) *Work { return &Work{conditions} }

// take takes some of what is left, and reports whether there was as much.
func (w *Work) take(conditions int) bool {
	w.left -= conditions
	return w.left >= 0
}

// Find looks for a row of a table that meets all goals, in a number of steps at most and
// with the work that is left. Its error is that of a filter that is wrong.
func Find(s *schema.Schema, table string, goals []Goal, steps int, work *Work) (Row, Answer, error) {
	p := problem{schema: s, table: s.Table(table), atoms: map[string]int{}, steps: steps, work: work}
	for _, g := range goals {
		if err := filter.Check(s, table, g.Where); err != nil {
			return nil, Unknown, err
		}
		p.goals = append(p.goals, goal{p.group(g.Where), g.Holds})
		if !work.take(asRead * p.read) {
			return nil, Unknown, nil
		}
		p.read = 0
	}
	if err := p.split(); err != nil || work.left < 0 {
		return nil, Unknown, err
	}
	p.state = make([]truth, len(p.conditions))
	switch {
	case p.search(0, true):
		return p.found, Possible, nil
	case p.maybe || p.steps <= 0 || work.left < 0:
		return nil, Unknown, nil
	default:
		return nil, Impossible, nil
	}
}

// truth is what is known of a condition while values are tried.
type truth int8

const (
	open truth = iota
	yes
	no
)

func truthOf(holds bool) truth {
	if holds {
		return yes
	}
	return no
}

func (t truth) not() truth {
	switch t {
	case yes:
		return no
	case no:
		return yes
	default:
		return open
	}
}

// node is a filter whose conditions are numbered.
type node struct {
	items  []node // of a group
	or     bool
	atom   int // of a condition; -1 for a group
	negate bool
}

type goal struct {
	node  node
	holds bool
}

// problem is goals, and what has been found out about them.
type problem struct {
	schema *schema.Schema
	table  *schema.Table
	goals  []goal

	atoms      map[string]int // number of a condition by its text, which has no negation
	conditions []filter.Node  // by number
	parts      []part
	state      []truth // of each condition

	steps  int
	work   *Work
	read   int     // conditions that were numbered
	chosen []class // of each part so far
	maybe  bool    // all may be met, by values that were not found
	found  Row
}

// part is conditions that nothing ties to those of other parts: those on one column, or
// one condition of which nothing is known.
type part struct {
	column  string // "" for a condition of which nothing is known
	atoms   []int
	classes []class
}

// class is how the conditions of a part may come out together.
type class struct {
	truths []truth
	value  schema.Value // by which they do
	proven bool         // there is such a value
}

// group numbers the conditions of a tree.
func (p *problem) group(g *filter.Group) node {
	n := node{or: g != nil && g.Logic == filter.Or, atom: -1}
	if g == nil {
		return n
	}
	for _, item := range g.Items {
		switch item := item.(type) {
		case *filter.Group:
			n.items = append(n.items, p.group(item))
		case *filter.Condition:
			positive := *item
			var negated bool
			positive.Operator, negated = item.Operator.Positive()
			n.items = append(n.items, node{atom: p.number(&positive), negate: negated})
		case *filter.Related:
			positive := *item
			positive.Contains = true
			n.items = append(n.items, node{atom: p.number(&positive), negate: !item.Contains})
		}
	}
	return n
}

const (
	asRead = 20 // evaluations of a condition take as long as reading one
	inOne  = 8  // values of a condition are compared while another one is evaluated
)

// number returns the number of a condition, the same for the same text.
func (p *problem) number(condition filter.Node) int {
	p.read++
	text := alone(condition).String()
	n, ok := p.atoms[text]
	if !ok {
		n = len(p.conditions)
		p.atoms[text] = n
		p.conditions = append(p.conditions, condition)
	}
	return n
}

func alone(n filter.Node) *filter.Group {
	return &filter.Group{Logic: filter.And, Items: []filter.Node{n}}
}

// split makes the parts: conditions that compare one column with constants by column,
// each of the others by itself.
func (p *problem) split() error {
	byColumn := map[string][]int{}
	for n, condition := range p.conditions {
		if c, ok := condition.(*filter.Condition); ok && p.plain(c) {
			byColumn[c.Column] = append(byColumn[c.Column], n)
			continue
		}
		p.parts = append(p.parts, part{atoms: []int{n}, classes: []class{{truths: []truth{yes}}, {truths: []truth{no}}}})
	}
	for _, column := range slices.Sorted(maps.Keys(byColumn)) {
		one := part{column: column, atoms: byColumn[column]}
		if err := p.classify(&one); err != nil {
			return err
		}
		p.parts = append(p.parts, one)
	}
	// What can come out in few ways is settled first, so that a contradiction shows early.
	slices.SortStableFunc(p.parts, func(a, b part) int { return len(a.classes) - len(b.classes) })
	return nil
}

// plain reports whether a condition depends on one column alone, which depends on no
// other.
func (p *problem) plain(c *filter.Condition) bool {
	column := p.table.Column(c.Column)
	return len(c.Path) == 0 && c.Other == "" && alone(c).Asks() == 0 && len(column.Sources()) == 0 && column.Derived == ""
}

// maxMaybe is how many conditions with patterns a column may have for all combinations of
// them to be tried.
const maxMaybe = 8

// classify finds how the conditions on a column may come out together.
func (p *problem) classify(one *part) error {
	column := p.table.Column(one.column)
	var conditions []*filter.Condition
	var programs []*filter.Program
	cost := 0 // of trying one value
	for _, n := range one.atoms {
		c, _ := p.conditions[n].(*filter.Condition)
		program, err := filter.Compile(p.schema, p.table.Name, alone(c))
		if err != nil {
			return err
		}
		conditions, programs = append(conditions, c), append(programs, program)
		cost += 1 + len(c.Values)/inOne
	}
	if !p.work.take(asRead * len(programs)) {
		return nil
	}
	seen := map[string]bool{}
	key := make([]byte, len(programs))
	add := func(c class) {
		for i, t := range c.truths {
			key[i] = byte(t)
		}
		if !seen[string(key)] {
			seen[string(key)] = true
			one.classes = append(one.classes, c)
		}
	}
	for _, v := range values(column, conditions) {
		if !p.work.take(cost) {
			return nil
		}
		c := class{value: v, proven: true, truths: make([]truth, len(programs))}
		for i, program := range programs {
			holds, err := program.Match(Row{one.column: v})
			if err != nil {
				return err
			}
			c.truths[i] = truthOf(holds)
		}
		add(c)
	}
	return maybes(conditions, add)
}

// maybes adds how conditions on a text may come out that no value was found for: those
// that texts fit, or do not, in ways that are not worked out. A text that equals a
// constant was tried, and null was.
func maybes(conditions []*filter.Condition, add func(class)) error {
	if !slices.ContainsFunc(conditions, loose) {
		return nil
	}
	if len(conditions) > maxMaybe { // any combination, without telling them apart
		add(class{truths: make([]truth, len(conditions))})
		return nil
	}
	for set := range 1 << len(conditions) {
		c := class{truths: make([]truth, len(conditions))}
		possible := true
		for i, condition := range conditions {
			holds := set>>i&1 == 1
			c.truths[i] = truthOf(holds)
			possible = possible && (!holds || loose(condition))
		}
		if possible {
			add(c)
		}
	}
	return nil
}

// loose reports whether texts that were not tried may fit a condition.
func loose(c *filter.Condition) bool {
	switch c.Operator {
	case filter.Like, filter.Contains, filter.BeginsWith, filter.EndsWith:
		return true
	case filter.Gt, filter.Ge, filter.Lt, filter.Le, filter.Between:
		_, text := c.Values[0].Text()
		return text
	default:
		return false
	}
}

// search tries the classes of the parts from one on; proven is whether all that are
// chosen are. It reports whether a row was found.
func (p *problem) search(from int, proven bool) bool {
	if p.steps--; p.steps < 0 || p.work.left < 0 {
		return false
	}
	met := yes
	for _, g := range p.goals {
		switch got := p.eval(g.node); {
		case got == open:
			met = open
		case got != truthOf(g.holds):
			return false
		}
	}
	if met == yes && proven {
		p.show()
		return true
	}
	if from == len(p.parts) || met == yes {
		p.maybe = true // open, or by values that were not found
		return false
	}
	for _, c := range p.parts[from].classes {
		p.choose(from, c.truths)
		p.chosen = append(p.chosen, c)
		if p.search(from+1, proven && c.proven) {
			return true
		}
		p.chosen = p.chosen[:from]
	}
	p.choose(from, make([]truth, len(p.parts[from].atoms)))
	return false
}

func (p *problem) choose(part int, truths []truth) {
	for i, atom := range p.parts[part].atoms {
		p.state[atom] = truths[i]
	}
}

// eval evaluates a node on what is known.
func (p *problem) eval(n node) truth {
	if n.atom >= 0 {
		p.work.left--
		if n.negate {
			return p.state[n.atom].not()
		}
		return p.state[n.atom]
	}
	decisive, result := truthOf(n.or), truthOf(!n.or)
	for _, item := range n.items {
		got := p.eval(item)
		if got == decisive {
			return decisive
		}
		if got == open {
			result = open
		}
	}
	return result
}

// show keeps the row of what is chosen. What is not chosen does not matter.
func (p *problem) show() {
	p.found = Row{}
	for i, c := range p.chosen {
		if column := p.parts[i].column; column != "" && !c.value.IsNull() {
			p.found[column] = c.value
		}
	}
}
