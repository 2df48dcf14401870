package uploader

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// ErrForeignHost says that the API hands out a URL that a file must not be sent to, or
// its content be read from. The text around it names the host.
var ErrForeignHost = errors.New("the API hands out a URL that is not used")

// handOuts judges the URLs that an API hands out. Whoever wrote such a URL chooses whom
// this host connects to, and what that gets: an API that is reached by https hands out
// no http, and none hands out a host of this machine or of its link (where clouds keep
// credentials), unless it is there itself. Private networks are allowed, for content
// stores have endpoints there.
type handOuts struct {
	api *url.URL // nil: everything is allowed

	proxies sync.Map // host:port of each proxy that the environment names -> struct{}
}

// newHandOuts is for URLs of the API whose base is given; "" allows all.
func newHandOuts(api string) *handOuts {
	if api == "" {
		return &handOuts{}
	}
	u, err := url.Parse(api)
	if err != nil {
		u = &url.URL{Scheme: "https"} // no API: nothing is there
	}
	return &handOuts{api: u}
}

// check judges a URL as it is written.
func (h *handOuts) check(ctx context.Context, handed secret.URL) error {
	if h.api == nil {
		return nil
	}
	u, err := url.Parse(handed.Reveal())
	if err != nil || u.Hostname() == "" {
		return fmt.Errorf("%w: it cannot be read", ErrForeignHost)
	}
	refuse := func(why string) error {
		return fmt.Errorf("%w: %s %s", ErrForeignHost, u.Scheme+"://"+u.Host, why)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return refuse("is neither https nor http")
	case u.Scheme == "http" && h.api.Scheme == "https":
		return refuse("is not https, as the API is")
	case u.User != nil:
		return refuse("has a user in it")
	case strings.ContainsFunc(u.Host, func(r rune) bool { return r > 127 }):
		return refuse("is written in letters that name another host than they show")
	}
	if at := vicinityOf(u.Hostname()); at != "" && !h.apiIs(ctx, at) {
		return refuse("is a " + string(at) + " address, and the API is not there")
	}
	return nil
}

// apiIs reports whether the API is in such a vicinity.
func (h *handOuts) apiIs(ctx context.Context, at vicinity) bool {
	host := h.api.Hostname()
	if vicinityOf(host) == at {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	addrs, _ := net.DefaultResolver.LookupNetIP(ctx, "ip", host) // unknown is not there
	for _, a := range addrs {
		if vicinityOfAddr(a) == at {
			return true
		}
	}
	return false
}

// watch has a transport judge the address that a name turns out to be when it is
// dialled. A proxy is the operator's choice, wherever it is; what it makes of a name
// is not seen from here.
func (h *handOuts) watch(t *http.Transport) {
	t.Proxy = func(r *http.Request) (*url.URL, error) {
		proxy, err := http.ProxyFromEnvironment(r)
		if proxy != nil {
			h.proxies.Store(dialled(proxy), struct{}{})
		}
		return proxy, err
	}
	t.DialContext = hearOut(func(ctx context.Context, network, addr string) (net.Conn, error) {
		d := newDialer()
		if _, proxy := h.proxies.Load(addr); !proxy {
			d.ControlContext = func(ctx context.Context, network, at string, c syscall.RawConn) error {
				if err := h.checkAddr(ctx, addr, at); err != nil {
					return err
				}
				return limitUnsent(network, at, c)
			}
		}
		return d.DialContext(ctx, network, addr)
	})
}

// dialled is the address at which a transport dials a proxy.
func dialled(proxy *url.URL) string {
	port := proxy.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[proxy.Scheme]
	}
	return net.JoinHostPort(proxy.Hostname(), port)
}

// checkAddr judges the address that the name in a host:port turned out to be.
func (h *handOuts) checkAddr(ctx context.Context, name, addr string) error {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return nil //nolint:nilerr // no address of the internet
	}
	if where := vicinityOfAddr(at.Addr()); where != "" && !h.apiIs(ctx, where) {
		return fmt.Errorf("%w: %s is %s, a %s address, and the API is not there", ErrForeignHost, name, at.Addr(), where)
	}
	return nil
}

// vicinity is where a host is that no stranger may name; "" is anywhere else.
type vicinity string

const (
	loopback  vicinity = "loopback"
	linkLocal vicinity = "link-local"
)

// vicinityOf is where the host of a URL is, as far as it is written there.
func vicinityOf(host string) vicinity {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return loopback
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return vicinityOfAddr(a)
	}
	if a, ok := looseIPv4(host); ok {
		return vicinityOfAddr(a)
	}
	return ""
}

// embeds are the prefixes of IPv6 addresses whose last four bytes are one of IPv4:
// compatible ones, and those that a gateway translates.
var embeds = []netip.Prefix{netip.MustParsePrefix("::/96"), netip.MustParsePrefix("64:ff9b::/96")}

func vicinityOfAddr(a netip.Addr) vicinity {
	a = a.Unmap().WithZone("")
	switch {
	case a.IsLoopback(), a.IsUnspecified(), a.Is4() && a.As4()[0] == 0: // which is this host, too
		return loopback
	case a.IsLinkLocalUnicast(), a.IsLinkLocalMulticast(), a.IsInterfaceLocalMulticast():
		return linkLocal
	}
	for _, p := range embeds {
		if b := a.As16(); p.Contains(a) {
			return vicinityOfAddr(netip.AddrFrom4([4]byte(b[12:])))
		}
	}
	return ""
}

// looseIPv4 reads an IPv4 address as C libraries do: one to four numbers, decimal,
// octal or hexadecimal, of which the last fills what is left. Resolvers and proxies
// take it so.
func looseIPv4(host string) (netip.Addr, bool) {
	parts := strings.Split(host, ".")
	if len(parts) > 4 {
		return netip.Addr{}, false
	}
	var sum uint64
	for i, part := range parts {
		n, err := strconv.ParseUint(part, 0, 32)
		if err != nil {
			return netip.Addr{}, false
		}
		if last := i == len(parts)-1; last {
			if n >= 1<<(8*(5-len(parts))) {
				return netip.Addr{}, false
			}
			sum |= n
		} else {
			if n > 255 {
				return netip.Addr{}, false
			}
			sum |= n << (8 * (3 - i))
		}
	}
	return netip.AddrFrom4([4]byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)}), true
}

// hostOf is the host of a URL, with its port; "" where it cannot be read.
func hostOf(u secret.URL) string {
	parsed, err := url.Parse(u.Reveal())
	if err != nil {
		return ""
	}
	return parsed.Host
}
