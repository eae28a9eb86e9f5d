package webserver

import (
	"container/list"
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

type addressKey struct{}

// Address returns where the connection of a request comes from: an IPv4 address, or
// the 64 bits of an IPv6 address that one subscriber has; "" outside of a [Server].
func Address(ctx context.Context) string {
	address, _ := ctx.Value(addressKey{}).(string)
	return address
}

func addressOf(conn net.Conn) string {
	remote := conn.RemoteAddr().String()
	endpoint, err := netip.ParseAddrPort(remote)
	if err != nil {
		return remote // of a network without ports
	}
	address := endpoint.Addr().Unmap()
	if address.Is4() {
		return address.String()
	}
	network, err := address.WithZone("").Prefix(64)
	if err != nil {
		return remote
	}
	return network.String()
}

// connections knows which connections are open, and closes those that are too many.
type connections struct {
	limits Limits

	mu   sync.Mutex
	open map[net.Conn]*connection
	idle *list.List     // of *connection, the one that has been idle longest first
	from map[string]int // idle connections from an address
}

type connection struct {
	conn    net.Conn
	address string
	place   *list.Element // in idle, nil while it is not
	fresh   bool          // it had no request yet
}

func newConnections(limits Limits) *connections {
	return &connections{limits: limits, open: map[net.Conn]*connection{}, idle: list.New(), from: map[string]int{}}
}

// follow is a ConnState of http.Server.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	known := c.open[conn]
	switch state {
	case http.StateNew:
		c.admit(&connection{conn: conn, address: addressOf(conn), fresh: true})
	case http.StateActive:
		if known != nil {
			known.fresh = false
			c.leaveIdle(known)
		}
	case http.StateIdle:
		if known != nil {
			c.enterIdle(known)
		}
	case http.StateClosed, http.StateHijacked:
		if known != nil {
			c.leaveIdle(known)
			delete(c.open, conn)
		}
	}
}

// admit takes a new connection. If there are too many, it takes the place of the one
// that has been idle longest, or is closed where none is idle.
func (c *connections) admit(added *connection) {
	if len(c.open) >= c.limits.Connections {
		oldest := c.idle.Front()
		if oldest == nil {
			_ = added.conn.Close() // the client learns of it
			return
		}
		c.evict(oldest)
	}
	c.open[added.conn] = added
}

// enterIdle notes that a connection is idle. If there are too many from its address, the
// one that has been so longest is closed.
func (c *connections) enterIdle(known *connection) {
	known.place = c.idle.PushBack(known)
	if c.from[known.address]++; c.from[known.address] <= c.limits.IdlePerAddress {
		return
	}
	for place := c.idle.Front(); place != nil; place = place.Next() {
		if place.Value.(*connection).address == known.address { //nolint:errcheck // the list has nothing else
			c.evict(place)
			return
		}
	}
}

func (c *connections) leaveIdle(known *connection) {
	if known.place == nil {
		return
	}
	c.idle.Remove(known.place)
	known.place = nil
	if c.from[known.address]--; c.from[known.address] == 0 {
		delete(c.from, known.address)
	}
}

// evict closes an idle connection. A request that was just coming on it is lost; a
// client sends it again on another.
func (c *connections) evict(place *list.Element) {
	known := place.Value.(*connection) //nolint:errcheck // the list has nothing else
	c.leaveIdle(known)
	delete(c.open, known.conn)
	_ = known.conn.Close() // the client may have closed it
}

// closeNew closes the connections on which no request has begun.
func (c *connections) closeNew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn, known := range c.open {
		if known.fresh {
			delete(c.open, conn)
			_ = conn.Close() // as in evict
		}
	}
}
