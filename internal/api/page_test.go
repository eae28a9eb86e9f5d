package api_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"segue/internal/api"
	"segue/internal/lambdaio"
	"segue/internal/rows"
	"segue/internal/sales/salestest"
	"segue/internal/schema"
)

// lambdaLimit is what a response may have as JSON, quotes escaped.
const lambdaLimit = 6 << 20

// through sends a request through the gateway's event, as a manager.
func (w *world) through(t *testing.T, method, target string, header map[string]string) events.APIGatewayV2HTTPResponse {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	e := events.APIGatewayV2HTTPRequest{
		RawPath: u.Path, RawQueryString: u.RawQuery,
		Headers: map[string]string{"authorization": "Bearer " + w.token("Sales Manager"), "host": "segue.test", "x-forwarded-proto": "https"},
	}
	e.RequestContext.HTTP.Method = method
	for name, value := range header {
		e.Headers[name] = value
	}
	response, err := lambdaio.HTTP(w.api.Data(), api.Gateway{})(t.Context(), e)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(response)
	if err != nil || len(text) > lambdaLimit {
		t.Fatalf("%s: a response of %d bytes, %v", target, len(text), err)
	}
	return response
}

// bodyOf undoes the encodings of a response.
func bodyOf(t *testing.T, response events.APIGatewayV2HTTPResponse) string {
	t.Helper()
	if !response.IsBase64Encoded {
		return response.Body
	}
	body, err := base64.StdEncoding.DecodeString(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Headers["Content-Encoding"] == "gzip" {
		return gunzip(t, string(body))
	}
	return string(body)
}

// list is the body of a list.
type list struct {
	Value []struct {
		ID string `json:"leadid"`
	}
	Next string `json:"@odata.nextLink"`
}

// follow reads a list to its end and returns how many rows each page has. A row must
// come once.
func (w *world) follow(t *testing.T, target string, header map[string]string) (pages []int) {
	t.Helper()
	seen := map[string]bool{}
	for target != "" {
		response := w.through(t, http.MethodGet, target, header)
		body := bodyOf(t, response)
		if response.StatusCode != http.StatusOK || len(body) > 4<<20+1<<10 {
			t.Fatalf("%s: %d with %d bytes: %.300s", target, response.StatusCode, len(body), body)
		}
		var page list
		if err := json.Unmarshal([]byte(body), &page); err != nil {
			t.Fatal(err)
		}
		for _, row := range page.Value {
			if seen[row.ID] {
				t.Fatalf("lead %s comes twice", row.ID)
			}
			seen[row.ID] = true
		}
		pages = append(pages, len(page.Value))
		target = page.Next
	}
	return pages
}

func sum(pages []int) (n int) {
	for _, rows := range pages {
		n += rows
	}
	return n
}

// fat makes n leads with much text, every other character of which JSON escapes.
func (w *world) fat(n int, text string) {
	w.t.Helper()
	batch := min(100, max(1, 1<<20/len(text))) // a write has its limit too
	for first := 0; first < n; first += batch {
		err := w.parts.DB.Do(w.t.Context(), userID, func(tx *rows.Tx) error {
			for i := range min(batch, n-first) {
				tx.Create(w.tables.Table("lead"), salestest.ID("fat", first+i), map[string]schema.Value{
					"subject": schema.Text(fmt.Sprintf("Fat %d", first+i)), "description": schema.Text(text),
					"statecode": schema.Int(0), "statuscode": schema.Int(1), "segue_connected": schema.Bool(false),
					"ownerid": schema.RefTo("systemuser", userID),
				})
			}
			return nil
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
}

// A page ends by bytes too, so that a list of wide rows is never too large for Lambda
// (docs/webapi.md §15).
func TestListOfFatRows(t *testing.T) {
	const fat, text = 2400, 1400
	w := newWorld(t)
	w.fat(fat, strings.Repeat(`"x`, text/2))
	all := fat + fixtureLeads(t)
	const everything, narrow = "/api/data/v9.2/leads", "/api/data/v9.2/leads?$select=subject"
	const free = "/api/data/v9.2/leads?$filter=statecode%20eq%200%20and%20segue_connected%20eq%20false"
	for _, test := range []struct {
		name, target string
		header       map[string]string
		rows, pages  int // pages at least
	}{
		{"all columns", everything, nil, all, 3},
		{"compressed, annotated", everything, map[string]string{"accept-encoding": "gzip", "prefer": `odata.include-annotations="*"`}, all, 4},
		{"one column", narrow, nil, all, 1},
		{"pages by rows", everything, map[string]string{"prefer": "odata.maxpagesize=100"}, all, all / 100},
		{"by an index", free, nil, all, 3},
		{"filtered", everything + "?$filter=_ownerid_value%20eq%20" + userID, nil, all, 3},
		{"the first ones", everything + "?$top=2000", nil, 2000, 2},
		{"the first ones, all in one page", everything + "?$top=10", nil, 10, 1},
	}[:salestest.Rounds(8)] {
		t.Run(test.name, func(t *testing.T) {
			pages := w.follow(t, test.target, test.header)
			if sum(pages) != test.rows || len(pages) < test.pages {
				t.Errorf("pages of %v rows, want %d rows in %d pages or more", pages, test.rows, test.pages)
			}
		})
	}
	if pages := w.follow(t, narrow, nil); len(pages) != 1 {
		t.Errorf("narrow rows come in pages of %v", pages)
	}
}

// The largest rows that the store takes, of characters that JSON writes with six bytes.
func TestListOfLargestRows(t *testing.T) {
	const n = 12
	w := newWorld(t)
	leads := fixtureLeads(t)
	w.fat(n, strings.Repeat("\x01", 390_000))
	if pages := w.follow(t, "/api/data/v9.2/leads", nil); sum(pages) != n+leads {
		t.Errorf("pages of %v rows, want %d", pages, n+leads)
	}
	one := "/api/data/v9.2/leads(" + salestest.ID("fat", 1) + ")"
	if response := w.through(t, http.MethodGet, one, nil); response.StatusCode != http.StatusOK {
		t.Errorf("%s: %d", one, response.StatusCode)
	}
}

// fixtureLeads returns how many leads the fixture has.
func fixtureLeads(t *testing.T) (n int) {
	t.Helper()
	for _, row := range fixture(t) {
		if row.Set == "leads" {
			n++
		}
	}
	return n
}
