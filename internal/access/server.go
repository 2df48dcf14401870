package access

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync"

	"github.com/rs/zerolog"
)

// Listen opens the address. One that turns out to be no address of this machine alone, such
// as a name that resolves to another, is not opened without a login.
func (a *Access) Listen(ctx context.Context) (net.Listener, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.config.Listen)
	if err != nil {
		return nil, a.explain(err)
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !a.config.Login.Needed() && (!ok || !tcp.IP.IsLoopback()) {
		_ = l.Close() // nobody was answered
		return nil, fmt.Errorf("%s is %s, which other machines can reach, and there is no login for it: set `listen_auth`, or listen on 127.0.0.1", a.config.Listen, l.Addr())
	}
	return l, nil
}

// Serve answers what comes in on a listener and is allowed with pages, until ctx ends. Then
// whatever is under way is cut off, and Serve returns when all of it has returned.
func (a *Access) Serve(ctx context.Context, l net.Listener, pages http.Handler) error {
	var gate sync.RWMutex // read-locked by each request under way; locked for good in the end
	wrapped := a.Wrap(pages)
	srv := newServer(a.limits, http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if !gate.TryRLock() {
			panic(http.ErrAbortHandler)
		}
		defer gate.RUnlock()
		wrapped.ServeHTTP(w, req)
	}))
	places := newPlaces(l, a.limits)
	srv.ConnState = places.state
	srv.ErrorLog = log.New(serverLog{a.config.Log}, "", 0)
	srv.ConnContext = func(ctx context.Context, c net.Conn) context.Context { return context.WithValue(ctx, placeKey{}, c) }
	requests, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	srv.BaseContext = func(net.Listener) context.Context { return requests }
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		end()
		_ = srv.Close()
	})
	err := srv.Serve(places)
	if !stop() {
		<-stopped
	}
	end()
	_ = srv.Close() // an error of the listener leaves connections behind
	gate.Lock()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the status page: %w", err)
}

// newServer bounds what a client can take of time and memory. What is written has bounds of
// its own in place.
func newServer(lim limits, h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: lim.header,
		ReadTimeout:       lim.read,
		WriteTimeout:      lim.write,
		IdleTimeout:       lim.idle,
		MaxHeaderBytes:    16 << 10,
	}
}

// serverLog is where net/http writes to: a page that breaks off is a mistake in this program,
// and the rest can be had by anybody with a request that is not one, as often as they like.
type serverLog struct{ log zerolog.Logger }

// Write implements io.Writer.
func (l serverLog) Write(b []byte) (int, error) {
	level := zerolog.DebugLevel
	if bytes.HasPrefix(b, []byte("http: panic serving")) {
		level = zerolog.ErrorLevel
	}
	l.log.WithLevel(level).Msg(string(bytes.TrimSpace(b)))
	return len(b), nil
}
