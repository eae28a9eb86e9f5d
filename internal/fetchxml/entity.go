package fetchxml

import (
	"fmt"
	"slices"
	"strconv"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/schema"
)

// parser makes a query of elements.
type parser struct {
	schema    *schema.Schema
	aliases   map[string]bool
	links     int
	aggregate bool
}

func (p *parser) fetch(e *element) (*Fetch, error) {
	if e.name != "fetch" {
		return nil, e.errorf(Malformed, "the root element must be fetch, not %s", excerpt.Of(e.name))
	}
	f := &Fetch{Cookie: e.value("paging-cookie")}
	e.ignore("mapping", "version", "output-format", "no-lock", "latematerialize", "useraworderby", "options")
	if err := e.numbers(f); err != nil {
		return nil, err
	}
	for name, flag := range map[string]*bool{"returntotalrecordcount": &f.Total, "distinct": &f.Distinct, "aggregate": &f.Aggregate} {
		var err error
		if *flag, err = e.flag(name); err != nil {
			return nil, err
		}
	}
	if err := e.finish(); err != nil {
		return nil, err
	}
	if f.Top > 0 && f.Page > 0 {
		return nil, e.errorf(Malformed, "top and page cannot be used together")
	}
	if len(e.children) != 1 || e.children[0].name != "entity" {
		return nil, e.errorf(Malformed, "fetch must have exactly one entity element")
	}
	p.aggregate = f.Aggregate
	entity := e.children[0]
	table, err := p.table(entity)
	if err != nil {
		return nil, err
	}
	if err := entity.finish(); err != nil {
		return nil, err
	}
	return f, p.entity(&f.Entity, table, entity)
}

// numbers reads the attributes of fetch that are whole numbers.
func (e *element) numbers(f *Fetch) error {
	for _, number := range []struct {
		name string
		to   *int
		most int
	}{{"top", &f.Top, MaxTop}, {"count", &f.Count, MaxTop}, {"page", &f.Page, 1 << 20}} {
		text, ok := e.attribute(number.name)
		if !ok {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > number.most {
			return e.errorf(Malformed, "%s is %q; it must be a whole number from 1 to %d", number.name, excerpt.Of(text), number.most)
		}
		*number.to = n
	}
	return nil
}

// table returns the table that an entity or a link names.
func (p *parser) table(e *element) (*schema.Table, error) {
	name, err := e.need("name")
	if err != nil {
		return nil, err
	}
	t := p.schema.Table(name)
	if t == nil || t.Set == "" {
		return nil, e.errorf(NoEntity, "The entity with a name = '%s' was not found", excerpt.Of(name))
	}
	return t, nil
}

// entity reads what an entity or a link has inside.
func (p *parser) entity(to *Entity, t *schema.Table, e *element) error {
	to.Table, to.Where = t, &filter.Group{Logic: filter.And}
	for _, child := range e.children {
		var err error
		switch child.name {
		case "all-attributes":
			to.All, err = true, child.finish()
		case "no-attrs":
			err = child.finish()
		case "attribute":
			err = p.attribute(to, child)
		case "order":
			err = p.order(to, child)
		case "filter":
			err = p.addFilter(to.Where, t, child)
		case "link-entity":
			err = p.link(to, child)
		default:
			err = child.errorf(NotServed, "the element %s is not served", excerpt.Of(child.name))
		}
		if err != nil {
			return err
		}
	}
	if p.aggregate && to.All {
		return e.errorf(Malformed, "an aggregate query must name its attributes: all-attributes is not allowed")
	}
	if err := filter.Check(p.schema, t.Name, to.Where); err != nil {
		return e.errorf(Malformed, "%v", err)
	}
	return nil
}

// column returns the column that an element's attribute names.
func (p *parser) column(t *schema.Table, e *element, attribute string) (*schema.Column, error) {
	name, err := e.need(attribute)
	if err != nil {
		return nil, err
	}
	if c := t.Column(name); c != nil && c.Write != schema.Hidden {
		return c, nil
	}
	return nil, e.errorf(NoAttribute, "'%s' entity doesn't contain attribute with Name = '%s'", t.Name, excerpt.Of(name))
}

func (p *parser) attribute(to *Entity, e *element) error {
	c, err := p.column(to.Table, e, "name")
	if err != nil {
		return err
	}
	a := Attribute{Column: c, Alias: e.value("alias"), Part: e.value("dategrouping"), Aggregate: e.value("aggregate")}
	if a.GroupBy, err = e.flag("groupby"); err != nil {
		return err
	}
	if a.Distinct, err = e.flag("distinct"); err != nil {
		return err
	}
	if err := e.finish(); err != nil {
		return err
	}
	if err := p.checkAttribute(e, a); err != nil {
		return err
	}
	if a.Alias != "" {
		if p.aliases[a.Alias] {
			return e.errorf(Malformed, "the alias %s is used twice", excerpt.Of(a.Alias))
		}
		p.aliases[a.Alias] = true
	}
	to.Attributes = append(to.Attributes, a)
	return nil
}

// checkAttribute refuses what does not go together.
func (p *parser) checkAttribute(e *element, a Attribute) error {
	switch {
	case !p.aggregate && (a.GroupBy || a.Aggregate != "" || a.Part != ""):
		return e.errorf(Malformed, "groupby and aggregate need a fetch with aggregate='true'")
	case !p.aggregate:
		return nil
	case a.Alias == "":
		return e.errorf(Malformed, "the attribute %s of an aggregate query needs an alias", a.Column.Name)
	case a.GroupBy == (a.Aggregate != ""):
		return e.errorf(Malformed, "the attribute %s of an aggregate query needs either groupby or aggregate", a.Column.Name)
	case a.Part != "" && !a.GroupBy:
		return e.errorf(Malformed, "dategrouping can only be used with groupby")
	case a.Distinct && a.Aggregate != "countcolumn":
		return e.errorf(Malformed, "distinct can only be used with the aggregate countcolumn")
	case a.Aggregate != "" && !slices.Contains([]string{"count", "countcolumn", "sum", "avg", "min", "max"}, a.Aggregate):
		return e.errorf(Malformed, "the aggregate is %q; it must be count, countcolumn, sum, avg, min or max", excerpt.Of(a.Aggregate))
	}
	return nil
}

func (p *parser) order(to *Entity, e *element) (err error) {
	o := Order{Alias: e.value("alias")}
	if o.Descending, err = e.flag("descending"); err != nil {
		return err
	}
	switch _, named := e.attribute("attribute"); {
	case p.aggregate && o.Alias == "":
		return e.errorf(Malformed, "the order of an aggregate query must name an alias")
	case !p.aggregate && o.Alias != "":
		return e.errorf(Malformed, "an order must name an attribute; only in an aggregate query it names an alias")
	case named:
		if o.Column, err = p.column(to.Table, e, "attribute"); err != nil {
			return err
		}
	case o.Alias == "":
		return e.errorf(Malformed, "an order must name an attribute")
	}
	if err := e.finish(); err != nil {
		return err
	}
	to.Order = append(to.Order, o)
	return nil
}

func (p *parser) link(to *Entity, e *element) error {
	l := Link{}
	switch kind := e.value("link-type"); kind {
	case "", "inner":
	case "outer":
		l.Outer = true
	default:
		return e.errorf(NotServed, "the link-type %s is not served here: use inner or outer, or any or not any inside a filter", excerpt.Of(kind))
	}
	relation, err := p.join(to.Table, e)
	if err != nil {
		return err
	}
	e.ignore("intersect", "visible")
	if l.Alias = e.value("alias"); l.Alias == "" {
		l.Alias = fmt.Sprint(relation.Table.Name, p.links)
	}
	if err := e.finish(); err != nil {
		return err
	}
	if p.aliases[l.Alias] {
		return e.errorf(Malformed, "the alias %s is used twice", excerpt.Of(l.Alias))
	}
	p.aliases[l.Alias] = true
	l.Lookup, l.Many = relation.Column, relation.Many
	if err := p.entity(&l.Entity, relation.Table, e); err != nil {
		return err
	}
	to.Links = append(to.Links, l)
	return nil
}

// join returns the relationship by which a link joins its table to t: from a lookup to
// the primary key that it holds, or the other way round.
func (p *parser) join(t *schema.Table, e *element) (schema.Relation, error) {
	if p.links++; p.links > MaxLinks {
		return schema.Relation{}, e.errorf(Malformed, "more than %d link-entity elements", MaxLinks)
	}
	linked, err := p.table(e)
	if err != nil {
		return schema.Relation{}, err
	}
	from, err := p.column(linked, e, "from")
	if err != nil {
		return schema.Relation{}, err
	}
	to, err := p.column(t, e, "to")
	if err != nil {
		return schema.Relation{}, err
	}
	switch {
	case from.Name == linked.ID && pointsAt(to, linked):
		return schema.Relation{Name: relationship(to, linked), Table: linked, Column: to}, nil
	case to.Name == t.ID && pointsAt(from, t):
		return schema.Relation{Name: relationship(from, t), Table: linked, Column: from, Many: true}, nil
	}
	return schema.Relation{}, e.errorf(NotServed, "%s.%s and %s.%s are not a lookup and the key of its table; no other joins are served", linked.Name, from.Name, t.Name, to.Name)
}

// relationship returns the name of the relationship that a lookup makes with a table,
// "" for none.
func relationship(c *schema.Column, t *schema.Table) string {
	for _, target := range c.Targets {
		if target.Table == t.Name {
			return target.Relationship
		}
	}
	return ""
}

func pointsAt(c *schema.Column, t *schema.Table) bool { return relationship(c, t) != "" }
