package filter

import (
	"errors"
	"time"

	"segue/internal/filter/calendar"
	"segue/internal/schema"
)

// Asks is what conditions must know beyond the columns of the row that they are
// evaluated on.
type Asks uint8

// What conditions may ask.
const (
	AsksZone   Asks = 1 << iota // the zone, or the fiscal year, of dates
	AsksNow                     // the time of the evaluation
	AsksCaller                  // who asks
	AsksRows                    // rows that the row points at, or that point at it
)

// AsksAnything allows all conditions. A program that has no [Scope] allows none of
// them: what a background engine decides must follow from the row alone, or a change
// that touches no column of it would change the decision.
const AsksAnything = AsksZone | AsksNow | AsksCaller | AsksRows

// Scope is what a program may ask beyond the row. It is not changed by an evaluation.
type Scope struct {
	Now     time.Time
	Zone    *time.Location // of dates; nil: UTC
	Week    time.Weekday   // first day of a week; Sunday as in Dataverse in US English
	Fiscal  calendar.Fiscal
	Caller  *Caller     // nil where there is none, in a background engine
	Related RelatedRows // nil where related rows are not available
}

// Caller is who asks, for the operators that compare with them: ids in lower case.
type Caller struct {
	User  string
	Unit  string // business unit
	Teams []string
}

// RelatedRows reads rows that are related to the one that a program is evaluated on.
// [Program.Needs] tells beforehand which, so that they can be read for many rows at
// once.
type RelatedRows interface {
	// One returns the row that a lookup of row points at, nil for none.
	One(row Row, nav schema.Nav) (Row, error)
	// Any reports whether inner holds for at least one of the rows that point at row
	// by r, whose Many is true.
	Any(row Row, r schema.Relation, inner *Program) (bool, error)
	// Above returns the ids of the rows above one of a hierarchical table, the nearest
	// first: at most MaxLevels, none twice, and not that one itself.
	Above(t *schema.Table, id string) ([]string, error)
}

// Finder is [RelatedRows] that can also tell people what they have found.
type Finder interface {
	// Found names the row by which a condition on related rows was answered, for which
	// inner holds or which there is only one of; "" for none.
	Found(row Row, r schema.Relation, inner *Program) string
	// Shows reports whether people may be told values of a related row.
	Shows(row Row) bool
}

// Reasons why a program cannot be evaluated in a scope.
var (
	errNoNow    = errors.New("the condition is relative to the time, which is not given")
	errNoCaller = errors.New("the condition is relative to the caller, and there is none")
	errNoRows   = errors.New("the condition is on related rows, which are not available")
)

func (s *Scope) calendar() calendar.Calendar {
	if s == nil {
		return calendar.Calendar{}
	}
	return calendar.Calendar{Zone: s.Zone, Week: s.Week, Fiscal: s.Fiscal}
}

// Asks returns what the conditions anywhere in g ask beyond the row.
func (g *Group) Asks() Asks {
	var all Asks
	walk(g, nil, func(n Node, _ *place) bool {
		all |= asksOf(n)
		return true
	})
	return all
}

// CheckAsks refuses a filter that asks for more than may. Its error is an *[Error] that
// names the first node that does.
func (g *Group) CheckAsks(may Asks) error {
	var err error
	walk(g, nil, func(n Node, path *place) bool {
		if beyond := asksOf(n) &^ may; beyond != 0 {
			err = errorAt(path, "%s", beyond.refusal(n))
		}
		return err == nil
	})
	return err
}

// asksOf returns what a node asks by itself, without its items.
func asksOf(n Node) Asks {
	switch n := n.(type) {
	case *Related:
		return AsksRows
	case *Condition:
		if len(n.Path) > 0 {
			return n.Operator.asks() | AsksRows
		}
		return n.Operator.asks()
	}
	return 0
}

// refusal says what is wrong with a node that asks for what it may not.
func (a Asks) refusal(n Node) string {
	what := "conditions on related rows"
	switch n := n.(type) {
	case *Related:
		what += " (" + n.Relationship + ")"
	case *Condition:
		if len(n.Path) > 0 {
			what += " (" + n.name() + ")"
		}
		switch {
		case len(n.Path) == 0 && a&AsksRows != 0:
			what = "operator " + string(n.Operator) + " asks for the rows above others; it"
		case a&AsksCaller != 0:
			what = "operator " + string(n.Operator) + " is relative to the caller, and there is none here; it"
		case a&AsksNow != 0:
			what = "operator " + string(n.Operator) + " is relative to the time, and nothing changes here when time passes; it"
		case a&AsksZone != 0:
			what = "operator " + string(n.Operator) + " depends on a time zone, and there is none here; it"
		}
	}
	return what + " cannot be evaluated"
}

// walk visits the nodes below g in the order of the text, with their places, which visit
// does not keep, until it returns false.
func walk(g *Group, path *place, visit func(n Node, path *place) bool) bool {
	if g == nil {
		return true
	}
	at := path.item(0)
	for i, item := range g.Items {
		at.number = i
		if !visit(item, at) {
			return false
		}
		switch item := item.(type) {
		case *Group:
			if !walk(item, at, visit) {
				return false
			}
		case *Related:
			if !walk(item.Filter, at.filter(), visit) {
				return false
			}
		}
	}
	return true
}
