package dashboard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/tenovos-ingest/ingestd/internal/report"
	"github.com/tenovos-ingest/ingestd/journal"
)

// Serve answers GET /healthz, GET /status.json and, by what is handed over, GET /metrics on a listener, which is that of the
// configured address listen, until ctx ends. Requests in the name of a host that is not
// this one's, see hosts, get 421.
// /healthz is 503 while the journal cannot be read, by the first of the readers. The
// second one serves the lists alone: a client that is slow to read holds one of its
// connections, and none that anybody else waits for.
func Serve(ctx context.Context, l net.Listener, listen string, health, lists *journal.Reader, metrics http.Handler) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, req *http.Request) {
		if _, err := health.Counts(req.Context()); err != nil {
			http.Error(w, unreadable, http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, req *http.Request) { serveStatus(w, req, lists) })
	mux.Handle("GET /metrics", metrics)
	srv := newServer(listen, mux)
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = srv.Close()
	})
	err := srv.Serve(limit(l, maxConns))
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the status page: %w", err)
}

// newServer bounds what a client can take: time, bytes and, by its hosts, other people's
// browsers.
func newServer(listen string, pages http.Handler) *http.Server {
	return &http.Server{
		Handler:           hostsOf(listen).guard(pages),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      time.Minute,
		IdleTimeout:       30 * time.Second,
		MaxHeaderBytes:    16 << 10,
	}
}

const unreadable = "the journal cannot be read"

func serveStatus(w http.ResponseWriter, req *http.Request, r *journal.Reader) {
	w.Header().Set("Content-Type", "application/json")
	out := &counted{Writer: w}
	err := report.WriteJSON(req.Context(), out, r, true, req.URL.Query().Has("all"))
	switch {
	case err == nil:
	case out.n == 0:
		http.Error(w, unreadable, http.StatusInternalServerError)
	default: // the status was sent: only a cut connection tells that this is not all
		panic(http.ErrAbortHandler)
	}
}

// counted counts the bytes that went through it.
type counted struct {
	io.Writer
	n int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.Writer.Write(b)
	c.n += int64(n)
	return n, err
}
