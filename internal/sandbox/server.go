package sandbox

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Server is the stand-in. It is safe for concurrent use.
type Server struct {
	account atomic.Pointer[Account] // replaced, never changed
	dir     string
	clock   func() time.Time
	store   StoreSigner
	reader  *http.Client // reads what another store holds
	key     []byte       // signs URLs and tokens
	closing chan struct{}
	ahead   atomic.Int64 // Options.ClockAhead

	mu       sync.Mutex
	opt      Options
	db       *db
	sessions sessions
	faults   faults
	log      requestLog
	counts   Counts
	bad      []Violation
}

// Counts are what happened so far.
type Counts struct {
	Requests      map[string]int `json:"requests"` // by operation
	Logins        int            `json:"logins"`   // with a password, granted
	LoginsRefused int            `json:"loginsRefused"`
	Refreshes     int            `json:"refreshes"` // granted
	BytesReceived int64          `json:"bytesReceived"`
}

// Violation is something that a client must not do, whether or not the service
// noticed.
type Violation struct {
	At        time.Time `json:"at"`
	Operation string    `json:"operation"`
	Rule      string    `json:"rule"` // what was violated, stable text
	Detail    string    `json:"detail,omitempty"`
}

// New opens the sandbox below o.Dir and takes up what an earlier one left there
// when it was closed.
func New(o Options) (*Server, error) {
	if o.Dir == "" {
		return nil, errors.New("sandbox: Dir is needed: content is kept on disk")
	}
	if err := o.complete(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s := &Server{dir: o.Dir, store: o.Store, reader: &http.Client{Transport: &http.Transport{}}, opt: o, db: newDB(),
		sessions: newSessions(), closing: make(chan struct{}), counts: Counts{Requests: map[string]int{}}}
	account := o.Account
	if account == nil {
		account = DefaultAccount()
	} else if err := account.complete(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	s.account.Store(account)
	s.clock = s.clockOf(o.Clock)
	s.ahead.Store(int64(o.ClockAhead))
	s.key = make([]byte, 32)
	if _, err := rand.Read(s.key); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	if err := os.RemoveAll(s.path("tmp")); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	for _, d := range []string{"tmp", "content", "uploads"} {
		if err := os.MkdirAll(s.path(d), 0o700); err != nil {
			return nil, fmt.Errorf("sandbox: %w", err)
		}
	}
	if err := s.load(); err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	return s, nil
}

// Close ends requests that are waiting in a delay or a stall and writes the
// state to disk. It may be called before or after the http.Server is shut down;
// a request that ends later is answered, but what it changes is not written.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.closing:
		return nil
	default:
	}
	close(s.closing)
	s.reader.CloseIdleConnections()
	if err := s.save(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	return nil
}

// Account returns what the customer has configured. It is not to be changed.
func (s *Server) Account() *Account { return s.account.Load() }

// Options returns the knobs in force.
func (s *Server) Options() Options {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opt
}

// Configure changes knobs while the server runs. Dir, Account, Clock and Store
// stay as they were given to New.
func (s *Server) Configure(change func(*Options)) error {
	return s.configure(func(o *Options) error { change(o); return nil })
}

func (s *Server) configure(change func(*Options) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	o := s.opt
	if err := change(&o); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := o.complete(); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	s.opt = o
	s.ahead.Store(int64(o.ClockAhead))
	return nil
}

// Handler serves the API, the content store and the control paths.
func (s *Server) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if rest, ok := strings.CutPrefix(r.URL.Path, "/_sandbox/"); ok {
			s.control(w, r, rest)
			return
		}
		s.serve(w, r)
	})
}

// call is one request on its way through the server.
type call struct {
	s    *Server
	w    http.ResponseWriter
	r    *http.Request
	op   string
	o    Options // as they were when the request arrived
	id   string  // {id} of the path
	user *User   // who asks; nil before and during login
	body []byte  // of an API request
}

// serve carries one request through fault, delay, work and reply.
func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	rt, id := route(r)
	// A copy, for net/http has to find its own body in r: else it does not know
	// that a body waits for 100 Continue, and waits for the body.
	r = r.WithContext(r.Context())
	c := &call{s: s, w: w, r: r, op: rt.op, id: id}
	rec := s.begin(c)
	defer c.ignoreExpect()()
	counted := &countingBody{ReadCloser: r.Body}
	r.Body = counted
	out := &reply{}
	defer func() {
		if out.close != nil {
			_ = out.close() // it was only read
		}
		s.end(rec, counted.n, out)
	}()

	c.tellDate()
	if c.proxied(out) {
		rec.fault = "Proxy"
		out.send(c.w)
		return
	}
	f := s.takeFault(c)
	rec.fault = string(f.Kind)
	if !f.before(c, out) {
		return
	}
	delay := c.o.APIDelay
	if isStore(c.op) {
		delay = c.o.StoreDelay
	}
	c.wait(delay)
	rt.serve(c, out)
	f.after(c, out)
}

// sleep waits, and reports false when the client left or the server closes.
func (s *Server) sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
	case <-s.closing:
	}
	return false
}

// wait sleeps before or after the work; when it is cut short there is nobody to
// answer and the connection is dropped.
func (c *call) wait(d time.Duration) {
	if !c.s.sleep(c.r.Context(), d) {
		panic(http.ErrAbortHandler)
	}
}

// violate records a violation.
func (c *call) violate(rule, format string, args ...any) {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	c.violateLocked(rule, format, args...)
}

func (c *call) violateLocked(rule, format string, args ...any) {
	c.s.bad = append(c.s.bad, Violation{At: c.s.clock(), Operation: c.op, Rule: rule, Detail: fmt.Sprintf(format, args...)})
}

func (s *Server) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// countingBody counts the bytes that were read of a request.
type countingBody struct {
	io.ReadCloser
	n int64
}

func (b *countingBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.n += int64(n)
	return n, err
}
