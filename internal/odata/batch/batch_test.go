package batch_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"segue/internal/odata"
	"segue/internal/odata/batch"
)

// recorded returns the type and body of a batch that a client sent. testdata/clients has
// what these sent when they were run: dynamics-web-api 2.5.0, dataverse-ify 2.0.7,
// xrm-webapi 7.1.3, dataverse-webapi 3.3.0, @odata/client 2.21.10, o.js 2.0.0, and
// Microsoft's Python SDK 1.1.0.
func recorded(t testing.TB, path string) (contentType string, body []byte) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := strings.Cut(string(text), "\n\n")
	return strings.TrimPrefix(head, "Content-Type: "), []byte(rest)
}

// describe returns the requests of a batch, one a line, those of change sets indented.
func describe(items []batch.Item) string {
	var text strings.Builder
	for _, item := range items {
		indent := ""
		if item.ChangeSet {
			text.WriteString("change set\n")
			indent = "  "
		}
		for _, r := range item.Requests {
			target, err := r.Target(odata.References{"1": "leads(one)"})
			if err == nil {
				err = r.Err
			}
			fmt.Fprintf(&text, "%s%s %s?%.60s", indent, r.Method, target.Path, target.Query)
			for _, header := range []string{"Content-Type", "If-Match"} {
				if value := r.Header.Get(header); value != "" {
					fmt.Fprintf(&text, " [%s]", value)
				}
			}
			if r.ContentID != "" {
				fmt.Fprintf(&text, " #%s", r.ContentID)
			}
			if err != nil {
				fmt.Fprintf(&text, " !%v", err)
			}
			fmt.Fprintf(&text, " %s\n", r.Body)
		}
	}
	return text.String()
}

// TestRead_webapi_12 reads what each client sent.
func TestRead_webapi_12(t *testing.T) {
	const row, other = "leads(1ead0000-0000-4000-8000-000000000001)", "leads(1ead0000-0000-4000-8000-000000000002)"
	want := map[string]string{
		"dataverse-ify": `
change set
  POST leads? [application/json;type=entry] #1 "{\"subject\":\"I1\",\"lastname\":\"I\"}"
  POST leads? [application/json;type=entry] #2 "{\"subject\":\"I2\",\"lastname\":\"I\"}"
POST leads? [application/json;type=entry] "{\"subject\":\"I3\",\"lastname\":\"I\"}"`,
		"dataverse-ify-disassociate": `
change set
  POST leads? [application/json;type=entry] #1 "{\"subject\":\"I1\"}"
DELETE accounts(1ead0000-0000-4000-8000-000000000001)/lead_parent_account(1ead0000-0000-4000-8000-000000000002)/$ref? [application/json;type=entry] null`,
		"dataverse-webapi": `
change set
  POST leads? [application/json;type=entry] #1 {"subject":"D1","lastname":"L"}
GET leads?$select=subject&$top=1 `,
		"dynamics-web-api-changeset": `
change set
  POST leads? [application/json] #1 {"subject":"B1","lastname":"\u00d6"}
  POST tasks? [application/json] #100001 {"subject":"T","regardingobjectid_lead_task@odata.bind":"$1"}
  PATCH ` + row + `? [application/json] [*] #100002 {"subject":"U"}
  DELETE ` + other + `? [application/json] #100003 
GET leads?$select=subject&$filter=subject%20eq%20'B1'&$top=1&$orderby= `,
		"dynamics-web-api-long-get": `
GET leads?$select=subject&$filter=subject%20eq%20'a%20%26%20b%200%20xx `,
		"dynamics-web-api-plain": `
POST leads? [application/json] {"subject":"P1"}
GET ` + row + `?$select=subject 
GET leads/$count? 
DELETE ` + other + `? [application/json] `,
		"dynamics-web-api-reference": `
change set
  POST leads? [application/json] #1 {"subject":"R"}
  PATCH leads(one)? [application/json] [*] #100001 {"lastname":"Ref"}`,
		"o.js": `
POST leads? [application/json] #1 {"subject":"J1","lastname":"L"}
GET leads?%24top=1&%24select=subject [application/json] #2 `,
		"o.js-changeset": `
change set
  POST leads? [application/json] #1 {"subject":"J2","lastname":"L"}
  POST leads? [application/json] #2 {"subject":"J3","lastname":"L"}`,
		"odata-client": `
change set
  POST leads? [application/json] {"subject":"O1","lastname":"L"}
GET leads?$top=1 `,
		"python-sdk": `
change set
  POST leads? [application/json; type=entry] #1 {"subject": "Ü1", "lastname": "P"}
  PATCH leads(one)? [application/json; type=entry] [*] #2 {"lastname": "Py"}
  DELETE ` + other + `? [*] #3 
GET ` + row + `?$select=subject 
PATCH ` + row + `? [application/json; type=entry] [*] {"subject": "V"}`,
		"xrm-webapi": `
change set
  POST leads? [application/json;type=entry] #1 {"subject":"X1","lastname":"L"}
  PATCH ` + row + `? [application/json;type=entry] #2 {"subject":"X2"}
GET leads?$select=subject&$filter=subject%20eq%20'X1' `,
	}
	paths, err := filepath.Glob("testdata/clients/*.http")
	if err != nil || len(paths) != len(want) {
		t.Fatalf("%d recorded batches, want %d: %v", len(paths), len(want), err)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".http")
		t.Run(name, func(t *testing.T) {
			items, err := batch.Read(recorded(t, path))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(strings.TrimLeft(want[name], "\n")+"\n", describe(items)); diff != "" {
				t.Errorf("requests (-want +got):\n%s", diff)
			}
		})
	}
}

// part returns a part of a batch with the boundary B that holds a request.
func part(request string) string {
	return "--B\r\nContent-Type: application/http\r\n\r\n" + request + "\r\n"
}

// TestReadRefuses: what is no batch does nothing.
func TestReadRefuses(t *testing.T) {
	const get = "GET leads HTTP/1.1\r\n"
	set := func(parts string) string { return "--B\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n" + parts }
	for _, test := range []struct{ name, kind, body, want string }{
		{"no type", "", part(get) + "--B--", "415 a batch must be multipart/mixed with a boundary, not ''"},
		{"JSON", "application/json", "{}", "415 a batch must be multipart/mixed with a boundary, not 'application/json'"},
		{"no boundary", "multipart/mixed", part(get) + "--B--", "415 a batch must be multipart/mixed with a boundary, not 'multipart/mixed'"},
		{"empty", "multipart/mixed;boundary=B", "", "400 part 1 of the batch cannot be read: the body ends before the last delimiter"},
		{"no requests", "multipart/mixed;boundary=B", "--B--", "400 the batch has no requests"},
		{"cut off", "multipart/mixed;boundary=B", part(get) + part(get), "400 part 2 of the batch cannot be read: the body ends before the last delimiter"},
		{"cut off in a change set", "multipart/mixed;boundary=B", set(part(get)) + "--B--\r\n", "400 part 1 of the batch cannot be read: the body ends before the last delimiter"},
		{"change set without a boundary", "multipart/mixed;boundary=B", "--B\r\nContent-Type: multipart/mixed\r\n\r\n\r\n--B--", "400 a change set has no boundary"},
		{"1,001 requests", "multipart/mixed;boundary=B", strings.Repeat(part(get), 1001) + "--B--", "400 a batch may have at most 1000 requests; this one has more"},
	} {
		t.Run(test.name, func(t *testing.T) {
			items, err := batch.Read(test.kind, []byte(test.body))
			refusal, ok := errors.AsType[*odata.Error](err)
			if !ok || items != nil || fmt.Sprint(refusal.Status, " ", refusal.Message) != test.want {
				t.Errorf("%v, %v; want %s", items, err, test.want)
			}
		})
	}
	if items, err := batch.Read("multipart/mixed;boundary=B", []byte(strings.Repeat(part(get), 1000)+"--B--")); err != nil || len(items) != 1000 {
		t.Errorf("1,000 requests: %d, %v", len(items), err)
	}
}

// TestRequests: how inner requests may be written, and what is refused in its place.
func TestRequests(t *testing.T) {
	const head = "an inner request must begin with '<method> <URL> HTTP/1.1', not with "
	for _, test := range []struct{ name, request, want string }{
		{"request line alone", "GET leads HTTP/1.1", "GET leads? "},
		{"bare line ends", "POST leads HTTP/1.1\nContent-Type: application/json\n\n{\"a\":1}\n\n", `POST leads? [application/json] {"a":1}`},
		{"blank lines around", "\r\n\r\nPOST leads HTTP/1.1\r\nX:y\r\n\r\n\r\n\r\n{}\r\n\r\n", "POST leads? {}"},
		{"wrong length", "POST leads HTTP/1.1\r\nContent-Length: 4711\r\n\r\n{}", "POST leads? {}"},
		{"blanks and quotes in the URL", "GET leads?$filter=a eq 'HTTP/1.1 b'&$orderby=c desc HTTP/1.1\r\n", "GET leads?$filter=a%20eq%20'HTTP/1.1%20b'&$orderby=c%20desc "},
		{"absolute, another host and version", "GET https://x:1/y/api/data/v9.1/leads HTTP/1.1", "GET leads? "},
		{"one slash after the scheme", "GET https:/org/api/data/v9.2/leads HTTP/1.1", "GET leads? "},
		{"encoded path", "GET /api/data/v9.2/contacts(emailaddress1=%27a%40b%27) HTTP/1.1", "GET contacts(emailaddress1='a@b')? "},
		{"reference", "PATCH $1/lastname HTTP/1.1", "PATCH leads(one)/lastname? "},
		{"reference with a slash", "PATCH /$1 HTTP/1.1", "PATCH leads(one)? "},
		{"reference under the root", "PATCH /api/data/v9.2/$1 HTTP/1.1", "PATCH leads(one)? "},
		{"reserved words are no references", "GET $metadata HTTP/1.1", "GET $metadata? "},
		{"what is not known yet", "PATCH $2 HTTP/1.1", "PATCH ? !Content-ID Reference: '$2' does not exist in the batch context. "},
		{"another service", "GET /other/leads HTTP/1.1", "GET ? !Resource not found for the segment '/other/leads'. "},
		{"another version", "GET /api/data/v8.0/leads HTTP/1.1", "GET ? !Resource not found for the segment '/api/data/v8.0/leads'. "},
		{"bad encoding", "GET leads(%zz) HTTP/1.1", "GET ? !the URL 'leads(%zz)' is not percent-encoded correctly "},
		{"nothing", "", " ? !" + head + "'' "},
		{"no protocol", "GET leads", " ? !" + head + "'GET leads' "},
		{"no URL", "GET  HTTP/1.1", " ? !" + head + "'GET  HTTP/1.1' "},
		{"no method", " leads HTTP/1.1", " ? !" + head + "' leads HTTP/1.1' "},
		{"no header", "GET leads HTTP/1.1\r\nwhat\r\n\r\n", " ? !an inner request may have up to 100 headers of the form 'Name: value', not 'what' "},
		{"folded header", "GET leads HTTP/1.1\r\nA: b\r\n c: d\r\n\r\n", " ? !an inner request may have up to 100 headers of the form 'Name: value', not ' c: d' "},
		{"101 headers", "GET leads HTTP/1.1\r\n" + strings.Repeat("A: b\r\n", 101), " ? !an inner request may have up to 100 headers of the form 'Name: value', not 'A: b' "},
		{"65,536 bytes of URL", "GET leads?" + strings.Repeat("a", 65530) + " HTTP/1.1", "GET leads?" + strings.Repeat("a", 60) + " "},
		{"65,537 bytes of URL", "GET leads?" + strings.Repeat("a", 65531) + " HTTP/1.1", "GET ? !the URL has 65537 bytes, the limit in a batch is 65536 "},
	} {
		t.Run(test.name, func(t *testing.T) {
			items, err := batch.Read("multipart/mixed; boundary=B", []byte(part(test.request)+"--B--"))
			if err != nil || len(items) != 1 {
				t.Fatalf("%v, %v", items, err)
			}
			got := describe(items)
			if items[0].Requests[0].Err != nil { // whose URL is not asked for
				got = fmt.Sprintf(" ? !%v \n", items[0].Requests[0].Err)
			}
			if got != test.want+"\n" {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// TestPartType: a part is a request or a change set, and nothing else.
func TestPartType(t *testing.T) {
	body := "--B\r\nContent-Type: text/plain\r\n\r\nhello\r\n--B--"
	items, err := batch.Read("multipart/mixed; boundary=B", []byte(body))
	if err != nil || items[0].Requests[0].Err == nil {
		t.Errorf("%v, %v; want a request that is refused", items, err)
	}
}

// TestWriter_webapi_12: the answer, byte for byte.
func TestWriter_webapi_12(t *testing.T) {
	w := batch.NewWriter("G")
	w.Response(batch.Response{Status: http.StatusOK, Header: http.Header{"Content-Type": {"text/plain"}, "Odata-Version": {"4.0"}}, Body: []byte("5")})
	w.ChangeSet("H",
		batch.Response{ContentID: "1", Status: http.StatusNoContent, Header: http.Header{"Odata-Entityid": {"u(i)"}, "Location": {"u(i)"}}},
		batch.Response{Status: http.StatusPreconditionFailed, Header: http.Header{"Req_id": {"r"}, "Etag": {"W/\"1\""}}, Body: []byte("{}")})
	want := strings.ReplaceAll(`--batchresponse_G
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 200 OK
Content-Type: text/plain
OData-Version: 4.0

5
--batchresponse_G
Content-Type: multipart/mixed; boundary=changesetresponse_H

--changesetresponse_H
Content-Type: application/http
Content-Transfer-Encoding: binary
Content-ID: 1

HTTP/1.1 204 No Content
Location: u(i)
OData-EntityId: u(i)


--changesetresponse_H
Content-Type: application/http
Content-Transfer-Encoding: binary

HTTP/1.1 412 Precondition Failed
ETag: W/"1"
REQ_ID: r

{}
--changesetresponse_H--
--batchresponse_G--
`, "\n", "\r\n")
	if diff := cmp.Diff(want, string(w.Close())); diff != "" {
		t.Errorf("answer (-want +got):\n%s", diff)
	}
	if w.ContentType() != "multipart/mixed; boundary=batchresponse_G" {
		t.Errorf("type %s", w.ContentType())
	}
}

// FuzzRead: whatever comes, no panic; what is read is within the limits, and a refusal has
// the form of the Web API.
func FuzzRead(f *testing.F) {
	paths, err := filepath.Glob("testdata/clients/*.http")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		kind, body := recorded(f, path)
		f.Add(kind, body)
	}
	f.Add("multipart/mixed;boundary=B", []byte(part("PATCH $1/a HTTP/1.1")+"--B--"))
	f.Add(`multipart/mixed;boundary="a b"`, []byte("--a b\nContent-Type: multipart/mixed;boundary=c\n\n--c\n\n--c--\n--a b-- "))
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		items, err := batch.Read(kind, body)
		requests := 0
		for _, item := range items {
			for _, r := range item.Requests {
				requests++
				check(t, r.Err)
				if r.Err == nil && (r.Method == "" || r.URL == "" || strings.ContainsAny(r.Method+r.URL, "\n")) {
					t.Errorf("method %q, URL %q", r.Method, r.URL)
				}
				_, err := r.Target(odata.References{"1": "leads(one)"})
				check(t, err)
			}
		}
		check(t, err)
		if requests > batch.MaxRequests || err == nil && requests == 0 {
			t.Errorf("%d requests", requests)
		}
	})
}

// check fails a test where an error is not a refusal of bounded length.
func check(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	refusal, ok := errors.AsType[*odata.Error](err)
	if !ok || refusal.Status < 400 || refusal.Status > 499 || len(refusal.Message) > 1000 {
		t.Errorf("%#v", err)
	}
}
