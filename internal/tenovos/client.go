package tenovos

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/secret"
)

// Config says which account of which service to use. Fields without a default
// named here are required, or empty by choice.
type Config struct {
	// URL is the base of the API, "https://api.tenovos.io/v1" for example.
	URL string
	// Version is "1.5" (the default) or "1.0". Both are spoken alike; 1.0 needs
	// ClientID.
	Version          string
	APIKey, Password secret.Text
	Username         string
	// APIKeyFrom and its siblings are what the configuration calls the places of the
	// credentials, for messages. Default tenovos.api_key, and so on.
	APIKeyFrom, UsernameFrom, PasswordFrom, ClientIDFrom string
	// ClientID is sent at login where it is not "".
	ClientID string
	// MaxConcurrentCalls bounds the calls in flight, logins included. Default 8.
	MaxConcurrentCalls int
	// HTTP replaces the client's own transport. It is copied, and redirects are
	// refused whatever it says. A transport that does not tell of its connections
	// by httptrace makes every lost call ambiguous.
	HTTP *http.Client
	// Clock tells the time for session ends and Retry-After. Default time.Now.
	Clock func() time.Time
	// OmitAccessToken leaves the AccessToken header away where some of the
	// documents do not list it. Ending a session and impersonating always send it.
	OmitAccessToken bool
	// BasicLogin adds a Basic Authorization header at login.
	BasicLogin bool
	// CallTimeout bounds one request and its reply; the wait for a free slot
	// comes on top. Default 60 s.
	CallTimeout time.Duration
	// Observe is told of each request and its answer, those for a session included: the
	// operation in words as in Error.Op, what came of it, and how long that took. It is
	// called from several goroutines at once and must not block; nil: nobody is told.
	Observe func(operation string, err error, took time.Duration)
}

// CallSpan is how long after it was intended a call can still have taken effect: the
// refresh of a token, the call's time-out, and the platform's own limit behind it.
const CallSpan = 3 * time.Minute

// Client calls the API for one account. It may be used by any number of
// goroutines. It holds the session's tokens in memory and nowhere else.
type Client struct {
	cfg     Config
	base    string
	http    *http.Client
	clock   func() time.Time
	timeout time.Duration
	slots   slots
	auth    auth
	secrets secrets
	skew    skew

	// undeleteDashed says by which of its two names the service knew the action that
	// brings an asset back.
	undeleteDashed atomic.Bool
}

// New returns a client. It makes no request; the first call logs in.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err != nil:
		// The parser's own text would repeat a password in the URL.
		return nil, errors.New("tenovos.url is not a URL")
	case u.Scheme != "https" && u.Scheme != "http", u.Host == "":
		return nil, fmt.Errorf("tenovos.url must be an https URL such as https://api.tenovos.io/v1, not %q", secret.URL(cfg.URL).String())
	case u.User != nil, u.RawQuery != "", u.Fragment != "":
		return nil, errors.New("tenovos.url must hold no user, query or fragment")
	}
	cfg.Version = cmp.Or(cfg.Version, "1.5")
	cfg.APIKeyFrom = cmp.Or(cfg.APIKeyFrom, "tenovos.api_key")
	cfg.UsernameFrom = cmp.Or(cfg.UsernameFrom, "tenovos.username")
	cfg.PasswordFrom = cmp.Or(cfg.PasswordFrom, "tenovos.password")
	cfg.ClientIDFrom = cmp.Or(cfg.ClientIDFrom, "tenovos.client_id")
	if cfg.Version != "1.5" && cfg.Version != "1.0" {
		return nil, fmt.Errorf(`tenovos.version must be "1.5" or "1.0", not %q`, cfg.Version)
	}
	if cfg.MaxConcurrentCalls < 1 {
		cfg.MaxConcurrentCalls = 8
	}
	c := &Client{
		cfg:     cfg,
		base:    strings.TrimRight(cfg.URL, "/"),
		http:    &http.Client{Transport: transport(cfg.MaxConcurrentCalls)},
		clock:   cfg.Clock,
		timeout: cfg.CallTimeout,
		slots:   make(slots, cfg.MaxConcurrentCalls),
	}
	if cfg.HTTP != nil {
		own := *cfg.HTTP
		c.http = &own
	}
	// A redirect would carry the headers of the request, the API key among them,
	// to wherever it points, and would make a GET of a POST.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if c.clock == nil {
		c.clock = time.Now
	}
	if c.timeout <= 0 {
		c.timeout = time.Minute
	}
	if c.cfg.Observe == nil {
		c.cfg.Observe = func(string, error, time.Duration) {}
	}
	c.auth.turn = make(chan struct{}, 1)
	c.secrets = secrets{apiKey: cfg.APIKey, password: cfg.Password, username: cfg.Username, auth: &c.auth}
	return c, nil
}

// transport is net/http's, for one host and HTTP/1.1: there, a request that
// never got a connection was certainly not sent.
func transport(calls int) *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	protocols := new(http.Protocols)
	protocols.SetHTTP1(true)
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         dialer.DialContext,
		Protocols:           protocols,
		TLSHandshakeTimeout: 10 * time.Second,

		MaxResponseHeaderBytes: maxHeaders,
		MaxIdleConnsPerHost:    calls,
		// Below the minute after which load balancers drop idle connections, so
		// that a call is not lost to one that is just being closed.
		IdleConnTimeout: 45 * time.Second,
	}
}

// Close closes idle connections. Calls in flight are not affected, and later
// calls open new ones. The session stays valid until it ends or ExpireToken.
func (c *Client) Close() { c.http.CloseIdleConnections() }
