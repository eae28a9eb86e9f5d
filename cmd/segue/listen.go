package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
)

// listen takes the port of the server at addr, which nobody else has then. Where the
// store has no lock of its own, that is what says that no server is running.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken: is a server running there? For another address: --addr 127.0.0.1:8081, or make run ADDR=127.0.0.1:8081. Nothing was changed: %w", addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q; nothing was changed: %w", addr, err)
	}
	return listener, nil
}

// refuseOpen refuses an address that other machines reach: a certificate of this
// machine does not name it.
func refuseOpen(listener net.Listener) error {
	if tcp, ok := listener.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return fmt.Errorf("--tls is for 127.0.0.1, ::1 and localhost; %s has no certificate. Put a proxy with one in front of Segue", listener.Addr())
	}
	return nil
}
