package laptop_test

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"

	"segue/internal/boot/laptop"
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
