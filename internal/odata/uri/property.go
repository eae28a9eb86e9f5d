package uri

import (
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/schema"
)

// property is a column of the row, or at the end of a path from it.
type property struct {
	path   []string
	last   schema.Nav    // the end of path
	table  *schema.Table // whose column it is
	column *schema.Column
}

// property resolves the name of a property, or a path through lookups to one.
func (p *parser) property(f *frame, word token) (*property, error) {
	segments := strings.Split(word.text, "/")
	if f.variable != "" {
		if segments[0] != f.variable || len(segments) == 1 {
			return nil, p.errorAt(word.at, "a property of '%s' expected: '%s/' and its name", f.variable, f.variable)
		}
		segments = segments[1:]
	} else if segments[0] == "$it" {
		segments = segments[1:]
	}
	for _, segment := range segments {
		if strings.HasPrefix(segment, "$") {
			return nil, p.unsupported(word.at, "'%s' in a path", excerpt.Of(segment))
		}
	}
	found := &property{table: f.table}
	for len(segments) > 1 {
		nav, err := p.lookup(found.table, segments[0], word.at)
		if err != nil {
			return nil, err
		}
		found.path, found.last = append(found.path, segments[0]), nav
		found.table, segments = p.schema.Table(nav.Target.Table), segments[1:]
	}
	if len(found.path) > filter.MaxPath {
		return nil, p.exceeded("PathLookups", filter.MaxPath, len(found.path), word.at, "the path goes through %d lookups; the limit is %d", len(found.path), filter.MaxPath)
	}
	name := strings.Join(segments, "/")
	if found.column = Column(found.table, name); found.column == nil {
		return nil, p.errorAt(word.at, "%s", NoProperty(found.table, name))
	}
	if found.column.Shown {
		return nil, p.errorAt(word.at, "property '%s' is computed when a row is read; it can be used neither to filter nor to order", name)
	}
	return found, nil
}

// lookup returns a navigation property that a path can follow.
func (p *parser) lookup(t *schema.Table, name string, at int) (schema.Nav, error) {
	navs := Navs(t, name)
	if len(navs) == 1 {
		return navs[0], nil
	}
	if len(navs) > 1 {
		var tables []string
		for _, nav := range navs {
			tables = append(tables, nav.Target.Table)
		}
		return schema.Nav{}, p.errorAt(at, "'%s' may lead to rows of several tables (%s); a path goes through a navigation property to one", name, strings.Join(tables, ", "))
	}
	if _, ok := Collection(p.schema, t, name); ok {
		return schema.Nav{}, p.errorAt(at, "'%s' leads to many rows; use %s/any(x:x/…) or %s/all(x:x/…)", name, name, name)
	}
	return schema.Nav{}, p.errorAt(at, "%s", NoProperty(t, name))
}
