package batch

import (
	"net/url"
	"strings"

	"segue/internal/excerpt"
	"segue/internal/odata"
)

// Target is what the URL of an inner request leads to.
type Target struct {
	Version string // of the API, "" where the URL has none: that of the batch
	Path    string // after the service root, percent-decoded
	Query   string // as it was written, but for blanks, which are encoded
}

// Target reads the URL of an inner request. A Content-ID at the start of the path stands for
// the row of an earlier request of the same change set.
func (r Request) Target(references odata.References) (Target, error) {
	if len(r.URL) > odata.MaxBatchURL {
		return Target{}, odata.Errorf(odata.BadRequest, "the URL has %d bytes, the limit in a batch is %d", len(r.URL), odata.MaxBatchURL)
	}
	path, query, _ := strings.Cut(r.URL, "?")
	decoded, err := url.PathUnescape(path)
	if err != nil {
		return Target{}, odata.Errorf(odata.BadRequest, "the URL '%s' is not percent-encoded correctly", excerpt.Of(path))
	}
	t := Target{Path: decoded, Query: strings.ReplaceAll(query, " ", "%20")} // links to next pages repeat it
	switch root := strings.Index(decoded, odata.APIRoot); {
	case root == 0, root > 0 && absolute(decoded):
		var known bool
		if t.Version, t.Path, known = odata.ParseVersion(decoded[root:]); !known {
			return Target{}, odata.NoSegment(decoded)
		}
	case absolute(decoded), strings.HasPrefix(decoded, "/") && !strings.HasPrefix(decoded, "/$"):
		return Target{}, odata.NoSegment(decoded)
	default:
		t.Path = strings.TrimPrefix(decoded, "/")
	}
	t.Path, err = references.Path(t.Path)
	return t, err
}

// absolute reports whether a URL has a scheme. Of the two slashes after it, one client
// sends one.
func absolute(text string) bool {
	scheme, _, _ := strings.Cut(text, ":/")
	return strings.EqualFold(scheme, "https") || strings.EqualFold(scheme, "http")
}
