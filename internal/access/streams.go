package access

import (
	"context"
	"net/http"
	"time"
)

// maxStreams bounds the event streams that are open at once.
const maxStreams = 32

// stream is an event stream that is open.
type stream struct{ end context.CancelFunc }

// Stream is for a handler whose reply goes on for as long as its client listens: it may take
// any time, but each of its writes has to be taken soon, like all others. Beyond maxStreams
// of them the reply is 503. The handler has to return when the context of its request ends,
// which it does with the client, with EndStreams and with the server.
func (a *Access) Stream(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		ctx, cancel := context.WithCancel(req.Context())
		defer cancel()
		s := &stream{end: cancel}
		if !a.enter(s) {
			w.Header().Set("Retry-After", "30")
			http.Error(w, "too many pages are open at once: close some, and load this one again", http.StatusServiceUnavailable)
			return
		}
		defer a.leave(s)
		placeOf(req).allow(true)
		_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
		next.ServeHTTP(w, req.WithContext(ctx))
	})
}

func (a *Access) enter(s *stream) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.streams) >= maxStreams {
		return false
	}
	a.streams[s] = true
	return true
}

func (a *Access) leave(s *stream) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.streams, s)
}

// EndStreams ends those that are open: what they show is another now, and a browser opens
// them again by itself.
func (a *Access) EndStreams() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for s := range a.streams {
		s.end()
	}
}
