package access

import (
	"net"
	"net/netip"
	"os"
	"strings"
)

// hosts decides for which hosts of a URL the server answers. A web site that has its own
// name resolve to this machine makes a visitor's browser ask in that name: only what
// such a site cannot own is answered. That is an address, and a name that this machine
// has by itself or by the configuration.
type hosts struct {
	names  map[string]bool
	public bool // other machines reach the server, by any of its addresses and short names
}

// hostsOf returns the hosts of a configuration.
func hostsOf(c Config) hosts {
	h := hosts{names: map[string]bool{"localhost": true}, public: c.Public}
	host, _, _ := net.SplitHostPort(c.Listen) // the configuration checked it
	if _, err := netip.ParseAddr(host); err != nil && host != "" {
		h.names[plainName(host)] = true
	}
	for _, name := range c.Names {
		h.names[plainName(name)] = true
	}
	if name, err := os.Hostname(); err == nil && h.public {
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
