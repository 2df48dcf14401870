package uploader

import (
	"net/http/httptrace"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// expectFrom is the size of a part, in bytes, from which it is announced with Expect:
	// 100-continue. The question costs a turn of the network, and saves the bytes of a part
	// that is refused. Below that a turn is dearer: so much is on its way, in the buffers of
	// both sides, before a refusal could arrive. It is heard all the same, see conn.
	expectFrom = 1 << 20

	// expectWait is how long a 100 Continue is waited for, once for each host that never
	// says it.
	expectWait = time.Second
)

// expectations remembers the hosts that are asked in vain: who refuses the question with
// 417, whoever speaks HTTP/1.0, and who does not answer it, as proxies do that hold the
// headers back until they have the body. Safe for concurrent use.
type expectations struct {
	vain sync.Map // host -> struct{}
}

// from reports whether a part of size bytes is to be announced to a host.
func (e *expectations) from(host string, size int64) bool {
	_, vain := e.vain.Load(host)
	return size >= expectFrom && !vain
}

// drop has a host not be asked any more.
func (e *expectations) drop(host string) { e.vain.Store(host, struct{}{}) }

// exchange is what net/http tells of one request. An Expect: 100-continue was asked in
// vain where the body is begun before anything was answered.
type exchange struct{ reused, answered atomic.Bool }

func (x *exchange) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GotConn:              func(c httptrace.GotConnInfo) { x.reused.Store(c.Reused) },
		GotFirstResponseByte: func() { x.answered.Store(true) }, // of a final one, too
	}
}

// maxStale is how many bytes of a part can have been written to a kept-alive connection,
// at most, before it shows that the store had closed it.
const maxStale = 1 << 20

// staleError is a request on a kept-alive connection that the store had closed: it says
// nothing about the store.
type staleError struct{ error }

func (e *staleError) Unwrap() error { return e.error }

// maxStales is how often a part meets one of those before its error counts.
const maxStales = 3
