package laptop_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"segue/internal/api"
	"segue/internal/boot/laptop"
	"segue/internal/webserver"
)

// Bad tokens are limited, and the refusal has the form of the Web API.
func TestServerLimitsBadTokens(t *testing.T) {
	local, err := laptop.Place{Data: t.TempDir(), Table: "segue"}.Open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = local.Close() }() // the test is over
	server, err := local.Server()
	if err != nil {
		t.Fatal(err)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }() // ends with Stop
	defer func() { _ = server.Stop(t.Context()) }()
	statuses := map[int]int{}
	for range 40 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+listener.Addr().String()+"/api/data/v9.2/WhoAmI", http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer x.y.z")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err := response.Body.Close(); err != nil {
			t.Fatal(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		statuses[response.StatusCode]++
		if response.StatusCode != http.StatusTooManyRequests {
			continue
		}
		if response.Header.Get("Retry-After") != "1" || response.Header.Get("REQ_ID") == "" || !strings.HasPrefix(string(body), `{"error":{"code":"0x80072322","message":"too many invalid tokens`) {
			t.Fatalf("%v %s", response.Header, body)
		}
	}
	if statuses[http.StatusUnauthorized] < 30 || statuses[http.StatusTooManyRequests] == 0 || len(statuses) != 2 {
		t.Errorf("answers by status: %v", statuses)
	}
}

// The server answers an unclean path as the API does by itself: in the form of the Web
// API, with no redirect.
func TestServerAnswersUncleanPaths(t *testing.T) {
	local, err := laptop.Place{Data: t.TempDir(), Table: "segue"}.Open(t.Context(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = local.Close() }() // the test is over
	plain := api.New(local.API).Mux()
	for _, path := range []string{"/api/data/v9.2//leads", "/api/data/v9.2/leads/../accounts", "//api/data/v9.2/leads"} {
		get := func(h http.Handler) *httptest.ResponseRecorder {
			w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody)
			r.URL.Path = path
			h.ServeHTTP(w, r)
			return w
		}
		want, got := get(plain), get(webserver.Proving(plain, []byte("key")))
		if got.Code != want.Code || !strings.HasPrefix(got.Header().Get("Content-Type"), "application/json") {
			t.Errorf("%s: %d %s, the API by itself responds %d %s", path, got.Code, got.Header().Get("Content-Type"), want.Code, want.Header().Get("Content-Type"))
		}
	}
}
