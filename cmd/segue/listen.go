package main

import (
	"context"
	"fmt"
	"net"
)

// listen takes the port of the server at addr, which nobody else has then. Where the
// store has no lock of its own, that is what says that no server is running.
func listen(ctx context.Context, addr string) (net.Listener, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("is a server running? nothing was changed: %w", err)
	}
	return listener, nil
}
