package odata

import (
	"strings"

	"segue/internal/excerpt"
	"segue/internal/odata/uri"
)

// FetchXML returns the text of the query option fetchXml of a query string, "" where
// there is none. No other option of OData goes with it.
func FetchXML(rawQuery string) (string, error) {
	if !strings.Contains(strings.ToLower(rawQuery), "fetchxml=") {
		return "", nil
	}
	options, _, err := uri.SplitQuery(rawQuery)
	if err != nil {
		return "", fromURI(err)
	}
	text, others := "", ""
	for _, option := range options {
		switch {
		case option.Name == "fetchXml" && text != "":
			return "", Errorf(BadRequest, "the query option 'fetchXml' is given twice")
		case option.Name == "fetchXml" && option.Value == "":
			return "", Errorf(BadRequest, "the query option 'fetchXml' is empty")
		case option.Name == "fetchXml":
			text = option.Value
		case strings.HasPrefix(option.Name, "$"):
			others = option.Name
		}
	}
	if text != "" && others != "" {
		return "", Errorf(BadRequest, "the query option '%s' cannot be used together with fetchXml", excerpt.Of(others))
	}
	return text, nil
}
