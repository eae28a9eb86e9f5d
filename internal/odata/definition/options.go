package definition

import (
	"slices"
	"strconv"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/odata"
	"segue/internal/odata/uri"
)

// options is the query options of a request, or of an expanded property.
type options struct {
	names  []string // of $select, nil for all
	filter predicate
	expand []expanded
	count  bool
	top    int // -1: all
}

// expanded is a navigation property whose objects stand in the response.
type expanded struct {
	nav *nav
	options
}

// maxExpand is how deep $expand may be nested.
const maxExpand = 4

// readOptions reads a query string.
func readOptions(shape *object, rawQuery string) (options, error) {
	given, _, err := uri.SplitQuery(rawQuery)
	if err != nil {
		return options{}, odata.FromURI(err)
	}
	return optionsOf(shape, given, 0)
}

// optionsOf reads options by name and value. Names without $ are of the service, and
// have no meaning here.
func optionsOf(shape *object, given []uri.Option, depth int) (o options, err error) {
	o.top = -1
	seen := map[string]bool{}
	for _, option := range given {
		name := strings.TrimSpace(option.Name)
		if !strings.HasPrefix(name, "$") {
			continue
		}
		if seen[name] {
			return o, odata.Errorf(odata.BadRequest, "the query option '%s' is given twice", excerpt.Of(name))
		}
		seen[name] = true
		if err := o.set(shape, name, option.Value, depth); err != nil {
			return o, err
		}
	}
	return o, nil
}

func (o *options) set(shape *object, name, value string, depth int) (err error) {
	switch name {
	case "$select":
		o.names, err = selection(shape, value)
	case "$filter":
		o.filter, err = parseFilter(shape, value)
	case "$expand":
		o.expand, err = expansion(shape, value, depth)
	case "$count":
		if o.count = value == "true"; !o.count && value != "false" {
			err = odata.Errorf(odata.BadRequest, "$count must be true or false, not '%s'", excerpt.Of(value))
		}
	case "$top":
		if o.top, err = strconv.Atoi(value); err != nil || o.top < 0 {
			err = odata.Errorf(odata.BadRequest, "$top must be a whole number of 0 or more, not '%s'", excerpt.Of(value))
		}
	default: // $orderby and $skip among them: Dataverse refuses them in these words
		err = odata.Errorf(odata.BadRequest, "The query parameter %s is not supported", excerpt.Of(name))
	}
	return err
}

// selection reads the text of a $select; a comma at its end does no harm.
func selection(shape *object, value string) ([]string, error) {
	names := []string{}
	for part := range strings.SplitSeq(value, ",") {
		name := strings.TrimSpace(part)
		if name == "" || slices.Contains(names, name) {
			continue
		}
		if name == "*" {
			return nil, nil
		}
		if shape.property(name) == nil && shape.nav(name) == nil {
			return nil, noProperty(shape, name)
		}
		names = append(names, name)
	}
	return names, nil
}

// expansion reads the text of an $expand.
func expansion(shape *object, value string, depth int) ([]expanded, error) {
	if depth == maxExpand {
		return nil, odata.Errorf(odata.BadRequest, "$expand is nested deeper than %d", maxExpand)
	}
	var list []expanded
	items, closed := uri.Split(value, ',')
	if !closed {
		return nil, odata.Errorf(odata.BadRequest, "$expand: a quote or bracket is not closed in '%s'", excerpt.Of(value))
	}
	for _, item := range items {
		name, inner, nested := strings.Cut(strings.TrimSpace(item), "(")
		if name == "" && !nested {
			continue
		}
		n := shape.nav(name)
		if n == nil {
			return nil, noProperty(shape, name)
		}
		var given []uri.Option
		if nested {
			inner, closed := strings.CutSuffix(inner, ")")
			if !closed {
				return nil, odata.Errorf(odata.BadRequest, "$expand: ')' expected at the end of '%s'", excerpt.Of(item))
			}
			options, _ := uri.Split(inner, ';') // closed, as what encloses it is
			for _, option := range options {
				name, value, _ := strings.Cut(option, "=")
				given = append(given, uri.Option{Name: name, Value: value})
			}
		}
		o, err := optionsOf(n.get().shape, given, depth+1)
		if err != nil {
			return nil, err
		}
		list = append(list, expanded{n, o})
	}
	return list, nil
}

func noProperty(shape *object, name string) error {
	return odata.Errorf(odata.BadRequest, "Could not find a property named '%s' on type '%s%s'.", excerpt.Of(name), odata.Namespace, shape.kind())
}
