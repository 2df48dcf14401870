package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/tenovos-ingest/ingestd/journal"
)

// Serve answers GET /healthz and GET /status.json on a listener until ctx ends.
// /healthz is 503 while the journal cannot be read.
func Serve(ctx context.Context, l net.Listener, r *journal.Reader) error {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, req *http.Request) {
		if _, err := r.Counts(req.Context()); err != nil {
			http.Error(w, "the journal cannot be read", http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, req *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := WriteJSON(req.Context(), w, r, true, req.URL.Query().Has("all")); err != nil {
			http.Error(w, "the journal cannot be read", http.StatusInternalServerError)
		}
	})
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second, WriteTimeout: time.Minute}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		_ = srv.Close()
	})
	err := srv.Serve(l)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve the status page: %w", err)
}
