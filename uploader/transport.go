package uploader

import (
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// unsentLimit is how many bytes the kernel may hold of a connection that it has
// not put on the wire yet. Without it, reading runs megabytes ahead of a slow
// link: progress would lie, and the last bytes would look like a store that does
// not answer.
const unsentLimit = 256 << 10

// newTransport returns the transport for content stores. It is used without a client
// around it, which would follow redirects: a presigned URL is good for its own host and
// path only, and its query is nobody else's business.
//
// It speaks HTTP/1.1 only, for HTTP/2 would put all parts on one connection and is
// slower. It keeps every connection that it had for a while, since many small files cost
// a handshake each otherwise; their number is bounded by the parts in flight. How long an
// answer may take is for the watchdog of each part to say.
func newTransport() *http.Transport {
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		OnProxyConnectResponse: tunnelRefused,
		DialContext:            hearOut(newDialer().DialContext),
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  expectWait,
		MaxIdleConnsPerHost:    1024,
		IdleConnTimeout:        15 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableCompression:     true,
		Protocols:              protocols,
	}
}

func newDialer() *net.Dialer {
	return &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second, Control: limitUnsent}
}

// limitUnsent sets unsentLimit. A kernel that does not know the option works
// too, only its progress runs ahead.
func limitUnsent(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_NOTSENT_LOWAT, unsentLimit)
	})
}
