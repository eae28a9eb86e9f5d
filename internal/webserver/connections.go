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
	idle *list.List // of *connection, the one that has been idle longest first
	from map[string]*count
}

// count is how many connections come from an address.
type count struct{ open, idle int }

type connection struct {
	conn    net.Conn
	address string
	place   *list.Element // in idle, nil while it is not
	fresh   bool          // it had no request yet
}

func newConnections(limits Limits) *connections {
	return &connections{limits: limits, open: map[net.Conn]*connection{}, idle: list.New(), from: map[string]*count{}}
}

// follow is a ConnState of http.Server.
func (c *connections) follow(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if state == http.StateNew {
		c.admit(&connection{conn: conn, address: addressOf(conn), fresh: true})
		return
	}
	known := c.open[conn]
	if known == nil { // it was closed here
		return
	}
	switch state {
	case http.StateActive:
		known.fresh = false
		c.leaveIdle(known)
	case http.StateIdle:
		c.enterIdle(known)
	case http.StateClosed, http.StateHijacked:
		c.forget(known)
	case http.StateNew: // above
	}
}

// admit takes a new connection. If there are too many, in all or from its address, it
// takes the place of the one that has been idle longest; where none is idle, it is
// closed.
func (c *connections) admit(added *connection) {
	from := c.from[added.address]
	if from == nil {
		from = &count{}
		c.from[added.address] = from
	}
	from.open++
	c.open[added.conn] = added
	switch {
	case from.open > c.limits.PerAddress:
		if !c.evict(added.address) {
			c.close(added)
		}
	case len(c.open) > c.limits.Connections:
		if !c.evict("") {
			c.close(added)
		}
	}
}

// enterIdle notes that a connection is idle. If there are too many from its address, the
// one that has been so longest is closed.
func (c *connections) enterIdle(known *connection) {
	known.place = c.idle.PushBack(known)
	from := c.from[known.address]
	if from.idle++; from.idle > c.limits.IdlePerAddress {
		c.evict(known.address)
	}
}

func (c *connections) leaveIdle(known *connection) {
	if known.place == nil {
		return
	}
	c.idle.Remove(known.place)
	known.place = nil
	c.from[known.address].idle--
}

// forget drops a connection that is no longer open.
func (c *connections) forget(known *connection) {
	c.leaveIdle(known)
	delete(c.open, known.conn)
	from := c.from[known.address]
	if from.open--; from.open == 0 {
		delete(c.from, known.address)
	}
}

// evict closes the connection that has been idle longest, from an address or, for "",
// from any; ok is false if there is none. A request that was just coming on it is lost;
// a client sends it again on another.
func (c *connections) evict(address string) (ok bool) {
	for place := c.idle.Front(); place != nil; place = place.Next() {
		known := place.Value.(*connection) //nolint:errcheck // the list has nothing else
		if address == "" || known.address == address {
			c.close(known)
			return true
		}
	}
	return false
}

func (c *connections) close(known *connection) {
	c.forget(known)
	_ = known.conn.Close() // the client may have closed it
}

// closeNew closes the connections on which no request has begun.
func (c *connections) closeNew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, known := range c.open {
		if known.fresh {
			c.close(known)
		}
	}
}
