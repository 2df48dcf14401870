package dashboard

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"strings"
	"sync"
)

// maxConns bounds how many connections are served at once; more of them wait.
const maxConns = 64

// hosts decides for which hosts of a URL the page answers. A web site that has its own
// name resolve to this machine makes a visitor's browser ask in that name: only what
// such a site cannot own is answered. That is an address, and a name that this machine
// has by itself or by the configuration.
type hosts struct {
	names  map[string]bool
	public bool // other machines reach the page, by any of its addresses and short names
}

// hostsOf returns the hosts for an address to listen on.
func hostsOf(listen string) hosts {
	h := hosts{names: map[string]bool{"localhost": true}}
	host, _, _ := net.SplitHostPort(listen) // it was checked by who listens
	addr, err := netip.ParseAddr(host)
	if err != nil && host != "" {
		h.names[plainName(host)] = true
	}
	if h.public = !addr.Unmap().IsLoopback() && plainName(host) != "localhost"; !h.public {
		return h
	}
	if name, err := os.Hostname(); err == nil {
		h.names[plainName(name)] = true
	}
	return h
}

func plainName(host string) string { return strings.ToLower(strings.TrimSuffix(host, ".")) }

// answers reports whether a request in the name of a host, with or without a port, is
// answered. Without any, as HTTP/1.0 allows, no browser asks.
func (h hosts) answers(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	if addr, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return h.public || addr.Unmap().IsLoopback()
	}
	name := plainName(host)
	// A name without a dot is one of the network around, such as a container's.
	return host == "" || h.names[name] || strings.HasSuffix(name, ".localhost") || h.public && !strings.Contains(name, ".")
}

// guard answers only for the hosts.
func (h hosts) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !h.answers(req.Host) {
			http.Error(w, "the status page does not answer in the name of this host; ask by address, or by the name that `listen` has", http.StatusMisdirectedRequest)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// limited accepts a connection only while fewer than its places are open.
type limited struct {
	net.Listener
	places chan struct{}
	closed chan struct{}
	once   sync.Once
}

func limit(l net.Listener, most int) *limited {
	return &limited{Listener: l, places: make(chan struct{}, most), closed: make(chan struct{})}
}

// Accept implements net.Listener.
func (l *limited) Accept() (net.Conn, error) {
	select {
	case l.places <- struct{}{}:
	case <-l.closed:
		return nil, net.ErrClosed
	}
	c, err := l.Listener.Accept()
	if err != nil {
		<-l.places
		return nil, err
	}
	return &placed{Conn: c, leave: sync.OnceFunc(func() { <-l.places })}, nil
}

// Close implements net.Listener.
func (l *limited) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// placed is a connection that has a place.
type placed struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *placed) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
