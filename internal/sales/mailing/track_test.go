package mailing_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"segue/internal/api/recipient"
	"segue/internal/probe"
	"segue/internal/rows"
	"segue/internal/sales"
	"segue/internal/sales/mailing"
	"segue/internal/schema"
)

// visit has a recipient ask for an address of an email.
func (w *world) visit(method, address string) *httptest.ResponseRecorder {
	w.T.Helper()
	recorder := httptest.NewRecorder()
	parsed, err := url.Parse(address)
	if err != nil {
		w.T.Fatal(err)
	}
	r := httptest.NewRequestWithContext(w.T.Context(), method, "/", nil)
	r.URL.Path = parsed.Path
	recipient.Handler(w.Mailing, slog.New(slog.DiscardHandler)).ServeHTTP(recorder, r)
	return recorder
}

// addresses are those of an act in the only email that arrived, each once.
func (w *world) addresses(act string) (all []string) {
	w.T.Helper()
	seen := map[string]bool{}
	for _, address := range regexp.MustCompile(regexp.QuoteMeta(base+mailing.Path+act)+`/[\w-]+`).FindAllString(w.server.Received()[0].HTML, -1) {
		if !seen[address] {
			all, seen[address] = append(all, address), true
		}
	}
	return all
}

// writes counts what do writes to the store.
func (w *world) writes(do func()) (n int) {
	w.Probe.Inject(func(c probe.Call) probe.Fault {
		if c.Method == probe.Write {
			n++
		}
		return probe.None
	})
	do()
	w.Probe.Inject(nil)
	return n
}

func TestOpened(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	images := w.addresses("o")
	if len(images) != 1 {
		t.Fatalf("images: %q", images)
	}
	w.clock.Advance(time.Hour)
	first := w.clock.Now()
	writes := w.writes(func() {
		for range 20 {
			response := w.visit("GET", images[0])
			body, err := io.ReadAll(response.Body)
			if err != nil || response.Code != http.StatusOK || !strings.HasPrefix(string(body), "GIF89a") || response.Header().Get("Cache-Control") != "no-store" {
				t.Fatalf("%d %v: %q, %v", response.Code, response.Header(), body, err)
			}
			w.clock.Advance(time.Minute)
		}
	})
	if writes != 1 {
		t.Errorf("20 openings wrote %d times, want once", writes)
	}
	facts, err := w.Mailing.Facts(t.Context(), r.Step)
	if err != nil || !facts.Opened.Equal(first) || !facts.Clicked.IsZero() {
		t.Errorf("facts are %+v, %v; opened first on %v", facts, err, first)
	}
}

func TestFollowed(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	links := w.addresses("l")
	if len(links) != 2 {
		t.Fatalf("links: %q", links)
	}
	if response := w.visit("HEAD", links[0]); response.Code != http.StatusMethodNotAllowed {
		t.Errorf("HEAD is answered with %d", response.Code)
	}
	for i, want := range []string{"https://contoso.test/x?n=L", "https://contoso.test/f.pdf"} {
		response := w.visit("GET", links[i])
		if response.Code != http.StatusFound || response.Header().Get("Location") != want {
			t.Errorf("link %d: %d to %q, want 302 to %q", i, response.Code, response.Header().Get("Location"), want)
		}
		facts, err := w.Mailing.Facts(t.Context(), r.Step)
		if err != nil || facts.Opened.IsZero() || facts.Clicked.IsZero() || facts.Downloaded.IsZero() == (i == 1) {
			t.Errorf("after link %d the facts are %+v, %v", i, facts, err)
		}
	}
}

// A link leads to what stands in the email and nowhere else, whatever the address says; an
// address that is changed, or of another act, email or key, does nothing.
func TestForgery(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	link := w.addresses("l")[0]
	token := link[strings.LastIndex(link, "/")+1:]
	var forged []string
	for i := range token {
		for _, c := range []byte("Aa0_") {
			if token[i] != c {
				forged = append(forged, base+"/track/l/"+token[:i]+string(c)+token[i+1:])
			}
		}
	}
	forged = append(forged, base+"/track/o/"+token, base+"/track/u/"+token, base+"/track/x/"+token, base+"/track/l/", base+"/track/", base+"/track/l/"+token+"A",
		base+"/track/l/"+token[:len(token)-1], base+"/track/l/"+token+"/https://evil.test", base+"/track/l/https://evil.test", base+"/track/ll/"+token)
	writes := w.writes(func() {
		for _, address := range forged {
			for _, method := range []string{"GET", "POST"} {
				response := w.visit(method, address)
				if response.Code != http.StatusNotFound || response.Header().Get("Location") != "" {
					t.Errorf("%s %s: %d to %q", method, address, response.Code, response.Header().Get("Location"))
				}
			}
		}
	})
	if writes != 0 {
		t.Errorf("forged addresses wrote %d times", writes)
	}
	w.Mailing.Key = []byte("another key of thirty-two chars.")
	if response := w.visit("GET", link); response.Code != http.StatusNotFound {
		t.Errorf("under another key: %d", response.Code)
	}
	w.Mailing.Key = nil
	if response := w.visit("GET", link); response.Code != http.StatusNotFound {
		t.Errorf("without a key: %d", response.Code)
	}
}

// An email that was erased leads nowhere.
func TestLinkOfAnErasedEmail(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	w.Corrupt("segue_send", string(mailing.SendID(r.Step)), func(row *rows.Row) { row.Set("segue_links", schema.Null()) })
	if response := w.visit("GET", w.addresses("l")[0]); response.Code != http.StatusNotFound {
		t.Errorf("the link is answered with %d", response.Code)
	}
}

func TestUnsubscribe(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	if err := w.send(r); err != nil {
		t.Fatal(err)
	}
	address := w.addresses("u")[0]
	if writes := w.writes(func() {
		response := w.visit("GET", address)
		body, err := io.ReadAll(response.Body)
		if err != nil || response.Code != http.StatusOK || !strings.Contains(string(body), `<form method="post">`) {
			t.Errorf("%d: %s, %v", response.Code, body, err)
		}
	}); writes != 0 {
		t.Errorf("looking at the page wrote %d times", writes)
	}
	for range 2 {
		if response := w.visit("POST", address); response.Code != http.StatusOK {
			t.Errorf("POST is answered with %d", response.Code)
		}
	}
	if row := w.Row("segue_suppression", string(sales.SuppressionOf("ADA@example.test"))); row.Int("segue_suppressed") != 1 || row.Text("segue_address") != "ada@example.test" {
		t.Errorf("the suppression is %v", row.Values())
	}
	if w.ledger(r).Time("segue_unsubscribedon").IsZero() {
		t.Error("the ledger does not know")
	}
	held(t, w.send(w.request(2, nil)), "Unsubscribed")
}

// Whoever opens an email of which nobody knew whether it was sent has it.
func TestOpeningConfirms(t *testing.T) {
	w := newWorld(t)
	r := w.request(1, nil)
	w.Probe.Inject(failWrite(2)) // the claim is written, and then the process dies
	_ = w.send(r)
	w.Probe.Inject(nil)
	w.Restart()
	w.state(r, claimed, 1)
	w.visit("GET", w.addresses("o")[0])
	w.state(r, sent, 1)
	if err := w.send(r); err != nil {
		t.Errorf("what is confirmed goes on: %v", err)
	}
	w.state(r, sent, 1)
}

// failWrite lets the process die before a write.
func failWrite(n int) func(probe.Call) probe.Fault {
	seen := 0
	return func(c probe.Call) probe.Fault {
		if c.Method == probe.Write {
			seen++
		}
		if seen >= n {
			return probe.CrashBefore
		}
		return probe.None
	}
}
