package access

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Config says who may ask.
type Config struct {
	Listen string   // the host:port to listen on
	Public bool     // Listen is no address of this machine alone; needs a Login
	Names  []string // by which a proxy in front is asked, beside the name in Listen
	Login  Login
	Open   []string // paths that need no login
	Secret Secret
	Log    zerolog.Logger
}

// Access is what stands between the network and the pages. Safe for concurrent use.
type Access struct {
	config Config
	hosts  hosts
	login  *doorman
	csrf   string
	limits limits

	mu      sync.Mutex
	streams map[*stream]bool // that are open
}

// New returns the access of a configuration. A public address without a login is an error.
func New(c Config) (*Access, error) {
	if c.Public && !c.Login.Needed() {
		return nil, fmt.Errorf("%s can be reached by other machines, and there is no login for it", c.Listen)
	}
	return &Access{
		config: c, hosts: hostsOf(c), login: newDoorman(c.Login, c.Secret, c.Log),
		csrf: c.Secret.csrf(c.Login), limits: usual, streams: make(map[*stream]bool, maxStreams),
	}, nil
}

// maxBody bounds the body of a request, in bytes: an action is a short form.
const maxBody = 64 << 10

// headers are sent with every reply. A page runs its own script and nothing else, is shown
// in no frame, and nothing of it stays in a cache. Other sites do not learn of its address; it
// has to be told to this one, because browsers that tell nobody (no-referrer) hide the Origin
// of the page's own forms, too.
var headers = map[string]string{
	"Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; " +
		"form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
	"X-Content-Type-Options":       "nosniff",
	"X-Frame-Options":              "DENY",
	"Referrer-Policy":              "same-origin",
	"Cache-Control":                "no-store",
	"Cross-Origin-Opener-Policy":   "same-origin",
	"Cross-Origin-Resource-Policy": "same-origin",
	"Cross-Origin-Embedder-Policy": "require-corp",
	"Permissions-Policy":           "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
}

// Wrap answers what is not allowed, and leaves the rest to next, with headers that next
// may change: static files may be cached.
func (a *Access) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		for name, value := range headers {
			w.Header().Set(name, value)
		}
		if refused := a.refuse(w, req); refused != nil {
			refused.write(w)
			return
		}
		placeOf(req).allow(false)
		next.ServeHTTP(w, req)
	})
}

// refusal is why a request is not answered.
type refusal struct {
	status int
	text   string
}

func (r *refusal) write(w http.ResponseWriter) { http.Error(w, r.text, r.status) }

// refuse returns why a request is not answered; nil where it is.
func (a *Access) refuse(w http.ResponseWriter, req *http.Request) *refusal {
	if !a.hosts.answers(req.Host) {
		return &refusal{http.StatusMisdirectedRequest, "this server does not answer in the name of this host; ask by address, by the name that `listen` has, or by one of `listen_names`"}
	}
	if !slices.Contains([]string{http.MethodGet, http.MethodHead, http.MethodPost}, req.Method) {
		w.Header().Set("Allow", "GET, HEAD, POST")
		return &refusal{http.StatusMethodNotAllowed, "only GET, HEAD and POST are answered"}
	}
	if r := foreign(req); r != nil {
		return r
	}
	if !slices.Contains(a.config.Open, req.URL.Path) {
		if r := a.login.refuse(w, req); r != nil {
			return r
		}
	}
	if req.ContentLength > maxBody {
		return &refusal{http.StatusRequestEntityTooLarge, "the request has more of a body than anything here asks for"}
	}
	if req.Body == http.NoBody {
		// The time to read the request is over for a client that has sent it all: what
		// is left of it would otherwise end an answer that takes longer.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	} else {
		req.Body = http.MaxBytesReader(w, req.Body, maxBody)
	}
	if req.Method == http.MethodPost && !a.knows(req) {
		return &refusal{http.StatusForbidden, "the request does not have the token of a page that is in force: load the page again"}
	}
	return nil
}
