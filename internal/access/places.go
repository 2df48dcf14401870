package access

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// What the connections may take.
const (
	maxPlaces = 256                    // connections at once; each costs some 20 KiB and a file descriptor
	fairNew   = 100 * time.Millisecond // within which a new connection may send something
	fairBusy  = 5 * time.Second        // within which a request may be answered
	stalled   = 10 * time.Second       // within which a client has to take what is written
)

// places bounds the connections of a listener. Where all places are taken, a connection
// that is idle, or has not sent anything yet, makes room for the next one, and without any
// a request that takes long. So whoever holds places without asking for anything keeps
// nobody else from being answered, and the process from opening files.
type places struct {
	net.Listener
	most   int
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
	since time.Time // when it came, became busy or became idle
	busy  bool      // a request has begun, and is not answered yet
	asked bool      // it sent something, once
	stays bool      // it is an event stream's

	until atomic.Int64 // when a reply has to be written, in nanoseconds; 0 is any time
}

// placeKey is where the context of a request has its place.
type placeKey struct{}

func newPlaces(l net.Listener, most int) *places {
	return &places{Listener: l, most: most, closed: make(chan struct{}), left: make(chan struct{}, 1), taken: make(map[*place]bool, most)}
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
	if len(l.taken) >= l.most {
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

// next is the connection that has to give way first, and when: one that is idle at once, the
// longest idle first; then a new one, then a busy one. l.mu is held, and somebody has a place.
func (l *places) next() (victim *place, at time.Time) {
	for p := range l.taken {
		if when, may := p.givesWay(); may && (victim == nil || when.Before(at)) {
			victim, at = p, when
		}
	}
	if victim == nil {
		return nil, time.Now().Add(stalled)
	}
	return victim, at
}

func (p *place) givesWay() (at time.Time, may bool) {
	switch {
	case p.busy:
		return p.since.Add(fairBusy), !p.stays
	case p.asked:
		return p.since, true
	default:
		return p.since.Add(fairNew), true
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
		p.busy, p.asked, p.since = true, true, time.Now()
	case http.StateIdle:
		p.busy, p.stays, p.since = false, false, time.Now()
		l.tell()
	}
}

func (l *places) tell() {
	select {
	case l.left <- struct{}{}:
	default:
	}
}

// stay keeps the place while its request lasts.
func (p *place) stay() {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	p.stays = true
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
	at := time.Now().Add(stalled)
	if until := p.until.Load(); until != 0 && until < at.UnixNano() {
		at = time.Unix(0, until)
	}
	if err := p.Conn.SetWriteDeadline(at); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}
