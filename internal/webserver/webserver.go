// Package webserver is the HTTP server of a Segue that its clients reach without a
// gateway between. A gateway bounds how slowly a client may send and how much it may
// hold open; here the server does, so that a few clients that are slow, many or broken
// leave it to the others (docs/webapi.md §15). Clients on the same machine that find the
// server by what it has left in a file have it prove that it is there still ([Dial]).
//
// Invariant: whatever a client does, what it holds (a connection, a goroutine, a buffer)
// ends by itself, and how many of them there are is bounded. A client that sends and
// reads at [Limits].Rate is never cut off.
package webserver

import (
	"context"
	"errors"
	"log"
	"net"
	"net/http"
	"sync"
	"time"

	"segue/internal/clock"
)

// Limits bound what a client may hold.
type Limits struct {
	Header   time.Duration // within which the header of a request comes
	Patience time.Duration // how long a body, or its response, may take however short it is
	Rate     int           // bytes a second that a longer one must come or go at
	Idle     time.Duration // how long a connection stays open without a request

	HeaderBytes    int // of a request line and its headers
	Connections    int // that are open at the same time
	PerAddress     int // of these, from one address
	IdlePerAddress int // of these, without a request
}

// Default returns the limits of a server on a laptop. A body of 1 MB has 40 s and 4
// minutes more.
func Default() Limits {
	return Limits{
		Header: 10 * time.Second, Patience: 40 * time.Second, Rate: 4 << 10, Idle: 2 * time.Minute,
		HeaderBytes: 128 << 10, Connections: 1000, PerAddress: 300, IdlePerAddress: 100,
	}
}

// Server serves HTTP within [Limits]. It is safe for concurrent use.
type Server struct {
	http        *http.Server
	connections *connections

	mu      sync.Mutex
	active  int // requests that are being handled
	stopped bool
	quiet   chan struct{} // closed when it has stopped and there is none
	settle  func()        // closes it
}

// New returns a server of h. What goes wrong on a connection is told to errorLog.
func New(h http.Handler, limits Limits, c clock.Clock, errorLog *log.Logger) *Server {
	s := &Server{connections: newConnections(limits), quiet: make(chan struct{})}
	s.settle = sync.OnceFunc(func() { close(s.quiet) })
	s.http = &http.Server{
		Handler:           s.counted(paced(h, limits, c)),
		ReadHeaderTimeout: limits.Header,
		IdleTimeout:       limits.Idle,
		MaxHeaderBytes:    limits.HeaderBytes,
		ErrorLog:          errorLog,
		ConnState:         s.connections.follow,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, addressKey{}, addressOf(conn))
		},
	}
	return s
}

// Serve answers requests until [Server.Stop], and then returns nil.
func (s *Server) Serve(listener net.Listener) error {
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Stop takes no further requests and waits for those under way. When ctx ends before,
// it cuts these off and returns the error of ctx. When it returns, none is being
// handled any more.
func (s *Server) Stop(ctx context.Context) error {
	s.connections.closeNew() // Shutdown would wait for a request on them
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close() // it was asked to stop, and a listener or connection may be closed already
	}
	s.mu.Lock()
	s.stopped = true
	if s.active == 0 {
		s.settle()
	}
	s.mu.Unlock()
	<-s.quiet // their contexts have ended
	return err
}

// counted knows how many requests h is handling.
func (s *Server) counted(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		s.active++
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.active--; s.active == 0 && s.stopped {
				s.settle()
			}
		}()
		h.ServeHTTP(w, r)
	})
}
