package contract

import (
	"bytes"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/tenovos-ingest/ingestd/internal/sandbox"
)

// recorder stands between client and sandbox. It keeps every exchange with the
// API and reports each difference from the document that is no exception.
type recorder struct {
	t    *testing.T
	doc  *document
	next http.RoundTripper

	mu        sync.Mutex
	tamper    func(*http.Request) // may be nil
	exchanges []*exchange
	store     int // requests to the content store
	reported  map[difference]bool
	used      map[place]bool // exceptions
}

func newRecorder(t *testing.T, doc *document) *recorder {
	next := &http.Transport{}
	t.Cleanup(next.CloseIdleConnections)
	return &recorder{t: t, doc: doc, next: next, reported: map[difference]bool{}, used: map[place]bool{}}
}

// RoundTrip passes a request on and looks at it, and at the reply.
func (r *recorder) RoundTrip(req *http.Request) (*http.Response, error) {
	x := &exchange{operation: sandbox.Operation(req), request: req.Clone(req.Context())}
	if strings.HasPrefix(req.URL.Path, "/masters/") {
		r.checkStore(x)
		return r.next.RoundTrip(req)
	}
	r.mu.Lock()
	if r.tamper != nil {
		r.tamper(x.request)
	}
	r.mu.Unlock()
	if req.Body != nil {
		var err error
		x.sent, err = io.ReadAll(req.Body)
		_ = req.Body.Close() // it was only read
		if err != nil {
			return nil, err
		}
		x.request.Body = io.NopCloser(bytes.NewReader(x.sent))
	}
	res, err := r.next.RoundTrip(x.request)
	if err != nil {
		return nil, err
	}
	x.status, x.header = res.StatusCode, res.Header
	x.received, err = io.ReadAll(res.Body)
	_ = res.Body.Close() // it was only read
	if err != nil {
		return nil, err
	}
	res.Body = io.NopCloser(bytes.NewReader(x.received))
	r.record(x)
	return res, nil
}

// checkStore makes sure that the content store gets nothing of the API's.
func (r *recorder) checkStore(x *exchange) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.store++
	for name := range x.request.Header {
		if slices.Contains([]string{"X-Api-Key", "Authorization", "Accesstoken"}, name) {
			r.t.Errorf("%s to the content store carries the API's header %s", x.operation, name)
		}
	}
}

// record files an exchange and judges it.
func (r *recorder) record(x *exchange) {
	list := r.doc.check(x)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.exchanges = append(r.exchanges, x)
	for _, d := range list {
		if at, ok := excepted(r.doc.version, d); ok {
			r.used[at] = true
		} else if !r.reported[d] {
			r.reported[d] = true
			r.t.Errorf("API %s: not as documented: %v", r.doc.version, d)
		}
	}
}

// tampering changes each request to the API on its way until the next call; nil
// changes nothing.
func (r *recorder) tampering(f func(*http.Request)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tamper = f
}

// answered tells which statuses an operation was answered with.
func (r *recorder) answered(operation string) map[int]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[int]bool{}
	for _, x := range r.exchanges {
		if x.operation == operation {
			out[x.status] = true
		}
	}
	return out
}

// granted are the exchanges of an operation that succeeded.
func (r *recorder) granted(operation string) iter.Seq[*exchange] {
	r.mu.Lock()
	list := slices.Clone(r.exchanges)
	r.mu.Unlock()
	return func(yield func(*exchange) bool) {
		for _, x := range list {
			if x.operation == operation && x.status == http.StatusOK && !yield(x) {
				return
			}
		}
	}
}
