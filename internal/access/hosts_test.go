package access

import (
	"net"
	"net/netip"
	"os"
	"testing"
)

// TestHosts asks the page in the name of hosts, as a browser does for a web site whose
// name resolves to this machine.
func TestHosts(t *testing.T) {
	name, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		listen, host string
		want         bool
	}{
		{"127.0.0.1:9470", "127.0.0.1:9470", true},
		{"127.0.0.1:9470", "127.0.0.1", true},
		{"127.0.0.1:9470", "localhost:8080", true}, // a tunnel
		{"127.0.0.1:9470", "LocalHost.", true},
		{"127.0.0.1:9470", "page.localhost:9470", true},
		{"127.0.0.1:9470", "[::1]:9470", true},
		{"127.0.0.1:9470", "[::1]", true},
		{"127.0.0.1:9470", "", true},
		{"127.0.0.1:9470", "evil.example:9470", false},
		{"127.0.0.1:9470", "evil.example", false},
		{"127.0.0.1:9470", "localhost.evil.example", false},
		{"127.0.0.1:9470", "127.0.0.1.nip.example", false},
		{"127.0.0.1:9470", "evil", false},
		{"127.0.0.1:9470", "192.0.2.7:9470", false},
		{"127.0.0.1:9470", "0.0.0.0:9470", false},
		{"127.0.0.1:9470", ":9470", true},
		{"[::1]:9470", "[::1]:9470", true},
		{"[::1]:9470", "evil.example", false},
		{"localhost:9470", "127.0.0.1:9470", true},
		{"localhost:9470", "evil.example", false},
		{"0.0.0.0:9470", "192.0.2.7:9470", true},
		{"0.0.0.0:9470", "[2001:db8::1]:9470", true},
		{"0.0.0.0:9470", "localhost:9470", true},
		{"0.0.0.0:9470", name + ":9470", true},
		{"0.0.0.0:9470", "ingestd:9470", true}, // a container's name
		{"0.0.0.0:9470", "evil.example:9470", false},
		{":9470", "evil.example:9470", false},
		{"[::]:9470", "evil.example:9470", false},
		{"dam.example:9470", "DAM.example:9470", true},
		{"dam.example:9470", "evil.example:9470", false},
		{"dam.example:9470", "dam.example.evil.example", false},
		{"127.0.0.1:9470", "Ingest.example", true}, // a proxy's
		{"127.0.0.1:9470", "ingest.example:8443", true},
		{"127.0.0.1:9470", "x.ingest.example", false},
		{"127.0.0.1:9470", "evil.example, 127.0.0.1", false},
		{"127.0.0.1:9470", "127.0.0.1@evil.example", false},
	} {
		host, _, _ := net.SplitHostPort(c.listen)
		addr, _ := netip.ParseAddr(host)
		public := host != "localhost" && !addr.IsLoopback()
		if got := hostsOf(Config{Listen: c.listen, Public: public, Names: []string{"ingest.example"}}).answers(c.host); got != c.want {
			t.Errorf("listening on %s, a request to %q is answered: %t, want %t", c.listen, c.host, got, c.want)
		}
	}
}
