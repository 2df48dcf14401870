package access

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// limits bound what clients can take of connections and of time.
type limits struct {
	places   int           // connections at once; each costs some 20 KiB and a file descriptor
	fairNew  time.Duration // within which a new connection may send a request that is allowed, where places are short
	fairBusy time.Duration // within which that may be answered, where places are short
	header   time.Duration // within which the head of a request has to be there
	read     time.Duration // and all of it
	write    time.Duration // within which a reply has to be taken that is no event stream
	stalled  time.Duration // within which a client has to take what is written at once, some KiB
	idle     time.Duration // between two requests
}

var usual = limits{
	places: 256, fairNew: 100 * time.Millisecond, fairBusy: time.Second,
	header: 5 * time.Second, read: 10 * time.Second, write: time.Minute, stalled: 10 * time.Second, idle: 30 * time.Second,
}

// places bounds the connections of a listener. Where all places are taken, a connection
// that is idle, or has not sent a request that is allowed, makes room for the next one, and
// else one whose request takes long. So whoever holds places without asking for anything
// keeps nobody else from being answered, nor the process from opening files.
type places struct {
	net.Listener
	limits limits
	closed chan struct{}
	left   chan struct{} // told when a place is left, or may be taken away
	once   sync.Once

	mu    sync.Mutex
	taken map[*place]bool
}

// place is a connection that has a place. Its fields are guarded by places.mu.
type place struct {
	net.Conn
	all   *places
	since time.Time // when it came, got a request that is allowed, or became idle
	idle  bool      // it got a reply, and has sent nothing since
	busy  bool      // with a request that is allowed
	stays bool      // with an event stream

	until atomic.Int64 // when a reply has to be written, in nanoseconds; 0 is any time
}

// placeKey is where the context of a request has its place.
type placeKey struct{}

func newPlaces(l net.Listener, lim limits) *places {
	return &places{Listener: l, limits: lim, closed: make(chan struct{}), left: make(chan struct{}, 1), taken: make(map[*place]bool, lim.places)}
}

// Accept implements net.Listener.
func (l *places) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	p := &place{Conn: c, all: l, since: time.Now()}
	for {
		wait, ok := l.take(p)
		if ok {
			return p, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-l.left:
		case <-l.closed:
			timer.Stop()
			_ = c.Close()
			return nil, net.ErrClosed
		}
		timer.Stop()
	}
}

// take gives a connection a place, that of another one if need be, or says when it may be
// worth to try again.
func (l *places) take(p *place) (wait time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.taken) >= l.limits.places {
		victim, at := l.next()
		if wait := time.Until(at); wait > 0 {
			return wait, false
		}
		delete(l.taken, victim)
		_ = victim.Conn.Close()
	}
	l.taken[p] = true
	return 0, true
}

// next is the connection that has to give way first, and when. l.mu is held, and somebody has
// a place.
func (l *places) next() (victim *place, at time.Time) {
	for p := range l.taken {
		if when, may := p.givesWay(); may && (victim == nil || when.Before(at)) {
			victim, at = p, when
		}
	}
	if victim == nil {
		return nil, time.Now().Add(l.limits.fairBusy)
	}
	return victim, at
}

// givesWay returns whether a connection may have to give way, and from when.
func (p *place) givesWay() (at time.Time, may bool) {
	switch {
	case p.busy:
		return p.since.Add(p.all.limits.fairBusy), !p.stays
	case p.idle:
		return p.since, true
	default:
		return p.since.Add(p.all.limits.fairNew), true
	}
}

// Close implements net.Listener.
func (l *places) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// state is the server's: what has become of a connection.
func (l *places) state(c net.Conn, s http.ConnState) {
	p, ok := c.(*place)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	switch s {
	case http.StateActive:
		p.idle = false
	case http.StateIdle:
		p.idle, p.busy, p.stays, p.since = true, false, false, time.Now()
		l.tell()
	}
}

func (l *places) tell() {
	select {
	case l.left <- struct{}{}:
	default:
	}
}

// placeOf returns the place of a request; nil outside of Serve.
func placeOf(req *http.Request) *place {
	p, _ := req.Context().Value(placeKey{}).(*place)
	return p
}

// allow notes that a request is answered, as an event stream or not.
func (p *place) allow(stream bool) {
	if p == nil {
		return
	}
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.busy, p.stays, p.since = true, stream, time.Now()
}

// Close implements net.Conn.
func (p *place) Close() error {
	p.all.mu.Lock()
	delete(p.all.taken, p)
	p.all.tell()
	p.all.mu.Unlock()
	return p.Conn.Close()
}

// SetWriteDeadline implements net.Conn: it bounds the whole of a reply.
func (p *place) SetWriteDeadline(t time.Time) error {
	if t.IsZero() {
		p.until.Store(0)
	} else {
		p.until.Store(t.UnixNano())
	}
	return p.Conn.SetWriteDeadline(t)
}

// Write implements net.Conn: a client that takes nothing for a while is given up, however
// long the reply may take.
func (p *place) Write(b []byte) (int, error) {
	at := time.Now().Add(p.all.limits.stalled)
	if until := p.until.Load(); until != 0 && until < at.UnixNano() {
		at = time.Unix(0, until)
	}
	if err := p.Conn.SetWriteDeadline(at); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}
