package odata

import (
	"strings"

	"segue/internal/excerpt"
	"segue/internal/guid"
	"segue/internal/odata/uri"
)

// Fetch is how a request asks for a query in FetchXML: with its text, or by the id of a
// view that holds it. The zero Fetch is none.
type Fetch struct {
	Text   string // fetchXml
	View   string // savedQuery: the id
	Own    string // userQuery: the id
	Resume string // $skiptoken, with a view
}

// ParseFetch reads the query options fetchXml, savedQuery and userQuery of a query string.
// There is one of them, and no other option of OData goes with it; but the next page of a
// view is asked for by $skiptoken.
func ParseFetch(rawQuery string) (Fetch, error) {
	if text := strings.ToLower(rawQuery); !strings.Contains(text, "fetchxml=") && !strings.Contains(text, "query=") {
		return Fetch{}, nil
	}
	options, _, err := uri.SplitQuery(rawQuery)
	if err != nil {
		return Fetch{}, FromURI(err)
	}
	var f Fetch
	given, other := "", ""
	for _, option := range options {
		to := f.option(option.Name)
		switch {
		case option.Name == "$skiptoken":
			f.Resume = strings.TrimSuffix(option.Value, "/") // which some clients append
		case to == nil && strings.HasPrefix(option.Name, "$"):
			other = option.Name
		case to == nil:
		case given == option.Name:
			return Fetch{}, Errorf(BadRequest, "the query option '%s' is given twice", given)
		case given != "":
			return Fetch{}, Errorf(BadRequest, "the query options '%s' and '%s' cannot be used together", given, option.Name)
		case option.Value == "":
			return Fetch{}, Errorf(BadRequest, "the query option '%s' is empty", option.Name)
		default:
			given, *to = option.Name, option.Value
		}
	}
	if f.Resume != "" && f.Text != "" {
		other = "$skiptoken"
	}
	if given == "" {
		return Fetch{}, nil
	}
	if other != "" {
		return Fetch{}, Errorf(BadRequest, "the query option '%s' cannot be used together with %s", excerpt.Of(other), given)
	}
	return f, f.checkID(given)
}

// option returns where the value of a query option goes, nil for those that are not about
// FetchXML.
func (f *Fetch) option(name string) *string {
	switch name {
	case "fetchXml":
		return &f.Text
	case "savedQuery":
		return &f.View
	case "userQuery":
		return &f.Own
	}
	return nil
}

// checkID brings the id of a view into its form.
func (f *Fetch) checkID(given string) error {
	if given == "fetchXml" {
		return nil
	}
	id := f.option(given)
	text, ok := guid.Parse(*id)
	if !ok {
		return Errorf(BadRequest, "%s is '%s'; it must be the GUID of a view", given, excerpt.Of(*id))
	}
	*id = text
	return nil
}
