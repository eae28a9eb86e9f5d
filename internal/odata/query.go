package odata

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/filter"
	"segue/internal/schema"
)

// Query is the query options of a request.
type Query struct {
	Select    []string      // columns by logical name, in the order of the request; nil: all
	Filter    *filter.Group // nil: every row
	Top       *int          // rows at most, ≥ 0; nil: not given
	SkipToken string        // where to go on, the token that NextLink was given; "": from the start
}

// ParseQuery reads the query string of a request on rows of t, still encoded. Names with a $ are OData's and case-sensitive; other names are
// ignored, except those with a meaning that this version does not serve.
func ParseQuery(s *schema.Schema, t *schema.Table, rawQuery string) (Query, error) {
	if len(rawQuery) > MaxURL {
		return Query{}, Errorf(BadRequest, "the query string has %d bytes, the limit is %d", len(rawQuery), MaxURL)
	}
	var q Query
	seen := map[string]bool{}
	for pair := range strings.SplitSeq(rawQuery, "&") {
		name, value, err := decodePair(pair)
		if err != nil {
			return Query{}, err
		}
		if strings.HasPrefix(name, "$") && seen[name] {
			return Query{}, Errorf(BadRequest, "the query option '%s' is given twice", excerpt.Of(name))
		}
		seen[name] = true
		if err := q.option(s, t, name, value); err != nil {
			return Query{}, err
		}
	}
	return q, nil
}

// SelectOnly refuses the options that have no meaning where one row is asked
// for or returned.
func (q Query) SelectOnly() error {
	if q.Filter != nil || q.Top != nil || q.SkipToken != "" {
		return Errorf(BadRequest, "only $select may be used in a request for one row")
	}
	return nil
}

// decodePair decodes one option of a query string.
func decodePair(pair string) (name, value string, err error) {
	name, value, _ = strings.Cut(pair, "=")
	if name, err = url.QueryUnescape(name); err == nil {
		value, err = url.QueryUnescape(value)
	}
	if err != nil {
		return "", "", Errorf(BadRequest, "the query option '%s' is not percent-encoded correctly", excerpt.Of(pair))
	}
	return name, value, nil
}

// option reads one option into q.
func (q *Query) option(s *schema.Schema, t *schema.Table, name, value string) (err error) {
	switch name {
	case "$select":
		q.Select, err = parseSelect(t, value)
		return err
	case "$filter":
		q.Filter, err = parseFilter(s, t, value)
		return err
	case "$top":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return Errorf(BadRequest, "$top must be a whole number of 0 or more, not '%s'", excerpt.Of(value))
		}
		q.Top = &n
		return nil
	case "$skiptoken": // some clients put a slash at the end of the whole link
		q.SkipToken = strings.TrimSuffix(value, "/")
		return nil
	case "$count":
		if value == "false" {
			return nil
		}
		return notServed("the query option", name+"="+value)
	}
	return refuseOption(name)
}

// refuseOption returns the error of an option that is not read, nil for those
// that may be ignored.
func refuseOption(name string) error {
	switch name {
	case "$orderby", "$expand", "$apply", "$deltatoken", "fetchXml", "savedQuery", "userQuery", "sql":
		return notServed("the query option", name)
	case "$skip":
		return Errorf(BadRequest, "Skip Clause is not supported in CRM")
	}
	switch {
	case strings.HasPrefix(name, "@"):
		return notServed("the parameter alias", name)
	case strings.HasPrefix(name, "$"):
		return Errorf(BadRequest, "the query option '%s' is not supported", excerpt.Of(name))
	}
	return nil
}

// parseSelect reads a comma list of columns; one that comes twice counts once.
func parseSelect(t *schema.Table, list string) ([]string, error) {
	var columns []string
	for name := range strings.SplitSeq(list, ",") {
		column := columnOf(t, strings.TrimSpace(name))
		if column == nil {
			return nil, noProperty(t, strings.TrimSpace(name))
		}
		if !slices.Contains(columns, column.Name) {
			columns = append(columns, column.Name)
		}
	}
	return columns, nil
}
