package webserver_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"segue/internal/clock"
	"segue/internal/webserver"
)

// soon is a patience that a test can wait for.
const soon = 50 * time.Millisecond

// served is a running server, and what its handler has seen.
type served struct {
	*webserver.Server
	addr string
	from chan string // the addresses of the next connections
	errs chan error  // of reading bodies
	done chan error  // of Serve
}

// neighbours is a listener whose connections come from other machines, as far as its
// server can tell.
type neighbours struct {
	*net.TCPListener
	from <-chan string
}

func (n neighbours) Accept() (net.Conn, error) {
	c, err := n.AcceptTCP()
	if err != nil {
		return nil, err
	}
	return neighbour{c, &net.TCPAddr{IP: net.ParseIP(<-n.from), Port: 40000}}, nil
}

type neighbour struct {
	*net.TCPConn
	address net.Addr
}

func (n neighbour) RemoteAddr() net.Addr { return n.address }

// gate returns what handlers wait for and what lets them go on. A test defers the latter,
// since the stop of a server waits for its handlers.
func gate() (opened <-chan struct{}, open func()) {
	c := make(chan struct{})
	return c, sync.OnceFunc(func() { close(c) })
}

func serve(t *testing.T, limits webserver.Limits, h http.HandlerFunc) *served {
	t.Helper()
	s := &served{from: make(chan string, 100), errs: make(chan error, 100), done: make(chan error, 1)}
	if h == nil {
		h = func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			s.errs <- err
			if err != nil {
				w.WriteHeader(http.StatusRequestTimeout)
				return
			}
			_, _ = fmt.Fprintf(w, "%d bytes from %s", len(body), webserver.Address(r.Context()))
		}
	}
	listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	s.addr = listener.Addr().String()
	s.Server = webserver.New(h, limits, clock.System(), log.New(io.Discard, "", 0))
	go func() { s.done <- s.Serve(neighbours{listener, s.from}) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), soon)
		defer cancel()
		_ = s.Stop(ctx) // it may have been stopped
	})
	return s
}

// dial opens a connection; the test fails rather than wait for it for ever.
func (s *served) dial(t *testing.T) *conn {
	t.Helper()
	return s.dialFrom(t, "192.0.2.1")
}

// dialFrom opens a connection that the server sees come from an address.
func (s *served) dialFrom(t *testing.T, address string) *conn {
	t.Helper()
	c, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", s.addr)
	if err != nil {
		t.Fatal(err)
	}
	s.from <- address
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	return &conn{c, bufio.NewReader(c), t}
}

type conn struct {
	net.Conn
	in *bufio.Reader
	t  *testing.T
}

func (c *conn) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads a response and its body.
func (c *conn) answer() (int, string) {
	c.t.Helper()
	response, err := http.ReadResponse(c.in, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// ends waits until the server closes the connection.
func (c *conn) ends() {
	c.t.Helper()
	_, err := io.Copy(io.Discard, c.in)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatal("the server keeps the connection open")
	}
}

// entersOrEnds waits until a handler has the request, or the server has closed the
// connection. Nothing of it is read.
func (c *conn) entersOrEnds(entered <-chan struct{}) bool {
	c.t.Helper()
	for {
		select {
		case <-entered:
			return true
		case <-time.After(time.Millisecond):
		}
		if err := c.SetReadDeadline(time.Now().Add(time.Millisecond)); err != nil {
			c.t.Fatal(err)
		}
		_, err := c.in.Peek(1)
		if !errors.Is(err, os.ErrDeadlineExceeded) {
			return false
		}
		if err := c.SetReadDeadline(time.Now().Add(time.Minute)); err != nil {
			c.t.Fatal(err)
		}
	}
}

const get = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"

func TestServe(t *testing.T) {
	s := serve(t, webserver.Default(), nil)
	c := s.dial(t)
	for _, body := range []string{"", "x", strings.Repeat("x", 1<<20)} {
		c.send(fmt.Sprintf("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", len(body), body))
		if status, text := c.answer(); status != http.StatusOK || text != fmt.Sprintf("%d bytes from 192.0.2.1", len(body)) {
			t.Errorf("%d %s", status, text)
		}
	}
}

// What is too slow ends by itself.
func TestSlowClients(t *testing.T) {
	limits := webserver.Default()
	limits.Header, limits.Patience, limits.Idle = soon, soon, soon
	s := serve(t, limits, nil)
	for name, sent := range map[string]string{
		"nothing":             "",
		"half a header":       "GET / HTTP/1.1\r\nHost: x\r\nX-A:",
		"nothing more":        get,
		"half a body":         "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
		"half a chunked body": "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
		"no body at all":      "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 10\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			c := s.dial(t)
			c.send(sent)
			c.ends()
		})
	}
}

// A body that nobody reads is given up too.
func TestSlowBodyOfARefusal(t *testing.T) {
	limits := webserver.Default()
	limits.Patience = soon
	s := serve(t, limits, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusUnauthorized) })
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
	c.ends()
}

// A body that comes at the rate may take longer than a short one.
func TestBodyAtTheRate(t *testing.T) {
	limits := webserver.Default()
	limits.Patience, limits.Rate = 4*soon, 1 // a second more for each byte
	s := serve(t, limits, nil)
	c := s.dial(t)
	c.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8\r\n\r\n")
	for range 8 {
		c.send("x")
		time.Sleep(soon)
	}
	if status, text := c.answer(); status != http.StatusOK {
		t.Errorf("%d %s, %v", status, text, <-s.errs)
	}
}

// A handler may take longer than a body, and the next request has a limit of its own.
func TestLongHandler(t *testing.T) {
	limits := webserver.Default()
	limits.Patience = soon
	s := serve(t, limits, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		select {
		case <-r.Context().Done():
			w.WriteHeader(http.StatusServiceUnavailable)
		case <-time.After(3 * soon):
			if r.URL.Path == "/text" {
				_, _ = io.WriteString(w, "text")
				return
			}
			w.WriteHeader(http.StatusNoContent)
		}
	})
	c := s.dial(t)
	for _, test := range []struct {
		request string
		want    int
	}{
		{"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", http.StatusNoContent},
		{"GET /text HTTP/1.1\r\nHost: x\r\n\r\n", http.StatusOK},
		{get, http.StatusNoContent},
	} {
		c.send(test.request)
		if status, _ := c.answer(); status != test.want {
			t.Errorf("%q: %d, want %d", test.request, status, test.want)
		}
	}
}

// A client that does not read its response loses it.
func TestSlowReader(t *testing.T) {
	limits := webserver.Default()
	limits.Patience, limits.Rate = soon, 1<<30
	written := make(chan error, 1)
	s := serve(t, limits, func(w http.ResponseWriter, _ *http.Request) {
		_, err := w.Write(make([]byte, 64<<20)) // more than sockets hold
		written <- err
	})
	s.dial(t).send(get)
	if err := <-written; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("write: %v, want %v", err, os.ErrDeadlineExceeded)
	}
}

func TestLargeHeader(t *testing.T) {
	limits := webserver.Default()
	s := serve(t, limits, nil)
	for n, want := range map[int]int{limits.HeaderBytes / 2: http.StatusOK, 2 * limits.HeaderBytes: http.StatusRequestHeaderFieldsTooLarge} {
		c := s.dial(t)
		c.send("GET / HTTP/1.1\r\nHost: x\r\nX-A: " + strings.Repeat("a", n) + "\r\n\r\n")
		if status, _ := c.answer(); status != want {
			t.Errorf("a header of %d bytes: %d, want %d", n, status, want)
		}
	}
}

// Of idle connections from one address the oldest are closed.
func TestIdleConnections(t *testing.T) {
	limits := webserver.Default()
	limits.IdlePerAddress = 3
	s := serve(t, limits, nil)
	var all []*conn
	for range 5 {
		c := s.dial(t)
		c.send(get)
		c.answer()
		all = append(all, c)
		time.Sleep(soon) // the server notes that it is idle when the answer has gone
	}
	for _, c := range all[:2] {
		c.ends()
	}
	for _, c := range all[2:] {
		c.send(get)
		if status, _ := c.answer(); status != http.StatusOK {
			t.Errorf("a younger connection: %d", status)
		}
	}
}

// When too many connections are open, one takes the place of an idle one.
func TestTooManyConnections(t *testing.T) {
	limits := webserver.Default()
	limits.Connections = 3
	opened, open := gate()
	defer open()
	entered := make(chan struct{}, limits.Connections)
	s := serve(t, limits, func(_ http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			entered <- struct{}{}
			<-opened
		}
	})
	idle := s.dial(t)
	idle.send(get)
	idle.answer()
	var busy []*conn
	for len(busy) < limits.Connections {
		c := s.dial(t)
		_, _ = io.WriteString(c, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n") // it may be closed already
		if c.entersOrEnds(entered) {
			busy = append(busy, c)
		}
		// Else the server has not noted yet that the first one is idle: it does so
		// after its answer has gone.
	}
	idle.ends()
	refused := s.dial(t)
	refused.ends()
	open()
	for _, c := range busy {
		if status, _ := c.answer(); status != http.StatusOK {
			t.Errorf("a busy connection: %d", status)
		}
	}
}

// One address cannot take all connections.
func TestTooManyConnectionsFromOneAddress(t *testing.T) {
	limits := webserver.Default()
	limits.PerAddress = 2
	opened, open := gate()
	defer open()
	var entered sync.WaitGroup
	s := serve(t, limits, func(http.ResponseWriter, *http.Request) {
		entered.Done()
		<-opened
	})
	entered.Add(3)
	all := []*conn{s.dial(t), s.dial(t)}
	for _, c := range all {
		c.send(get)
	}
	s.dial(t).ends()
	other := s.dialFrom(t, "192.0.2.2")
	other.send(get)
	entered.Wait()
	open()
	for _, c := range append(all, other) {
		if status, _ := c.answer(); status != http.StatusOK {
			t.Errorf("a connection within the limits: %d", status)
		}
	}
}

// A stop waits for the requests under way, and for no connection without one.
func TestStop(t *testing.T) {
	entered := make(chan struct{})
	opened, open := gate()
	defer open()
	s := serve(t, webserver.Default(), func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-opened
		_, _ = io.WriteString(w, "done")
	})
	silent, busy := s.dial(t), s.dial(t)
	busy.send(get)
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	silent.ends()
	open()
	if status, text := busy.answer(); status != http.StatusOK || text != "done" {
		t.Errorf("the request under way: %d %s", status, text)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if err := <-s.done; err != nil {
		t.Errorf("serve: %v", err)
	}
}

// A stop that may not wait cuts requests off, and returns when they have ended.
func TestStopAtOnce(t *testing.T) {
	entered := make(chan struct{})
	ended := false
	s := serve(t, webserver.Default(), func(_ http.ResponseWriter, r *http.Request) {
		close(entered)
		<-r.Context().Done()
		ended = true
	})
	s.dial(t).send(get)
	<-entered
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.Canceled) || !ended {
		t.Errorf("%v, the request has ended: %v", err, ended)
	}
}
