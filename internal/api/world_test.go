package api_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"segue/internal/api"
	"segue/internal/auth"
	"segue/internal/auth/issuer"
	"segue/internal/boot"
	"segue/internal/clock"
	"segue/internal/embed"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/rows/rowstest"
	"segue/internal/sales"
	"segue/internal/sales/salestest"
	"segue/internal/sales/view"
	"segue/internal/schema"
	"segue/internal/store"
	"segue/internal/storetest"
)

// Ids of events/fixture.json.
const (
	sequenceID = "5e900000-0000-4000-8000-000000000001"
	segmentID  = "5e600000-0000-4000-8000-000000000001"
	leadID     = "1ead0000-0000-4000-8000-000000000001"
	hotLeadID  = "1ead0000-0000-4000-8000-000000000002"
	userID     = "05e40000-0000-4000-8000-000000000001"
)

// world is a Segue behind a socket, on a store of its own, mostly an embedded one, that holds
// the rows of events/fixture.json.
type world struct {
	t      testing.TB
	store  salestest.ChangeStore
	tables *schema.Schema
	probe  *probe.Probe
	parts  *boot.Parts
	now    *clock.Manual
	config api.Config
	api    *api.API
	issuer *issuer.Issuer
	log    *bytes.Buffer // errors that were logged
	addr   string
}

// newWorld makes a world of the product's tables and of those in more, which are
// file systems for [schema.Load].
func newWorld(t testing.TB, more ...fs.FS) *world {
	t.Helper()
	return newWorldOn(t, salestest.OpenEmbedded(t, embed.NoSync()), more...)
}

// newWorldOn is newWorld on an empty store.
func newWorldOn(t testing.TB, on salestest.ChangeStore, more ...fs.FS) *world {
	t.Helper()
	w := &world{t: t, log: &bytes.Buffer{}, store: on}
	var err error
	if w.issuer, err = issuer.Open(t.TempDir()); err != nil {
		t.Fatal(err)
	}
	verifier, err := auth.NewVerifier(w.issuer.JWKS(), auth.Options{Issuer: auth.LocalIssuer, Audience: auth.LocalAudience})
	if err != nil {
		t.Fatal(err)
	}
	if w.tables, err = schema.Load(append(more, schema.Files())...); err != nil {
		t.Fatal(err)
	}
	var ids atomic.Int64
	now := clock.NewManual(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) // stands still, so that whole answers can be compared
	w.now = now
	w.probe = probe.New(w.store, rows.Indexes()...)
	db := rows.New(w.probe, w.tables, now)
	db.FirstVersions(rowstest.FirstVersions())
	if err := view.Give(db); err != nil {
		t.Fatal(err)
	}
	w.parts = boot.Assemble(db, boot.Options{
		Freshness: sales.Freshness{Clock: now},
		NewID:     func() string { return fmt.Sprintf("0e100000-0000-4000-8000-%012d", ids.Add(1)) },
	})
	log := slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelError}))
	w.config = api.Config{
		Operations: w.parts.Operations(), Principals: w.parts.Principals, Auth: auth.Authenticator{Verifier: verifier}, Mailing: w.parts.Mailing, Clock: now, Log: log,
	}
	w.api = api.New(w.config)
	server := httptest.NewServer(w.api.Mux())
	t.Cleanup(server.Close)
	w.addr = server.Listener.Addr().String()
	w.load()
	return w
}

// fixture is the rows that tests and scripts start with.
func fixture(t testing.TB) (list []struct {
	Set, ID string
	Body    json.RawMessage
},
) {
	t.Helper()
	readJSON(t, "fixture.json", &list)
	return list
}

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../events", name))
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("events/%s: %v", name, err)
	}
}

// load upserts the fixture.
func (w *world) load() {
	w.t.Helper()
	for _, row := range fixture(w.t) {
		a := w.send("PATCH ~/" + row.Set + "(" + row.ID + ")\n\n" + string(row.Body))
		if a.status != http.StatusNoContent {
			w.t.Fatalf("fixture %s %s: %v", row.Set, row.ID, a)
		}
	}
	// The roles of another token are noted, and then, while the clock stands still, no more:
	// tests have one user come with many roles.
	w.expect(http.StatusOK, "GET ~/WhoAmI\nAs: no role")
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   string
}

// String is the answer as the scripts have it: status, the headers that not
// every answer has, body.
func (a answer) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "%d %s\n", a.status, http.StatusText(a.status))
	always := []string{
		"Connection", "Content-Length", "Content-Type", "Date", "Odata-Version",
		"Req_id", "Vary", "X-Ms-Dop-Hint", "X-Ms-Service-Request-Id",
	}
	var names []string
	for name := range a.header {
		if !slices.Contains(always, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&text, "%s: %s\n", name, strings.Join(a.header[name], ", "))
	}
	if a.body != "" {
		fmt.Fprintf(&text, "\n%s\n", a.body)
	}
	return text.String()
}

// code is the error code in the answer, "" if it has none.
func (a answer) code() string {
	var body struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal([]byte(a.body), &body) != nil || body.Error.Message == "" {
		return ""
	}
	return body.Error.Code
}

// value decodes the answer's body.
func (a answer) value(t testing.TB, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(a.body), into); err != nil {
		t.Fatalf("%v: %v", a, err)
	}
}

// send sends a request as text: request line, headers, an empty line, body.
// In its target ~ stands for /api/data/v9.2. It goes out byte for byte, with
// Host, Content-Length and, unless it has one, an Authorization for the role
// in its pseudo header As (default Sales Manager; "nobody" for none).
//
// What every answer must have is checked here.
func (w *world) send(text string) answer {
	w.t.Helper()
	head, body, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	lines := strings.Split(head, "\n")
	role, authorized := "Sales Manager", false
	out := []string{strings.Replace(lines[0], " ~/", " /api/data/v9.2/", 1) + " HTTP/1.1"}
	host := "Host: segue.test"
	for _, line := range lines[1:] {
		switch name, value, _ := strings.Cut(line, ": "); name {
		case "As":
			role = value
		case "Host":
			host = line
		default:
			authorized = authorized || name == "Authorization"
			out = append(out, line)
		}
	}
	if !authorized && role != "nobody" {
		out = append(out, "Authorization: Bearer "+w.token(role))
	}
	out = append(out, host, "Connection: close", fmt.Sprintf("Content-Length: %d", len(body)), "", body)
	a := w.exchange(strings.Join(out, "\r\n"))
	if !strings.HasPrefix(text, "HEAD ") { // whose headers are about a body that does not come
		w.invariants(a)
	}
	return a
}

// token is one for a role; "expired" is a Sales Manager's of yesterday.
func (w *world) token(role string) string {
	w.t.Helper()
	issuer, ttl := *w.issuer, time.Hour
	var roles []string
	switch role {
	case "no role":
	case "expired":
		issuer.Clock = clock.NewManual(time.Now().Add(-24 * time.Hour))
		roles = []string{"Sales Manager"}
	default:
		roles = []string{role}
	}
	token, err := issuer.Issue(userID, "Test User", roles, ttl)
	if err != nil {
		w.t.Fatal(err)
	}
	return token
}

func (w *world) exchange(request string) answer {
	w.t.Helper()
	conn, err := new(net.Dialer).DialContext(w.t.Context(), "tcp", w.addr)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	go func() { _, _ = io.WriteString(conn, request) }() // a refusal may come before the body has gone out
	method, _, _ := strings.Cut(request, " ")
	response, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		w.t.Fatalf("%.200s: %v", request, err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		w.t.Fatalf("%.200s: %v", request, err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// invariants checks the headers of docs/webapi.md §3 that every answer has, and the
// shape of §5 that every refusal has.
func (w *world) invariants(a answer) {
	w.t.Helper()
	kind := ""
	switch {
	case strings.HasPrefix(a.body, "<?xml"): // $metadata
		kind = "application/xml"
	case strings.HasPrefix(a.body, `{"components"`): // the OpenAPI document
		kind = "application/json"
	case a.body != "" && strings.Trim(a.body, "0123456789") == "": // a count
		kind = "text/plain"
	case a.body != "":
		kind = "application/json; odata.metadata=minimal"
	}
	multipart := strings.HasPrefix(a.header.Get("Content-Type"), "multipart/mixed; boundary=batchresponse_")
	if text := a.header.Get("Content-Type"); multipart || text == "text/plain" && a.status == http.StatusOK {
		kind = a.header.Get("Content-Type")
	}
	id := a.header.Get("REQ_ID")
	want := map[string]string{
		"OData-Version": "4.0", "x-ms-dop-hint": "4", "x-ms-service-request-id": id, "Content-Type": kind,
	}
	got := map[string]string{}
	for name := range want {
		got[name] = a.header.Get(name)
	}
	if diff := cmp.Diff(want, got); diff != "" || len(id) != 36 {
		w.t.Errorf("headers of every answer, REQ_ID %q (-want +got):\n%s", id, diff)
	}
	if refused := a.status >= 400; !multipart && a.header.Get("Content-Encoding") == "" && refused != (a.code() != "") {
		w.t.Errorf("status %d with error code %q in %s", a.status, a.code(), a.body)
	}
}

// dump is every item of the store.
func (w *world) dump() []store.Item {
	w.t.Helper()
	var partitions []string
	for _, table := range w.tables.Tables() {
		for shard := range schema.Shards {
			partitions = append(partitions, fmt.Sprintf("%s#%d", table.Name, shard))
		}
	}
	return storetest.Items(w.t, w.store, partitions...)
}
