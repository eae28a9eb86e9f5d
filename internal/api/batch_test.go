package api_test

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"

	"segue/internal/api"
	"segue/internal/lambdaio"
)

// part is a response in the answer to a batch.
type part struct {
	set    bool // in a change set
	id     string
	status int
	header http.Header
	body   string
}

// brief is the part in a line: what an assertion mostly is about.
func (p part) brief() string {
	text := fmt.Sprint(p.status)
	if p.set {
		text = "set " + text
	}
	if p.id != "" {
		text += " #" + p.id
	}
	if code := (answer{body: p.body}).code(); code != "" {
		text += " " + code
	}
	return text
}

func briefs(parts []part) (list []string) {
	for _, p := range parts {
		list = append(list, p.brief())
	}
	return list
}

// multiparts reads the parts of a multipart body.
func multiparts(t testing.TB, contentType, body string) (headers []http.Header, texts []string) {
	t.Helper()
	_, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		t.Fatalf("%q: %v", contentType, err)
	}
	reader := multipart.NewReader(strings.NewReader(body), parameters["boundary"])
	for {
		p, err := reader.NextRawPart()
		if err == io.EOF { //nolint:errorlint // a wrapped one would be an answer without an end
			return headers, texts
		}
		if err != nil {
			t.Fatalf("%v in:\n%s", err, body)
		}
		text, err := io.ReadAll(p)
		if err != nil {
			t.Fatal(err)
		}
		headers, texts = append(headers, http.Header(p.Header)), append(texts, string(text))
	}
}

// parts reads the answer to a batch and checks the form in which clients need it
// (docs/webapi.md §12).
func (a answer) parts(t testing.TB) (parts []part) {
	t.Helper()
	contentType := a.header.Get("Content-Type")
	if !strings.HasPrefix(contentType, "multipart/mixed; boundary=batchresponse_") || strings.Contains(contentType, `"`) {
		t.Fatalf("the type of the answer is %q: %s", contentType, a.body)
	}
	if delimiter := "--" + strings.TrimPrefix(contentType, "multipart/mixed; boundary="); !strings.HasPrefix(a.body, delimiter+"\r\n") || !strings.HasSuffix(a.body, delimiter+"--\r\n") {
		t.Errorf("the answer does not begin and end with its delimiter: %s", a.body)
	}
	headers, texts := multiparts(t, contentType, a.body)
	for i, header := range headers {
		kind := header.Get("Content-Type")
		if kind == "application/http" {
			parts = append(parts, readPart(t, header, texts[i]))
			continue
		}
		if len(header) != 1 || !strings.HasPrefix(kind, "multipart/mixed; boundary=changesetresponse_") {
			t.Errorf("a change set has the headers %v", header)
		}
		inner, responses := multiparts(t, kind, texts[i])
		for j, header := range inner {
			p := readPart(t, header, responses[j])
			p.set = true
			parts = append(parts, p)
		}
	}
	return parts
}

func readPart(t testing.TB, header http.Header, text string) part {
	t.Helper()
	response, err := http.ReadResponse(bufio.NewReader(strings.NewReader(text)), nil)
	if err != nil {
		t.Fatalf("%v in:\n%s", err, text)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.Header.Get("OData-Version") != "4.0" {
		t.Errorf("no OData-Version in:\n%s", text)
	}
	if header.Get("Content-Transfer-Encoding") != "binary" {
		t.Errorf("a part has the headers %v", header)
	}
	if without, _, json := strings.Cut(text, "{"); json == strings.Contains(without, "}") && json {
		t.Errorf("a brace before the body:\n%s", text)
	}
	return part{id: header.Get("Content-ID"), status: response.StatusCode, header: response.Header, body: strings.TrimSpace(string(body))}
}

// plain and set make parts of a batch with the boundary B.
func plain(requests ...string) string {
	var text strings.Builder
	for _, request := range requests {
		text.WriteString("--B\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n" + crlf(request) + "\r\n")
	}
	return text.String()
}

// set makes a change set of requests with Content-IDs 1, 2, ….
func set(requests ...string) string {
	var text strings.Builder
	text.WriteString("--B\r\nContent-Type: multipart/mixed; boundary=C\r\n\r\n")
	for i, request := range requests {
		fmt.Fprintf(&text, "--C\r\nContent-Type: application/http\r\nContent-ID: %d\r\n\r\n%s\r\n", i+1, crlf(request))
	}
	text.WriteString("--C--\r\n")
	return text.String()
}

func crlf(request string) string {
	head, body, _ := strings.Cut(request, "\n\n")
	if lines := strings.SplitN(head, "\n", 2); !strings.Contains(lines[0], " HTTP/1.1") {
		lines[0] += " HTTP/1.1"
		head = strings.Join(lines, "\n")
	}
	return strings.ReplaceAll(head, "\n", "\r\n") + "\r\n\r\n" + body
}

// batch sends a batch made by plain and set. Headers are lines for world.send.
func (w *world) batch(headers string, parts ...string) answer {
	w.t.Helper()
	if headers != "" {
		headers = "\n" + headers
	}
	return w.send("POST ~/$batch\nContent-Type: multipart/mixed;boundary=B" + headers + "\n\n" + strings.Join(parts, "") + "--B--")
}

// expectParts checks a batch's status and the parts of its answer in brief.
func (w *world) expectParts(a answer, status int, want ...string) []part {
	w.t.Helper()
	parts := a.parts(w.t)
	if diff := cmp.Diff(want, briefs(parts)); diff != "" || a.status != status {
		w.t.Fatalf("status %d, want %d; parts (-want +got):\n%s\n%s", a.status, status, diff, a.body)
	}
	return parts
}

// TestBatchClients_webapi_12 has what each client sent carried out
// (internal/odata/batch/testdata/clients).
func TestBatchClients_webapi_12(t *testing.T) {
	for name, want := range map[string][]string{
		"dataverse-ify":              {"set 204 #1", "set 204 #2", "204"},
		"dataverse-webapi":           {"set 204 #1", "200"},
		"dynamics-web-api-long-get":  {"…"},
		"dynamics-web-api-plain":     {"204", "200", "…"},
		"dynamics-web-api-reference": {"set 204 #1", "set 204 #100001"},
		"dynamics-web-api-changeset": {"set 204 #1", "set 204 #100001", "set 204 #100002", "set 204 #100003", "…"},
		"dataverse-ify-disassociate": {"set 204 #1", "…"},
		"o.js":                       {"204 #1", "200 #2"},
		"o.js-changeset":             {"set 204 #1", "set 204 #2"},
		"odata-client":               {"set 204", "200"},
		"python-sdk":                 {"set 204 #1", "set 204 #2", "set 204 #3", "200", "204"},
		"xrm-webapi":                 {"set 204 #1", "set 204 #2", "200"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			text, err := os.ReadFile(filepath.Join("../odata/batch/testdata/clients", name+".http"))
			if err != nil {
				t.Fatal(err)
			}
			head, body, _ := strings.Cut(string(text), "\n\n")
			a := w.exchange(fmt.Sprintf("POST /api/data/v9.2/$batch HTTP/1.1\r\nHost: segue.test\r\nConnection: close\r\nAuthorization: Bearer %s\r\n%s\r\nContent-Length: %d\r\n\r\n%s",
				w.token("Sales Manager"), head, len(body), body))
			w.invariants(a)
			got := briefs(a.parts(t))
			if last := len(want) - 1; want[last] == "…" { // what a batch does not decide
				want, got = want[:last], got[:min(last, len(got))]
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("parts (-want +got):\n%s\n%s", diff, a.body)
			}
			if w.log.Len() > 0 {
				t.Errorf("internal errors were logged:\n%s", w.log)
			}
		})
	}
}

// TestBatchChangeSet_webapi_12: a change set is written as a whole or not at all, and is
// one write of the store.
func TestBatchChangeSet_webapi_12(t *testing.T) {
	w := newWorld(t)
	lead := "/api/data/v9.2/leads"
	w.probe.Reset()
	a := w.batch("", set(
		"POST "+lead+"\nContent-Type: application/json\n\n"+`{"subject":"One","lastname":"L"}`,
		"PATCH leads("+leadID+")\nIf-Match: *\n\n"+`{"subject":"Two"}`,
		"DELETE leads("+hotLeadID+")\n\n"))
	parts := w.expectParts(a, http.StatusOK, "set 204 #1", "set 204 #2", "set 204 #3")
	if n := w.probe.Counts(); n.Writes != 0 || n.Transactions != 1 {
		t.Errorf("the change set made %d writes and %d transactions", n.Writes, n.Transactions)
	}
	made := parts[0].header.Get("OData-EntityId")
	if made != parts[0].header.Get("Location") || !strings.HasPrefix(made, "http://segue.test/api/data/v9.2/leads(") || !strings.HasSuffix(made, ")") {
		t.Errorf("the new row is at %q", made)
	}
	w.expect(http.StatusOK, "GET "+strings.TrimPrefix(made, "http://segue.test"))
	w.expect(http.StatusNotFound, "GET ~/leads("+hotLeadID+")")

	before := w.dump()
	a = w.batch("", set(
		"POST leads\n\n"+`{"subject":"Three","lastname":"L"}`,
		"PATCH leads("+leadID+")\nIf-Match: W/\"1\"\n\n"+`{"subject":"Four"}`,
		"POST leads\n\n"+`{"subject":"Five","lastname":"L"}`), plain("GET leads("+leadID+")?$select=subject"))
	w.expectParts(a, http.StatusPreconditionFailed, "set 412 #2 0x80060882")
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("a change set that failed left:\n%s", diff)
	}
	a = w.batch("Prefer: odata.continue-on-error", set(
		"POST leads\n\n"+`{"subject":"Six","lastname":"L"}`,
		"POST leads\n\n"+`{"nonsense":1}`), plain("GET leads("+leadID+")?$select=subject"))
	w.expectParts(a, http.StatusOK, "set 400 #2 0x80048d19", "200")
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("a change set that failed left:\n%s", diff)
	}
}

// TestBatchKey_webapi_12: an alternate key that is taken is the failure of the request that
// wants it, and requests find rows by keys that earlier ones gave.
func TestBatchKey_webapi_12(t *testing.T) {
	w := newWorld(t)
	account := func(number string) string {
		return "POST accounts\n\n" + `{"name":"A","accountnumber":"` + number + `"}`
	}
	w.expectParts(w.batch("", set(account("1"), "PATCH accounts(accountnumber='1')\nIf-Match: *\n\n"+`{"name":"B"}`,
		"POST leads\n\n"+`{"lastname":"L","parentaccountid@odata.bind":"accounts(accountnumber='1')"}`, "PATCH accounts(accountnumber='2')\n\n"+`{"name":"C"}`,
		"PATCH $4\nIf-Match: *\n\n"+`{"name":"D"}`)), http.StatusOK, "set 204 #1", "set 204 #2", "set 204 #3", "set 204 #4", "set 204 #5")
	var named struct{ Value string }
	w.expect(http.StatusOK, "GET ~/accounts(accountnumber='2')/name").value(t, &named)
	if named.Value != "D" {
		t.Errorf("the account is called %q", named.Value)
	}
	before := w.dump()
	w.expectParts(w.batch("", set(account("3"), account("1"))), http.StatusPreconditionFailed, "set 412 #2 0x80060892")
	w.expectParts(w.batch("", set(account("3"), account("3"))), http.StatusPreconditionFailed, "set 412 #2 0x80060892")
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("what was refused left:\n%s", diff)
	}
}

// TestBatchFailure_webapi_12: the first failure ends a batch and is its status, unless the
// client wants the rest.
func TestBatchFailure_webapi_12(t *testing.T) {
	w := newWorld(t)
	create := func(subject string) string { return "POST leads\n\n" + `{"subject":"` + subject + `","lastname":"L"}` }
	requests := []string{
		create("One"), "GET leads(0bad0000-0000-4000-8000-000000000001)", create("Two"),
		"PUT leads", "nonsense",
	}
	parts := w.expectParts(w.batch("", plain(requests...)), http.StatusNotFound, "204", "404 0x80040217")
	if parts[1].header.Get("REQ_ID") == "" || !strings.HasPrefix(parts[1].header.Get("Content-Type"), "application/json") {
		t.Errorf("an error part has the headers %v", parts[1].header)
	}
	parts = w.expectParts(w.batch("Prefer: odata.continue-on-error", plain(requests...)), http.StatusOK,
		"204", "404 0x80040217", "204", "405 0x80040315", "400 0x80060888")
	if parts[3].header.Get("Allow") != "GET, HEAD, POST" {
		t.Errorf("405 with the headers %v", parts[3].header)
	}
	var list struct{ Value []struct{ Subject string } }
	w.expect(http.StatusOK, "GET ~/leads?$select=subject").value(t, &list)
	if n := len(list.Value) - fixtureLeads(t); n != 3 {
		t.Errorf("%d leads were made, want 3", n)
	}
}

// TestBatchReferences_webapi_12: a Content-ID stands for the row of an earlier request of the
// same change set, in URLs and bodies.
func TestBatchReferences_webapi_12(t *testing.T) {
	w := newWorld(t)
	account := `POST accounts` + "\n\n" + `{"name":"Parent"}`
	parts := w.expectParts(w.batch("", set(
		account,
		"POST leads\nPrefer: return=representation\n\n"+`{"subject":"Child","lastname":"L","parentaccountid@odata.bind":"$1"}`,
		"PATCH $2\nIf-Match: *\n\n"+`{"jobtitle":"Referred"}`,
		"POST tasks\n\n"+`{"subject":"T","regardingobjectid_lead_task@odata.bind":"/$2"}`,
		"PATCH /api/data/v9.2/$1\n\n"+`{"primarycontactid@odata.bind":null,"name":"Renamed"}`)),
		http.StatusOK, "set 204 #1", "set 201 #2", "set 204 #3", "set 204 #4", "set 204 #5")
	var lead struct {
		JobTitle, LeadID string
		Account          string `json:"_parentaccountid_value"`
	}
	answer{body: parts[1].body}.value(t, &lead)
	if lead.JobTitle != "Referred" || !strings.HasSuffix(parts[0].header.Get("Location"), "accounts("+lead.Account+")") {
		t.Errorf("the lead is %+v, its account at %s", lead, parts[0].header.Get("Location"))
	}
	var renamed struct{ Name string }
	w.expect(http.StatusOK, "GET ~/accounts("+lead.Account+")?$select=name").value(t, &renamed)
	if renamed.Name != "Renamed" {
		t.Errorf("the account is called %q", renamed.Name)
	}
	var tasks struct{ Value []struct{ Subject string } }
	w.expect(http.StatusOK, "GET ~/tasks?$filter=_regardingobjectid_value%20eq%20"+lead.LeadID).value(t, &tasks)
	if len(tasks.Value) != 1 {
		t.Errorf("the lead has the tasks %v", tasks.Value)
	}
	before := w.dump()
	for name, parts := range map[string]string{
		"forward, in a body":     set(`POST leads`+"\n\n"+`{"lastname":"L","parentaccountid@odata.bind":"$2"}`, account),
		"forward, in a URL":      set("PATCH $2\n\n{}", account),
		"own":                    set("PATCH $1\n\n{}"),
		"outside the change set": plain(`POST leads` + "\n\n" + `{"lastname":"L","parentaccountid@odata.bind":"$1"}`),
		"of the set before":      set("PATCH $9\n\n{}"),
	} {
		t.Run(name, func(t *testing.T) {
			a := w.batch("", parts)
			if a.status != http.StatusBadRequest || !strings.Contains(a.body, `"code":"0x80060888","message":"Content-ID Reference: '$`) ||
				!strings.Contains(a.body, `' does not exist in the batch context."`) {
				t.Errorf("%v", a)
			}
		})
	}
	twice := strings.Replace(set(account, account), "Content-ID: 2", "Content-ID: 1", 1)
	w.expectParts(w.batch("", twice), http.StatusBadRequest, "set 400 #1 0x80060888")
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("what was refused left:\n%s", diff)
	}
}

// TestBatchLimits_webapi_12: what a batch may not hold.
func TestBatchLimits_webapi_12(t *testing.T) {
	w := newWorld(t)
	lead := func(i int) string { return fmt.Sprintf("POST leads\n\n{\"subject\":\"%d\",\"lastname\":\"L\"}", i) }
	many := func(n int, request func(int) string) (list []string) {
		for i := range n {
			list = append(list, request(i))
		}
		return list
	}
	before := w.dump()
	refusals := func(a answer, status int, brief, text string) {
		t.Helper()
		w.expectParts(a, status, brief)
		if !strings.Contains(a.body, text) {
			t.Errorf("%v; want %q", a, text)
		}
	}
	refusals(w.batch("", set(many(101, lead)...)), http.StatusBadRequest, "set 400 0x80060888", "a change set may have at most 100 requests")
	refusals(w.batch("", set("GET leads")), http.StatusBadRequest, "set 400 #1 0x80060888", "a change set may not contain GET")
	refusals(w.batch("", set("HEAD leads")), http.StatusBadRequest, "set 400 #1 0x80060888", "a change set may not contain GET")
	inner := "POST $batch\nContent-Type: multipart/mixed;boundary=D\n\n--D\nContent-Type: application/http\n\n" + lead(1) + "\n--D--"
	refusals(w.batch("", plain(inner)), http.StatusBadRequest, "400 0x80060888", "a batch may not contain a batch")
	refusals(w.batch("", set(inner)), http.StatusBadRequest, "set 400 #1 0x80060888", "a batch may not contain a batch")
	if a := w.batch("", plain(many(1001, lead)...)); a.status != http.StatusBadRequest || a.code() != "0x80060888" {
		t.Errorf("1,001 requests: %v", a)
	}
	if a := w.send("GET ~/$batch"); a.status != http.StatusMethodNotAllowed || a.header.Get("Allow") != "POST" {
		t.Errorf("GET $batch: %v", a)
	}
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("what was refused left:\n%s", diff)
	}
	w.expectParts(w.batch("", set(many(100, lead)...)), http.StatusOK, many(100, func(i int) string { return fmt.Sprintf("set 204 #%d", i+1) })...)

	// A connection is three items: 34 of them are more than the store writes at once.
	leads := w.leads(34)
	connect := func(i int) string {
		return `POST msdyn_ConnectSequence` + "\n\n" + `{"SequenceId":"` + sequenceID + `","RegardingEntityId":"` + leads[i] + `","RegardingEntityName":"lead"}`
	}
	before = w.dump()
	refusals(w.batch("", set(many(34, connect)...)), http.StatusBadRequest, "set 400 0x80040203", "102 rows would be written at once; the limit is 100")
	if diff := cmp.Diff(before, w.dump()); diff != "" {
		t.Errorf("what was refused left:\n%s", diff)
	}
	w.expectParts(w.batch("", set(many(33, connect)...)), http.StatusOK, many(33, func(i int) string { return fmt.Sprintf("set 204 #%d", i+1) })...)
}

// TestBatchURL_webapi_1: a batch takes longer URLs than a request by itself.
func TestBatchURL_webapi_1(t *testing.T) {
	w := newWorld(t)
	target := func(size int) string { // no lead has the subject "x", so the response is empty
		head, tail := "leads?$select=subject&$filter=subject%20eq%20%27", "%27"
		return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
	}
	w.expectParts(w.batch("", plain("GET "+target(65536))), http.StatusOK, "200")
	w.expectParts(w.batch("", plain("GET "+target(65537))), http.StatusBadRequest, "400 0x80060888")
	query := target(32768 + len("leads?"))
	w.expect(http.StatusOK, "GET ~/"+query)
	if a := w.send("GET ~/" + query[:len(query)-3] + "x%27"); a.code() != "0x80060888" || !strings.Contains(a.body, "the limit is 32768, and 65536 in a batch") {
		t.Errorf("%v", a)
	}
}

// TestBatchHeaders_webapi_12: inner headers count, but for Authorization, which is that of
// the batch.
func TestBatchHeaders_webapi_12(t *testing.T) {
	w := newWorld(t)
	patch := "PATCH leads(" + leadID + ")\n"
	a := w.batch("Prefer: odata.continue-on-error", plain(
		patch+"Prefer: return=representation,odata.include-annotations=\"OData.Community.Display.V1.FormattedValue\"\n\n"+`{"subject":"New"}`,
		patch+"If-None-Match: *\n\n{}",
		"GET leads("+leadID+")\nIf-None-Match: null",
		patch+"CallerObjectId: 0bad0000-0000-4000-8000-000000000001\n\n{}",
		"GET /api/data/v9.1/leads("+leadID+")?$select=subject",
		"HEAD leads("+leadID+")"))
	parts := w.expectParts(a, http.StatusOK, "200", "412 0x80040237", "200", "403 0x8004a110", "200", "200")
	if !strings.Contains(parts[0].body, "FormattedValue") || parts[0].header.Get("ETag") == "" ||
		parts[0].header.Get("Preference-Applied") == "" {
		t.Errorf("representation: %+v", parts[0])
	}
	if !strings.Contains(parts[4].body, `"http://segue.test/api/data/v9.1/$metadata#leads(subject)/$entity"`) {
		t.Errorf("version 9.1: %s", parts[4].body)
	}
	manager := w.token("Sales Manager")
	create := "POST leads\nAuthorization: Bearer " + manager + "\n\n" + `{"subject":"Stolen","lastname":"L"}`
	w.expectParts(w.batch("As: no role", plain(create)), http.StatusForbidden, "403 0x80040220")
	if a := w.batch("As: nobody", plain(create)); a.status != http.StatusUnauthorized {
		t.Errorf("without a token: %v", a)
	}
	w.expectParts(w.batch("", plain("POST leads\nAuthorization: Bearer nonsense\n\n"+`{"subject":"Mine","lastname":"L"}`)), http.StatusOK, "204")
}

// TestBatchAnswerSize: an answer that grows too large for Lambda has refusals in place of
// what was read too much.
func TestBatchAnswerSize(t *testing.T) {
	w := newWorld(t)
	w.fat(1500, strings.Repeat(`"x`, 700))
	list := "GET leads?$select=description"
	a := w.batch("Prefer: odata.continue-on-error", plain(list, list, "GET leads("+leadID+")?$select=subject"))
	w.expectParts(a, http.StatusOK, "200", "413 0x8006088a", "200")
}

// TestBatchThroughGateway: a gateway hands the body over in base64.
func TestBatchThroughGateway(t *testing.T) {
	w := newWorld(t)
	event := events.APIGatewayV2HTTPRequest{
		RawPath: "/api/data/v9.2/$batch", IsBase64Encoded: true,
		Body: base64.StdEncoding.EncodeToString([]byte(plain("GET leads("+leadID+")?$select=subject") + "--B--")),
		Headers: map[string]string{
			"authorization": "Bearer " + w.token("Sales Manager"), "content-type": `multipart/mixed; boundary="B"`, "host": "segue.test",
		},
	}
	event.RequestContext.HTTP.Method = http.MethodPost
	response, err := lambdaio.HTTP(w.api.Data(), api.Gateway{})(t.Context(), event)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%+v, %v", response, err)
	}
	header := http.Header{}
	for name, value := range response.Headers {
		header.Set(name, value)
	}
	w.expectParts(answer{response.StatusCode, header, response.Body}, http.StatusOK, "200")
}

// FuzzBatch: whatever a batch holds, the answer is a refusal or has a well-formed part for
// each request.
func FuzzBatch(f *testing.F) {
	paths, err := filepath.Glob("../odata/batch/testdata/clients/*.http")
	if err != nil {
		f.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		head, body, _ := bytes.Cut(text, []byte("\n\n"))
		f.Add(strings.TrimPrefix(string(head), "Content-Type: "), body)
	}
	w := newWorld(f)
	token := w.token("Sales Manager")
	f.Fuzz(func(t *testing.T, kind string, body []byte) {
		w.t = t
		a := w.exchange(fmt.Sprintf("POST /api/data/v9.2/$batch HTTP/1.1\r\nHost: segue.test\r\nConnection: close\r\nAuthorization: Bearer %s\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
			token, strings.Map(func(r rune) rune {
				if r < ' ' || r > '~' {
					return -1
				}
				return r
			}, kind), len(body), body))
		w.invariants(a)
		if strings.HasPrefix(a.header.Get("Content-Type"), "multipart/") {
			for _, p := range a.parts(t) {
				if p.status >= http.StatusInternalServerError && p.status != http.StatusNotImplemented {
					t.Errorf("%+v", p)
				}
			}
		} else if a.status < 400 || a.status > 499 {
			t.Errorf("%v", a)
		}
	})
}
