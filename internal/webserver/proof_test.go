package webserver_test

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"segue/internal/webserver"
)

// greeting answers every request.
func greeting(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }

func fetch(t *testing.T, url string, dial func(context.Context, string, string) (net.Conn, error)) (status int, text string, err error) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body), response.Body.Close()
}

// TestProof: a client takes a server that has its key, and no other one.
func TestProof(t *testing.T) {
	key, other := []byte("a key"), []byte("another key")
	server := httptest.NewServer(webserver.Proving(http.HandlerFunc(greeting), key))
	defer server.Close()
	if _, text, err := fetch(t, server.URL, webserver.Dial(key, nil)); err != nil || text != "hello" {
		t.Errorf("the server says %q, error %v", text, err)
	}
	// What a stranger may say: of what it has heard, the same as the server once.
	heard := strings.Repeat("00", 32)
	_, proof, err := fetch(t, server.URL+"/.well-known/segue-server?challenge="+heard, nil)
	if err != nil || len(proof) != 64 {
		t.Fatalf("the proof is %q, error %v", proof, err)
	}
	for name, say := range map[string]string{
		"nothing": "", "no HTTP": "hello\r\n", "an empty proof": "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
		"an old proof":  "HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + proof,
		"a long answer": "HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n" + strings.Repeat("0", 99999),
		"the challenge": "HTTP/1.1 200 OK\r\nContent-Length: 64\r\n\r\n" + hex.EncodeToString(make([]byte, 32)),
	} {
		if _, _, err := fetch(t, "http://"+saying(t, say), webserver.Dial(key, nil)); err == nil {
			t.Errorf("%s is taken for a proof", name)
		}
	}
	if _, _, err := fetch(t, server.URL, webserver.Dial(other, nil)); err == nil {
		t.Error("a server with another key is taken")
	}
}

// saying listens, says a text to whoever has said something, and hangs up.
func saying(t *testing.T, text string) (addr string) {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // the test is over
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return // it is closed
			}
			_, _ = conn.Read(make([]byte, 4096)) // whatever it is
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}()
	return listener.Addr().String()
}

// TestProofOfWhat: a challenge that is none gets no proof, and the rest of the server is
// as it was.
func TestProofOfWhat(t *testing.T) {
	server := httptest.NewServer(webserver.Proving(http.HandlerFunc(greeting), []byte("a key")))
	defer server.Close()
	for _, challenge := range []string{"", "x", "00", strings.Repeat("00", 33)} {
		status, text, err := fetch(t, server.URL+"/.well-known/segue-server?challenge="+challenge, nil)
		if err != nil || status != http.StatusBadRequest {
			t.Errorf("challenge %q: %d %q, error %v", challenge, status, text, err)
		}
	}
	if _, text, err := fetch(t, server.URL+"/.well-known/other", nil); err != nil || text != "hello" {
		t.Errorf("another path: %q, error %v", text, err)
	}
}
