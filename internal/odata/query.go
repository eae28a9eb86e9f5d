package odata

import (
	"errors"

	"segue/internal/odata/uri"
	"segue/internal/schema"
)

// The query options of a request.
type (
	// Query is the query options of a request.
	Query = uri.Query
	// Order is what rows are ordered by.
	Order = uri.Order
	// Expand is a navigation property whose rows come with the row.
	Expand = uri.Expand
)

// ParseQuery reads the query string of a request on rows of t, still encoded.
func ParseQuery(s *schema.Schema, t *schema.Table, rawQuery string) (Query, error) {
	if len(rawQuery) > MaxBatchURL {
		return Query{}, Errorf(BadRequest, "the query string has %d bytes; the limit is %d", len(rawQuery), MaxBatchURL).Exceeds("UrlBytes", MaxBatchURL, len(rawQuery))
	}
	q, err := uri.ParseQuery(s, t, rawQuery)
	return q, FromURI(err)
}

// SelectOnly refuses the options that have no meaning where one row is asked
// for or returned.
func SelectOnly(q Query) error {
	if q.Filter != nil || q.Top != nil || q.SkipToken != "" || q.DeltaToken != "" || q.Order != nil || q.Count {
		return Errorf(BadRequest, "only $select and $expand may be used in a request for one row")
	}
	return nil
}

// FromURI returns the error of a part of a URL, a *uri.Error, as an *Error, and any other
// as it is.
func FromURI(err error) error {
	wrong, ok := errors.AsType[*uri.Error](err)
	if !ok {
		return err
	}
	if wrong.Unsupported {
		return Errorf(NotImplemented, "%s", wrong.Error())
	}
	return Errorf(BadRequest, "%s", wrong.Error()).Exceeds(wrong.Limit, wrong.Most, wrong.Used)
}
